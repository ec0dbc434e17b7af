/* SPDX-License-Identifier: Apache-2.0 */
/* publication_files: the published files on disk, and the live state read from them;
 * shared by the publication_*.c files only. All of it blocks. */
#ifndef MUSTER_SERVER_SERVICE_PUBLICATION_FILES_H
#define MUSTER_SERVER_SERVICE_PUBLICATION_FILES_H

#include <limits.h>
#include <pthread.h>

#include "base/buf.h"
#include "server/service/publication.h"
#include "tuf/trusted_set.h"

/* A published state, verified. Everything is owned. */
struct live {
    struct trusted_set set;     /* with every delegated role */
    struct tuf_targets listing; /* what searches find; borrows from the set */
    struct buf timestamp;       /* the bytes of these two */
    struct buf snapshot;
};

struct verified_file; /* a target file whose digest was verified */

struct publication {
    struct publication_options options;
    pthread_mutex_t publishing; /* one publication or timestamp at a time */
    pthread_rwlock_t lock;      /* guards `live`, which is replaced as a whole */
    struct live *live;          /* NULL before the first push */
    bool listed;               /* database and artifacts have `live`; with `publishing` */
    pthread_mutex_t verifying; /* guards `verified` */
    struct verified_file *verified;
};

/* "<data>/tuf/<rest>" by printf. ERR_LIMIT when it is too long. */
enum status publication_path(const struct publication *publication,
                             char ret_path[static PATH_MAX], struct err *err,
                             const char *rest, ...)
    __attribute__((format(printf, 4, 5))) MUST_USE;

/* Where a target file of that digest lies. */
enum status publication_target_path(const struct publication *publication,
                                    const char *sha256, char ret_path[static PATH_MAX],
                                    struct err *err) MUST_USE;

/* Reads "N.<role>.json" of any role. */
enum status publication_read(const struct publication *publication, const char *role,
                             int64_t version, struct buf *ret_data,
                             struct err *err) MUST_USE;

/* Writes it durably. */
enum status publication_write(const struct publication *publication, const char *role,
                              int64_t version, const struct buf *data,
                              struct err *err) MUST_USE;

/* Trusts the roots on disk, from the lowest up to version `last`; 0 expires nothing. */
enum status publication_trust_roots(const struct publication *publication, int64_t last,
                                    int64_t now_ms, struct trusted_set *ret_set,
                                    struct err *err) MUST_USE;

/* Verifies what the timestamp of `live` leads to on disk, under roots up to that version,
 * and fills its set and snapshot. */
enum status publication_follow(const struct publication *publication, struct live *live,
                               int64_t root_version, struct err *err) MUST_USE;

/* Reads and verifies what published.json names; NULL when there is none. */
enum status publication_load(const struct publication *publication,
                             struct live **ret_live, struct err *err) MUST_USE;

/* Makes a state the published one: its files must be written already. */
enum status publication_point(const struct publication *publication,
                              const struct live *live, struct err *err) MUST_USE;

/* A new timestamp for the snapshot of `live`, newer than `last_version`. */
enum status publication_sign(const struct publication *publication, struct live *live,
                             int64_t snapshot_version, int64_t last_version,
                             struct err *err) MUST_USE;

/* Puts the live state into the database and then into the artifacts; `actor` is noted. */
enum status publication_list(struct publication *publication, const char *actor,
                             struct err *err) MUST_USE;

/* Replaces the live state in memory; takes `live`. */
void publication_swap(struct publication *publication, struct live *live);

struct live *live_new(void);
void live_free(struct live *live);

/* Makes the listing of a state whose roles are all accepted; errors as of
 * publication_roles_list. */
enum status live_list(struct live *live, struct err *err) MUST_USE;

/* Frees what is remembered of verified files. */
void publication_forget_verified(struct publication *publication);

#endif
