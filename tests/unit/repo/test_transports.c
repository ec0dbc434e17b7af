/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/repo/folder.h"

#include "format/delta_decode.h"
#include "repo/target_file.h"
#include "tuf/target_transports.h"

enum { MODEL_BYTES = 40000 };

/* A repository to which versions of noise are published, some of them alike. */
struct bench {
    char folder[FOLDER_BYTES];
    struct repository repository;
    uint8_t model[MODEL_BYTES];
    int versions;
};

static void bench_release(struct bench *bench)
{
    repository_release(&bench->repository);
    folder_remove(&bench->folder);
}

#define BENCH_AUTO __attribute__((cleanup(bench_release))) struct bench

static void fill(struct bench *bench, uint32_t seed)
{
    for (size_t i = 0; i < MODEL_BYTES; i++) {
        seed = seed * 1664525u + 1013904223u;
        bench->model[i] = (uint8_t)(seed >> 24);
    }
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.repository = {.lock_fd = -1}};
    folder_repository(bench->folder, &bench->repository);
    fill(bench, 1);
}

/* Publishes the model with one more byte changed. */
static enum status publish(struct bench *bench, const char *variant, int64_t deltas,
                           struct publish_result *ret_result)
{
    DRAFT_AUTO draft;
    bool published = false;
    char version[16];
    (void)snprintf(version, sizeof version, "1.%d.0", ++bench->versions);
    bench->model[100 * bench->versions]++;
    json_t *described = json_pack("{s:s, s:s}", "format", "mnet/1", "task", "classify");
    struct publish_order order = {.model = "fashion",
                                  .version = version,
                                  .variant = variant,
                                  .ext = "mnet",
                                  .data = bench->model,
                                  .len = MODEL_BYTES,
                                  .deltas = deltas,
                                  .described = described};
    folder_draft(&bench->repository, &draft);
    enum status status = publish_model(&draft, &order, ret_result, NULL);
    if (status == OK) {
        status = folder_sign(&draft, NULL, &published, NULL);
    }
    json_decref(described);
    return status;
}

static const struct tuf_target *listed(const struct bench *bench, const char *path)
{
    return tuf_targets_find(bench->repository.targets, path);
}

static void deltas_lead_from_the_last_versions_of_the_variant(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    bench_init(&bench);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(publish(&bench, "fp32", 0, &result), OK);
        assert_int_equal(result.deltas, 0);
    }
    assert_int_equal(publish(&bench, "int8", 3, &result), OK);
    assert_int_equal(result.deltas, 0); /* the first of its variant */
    assert_int_equal(publish(&bench, "fp32", 2, &result), OK);
    assert_int_equal(result.seq, 5);
    assert_int_equal(result.deltas, 2);
    assert_in_range(result.delta_bytes, 57, 300);
    assert_non_null(listed(&bench, "fashion/5/fp32.from-3.delta"));
    assert_non_null(listed(&bench, "fashion/5/fp32.from-2.delta"));
    assert_null(listed(&bench, "fashion/5/fp32.from-1.delta"));
    assert_int_equal(repository_verify(&bench.repository, NOW_MS, NULL), OK);
}

static void a_delta_leads_to_the_artifact(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    BUF_AUTO base = BUF_INIT(MODEL_BYTES);
    BUF_AUTO delta = BUF_INIT(MODEL_BYTES);
    struct publish_result result;
    struct model_target artifact;
    struct target_transports transports;
    uint8_t out[MODEL_BYTES];
    struct err err = {0};
    bench_init(&bench);
    assert_int_equal(publish(&bench, "fp32", 3, &result), OK);
    assert_int_equal(publish(&bench, "fp32", 3, &result), OK);
    folder_must(
        model_targets_by_sha256(bench.repository.targets, result.sha256, &artifact, &err),
        &err);
    target_transports_find(bench.repository.targets, &artifact, &transports);
    assert_int_equal(transports.count, 1); /* noise: not compressed */
    assert_int_equal(transports.items[0].codec, TARGET_CODEC_DELTA);
    folder_must(
        target_file_read(&bench.repository, transports.items[0].file, &delta, &err),
        &err);
    folder_must(target_file_read(&bench.repository, listed(&bench, "fashion/1/fp32.mnet"),
                                 &base, &err),
                &err);
    struct delta_places places = {
        (uint8_t *)base.data, base.len, (uint8_t *)delta.data, delta.len, out,
        MODEL_BYTES};
    folder_must(delta_decode(&places, transports.items[0].base_sha256, &err), &err);
    assert_memory_equal(out, bench.model, MODEL_BYTES);
}

static void a_delta_that_saves_little_is_not_made(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    struct publish_result result;
    bench_init(&bench);
    assert_int_equal(publish(&bench, "fp32", 3, &result), OK);
    fill(&bench, 2);
    assert_int_equal(publish(&bench, "fp32", 3, &result), OK);
    assert_int_equal(result.deltas, 0);
    assert_int_equal(result.delta_bytes, 0);
}

static void older_files_may_be_gone_but_not_damaged(void **state)
{
    (void)state;
    BENCH_AUTO bench;
    BUF_AUTO path = BUF_INIT(1024);
    struct publish_result result;
    struct err err = {0};
    bench_init(&bench);
    assert_int_equal(publish(&bench, "fp32", 3, &result), OK);
    folder_must(repository_target_file(&bench.repository,
                                       listed(&bench, "fashion/1/fp32.mnet"), &path,
                                       &err),
                &err);
    folder_must(file_write_atomic(path.data, "x", 1, 0644, &err), &err);
    assert_int_equal(publish(&bench, "fp32", 3, &result), ERR_TUF_LENGTH);
    assert_int_equal(unlink(path.data), 0);
    assert_int_equal(publish(&bench, "fp32", 3, &result), OK);
    assert_int_equal(result.deltas, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deltas_lead_from_the_last_versions_of_the_variant),
        cmocka_unit_test(a_delta_leads_to_the_artifact),
        cmocka_unit_test(a_delta_that_saves_little_is_not_made),
        cmocka_unit_test(older_files_may_be_gone_but_not_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
