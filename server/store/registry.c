/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/registry.h"

#include <stdio.h>

#include "server/store/db.h"

enum registry_statement { SERVER_INSERT, SERVER_GET, SERVER_TOUCH, AUDIT_INSERT };

static const char *const sql[] = {
    [SERVER_INSERT] = "INSERT INTO server(id, server_id, created_ms) VALUES (1, ?1, ?2)",
    [SERVER_GET] = "SELECT server_id FROM server WHERE id = 1",
    [SERVER_TOUCH] = "UPDATE server SET created_ms = created_ms WHERE id = 1",
    [AUDIT_INSERT] = ("INSERT INTO audit_log(at_ms, actor, action, subject, detail)"
                      " VALUES (?1, ?2, ?3, ?4, ?5)"),
};
const struct db_module_table registry_statements = DB_MODULE_TABLE(sql);

enum status server_row_insert(struct db *db, const char *server_id, int64_t created_ms,
                              struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY, SERVER_INSERT);
    db_bind_text(stmt, 1, server_id);
    db_bind_int(stmt, 2, created_ms);
    return db_run(db, stmt, err);
}

enum status server_row_get(struct db *db, char ret_server_id[static 33], struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY, SERVER_GET);
    bool row = false;
    enum status status = db_step(db, stmt, &row, err);
    if (status == OK && !row) {
        return err_set(err, ERR_NOT_FOUND, "the data directory is not initialised");
    }
    if (status == OK) {
        (void)snprintf(ret_server_id, 33, "%s", db_column_text(stmt, 0));
    }
    return status;
}

enum status server_row_touch(struct db *db, struct err *err)
{
    return db_run(db, db_statement(db, DB_REGISTRY, SERVER_TOUCH), err);
}

enum status audit_row_insert(struct db *db, const struct audit_row *row, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY, AUDIT_INSERT);
    db_bind_int(stmt, 1, row->at_ms);
    db_bind_text(stmt, 2, row->actor);
    db_bind_text(stmt, 3, row->action);
    db_bind_text(stmt, 4, row->subject);
    db_bind_text(stmt, 5, row->detail ? row->detail : "{}");
    return db_run(db, stmt, err);
}
