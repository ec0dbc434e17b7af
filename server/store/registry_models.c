/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/registry_models.h"

#include "server/store/db.h"

enum models_statement {
    MODEL_PUT,
    MODEL_LOAD,
    VERSION_PUT,
    ARTIFACT_UNLIST,
    ARTIFACT_PUT,
    ARTIFACT_LOAD,
    DEPLOYMENT_INSERT,
    DEPLOYMENT_REMOVE,
    DEPLOYMENT_LOAD,
};

static const char *const sql[] = {
    [MODEL_PUT] = "INSERT INTO model(name, task, floor) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT DO UPDATE SET task = excluded.task,"
                  " floor = max(floor, excluded.floor)",
    [MODEL_LOAD] = "SELECT name, task, floor FROM model ORDER BY name",
    [VERSION_PUT] = "INSERT INTO model_version(model, seq, version, published_ms)"
                    " VALUES (?1, ?2, ?3, ?4)"
                    " ON CONFLICT DO UPDATE SET version = excluded.version",
    [ARTIFACT_UNLIST] = "UPDATE artifact SET listed = 0 WHERE listed <> 0",
    [ARTIFACT_PUT] =
        "INSERT INTO artifact(model, seq, variant, sha256, length, path, ram_bytes,"
        " hardware, classes, listed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        " ON CONFLICT DO UPDATE SET sha256 = excluded.sha256, length = excluded.length,"
        " path = excluded.path, ram_bytes = excluded.ram_bytes,"
        " hardware = excluded.hardware, classes = excluded.classes,"
        " listed = excluded.listed",
    [ARTIFACT_LOAD] =
        "SELECT a.model, v.version, a.variant, a.path, a.seq, v.published_ms, a.sha256,"
        " a.length, a.ram_bytes, a.hardware, a.classes, a.listed"
        " FROM artifact AS a JOIN model_version AS v USING (model, seq)"
        " ORDER BY a.model, a.seq, a.variant",
    [DEPLOYMENT_INSERT] =
        "INSERT INTO deployment(model, seq, selector, created_ms, created_by)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [DEPLOYMENT_REMOVE] = "UPDATE deployment SET removed_ms = ?2 WHERE id = ?1",
    [DEPLOYMENT_LOAD] = "SELECT id, model, seq, selector, created_ms, created_by"
                        " FROM deployment WHERE removed_ms IS NULL ORDER BY id",
};
const struct db_module_table registry_models_statements = DB_MODULE_TABLE(sql);

enum status model_row_put(struct db *db, const struct model_row *row, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, MODEL_PUT);
    db_bind_text(stmt, 1, row->name);
    db_bind_text(stmt, 2, row->task);
    db_bind_int(stmt, 3, row->floor);
    return db_run(db, stmt, err);
}

enum status artifact_rows_unlist(struct db *db, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, ARTIFACT_UNLIST);
    return db_run(db, stmt, err);
}

static enum status version_put(struct db *db, const struct artifact_row *row,
                               struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, VERSION_PUT);
    db_bind_text(stmt, 1, row->model);
    db_bind_int(stmt, 2, row->seq);
    db_bind_text(stmt, 3, row->version);
    db_bind_int(stmt, 4, row->published_ms);
    return db_run(db, stmt, err);
}

enum status artifact_row_put(struct db *db, const struct artifact_row *row,
                             struct err *err)
{
    enum status status = version_put(db, row, err);
    if (status != OK) {
        return status;
    }
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, ARTIFACT_PUT);
    db_bind_text(stmt, 1, row->model);
    db_bind_int(stmt, 2, row->seq);
    db_bind_text(stmt, 3, row->variant);
    db_bind_blob(stmt, 4, row->sha256, sizeof row->sha256);
    db_bind_int(stmt, 5, row->length);
    db_bind_text(stmt, 6, row->path);
    db_bind_int(stmt, 7, row->ram_bytes);
    db_bind_text(stmt, 8, row->hardware);
    db_bind_text(stmt, 9, row->classes);
    db_bind_int(stmt, 10, row->listed);
    return db_run(db, stmt, err);
}

enum status deployment_row_insert(struct db *db, const struct deployment_row *row,
                                  int64_t *ret_id, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, DEPLOYMENT_INSERT);
    db_bind_text(stmt, 1, row->model);
    db_bind_int(stmt, 2, row->seq);
    db_bind_text(stmt, 3, row->selector);
    db_bind_int(stmt, 4, row->created_ms);
    db_bind_text(stmt, 5, row->created_by);
    enum status status = db_run(db, stmt, err);
    if (status == OK) {
        *ret_id = db_last_id(db);
    }
    return status;
}

enum status deployment_row_remove(struct db *db, int64_t id, int64_t removed_ms,
                                  struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, DEPLOYMENT_REMOVE);
    db_bind_int(stmt, 1, id);
    db_bind_int(stmt, 2, removed_ms);
    return db_run(db, stmt, err);
}

enum status model_rows_load(struct db *db,
                            enum status (*each)(void *context,
                                                const struct model_row *row,
                                                struct err *err),
                            void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, MODEL_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct model_row row = {
            .name = db_column_text(stmt, 0),
            .task = db_column_text(stmt, 1),
            .floor = db_column_int(stmt, 2),
        };
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status artifact_rows_load(struct db *db,
                               enum status (*each)(void *context,
                                                   const struct artifact_row *row,
                                                   struct err *err),
                               void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, ARTIFACT_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct artifact_row row = {
            .model = db_column_text(stmt, 0),
            .version = db_column_text(stmt, 1),
            .variant = db_column_text(stmt, 2),
            .path = db_column_text(stmt, 3),
            .seq = db_column_int(stmt, 4),
            .published_ms = db_column_int(stmt, 5),
            .length = db_column_int(stmt, 7),
            .ram_bytes = db_column_int(stmt, 8),
            .hardware = db_column_is_null(stmt, 9) ? NULL : db_column_text(stmt, 9),
            .classes = db_column_text(stmt, 10),
            .listed = db_column_int(stmt, 11) != 0,
        };
        db_column_blob(stmt, 6, row.sha256, sizeof row.sha256);
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}

enum status deployment_rows_load(struct db *db,
                                 enum status (*each)(void *context,
                                                     const struct deployment_row *row,
                                                     struct err *err),
                                 void *context, struct err *err)
{
    DB_STMT stmt = db_statement(db, DB_REGISTRY_MODELS, DEPLOYMENT_LOAD);
    bool more = false;
    enum status status = db_step(db, stmt, &more, err);
    while (status == OK && more) {
        struct deployment_row row = {
            .id = db_column_int(stmt, 0),
            .model = db_column_text(stmt, 1),
            .seq = db_column_int(stmt, 2),
            .selector = db_column_text(stmt, 3),
            .created_ms = db_column_int(stmt, 4),
            .created_by = db_column_text(stmt, 5),
        };
        status = each(context, &row, err);
        if (status == OK) {
            status = db_step(db, stmt, &more, err);
        }
    }
    return status;
}
