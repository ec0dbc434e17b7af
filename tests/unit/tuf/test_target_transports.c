/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tuf/client.h"

#include "tuf/target_transports.h"

enum { ROWS_MAX = 16 };

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* An entry beside the artifact m/3/v.mnet, which has 1,000 bytes and the digest A. */
struct row {
    const char *path;
    int64_t length;
    const char *result;
    int64_t result_length;
    const char *base; /* NULL: zst */
};

/* The transports that are found, as "path path". */
static void found(const struct row *rows, size_t count, struct buf *ret_paths)
{
    struct tuf_target entries[ROWS_MAX] = {0};
    struct tuf_targets targets = {.targets = entries, .count = count};
    struct tuf_target file = {
        .path = "m/3/v.mnet", .length = 1000, .hashes = {.has_sha256 = true}};
    struct model_target artifact = {
        .file = &file, .kind = TARGET_ARTIFACT, .model = "m", .seq = 3, .variant = "v"};
    struct target_transports transports;
    memset(file.hashes.sha256, 0xaa, 32);
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct tuf_target){.path = (char *)(uintptr_t)rows[i].path,
                                         .length = rows[i].length,
                                         .hashes = {.has_sha256 = true}};
        entries[i].custom = json_pack(
            "{s:{s:i,s:s,s:i,s:s,s:s,s:s,s:I,s:s?}}", "muster", "schema", 1, "model", "m",
            "seq", 3, "variant", "v", "transport", rows[i].base ? "delta" : "zst",
            "result_sha256", rows[i].result, "result_length",
            (json_int_t)rows[i].result_length, "base_sha256", rows[i].base);
        assert_non_null(entries[i].custom);
    }
    target_transports_find(&targets, &artifact, &transports);
    for (size_t i = 0; i < transports.count; i++) {
        buf_addf(ret_paths, "%s%s", i ? " " : "", transports.items[i].file->path);
    }
    for (size_t i = 0; i < count; i++) {
        json_decref((json_t *)(uintptr_t)entries[i].custom);
    }
}

static void the_shortest_comes_first(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"m/3/v.from-1.delta", 300, A, 1000, B},
        {"m/3/v.from-2.delta", 200, A, 1000, B},
        {"m/3/v.mnet.zst", 250, A, 1000, NULL},
    };
    BUF_AUTO paths = BUF_INIT(1024);
    found(rows, 3, &paths);
    assert_string_equal(paths.data,
                        "m/3/v.from-2.delta m/3/v.mnet.zst m/3/v.from-1.delta");
}

static void what_leads_elsewhere_or_saves_nothing_is_left_out(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"m/3/v.from-1.delta", 300, B, 1000, B},  {"m/3/v.from-2.delta", 200, A, 999, B},
        {"m/3/v.from-3.delta", 200, A, 1000, A},  {"m/3/v.from-4.delta", 0, A, 1000, B},
        {"m/3/v.from-5.delta", 1000, A, 1000, B}, {"m/2/v.from-1.delta", 10, A, 1000, B},
        {"m/3/w.from-1.delta", 10, A, 1000, B},
    };
    BUF_AUTO paths = BUF_INIT(1024);
    found(rows, sizeof rows / sizeof rows[0], &paths);
    assert_int_equal(paths.len, 0);
}

static void of_too_many_the_longest_are_left_out(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"m/3/v.from-1.delta", 11, A, 1000, B}, {"m/3/v.from-2.delta", 12, A, 1000, B},
        {"m/3/v.from-3.delta", 13, A, 1000, B}, {"m/3/v.from-4.delta", 14, A, 1000, B},
        {"m/3/v.from-5.delta", 15, A, 1000, B}, {"m/3/v.from-6.delta", 16, A, 1000, B},
        {"m/3/v.from-7.delta", 17, A, 1000, B}, {"m/3/v.from-8.delta", 18, A, 1000, B},
        {"m/3/v.from-9.delta", 19, A, 1000, B}, {"m/3/v.mnet.zst", 10, A, 1000, NULL},
    };
    BUF_AUTO paths = BUF_INIT(1024);
    found(rows, sizeof rows / sizeof rows[0], &paths);
    assert_int_equal(strncmp(paths.data, "m/3/v.mnet.zst m/3/v.from-1.delta ", 34), 0);
    assert_null(strstr(paths.data, "from-8"));
    assert_null(strstr(paths.data, "from-9"));
    assert_non_null(strstr(paths.data, "from-7"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_comes_first),
        cmocka_unit_test(what_leads_elsewhere_or_saves_nothing_is_left_out),
        cmocka_unit_test(of_too_many_the_longest_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
