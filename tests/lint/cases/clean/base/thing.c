/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thing.h"

int thing_double(int value)
{
    return 2 * value;
}
