/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sqlite FILE REPORTS ROWS CLIENTS: the peer of bench_ingest: the same rows
 * straight into one table of plain SQLite, WAL, synchronous=FULL, CLIENTS reports a
 * transaction, one prepared statement a row. No dedupe, no rollups, nothing else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sqlite3.h>

#include "base/clock.h"

static const char SETUP_SQL[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE prediction(id INTEGER PRIMARY KEY, node_id INTEGER NOT NULL, cohort_id "
    "INTEGER NOT NULL, class INTEGER NOT NULL, confidence INTEGER NOT NULL, latency_us "
    "INTEGER NOT NULL, lag_ms INTEGER NOT NULL, value REAL, sample INTEGER) STRICT";
static const char INSERT_SQL[] =
    "INSERT INTO prediction VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, NULL, NULL)";

static double cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void check(sqlite3 *handle, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE) {
        (void)fprintf(stderr, "bench_sqlite: %s\n", sqlite3_errmsg(handle));
        exit(1);
    }
}

static void insert(sqlite3 *handle, sqlite3_stmt *stmt, int64_t id, int64_t rows)
{
    int64_t row = id % rows;
    (void)sqlite3_bind_int64(stmt, 1, (INT64_C(1795420000000) << 12) + id);
    (void)sqlite3_bind_int64(stmt, 2, id / rows % 1000 + 1);
    (void)sqlite3_bind_int64(stmt, 3, row * 7 % 10);
    (void)sqlite3_bind_int64(stmt, 4, row * 7919 % 10001);
    (void)sqlite3_bind_int64(stmt, 5, 1000 + row * 7919 % 800);
    (void)sqlite3_bind_int64(stmt, 6, (rows - row) * 33);
    check(handle, sqlite3_step(stmt));
    (void)sqlite3_reset(stmt);
}

int main(int argc, char **argv)
{
    int64_t reports = argc == 5 ? strtoll(argv[2], NULL, 10) : 0;
    int64_t rows = argc == 5 ? strtoll(argv[3], NULL, 10) : 0;
    int64_t clients = argc == 5 ? strtoll(argv[4], NULL, 10) : 0;
    if (reports < 1 || rows < 1 || clients < 1) {
        (void)fprintf(stderr, "usage: bench_sqlite FILE REPORTS ROWS CLIENTS\n");
        return 2;
    }
    sqlite3 *handle = NULL;
    sqlite3_stmt *stmt = NULL;
    check(handle, sqlite3_open(argv[1], &handle));
    check(handle, sqlite3_exec(handle, SETUP_SQL, NULL, NULL, NULL));
    check(handle, sqlite3_prepare_v2(handle, INSERT_SQL, -1, &stmt, NULL));
    int64_t began_us = clock_mono_us();
    double cpu_before_s = cpu_s();
    for (int64_t id = 0; id < reports * rows;) {
        check(handle, sqlite3_exec(handle, "BEGIN", NULL, NULL, NULL));
        int64_t end = id + clients * rows;
        for (; id < end && id < reports * rows; id++) {
            insert(handle, stmt, id, rows);
        }
        check(handle, sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL));
    }
    double wall_s = (double)(clock_mono_us() - began_us) / 1e6;
    double predictions = (double)(reports * rows);
    (void)printf("rate=%.0f/s cpu=%.3fs/M\n", predictions / wall_s,
                 (cpu_s() - cpu_before_s) / predictions * 1e6);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(handle);
    return 0;
}
