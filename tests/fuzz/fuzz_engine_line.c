/* SPDX-License-Identifier: Apache-2.0 */
/* What a program of --on-install says, which is also what the record of an engine holds:
 * a name that is taken stays in its folder and is not the record's. */
#include <stdlib.h>
#include <string.h>

#include "format/runner_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[RUNNER_ENGINE_BYTES];
    struct err err = {0};
    enum status status = runner_engine_parse((const char *)data, size, name, &err);
    if (status != OK) {
        if (status != ERR_ENGINE_REFUSED && status != ERR_RUNNER_PROTOCOL) {
            abort();
        }
        return 0;
    }
    if (!memchr(name, '\0', sizeof name) || name[0] == '\0' || name[0] == '.' ||
        strpbrk(name, "/\\ \n\r\t") || strcmp(name, "record.json") == 0) {
        abort();
    }
    return 0;
}
