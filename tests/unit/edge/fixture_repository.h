/* SPDX-License-Identifier: Apache-2.0 */
/* fixture_repository: a TUF repository in memory, signed anew at will and put on a
 * fixture server; and the two real models of examples/fashion as .mnet bytes. */
#ifndef MUSTER_TESTS_UNIT_EDGE_FIXTURE_REPOSITORY_H
#define MUSTER_TESTS_UNIT_EDGE_FIXTURE_REPOSITORY_H

#include <jansson.h>

#include "tests/unit/edge/fixture_server.h"
#include "tuf/key.h"

struct repository {
    struct signing_key root_key, timestamp_key, snapshot_key, targets_key;
    json_t *root, *targets; /* bodies */
    struct buf root_file, snapshot_file, targets_file, timestamp_file;
    int64_t root_version, version, timestamp_version; /* version: snapshot and targets */
    int64_t life_ms; /* of everything signed; below 0: expired when signed */
    int64_t floor;
    json_t *team; /* body of the delegated role "team"; NULL: there is none */
    struct signing_key team_key, team_signer; /* named by targets; that signs */
    struct buf team_file;
    int64_t team_life_ms; /* 0: as life_ms */
    bool stop;            /* artifacts are signed with on_revoke: stop */
    bool weak_zst; /* compressed transports are longer than a delta of the two models */
    bool sha512, wrong_sha512; /* entries list one; that of artifacts is another's */
    const char *needs;  /* JSON: further members of the next artifacts; NULL: none */
    const char *detail; /* JSON of what assignments ask for; NULL: nothing is said */
};

struct delta_target {
    int64_t seq, base_seq;
    const struct buf *artifact, *base, *delta;
};

/* A model of the examples as a model file, made once and kept: 0 is 1.0.0, 1 is 1.1.0. */
const struct buf *fixture_model(int index);

/* New keys and an empty repository. */
void repository_init(struct repository *repository);
void repository_release(struct repository *repository);

/* Delegates `pattern` to role "team", to which everything added from now on belongs. */
void repository_delegate(struct repository *repository, const char *pattern);

/* Adds an artifact as fashion/<seq>/fp32.mnet and its transport. */
void repository_add(struct repository *repository, struct server *server, int64_t seq,
                    const struct buf *artifact);

/* Takes fashion/<seq> and its transport off the list again. */
void repository_remove(struct repository *repository, int64_t seq);

/* Adds fashion/<seq>/fp32.from-<base_seq>.delta, `delta`, which says that it leads from
 * `base` to `artifact`. */
void repository_add_delta(struct repository *repository, struct server *server,
                          const struct delta_target *target);

/* Signs targets, snapshot and timestamp under new versions and puts them on the server.
 */
void repository_publish(struct repository *repository, struct server *server);

/* Signs only a new timestamp. */
void repository_sign_timestamp(struct repository *repository, struct server *server);

/* Replaces the root by its next version. */
void repository_rotate_root(struct repository *repository, struct server *server);

/* Assigns fashion/<seq>/fp32.mnet with the artifact's digest. */
void repository_assign(const struct repository *repository, struct server *server,
                       int64_t seq, const struct buf *artifact);

#endif
