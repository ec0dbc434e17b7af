/* SPDX-License-Identifier: Apache-2.0 */
/* buf: a growing byte buffer with a ceiling.
 *
 * The ceiling is given when it is made; growing past it (or failing to allocate) sets
 * `failed`, drops the write and every later one, so that a caller may append many times
 * and check once with buf_status. `data` is always followed by a NUL that `len` does not
 * count (once non-NULL). Not thread-safe. */
#ifndef MUSTER_BASE_BUF_H
#define MUSTER_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
    char *data; /* NULL while empty */
    size_t len;
    size_t cap;
    size_t max;  /* ceiling in bytes */
    bool failed; /* a write was dropped */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})
#define BUF_AUTO __attribute__((cleanup(buf_release))) struct buf

/* Frees the memory; the buffer is empty and usable again. */
void buf_release(struct buf *buf);

/* Empties it, keeps the memory, clears `failed`. */
void buf_reset(struct buf *buf);

/* Appends bytes, a string, one byte or formatted text. */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_addstr(struct buf *buf, const char *text);
void buf_addc(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends a decimal integer; much faster than buf_addf. */
void buf_addi(struct buf *buf, int64_t value);

/* Appends `text` as a JSON string with its quotes; the text must be valid UTF-8. */
void buf_add_json(struct buf *buf, const char *text);

/* Makes room for `extra` more bytes and returns where they go, or NULL. Add to `len`
 * after. */
char *buf_reserve(struct buf *buf, size_t extra);

/* OK, or ERR_LIMIT once a write was dropped. */
enum status buf_status(const struct buf *buf, struct err *err) MUST_USE;

/* Gives the heap memory away (NUL-terminated, "" if empty, NULL without memory); empties
 * it. */
char *buf_take(struct buf *buf);

#endif
