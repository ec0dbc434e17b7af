/* SPDX-License-Identifier: Apache-2.0 */
/* publication_roles: the delegated roles of a published state, judged as clients would.
 *
 * A client meets a role only where a search leads through it, and which searches there
 * will be nobody knows. So every delegation is followed, from the top-level targets down:
 * a role that the snapshot names must have a file that fits the snapshot's version,
 * length and digests, has not expired, and is signed as EACH role demands that delegates
 * to it. A role that the snapshot does not name yet may be delegated to; but then no
 * search may end there. What is listed is what a search for its path finds: an entry in a
 * role that may not list it, or behind a terminating one, does not count. */
#ifndef MUSTER_SERVER_SERVICE_PUBLICATION_ROLES_H
#define MUSTER_SERVER_SERVICE_PUBLICATION_ROLES_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tuf/trusted_set.h"

enum {
    PUBLICATION_ROLES_MAX = 1024,    /* delegated roles of one state */
    PUBLICATION_ROLE_NAME_MAX = 200, /* bytes of a role's name once it is encoded */
    PUBLICATION_POINTER_BYTES = 2 * TUF_ROLE_NAME_MAX,
};

/* Where the files of roles come from. */
struct role_source {
    /* Appends the file of that version; ERR_NOT_FOUND. */
    enum status (*read)(void *context, const char *role, int64_t version,
                        struct buf *ret_text, struct err *err);
    void *context;
};

/* Accepts every delegated role of a set whose top-level targets are accepted. ERR_TUF_*
 * with the role's name; the error's pointer is that of the push's member. */
enum status publication_roles_accept(struct trusted_set *set,
                                     const struct role_source *source,
                                     struct err *err) MUST_USE;

/* Whether the snapshot names a role: ERR_TUF_MISSING. */
enum status publication_roles_named(const struct trusted_set *set, const char *role,
                                    struct err *err) MUST_USE;

/* All targets that a client can find, sorted by path, as one list: *ret_listing borrows
 * the texts from the set, and only its `targets` is to be freed. ERR_TUF_MISSING when
 * the search for a target ends at a role that the snapshot does not name,
 * ERR_TUF_TOO_LARGE when it visits too many. */
enum status publication_roles_list(struct trusted_set *set,
                                   struct tuf_targets *ret_listing,
                                   struct err *err) MUST_USE;

/* Appends "/delegated/<role>" as a JSON pointer to a zeroed text. */
void publication_role_pointer(const char *role,
                              char ret_pointer[static PUBLICATION_POINTER_BYTES]);

#endif
