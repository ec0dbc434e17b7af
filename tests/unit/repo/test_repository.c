/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/repo/folder.h"

#include <sys/stat.h>

#include "tuf/signing.h"

static void path_in(const char *folder, const char *name,
                    char ret_path[static FOLDER_PATH_BYTES])
{
    (void)snprintf(ret_path, FOLDER_PATH_BYTES, "%s/%s", folder, name);
}

static void a_new_repository_has_everything_but_a_timestamp(void **state)
{
    (void)state;
    static const char *const names[] = {
        "repo.json",
        "root.json",
        "keys/root.key",
        "keys/root-safe.key",
        "keys/targets.key",
        "keys/snapshot.key",
        "metadata/1.root.json",
        "metadata/1.targets.json",
        "metadata/1.snapshot.json",
    };
    FOLDER_AUTO folder[FOLDER_BYTES];
    REPOSITORY_AUTO repository;
    char path[FOLDER_PATH_BYTES];
    folder_repository(folder, &repository);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_in(folder, names[i], path);
        assert_true(file_exists(path));
    }
    path_in(folder, "metadata/timestamp.json", path);
    assert_false(file_exists(path));
    assert_int_equal(repository.trust.root->roles[TUF_ROLE_ROOT].threshold, 1);
    assert_int_equal(json_array_size(repository.trust.root->roles[TUF_ROLE_ROOT].keyids),
                     2);
}

static void key_files_are_for_the_owner_alone(void **state)
{
    (void)state;
    FOLDER_AUTO folder[FOLDER_BYTES];
    REPOSITORY_AUTO repository;
    char path[FOLDER_PATH_BYTES];
    struct stat st;
    folder_repository(folder, &repository);
    path_in(folder, "keys/root.key", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    path_in(folder, "keys", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void a_repository_is_never_overwritten(void **state)
{
    (void)state;
    FOLDER_AUTO folder[FOLDER_BYTES];
    REPOSITORY_AUTO repository;
    struct repository_order order = folder_order();
    char path[FOLDER_PATH_BYTES];
    folder_repository(folder, &repository);
    assert_int_equal(repository_init(folder, &order, NULL), ERR_EXISTS);
    path_in(folder, "repo.json", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(repository_init(folder, &order, NULL), ERR_EXISTS); /* its keys */
}

static void an_unusable_timestamp_key_makes_no_repository(void **state)
{
    (void)state;
    FOLDER_AUTO folder[FOLDER_BYTES];
    struct repository_order order = folder_order();
    char path[FOLDER_PATH_BYTES];
    folder_make(folder);
    memset(order.timestamp_public, 0, sizeof order.timestamp_public);
    assert_int_equal(repository_init(folder, &order, NULL), ERR_INVALID_ARGUMENT);
    path_in(folder, "keys", path);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void only_one_process_works_on_it(void **state)
{
    (void)state;
    FOLDER_AUTO folder[FOLDER_BYTES];
    REPOSITORY_AUTO repository;
    struct repository second;
    folder_repository(folder, &repository);
    assert_int_equal(repository_open(folder, &second, NULL), ERR_BUSY);
}

static void a_folder_without_repository_says_so(void **state)
{
    (void)state;
    FOLDER_AUTO folder[FOLDER_BYTES];
    struct repository repository;
    struct err err = {0};
    folder_make(folder);
    assert_int_equal(repository_open(folder, &repository, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.detail, "muster repo init"));
}

static void a_changed_metadata_file_is_not_opened(void **state)
{
    (void)state;
    static const char *const names[] = {"metadata/1.root.json", "metadata/1.targets.json",
                                        "metadata/1.snapshot.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        FOLDER_AUTO folder[FOLDER_BYTES];
        struct repository repository;
        char path[FOLDER_PATH_BYTES];
        struct err err = {0};
        folder_repository(folder, &repository);
        repository_release(&repository);
        path_in(folder, names[i], path);
        BUF_AUTO bytes = BUF_INIT(1 << 20);
        folder_must(file_read(path, &bytes, &err), &err);
        char *year = strstr(bytes.data, "\"expires\":\"20");
        assert_non_null(year);
        year[13] = '9';
        folder_must(file_write_atomic(path, bytes.data, bytes.len, 0644, &err), &err);
        assert_int_not_equal(repository_open(folder, &repository, NULL), OK);
    }
}

static void another_passphrase_opens_no_key(void **state)
{
    (void)state;
    FOLDER_AUTO folder[FOLDER_BYTES];
    REPOSITORY_AUTO repository;
    struct signing_key key;
    struct err err = {0};
    folder_repository(folder, &repository);
    assert_int_equal(repository_key(&repository, "targets", "wrong", &key, &err),
                     ERR_KEY_PASSPHRASE);
    assert_non_null(strstr(err.detail, "keys/targets.key"));
    assert_int_equal(repository_key(&repository, "nobody", PASSPHRASE, &key, NULL),
                     ERR_NOT_FOUND);
}

/* What the server does: a timestamp over the snapshot, then a client's whole update. */
static void a_client_accepts_it_once_the_server_signed(void **state)
{
    (void)state;
    FOLDER_AUTO folder[FOLDER_BYTES];
    REPOSITORY_AUTO repository;
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    struct signing_key timestamp_key = folder_timestamp_key();
    BUF_AUTO root = BUF_INIT(1 << 20);
    BUF_AUTO snapshot = BUF_INIT(1 << 20);
    BUF_AUTO targets = BUF_INIT(1 << 20);
    BUF_AUTO timestamp = BUF_INIT(1 << 20);
    folder_repository(folder, &repository);
    folder_must(repository_read(&repository, "root", 1, &root, &err), &err);
    folder_must(repository_read(&repository, "snapshot", 1, &snapshot, &err), &err);
    folder_must(repository_read(&repository, "targets", 1, &targets, &err), &err);
    struct timestamp_order order = {
        .snapshot = {.data = snapshot.data, .len = snapshot.len, .version = 1},
        .now_ms = NOW_MS,
        .life_ms = 7 * DAY_MS};
    int64_t version = 0;
    bool changed = false;
    folder_must(signing_timestamp(&order, &timestamp_key, &timestamp, &version, &err),
                &err);
    folder_must(trusted_set_init(&set, root.data, root.len, NOW_MS, &err), &err);
    folder_must(trusted_set_root_done(&set, &err), &err);
    folder_must(
        trusted_set_update_timestamp(&set, timestamp.data, timestamp.len, &changed, &err),
        &err);
    folder_must(trusted_set_update_snapshot(&set, snapshot.data, snapshot.len, &err),
                &err);
    folder_must(trusted_set_update_targets(&set, targets.data, targets.len, &err), &err);
}

static void verifying_looks_at_the_date(void **state)
{
    (void)state;
    FOLDER_AUTO folder[FOLDER_BYTES];
    REPOSITORY_AUTO repository;
    struct err err = {0};
    folder_repository(folder, &repository);
    folder_must(repository_verify(&repository, NOW_MS + 364 * DAY_MS, &err), &err);
    assert_int_equal(repository_verify(&repository, NOW_MS + 366 * DAY_MS, NULL),
                     ERR_TUF_EXPIRED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_repository_has_everything_but_a_timestamp),
        cmocka_unit_test(key_files_are_for_the_owner_alone),
        cmocka_unit_test(a_repository_is_never_overwritten),
        cmocka_unit_test(an_unusable_timestamp_key_makes_no_repository),
        cmocka_unit_test(only_one_process_works_on_it),
        cmocka_unit_test(a_folder_without_repository_says_so),
        cmocka_unit_test(a_changed_metadata_file_is_not_opened),
        cmocka_unit_test(another_passphrase_opens_no_key),
        cmocka_unit_test(a_client_accepts_it_once_the_server_signed),
        cmocka_unit_test(verifying_looks_at_the_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
