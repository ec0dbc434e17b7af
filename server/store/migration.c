/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/migration.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "server/store/db.h"

#define M(number, name, symbol)                                                          \
    extern const unsigned char symbol[];                                                 \
    extern const size_t symbol##_len;
#include "migration_list.inc"
#undef M

const struct migration migrations[] = {
#define M(number, name, symbol) {number, name, symbol, &symbol##_len},
#include "migration_list.inc"
#undef M
    {0, NULL, NULL, NULL},
};
const size_t migrations_count = sizeof migrations / sizeof migrations[0] - 1;

/* Runs before the statements of modules.def can be prepared, hence its own. */
static const char CREATE_SQL[] =
    "CREATE TABLE IF NOT EXISTS migration(\n"
    "  -- which files of migrations/ were applied to this database\n"
    "  number INTEGER PRIMARY KEY, -- NNNN of the file's name\n"
    "  name TEXT NOT NULL,\n"
    "  sha256 BLOB NOT NULL CHECK(length(sha256) = 32), -- of the file's bytes\n"
    "  applied_ms INTEGER NOT NULL -- ms since 1970\n"
    ") STRICT";
static const char NEWEST_SQL[] = "SELECT coalesce(max(number), 0) FROM migration";
static const char LOOKUP_SQL[] = "SELECT sha256 FROM migration WHERE number = ?1";
static const char RECORD_SQL[] =
    "INSERT INTO migration(number, name, sha256, applied_ms) VALUES (?1, ?2, ?3, ?4)";

static enum status newest_recorded(struct db *db, int64_t *ret_number, struct err *err)
{
    DB_ONCE stmt = NULL;
    enum status status = db_prepare_once(db, NEWEST_SQL, &stmt, err);
    bool row = false;
    if (status == OK) {
        status = db_step(db, stmt, &row, err);
    }
    if (status == OK) {
        *ret_number = db_column_int(stmt, 0);
    }
    return status;
}

static enum status is_applied(struct db *db, const struct migration *migration,
                              const uint8_t digest[static SHA256_BYTES],
                              bool *ret_applied, struct err *err)
{
    DB_ONCE stmt = NULL;
    enum status status = db_prepare_once(db, LOOKUP_SQL, &stmt, err);
    if (status != OK) {
        return status;
    }
    db_bind_int(stmt, 1, migration->number);
    bool row = false;
    status = db_step(db, stmt, &row, err);
    if (status != OK) {
        return status;
    }
    uint8_t recorded[SHA256_BYTES] = {0};
    if (row) {
        db_column_blob(stmt, 0, recorded, sizeof recorded);
    }
    if (row && memcmp(recorded, digest, sizeof recorded) != 0) {
        return err_set(err, ERR_DB,
                       "migration %d '%s' was applied with other content than this "
                       "program has: it is not the same program line",
                       migration->number, migration->name);
    }
    *ret_applied = row;
    return OK;
}

static enum status record(struct db *db, const struct migration *migration,
                          const uint8_t digest[static SHA256_BYTES], struct err *err)
{
    DB_ONCE stmt = NULL;
    enum status status = db_prepare_once(db, RECORD_SQL, &stmt, err);
    if (status != OK) {
        return status;
    }
    db_bind_int(stmt, 1, migration->number);
    db_bind_text(stmt, 2, migration->name);
    db_bind_blob(stmt, 3, digest, SHA256_BYTES);
    db_bind_int(stmt, 4, clock_wall_ms());
    return db_run(db, stmt, err);
}

static enum status apply_in_transaction(struct db *db, const struct migration *migration,
                                        const uint8_t digest[static SHA256_BYTES],
                                        struct err *err)
{
    /* muster_embed puts a NUL behind the bytes, so the SQL is a C string. */
    enum status status = db_execute(db, (const char *)migration->sql, err);
    if (status == OK) {
        status = record(db, migration, digest, err);
    }
    return status == OK ? db_execute(db, "COMMIT", err) : status;
}

static enum status apply_one(struct db *db, const struct migration *migration,
                             struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    enum status status = sha256_of(migration->sql, *migration->sql_len, digest, err);
    bool applied = false;
    if (status == OK) {
        status = is_applied(db, migration, digest, &applied, err);
    }
    if (status != OK || applied) {
        return status;
    }
    int64_t began_ms = clock_mono_ms();
    status = db_execute(db, "BEGIN IMMEDIATE", err);
    if (status != OK) {
        return status;
    }
    status = apply_in_transaction(db, migration, digest, err);
    if (status != OK) {
        err_prefix(err, "migration %d '%s'", migration->number, migration->name);
        if (!sqlite3_get_autocommit(db->handle)) {
            db_discard(db_execute(db, "ROLLBACK", NULL));
        }
        return status;
    }
    log_event(LOG_LEVEL_INFO, "migrated", log_int("number", migration->number),
              log_text("name", migration->name),
              log_int("ms", clock_mono_ms() - began_ms));
    return OK;
}

enum status migration_apply(struct db *db, const struct migration *list, size_t count,
                            struct err *err)
{
    int known = count > 0 ? list[count - 1].number : 0;
    int64_t newest = 0;
    enum status status = db_execute(db, CREATE_SQL, err);
    if (status == OK) {
        status = newest_recorded(db, &newest, err);
    }
    if (status == OK && newest > known) {
        return err_set(err, ERR_DB_NEWER,
                       "the database has migration %lld, this program knows up to %d",
                       (long long)newest, known);
    }
    for (size_t i = 0; status == OK && i < count; i++) {
        status = apply_one(db, &list[i], err);
    }
    return status;
}
