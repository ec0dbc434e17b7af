/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

void bad(char *to, const char *from)
{
    strcpy(to, from); /* strcat( in a comment is none */
    strcat(to, "sprintf(");
}
