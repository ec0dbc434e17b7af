/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

struct status_row {
    const char *name;
    int http;
    const char *meaning;
};

static const struct status_row status_rows[STATUS_COUNT] = {
    [OK] = {"ok", 200, "it worked"},
#define E(symbol, http, stable, meaning) [symbol] = {stable, http, meaning},
#include "base/errors.def"
#undef E
};

enum status err_setv(struct err *err, enum status status, const char *format,
                     va_list args)
{
    if (err && err->status == OK) {
        err->status = status;
        err->pointer[0] = '\0';
        (void)vsnprintf(err->detail, sizeof err->detail, format, args);
        utf8_mend(err->detail);
    }
    return status;
}

enum status err_set(struct err *err, enum status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)err_setv(err, status, format, args);
    va_end(args);
    return status;
}

enum status err_set_errno(struct err *err, const char *format, ...)
{
    int saved = errno;
    enum status status = saved == ENOSPC || saved == EDQUOT ? ERR_DISK_FULL : ERR_IO;
    if (!err || err->status != OK) {
        return status;
    }
    va_list args;
    va_start(args, format);
    (void)err_setv(err, status, format, args);
    va_end(args);
    size_t used = strlen(err->detail);
    char reason[96];
    const char *text = strerror_r(saved, reason, sizeof reason);
    (void)snprintf(err->detail + used, sizeof err->detail - used, ": %s", text);
    utf8_mend(err->detail);
    errno = saved;
    return status;
}

void err_set_pointer(struct err *err, const char *format, ...)
{
    if (!err || err->status == OK || err->pointer[0] != '\0') {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->pointer, sizeof err->pointer, format, args);
    va_end(args);
    utf8_mend(err->pointer);
}

void err_prefix(struct err *err, const char *format, ...)
{
    if (!err || err->status == OK) {
        return;
    }
    char old[sizeof err->detail];
    memcpy(old, err->detail, sizeof old);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
    size_t used = strlen(err->detail);
    (void)snprintf(err->detail + used, sizeof err->detail - used, ": %.*s",
                   (int)(sizeof old - 3), old);
    utf8_mend(err->detail);
}

void err_clear(struct err *err)
{
    if (err) {
        *err = (struct err){0};
    }
}

const char *status_name(enum status status)
{
    return (unsigned)status < STATUS_COUNT ? status_rows[status].name : "internal";
}

int status_http(enum status status)
{
    return (unsigned)status < STATUS_COUNT ? status_rows[status].http : 500;
}

const char *status_meaning(enum status status)
{
    return (unsigned)status < STATUS_COUNT ? status_rows[status].meaning
                                           : "unknown status";
}
