/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thing.h"

int bad(enum colour colour)
{
    switch (colour) {
    case RED:
        return 1;
    default:
        return 2;
    }
}
