/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/workers.h"

enum { JOBS = 200 };

struct counted {
    struct job job; /* first */
    int ran;
    enum status status;
};

static atomic_int done_count;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static enum status run(struct job *job, void *scope)
{
    assert(scope == NULL);
    ((struct counted *)job)->ran++;
    return ERR_NOT_FOUND;
}

static enum status run_gated(struct job *job, void *scope)
{
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    return run(job, scope);
}

static void done(struct job *job, enum status status, const struct err *err)
{
    (void)err;
    ((struct counted *)job)->status = status;
    (void)atomic_fetch_add(&done_count, 1);
}

static void every_job_runs_once_and_is_told(void **state)
{
    (void)state;
    static struct counted jobs[JOBS];
    struct workers *workers = NULL;
    atomic_store(&done_count, 0);
    assert_int_equal(workers_open(3, JOBS, &workers, NULL), OK);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].job = (struct job){.run = run, .done = done};
        assert_int_equal(workers_submit(workers, &jobs[i].job, NULL), OK);
    }
    workers_close(workers); /* finishes what is queued */
    assert_int_equal(atomic_load(&done_count), JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].ran, 1);
        assert_int_equal(jobs[i].status, ERR_NOT_FOUND);
    }
}

static void a_full_queue_refuses_and_the_job_never_runs(void **state)
{
    (void)state;
    struct counted jobs[4] = {0};
    struct workers *workers = NULL;
    struct err err = {0};
    atomic_store(&done_count, 0);
    (void)pthread_mutex_lock(&gate);
    assert_int_equal(workers_open(1, 2, &workers, NULL), OK);
    int queued = 0;
    for (int i = 0; i < 4; i++) { /* at most one runs and two wait */
        jobs[i].job = (struct job){.run = run_gated, .done = done};
        queued += workers_submit(workers, &jobs[i].job, &err) == OK;
    }
    (void)pthread_mutex_unlock(&gate);
    workers_close(workers);
    assert_true(queued < 4);
    assert_int_equal(err.status, ERR_UNAVAILABLE);
    assert_int_equal(atomic_load(&done_count), queued);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once_and_is_told),
        cmocka_unit_test(a_full_queue_refuses_and_the_job_never_runs),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
