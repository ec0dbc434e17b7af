/* SPDX-License-Identifier: Apache-2.0 */
/* trusted_set: the TUF client workflow as a state machine without I/O.
 *
 * The caller reads the cache and fetches; the set judges. One update is:
 *
 *   init(bootstrap root) -> load_root* (cached) -> update_root* (fetched N+1 until 404)
 *   -> root_done -> load_timestamp (cached, if any) -> update_timestamp
 *   -> load_snapshot (cached), unless usable: update_snapshot
 *   -> update_targets (cached), unless accepted: fetched -> target_search, which asks
 *   for delegated roles
 *
 * Every expiry is compared with the one start time given to init. A failed call changes
 * nothing, so the last good state stays. Cached files are verified like fetched ones
 * under the present root: one that fails counts as absent (the caller ignores the error),
 * and that is the recovery from a stolen online key that jumped ahead. Store the exact
 * bytes of each accepted file, each root before the next one is asked for. With now_ms 0
 * nothing counts as expired: a whole cache can be verified so while there is no network.
 * Not thread-safe. */
#ifndef MUSTER_TUF_TRUSTED_SET_H
#define MUSTER_TUF_TRUSTED_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tuf/delegation.h"
#include "tuf/metadata.h"

/* The file of a delegated role, verified for one delegator. */
struct trusted_role {
    char name[TUF_ROLE_NAME_MAX];
    struct tuf_targets *targets;         /* owned */
    const struct tuf_targets *delegator; /* whose delegation it was verified with last */
};

struct trusted_set {
    int64_t now_ms;           /* start of the update */
    struct tuf_limits limits; /* may be changed after init */
    int rotations;            /* fetched roots so far */
    bool online_key_dropped;  /* the last fetched root took a key from timestamp or
                                 snapshot */
    bool root_done;
    struct tuf_root *root;
    struct tuf_timestamp *timestamp; /* NULL until trusted */
    struct tuf_snapshot *snapshot;   /* NULL until trusted; maybe only for comparison */
    struct tuf_targets *targets;     /* NULL until trusted */
    bool snapshot_current;           /* the snapshot is the one that timestamp names */
    struct trusted_role *delegated;  /* owned, in the order of their acceptance */
    size_t delegated_count, delegated_capacity;
};

#define TRUSTED_SET_AUTO __attribute__((cleanup(trusted_set_release))) struct trusted_set

/* What to fetch next: the file's name below the metadata URL, and how much of it. */
struct tuf_wanted {
    char name[TUF_FILE_NAME_MAX];
    size_t max_bytes;
};

/* Starts from a root that came out of band: it must be signed by itself; it may have
 * expired. ERR_TUF_NO_TRUST (with the cause) when it is unusable. */
enum status trusted_set_init(struct trusted_set *ret_set, const void *root, size_t len,
                             int64_t now_ms, struct err *err) MUST_USE;

/* Frees everything. */
void trusted_set_release(struct trusted_set *set);

/* Accepts the next root: version exactly N+1, threshold of the old and of its own keys;
 * its expiry does not matter yet. update_root counts against limits.root_rotations;
 * load_root is for roots from the cache. After an update_root that sets
 * online_key_dropped the caller removes the cached timestamp and snapshot (specification
 * 5.3.11): what a stolen key signed must not stand in the way of what replaces it. */
enum status trusted_set_load_root(struct trusted_set *set, const void *data, size_t len,
                                  struct err *err) MUST_USE;
enum status trusted_set_update_root(struct trusted_set *set, const void *data, size_t len,
                                    struct err *err) MUST_USE;

/* Ends the root loop: ERR_TUF_EXPIRED when the newest root has expired. */
enum status trusted_set_root_done(struct trusted_set *set, struct err *err) MUST_USE;

/* Takes the cached timestamp for rollback checks; it may have expired. */
enum status trusted_set_load_timestamp(struct trusted_set *set, const void *data,
                                       size_t len, struct err *err) MUST_USE;

/* Accepts a fetched timestamp. An equal version is discarded: OK with *ret_changed false
 * (do not store it), after the expiry of the one that stays was checked. */
enum status trusted_set_update_timestamp(struct trusted_set *set, const void *data,
                                         size_t len, bool *ret_changed,
                                         struct err *err) MUST_USE;

/* Takes the cached snapshot. *ret_usable: it is the one that timestamp names and has not
 * expired, so nothing needs to be fetched; otherwise it serves for rollback checks. */
enum status trusted_set_load_snapshot(struct trusted_set *set, const void *data,
                                      size_t len, bool *ret_usable,
                                      struct err *err) MUST_USE;

/* Accepts the snapshot that timestamp names. */
enum status trusted_set_update_snapshot(struct trusted_set *set, const void *data,
                                        size_t len, struct err *err) MUST_USE;

/* Accepts top-level targets as snapshot names them, from the cache (any error: fetch) or
 * fetched. */
enum status trusted_set_update_targets(struct trusted_set *set, const void *data,
                                       size_t len, struct err *err) MUST_USE;

/* The next file of a role to fetch, e.g. "4.root.json", "timestamp.json",
 * "7.snapshot.json". ERR_TUF_NO_TRUST when what names it is not trusted yet. */
enum status trusted_set_wanted(const struct trusted_set *set, enum tuf_role role,
                               struct tuf_wanted *ret_wanted, struct err *err) MUST_USE;

/* Delegated roles. `delegator` is the set's targets, or those of a delegated role of it:
 * a role that two roles delegate to (a diamond) must be signed as each of them demands.
 *
 * trusted_set_wanted_role: the file to fetch, as the snapshot lists it (ERR_TUF_MISSING
 * when it does not). trusted_set_update_role: accepts it, from the cache (any error:
 * fetch) or fetched. trusted_set_role: the accepted file, verified again if it was
 * accepted for another delegator; *ret_targets NULL when there is none yet. */
enum status trusted_set_wanted_role(const struct trusted_set *set, const char *role,
                                    struct tuf_wanted *ret_wanted,
                                    struct err *err) MUST_USE;
enum status trusted_set_update_role(struct trusted_set *set,
                                    const struct tuf_targets *delegator, const char *role,
                                    const void *data, size_t len,
                                    struct err *err) MUST_USE;
enum status trusted_set_role(struct trusted_set *set, const struct tuf_targets *delegator,
                             const char *role, const struct tuf_targets **ret_targets,
                             struct err *err) MUST_USE;

/* Whether what was accepted has not expired at a later time: timestamp, snapshot and
 * targets of a whole set, or one accepted delegated role (OK when it is not there).
 * ERR_TUF_EXPIRED. */
enum status trusted_set_fresh(const struct trusted_set *set, int64_t now_ms,
                              struct err *err) MUST_USE;
enum status trusted_set_role_fresh(const struct trusted_set *set, const char *role,
                                   int64_t now_ms, struct err *err) MUST_USE;

/* The file of a role in cache and repository, without a version: the role's name with
 * every byte but A-Z a-z 0-9 _ . - ~ as %XX, and ".json". */
void tuf_role_file_name(const char *role, char ret_name[static TUF_FILE_NAME_MAX]);

#endif
