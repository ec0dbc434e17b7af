/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"

/* Every test runs in a folder of its own, which is the working folder meanwhile. */
static int enter_folder(void **state)
{
    const char *parent = getenv("TMPDIR");
    char *folder = malloc(PATH_MAX);
    if (!folder) {
        return -1;
    }
    (void)snprintf(folder, PATH_MAX, "%s/muster-file.XXXXXX", parent ? parent : "/tmp");
    *state = mkdtemp(folder);
    return *state && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    static const char *const names[] = {".tmp-old", "a/b/c", "a/b", "a",
                                        "d",        "link",  "f"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)remove(names[i]);
    }
    /* Fails, and the test with it, if anything unexpected was left behind. */
    int result = chdir("/") == 0 ? rmdir(*state) : -1;
    free(*state);
    return result;
}

static void assert_content(const char *path, const char *wanted)
{
    BUF_AUTO found = BUF_INIT(1000);
    assert_int_equal(file_read(path, &found, NULL), OK);
    assert_string_equal(found.data ? found.data : "", wanted);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    assert_int_equal(file_write_atomic("f", "hello", 5, 0600, NULL), OK);
    assert_content("f", "hello");
    struct stat st;
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_write_atomic("./f", "", 0, 0644, NULL), OK);
    assert_content("f", "");
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
}

static void a_file_as_large_as_the_ceiling_is_read_and_no_larger_one(void **state)
{
    (void)state;
    char data[200];
    memset(data, 'x', sizeof data);
    assert_int_equal(file_write_atomic("f", data, sizeof data, 0600, NULL), OK);
    BUF_AUTO exact = BUF_INIT(sizeof data);
    assert_int_equal(file_read("f", &exact, NULL), OK);
    assert_int_equal(exact.len, sizeof data);
    BUF_AUTO small = BUF_INIT(sizeof data - 1);
    struct err err = {0};
    assert_int_equal(file_read("f", &small, &err), ERR_LIMIT);
    assert_string_equal(err.detail, "'f' is larger than 199 bytes");
}

static void a_missing_file_is_told_from_a_failing_one(void **state)
{
    (void)state;
    BUF_AUTO data = BUF_INIT(100);
    uint8_t digest[SHA256_BYTES];
    uint64_t size = 0;
    assert_int_equal(file_read("f", &data, NULL), ERR_NOT_FOUND);
    assert_int_equal(file_sha256("f", digest, &size, NULL), ERR_NOT_FOUND);
    assert_int_equal(file_read(".", &data, NULL), ERR_IO);
    assert_int_equal(file_sha256(".", digest, &size, NULL), ERR_IO);
}

static void a_path_through_a_file_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(file_write_atomic("f", "old", 3, 0600, NULL), OK);
    assert_int_equal(file_write_atomic("f/g", "new", 3, 0600, &err), ERR_IO);
    assert_int_equal(file_create("f/g", "new", 3, 0600, NULL), ERR_IO);
    assert_int_equal(file_rename("f", "f/g", NULL), ERR_IO);
    assert_int_equal(file_mkdirs("f/g", 0700, NULL), ERR_IO);
    assert_int_equal(file_remove("f/g", NULL), ERR_IO);
    assert_content("f", "old");
}

/* A write that stops half-way, as on a full disk: files may not grow past 4 bytes. */
static void a_failed_write_leaves_the_old_file_and_no_other(void **state)
{
    (void)state;
    assert_int_equal(file_write_atomic("f", "old", 3, 0600, NULL), OK);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct rlimit tight = {.rlim_cur = 4, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    struct err err = {0};
    enum status replaced = file_write_atomic("f", "newer", 5, 0600, &err);
    enum status created = file_create("d", "newer", 5, 0600, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(replaced, ERR_IO);
    assert_int_equal(created, ERR_IO);
    assert_content("f", "old");
    assert_false(file_exists("d"));
}

static void a_failed_rename_removes_the_temporary_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    struct err err = {0};
    assert_int_equal(file_write_atomic("d", "new", 3, 0600, &err), ERR_IO);
}

static void paths_that_are_too_long_are_refused(void **state)
{
    (void)state;
    char path[PATH_MAX + 20];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    for (size_t i = 100; i < sizeof path - 1; i += 100) {
        path[i] = '/';
    }
    struct err err = {0};
    assert_int_equal(file_write_atomic(path, "x", 1, 0600, &err), ERR_LIMIT);
    assert_int_equal(file_mkdirs(path, 0700, NULL), ERR_LIMIT);
    assert_int_equal(file_mkdirs("", 0700, NULL), ERR_LIMIT);
}

static void a_file_is_created_only_once(void **state)
{
    (void)state;
    assert_int_equal(file_create("f", "first", 5, 0600, NULL), OK);
    assert_int_equal(file_create("f", "second", 6, 0600, NULL), ERR_EXISTS);
    assert_content("f", "first");
}

static void renaming_replaces_and_removing_twice_is_fine(void **state)
{
    (void)state;
    assert_int_equal(file_create("d", "new", 3, 0600, NULL), OK);
    assert_int_equal(file_create("f", "old", 3, 0600, NULL), OK);
    assert_int_equal(file_rename("d", "f", NULL), OK);
    assert_content("f", "new");
    assert_int_equal(file_rename("d", "f", NULL), ERR_IO);
    assert_int_equal(file_remove("f", NULL), OK);
    assert_int_equal(file_remove("f", NULL), OK);
    assert_false(file_exists("f"));
}

static void folders_are_made_with_their_parents_and_may_exist(void **state)
{
    (void)state;
    assert_int_equal(file_mkdirs("a/b/c", 0700, NULL), OK);
    assert_int_equal(file_mkdirs("a/b/c", 0700, NULL), OK);
    struct stat st;
    assert_int_equal(stat("a/b/c", &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(file_create("f", "", 0, 0600, NULL), OK);
    assert_int_equal(file_mkdirs("f", 0700, NULL), ERR_IO);
}

static void a_sweep_takes_temporary_files_only(void **state)
{
    (void)state;
    assert_int_equal(file_create(".tmp-old", "", 0, 0600, NULL), OK);
    assert_int_equal(file_create("f", "", 0, 0600, NULL), OK);
    file_sweep_temporary(".");
    file_sweep_temporary("missing");
    assert_false(file_exists(".tmp-old"));
    assert_true(file_exists("f"));
}

/* As two clients that share a folder: one starts while the other stores. */
static void a_sweep_leaves_what_is_being_written(void **state)
{
    (void)state;
    int fd = open(".tmp-busy", O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    file_sweep_temporary(".");
    assert_true(file_exists(".tmp-busy"));
    close(fd);
    file_sweep_temporary(".");
    assert_false(file_exists(".tmp-busy"));
}

static void the_digest_of_a_file_is_that_of_its_bytes(void **state)
{
    (void)state;
    enum { LARGE = 150000 };
    uint8_t *data = calloc(1, LARGE);
    assert_non_null(data);
    data[LARGE - 1] = 7;
    assert_int_equal(file_write_atomic("f", data, LARGE, 0600, NULL), OK);
    uint8_t wanted[SHA256_BYTES];
    uint8_t found[SHA256_BYTES];
    uint64_t size = 0;
    assert_int_equal(sha256_of(data, LARGE, wanted, NULL), OK);
    free(data);
    assert_int_equal(file_sha256("f", found, &size, NULL), OK);
    assert_memory_equal(found, wanted, sizeof wanted);
    assert_int_equal(size, LARGE);
}

static void only_a_regular_file_exists(void **state)
{
    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(symlink("f", "link"), 0);
    assert_false(file_exists("d"));
    assert_false(file_exists("link"));
    assert_int_equal(file_create("f", "", 0, 0600, NULL), OK);
    assert_true(file_exists("link"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_was_written_is_read),
        IN_FOLDER(a_file_as_large_as_the_ceiling_is_read_and_no_larger_one),
        IN_FOLDER(a_missing_file_is_told_from_a_failing_one),
        IN_FOLDER(a_path_through_a_file_is_an_error_and_leaves_nothing),
        IN_FOLDER(a_failed_write_leaves_the_old_file_and_no_other),
        IN_FOLDER(a_failed_rename_removes_the_temporary_file),
        IN_FOLDER(paths_that_are_too_long_are_refused),
        IN_FOLDER(a_file_is_created_only_once),
        IN_FOLDER(renaming_replaces_and_removing_twice_is_fine),
        IN_FOLDER(folders_are_made_with_their_parents_and_may_exist),
        IN_FOLDER(a_sweep_takes_temporary_files_only),
        IN_FOLDER(a_sweep_leaves_what_is_being_written),
        IN_FOLDER(the_digest_of_a_file_is_that_of_its_bytes),
        IN_FOLDER(only_a_regular_file_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
