/* SPDX-License-Identifier: Apache-2.0 */
/* updater: The Update Framework's client workflow over http, one file a step.
 *
 *   <folder>/roots/<N>.root.json                     every root accepted so far
 *   <folder>/{root,timestamp,snapshot,targets}.json  the newest accepted, byte for byte
 *   <folder>/<role>.json                             delegated roles, by edge/finder
 *
 * Each update starts from the root that came out of band and chains through the cached
 * ones; tuf/trusted_set judges every byte, cached or fetched. A file is stored only after
 * it was accepted. The last verified set stays usable while an update runs or fails. */
#ifndef MUSTER_EDGE_UPDATER_H
#define MUSTER_EDGE_UPDATER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "edge/http.h"
#include "edge/trust.h"
#include "tuf/trusted_set.h"

enum updater_phase {
    UPDATER_IDLE,
    UPDATER_ROOT,
    UPDATER_TIMESTAMP,
    UPDATER_SNAPSHOT,
    UPDATER_TARGETS,
    UPDATER_RAISE, /* all verified: check the entries, raise the floors */
};

struct updater {
    struct edge_env *env;
    struct http *http;
    struct trust *trust; /* NULL: no floors, and the time is the wall clock's */
    const struct timebase *timebase;
    const char *metadata_path; /* below the server's URL, "/tuf/metadata" */
    char folder[EDGE_PATH_BYTES];
    struct buf root; /* the trusted root's bytes */
    enum updater_phase phase;
    struct http_call *call;
    struct trusted_set next;    /* of the update that runs */
    struct trusted_set current; /* the last whole one */
    bool has_current;
    int64_t refresh_at_ms; /* monotonic: half of the timestamp's life is over */
};

/* Reads `root_path`, checks that it is a root signed by itself (ERR_TUF_NO_TRUST) and, if
 * not NULL, that its SHA-256 is `root_sha256`, as hex. Makes `folder`. */
enum status updater_open(struct updater *updater, const char *folder,
                         const char *root_path, const char *root_sha256,
                         struct err *err) MUST_USE;
void updater_release(struct updater *updater);

/* Begins an update. */
enum status updater_begin(struct updater *updater, struct err *err) MUST_USE;

/* Moves it on. *ret_done when it has ended with success; a failure ends it too. */
enum status updater_step(struct updater *updater, bool *ret_done,
                         struct err *err) MUST_USE;

/* Whether stepping can do something now. */
bool updater_ready(const struct updater *updater);

/* The verified set; ERR_TUF_NO_TRUST when there is none, ERR_TUF_EXPIRED when its
 * targets, snapshot or timestamp expired since. */
enum status updater_current(struct updater *updater, struct trusted_set **ret_set,
                            struct err *err) MUST_USE;

/* The root that is trusted: the one that came out of band, chained through the cached
 * ones; those that do not verify end the chain. */
enum status updater_root(const struct updater *updater, int64_t now_ms,
                         struct trusted_set *ret_set, struct err *err) MUST_USE;

/* The whole verification over again, from the root that came out of band, with cached
 * files only: what a node knows without a network. With now_ms 0 nothing counts as
 * expired. ERR_TUF_*; ERR_NOT_FOUND when a file is not there. The caller releases. */
enum status updater_verify_cache(const struct updater *updater, int64_t now_ms,
                                 struct trusted_set *ret_set, struct err *err) MUST_USE;

/* The time that every expiry is compared with, were an update to start now. */
int64_t updater_now_ms(const struct updater *updater);

/* The cache, for edge/finder: whether there is such a file, and its bytes; a durable
 * write. */
bool updater_cache_read(const struct updater *updater, const char *name,
                        struct buf *ret_data);
enum status updater_cache_write(const struct updater *updater, const char *name,
                                const struct buf *data, struct err *err) MUST_USE;

/* Of a call for a metadata file that is done: OK when a whole answer came, of any status.
 * ERR_TUF_TOO_LARGE, ERR_NET, naming `what`. */
enum status updater_answered(const struct http_call *call, const char *what,
                             struct err *err) MUST_USE;

/* The path that a metadata file is asked for at. */
enum { UPDATER_PATH_BYTES = TUF_FILE_NAME_MAX + 64 };
void updater_metadata_path(const struct updater *updater, const char *name,
                           char ret_path[static UPDATER_PATH_BYTES]);

#endif
