/* SPDX-License-Identifier: Apache-2.0 */
#if BAD > 0
#endif
#if BAD > 1
#endif
#if BAD > 2
#endif
#if BAD > 3
#endif
#if BAD > 4
#endif
#if BAD > 5
#endif
int bad;
