/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign, and for what: keys added, removed, replaced; models of teams. */
#include "tests/unit/repo/folder.h"

#include "repo/bundle.h"
#include "repo/delegations.h"
#include "repo/listing.h"
#include "repo/signers.h"
#include "tests/unit/repo/client.h"
#include "tuf/json.h"
#include "tuf/public_key.h"

static const char MODEL[] = "a model's bytes";

/* A repository, and a team's key file beside it. */
struct bench {
    char folder[FOLDER_BYTES];
    char key_path[FOLDER_PATH_BYTES];
    struct repository repository;
    struct signing_key team;
};

static void bench_release(struct bench *bench)
{
    repository_release(&bench->repository);
    signing_key_wipe(&bench->team);
    folder_remove(&bench->folder);
}

#define BENCH_AUTO __attribute__((cleanup(bench_release))) struct bench

static void bench_init(struct bench *bench)
{
    struct key_cost cost = KEY_COST_LEAST;
    struct err err = {0};
    *bench = (struct bench){.repository = {.lock_fd = -1}};
    folder_repository(bench->folder, &bench->repository);
    (void)snprintf(bench->key_path, sizeof bench->key_path, "%s/team.key", bench->folder);
    folder_must(signing_key_generate(&bench->team, &err), &err);
    folder_must(
        keyfile_create(bench->key_path, "team", &bench->team, PASSPHRASE, &cost, &err),
        &err);
}

static enum status try_publish(struct bench *bench, const char *version,
                               bool *ret_published, struct publish_result *ret_result)
{
    DRAFT_AUTO draft;
    const char *files[] = {bench->key_path, NULL};
    JSON_AUTO *described =
        json_pack("{s:s, s:s}", "format", "mnet/1", "task", "classify");
    struct publish_order order = {.model = "fashion",
                                  .version = version,
                                  .variant = "fp32",
                                  .ext = "mnet",
                                  .data = MODEL,
                                  .len = sizeof MODEL,
                                  .described = described};
    folder_draft(&bench->repository, &draft);
    enum status status = publish_model(&draft, &order, ret_result, NULL);
    return status == OK ? folder_sign(&draft, files, ret_published, NULL) : status;
}

static struct publish_result publish(struct bench *bench, const char *version)
{
    struct publish_result result = {0};
    bool published = false;
    assert_int_equal(try_publish(bench, version, &published, &result), OK);
    assert_true(published);
    return result;
}

static void delegate(struct bench *bench)
{
    DRAFT_AUTO draft;
    JSON_AUTO *keys = json_pack("[o]", key_object_new(bench->team.public_key));
    struct err err = {0};
    folder_draft(&bench->repository, &draft);
    folder_must(delegations_add(&draft, "fashion", keys, 1, &err), &err);
    folder_publish(&draft);
}

static void undelegate(struct bench *bench, bool keep)
{
    DRAFT_AUTO draft;
    struct err err = {0};
    folder_draft(&bench->repository, &draft);
    folder_must(delegations_end(&draft, "fashion", keep, &err), &err);
    folder_publish(&draft);
}

static enum status try_remove(struct bench *bench, const char *version, struct err *err)
{
    DRAFT_AUTO draft;
    const char *files[] = {bench->key_path, NULL};
    bool published = false;
    folder_draft(&bench->repository, &draft);
    enum status status = listing_remove(&draft, "fashion", version, NULL, err);
    return status == OK ? folder_sign(&draft, files, &published, err) : status;
}

static enum status remove_version(struct bench *bench, const char *version)
{
    return try_remove(bench, version, NULL);
}

static enum status raise_floor(struct bench *bench, int64_t floor)
{
    DRAFT_AUTO draft;
    const char *files[] = {bench->key_path, NULL};
    bool published = false;
    folder_draft(&bench->repository, &draft);
    enum status status = listing_raise_floor(&draft, "fashion", floor, NULL);
    return status == OK ? folder_sign(&draft, files, &published, NULL) : status;
}

/* ---- a team's model ---- */

static void what_was_listed_before_a_delegation_is_found_after_it(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    publish(&bench, "1.0.0");
    delegate(&bench);
    assert_true(client_finds(&bench.repository, "fashion/1/fp32.mnet"));
    struct publish_result result = publish(&bench, "1.1.0");
    assert_int_equal(result.seq, 2);
    assert_int_equal(bench.repository.role_count, 1);
    assert_true(client_finds(&bench.repository, "fashion/1/fp32.mnet"));
    assert_true(client_finds(&bench.repository, "fashion/2/fp32.mnet"));
    assert_null(tuf_targets_find(bench.repository.targets, "fashion/2/fp32.mnet"));
}

static void the_top_level_targets_stay_as_they_are_when_a_team_publishes(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    delegate(&bench);
    int64_t before = bench.repository.targets->envelope.version;
    publish(&bench, "1.0.0");
    assert_int_equal(bench.repository.targets->envelope.version, before);
}

static void without_the_teams_key_its_model_is_staged_only(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    bool published = true;
    bench_init(&bench);
    delegate(&bench);
    assert_int_equal(unlink(bench.key_path), 0);
    struct key_cost cost = KEY_COST_LEAST;
    struct signing_key stranger = folder_timestamp_key();
    struct err err = {0};
    folder_must(
        keyfile_create(bench.key_path, "stranger", &stranger, PASSPHRASE, &cost, &err),
        &err);
    assert_int_equal(try_publish(&bench, "1.0.0", &published, &result), OK);
    assert_false(published);
    assert_int_equal(bench.repository.role_count, 0);
}

static void a_kept_model_goes_back_to_the_top(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    delegate(&bench);
    publish(&bench, "1.0.0");
    undelegate(&bench, true);
    assert_true(client_finds(&bench.repository, "fashion/1/fp32.mnet"));
    assert_int_equal(publish(&bench, "1.1.0").seq, 2);
    assert_non_null(tuf_targets_find(bench.repository.targets, "fashion/2/fp32.mnet"));
}

static void a_withdrawn_teams_seq_is_not_used_again(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    delegate(&bench);
    publish(&bench, "1.0.0");
    undelegate(&bench, false);
    assert_false(client_finds(&bench.repository, "fashion/1/fp32.mnet"));
    assert_int_equal(publish(&bench, "1.1.0").seq, 2);
}

/* The snapshot must name the old file for ever, so the new keys sign a next one. */
static void delegating_again_needs_the_new_team(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    struct signing_key other = folder_timestamp_key();
    struct key_cost cost = KEY_COST_LEAST;
    char path[FOLDER_PATH_BYTES];
    bool published = true;
    struct err err = {0};
    bench_init(&bench);
    delegate(&bench);
    publish(&bench, "1.0.0");
    undelegate(&bench, false);
    JSON_AUTO *keys = json_pack("[o]", key_object_new(other.public_key));
    folder_draft(&bench.repository, &draft);
    folder_must(delegations_add(&draft, "fashion", keys, 1, &err), &err);
    folder_must(folder_sign(&draft, NULL, &published, &err), &err);
    assert_false(published);
    (void)snprintf(path, sizeof path, "%s/other.key", bench.folder);
    folder_must(keyfile_create(path, "other", &other, PASSPHRASE, &cost, &err), &err);
    const char *files[] = {path, NULL};
    DRAFT_AUTO again;
    folder_draft(&bench.repository, &again);
    folder_must(folder_sign(&again, files, &published, &err), &err);
    assert_true(published);
    assert_int_equal(bench.repository.roles[0].targets->envelope.version, 2);
    assert_int_equal(bench.repository.roles[0].targets->count, 0);
}

static void a_model_is_delegated_once_and_to_enough_keys(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    bench_init(&bench);
    delegate(&bench);
    JSON_AUTO *keys = json_pack("[o]", key_object_new(bench.team.public_key));
    folder_draft(&bench.repository, &draft);
    assert_int_equal(delegations_add(&draft, "fashion", keys, 1, NULL), ERR_EXISTS);
    assert_int_equal(delegations_add(&draft, "shoes", keys, 2, NULL), ERR_TUF_ROLE);
    assert_int_equal(delegations_add(&draft, "targets", keys, 1, NULL),
                     ERR_INVALID_ARGUMENT);
    assert_int_equal(delegations_add(&draft, "a/b", keys, 1, NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(delegations_end(&draft, "shoes", true, NULL), ERR_NOT_FOUND);
}

/* ---- removing and floors ---- */

static void a_removed_seq_is_not_used_again(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    publish(&bench, "1.0.0");
    publish(&bench, "1.1.0");
    assert_int_equal(remove_version(&bench, "1.1.0"), OK);
    assert_false(client_finds(&bench.repository, "fashion/2/fp32.mnet"));
    assert_true(client_finds(&bench.repository, "fashion/1/fp32.mnet"));
    assert_int_equal(publish(&bench, "1.1.0").seq, 3);
    assert_int_equal(remove_version(&bench, "9.9.9"), ERR_NOT_FOUND);
}

static void a_version_of_before_the_delegation_is_removed_at_the_top(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    publish(&bench, "1.0.0");
    delegate(&bench);
    publish(&bench, "1.1.0");
    assert_int_equal(remove_version(&bench, "1.0.0"), OK);
    assert_int_equal(bench.repository.targets->count, 0);
    assert_true(client_finds(&bench.repository, "fashion/2/fp32.mnet"));
}

static int64_t floor_of(const struct bench *bench)
{
    int64_t floor = 0;
    int64_t highest = 0;
    model_targets_floor(bench->repository.targets, "fashion", &floor, &highest);
    return floor;
}

static void a_floor_only_rises_and_not_above_what_is_listed(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    assert_int_equal(raise_floor(&bench, 1), ERR_NOT_FOUND);
    publish(&bench, "1.0.0");
    publish(&bench, "1.1.0");
    assert_int_equal(raise_floor(&bench, 3), ERR_TUF_FLOOR);
    assert_int_equal(raise_floor(&bench, 1), OK);
    assert_int_equal(raise_floor(&bench, 1), ERR_TUF_FLOOR);
    assert_int_equal(raise_floor(&bench, 2), OK);
    assert_int_equal(floor_of(&bench), 2);
}

static void a_floor_outlives_the_version_that_carried_it(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    publish(&bench, "1.0.0");
    publish(&bench, "1.1.0");
    publish(&bench, "1.2.0");
    assert_int_equal(raise_floor(&bench, 2), OK); /* carried by seq 3 */
    assert_int_equal(remove_version(&bench, "1.2.0"), OK);
    assert_int_equal(floor_of(&bench), 2);
    struct err err = {0};
    assert_int_equal(try_remove(&bench, "1.1.0", &err), ERR_TUF_FLOOR);
    assert_non_null(strstr(err.detail, "publish a newer version first"));
}

static void a_teams_floor_stands_in_the_teams_file(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    bench_init(&bench);
    publish(&bench, "1.0.0");
    delegate(&bench);
    publish(&bench, "1.1.0");
    assert_int_equal(raise_floor(&bench, 2), OK);
    assert_int_equal(floor_of(&bench), 0);
    int64_t floor = 0;
    int64_t highest = 0;
    model_targets_floor(bench.repository.roles[0].targets, "fashion", &floor, &highest);
    assert_int_equal(floor, 2);
}

/* ---- keys ---- */

static void no_key_counts_twice_for_a_role(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    struct err err = {0};
    bench_init(&bench);
    JSON_AUTO *key = key_object_new(bench.team.public_key);
    folder_draft(&bench.repository, &draft);
    folder_must(signers_add(&draft, "targets", key, &err), &err);
    (void)json_object_set_new(key, "x-note", json_string("another id, the same key"));
    assert_int_equal(signers_add(&draft, "targets", key, NULL), ERR_EXISTS);
    assert_int_equal(signers_add(&draft, "nobody", key, NULL), ERR_NOT_FOUND);
}

static void a_role_keeps_as_many_keys_as_must_sign(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    struct err err = {0};
    bench_init(&bench);
    folder_draft(&bench.repository, &draft);
    const char *only = json_string_value(
        json_array_get(bench.repository.trust.root->roles[TUF_ROLE_TARGETS].keyids, 0));
    assert_int_equal(signers_remove(&draft, "targets", only, &err), ERR_TUF_ROLE);
    assert_non_null(strstr(err.detail, "add another one first"));
    assert_int_equal(signers_threshold(&draft, "targets", 2, NULL), ERR_TUF_ROLE);
    assert_int_equal(signers_threshold(&draft, "targets", 0, NULL), ERR_TUF_ROLE);
    assert_int_equal(signers_threshold(&draft, "timestamp", 2, NULL), ERR_TUF_ROLE);
    assert_int_equal(signers_remove(&draft, "root", "0123", NULL), ERR_NOT_FOUND);
}

/* A new server: its key in, the old one out, and clients follow. */
static void a_new_timestamp_key_takes_the_place_of_the_old_one(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    struct signing_key old = folder_timestamp_key();
    struct err err = {0};
    bench_init(&bench);
    JSON_AUTO *key = key_object_new(bench.team.public_key);
    folder_draft(&bench.repository, &draft);
    folder_must(signers_add(&draft, "timestamp", key, &err), &err);
    folder_must(signers_remove(&draft, "timestamp", old.keyid, &err), &err);
    folder_publish(&draft);
    const struct tuf_authority *authority =
        &bench.repository.trust.root->roles[TUF_ROLE_TIMESTAMP];
    assert_int_equal(json_array_size(authority->keyids), 1);
    assert_string_equal(json_string_value(json_array_get(authority->keyids, 0)),
                        bench.team.keyid);
    assert_int_equal(bench.repository.snapshot->envelope.version, 1);
}

static void a_replaced_key_signs_everything_again(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    KEYCHAIN_AUTO keychain = {0};
    const char *files[] = {bench.key_path, NULL};
    json_t *roles = NULL;
    bool published = false;
    struct err err = {0};
    bench_init(&bench);
    JSON_AUTO *key = key_object_new(bench.team.public_key);
    publish(&bench, "1.0.0");
    folder_draft(&bench.repository, &draft);
    folder_must(keychain_add_folder(&keychain, bench.folder, &err), &err);
    const struct keychain_key *old = keychain_label(&keychain, "targets");
    folder_must(signers_replace(&draft, old->info.keyid, key, &roles, &err), &err);
    assert_int_equal(json_array_size(roles), 1);
    json_decref(roles);
    folder_must(folder_sign(&draft, files, &published, &err), &err);
    assert_true(published);
    assert_int_equal(bench.repository.trust.root->envelope.version, 2);
    assert_int_equal(bench.repository.targets->envelope.version, 3);
    assert_true(client_finds(&bench.repository, "fashion/1/fp32.mnet"));
    /* The old key is gone from root, not just from the role. */
    for (size_t i = 0; i < bench.repository.trust.root->keyring.count; i++) {
        assert_string_not_equal(bench.repository.trust.root->keyring.keys[i].keyid,
                                old->info.keyid);
    }
}

/* ---- air gap ---- */

static void stage_for_team(struct bench *bench)
{
    DRAFT_AUTO draft;
    bool published = true;
    struct err err = {0};
    JSON_AUTO *key = key_object_new(bench->team.public_key);
    folder_draft(&bench->repository, &draft);
    folder_must(signers_add(&draft, "targets", key, &err), &err);
    folder_must(signers_threshold(&draft, "targets", 2, &err), &err);
    folder_must(folder_sign(&draft, NULL, &published, &err), &err);
    assert_false(published);
}

static void signatures_come_home_in_a_bundle(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    char stick[FOLDER_PATH_BYTES];
    const char *files[] = {bench.key_path, NULL};
    bool published = false;
    int added = 0;
    struct err err = {0};
    bench_init(&bench);
    stage_for_team(&bench);
    (void)snprintf(stick, sizeof stick, "%s/stick", bench.folder);
    folder_draft(&bench.repository, &draft);
    folder_must(bundle_write(&draft, stick, &err), &err);
    assert_int_equal(bundle_write(&draft, stick, NULL), ERR_EXISTS);
    {
        REPOSITORY_AUTO away;
        REPOSITORY_AUTO none = {.lock_fd = -1};
        DRAFT_AUTO there;
        assert_int_equal(repository_open(stick, &none, NULL), ERR_UNSUPPORTED);
        folder_must(repository_open_bundle(stick, &away, &err), &err);
        folder_draft(&away, &there);
        assert_true(there.pending);
        assert_int_equal(folder_sign(&there, files, &published, &err), OK);
        assert_false(published); /* the snapshot's key is at home */
    }
    folder_must(bundle_take(&draft, stick, &added, &err), &err);
    assert_int_equal(added, 1);
    folder_publish(&draft);
    assert_int_equal(bench.repository.targets->envelope.version, 2);
}

static void a_bundle_of_other_bytes_gives_nothing(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    char stick[FOLDER_PATH_BYTES];
    json_t *body = NULL;
    int added = 0;
    struct err err = {0};
    bench_init(&bench);
    stage_for_team(&bench);
    (void)snprintf(stick, sizeof stick, "%s/stick", bench.folder);
    folder_draft(&bench.repository, &draft);
    folder_must(bundle_write(&draft, stick, &err), &err);
    folder_must(draft_edit(&draft, "targets", &body, &err), &err);
    (void)json_object_set_new(body, "x-note", json_string("changed at home"));
    folder_must(draft_settle(&draft, &err), &err);
    assert_int_equal(bundle_take(&draft, stick, &added, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.detail, "make the bundle again"));
}

static void a_bundles_false_signature_is_not_taken(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    struct err err = {0};
    int added = -1;
    bench_init(&bench);
    stage_for_team(&bench);
    folder_draft(&bench.repository, &draft);
    struct draft_file *file = draft_find(&draft, "targets");
    JSON_AUTO *tree = json_loadb(file->bytes.data, file->bytes.len, 0, NULL);
    char sig[ED25519_SIGNATURE_HEX_BYTES];
    signing_key_sign(&bench.team, "something else", 14, sig);
    (void)json_array_append_new(
        json_object_get(tree, "signatures"),
        json_pack("{s:s, s:s}", "keyid", bench.team.keyid, "sig", sig));
    char *text = json_dumps(tree, JSON_COMPACT);
    struct buf bytes = {.data = text, .len = strlen(text)};
    folder_must(signature_take(&draft, file, &bytes, &added, &err), &err);
    free(text);
    assert_int_equal(added, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_listed_before_a_delegation_is_found_after_it),
        cmocka_unit_test(the_top_level_targets_stay_as_they_are_when_a_team_publishes),
        cmocka_unit_test(without_the_teams_key_its_model_is_staged_only),
        cmocka_unit_test(a_kept_model_goes_back_to_the_top),
        cmocka_unit_test(a_withdrawn_teams_seq_is_not_used_again),
        cmocka_unit_test(delegating_again_needs_the_new_team),
        cmocka_unit_test(a_model_is_delegated_once_and_to_enough_keys),
        cmocka_unit_test(a_removed_seq_is_not_used_again),
        cmocka_unit_test(a_version_of_before_the_delegation_is_removed_at_the_top),
        cmocka_unit_test(a_floor_only_rises_and_not_above_what_is_listed),
        cmocka_unit_test(a_floor_outlives_the_version_that_carried_it),
        cmocka_unit_test(a_teams_floor_stands_in_the_teams_file),
        cmocka_unit_test(no_key_counts_twice_for_a_role),
        cmocka_unit_test(a_role_keeps_as_many_keys_as_must_sign),
        cmocka_unit_test(a_new_timestamp_key_takes_the_place_of_the_old_one),
        cmocka_unit_test(a_replaced_key_signs_everything_again),
        cmocka_unit_test(signatures_come_home_in_a_bundle),
        cmocka_unit_test(a_bundle_of_other_bytes_gives_nothing),
        cmocka_unit_test(a_bundles_false_signature_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
