/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sqlite FILE SECONDS ROWS CLIENTS: the rows of a report straight into one table of
 * plain SQLite, in one thread and as fast as it goes: WAL laid out in advance,
 * synchronous=FULL, CLIENTS reports of ROWS rows a transaction, 10 rows a statement. No
 * HTTP, no decoding, no dedupe, no rollups, nothing else: the roof of what a server over
 * SQLite can do. MUSTER_AUTOCHECKPOINT: pages (4,000). Half a second of warm-up is not
 * counted. Prints rate, processor time and the rows that it read back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sqlite3.h>

#include "base/clock.h"

enum { ROWS_A_STATEMENT = 10, COLUMNS = 7, WARM_US = 500000 };

static const char SETUP_SQL[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=0;"
    "PRAGMA wal_autocheckpoint=0; CREATE TABLE filler(bytes BLOB);"
    "INSERT INTO filler VALUES (zeroblob(24000000)); DROP TABLE filler;"
    "PRAGMA wal_checkpoint(RESTART);"
    "CREATE TABLE prediction(id INTEGER PRIMARY KEY, node_id INTEGER NOT NULL, cohort_id "
    "INTEGER NOT NULL, class INTEGER NOT NULL, confidence INTEGER NOT NULL, latency_us "
    "INTEGER NOT NULL, lag_ms INTEGER NOT NULL, value REAL, sample INTEGER) STRICT";
#define ROW "(?,?,?,?,?,?,?)"
static const char INSERT_SQL[] =
    "INSERT INTO prediction(id, node_id, cohort_id, class, confidence, latency_us, "
    "lag_ms) "
    "VALUES " ROW "," ROW "," ROW "," ROW "," ROW "," ROW "," ROW "," ROW "," ROW "," ROW;
static const char INSERT_ONE_SQL[] = "INSERT INTO prediction(id, node_id, cohort_id, "
                                     "class, confidence, latency_us, lag_ms) "
                                     "VALUES " ROW;
static const char COUNT_SQL[] = "SELECT count(*) FROM prediction";

struct bench {
    sqlite3 *handle;
    sqlite3_stmt *insert, *insert_one;
    int64_t id, rows, clients;
};

static double cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void check(sqlite3 *handle, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
        (void)fprintf(stderr, "bench_sqlite: %s\n", sqlite3_errmsg(handle));
        exit(1);
    }
}

static void execute(sqlite3 *handle, const char *sql)
{
    check(handle, sqlite3_exec(handle, sql, NULL, NULL, NULL));
}

static void bind_row(sqlite3_stmt *stmt, int at, int64_t id, int64_t rows)
{
    int64_t row = id % rows;
    (void)sqlite3_bind_int64(stmt, at + 1, (INT64_C(1795420000000) << 12) + id);
    (void)sqlite3_bind_int64(stmt, at + 2, id / rows % 1000 + 1);
    (void)sqlite3_bind_int64(stmt, at + 3, 1);
    (void)sqlite3_bind_int64(stmt, at + 4, row * 7 % 10);
    (void)sqlite3_bind_int64(stmt, at + 5, row * 7919 % 10001);
    (void)sqlite3_bind_int64(stmt, at + 6, 1000 + row * 7919 % 800);
    (void)sqlite3_bind_int64(stmt, at + 7, (rows - row) * 33);
}

static void insert(struct bench *bench, sqlite3_stmt *stmt, int count)
{
    for (int i = 0; i < count; i++) {
        bind_row(stmt, i * COLUMNS, bench->id + i, bench->rows);
    }
    check(bench->handle, sqlite3_step(stmt));
    check(bench->handle, sqlite3_reset(stmt));
    bench->id += count;
}

static void insert_transaction(struct bench *bench)
{
    int64_t end = bench->id + bench->clients * bench->rows;
    execute(bench->handle, "BEGIN IMMEDIATE");
    while (bench->id + ROWS_A_STATEMENT <= end) {
        insert(bench, bench->insert, ROWS_A_STATEMENT);
    }
    while (bench->id < end) {
        insert(bench, bench->insert_one, 1);
    }
    execute(bench->handle, "COMMIT");
}

static void bench_open(struct bench *bench, const char *path)
{
    const char *pages = getenv("MUSTER_AUTOCHECKPOINT");
    check(bench->handle, sqlite3_open(path, &bench->handle));
    execute(bench->handle, SETUP_SQL);
    check(bench->handle, sqlite3_wal_autocheckpoint(
                             bench->handle, pages ? (int)strtol(pages, NULL, 10) : 4000));
    check(bench->handle,
          sqlite3_prepare_v2(bench->handle, INSERT_SQL, -1, &bench->insert, NULL));
    check(bench->handle, sqlite3_prepare_v2(bench->handle, INSERT_ONE_SQL, -1,
                                            &bench->insert_one, NULL));
}

static int64_t bench_count(struct bench *bench)
{
    sqlite3_stmt *stmt = NULL;
    check(bench->handle, sqlite3_prepare_v2(bench->handle, COUNT_SQL, -1, &stmt, NULL));
    check(bench->handle, sqlite3_step(stmt));
    int64_t count = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return count;
}

int main(int argc, char **argv)
{
    struct bench bench = {.rows = argc == 5 ? strtoll(argv[3], NULL, 10) : 0,
                          .clients = argc == 5 ? strtoll(argv[4], NULL, 10) : 0};
    double seconds = argc == 5 ? strtod(argv[2], NULL) : 0;
    if (!(seconds > 0) || bench.rows < 1 || bench.clients < 1) {
        (void)fprintf(stderr, "usage: bench_sqlite FILE SECONDS ROWS CLIENTS\n");
        return 2;
    }
    bench_open(&bench, argv[1]);
    int64_t warm_us = clock_mono_us() + WARM_US;
    while (clock_mono_us() < warm_us) {
        insert_transaction(&bench);
    }
    int64_t began_us = clock_mono_us();
    int64_t first = bench.id;
    double cpu_before_s = cpu_s();
    while (clock_mono_us() < began_us + (int64_t)(seconds * 1e6)) {
        insert_transaction(&bench);
    }
    double wall_s = (double)(clock_mono_us() - began_us) / 1e6;
    double count = (double)(bench.id - first);
    (void)printf("{\"mode\":\"sqlite\",\"rate\":%.0f,\"server_cpu_s_per_million\":%.4f,"
                 "\"acknowledged\":%lld,\"stored\":%lld}\n",
                 count / wall_s, (cpu_s() - cpu_before_s) / count * 1e6,
                 (long long)bench.id, (long long)bench_count(&bench));
    (void)sqlite3_finalize(bench.insert);
    (void)sqlite3_finalize(bench.insert_one);
    (void)sqlite3_close(bench.handle);
    return 0;
}
