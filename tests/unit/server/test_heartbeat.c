/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/heartbeat.h"
#include "server/store/store.h"

enum { HANG_MS = 120000 };

static char folder[64];
static struct store *store;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static sem_t entered;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/muster-heartbeat.XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(store_create(folder, NULL), OK);
    struct store_options options = store_options_default(folder);
    assert_int_equal(store_open(&options, &store, NULL), OK);
    assert_int_equal(sem_init(&entered, 0, 0), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"muster.db", "muster.db-wal", "muster.db-shm",
                                        "muster.lock"};
    store_close(store);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static bool beats_at_last(struct heartbeat *heartbeat)
{
    int64_t until_ms = clock_mono_ms() + HANG_MS;
    while (clock_mono_ms() < until_ms) {
        if (heartbeat_look(heartbeat)) {
            return true;
        }
        (void)usleep(1000);
    }
    return false;
}

static enum status hang(struct job *job, void *scope)
{
    (void)job;
    (void)scope;
    (void)sem_post(&entered);
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    return OK;
}

static void done(struct job *job, enum status status, const struct err *err)
{
    (void)job;
    (void)status;
    (void)err;
}

static void an_idle_writer_beats_again_and_again(void **state)
{
    (void)state;
    struct heartbeat heartbeat;
    heartbeat_start(&heartbeat, store);
    for (int i = 0; i < 3; i++) {
        assert_true(beats_at_last(&heartbeat));
    }
    store_close(store);
    store = NULL;
}

static void a_writer_that_hangs_does_not_beat_until_it_goes_on(void **state)
{
    (void)state;
    struct heartbeat heartbeat;
    struct job job = {.run = hang, .done = done};
    (void)pthread_mutex_lock(&gate);
    assert_int_equal(store_submit(store, JOB_WRITER, &job, NULL), OK);
    (void)sem_wait(&entered);
    heartbeat_start(&heartbeat, store);
    for (int i = 0; i < 5; i++) {
        (void)usleep(2000);
        assert_false(heartbeat_look(&heartbeat));
    }
    (void)pthread_mutex_unlock(&gate);
    assert_true(beats_at_last(&heartbeat));
    store_close(store); /* before the job and the heartbeat go */
    store = NULL;
}

static enum status break_group(struct job *job, void *scope)
{
    (void)job;
    store_fail_group(scope);
    return ERR_DISK_FULL;
}

static void a_writer_whose_groups_fail_gets_on_all_the_same(void **state)
{
    (void)state;
    struct heartbeat heartbeat = {.store = store, .waiting = true}; /* sends nothing */
    assert_false(heartbeat_look(&heartbeat));
    struct job job = {.run = break_group, .done = done};
    assert_int_equal(store_submit(store, JOB_WRITER, &job, NULL), OK);
    assert_true(beats_at_last(&heartbeat));
    store_close(store);
    store = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_idle_writer_beats_again_and_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_writer_that_hangs_does_not_beat_until_it_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_writer_whose_groups_fail_gets_on_all_the_same,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
