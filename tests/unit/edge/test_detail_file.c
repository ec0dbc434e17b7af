/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "edge/detail_file.h"
#include "tests/unit/edge/fixture_folder.h"

static struct detail read_json(const char *text)
{
    json_t *tree = json_loads(text, 0, NULL);
    assert_non_null(tree);
    struct detail detail = detail_from_json(tree);
    json_decref(tree);
    return detail;
}

static void expect(const char *json, enum detail_mode mode, uint32_t every,
                   int64_t interval_s)
{
    struct detail detail = read_json(json);
    assert_int_equal(detail.mode, mode);
    assert_int_equal(detail.every, every);
    assert_int_equal(detail.interval_s, interval_s);
}

static void the_four_details_are_read(void **state)
{
    (void)state;
    expect("{\"mode\":\"full\"}", DETAIL_FULL, 1, 60);
    expect("{\"mode\":\"sampled\",\"every\":10,\"interval_s\":30}", DETAIL_SAMPLED, 10,
           30);
    expect("{\"mode\":\"changes\",\"every\":7}", DETAIL_CHANGES, 1, 60);
    expect("{\"mode\":\"summary\",\"interval_s\":10,\"later\":1}", DETAIL_SUMMARY, 1, 10);
}

static void intervals_and_odds_are_clamped(void **state)
{
    (void)state;
    expect("{\"mode\":\"summary\",\"interval_s\":1}", DETAIL_SUMMARY, 1, 10);
    expect("{\"mode\":\"summary\",\"interval_s\":3600}", DETAIL_SUMMARY, 1, 60);
    expect("{\"mode\":\"sampled\",\"every\":99999999}", DETAIL_SAMPLED, 1000000, 60);
}

/* A server of a later time, or one that is wrong: nothing is left out. */
static void what_is_not_understood_is_full(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}",
                                        "{\"mode\":\"auto\"}",
                                        "{\"mode\":\"sketch\"}",
                                        "{\"mode\":3}",
                                        "{\"mode\":\"sampled\"}",
                                        "{\"mode\":\"sampled\",\"every\":0}",
                                        "{\"mode\":\"sampled\",\"every\":\"10\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect(texts[i], DETAIL_FULL, 1, 60);
    }
    assert_int_equal(detail_from_json(NULL).mode, DETAIL_FULL);
}

static void people_read_it_as_words(void **state)
{
    (void)state;
    char text[32];
    detail_text(&(struct detail){DETAIL_SAMPLED, 1000000, 60}, text);
    assert_string_equal(text, "sampled 1/1000000");
    detail_text(&(struct detail){DETAIL_CHANGES, 1, 60}, text);
    assert_string_equal(text, "changes");
}

static void it_survives_a_restart_and_damage_is_full(void **state)
{
    (void)state;
    char folder[FOLDER_BYTES], path[FOLDER_BYTES + 16];
    struct told_detail told = {"fashion", {DETAIL_SAMPLED, 10, 30}}, again;
    folder_make(folder);
    detail_file_read(folder, &again);
    assert_int_equal(again.detail.mode, DETAIL_FULL);
    assert_int_equal(detail_file_write(folder, &told, NULL), OK);
    detail_file_read(folder, &again);
    assert_string_equal(again.model, "fashion");
    assert_true(detail_same(&again.detail, &told.detail));
    snprintf(path, sizeof path, "%s/detail", folder);
    assert_int_equal(file_write_atomic(path, "{\"mode\":\"summ", 13, 0600, NULL), OK);
    detail_file_read(folder, &again);
    assert_string_equal(again.model, "");
    assert_int_equal(again.detail.mode, DETAIL_FULL);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_details_are_read),
        cmocka_unit_test(intervals_and_odds_are_clamped),
        cmocka_unit_test(what_is_not_understood_is_full),
        cmocka_unit_test(people_read_it_as_words),
        cmocka_unit_test(it_survives_a_restart_and_damage_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
