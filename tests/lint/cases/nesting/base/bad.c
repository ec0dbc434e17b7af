/* SPDX-License-Identifier: Apache-2.0 */
int bad(int value)
{
    for (int i = 0; i < value; i++) {
        if (i > 1) {
            while (i > 2) {
                if (value > 3) {
                    return i;
                }
                value++;
            }
        }
    }
    return value;
}
