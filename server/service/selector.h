/* SPDX-License-Identifier: Apache-2.0 */
/* selector: which nodes are meant, such as `site=lyon,arch in (aarch64,armhf)`.
 *
 *   selector = "" | term { "," term }
 *   term     = key ("=" | "!=") value | key ["not"] "in" "(" value { "," value } ")"
 *   key      = [a-z0-9_.-]{1,32}
 *   value    = a bare word without , ( ) = ! " and white space, or "…" with \" and \\
 *
 * All terms must hold. A node without the label fails "=" and "in" and passes "!=" and
 * "not in". A parsed selector owns no heap memory. */
#ifndef MUSTER_SERVER_SERVICE_SELECTOR_H
#define MUSTER_SERVER_SERVICE_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SELECTOR_BYTES_MAX = 1024, SELECTOR_TERMS_MAX = 32 };

struct selector_term {
    uint16_t key;    /* offset in `pool` */
    uint16_t values; /* offset of the first of `count` texts, one behind the other */
    uint16_t count;
    bool negated;
};

struct selector {
    struct selector_term terms[SELECTOR_TERMS_MAX];
    size_t count;
    char pool[SELECTOR_BYTES_MAX + 2]; /* NUL-terminated texts */
};

/* A node's value of a key, NULL when it has none. */
typedef const char *selector_lookup(const void *context, const char *key);

/* Reads a selector of at most SELECTOR_BYTES_MAX bytes. ERR_SELECTOR_SYNTAX says where.
 */
enum status selector_parse(const char *text, struct selector *ret_selector,
                           struct err *err) MUST_USE;

/* Whether all terms hold. */
bool selector_matches(const struct selector *selector, selector_lookup *lookup,
                      const void *context);

/* Whether a text may be the key of a label. */
bool selector_key_valid(const char *text);

#endif
