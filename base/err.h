/* SPDX-License-Identifier: Apache-2.0 */
/* err: status codes and the error object.
 *
 * Functions that can fail return `enum status` (OK is 0) and write detail into a
 * caller-owned `struct err`, always the last parameter, NULL allowed. The first error
 * wins: a later err_set on the same object changes nothing, so cleanup code cannot hide
 * the cause. Nothing here allocates. Detail texts are lower case without a full stop:
 * "could not" if it may work later, "cannot" if never, the offending value in 'quotes'.
 * Detail and pointer are valid UTF-8, wherever they were cut and whatever was put into
 * them.
 */
#ifndef MUSTER_BASE_ERR_H
#define MUSTER_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))

/* Every way to fail; generated from base/errors.def. */
enum status {
    OK = 0,
#define E(symbol, http, stable, meaning) symbol,
#include "base/errors.def"
#undef E
    STATUS_COUNT
};

/* What went wrong. Zero-initialise before use; re-usable after err_clear. */
struct err {
    enum status status; /* OK while nothing failed */
    char pointer[96];   /* JSON pointer (RFC 6901) of the bad item, or "" */
    char detail[240];   /* one sentence for people, always terminated */
};

/* Records `status` and a printf-style detail unless an error is recorded already.
 * Returns `status`, so that `return err_set(...)` reads well. `err` may be NULL. */
enum status err_set(struct err *err, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with a va_list. */
enum status err_setv(struct err *err, enum status status, const char *format,
                     va_list args) __attribute__((format(printf, 3, 0)));

/* As err_set with status `ERR_IO` (`ERR_DISK_FULL` for ENOSPC and EDQUOT), appending
 * strerror(errno) to the detail. */
enum status err_set_errno(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the JSON pointer of a recorded error that has none yet. */
void err_set_pointer(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "<prefix>: " before the detail of a recorded error; cut at the object's size. */
void err_prefix(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Forgets a recorded error. */
void err_clear(struct err *err);

/* The stable string such as "json.syntax"; "ok" for OK. Static storage. */
const char *status_name(enum status status);

/* The HTTP status that answers for it, 200 for OK. */
int status_http(enum status status);

/* The meaning as one sentence. Static storage. */
const char *status_meaning(enum status status);

#endif
