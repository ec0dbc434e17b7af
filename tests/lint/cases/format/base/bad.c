/* SPDX-License-Identifier: Apache-2.0 */
int bad(int value)
{
  return value;
}
