/* SPDX-License-Identifier: Apache-2.0 */
/* json: metadata bytes to a jansson tree, within limits, and picking members out of it.
 *
 * Metadata arrive from strangers and are parsed before their signature is known to be
 * good, so size and depth are bounded first. Duplicate members, real numbers (1e3 too),
 * NUL characters, invalid UTF-8 and integers beyond 64 bits refuse the whole text: none
 * of them has one meaning for every reader. The json_get functions set a JSON pointer in
 * the error and borrow from the tree. */
#ifndef MUSTER_TUF_JSON_H
#define MUSTER_TUF_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { TUF_JSON_DEPTH_MAX = 16 };

/* Owns a json_t for the scope. */
static inline void tuf_json_release(json_t **tree)
{
    json_decref(*tree);
}

#define JSON_AUTO __attribute__((cleanup(tuf_json_release))) json_t

/* Parses `len` bytes holding one JSON object. ERR_TUF_TOO_LARGE beyond `max_bytes` or
 * depth 16, ERR_TUF_FORMAT for everything else. The caller drops the reference. */
enum status tuf_json_parse(const void *data, size_t len, size_t max_bytes,
                           json_t **ret_tree, struct err *err) MUST_USE;

/* Members of an object that must be there with that type; ERR_TUF_FORMAT naming the
 * member, what was expected and what was found. Borrowed. */
enum status tuf_json_object(const json_t *object, const char *name,
                            const json_t **ret_value, struct err *err) MUST_USE;
enum status tuf_json_array(const json_t *object, const char *name,
                           const json_t **ret_value, struct err *err) MUST_USE;
enum status tuf_json_text(const json_t *object, const char *name, const char **ret_value,
                          struct err *err) MUST_USE;

/* An integer member in [min, INT64_MAX]. */
enum status tuf_json_integer(const json_t *object, const char *name, int64_t min,
                             int64_t *ret_value, struct err *err) MUST_USE;

/* "null", "an object", "a list", "a text", "a number", "true", "false" or "nothing" (for
 * NULL). Static storage. */
const char *tuf_json_kind(const json_t *value);

#endif
