/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/model.h"

#include <stdarg.h>
#include <stdio.h>

enum muster_nn_status nn_fail(struct muster_nn_error *error, enum muster_nn_status status,
                              const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        error->status = status;
        (void)vsnprintf(error->detail, sizeof error->detail, format, args);
        va_end(args);
    }
    return status;
}
