/* SPDX-License-Identifier: Apache-2.0 */
/* updater: The Update Framework's client workflow over http, one file a step.
 *
 *   <state>/tuf/roots/<N>.root.json                      every root accepted so far
 *   <state>/tuf/{timestamp,snapshot,targets}.json        the newest accepted, byte for
 * byte
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
    struct trust *trust;
    const struct timebase *timebase;
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
 * not NULL, that its SHA-256 is `root_sha256`, as hex. */
enum status updater_open(struct updater *updater, const char *state_folder,
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

/* The verified set, or NULL; ERR_TUF_EXPIRED when its targets or timestamp expired since.
 */
enum status updater_current(const struct updater *updater,
                            const struct trusted_set **ret_set, struct err *err) MUST_USE;

#endif
