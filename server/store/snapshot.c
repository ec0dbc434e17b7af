/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/snapshot.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "server/store/db.h"
#include "server/store/store.h"

static const char COPY_SQL[] = "VACUUM INTO ?1";
/* The last one: the copy says of itself from when on it is complete. */
static const char *const since_sql[] = {
    "DELETE FROM prediction WHERE id < ?1 << 12",
    "DELETE FROM sample WHERE id < ?1 << 12",
    "DELETE FROM report WHERE first_id + max(rows, 1) - 1 < ?1 << 12",
    "DELETE FROM summary WHERE first_id + max(rows, 1) - 1 < ?1 << 12",
    "UPDATE retention SET complete_from_ms = max(complete_from_ms, ?1)"
    " WHERE kind IN ('rows', 'samples')",
};
static const char NO_ROWS_SQL[] =
    "UPDATE retention SET complete_from_ms = max(complete_from_ms,"
    " 1 + coalesce((SELECT max(first_id + max(rows, 1) - 1) >> 12 FROM report), 0))"
    " WHERE kind IN ('rows', 'samples');"
    "DELETE FROM prediction; DELETE FROM sample; DELETE FROM report; DELETE FROM summary";

static void close_plain(struct db *db)
{
    (void)sqlite3_close(db->handle);
}

/* A connection without statements and pragmas. */
#define PLAIN_DB __attribute__((cleanup(close_plain))) struct db

static enum status open_plain(const char *path, int flags, struct db *ret_db,
                              struct err *err)
{
    *ret_db = (struct db){0};
    if (sqlite3_open_v2(path, &ret_db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        enum status status = ret_db->handle
                                 ? db_error(ret_db, "open the database", err)
                                 : err_set(err, ERR_NO_MEMORY, "no memory for SQLite");
        err_prefix(err, "'%.100s'", path);
        return status;
    }
    (void)sqlite3_busy_timeout(ret_db->handle, DB_BUSY_TIMEOUT_MS);
    return OK;
}

static enum status copy_all(const char *path, const char *temporary, struct err *err)
{
    PLAIN_DB db;
    enum status status = open_plain(path, SQLITE_OPEN_READONLY, &db, err);
    if (status != OK) {
        return status;
    }
    DB_ONCE stmt = NULL;
    status = db_prepare_once(&db, COPY_SQL, &stmt, err);
    if (status != OK) {
        return status;
    }
    db_bind_text(stmt, 1, temporary);
    status = db_run(&db, stmt, err);
    err_prefix(err, "could not write the copy");
    return status;
}

static enum status run_since(struct db *db, const char *sql, int64_t since_ms,
                             struct err *err)
{
    DB_ONCE stmt = NULL;
    enum status status = db_prepare_once(db, sql, &stmt, err);
    if (status != OK) {
        return status;
    }
    db_bind_int(stmt, 1, since_ms);
    return db_run(db, stmt, err);
}

static enum status delete_before(struct db *db, int64_t since_ms, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < sizeof since_sql / sizeof since_sql[0]; i++) {
        status = run_since(db, since_sql[i], since_ms, err);
    }
    return status;
}

static enum status leave_rows_out(const struct snapshot_options *options,
                                  const char *temporary, struct err *err)
{
    PLAIN_DB db;
    enum status status = open_plain(temporary, SQLITE_OPEN_READWRITE, &db, err);
    if (status == OK) {
        status = db_execute(&db, "PRAGMA journal_mode=OFF; PRAGMA secure_delete=0", err);
    }
    if (status == OK && options->no_rows) {
        status = db_execute(&db, NO_ROWS_SQL, err);
    } else if (status == OK && options->since_ms > 0) {
        status = delete_before(&db, options->since_ms, err);
    }
    return status == OK ? db_execute(&db, "VACUUM", err) : status;
}

static enum status sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, "could not open '%s'", path);
    }
    enum status status =
        fsync(fd) == 0 ? OK : err_set_errno(err, "could not sync '%s'", path);
    (void)close(fd);
    return status;
}

static enum status write_snapshot(const struct snapshot_options *options,
                                  const char *path, const char *temporary,
                                  struct err *err)
{
    enum status status = copy_all(path, temporary, err);
    if (status == OK && (options->no_rows || options->since_ms > 0)) {
        status = leave_rows_out(options, temporary, err);
    }
    if (status == OK) {
        status = sync_file(temporary, err);
    }
    return status == OK ? file_rename(temporary, options->target, err) : status;
}

enum status store_snapshot(const struct snapshot_options *options, struct err *err)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", options->folder, STORE_FILE_NAME);
    const char *slash = strrchr(options->target, '/');
    int folder = slash ? (int)(slash + 1 - options->target) : 0;
    int temporary_len = snprintf(temporary, sizeof temporary, "%.*s.tmp-snapshot-%ld",
                                 folder, options->target, (long)getpid());
    if (len < 0 || len >= (int)sizeof path || temporary_len < 0 ||
        temporary_len >= (int)sizeof temporary) {
        return err_set(err, ERR_LIMIT, "path too long: '%.80s…'", options->target);
    }
    if (!file_exists(path)) {
        return err_set(err, ERR_NOT_FOUND, "there is no database in '%s'",
                       options->folder);
    }
    if (file_exists(options->target)) {
        return err_set(err, ERR_EXISTS, "'%s' exists already", options->target);
    }
    (void)unlink(temporary);
    enum status status = write_snapshot(options, path, temporary, err);
    if (status != OK) {
        (void)unlink(temporary);
    }
    return status;
}
