/* SPDX-License-Identifier: Apache-2.0 */
/* delegation: which other roles may list which targets.
 *
 * Targets metadata hand parts of the path space to roles with keys of their own: by shell
 * patterns, by prefixes of the path's SHA-256, or evenly over numbered roles (succinct,
 * TAP 15). Everything borrows from the tree of the metadata that it was read from. */
#ifndef MUSTER_TUF_DELEGATION_H
#define MUSTER_TUF_DELEGATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tuf/metadata.h"

enum {
    TUF_DELEGATIONS_MAX = 1024, /* roles of one file */
    TUF_PATTERNS_MAX = 4096,    /* paths or prefixes of one role */
    TUF_ROLE_NAME_MAX = 128,    /* bytes of a role's name with its NUL */
    TUF_SUCCINCT_BITS_MAX = 32,
};

/* A delegated role by name. */
struct tuf_delegation {
    const char *name;
    struct tuf_authority authority;
    bool terminating;
    const json_t *paths;    /* list of patterns, or NULL */
    const json_t *prefixes; /* list of hex texts, or NULL; one of both is there */
};

/* 2^bits roles "<prefix>-<number>"; the number is the first bits of the path's SHA-256.
 */
struct tuf_succinct {
    struct tuf_authority authority;
    int64_t bits; /* 1 … 32; 0: there are no succinct roles */
    const char *prefix;
};

struct tuf_delegations {
    struct tuf_keyring keyring;
    size_t count;
    struct tuf_delegation *roles; /* owned, in order; empty with succinct roles */
    struct tuf_succinct succinct;
};

/* A role that may list a path. */
struct tuf_delegate {
    char name[TUF_ROLE_NAME_MAX];
    struct tuf_authority authority; /* its keys are the keyring's of the delegations */
    bool terminating;               /* no role behind it is asked */
};

/* Reads "delegations". ERR_TUF_FORMAT, ERR_TUF_ROLE (names twice or unusable, no keys),
 * ERR_TUF_TOO_LARGE. Freed with delegations_free. */
enum status delegations_read(const json_t *object, struct tuf_delegations **ret_all,
                             struct err *err) MUST_USE;
void delegations_free(struct tuf_delegations *all);

/* The role of index `*at` or behind it that may list `path`; *at becomes the index behind
 * it. *ret_found false when there is none. */
enum status delegations_next(const struct tuf_delegations *all, const char *path,
                             size_t *at, struct tuf_delegate *ret_role, bool *ret_found,
                             struct err *err) MUST_USE;

/* The delegated role of that name, whatever it may list; false when there is none. */
bool delegations_find(const struct tuf_delegations *all, const char *name,
                      struct tuf_delegate *ret_role);

/* Whether a text may name a delegated role: 1 to 127 bytes, not the name of a top-level
 * role. Any byte may be in it: as a file's name it is encoded by role_file_name. */
bool delegation_name_valid(const char *name);

#endif
