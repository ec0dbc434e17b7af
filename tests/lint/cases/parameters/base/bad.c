/* SPDX-License-Identifier: Apache-2.0 */
int bad(int a, int b, int c, int d, int e, int f, int g)
{
    return a + b + c + d + e + f + g;
}
