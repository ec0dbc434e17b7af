/* SPDX-License-Identifier: Apache-2.0 */
/* The INI file of musterd. */
#include <assert.h>
#include <string.h>

#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CONFIG_AUTO config = {0};
    struct err err = {0};
    if (size > 64U * 1024 || config_init(&config, &err) != OK) {
        return 0;
    }
    enum status status =
        config_read_ini(&config, (const char *)data, size, "fuzz.conf", &err);
    assert((status == OK) == (err.status == OK));
    assert(config.threads >= 1 && config.threads <= 64);
    assert(config.poll_s >= 5 && config.poll_s <= 86400);
    return 0;
}
