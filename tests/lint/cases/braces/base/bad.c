/* SPDX-License-Identifier: Apache-2.0 */
int bad(int value)
{
    if (value)
        return 1;
    return 2;
}
