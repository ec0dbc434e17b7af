/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/migration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/store/db.h"
#include "tests/unit/store/folder.h"

static const char ONE[] = "CREATE TABLE one(x INTEGER) STRICT;";
static const char ONE_CHANGED[] = "CREATE TABLE one(x TEXT) STRICT;";
static const char TWO[] =
    "CREATE TABLE two(x INTEGER) STRICT; INSERT INTO one VALUES (2);";
static const char BROKEN[] = "CREATE TABLE three(x INTEGER) STRICT; INSERT INTO nothing;";
static const size_t ONE_LEN = sizeof ONE - 1;
static const size_t ONE_CHANGED_LEN = sizeof ONE_CHANGED - 1;
static const size_t TWO_LEN = sizeof TWO - 1;
static const size_t BROKEN_LEN = sizeof BROKEN - 1;

static const struct migration list[] = {
    {1, "0001_one", (const unsigned char *)ONE, &ONE_LEN},
    {2, "0002_two", (const unsigned char *)TWO, &TWO_LEN},
    {3, "0003_broken", (const unsigned char *)BROKEN, &BROKEN_LEN},
};

struct fixture {
    char folder[PATH_MAX];
    struct db *db;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char path[PATH_MAX + 16];
    folder_make(fixture->folder);
    (void)snprintf(path, sizeof path, "%s/m.db", fixture->folder);
    assert_int_equal(db_open(path, true, true, &fixture->db, NULL), OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    db_close(fixture->db);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static int64_t number_of(struct db *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return number;
}

static void each_is_applied_once_and_recorded(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {0};
    assert_int_equal(migration_apply(fixture->db, list, 1, &err), OK);
    assert_int_equal(migration_apply(fixture->db, list, 2, &err), OK);
    assert_int_equal(migration_apply(fixture->db, list, 2, &err), OK);
    assert_int_equal(number_of(fixture->db, "SELECT count(*) FROM one"), 1);
    assert_int_equal(number_of(fixture->db, "SELECT sum(number) FROM migration"), 3);
}

static void a_newer_database_is_refused_with_both_numbers(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {0};
    assert_int_equal(migration_apply(fixture->db, list, 2, &err), OK);
    assert_int_equal(migration_apply(fixture->db, list, 1, &err), ERR_DB_NEWER);
    assert_non_null(strstr(err.detail, "migration 2"));
    assert_non_null(strstr(err.detail, "up to 1"));
}

static void a_changed_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {0};
    struct migration changed[] = {list[0], list[1]};
    changed[0].sql = (const unsigned char *)ONE_CHANGED;
    changed[0].sql_len = &ONE_CHANGED_LEN;
    assert_int_equal(migration_apply(fixture->db, list, 2, &err), OK);
    assert_int_equal(migration_apply(fixture->db, changed, 2, &err), ERR_DB);
    assert_non_null(strstr(err.detail, "0001_one"));
}

static void a_failing_one_leaves_nothing_of_itself(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {0};
    assert_int_equal(migration_apply(fixture->db, list, 3, &err), ERR_DB);
    assert_non_null(strstr(err.detail, "0003_broken"));
    assert_int_equal(number_of(fixture->db, "SELECT max(number) FROM migration"), 2);
    assert_int_equal(
        number_of(fixture->db, "SELECT count(*) FROM sqlite_schema WHERE name='three'"),
        0);
}

static void the_embedded_ones_build_a_schema_that_every_statement_fits(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {0};
    assert_int_equal(migration_apply(fixture->db, migrations, migrations_count, &err),
                     OK);
    assert_int_equal(db_prepare(fixture->db, &err), OK);
    assert_int_equal(number_of(fixture->db, "SELECT count(*) FROM latency_bucket"), 1728);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_is_applied_once_and_recorded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_newer_database_is_refused_with_both_numbers,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_file_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_one_leaves_nothing_of_itself, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            the_embedded_ones_build_a_schema_that_every_statement_fits, set_up,
            tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
