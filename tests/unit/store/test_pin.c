/* SPDX-License-Identifier: Apache-2.0 */
/* The WAL while a program outside reads: a real sqlite3 holds a read transaction. */
#include "server/store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

enum {
    WAL_LIMIT_BYTES = 1 << 20,
    ROW_BYTES = 65536,
    WAIT_ROUNDS = 6000,
    WAIT_US = 10000,
};

struct fixture {
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    struct store *store;
    /* The program outside. */
    pid_t child;
    int to_child, from_child;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_make(fixture->folder);
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/" STORE_FILE_NAME,
                   fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    struct store_options options = store_options_default(fixture->folder);
    options.wal_limit_bytes = WAL_LIMIT_BYTES;
    assert_int_equal(store_open(&options, &fixture->store, NULL), OK);
    query_execute(fixture->store, "CREATE TABLE t(x INTEGER, filler BLOB) STRICT");
    *state = fixture;
    return 0;
}

static void end_reader(struct fixture *fixture)
{
    if (fixture->child > 0) {
        (void)close(fixture->to_child);
        (void)close(fixture->from_child);
        (void)waitpid(fixture->child, NULL, 0);
        fixture->child = 0;
    }
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    end_reader(fixture);
    store_close(fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static void start_reader(struct fixture *fixture)
{
    static const char begin[] = "BEGIN; SELECT count(*) FROM t;\n";
    int in[2];
    int out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    fixture->child = fork();
    if (fixture->child == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)execlp("sqlite3", "sqlite3", "-readonly", fixture->path, (char *)NULL);
        _exit(127);
    }
    assert_true(fixture->child > 0);
    (void)close(in[0]);
    (void)close(out[1]);
    fixture->to_child = in[1];
    fixture->from_child = out[0];
    assert_int_equal(write(fixture->to_child, begin, sizeof begin - 1), sizeof begin - 1);
    char byte = 0;
    assert_int_equal(read(fixture->from_child, &byte, 1), 1); /* it has its snapshot */
}

static struct store_counters counters_of(struct fixture *fixture)
{
    struct store_counters counters;
    store_counters_read(fixture->store, &counters);
    return counters;
}

static void write_rows(struct fixture *fixture, int64_t bytes)
{
    for (int64_t written = 0; written < bytes; written += ROW_BYTES) {
        query_execute(fixture->store, "INSERT INTO t VALUES (1, zeroblob(65536))");
    }
}

static int64_t wal_file_bytes(const struct fixture *fixture)
{
    char path[PATH_MAX + 32];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s-wal", fixture->path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void wait_for_release(struct fixture *fixture)
{
    for (int i = 0; i < WAIT_ROUNDS && counters_of(fixture).wal_pinned; i++) {
        (void)usleep(WAIT_US);
    }
    assert_false(counters_of(fixture).wal_pinned);
}

static void a_reader_outside_raises_the_alarm_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    write_rows(fixture, 4 * WAL_LIMIT_BYTES);
    assert_false(counters_of(fixture).wal_pinned);
    assert_true(counters_of(fixture).wal_bytes < 2 * WAL_LIMIT_BYTES);
    start_reader(fixture);
    write_rows(fixture, 8 * WAL_LIMIT_BYTES);
    assert_true(counters_of(fixture).wal_pinned);
    assert_true(counters_of(fixture).wal_bytes > 7 * WAL_LIMIT_BYTES);
    assert_true(counters_of(fixture).healthy);
    assert_int_equal(counters_of(fixture).commit_failures, 0);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM t"),
                     12 * WAL_LIMIT_BYTES / ROW_BYTES);
}

static void the_alarm_ends_with_the_reader_on_an_idle_server(void **state)
{
    struct fixture *fixture = *state;
    start_reader(fixture);
    write_rows(fixture, 8 * WAL_LIMIT_BYTES);
    assert_true(counters_of(fixture).wal_pinned);
    assert_true(wal_file_bytes(fixture) > 7 * WAL_LIMIT_BYTES);
    end_reader(fixture);
    wait_for_release(fixture);
    assert_true(wal_file_bytes(fixture) <
                2 * WAL_LIMIT_BYTES); /* and the space is back */
    assert_int_equal(counters_of(fixture).wal_bytes, 0);
}

static void the_wal_is_bounded_again_when_the_reader_ends_under_load(void **state)
{
    struct fixture *fixture = *state;
    start_reader(fixture);
    write_rows(fixture, 8 * WAL_LIMIT_BYTES);
    end_reader(fixture);
    for (int i = 0; i < WAIT_ROUNDS && counters_of(fixture).wal_pinned; i++) {
        write_rows(fixture, WAL_LIMIT_BYTES / 4);
    }
    assert_false(counters_of(fixture).wal_pinned);
    for (int i = 0; i < 40; i++) {
        write_rows(fixture, WAL_LIMIT_BYTES / 4);
        assert_true(counters_of(fixture).wal_bytes < 2 * WAL_LIMIT_BYTES);
    }
    /* The same once more: the gate closes at its old limit. */
    start_reader(fixture);
    write_rows(fixture, 2 * WAL_LIMIT_BYTES);
    assert_true(counters_of(fixture).wal_pinned);
    end_reader(fixture);
    wait_for_release(fixture);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_reader_outside_raises_the_alarm_and_nothing_else),
        WITH_STORE(the_alarm_ends_with_the_reader_on_an_idle_server),
        WITH_STORE(the_wal_is_bounded_again_when_the_reader_ends_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
