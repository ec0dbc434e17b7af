/* SPDX-License-Identifier: Apache-2.0 */
/* Which variant of a version a node is offered. */
#include "server/service/artifacts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/service/changes.h"
#include "server/store/store.h"
#include "tests/unit/store/folder.h"
#include "tuf/metadata.h"

struct variant {
    const char *name, *format;
    int64_t length, ram_bytes;
    const char *arch; /* the only one it runs on, or NULL */
};

/* Of one version of "fashion", by path. */
static const struct variant VARIANTS[] = {
    {"fp32", "mnet/1", 400, 1000, NULL},     {"int8", "mnet/1", 200, 500, NULL},
    {"neon", "mnet/1", 100, 500, "aarch64"}, {"onnx", "onnx", 50, 500, NULL},
    {"zlarge", "onnx", 60, 500, NULL},
};
enum { VARIANT_COUNT = sizeof VARIANTS / sizeof VARIANTS[0] };

struct fixture {
    char folder[PATH_MAX];
    struct store *store;
    struct changes *changes;
    struct artifacts *artifacts;
};

static json_t *custom_of(const struct variant *variant)
{
    json_t *custom =
        json_pack("{s:i,s:s,s:s,s:I,s:I,s:s,s:s,s:s,s:I}", "schema", 1, "model",
                  "fashion", "version", "1.0.0", "seq", (json_int_t)3, "floor",
                  (json_int_t)0, "variant", variant->name, "format", variant->format,
                  "task", "classify", "ram_bytes", (json_int_t)variant->ram_bytes);
    if (variant->arch) {
        json_object_set_new(custom, "hardware", json_pack("[s]", variant->arch));
    }
    return json_pack("{s:o}", "muster", custom);
}

static void list(struct fixture *fixture)
{
    struct tuf_target files[VARIANT_COUNT] = {0};
    char paths[VARIANT_COUNT][64];
    struct tuf_targets targets = {.count = VARIANT_COUNT, .targets = files};
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        bool native = strcmp(VARIANTS[i].format, "onnx") != 0;
        (void)snprintf(paths[i], sizeof paths[i], "fashion/3/%s.%s", VARIANTS[i].name,
                       native ? "mnet" : "onnx");
        files[i].path = paths[i];
        files[i].length = VARIANTS[i].length;
        files[i].hashes.listed = files[i].hashes.has_sha256 = true;
        files[i].hashes.sha256[0] = (uint8_t)(i + 1);
        files[i].custom = custom_of(&VARIANTS[i]);
    }
    assert_int_equal(artifacts_list(fixture->artifacts, &targets, 1000, NULL), OK);
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        json_decref((json_t *)(uintptr_t)files[i].custom);
    }
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_make(fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    struct store_options options = store_options_default(fixture->folder);
    assert_int_equal(store_open(&options, &fixture->store, NULL), OK);
    fixture->changes = changes_new(fixture->store);
    assert_int_equal(artifacts_open(fixture->changes, &fixture->artifacts, NULL), OK);
    list(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    artifacts_free(fixture->artifacts);
    changes_free(fixture->changes);
    store_close(fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* What a node with these facts is offered; "" for nothing. */
static const char *offered(struct fixture *fixture, const char *facts)
{
    static struct artifact_info info;
    struct fit_node node;
    json_t *told = json_loads(facts, 0, NULL);
    fit_node_parse(told, &node);
    json_decref(told);
    struct artifact_wish wish = {.model = "fashion", .seq = 3, .node = &node};
    return artifacts_choose(fixture->artifacts, &wish, &info) ? info.variant : "";
}

static void native_before_foreign_then_the_smallest(void **state)
{
    static const char BOTH[] = "{\"arch\":\"x86_64\",\"formats\":[\"onnx\",\"mnet/1\"]}";
    assert_string_equal(offered(*state, "{\"arch\":\"x86_64\"}"), "int8");
    assert_string_equal(offered(*state, "{\"arch\":\"aarch64\"}"), "neon");
    assert_string_equal(offered(*state, BOTH), "int8");
    assert_string_equal(offered(*state, "{\"formats\":[\"onnx\"]}"), "onnx");
}

static void nothing_when_nothing_runs(void **state)
{
    assert_string_equal(offered(*state, "{\"formats\":[\"tflite/3\"]}"), "");
    assert_string_equal(offered(*state, "{\"ram_bytes\":400}"), "");
}

static void every_variant_has_its_verdict(void **state)
{
    struct fixture *fixture = *state;
    struct fit_node node;
    ARENA_AUTO arena = ARENA_INIT(1 << 20);
    struct artifact_fit *items = NULL;
    size_t count = 0;
    json_t *facts = json_pack("{s:s,s:i}", "arch", "x86_64", "ram_bytes", 600);
    fit_node_parse(facts, &node);
    json_decref(facts);
    struct artifact_wish wish = {.model = "fashion", .seq = 3, .node = &node};
    assert_int_equal(artifacts_judge(fixture->artifacts, &wish, &arena, &items, &count),
                     OK);
    static const enum fit_verdict VERDICTS[VARIANT_COUNT] = {
        FIT_TOO_BIG_OR_NEW, FIT_RUNS, FIT_OTHER_HARDWARE, FIT_OTHER_HARDWARE,
        FIT_OTHER_HARDWARE};
    assert_int_equal(count, VARIANT_COUNT);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(items[i].info.variant, VARIANTS[i].name);
        assert_int_equal(items[i].fit.verdict, VERDICTS[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(native_before_foreign_then_the_smallest),
        TEST(nothing_when_nothing_runs),
        TEST(every_variant_has_its_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
