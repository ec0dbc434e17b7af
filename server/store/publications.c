/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/publications.h"

#include "server/store/db.h"

enum {
    PUBLICATION_INSERT,
    PUBLICATION_NEWEST,
    PUBLICATION_PAGE,
    ROLE_INSERT,
    ROLE_LOAD,
    TARGET_CAME,
    TARGET_WENT,
    TARGET_LISTED,
    TARGET_LIST,
    TARGET_UNLIST,
    ACCESS_PUT,
    ACCESS_LOAD,
};

static const char *const sql[] = {
    [PUBLICATION_INSERT] =
        "INSERT INTO tuf_publication(published_ms, published_by, root_version,"
        " snapshot_version, targets_version) VALUES (?1, ?2, ?3, ?4, ?5)",
    [PUBLICATION_NEWEST] =
        "SELECT id, published_ms, root_version, snapshot_version, targets_version,"
        " EXISTS (SELECT 1 FROM tuf_publication_role AS r WHERE r.publication_id = p.id)"
        " FROM tuf_publication AS p ORDER BY id DESC LIMIT 1",
    [PUBLICATION_PAGE] =
        "SELECT id, published_ms, published_by, root_version, snapshot_version,"
        " targets_version,"
        " (SELECT count(*) FROM tuf_target AS t WHERE t.listed_id = p.id),"
        " (SELECT count(*) FROM tuf_target AS t WHERE t.unlisted_id = p.id)"
        " FROM tuf_publication AS p WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    [ROLE_INSERT] = "INSERT INTO tuf_publication_role(publication_id, role, delegated,"
                    " version, expires_ms, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [ROLE_LOAD] = "SELECT role, delegated, version, expires_ms, sha256"
                  " FROM tuf_publication_role WHERE publication_id = ?1"
                  " ORDER BY delegated, role",
    [TARGET_CAME] = "SELECT path, length, sha256 FROM tuf_target WHERE listed_id = ?1"
                    " ORDER BY path LIMIT ?2",
    [TARGET_WENT] = "SELECT path, length, sha256 FROM tuf_target WHERE unlisted_id = ?1"
                    " ORDER BY path LIMIT ?2",
    [TARGET_LISTED] = "SELECT path, length, sha256 FROM tuf_target"
                      " WHERE unlisted_id IS NULL ORDER BY path",
    [TARGET_LIST] = "INSERT INTO tuf_target(path, listed_id, length, sha256)"
                    " VALUES (?1, ?2, ?3, ?4)",
    [TARGET_UNLIST] = "UPDATE tuf_target SET unlisted_id = ?2"
                      " WHERE path = ?1 AND unlisted_id IS NULL",
    [ACCESS_PUT] = "INSERT INTO model_access(model, public, changed_ms, changed_by)"
                   " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET"
                   " public = excluded.public, changed_ms = excluded.changed_ms,"
                   " changed_by = excluded.changed_by",
    [ACCESS_LOAD] = "SELECT model FROM model_access WHERE public = 1 ORDER BY model",
};
const struct db_module_table publications_statements = DB_MODULE_TABLE(sql);

enum status publication_row_insert(struct db *db, const struct publication_row *row,
                                   int64_t *ret_id, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, PUBLICATION_INSERT);
    db_bind_int(stmt, 1, row->published_ms);
    db_bind_text(stmt, 2, row->published_by);
    db_bind_int(stmt, 3, row->root_version);
    db_bind_int(stmt, 4, row->snapshot_version);
    db_bind_int(stmt, 5, row->targets_version);
    enum status status = db_run(db, stmt, err);
    if (status == OK) {
        *ret_id = db_last_id(db);
    }
    return status;
}

enum status publication_role_insert(struct db *db, const struct publication_role_row *row,
                                    struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, ROLE_INSERT);
    db_bind_int(stmt, 1, row->publication_id);
    db_bind_text(stmt, 2, row->role);
    db_bind_int(stmt, 3, row->delegated);
    db_bind_int(stmt, 4, row->version);
    db_bind_int(stmt, 5, row->expires_ms);
    db_bind_blob(stmt, 6, row->sha256, sizeof row->sha256);
    return db_run(db, stmt, err);
}

enum status publication_row_newest(struct db *db, struct publication_row *ret_row,
                                   struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, PUBLICATION_NEWEST);
    bool found = false;
    enum status status = db_step(db, stmt, &found, err);
    struct publication_row row = {0};
    if (status == OK && found) {
        row.id = db_column_int(stmt, 0);
        row.published_ms = db_column_int(stmt, 1);
        row.root_version = db_column_int(stmt, 2);
        row.snapshot_version = db_column_int(stmt, 3);
        row.targets_version = db_column_int(stmt, 4);
        row.complete = db_column_int(stmt, 5) != 0;
    }
    if (status == OK) {
        *ret_row = row;
    }
    return status;
}

enum status publication_rows_page(struct db *db, int64_t before_id, int64_t limit,
                                  publication_each *each, void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, PUBLICATION_PAGE);
    db_bind_int(stmt, 1, before_id);
    db_bind_int(stmt, 2, limit);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct publication_row row = {
            .id = db_column_int(stmt, 0),
            .published_ms = db_column_int(stmt, 1),
            .published_by = db_column_text(stmt, 2),
            .root_version = db_column_int(stmt, 3),
            .snapshot_version = db_column_int(stmt, 4),
            .targets_version = db_column_int(stmt, 5),
            .listed = db_column_int(stmt, 6),
            .unlisted = db_column_int(stmt, 7),
        };
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status publication_role_rows(struct db *db, int64_t id, publication_role_each *each,
                                  void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, ROLE_LOAD);
    db_bind_int(stmt, 1, id);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct publication_role_row row = {
            .publication_id = id,
            .role = db_column_text(stmt, 0),
            .delegated = db_column_int(stmt, 1) != 0,
            .version = db_column_int(stmt, 2),
            .expires_ms = db_column_int(stmt, 3),
        };
        db_column_blob(stmt, 4, row.sha256, sizeof row.sha256);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

static enum status hand_out_targets(struct db *db, sqlite3_stmt *stmt, target_each *each,
                                    void *context, struct err *err)
{
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct target_row row = {.path = db_column_text(stmt, 0),
                                 .length = db_column_int(stmt, 1)};
        db_column_blob(stmt, 2, row.sha256, sizeof row.sha256);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status target_rows_changed(struct db *db, const struct target_change *change,
                                target_each *each, void *context, struct err *err)
{
    DB_STMT stmt =
        db_statement(db, DB_PUBLICATIONS, change->came ? TARGET_CAME : TARGET_WENT);
    db_bind_int(stmt, 1, change->id);
    db_bind_int(stmt, 2, change->limit);
    return hand_out_targets(db, stmt, each, context, err);
}

enum status target_rows_listed(struct db *db, target_each *each, void *context,
                               struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, TARGET_LISTED);
    return hand_out_targets(db, stmt, each, context, err);
}

enum status target_row_list(struct db *db, int64_t id, const struct target_row *row,
                            struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, TARGET_LIST);
    db_bind_text(stmt, 1, row->path);
    db_bind_int(stmt, 2, id);
    db_bind_int(stmt, 3, row->length);
    db_bind_blob(stmt, 4, row->sha256, sizeof row->sha256);
    return db_run(db, stmt, err);
}

enum status target_row_unlist(struct db *db, int64_t id, const char *path,
                              struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, TARGET_UNLIST);
    db_bind_text(stmt, 1, path);
    db_bind_int(stmt, 2, id);
    return db_run(db, stmt, err);
}

enum status access_row_put(struct db *db, const struct access_row *row, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, ACCESS_PUT);
    db_bind_text(stmt, 1, row->model);
    db_bind_int(stmt, 2, row->is_public);
    db_bind_int(stmt, 3, row->changed_ms);
    db_bind_text(stmt, 4, row->changed_by);
    return db_run(db, stmt, err);
}

enum status access_rows_load(struct db *db,
                             enum status (*each)(void *context, const char *model,
                                                 struct err *err),
                             void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_PUBLICATIONS, ACCESS_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        status = each(context, db_column_text(stmt, 0), err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}
