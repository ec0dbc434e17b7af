/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

void bad(void)
{
    puts("bad");
    fprintf(stdout, "bad");
    fprintf(stderr, "good");
}
