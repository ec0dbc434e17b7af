/* SPDX-License-Identifier: Apache-2.0 */
#include "format/detail.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
    [DETAIL_FULL] = "full",       [DETAIL_SAMPLED] = "sampled",
    [DETAIL_CHANGES] = "changes", [DETAIL_SUMMARY] = "summary",
    [DETAIL_AUTO] = "auto",
};

const char *detail_mode_name(enum detail_mode mode)
{
    return names[mode];
}

bool detail_mode_parse(const char *name, enum detail_mode *ret_mode)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_mode = (enum detail_mode)i;
            return true;
        }
    }
    return false;
}
