/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BAD_H
#define BAD_H
int bad_value;
#endif
int bad_other;
