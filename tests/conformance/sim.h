/* SPDX-License-Identifier: Apache-2.0 */
/* sim: a TUF repository in memory with all its keys, its server, and one client's
 * folders.
 *
 * A case bends the "signed" part of a role (sim_body), publishes or signs it, and runs
 * the client. Signing a role names its present version in the body of the role above it,
 * which takes effect when that is published. Every signed file is kept, so that what a
 * client stored can be compared byte for byte. All failures fail the test. */
#ifndef MUSTER_TESTS_CONFORMANCE_SIM_H
#define MUSTER_TESTS_CONFORMANCE_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "tests/conformance/sim_key.h"
#include "tests/conformance/sim_server.h"

enum {
    SIM_ROLES = 80,
    SIM_KEYS = 200,
    SIM_SIGNERS = 8,
    SIM_VERSIONS = 700,
    SIM_PATH_BYTES = 1024,
    SIM_SAID_BYTES = 4096,
};

struct sim_role {
    char name[160];
    json_t *body; /* owned */
    const struct sim_key *signers[SIM_SIGNERS];
    size_t signer_count;
    bool published;
};

/* A file that was signed. */
struct sim_version {
    char name[160];
    long version;
    struct buf data;
};

struct sim {
    struct sim_server server;
    struct sim_key keys[SIM_KEYS];
    size_t key_count;
    struct sim_role roles[SIM_ROLES];
    size_t role_count;
    struct sim_version *versions; /* owned: SIM_VERSIONS */
    size_t version_count;
    bool consistent;  /* as root says */
    bool meta_hashes; /* name files with length and hashes too */
    /* the client */
    char folder[SIM_PATH_BYTES]; /* everything of this case */
    char metadata[SIM_PATH_BYTES], targets[SIM_PATH_BYTES];
    const char *clock;       /* libfaketime's, such as "+8d"; NULL: the real one */
    const char *patience_ms; /* patience with a slow server; NULL: as it is */
    bool killed_client;      /* run the build that MUSTER_KILL_AT kills */
    int runs;
    char said[SIM_SAID_BYTES]; /* stderr of the last run */
};

/* cmocka's setup and teardown of one case: a repository whose roles have version 1 and
 * one key each, nothing initialised. *state is the struct sim. */
int sim_set_up(void **state);
int sim_tear_down(void **state);

/* Drops what was signed and not served any more, to begin at the first version again. */
void sim_forget_versions(struct sim *sim);

#define SIM_CASE(function)                                                               \
    cmocka_unit_test_setup_teardown(function, sim_set_up, sim_tear_down)

/* ---- repository ---- */

/* A role by name, made with a key of its own when there is none. */
struct sim_role *sim_role(struct sim *sim, const char *name);
json_t *sim_body(struct sim *sim, const char *name);
long sim_version(struct sim *sim, const char *name);

/* Sets a member of a role's body. */
void sim_set(struct sim *sim, const char *role, const char *member, json_t *value);

/* Expires so many seconds from now. */
void sim_expire(struct sim *sim, const char *role, int64_t seconds);

/* Raises versions (but of what was never published), signs and serves; roles in order. */
void sim_publish(struct sim *sim, const char *roles);

/* Signs and serves under the version that it has. */
void sim_sign(struct sim *sim, const char *role);

/* The served file of a role, to be changed without a new signature; serves one instead.
 */
json_t *sim_envelope(struct sim *sim, const char *role);
void sim_serve(struct sim *sim, const char *role, const json_t *envelope);
void sim_serve_text(struct sim *sim, const char *role, const char *text);

/* The path that a role's present file has on the server. */
void sim_url(const struct sim *sim, const struct sim_role *role,
             char ret_path[static SIM_NAME_BYTES]);

/* A signed file of the past. */
const struct buf *sim_past(const struct sim *sim, const char *role, long version);

/* ---- keys ---- */

struct sim_key *sim_key_new(struct sim *sim); /* Ed25519 */
struct sim_key *sim_key_slot(struct sim *sim);

/* {"keyids","threshold"} of a role in its delegator ("root" for top-level roles), and the
 * keys there. Borrowed. */
json_t *sim_authority(struct sim *sim, const char *delegator, const char *role);
json_t *sim_keys(struct sim *sim, const char *delegator);

/* The delegator's body lists the key for the role, or does not any longer. */
void sim_trust(struct sim *sim, const char *delegator, const char *role,
               const struct sim_key *key);
void sim_distrust(struct sim *sim, const char *delegator, const char *role,
                  const struct sim_key *key);
void sim_threshold(struct sim *sim, const char *delegator, const char *role, int count);

/* Who signs from now on. */
void sim_signer_add(struct sim *sim, const char *role, const struct sim_key *key);
void sim_signers_clear(struct sim *sim, const char *role);

/* ---- targets and delegations ---- */

/* Lists a target and serves its content, under both of its names. */
void sim_target(struct sim *sim, const char *role, const char *path, const char *content);
json_t *sim_target_entry(struct sim *sim, const char *role, const char *path);

/* `from` delegates to `to`: `scope` is {"paths":…} and the like, stolen. */
void sim_delegate_scope(struct sim *sim, const char *from, const char *to, json_t *scope);

/* The same for "*" and "*" "/" "*", and published or not. */
void sim_delegate(struct sim *sim, const char *from, const char *to, bool terminating);

/* ---- client ---- */

/* Run the client; its exit status. `paths` of targets with blanks between. */
int init(struct sim *sim);
int init_with(struct sim *sim, const void *root, size_t len);
int refresh(struct sim *sim);
int download(struct sim *sim, const char *paths);

/* The same without waiting; sim_wait gives the exit status. */
pid_t sim_spawn_refresh(struct sim *sim);
int sim_wait(pid_t pid);

/* The exit status was 0; it was 1 and the error's stable code this one. */
#define ACCEPTS(call) sim_judge(sim, call, NULL, #call, __FILE__, __LINE__)
#define REFUSES(call, code) sim_judge(sim, call, code, #call, __FILE__, __LINE__)
void sim_judge(const struct sim *sim, int status, const char *code, const char *call,
               const char *file, int line);

/* Exactly these files lie in the metadata folder, byte for byte as they were signed
 * first: "root 1 timestamp 2". */
#define HOLDS(files) sim_holds(sim, files, __FILE__, __LINE__)
void sim_holds(const struct sim *sim, const char *files, const char *file, int line);

/* Exactly these paths were asked for since the last ASKED, in this order. */
#define ASKED(paths) sim_asked(sim, paths, __FILE__, __LINE__)
void sim_asked(struct sim *sim, const char *paths, const char *file, int line);

/* The target folder has exactly so many regular files; a target's file there, NULL: none
 * with this content. */
#define STORED(count) sim_stored(sim, count, __FILE__, __LINE__)
void sim_stored(const struct sim *sim, int count, const char *file, int line);

/* Where a file of the metadata folder lies. */
void sim_cached(const struct sim *sim, const char *name,
                char ret_path[static SIM_PATH_BYTES * 2]);

#endif
