/* SPDX-License-Identifier: Apache-2.0 */
/* publications: the statements of what was published when, and of who may download.
 *
 * Writing functions run on the writer inside its transaction. Loading ones hand out rows
 * in order; texts live only during the call, and an error of `each` ends it. */
#ifndef MUSTER_SERVER_STORE_PUBLICATIONS_H
#define MUSTER_SERVER_STORE_PUBLICATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;

struct publication_row {
    int64_t id, published_ms;
    const char *published_by;
    int64_t root_version, snapshot_version, targets_version;
    bool complete;            /* of the newest: its roles are there */
    int64_t listed, unlisted; /* of a page: targets that came and went with it */
};

struct publication_role_row {
    int64_t publication_id;
    const char *role;
    bool delegated;
    int64_t version, expires_ms;
    uint8_t sha256[32];
};

struct target_row {
    const char *path;
    int64_t length;
    uint8_t sha256[32];
};

/* Which targets of a publication: those that came or that went, at most `limit`. */
struct target_change {
    int64_t id;
    bool came;
    int64_t limit;
};

typedef enum status publication_each(void *context, const struct publication_row *row,
                                     struct err *err);
typedef enum status publication_role_each(void *context,
                                          const struct publication_role_row *row,
                                          struct err *err);
typedef enum status target_each(void *context, const struct target_row *row,
                                struct err *err);

/* Notes what was published (`id`, `complete` and counts are ignored), and its roles. */
enum status publication_row_insert(struct db *db, const struct publication_row *row,
                                   int64_t *ret_id, struct err *err) MUST_USE;
enum status publication_role_insert(struct db *db, const struct publication_role_row *row,
                                    struct err *err) MUST_USE;

/* The newest publication; all versions 0 when there is none. Its text is not set. */
enum status publication_row_newest(struct db *db, struct publication_row *ret_row,
                                   struct err *err) MUST_USE;

/* Publications with an id below `before_id`, newest first, at most `limit`; the roles of
 * one, by name; the targets that came or went with it, by path. */
enum status publication_rows_page(struct db *db, int64_t before_id, int64_t limit,
                                  publication_each *each, void *context,
                                  struct err *err) MUST_USE;
enum status publication_role_rows(struct db *db, int64_t id, publication_role_each *each,
                                  void *context, struct err *err) MUST_USE;
enum status target_rows_changed(struct db *db, const struct target_change *change,
                                target_each *each, void *context,
                                struct err *err) MUST_USE;

/* The targets that are listed, by path; lists one from a publication on; ends it. */
enum status target_rows_listed(struct db *db, target_each *each, void *context,
                               struct err *err) MUST_USE;
enum status target_row_list(struct db *db, int64_t id, const struct target_row *row,
                            struct err *err) MUST_USE;
enum status target_row_unlist(struct db *db, int64_t id, const char *path,
                              struct err *err) MUST_USE;

/* Whether the artifacts of a model are for everybody; the names of those that are. */
struct access_row {
    const char *model;
    bool is_public;
    int64_t changed_ms;
    const char *changed_by;
};
enum status access_row_put(struct db *db, const struct access_row *row,
                           struct err *err) MUST_USE;
enum status access_rows_load(struct db *db,
                             enum status (*each)(void *context, const char *model,
                                                 struct err *err),
                             void *context, struct err *err) MUST_USE;

#endif
