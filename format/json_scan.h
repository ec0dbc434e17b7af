/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan: reads strict JSON (docs/PROTOCOL.md section 1) from bytes, without a tree.
 *
 * The caller walks: it peeks at the next value, reads it, enters objects and lists, and
 * skips what it does not know; everything is checked on the way, skipped parts too:
 * grammar, UTF-8, surrogates, \u0000, depth, numbers beyond a double, members given
 * twice. Known members are found twice by a bit each; the other keys of an object are
 * kept as {hash, offset} and compared when it ends (sorted, so that keys chosen to
 * collide cost no more than others). Heap memory: 8 bytes an unknown member, and a copy
 * of any number that needs strtod; json_scan_release frees it. */
#ifndef MUSTER_FORMAT_JSON_SCAN_H
#define MUSTER_FORMAT_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { JSON_DEPTH_MAX = 32, JSON_UNKNOWN = -1, JSON_END = -2 };

struct json_scan {
    const char *start, *at, *end;
    unsigned depth;
    uint64_t *keys; /* unknown keys of the open objects: hash << 32 | offset; owned */
    size_t key_count, key_room;
    struct buf number; /* copy for strtod */
    struct err *err;
};

/* A member's name. */
struct json_name {
    const char *text;
    size_t len;
};
#define JSON_NAME(literal)                                                               \
    {                                                                                    \
        literal, sizeof(literal) - 1                                                     \
    }

/* An object being walked. */
struct json_members {
    const struct json_name *names; /* the known ones, at most 32 */
    int count;
    uint32_t seen;    /* a bit for each known name that was met */
    int guess;        /* where to look first */
    size_t keys_from; /* where its unknown keys begin in `keys` */
    bool started;
};

/* A number as it stands in the text. */
struct json_number {
    const char *text;
    size_t len;
    uint64_t digits;  /* the first 19 significant ones */
    int64_t exponent; /* value = digits * 10^exponent, if exact */
    bool exact;       /* no digit was left out */
    bool negative;
    bool integer; /* neither fraction nor exponent */
};

/* A string as it stands in the text, without its quotes. */
struct json_text {
    const char *raw;
    size_t len;
    bool escaped;
};

/* Starts on `len` bytes, which stay the caller's. Errors go to `err` (not NULL). */
void json_scan_init(struct json_scan *scan, const char *body, size_t len,
                    struct err *err);
void json_scan_release(struct json_scan *scan);
#define JSON_SCAN_AUTO __attribute__((cleanup(json_scan_release))) struct json_scan

/* Steps over white space; the byte that follows, or 0 at the end. */
static inline char json_scan_peek(struct json_scan *scan)
{
    while (scan->at < scan->end) {
        char c = *scan->at;
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            return c;
        }
        scan->at++;
    }
    return '\0';
}

/* Records an error with "at byte N". */
enum status json_scan_fail(struct json_scan *scan, enum status status, const char *what);

/* ERR_JSON_TYPE: "<name> must be <wanted>, found a string". */
enum status json_scan_wrong_type(struct json_scan *scan, const char *name,
                                 const char *wanted);

/* Enters an object (the next byte is '{'). Then json_scan_member until JSON_END: the
 * index of a known name or JSON_UNKNOWN, standing before the value, which must be read or
 * skipped. */
enum status json_scan_enter_object(struct json_scan *scan, const struct json_name *names,
                                   int count, struct json_members *ret_members) MUST_USE;
enum status json_scan_member(struct json_scan *scan, struct json_members *members,
                             int *ret_index) MUST_USE;

/* Enters a list (the next byte is '['). Then json_scan_item until *ret_more is false;
 * `first` is true on the first call. */
enum status json_scan_enter_list(struct json_scan *scan) MUST_USE;
enum status json_scan_item(struct json_scan *scan, bool first, bool *ret_more) MUST_USE;

/* Reads a value of that kind; the caller peeked. A number beyond a double is
 * ERR_JSON_NUMBER. */
enum status json_scan_number(struct json_scan *scan,
                             struct json_number *ret_number) MUST_USE;
enum status json_scan_double(struct json_scan *scan, const struct json_number *number,
                             double *ret_value) MUST_USE;
enum status json_scan_string(struct json_scan *scan, struct json_text *ret_text) MUST_USE;
enum status json_scan_literal(struct json_scan *scan, const char *literal) MUST_USE;

/* Checks and steps over any value. */
enum status json_scan_skip(struct json_scan *scan) MUST_USE;

/* ERR_JSON_SYNTAX unless only white space is left. */
enum status json_scan_finish(struct json_scan *scan) MUST_USE;

/* Checks a whole text. */
enum status json_scan_validate(const char *body, size_t len, struct err *err) MUST_USE;

/* Decodes into `room` bytes, NUL-terminated; the length in bytes, or `room` or more when
 * it does not fit. */
size_t json_text_decode(const struct json_text *text, char *ret_text, size_t room);

#endif
