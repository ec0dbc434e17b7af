/* SPDX-License-Identifier: Apache-2.0 */
/* publisher: signs and pushes to a site what a test says, delegated roles too. All of it
 * fails the running test on trouble. */
#ifndef MUSTER_TESTS_API_PUBLISHER_H
#define MUSTER_TESTS_API_PUBLISHER_H

#include <jansson.h>

#include "base/buf.h"
#include "tests/api/site.h"
#include "tuf/signing.h"

enum { PUBLISHER_ROLES_MAX = 8 };

/* Top-level targets or a delegated role. */
struct publisher_role {
    char name[64];
    struct signing_key key;
    json_t *body;
    struct buf text;
    bool held_back; /* not in the next push */
};

struct publisher {
    const struct site *site;
    struct signing_key root_key;
    struct buf root, snapshot;
    json_t *snapshot_body;
    struct publisher_role roles[PUBLISHER_ROLES_MAX]; /* the first one is "targets" */
    size_t count;
};

/* Makes the keys and root 1; nothing is pushed. */
void publisher_init(struct publisher *publisher, const struct site *site);
void publisher_release(struct publisher *publisher);

/* Signs the root of that version. */
void publisher_root(struct publisher *publisher, int64_t version);

/* A role by name, made with a key of its own where there is none. */
struct publisher_role *publisher_role(struct publisher *publisher, const char *name);

/* `from` delegates the paths of a pattern to `to`, whose key is to sign. */
void publisher_delegate(struct publisher *publisher, const char *from, const char *to,
                        const char *pattern);

/* Lists `<model>/<seq>/fp32.mnet` in a role and uploads its bytes. */
struct publisher_model {
    const char *model;
    int64_t seq, floor;
    const char *bytes;
};
void publisher_list(struct publisher *publisher, const char *role,
                    const struct publisher_model *model);

/* Sets the version of a role, expiring in that many days (negative: it has). */
void publisher_version(struct publisher *publisher, const char *role, int64_t version,
                       int days);

/* Signs every role and a snapshot of that version that names them. */
void publisher_sign(struct publisher *publisher, int64_t snapshot_version);

/* Pushes what was signed last; the status. */
int publisher_push(const struct publisher *publisher, bool with_root,
                   struct reply *reply);

/* Where the server serves a model's file. */
void publisher_target(const struct publisher_model *model, char *ret_target, size_t size);

#endif
