/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/wal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool path_beside(const char *path, const char *suffix,
                        char ret_path[static PATH_MAX])
{
    int len = snprintf(ret_path, PATH_MAX, "%s%s", path, suffix);
    return len > 0 && len < PATH_MAX;
}

static bool is_sized(const char *path, uint64_t bytes)
{
    char wal[PATH_MAX];
    struct stat st;
    return path_beside(path, "-wal", wal) && stat(wal, &st) == 0 &&
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

/* SQLite syncs the database only after a checkpoint that copied everything up to the end
 * that the WAL has by then, yet it notes after every one how far it came and does not
 * copy that part again. So what was cut short, by a reader or by a commit meanwhile, is
 * synced here, before anything is built upon it. */
static bool sync_copied(struct db *db)
{
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_FILE_POINTER, &file);
    return code == SQLITE_OK && file && file->pMethods &&
           file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) == SQLITE_OK;
}

/* The only way to a checkpoint; wal.h tells what a failure means. */
static enum status checkpoint(struct db *db, int mode, int *ret_copied, struct err *err)
{
    int frames = 0;
    int copied = 0;
    if (atomic_load(&db->disk->lost)) {
        return err_set(err, ERR_IO, "the database was lost");
    }
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, &frames, &copied);
    bool busy = (code & 0xff) == SQLITE_BUSY;
    /* A passive one may run beside the writer: `frames` may be out of date. */
    bool unsynced = mode == SQLITE_CHECKPOINT_PASSIVE || copied < frames;
    enum status status =
        code == SQLITE_OK ? OK : db_error(db, "copy the WAL into the database", err);
    if ((busy || (code == SQLITE_OK && unsynced)) && !sync_copied(db)) {
        atomic_store(&db->disk->lost, true);
        status = err_set(err, ERR_IO, "could not sync the database");
    }
    atomic_store(&db->disk->checkpoint_failed,
                 status != OK && (!busy || atomic_load(&db->disk->lost)));
    *ret_copied = copied;
    return status;
}

enum status wal_shrink(struct db *db, const char *path, uint64_t limit_bytes,
                       struct err *err)
{
    int copied = 0;
    if (!is_sized(path, limit_bytes * 2)) {
        return OK;
    }
    (void)sqlite3_busy_timeout(db->handle, 0);
    enum status status = checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE, &copied, err);
    (void)sqlite3_busy_timeout(db->handle, DB_BUSY_TIMEOUT_MS);
    if (status == ERR_UNAVAILABLE) {
        err_clear(err); /* somebody uses it */
        return OK;
    }
    if (status == OK) {
        db->wal_frames = 0;
    }
    return status;
}

enum status wal_checkpoint(struct db *db, int *ret_copied, struct err *err)
{
    return checkpoint(db, SQLITE_CHECKPOINT_PASSIVE, ret_copied, err);
}

enum status wal_restart(struct db *db, int wait_ms, struct err *err)
{
    int copied = 0;
    (void)sqlite3_busy_timeout(db->handle, wait_ms);
    enum status status = checkpoint(db, SQLITE_CHECKPOINT_RESTART, &copied, err);
    (void)sqlite3_busy_timeout(db->handle, DB_BUSY_TIMEOUT_MS);
    if (status == OK) {
        db->wal_frames = 0;
    }
    return status;
}

/* An index without its header (two copies of 48 bytes) is built anew from the WAL by
 * whoever opens it next, as if the machine had crashed. */
void wal_forget_index(const char *path)
{
    static const char zeros[96];
    char index[PATH_MAX];
    int fd = path_beside(path, "-shm", index) ? open(index, O_WRONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return; /* nobody had it open: it is gone, which is as good */
    }
    ssize_t written = pwrite(fd, zeros, sizeof zeros, 0);
    (void)written;
    (void)close(fd);
}
