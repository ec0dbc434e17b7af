/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/snapshot.h"

#include "base/file.h"
#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

struct fixture {
    char folder[PATH_MAX];
    char target[PATH_MAX + 16];
    struct store *store;
};

/* Ten predictions in three reports, received at 1,000,000 ms, 2,000,000 ms and later. */
static const char FILL_SQL[] =
    "INSERT INTO cohort VALUES (1, zeroblob(32), 'm', 'none', '', '', '', '');"
    "WITH r(ms, seq, n) AS (VALUES (1000000, 1, 4), (2000000, 2, 4), (3000000, 3, 2))"
    " INSERT INTO report SELECT ms << 12, 7, 1, 1, seq, n, ms, 0, 0, 1, 0, NULL FROM r;"
    "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 3)"
    " INSERT INTO prediction SELECT first_id + i, 7, 1, 0, 5000, 100, 0, NULL, i"
    " FROM report JOIN s ON i < rows";

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct store_options options;
    struct err err = {0};
    folder_make(fixture->folder);
    (void)snprintf(fixture->target, sizeof fixture->target, "%s/copy.db",
                   fixture->folder);
    options = store_options_default(fixture->folder);
    options.wal_limit_bytes = 1 << 20;
    assert_int_equal(store_create(fixture->folder, &err), OK);
    assert_int_equal(store_open(&options, &fixture->store, &err), OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static void fill(struct fixture *fixture)
{
    query_execute(fixture->store, FILL_SQL);
    query_execute(fixture->store,
                  "INSERT INTO sample(id, node_id, cohort_id, sample, class, confidence, "
                  "lag_ms) SELECT id, node_id, cohort_id, sample, class, confidence, "
                  "lag_ms FROM prediction");
}

static int64_t number_in(const char *path, const char *sql)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(handle);
    return number;
}

static void take(struct fixture *fixture, int64_t since_ms, bool no_rows)
{
    struct err err = {0};
    struct snapshot_options options = {.folder = fixture->folder,
                                       .target = fixture->target,
                                       .since_ms = since_ms,
                                       .no_rows = no_rows};
    if (store_snapshot(&options, &err) != OK) {
        fail_msg("%s", err.detail);
    }
    assert_int_equal(number_in(fixture->target, "SELECT integrity_check = 'ok' FROM "
                                                "pragma_integrity_check"),
                     1);
}

static void a_snapshot_of_a_running_server_has_what_was_committed(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    take(fixture, 0, false);
    assert_int_equal(number_in(fixture->target, "SELECT count(*) FROM prediction"), 10);
    assert_int_equal(number_in(fixture->target, "SELECT count(*) FROM v_predictions"),
                     10);
    assert_int_equal(number_in(fixture->target,
                               "SELECT journal_mode <> 'wal' FROM pragma_journal_mode"),
                     1);
}

static void since_leaves_older_rows_out(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    take(fixture, 2000000, false);
    assert_int_equal(number_in(fixture->target, "SELECT count(*) FROM prediction"), 6);
    assert_int_equal(number_in(fixture->target, "SELECT count(*) FROM sample"), 6);
    assert_int_equal(number_in(fixture->target, "SELECT count(*) FROM report"), 2);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM prediction"), 10);
    assert_int_equal(
        number_in(fixture->target,
                  "SELECT complete_from_ms FROM retention WHERE kind = 'rows'"),
        2000000);
}

static void no_rows_leaves_all_rows_out(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    take(fixture, 0, true);
    assert_int_equal(number_in(fixture->target,
                               "SELECT (SELECT count(*) FROM prediction) + (SELECT "
                               "count(*) FROM sample) + (SELECT count(*) FROM report)"),
                     0);
    assert_int_equal(number_in(fixture->target, "SELECT count(*) FROM cohort"), 1);
    assert_int_equal(
        number_in(fixture->target,
                  "SELECT complete_from_ms > 2000000 FROM retention WHERE kind = 'rows'"),
        1);
}

static void nothing_is_overwritten_and_nothing_half_made_stays(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {0};
    struct snapshot_options options = {.folder = fixture->folder,
                                       .target = fixture->target};
    assert_int_equal(file_create(fixture->target, "x", 1, 0600, &err), OK);
    assert_int_equal(store_snapshot(&options, &err), ERR_EXISTS);
    err_clear(&err);
    options.target = "/nonexistent/folder/copy.db";
    assert_int_not_equal(store_snapshot(&options, &err), OK);
    err_clear(&err);
    options.folder = "/nonexistent";
    assert_int_equal(store_snapshot(&options, &err), ERR_NOT_FOUND);
}

/* The writer goes on between two slices: it deletes old rows, as retention does, and adds
 * a report; some of it is copied already. */
static void write_meanwhile(void *context, int64_t rows)
{
    (void)rows;
    query_execute(context, "DELETE FROM prediction WHERE id = (SELECT min(id) FROM "
                           "prediction)");
    query_execute(context, "INSERT INTO report SELECT max(first_id) + 4096000, 7, 1, 1, "
                           "max(seq) + 1, 1, 0, 0, 0, 1, 0, NULL FROM report");
    query_execute(context, "INSERT INTO prediction SELECT max(first_id), 7, 1, 0, 5000, "
                           "100, 0, NULL, NULL FROM report");
    query_execute(context, "UPDATE cohort SET model = model || 'x'");
}

static void a_copy_is_the_state_of_one_moment(void **state)
{
    static const char *const sums[] = {
        "SELECT count(*) FROM prediction",    "SELECT min(id) FROM prediction",
        "SELECT max(id) FROM prediction",     "SELECT count(*) FROM report",
        "SELECT max(first_id) FROM report",   "SELECT length(model) FROM cohort",
        "SELECT count(*) FROM sqlite_schema",
    };
    struct fixture *fixture = *state;
    struct err err = {0};
    struct snapshot_options options = {.folder = fixture->folder,
                                       .target = fixture->target,
                                       .progress = write_meanwhile,
                                       .context = fixture->store};
    fill(fixture);
    assert_int_equal(store_snapshot(&options, &err), OK);
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        assert_int_equal(number_in(fixture->target, sums[i]),
                         query_number(fixture->store, sums[i]));
    }
    assert_true(number_in(fixture->target, "SELECT length(model) FROM cohort") > 1);
}

/* A million rows, more than a slice. */
static void many_slices_copy_every_row_once(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    query_execute(
        fixture->store,
        "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i "
        "< 1000000) INSERT INTO prediction SELECT (3000000 << 12) + 10 + i, "
        "7, 1, i % 10, i % 10000, i, i, NULL, NULL FROM s");
    take(fixture, 0, false);
    assert_int_equal(number_in(fixture->target, "SELECT count(*) FROM prediction"),
                     1000010);
    assert_int_equal(number_in(fixture->target, "SELECT sum(latency_us) FROM prediction"),
                     INT64_C(1000) + INT64_C(1000000) * 1000001 / 2);
}

/* Whatever a later migration adds is copied, without a list of tables. */
static void tables_of_any_kind_and_name_are_copied(void **state)
{
    struct fixture *fixture = *state;
    query_execute(fixture->store,
                  "CREATE TABLE \"odd \"\" name\"(a TEXT, b INTEGER, PRIMARY KEY(b, a))"
                  " STRICT, WITHOUT ROWID -- a comment at the end\n");
    query_execute(fixture->store, "INSERT INTO \"odd \"\" name\" VALUES ('x', 1), "
                                  "('y', 1); CREATE VIEW v_odd AS SELECT count(*) AS n "
                                  "FROM \"odd \"\" name\" -- another");
    query_execute(fixture->store,
                  "INSERT INTO sqlite_sequence VALUES ('deployment', 41)");
    take(fixture, 0, true);
    assert_int_equal(number_in(fixture->target, "SELECT n FROM v_odd"), 2);
    assert_int_equal(number_in(fixture->target, "SELECT seq FROM sqlite_sequence WHERE "
                                                "name = 'deployment'"),
                     41);
    assert_int_equal(number_in(fixture->target, "SELECT count(*) FROM sqlite_schema"),
                     query_number(fixture->store, "SELECT count(*) FROM sqlite_schema"));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_snapshot_of_a_running_server_has_what_was_committed),
        WITH_STORE(since_leaves_older_rows_out),
        WITH_STORE(no_rows_leaves_all_rows_out),
        WITH_STORE(a_copy_is_the_state_of_one_moment),
        WITH_STORE(many_slices_copy_every_row_once),
        WITH_STORE(tables_of_any_kind_and_name_are_copied),
        WITH_STORE(nothing_is_overwritten_and_nothing_half_made_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
