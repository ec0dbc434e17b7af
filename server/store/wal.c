/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/wal.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "server/store/db.h"

/* A table may be left over when the program died in the middle. */
static const char PRESIZE_CREATE_SQL[] =
    "DROP TABLE IF EXISTS wal_presize; CREATE TABLE wal_presize(filler BLOB)";
static const char PRESIZE_INSERT_SQL[] = "INSERT INTO wal_presize VALUES (zeroblob(?1))";
static const char PRESIZE_DROP_SQL[] = "DROP TABLE wal_presize";

static enum status insert_filler(struct db *db, uint64_t bytes, struct err *err)
{
    DB_ONCE stmt = NULL;
    enum status status = db_prepare_once(db, PRESIZE_INSERT_SQL, &stmt, err);
    if (status != OK) {
        return status;
    }
    db_bind_int(stmt, 1, (int64_t)bytes);
    return db_run(db, stmt, err);
}

static bool is_sized(const char *path, uint64_t bytes)
{
    char wal[PATH_MAX];
    struct stat st;
    int len = snprintf(wal, sizeof wal, "%s-wal", path);
    return len > 0 && len < (int)sizeof wal && stat(wal, &st) == 0 &&
           (uint64_t)st.st_size >= bytes;
}

enum status wal_presize(struct db *db, const char *path, uint64_t bytes, struct err *err)
{
    if (is_sized(path, bytes)) {
        return OK;
    }
    enum status status = db_execute(db, PRESIZE_CREATE_SQL, err);
    if (status == OK) {
        status = insert_filler(db, bytes, err);
    }
    if (status == OK) {
        status = db_execute(db, PRESIZE_DROP_SQL, err);
    }
    return status == OK ? wal_restart(db, 0, err) : status;
}

enum status wal_shrink(struct db *db, const char *path, uint64_t limit_bytes,
                       struct err *err)
{
    if (!is_sized(path, limit_bytes * 2)) {
        return OK;
    }
    (void)sqlite3_busy_timeout(db->handle, 0);
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                         NULL, NULL);
    (void)sqlite3_busy_timeout(db->handle, DB_BUSY_TIMEOUT_MS);
    if ((code & 0xff) == SQLITE_BUSY) {
        return OK;
    }
    if (code != SQLITE_OK) {
        return db_error(db, "cut the WAL back", err);
    }
    db->wal_frames = 0;
    return OK;
}

enum status wal_checkpoint(struct db *db, int *ret_copied, struct err *err)
{
    int frames = 0;
    int copied = 0;
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                         &frames, &copied);
    if (code != SQLITE_OK) {
        return db_error(db, "copy the WAL into the database", err);
    }
    *ret_copied = copied;
    return OK;
}

enum status wal_restart(struct db *db, int wait_ms, struct err *err)
{
    int frames = 0;
    int copied = 0;
    (void)sqlite3_busy_timeout(db->handle, wait_ms);
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_RESTART,
                                         &frames, &copied);
    enum status status = code == SQLITE_OK ? OK : db_error(db, "restart the WAL", err);
    (void)sqlite3_busy_timeout(db->handle, DB_BUSY_TIMEOUT_MS);
    if (status == OK) {
        db->wal_frames = 0;
    }
    return status;
}
