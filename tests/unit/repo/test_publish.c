/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/repo/folder.h"

#include "format/transport.h"
#include "tuf/json.h"
#include "tuf/target_transports.h"

/* Compressible bytes that stand for a model file. */
static const char MODEL[] =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/* A repository with its keys, and one order to bend. */
struct bench {
    char folder[FOLDER_BYTES];
    struct repository repository;
    struct publish_order order;
};

static void bench_release(struct bench *bench)
{
    repository_release(&bench->repository);
    json_decref(bench->order.described);
    folder_remove(&bench->folder);
}

#define BENCH_AUTO __attribute__((cleanup(bench_release))) struct bench

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.repository = {.lock_fd = -1}};
    folder_repository(bench->folder, &bench->repository);
    bench->order = (struct publish_order){
        .model = "fashion",
        .version = "1.0.0",
        .variant = "fp32",
        .ext = "mnet",
        .data = MODEL,
        .len = sizeof MODEL,
        .described = json_pack("{s:s, s:s}", "format", "mnet/1", "task", "classify"),
    };
}

static enum status publish(struct bench *bench, struct publish_result *ret_result)
{
    DRAFT_AUTO draft;
    bool published = false;
    folder_draft(&bench->repository, &draft);
    enum status status = publish_model(&draft, &bench->order, ret_result, NULL);
    if (status == OK) {
        status = folder_sign(&draft, NULL, &published, NULL);
    }
    return status;
}

static void an_artifact_and_its_transport_are_listed_and_stored(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    struct model_target artifact;
    struct target_transports transports;
    uint8_t unpacked[sizeof MODEL];
    struct err err = {0};
    bench_init(&bench);
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(result.seq, 1);
    assert_int_equal(result.targets_version, 2);
    const struct tuf_targets *targets = bench.repository.targets;
    assert_int_equal(targets->count, 2);
    assert_string_equal(targets->targets[0].path, "fashion/1/fp32.mnet");
    assert_string_equal(targets->targets[1].path, "fashion/1/fp32.mnet.zst");
    folder_must(model_targets_by_sha256(targets, result.sha256, &artifact, &err), &err);
    target_transports_find(targets, &artifact, &transports);
    assert_int_equal(transports.count, 1);
    BUF_AUTO path = BUF_INIT(1024);
    BUF_AUTO bytes = BUF_INIT(1 << 16);
    folder_must(
        repository_target_file(&bench.repository, transports.items[0].file, &path, &err),
        &err);
    folder_must(file_read(path.data, &bytes, &err), &err);
    folder_must(transport_decode(bytes.data, bytes.len, unpacked, sizeof unpacked, &err),
                &err);
    assert_memory_equal(unpacked, MODEL, sizeof MODEL);
    folder_must(repository_verify(&bench.repository, NOW_MS, &err), &err);
}

static void versions_count_up_and_variants_join(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    bench_init(&bench);
    assert_int_equal(publish(&bench, &result), OK);
    bench.order.version = "1.1.0";
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(result.seq, 2);
    bench.order.variant = "int8";
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(result.seq, 2);
    bench.order.version = "1.0.0";
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(result.seq, 1);
    bench.order.model = "other";
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(result.seq, 1);
}

/* Above the numbers that a thief has used. */
static void a_seq_may_be_named_if_it_is_above_every_other(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    bench_init(&bench);
    bench.order.seq = 901;
    bench.order.floor = 901;
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(result.seq, 901);
    bench.order.variant = "int8";
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(result.seq, 901);
    bench.order.variant = "fp16";
    bench.order.seq = 902;
    assert_int_equal(publish(&bench, &result), ERR_EXISTS);
    bench.order.version = "1.1.0";
    bench.order.seq = 901;
    assert_int_equal(publish(&bench, &result), ERR_EXISTS);
    bench.order.seq = 1;
    assert_int_equal(publish(&bench, &result), ERR_EXISTS);
    bench.order.seq = -1;
    assert_int_equal(publish(&bench, &result), ERR_INVALID_ARGUMENT);
    bench.order.seq = PUBLISH_SEQ_MAX + 1;
    assert_int_equal(publish(&bench, &result), ERR_INVALID_ARGUMENT);
    bench.order.seq = 0;
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(result.seq, 902);
}

static void what_is_published_stays_as_it_is(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    bench_init(&bench);
    assert_int_equal(publish(&bench, &result), OK);
    bench.order.len--;
    assert_int_equal(publish(&bench, &result), ERR_EXISTS);
    assert_int_equal(bench.repository.targets->envelope.version, 2);
}

static void the_published_state_survives_reopening(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    struct err err = {0};
    bench_init(&bench);
    assert_int_equal(publish(&bench, &result), OK);
    repository_release(&bench.repository);
    folder_must(repository_open(bench.folder, &bench.repository, &err), &err);
    assert_int_equal(bench.repository.snapshot->envelope.version, 2);
    assert_int_equal(bench.repository.targets->count, 2);
}

static void a_crash_before_the_snapshot_leaves_the_state_before(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    char path[FOLDER_PATH_BYTES];
    struct err err = {0};
    bench_init(&bench);
    assert_int_equal(publish(&bench, &result), OK);
    (void)snprintf(path, sizeof path, "%s/metadata/2.snapshot.json", bench.folder);
    assert_int_equal(unlink(path), 0);
    folder_must(repository_reload(&bench.repository, &err), &err);
    assert_int_equal(bench.repository.targets->count, 0);
    assert_int_equal(publish(&bench, &result),
                     OK); /* over the left-over 2.targets.json */
    assert_int_equal(bench.repository.targets->count, 2);
}

static void a_floor_above_the_highest_seq_is_refused(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    int64_t floor = 0;
    int64_t highest = 0;
    bench_init(&bench);
    bench.order.floor = 2;
    assert_int_equal(publish(&bench, &result), ERR_TUF_FLOOR);
    bench.order.floor = -1;
    assert_int_equal(publish(&bench, &result), ERR_TUF_FLOOR);
    bench.order.floor = 1;
    assert_int_equal(publish(&bench, &result), OK);
    model_targets_floor(bench.repository.targets, "fashion", &floor, &highest);
    assert_int_equal(floor, 1);
}

static void names_and_members_that_a_client_refuses_are_refused(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    bench_init(&bench);
    bench.order.model = "../x";
    assert_int_equal(publish(&bench, &result), ERR_INVALID_ARGUMENT);
    bench.order.model = "fashion";
    bench.order.variant = "a/b";
    assert_int_equal(publish(&bench, &result), ERR_INVALID_ARGUMENT);
    bench.order.variant = "fp32";
    bench.order.version = "1 0";
    assert_int_equal(publish(&bench, &result), ERR_INVALID_ARGUMENT);
    bench.order.version = "1.0.0";
    bench.order.ext = "zst";
    assert_int_equal(publish(&bench, &result), ERR_INVALID_ARGUMENT);
    bench.order.ext = "mnet";
    (void)json_object_del(bench.order.described, "task");
    assert_int_equal(publish(&bench, &result), ERR_TUF_FORMAT);
    assert_int_equal(bench.repository.targets->envelope.version, 1);
}

static void the_described_part_cannot_replace_seq_or_model(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    bench_init(&bench);
    (void)json_object_set_new(bench.order.described, "seq", json_integer(99));
    (void)json_object_set_new(bench.order.described, "version", json_string("9"));
    assert_int_equal(publish(&bench, &result), OK);
    struct model_target artifact;
    assert_int_equal(
        model_targets_by_sha256(bench.repository.targets, result.sha256, &artifact, NULL),
        OK);
    assert_int_equal(artifact.seq, 1);
    assert_string_equal(artifact.version, "1.0.0");
}

static void without_its_key_a_model_is_staged_only(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    char path[FOLDER_PATH_BYTES];
    bench_init(&bench);
    (void)snprintf(path, sizeof path, "%s/keys/targets.key", bench.folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(publish(&bench, &result), OK);
    assert_int_equal(bench.repository.targets->envelope.version, 1);
    (void)snprintf(path, sizeof path, "%s/staged/targets.json", bench.folder);
    assert_true(file_exists(path));
    (void)snprintf(path, sizeof path, "%s/staged/snapshot.json", bench.folder);
    assert_false(file_exists(path));
}

static void renewing_moves_the_expiry_alone(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    struct publish_result result;
    struct err err = {0};
    bench_init(&bench);
    assert_int_equal(publish(&bench, &result), OK);
    draft_init(&draft, &bench.repository, NOW_MS + 300 * DAY_MS, 365 * DAY_MS);
    folder_must(publish_renew(&draft, "targets", &err), &err);
    folder_publish(&draft);
    assert_int_equal(bench.repository.targets->envelope.version, 3);
    assert_int_equal(bench.repository.targets->envelope.expires_ms,
                     NOW_MS + 665 * DAY_MS);
    assert_int_equal(bench.repository.snapshot->envelope.expires_ms,
                     NOW_MS + 665 * DAY_MS);
    assert_int_equal(bench.repository.targets->count, 2);
}

static void a_renewed_root_chains_to_the_one_before(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    DRAFT_AUTO draft;
    struct err err = {0};
    bench_init(&bench);
    draft_init(&draft, &bench.repository, NOW_MS + 300 * DAY_MS, 365 * DAY_MS);
    folder_must(publish_renew(&draft, "root", &err), &err);
    folder_publish(&draft);
    assert_int_equal(bench.repository.trust.root->envelope.version, 2);
    assert_int_equal(bench.repository.trust.root->envelope.expires_ms,
                     NOW_MS + 665 * DAY_MS);
    assert_int_equal(bench.repository.snapshot->envelope.version, 1);
}

static void a_damaged_target_file_is_found(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    struct err err = {0};
    bench_init(&bench);
    assert_int_equal(publish(&bench, &result), OK);
    BUF_AUTO path = BUF_INIT(1024);
    folder_must(repository_target_file(&bench.repository,
                                       &bench.repository.targets->targets[0], &path,
                                       &err),
                &err);
    folder_must(file_write_atomic(path.data, "x", 1, 0644, &err), &err);
    assert_int_equal(repository_verify(&bench.repository, NOW_MS, NULL), ERR_TUF_LENGTH);
    assert_int_equal(unlink(path.data), 0);
    assert_int_equal(repository_verify(&bench.repository, NOW_MS, NULL), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_artifact_and_its_transport_are_listed_and_stored),
        cmocka_unit_test(versions_count_up_and_variants_join),
        cmocka_unit_test(a_seq_may_be_named_if_it_is_above_every_other),
        cmocka_unit_test(what_is_published_stays_as_it_is),
        cmocka_unit_test(the_published_state_survives_reopening),
        cmocka_unit_test(a_crash_before_the_snapshot_leaves_the_state_before),
        cmocka_unit_test(a_floor_above_the_highest_seq_is_refused),
        cmocka_unit_test(names_and_members_that_a_client_refuses_are_refused),
        cmocka_unit_test(the_described_part_cannot_replace_seq_or_model),
        cmocka_unit_test(without_its_key_a_model_is_staged_only),
        cmocka_unit_test(renewing_moves_the_expiry_alone),
        cmocka_unit_test(a_renewed_root_chains_to_the_one_before),
        cmocka_unit_test(a_damaged_target_file_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
