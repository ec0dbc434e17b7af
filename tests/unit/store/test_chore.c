/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/chore.h"

#include <pthread.h>
#include <unistd.h>

#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

enum { STEPS = 5, WAIT_ROUNDS = 6000, WAIT_US = 10000 };

struct fixture {
    char folder[PATH_MAX];
    struct store *store;
    atomic_int steps, committed, failed;
    bool fails;
    int64_t again_ms; /* after the last of STEPS it is an hour */
};

static enum status insert_step(void *context, struct db *db, int64_t until_us,
                               int64_t *ret_again_ms, struct err *err)
{
    struct fixture *fixture = context;
    assert_true(until_us > 0);
    int steps = atomic_fetch_add(&fixture->steps, 1) + 1;
    struct query synchronous = {.sql = "PRAGMA synchronous"};
    assert_int_equal(query_run(&synchronous, db, err), OK);
    assert_int_equal(synchronous.number, 2); /* FULL, as for groups */
    enum status status = db_execute(db, "INSERT INTO t VALUES (1)", err);
    *ret_again_ms = steps >= STEPS ? 3600000 : 0;
    return status == OK && fixture->fails ? err_set(err, ERR_INTERNAL, "a test") : status;
}

static void count_end(void *context, enum status status, int64_t took_us,
                      const struct err *err)
{
    struct fixture *fixture = context;
    assert_true(took_us >= 0);
    assert_true(status == OK || err->status == status);
    (void)atomic_fetch_add(status == OK ? &fixture->committed : &fixture->failed, 1);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_make(fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    struct store_options options = store_options_default(fixture->folder);
    assert_int_equal(store_open(&options, &fixture->store, NULL), OK);
    query_execute(fixture->store, "CREATE TABLE t(x INTEGER) STRICT");
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

static void set_chore(struct fixture *fixture)
{
    struct store_chore chore = {
        .context = fixture, .step = insert_step, .ended = count_end};
    store_set_chore(fixture->store, &chore);
}

static void wait_until(const atomic_int *count, int at_least)
{
    for (int i = 0; i < WAIT_ROUNDS && atomic_load(count) < at_least; i++) {
        (void)usleep(WAIT_US);
    }
    assert_true(atomic_load(count) >= at_least);
}

static void a_chore_runs_on_an_idle_store_until_it_has_enough(void **state)
{
    struct fixture *fixture = *state;
    set_chore(fixture);
    wait_until(&fixture->committed, STEPS);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM t"), STEPS);
    query_execute(fixture->store, "INSERT INTO t VALUES (2)");
    assert_int_equal(atomic_load(&fixture->steps), STEPS); /* not due for an hour */
}

/* What is acknowledged is on the disk, whatever chores did before. */
static void assert_groups_are_synced(struct fixture *fixture)
{
    struct query synchronous = {.sql = "PRAGMA synchronous"};
    assert_int_equal(
        store_call(fixture->store, JOB_WRITER, query_run, &synchronous, NULL), OK);
    assert_int_equal(synchronous.number, 2); /* FULL */
}

static void groups_are_synced_after_a_step(void **state)
{
    struct fixture *fixture = *state;
    set_chore(fixture);
    wait_until(&fixture->committed, 1);
    assert_groups_are_synced(fixture);
    wait_until(&fixture->committed, STEPS);
    assert_groups_are_synced(fixture);
}

static void a_step_that_fails_is_rolled_back_and_spares_the_groups(void **state)
{
    struct fixture *fixture = *state;
    fixture->fails = true;
    set_chore(fixture);
    wait_until(&fixture->failed, 1);
    assert_groups_are_synced(fixture);
    query_execute(fixture->store, "INSERT INTO t VALUES (2)");
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM t"), 1);
    struct store_counters counters;
    store_counters_read(fixture->store, &counters);
    assert_true(counters.healthy);
    assert_int_equal(counters.commit_failures, 0);
}

/* The pace, without a clock. */
static void whoever_waits_goes_first_but_not_for_ever(void **state)
{
    (void)state;
    struct chore none = {.due_us = 0};
    assert_false(chore_is_due(&none, 1000000, false));
    struct chore chore = {.work = {.step = insert_step}, .due_us = 1000000};
    assert_false(chore_is_due(&chore, 999999, false));
    assert_true(chore_is_due(&chore, 1000000, false));
    assert_false(chore_is_due(&chore, 1000000, true));
    assert_false(chore_is_due(&chore, 1000000 + CHORE_PATIENCE_US - 1, true));
    assert_true(chore_is_due(&chore, 1000000 + CHORE_PATIENCE_US, true));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_chore_runs_on_an_idle_store_until_it_has_enough),
        WITH_STORE(groups_are_synced_after_a_step),
        WITH_STORE(a_step_that_fails_is_rolled_back_and_spares_the_groups),
        cmocka_unit_test(whoever_waits_goes_first_but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
