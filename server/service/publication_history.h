/* SPDX-License-Identifier: Apache-2.0 */
/* publication_history: what was live when, for ever, in the database.
 *
 * Each published state makes a row, one for each of its signed files with their digests,
 * and marks which targets came and which went with it. */
#ifndef MUSTER_SERVER_SERVICE_PUBLICATION_HISTORY_H
#define MUSTER_SERVER_SERVICE_PUBLICATION_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/publication.h"
#include "server/store/publications.h"

struct db;
struct live;

/* A published state on its way into the database. */
struct publication_record {
    const struct live *live;
    const char *actor;
    int64_t at_ms;
    struct publication_role_row *roles; /* in `arena` */
    size_t role_count;
    struct arena arena;
};

/* Reads the files of the live state for their digests; released also on failure. `live`,
 * `actor` and `at_ms` must be set. Blocks. */
enum status publication_record_make(const struct publication *publication,
                                    struct publication_record *record,
                                    struct err *err) MUST_USE;
void publication_record_release(struct publication_record *record);

/* Writes it; on the writer. */
enum status publication_record_write(struct publication_record *record, struct db *db,
                                     struct err *err) MUST_USE;

/* How one publication is told: what came and what went, at most HISTORY_TARGETS_MAX. */
enum { HISTORY_TARGETS_MAX = 100 };

struct history_item {
    struct publication_row row; /* its text is in the arena */
    struct publication_role_row *roles;
    size_t role_count;
    struct target_row *came, *went;
    size_t came_count, went_count;
};

/* Publications older than an id. */
struct history_page {
    int64_t before_id;
    size_t limit;
};

/* Newest first, in the arena. On a reader. */
enum status publication_history(struct db *db, const struct history_page *page,
                                struct arena *arena, struct history_item **ret_items,
                                size_t *ret_count, struct err *err) MUST_USE;

#endif
