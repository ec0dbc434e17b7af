/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms as text, added up by SQL. */
#include "server/store/cells_add.h"

#include <string.h>

#include "server/store/migration.h"
#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

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

static int64_t number_of(struct fixture *fixture, const char *sql)
{
    struct query query = {.sql = sql};
    struct err err = {0};
    assert_int_equal(query_run(&query, fixture->db, &err), OK);
    return query.number;
}

static void two_histograms_become_one_in_order(void **state)
{
    assert_int_equal(number_of(*state,
                               "SELECT cells_add('{\"1\":[2,30],\"9\":[1,5]}',"
                               " '{\"0\":[1,0],\"1\":[4,-1],\"10\":[1,7]}') ="
                               " '{\"0\":[1,0],\"1\":[6,29],\"9\":[1,5],\"10\":[1,7]}'"),
                     1);
}

static void sums_stop_where_those_of_rows_do(void **state)
{
    assert_int_equal(number_of(*state,
                               "SELECT cells_add('{\"1\":[2,4611686018427387903]}',"
                               " '{\"1\":[1,9]}') = '{\"1\":[3,4611686018427387903]}'"),
                     1);
    assert_int_equal(((struct fixture *)*state)->db->sums_capped, 1);
}

/* A text that ends early, that goes on, that does not ascend, or that is none. */
static void a_broken_text_is_damage(void **state)
{
    struct fixture *fixture = *state;
    static const char *const broken[] = {"''",
                                         "NULL",
                                         "'{\"1\":[2,3]'",
                                         "'{\"1\":[2,3]}}'",
                                         "'{\"1\":[2,3],}'",
                                         "'{\"1\":[2]}'",
                                         "'{\"2\":[1,1],\"1\":[1,1]}'",
                                         "'{\"1\":[1,1],\"1\":[1,1]}'",
                                         "'{\"1\":[99999999999999999999,1]}'"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql, "SELECT cells_add('{\"1\":[1,1]}', %s)",
                       broken[i]);
        struct query query = {.sql = sql};
        assert_int_equal(query_run(&query, fixture->db, NULL), ERR_DB_CORRUPT);
    }
}

/* Migration 9 keeps what was counted. */
static void the_rows_of_older_servers_become_one_a_quarter_hour(void **state)
{
    struct fixture *fixture = *state;
    size_t before = 0;
    while (before < migrations_count && migrations[before].number < 9) {
        before++;
    }
    assert_int_equal(migration_apply(fixture->db, migrations, before, NULL), OK);
    assert_int_equal(
        db_execute(fixture->db,
                   "INSERT INTO latency_quarter VALUES (0, 1, 7, 2, 15), (0, 1, 100, 1,"
                   " 170), (0, 2, 7, 1, 7), (900000, 1, 30, 1, 30);"
                   "CREATE TEMP TABLE old AS SELECT * FROM v_latency_quarter",
                   NULL),
        OK);
    assert_int_equal(migration_apply(fixture->db, migrations, migrations_count, NULL),
                     OK);
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM latency_quarter"), 3);
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM v_latency_quarter"), 4);
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM (SELECT * FROM old EXCEPT"
                                        " SELECT * FROM v_latency_quarter)"),
                     0);
    assert_int_equal(
        number_of(fixture,
                  "SELECT cells_add(buckets, '{\"8\":[1,8]}') ="
                  " '{\"7\":[2,15],\"8\":[1,8],\"100\":[1,170]}'"
                  " FROM latency_quarter WHERE quarter_ms = 0 AND cohort_id = 1"),
        1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_histograms_become_one_in_order),
        TEST(sums_stop_where_those_of_rows_do),
        TEST(a_broken_text_is_damage),
        TEST(the_rows_of_older_servers_become_one_a_quarter_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
