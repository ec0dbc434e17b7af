/* SPDX-License-Identifier: Apache-2.0 */
/* A change that needs several signers: staged, described, signed in turn, published. */
#include "tests/unit/repo/folder.h"

#include "repo/changes.h"
#include "repo/journal.h"
#include "repo/metadata_file.h"
#include "repo/signers.h"
#include "tuf/json.h"
#include "tuf/public_key.h"

/* A repository, and a key file beside it whose public half may be added to roles. */
struct bench {
    char folder[FOLDER_BYTES];
    char key_path[FOLDER_PATH_BYTES];
    struct repository repository;
    struct signing_key key;
};

static void bench_release(struct bench *bench)
{
    repository_release(&bench->repository);
    signing_key_wipe(&bench->key);
    folder_remove(&bench->folder);
}

#define BENCH_AUTO __attribute__((cleanup(bench_release))) struct bench

static void bench_init(struct bench *bench)
{
    struct key_cost cost = KEY_COST_LEAST;
    struct err err = {0};
    *bench = (struct bench){.repository = {.lock_fd = -1}};
    folder_repository(bench->folder, &bench->repository);
    (void)snprintf(bench->key_path, sizeof bench->key_path, "%s/second.key",
                   bench->folder);
    folder_must(signing_key_generate(&bench->key, &err), &err);
    folder_must(
        keyfile_create(bench->key_path, "second", &bench->key, PASSPHRASE, &cost, &err),
        &err);
}

/* Two of two for a role: the key of the folder and the second one. */
static void need_two(struct bench *bench, const char *role)
{
    DRAFT_AUTO draft;
    JSON_AUTO *object = key_object_new(bench->key.public_key);
    const char *files[] = {bench->key_path, NULL};
    bool published = false;
    struct err err = {0};
    folder_draft(&bench->repository, &draft);
    folder_must(signers_add(&draft, role, object, &err), &err);
    folder_must(signers_threshold(&draft, role, 2, &err), &err);
    folder_must(folder_sign(&draft, files, &published, &err), &err);
    assert_true(published);
}

static bool renew(struct bench *bench, const char *role)
{
    DRAFT_AUTO draft;
    bool published = false;
    struct err err = {0};
    folder_draft(&bench->repository, &draft);
    folder_must(publish_renew(&draft, role, &err), &err);
    folder_must(folder_sign(&draft, NULL, &published, &err), &err);
    return published;
}

static bool sign_second(struct bench *bench)
{
    DRAFT_AUTO draft;
    const char *files[] = {bench->key_path, NULL};
    bool published = false;
    struct err err = {0};
    folder_draft(&bench->repository, &draft);
    assert_true(draft.pending);
    folder_must(folder_sign(&draft, files, &published, &err), &err);
    return published;
}

static void a_new_threshold_signs_targets_and_snapshot_again(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    need_two(&bench, "targets");
    assert_int_equal(bench.repository.trust.root->envelope.version, 2);
    assert_int_equal(bench.repository.targets->envelope.version, 2);
    assert_int_equal(bench.repository.snapshot->envelope.version, 2);
    assert_int_equal(bench.repository.trust.root->roles[TUF_ROLE_TARGETS].threshold, 2);
}

static void two_signers_take_turns(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct err err = {0};
    bench_init(&bench);
    need_two(&bench, "targets");
    assert_false(renew(&bench, "targets"));
    assert_int_equal(bench.repository.targets->envelope.version, 2);
    assert_true(sign_second(&bench));
    assert_int_equal(bench.repository.targets->envelope.version, 3);
    assert_int_equal(bench.repository.snapshot->envelope.version, 3);
    repository_release(&bench.repository);
    folder_must(repository_open(bench.folder, &bench.repository, &err), &err);
    DRAFT_AUTO draft;
    folder_draft(&bench.repository, &draft);
    assert_false(draft.pending);
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    KEYCHAIN_AUTO keychain = {0};
    DRAFT_AUTO draft;
    BUF_AUTO text = BUF_INIT(1 << 16);
    char expected[64];
    bench_init(&bench);
    need_two(&bench, "targets");
    assert_false(renew(&bench, "targets"));
    folder_draft(&bench.repository, &draft);
    signature_missing(&draft, &keychain, &text);
    assert_non_null(strstr(text.data, "the targets role needs 2 signatures"));
    assert_non_null(strstr(text.data, "and has 1: ask one of"));
    (void)snprintf(expected, sizeof expected, "%.16s to run 'muster repo sign'",
                   bench.key.keyid);
    assert_non_null(strstr(text.data, expected));
}

static void signing_again_with_the_same_key_adds_nothing(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    KEYCHAIN_AUTO keychain = {0};
    DRAFT_AUTO draft;
    int added = -1;
    struct err err = {0};
    bench_init(&bench);
    need_two(&bench, "targets");
    assert_false(renew(&bench, "targets"));
    folder_draft(&bench.repository, &draft);
    folder_must(keychain_add_folder(&keychain, bench.folder, &err), &err);
    assert_false(signature_wanted(&draft, &keychain));
    folder_must(signature_by_keys(&draft, &keychain, PASSPHRASE, &added, &err), &err);
    assert_int_equal(added, 0);
}

static void a_root_of_two_needs_old_and_new_keys(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    struct err err = {0};
    bench_init(&bench);
    need_two(&bench, "root");
    assert_int_equal(bench.repository.trust.root->envelope.version, 2);
    /* root and root-safe are two of three, so the folder alone is enough again. */
    assert_true(renew(&bench, "root"));
    folder_draft(&bench.repository, &draft);
    folder_must(signers_threshold(&draft, "root", 3, &err), &err);
    bool published = true;
    folder_must(folder_sign(&draft, NULL, &published, &err), &err);
    assert_false(published); /* two of the old two, two of the new three */
    assert_true(sign_second(&bench));
    assert_int_equal(bench.repository.trust.root->roles[TUF_ROLE_ROOT].threshold, 3);
}

static void a_changed_staged_file_loses_its_signatures(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    json_t *body = NULL;
    struct err err = {0};
    bench_init(&bench);
    need_two(&bench, "targets");
    assert_false(renew(&bench, "targets"));
    folder_draft(&bench.repository, &draft);
    struct draft_file *file = draft_find(&draft, "targets");
    assert_int_equal(json_array_size(file->signatures), 1);
    folder_must(draft_edit(&draft, "targets", &body, &err), &err);
    (void)json_object_set_new(body, "x-note", json_string("another"));
    folder_must(draft_settle(&draft, &err), &err);
    assert_int_equal(json_array_size(file->signatures), 0);
}

static void a_staged_file_whose_turn_has_passed_is_refused(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    char path[FOLDER_PATH_BYTES];
    struct draft draft;
    struct err err = {0};
    BUF_AUTO bytes = BUF_INIT(1 << 20);
    bench_init(&bench);
    folder_must(repository_read(&bench.repository, "targets", 1, &bytes, &err), &err);
    (void)snprintf(path, sizeof path, "%s/staged", bench.folder);
    folder_must(file_mkdirs(path, 0755, &err), &err);
    (void)snprintf(path, sizeof path, "%s/staged/targets.json", bench.folder);
    folder_must(file_write_atomic(path, bytes.data, bytes.len, 0644, &err), &err);
    draft_init(&draft, &bench.repository, NOW_MS, DAY_MS);
    assert_int_equal(staging_load(&draft, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.detail, "muster repo discard"));
    draft_release(&draft);
    err = (struct err){0};
    folder_must(staging_discard(&bench.repository, &err), &err);
    assert_false(file_exists(path));
}

/* A journal that a crash left is carried out by the next one who opens the folder. */
static void what_was_decided_before_a_crash_is_done_after_it(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    KEYCHAIN_AUTO keychain = {0};
    struct journal_file files[DRAFT_FILES_MAX];
    char path[FOLDER_PATH_BYTES];
    int added = 0;
    struct err err = {0};
    bench_init(&bench);
    folder_draft(&bench.repository, &draft);
    folder_must(publish_renew(&draft, "targets", &err), &err);
    folder_must(draft_settle(&draft, &err), &err);
    folder_must(keychain_add_folder(&keychain, bench.folder, &err), &err);
    folder_must(signature_by_keys(&draft, &keychain, PASSPHRASE, &added, &err), &err);
    folder_must(staging_store(&draft, &err), &err);
    for (size_t i = 0; i < draft.count; i++) {
        files[i] =
            (struct journal_file){.role = draft.files[i]->role,
                                  .version = draft_envelope(draft.files[i])->version,
                                  .bytes = &draft.files[i]->bytes};
    }
    folder_must(journal_write(bench.folder, files, draft.count, &err), &err);
    assert_int_equal(bench.repository.snapshot->envelope.version, 1);
    repository_release(&bench.repository);
    folder_must(repository_open(bench.folder, &bench.repository, &err), &err);
    assert_int_equal(bench.repository.snapshot->envelope.version, 2);
    assert_int_equal(bench.repository.targets->envelope.version, 2);
    (void)snprintf(path, sizeof path, "%s/staged/COMMIT", bench.folder);
    assert_false(file_exists(path));
    (void)snprintf(path, sizeof path, "%s/staged/targets.json", bench.folder);
    assert_false(file_exists(path));
}

static void a_draft_that_a_client_would_refuse_is_not_published(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    KEYCHAIN_AUTO keychain = {0};
    int added = 0;
    struct err err = {0};
    bench_init(&bench);
    draft_init(&draft, &bench.repository, NOW_MS, -DAY_MS);
    folder_must(publish_renew(&draft, "targets", &err), &err);
    folder_must(draft_settle(&draft, &err), &err);
    folder_must(keychain_add_folder(&keychain, bench.folder, &err), &err);
    folder_must(signature_by_keys(&draft, &keychain, PASSPHRASE, &added, &err), &err);
    assert_true(draft_complete(&draft));
    assert_int_equal(staging_commit(&draft, NULL), ERR_TUF_EXPIRED);
    assert_int_equal(bench.repository.snapshot->envelope.version, 1);
    folder_must(repository_reload(&bench.repository, &err), &err);
    assert_int_equal(bench.repository.snapshot->envelope.version, 1);
}

static void every_change_is_told(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    BUF_AUTO text = BUF_INIT(1 << 16);
    JSON_AUTO *object = NULL;
    json_t *body = NULL;
    struct err err = {0};
    bench_init(&bench);
    object = key_object_new(bench.key.public_key);
    folder_draft(&bench.repository, &draft);
    folder_must(signers_add(&draft, "snapshot", object, &err), &err);
    folder_must(draft_edit(&draft, "root", &body, &err), &err);
    (void)json_object_set_new(body, "consistent_snapshot", json_false());
    folder_must(draft_edit(&draft, "targets", &body, &err), &err);
    (void)json_object_set_new(body, "x-note", json_string("esc\xc2\x9b[2J"));
    (void)json_object_set_new(body, "x\x1b[2J", json_true());
    folder_must(draft_settle(&draft, &err), &err);
    changes_describe(&draft, &text);
    assert_non_null(strstr(text.data, "root: version 2 (published: 1)"));
    assert_non_null(strstr(text.data, "may sign snapshot (ed25519)"));
    assert_non_null(strstr(text.data, "~ consistent_snapshot: true -> false"));
    assert_non_null(strstr(text.data, "targets: version 2 (published: 1)"));
    assert_non_null(strstr(text.data, "~ x-note: nothing -> \"esc"));
    assert_non_null(strstr(text.data, "~ x?[2J: nothing -> true"));
    assert_null(strpbrk(text.data, "\x1b\x9b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_threshold_signs_targets_and_snapshot_again),
        cmocka_unit_test(two_signers_take_turns),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(signing_again_with_the_same_key_adds_nothing),
        cmocka_unit_test(a_root_of_two_needs_old_and_new_keys),
        cmocka_unit_test(a_changed_staged_file_loses_its_signatures),
        cmocka_unit_test(a_staged_file_whose_turn_has_passed_is_refused),
        cmocka_unit_test(what_was_decided_before_a_crash_is_done_after_it),
        cmocka_unit_test(a_draft_that_a_client_would_refuse_is_not_published),
        cmocka_unit_test(every_change_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
