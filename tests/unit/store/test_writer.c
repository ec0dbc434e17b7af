/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

enum { JOBS = 40 };

struct fixture {
    char folder[PATH_MAX];
    struct store *store;
    struct store_options options;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int done;
    /* What the hooks saw. */
    int flushed, committed, rolled_back;
    bool flush_fails;
};

struct insert {
    struct job job; /* first */
    struct fixture *fixture;
    const char *sql;
    enum status own; /* what run returns when the SQL worked */
    enum status run_status, done_status;
};

static enum status run_insert(struct job *job, void *scope)
{
    struct insert *insert = (struct insert *)job;
    enum status status = db_execute(scope, insert->sql, NULL);
    insert->run_status = status == OK ? insert->own : status;
    return insert->run_status;
}

static void insert_done(struct job *job, enum status status, const struct err *err)
{
    struct insert *insert = (struct insert *)job;
    (void)err;
    (void)pthread_mutex_lock(&insert->fixture->lock);
    insert->done_status = status;
    insert->fixture->done++;
    (void)pthread_cond_signal(&insert->fixture->wake);
    (void)pthread_mutex_unlock(&insert->fixture->lock);
}

static struct insert make(struct fixture *fixture, const char *sql, bool savepoint)
{
    return (struct insert){
        .job = {.run = run_insert, .done = insert_done, .savepoint = savepoint},
        .fixture = fixture,
        .sql = sql,
    };
}

static void wait_for(struct fixture *fixture, int count)
{
    (void)pthread_mutex_lock(&fixture->lock);
    while (fixture->done < count) {
        (void)pthread_cond_wait(&fixture->wake, &fixture->lock);
    }
    (void)pthread_mutex_unlock(&fixture->lock);
}

static enum status count_flush(void *context, struct db *db, struct err *err)
{
    struct fixture *fixture = context;
    (void)db;
    fixture->flushed++;
    return fixture->flush_fails ? err_set(err, ERR_NO_MEMORY, "a test") : OK;
}

static void count_commit(void *context)
{
    ((struct fixture *)context)->committed++;
}

static void count_rollback(void *context)
{
    ((struct fixture *)context)->rolled_back++;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    (void)pthread_mutex_init(&fixture->lock, NULL);
    (void)pthread_cond_init(&fixture->wake, NULL);
    folder_make(fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    fixture->options = store_options_default(fixture->folder);
    fixture->options.wal_limit_bytes = 1 << 20;
    struct err err = {0};
    assert_int_equal(store_open(&fixture->options, &fixture->store, &err), OK);
    query_execute(fixture->store, "CREATE TABLE t(x INTEGER, filler BLOB) STRICT");
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

static void set_hooks(struct fixture *fixture)
{
    struct store_hooks hooks = {
        .context = fixture,
        .flush = count_flush,
        .committed = count_commit,
        .rolled_back = count_rollback,
    };
    store_set_hooks(fixture->store, &hooks);
}

static void waiting_jobs_share_transactions_and_all_are_told(void **state)
{
    struct fixture *fixture = *state;
    struct insert jobs[JOBS];
    set_hooks(fixture);
    struct store_counters before;
    store_counters_read(fixture->store, &before);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = make(fixture, "INSERT INTO t(x) VALUES (1)", false);
        assert_int_equal(store_submit(fixture->store, JOB_WRITER, &jobs[i].job, NULL),
                         OK);
    }
    wait_for(fixture, JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].done_status, OK);
    }
    struct store_counters after;
    store_counters_read(fixture->store, &after);
    assert_int_equal(after.jobs - before.jobs, JOBS);
    assert_int_equal(fixture->flushed, after.groups - before.groups);
    assert_int_equal(fixture->committed, fixture->flushed);
    assert_int_equal(fixture->rolled_back, 0);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM t"), JOBS);
}

/* Holds the writer until both of a pair of jobs wait behind it, so that they are in one
 * group. */
static void run_pair(struct fixture *fixture, struct insert *first, struct insert *second)
{
    struct insert slow = make(fixture,
                              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                              "FROM n WHERE i < 300000) SELECT max(i) FROM n",
                              false);
    struct store *store = fixture->store;
    assert_int_equal(store_submit(store, JOB_WRITER, &slow.job, NULL), OK);
    assert_int_equal(store_submit(store, JOB_WRITER, &first->job, NULL), OK);
    assert_int_equal(store_submit(store, JOB_WRITER, &second->job, NULL), OK);
    wait_for(fixture, 3);
    fixture->done = 0;
}

static void a_failing_job_with_a_savepoint_undoes_only_itself(void **state)
{
    struct fixture *fixture = *state;
    struct insert good = make(fixture, "INSERT INTO t(x) VALUES (10)", false);
    struct insert bad = make(fixture, "INSERT INTO t(x) VALUES (20)", true);
    bad.own = ERR_CONFLICT;
    run_pair(fixture, &bad, &good);
    assert_int_equal(bad.done_status, ERR_CONFLICT);
    assert_int_equal(good.done_status, OK);
    assert_int_equal(query_number(fixture->store, "SELECT sum(x) FROM t"), 10);

    struct insert broken = make(fixture, "INSERT INTO t(x) VALUES (1); SELEKT", true);
    run_pair(fixture, &good, &broken);
    assert_int_equal(broken.done_status, ERR_DB);
    assert_int_equal(good.done_status, OK);
    assert_int_equal(query_number(fixture->store, "SELECT sum(x) FROM t"), 20);
}

static void a_failing_statement_outside_a_savepoint_takes_its_group_along(void **state)
{
    struct fixture *fixture = *state;
    set_hooks(fixture);
    struct insert broken = make(fixture, "INSERT INTO t(x) VALUES (1); SELEKT", false);
    struct insert after = make(fixture, "INSERT INTO t(x) VALUES (7)", false);
    run_pair(fixture, &broken, &after);
    assert_int_equal(broken.done_status, ERR_UNAVAILABLE);
    assert_true(fixture->rolled_back > 0);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM t WHERE x = 1"),
                     0);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM t"),
                     after.done_status == OK ? 1 : 0);
}

static void a_failing_flush_fails_the_group(void **state)
{
    struct fixture *fixture = *state;
    set_hooks(fixture);
    fixture->flush_fails = true;
    struct insert insert = make(fixture, "INSERT INTO t(x) VALUES (1)", false);
    assert_int_equal(store_submit(fixture->store, JOB_WRITER, &insert.job, NULL), OK);
    wait_for(fixture, 1);
    assert_int_equal(insert.done_status, ERR_UNAVAILABLE);
    assert_int_equal(fixture->rolled_back, 1);
    assert_int_equal(fixture->committed, 0);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM t"), 0);
}

static bool is_healthy(struct fixture *fixture)
{
    struct store_counters counters;
    store_counters_read(fixture->store, &counters);
    return counters.healthy;
}

static void a_full_database_is_told_and_left_when_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    query_execute(fixture->store,
                  "PRAGMA max_page_count = 1"); /* means: as large as it is now */
    struct insert big =
        make(fixture, "INSERT INTO t(x, filler) VALUES (1, zeroblob(20000000))", false);
    assert_int_equal(store_submit(fixture->store, JOB_WRITER, &big.job, NULL), OK);
    wait_for(fixture, 1);
    assert_int_equal(big.done_status, ERR_DISK_FULL);
    assert_false(is_healthy(fixture));
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM t"), 0);

    query_execute(fixture->store, "PRAGMA max_page_count = 1000000");
    assert_int_equal(store_submit(fixture->store, JOB_WRITER, &big.job, NULL), OK);
    wait_for(fixture, 2);
    assert_int_equal(big.done_status, OK);
    assert_true(is_healthy(fixture));
}

static void a_read_job_cannot_write(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {0};
    char sql[] = "INSERT INTO t(x) VALUES (1)";
    assert_int_not_equal(
        store_call(fixture->store, JOB_READER, query_execute_run, sql, &err), OK);
}

static void a_long_read_ends_at_its_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct insert read = make(fixture,
                              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
                              "FROM n) SELECT max(i) FROM n",
                              false);
    assert_int_equal(store_submit(fixture->store, JOB_READER, &read.job, NULL), OK);
    wait_for(fixture, 1);
    assert_int_equal(read.done_status, ERR_DB_DEADLINE);
    assert_int_equal(query_number(fixture->store, "SELECT 7"), 7);
}

/* A start on a busy machine takes as long as it takes. */
static void a_call_of_the_server_itself_has_time(void **state)
{
    struct fixture *fixture = *state;
    int64_t began_ms = clock_mono_ms();
    struct query query = {.sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
                                 "FROM n LIMIT 3000000) SELECT max(i) FROM n"};
    assert_int_equal(store_call(fixture->store, JOB_READER, query_run, &query, NULL), OK);
    /* else the query was too short to prove anything */
    assert_true(clock_mono_ms() - began_ms > fixture->options.read_deadline_ms);
}

/* Holds its snapshot before it tells that it runs: from then on only the gate ends it. */
struct long_read {
    struct fixture *fixture;
    bool runs;
};

static void tell_that_it_runs(struct long_read *read)
{
    (void)pthread_mutex_lock(&read->fixture->lock);
    read->runs = true;
    (void)pthread_cond_signal(&read->fixture->wake);
    (void)pthread_mutex_unlock(&read->fixture->lock);
}

static void wait_until_it_runs(struct long_read *read)
{
    (void)pthread_mutex_lock(&read->fixture->lock);
    while (!read->runs) {
        (void)pthread_cond_wait(&read->fixture->wake, &read->fixture->lock);
    }
    (void)pthread_mutex_unlock(&read->fixture->lock);
}

static enum status read_for_ever(void *context, struct db *db, struct err *err)
{
    struct query first = {.sql = "SELECT count(*) FROM t"};
    struct query endless = {.sql = "WITH RECURSIVE n(i) AS (SELECT count(*) FROM t UNION "
                                   "ALL SELECT i+1 FROM n) SELECT max(i) FROM n"};
    store_read_longer(db, 600000);
    enum status status = query_run(&first, db, err);
    tell_that_it_runs(context);
    return status == OK ? query_run(&endless, db, err) : status;
}

static void *read_in_the_background(void *context)
{
    struct long_read *read = context;
    enum status status =
        store_call(read->fixture->store, JOB_READER, read_for_ever, read, NULL);
    assert_int_equal(status, ERR_DB_DEADLINE);
    return NULL;
}

static void the_reader_gate_bounds_the_wal(void **state)
{
    struct fixture *fixture = *state;
    struct long_read read = {.fixture = fixture};
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_in_the_background, &read), 0);
    wait_until_it_runs(&read);
    struct store_counters counters = {0};
    /* The read would last ten minutes: only the gate can end it. */
    for (int i = 0; i < 1000 && counters.gate_closings == 0; i++) {
        query_execute(fixture->store,
                      "INSERT INTO t(x, filler) VALUES (1, zeroblob(65536))");
        store_counters_read(fixture->store, &counters);
    }
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_true(counters.gate_closings > 0);
    assert_true(query_number(fixture->store, "SELECT count(*) FROM t") > 0);
    query_execute(fixture->store, "INSERT INTO t(x) VALUES (1)");
    store_counters_read(fixture->store, &counters);
    assert_true(counters.wal_bytes < fixture->options.wal_limit_bytes);
}

static void a_second_server_on_the_same_data_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct store *second = NULL;
    struct err err = {0};
    assert_int_equal(store_open(&fixture->options, &second, &err), ERR_DB_LOCKED);
    assert_null(second);
}

static void a_folder_without_a_database_and_a_damaged_one_are_refused(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    folder_make(folder);
    struct store_options options = store_options_default(folder);
    struct store *store = NULL;
    struct err err = {0};
    assert_int_equal(store_open(&options, &store, &err), ERR_NOT_FOUND);
    (void)snprintf(path, sizeof path, "%s/%s", folder, STORE_FILE_NAME);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++) {
        assert_true(fputs("this is no database\n", file) >= 0);
    }
    (void)fclose(file);
    err_clear(&err);
    assert_int_equal(store_open(&options, &store, &err), ERR_DB_CORRUPT);
    err_clear(&err);
    assert_int_equal(store_create(folder, &err), ERR_EXISTS);
    folder_remove(folder);
}

static void a_clock_far_behind_the_newest_id_is_refused(void **state)
{
    struct fixture *fixture = *state;
    query_execute(fixture->store,
                  "INSERT INTO cohort VALUES (1, zeroblob(32), 'm', 'none', '', '', "
                  "'', '')");
    query_execute(fixture->store,
                  "INSERT INTO report VALUES ((unixepoch() + 90000) * 1000 << 12, 1, "
                  "1, 1, 1, 0, 0, 0, 0, 0, 0, NULL)");
    store_close(fixture->store);
    fixture->store = NULL;
    struct err err = {0};
    assert_int_equal(store_open(&fixture->options, &fixture->store, &err), ERR_DB_CLOCK);
}

/* A read that lasts until it is told to end. */
struct held_read {
    struct store *store;
    atomic_bool begun, enough;
    int64_t began_us, ended_us;
};

static enum status hold_read(void *context, struct db *db, struct err *err)
{
    struct held_read *read = context;
    (void)db;
    (void)err;
    read->began_us = clock_mono_us();
    atomic_store(&read->begun, true);
    while (!atomic_load(&read->enough)) {
        (void)usleep(1000);
    }
    read->ended_us = clock_mono_us();
    return OK;
}

static void *held_read_main(void *argument)
{
    struct held_read *read = argument;
    assert_int_equal(store_call(read->store, JOB_READER, hold_read, read, NULL), OK);
    return NULL;
}

static enum status note_start(void *context, struct db *db, struct err *err)
{
    (void)db;
    (void)err;
    *(int64_t *)context = clock_mono_us();
    return OK;
}

/* Reads of up to LONG_READ_US or beside an idle writer are followed at once. */
static void after_a_long_read_beside_a_busy_writer_readers_rest(void **state)
{
    struct fixture *fixture = *state;
    struct held_read read = {.store = fixture->store};
    pthread_t thread;
    int64_t next_us = 0, commits = 0;
    assert_int_equal(pthread_create(&thread, NULL, held_read_main, &read), 0);
    while (!atomic_load(&read.begun)) {
        (void)usleep(1000);
    }
    while (commits < 10 || clock_mono_us() - read.began_us < 25000) {
        query_execute(fixture->store, "INSERT INTO t(x) VALUES (1)");
        commits++;
    }
    atomic_store(&read.enough, true);
    (void)pthread_join(thread, NULL);
    assert_int_equal(store_call(fixture->store, JOB_READER, note_start, &next_us, NULL),
                     OK);
    int64_t took_us = read.ended_us - read.began_us;
    if (took_us / 20000 + 1 >= commits) {
        skip(); /* a disk this slow keeps nobody busy */
    }
    assert_true(next_us - read.ended_us >= (took_us < 100000 ? 2 * took_us : 200000));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(waiting_jobs_share_transactions_and_all_are_told),
        WITH_STORE(a_failing_job_with_a_savepoint_undoes_only_itself),
        WITH_STORE(a_failing_statement_outside_a_savepoint_takes_its_group_along),
        WITH_STORE(a_failing_flush_fails_the_group),
        WITH_STORE(a_full_database_is_told_and_left_when_there_is_room),
        WITH_STORE(a_read_job_cannot_write),
        WITH_STORE(a_long_read_ends_at_its_deadline),
        WITH_STORE(a_call_of_the_server_itself_has_time),
        WITH_STORE(the_reader_gate_bounds_the_wal),
        WITH_STORE(a_second_server_on_the_same_data_is_refused),
        WITH_STORE(after_a_long_read_beside_a_busy_writer_readers_rest),
        cmocka_unit_test(a_folder_without_a_database_and_a_damaged_one_are_refused),
        WITH_STORE(a_clock_far_behind_the_newest_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
