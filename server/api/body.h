/* SPDX-License-Identifier: Apache-2.0 */
/* body: reading JSON bodies, with the codes and pointers that docs/PROTOCOL.md promises.
 *
 * Every function records its error in request->err. Texts are borrowed from the tree. An
 * object's members that nobody asks for are ignored. */
#ifndef MUSTER_SERVER_API_BODY_H
#define MUSTER_SERVER_API_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "server/http/request.h"
#include "server/service/nodes.h"

/* jansson takes up to 230 bytes for a value of three; no body here needs many. */
enum { BODY_VALUES_MAX = 4096 };

static inline void body_release(json_t **tree)
{
    json_decref(*tree);
}

/* Owns a tree for the scope. */
#define BODY_AUTO __attribute__((cleanup(body_release))) json_t

/* The body as an object. 400 for syntax, depth, duplicate members and numbers that cannot
 * be; 413 for too many values; 422 for anything but an object. */
enum status body_parse(struct request *request, json_t **ret_tree) MUST_USE;

/* A text member of `low` to `high` bytes; ERR_JSON_MISSING, _TYPE, _LENGTH. */
struct body_text {
    const char *name;
    size_t low, high;
    const char *fallback; /* when the member is missing; NULL: it is required */
};
enum status body_text(struct request *request, const json_t *object,
                      const struct body_text *wanted, const char **ret_text) MUST_USE;

/* An integer member; ERR_JSON_MISSING, _TYPE, _RANGE. */
struct body_integer {
    const char *name;
    int64_t low, high;
    bool optional;
    int64_t fallback;
};
enum status body_integer(struct request *request, const json_t *object,
                         const struct body_integer *wanted, int64_t *ret_value) MUST_USE;

/* A boolean member, false when it is missing. */
enum status body_boolean(struct request *request, const json_t *object, const char *name,
                         bool *ret_value) MUST_USE;

/* Exactly `len` bytes as hex digits. */
enum status body_hex(struct request *request, const json_t *object, const char *name,
                     uint8_t *ret_data, size_t len) MUST_USE;

/* The member "labels": keys and values as PROTOCOL.md wants them; empty when missing.
 * With `removals` a value may be null. */
enum status body_labels(struct request *request, const json_t *object, bool removals,
                        struct label_list *ret_labels) MUST_USE;

#endif
