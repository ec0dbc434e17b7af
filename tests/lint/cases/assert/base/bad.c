/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

int bad(int value)
{
    assert(value > 0);
    return value;
}
