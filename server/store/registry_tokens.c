/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/registry_tokens.h"

#include "server/store/db.h"

enum tokens_statement {
    ENROLLMENT_INSERT,
    ENROLLMENT_USE,
    ENROLLMENT_REVOKE,
    ENROLLMENT_LOAD,
    API_INSERT,
    API_REVOKE,
    API_LOAD,
};

static const char *const sql[] = {
    [ENROLLMENT_INSERT] =
        "INSERT INTO enrollment_token(name, hash, max_uses, pending, labels, created_ms,"
        " created_by, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [ENROLLMENT_USE] = "UPDATE enrollment_token SET uses = uses + 1 WHERE id = ?1",
    [ENROLLMENT_REVOKE] = "UPDATE enrollment_token SET revoked_ms = ?2 WHERE id = ?1",
    [ENROLLMENT_LOAD] =
        "SELECT id, name, hash, max_uses, uses, pending, labels, created_ms, created_by,"
        " expires_ms, revoked_ms FROM enrollment_token ORDER BY id",
    [API_INSERT] = "INSERT INTO api_token(name, hash, role, created_ms, created_by,"
                   " expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [API_REVOKE] = "UPDATE api_token SET revoked_ms = ?2 WHERE id = ?1",
    [API_LOAD] = "SELECT id, name, hash, role, created_ms, created_by, expires_ms"
                 " FROM api_token WHERE revoked_ms IS NULL ORDER BY id",
};
const struct db_module_table registry_tokens_statements = DB_MODULE_TABLE(sql);

enum status enrollment_token_row_insert(struct db *db,
                                        const struct enrollment_token_row *row,
                                        int64_t *ret_id, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_TOKENS, ENROLLMENT_INSERT);
    db_bind_text(stmt, 1, row->name);
    db_bind_blob(stmt, 2, row->hash, sizeof row->hash);
    db_bind_int(stmt, 3, row->max_uses);
    db_bind_int(stmt, 4, row->pending);
    db_bind_text(stmt, 5, row->labels);
    db_bind_int(stmt, 6, row->created_ms);
    db_bind_text(stmt, 7, row->created_by);
    db_bind_int(stmt, 8, row->expires_ms);
    enum status status = db_run(db, stmt, err);
    if (status == OK) {
        *ret_id = db_last_id(db);
    }
    return status;
}

enum status api_token_row_insert(struct db *db, const struct api_token_row *row,
                                 int64_t *ret_id, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_TOKENS, API_INSERT);
    db_bind_text(stmt, 1, row->name);
    db_bind_blob(stmt, 2, row->hash, sizeof row->hash);
    db_bind_text(stmt, 3, row->role);
    db_bind_int(stmt, 4, row->created_ms);
    db_bind_text(stmt, 5, row->created_by);
    db_bind_int(stmt, 6, row->expires_ms);
    enum status status = db_run(db, stmt, err);
    if (status == OK) {
        *ret_id = db_last_id(db);
    }
    return status;
}

enum status enrollment_token_row_use(struct db *db, int64_t id, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_TOKENS, ENROLLMENT_USE);
    db_bind_int(stmt, 1, id);
    return db_run(db, stmt, err);
}

enum status enrollment_token_row_revoke(struct db *db, int64_t id, int64_t revoked_ms,
                                        struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_TOKENS, ENROLLMENT_REVOKE);
    db_bind_int(stmt, 1, id);
    db_bind_int(stmt, 2, revoked_ms);
    return db_run(db, stmt, err);
}

enum status api_token_row_revoke(struct db *db, int64_t id, int64_t revoked_ms,
                                 struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_TOKENS, API_REVOKE);
    db_bind_int(stmt, 1, id);
    db_bind_int(stmt, 2, revoked_ms);
    return db_run(db, stmt, err);
}

enum status enrollment_token_rows_load(
    struct db *db,
    enum status (*each)(void *context, const struct enrollment_token_row *row,
                        struct err *err),
    void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_TOKENS, ENROLLMENT_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct enrollment_token_row row = {
            .id = db_column_int(stmt, 0),
            .name = db_column_text(stmt, 1),
            .max_uses = db_column_int(stmt, 3),
            .uses = db_column_int(stmt, 4),
            .pending = db_column_int(stmt, 5) != 0,
            .labels = db_column_text(stmt, 6),
            .created_ms = db_column_int(stmt, 7),
            .created_by = db_column_text(stmt, 8),
            .expires_ms = db_column_int(stmt, 9),
            .revoked_ms = db_column_int(stmt, 10),
        };
        db_column_blob(stmt, 2, row.hash, sizeof row.hash);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status api_token_rows_load(struct db *db,
                                enum status (*each)(void *context,
                                                    const struct api_token_row *row,
                                                    struct err *err),
                                void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_TOKENS, API_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct api_token_row row = {
            .id = db_column_int(stmt, 0),
            .name = db_column_text(stmt, 1),
            .role = db_column_text(stmt, 3),
            .created_ms = db_column_int(stmt, 4),
            .created_by = db_column_text(stmt, 5),
            .expires_ms = db_column_int(stmt, 6),
        };
        db_column_blob(stmt, 2, row.hash, sizeof row.hash);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}
