/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

int bad(char *to, int id)
{
    return snprintf(to, 80, "DELETE FROM thing WHERE id = %d", id);
}
