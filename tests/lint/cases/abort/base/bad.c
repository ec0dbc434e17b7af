/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

int bad(int value)
{
    if (value) {
        exit(value);
    }
    abort();
}
