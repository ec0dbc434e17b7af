/* SPDX-License-Identifier: Apache-2.0 */
/* install: from a choice to a loaded model: found on disk, in the cache or downloaded,
 * hashed, synced, self-tested and made active; one slice a step.
 *
 * What the shared cache has is copied, and hashed like everything else; what it lacks is
 * copied into it. Else the shortest transport is tried first, of deltas those whose base
 * is on disk, then the others, and the full artifact last, unless the network itself
 * failed. Nothing is visible under its final name before its digest was checked. Reading
 * back, unpacking and hashing go in slices of 1 MiB; opening and self-testing the model
 * is one piece. What a failed download left is gone on with the next time; it is removed
 * when its artifact, or another one, is active. */
#ifndef MUSTER_EDGE_INSTALL_H
#define MUSTER_EDGE_INSTALL_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/cache.h"
#include "edge/choice.h"
#include "edge/download.h"
#include "edge/store.h"
#include "edge/unpack.h"

enum install_phase {
    INSTALL_IDLE,
    INSTALL_TAKE,   /* copying from the shared cache */
    INSTALL_FETCH,  /* downloading */
    INSTALL_UNPACK, /* a transport into its result */
    INSTALL_HASH,   /* the result, or a file that was there */
    INSTALL_SYNC,
    INSTALL_RENAME,
    INSTALL_SHARE, /* copying into the shared cache */
    INSTALL_KEEP,
    INSTALL_TEST,  /* by the library */
    INSTALL_JUDGE, /* by the program */
    INSTALL_ACTIVATE,
};

struct install {
    struct edge_env *env;
    struct store *store;
    enum install_phase phase;
    struct choice choice;
    bool local; /* no network: only what is on disk */
    size_t way; /* which of choice.transports is fetched; their count: the artifact */
    int64_t received;           /* bytes, of all ways that were tried */
    bool stored;                /* `path` is being hashed, nothing was downloaded */
    char path[EDGE_PATH_BYTES]; /* final */
    char token[256];
    char partials[EDGE_PATH_BYTES]; /* folder of the partial file */
    struct download download;
    struct unpack unpack;
    struct cache cache; /* shared with other nodes of the machine */
    bool taken;         /* the artifact is a copy from it */
    struct copy copy;
    int hash_fd;                /* of the file being hashed, -1 */
    struct tuf_target expected; /* what its bytes must be: as signed, or as recorded */
    struct target_digest digest;
    struct edge_model *model; /* loaded, not yet taken */
    /* The program's own test of a candidate: ERR_UNAVAILABLE as long as it lasts; NULL as
     * candidate ends it. May be NULL. */
    enum status (*judge)(void *user, const struct muster_client_model *candidate,
                         struct err *err);
    void *judge_user;
};

/* Begins to install `choice`, whose metadata must stay until the end. `token`: for the
 * download; NULL: only from disk. */
enum status install_begin(struct install *install, const struct choice *choice,
                          const char *token, struct err *err) MUST_USE;

/* Moves it on. *ret_model, when done, is the active model with one hold for the caller. A
 * failure ends it; the active model is what it was. */
enum status install_step(struct install *install, struct edge_model **ret_model,
                         struct err *err) MUST_USE;

/* Whether it waits for the network or for the program's test, and the token for its next
 * request. */
bool install_outside(const struct install *install);
void install_renew_token(struct install *install, const char *token);

/* When it wants to be stepped again, in ms. */
int64_t install_wait_ms(struct install *install);

/* Ends it, removing what is unfinished but the partial file. */
void install_stop(struct install *install);

#endif
