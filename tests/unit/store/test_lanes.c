/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/store/lanes.h"

enum { JOBS = 200 };

static struct job jobs[JOBS];
static size_t used;

static struct job *push(struct lanes *lanes, uint64_t source)
{
    struct job *job = &jobs[used++];
    *job = (struct job){.source = source};
    lanes_push(lanes, job);
    return job;
}

static int set_up(void **state)
{
    (void)state;
    used = 0;
    return 0;
}

/* How many jobs are taken before this one. */
static size_t taken_before(struct lanes *lanes, const struct job *wanted)
{
    size_t before = 0;
    while (lanes_pop(lanes) != wanted) {
        before++;
    }
    return before;
}

static void jobs_of_a_source_keep_their_order(void **state)
{
    (void)state;
    struct lanes lanes = {0};
    for (int i = 0; i < 10; i++) {
        (void)push(&lanes, 7);
    }
    for (int i = 0; i < 10; i++) {
        assert_ptr_equal(lanes_pop(&lanes), &jobs[i]);
    }
    assert_null(lanes_pop(&lanes));
    assert_int_equal(lanes.count, 0);
}

static void a_greedy_source_does_not_hold_up_the_others(void **state)
{
    (void)state;
    struct lanes lanes = {0};
    for (int i = 0; i < 100; i++) {
        (void)push(&lanes, 1);
    }
    const struct job *two = push(&lanes, 2);
    const struct job *three = push(&lanes, 3);
    assert_int_equal(lanes.count, 102);
    (void)two;
    /* Each lane has a turn before the greedy one has its second. */
    assert_true(taken_before(&lanes, three) <= 3);
    assert_true(lanes.count >= 98);
}

static void sources_take_turns(void **state)
{
    (void)state;
    struct lanes lanes = {0};
    for (int i = 0; i < 20; i++) {
        (void)push(&lanes, 1);
    }
    for (int i = 0; i < 20; i++) {
        (void)push(&lanes, 2);
    }
    int ahead = 0; /* of source 1 before source 2 */
    for (int i = 0; i < 40; i++) {
        ahead += lanes_pop(&lanes)->source == 1 ? 1 : -1;
        assert_in_range(ahead + 1, 0, 2);
    }
    assert_int_equal(ahead, 0);
}

static void control_changes_go_first_in_their_order(void **state)
{
    (void)state;
    struct lanes lanes = {0};
    struct job changes[2] = {{.savepoint = true}, {.savepoint = true}};
    for (int i = 0; i < 50; i++) {
        (void)push(&lanes, (uint64_t)i);
    }
    lanes_push(&lanes, &changes[0]);
    lanes_push(&lanes, &changes[1]);
    assert_ptr_equal(lanes_pop(&lanes), &changes[0]);
    assert_ptr_equal(lanes_pop(&lanes), &changes[1]);
    assert_int_equal(lanes.count, 50);
}

static void every_job_comes_out_once(void **state)
{
    (void)state;
    struct lanes lanes = {0};
    for (uint64_t i = 0; i < JOBS; i++) {
        (void)push(&lanes, i * i);
    }
    int seen[JOBS] = {0};
    for (struct job *job = lanes_pop(&lanes); job; job = lanes_pop(&lanes)) {
        seen[job - jobs]++;
    }
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_int_equal(lanes.count, 0);
}

#define FRESH(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(jobs_of_a_source_keep_their_order),
        FRESH(a_greedy_source_does_not_hold_up_the_others),
        FRESH(sources_take_turns),
        FRESH(control_changes_go_first_in_their_order),
        FRESH(every_job_comes_out_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
