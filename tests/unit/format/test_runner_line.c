/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner may say and what not, a row each; and what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format/runner_line.h"

static struct runner_answer answer;

static const struct {
    const char *line; /* single quotes */
    enum runner_kind kind;
} good[] = {
    {"{'ready':true}", RUNNER_READY},
    {"{'ready':true,'classes':65536,'more':{}}", RUNNER_READY},
    {"{'error':'no'}", RUNNER_REFUSAL},
    {"{'frame':7,'class':65535,'confidence':1}", RUNNER_PREDICTION},
    {"{'frame':0,'class':0,'confidence':0.5,'latency_us':4294967295,'value':-1e300,"
     "'probabilities':[0,0.5,1]}",
     RUNNER_PREDICTION},
    {"{'frame':9223372036854775807,'error':''}", RUNNER_FRAME_ERROR},
    {"{'rebuild':'other driver'}", RUNNER_REBUILD},
};

static const struct {
    const char *line, *words;
} bad[] = {
    {"", "object"},
    {"[]", "object"},
    {"{'ready':true", "object"},
    {"{'ready':true,'ready':true}", "object"},
    {"{'ready':true}{}", "object"},
    {"{}", "'ready'"},
    {"{'ready':1}", "'ready'"},
    {"{'ready':true,'classes':0}", "'classes'"},
    {"{'ready':true,'classes':65537}", "'classes'"},
    {"{'error':5}", "'error'"},
    {"{'frame':-1,'class':1,'confidence':1}", "'frame'"},
    {"{'frame':1.0,'class':1,'confidence':1}", "'frame'"},
    {"{'frame':1,'error':null}", "'error'"},
    {"{'frame':1,'confidence':1}", "'class'"},
    {"{'frame':1,'class':65536,'confidence':1}", "'class'"},
    {"{'frame':1,'class':'1','confidence':1}", "'class'"},
    {"{'frame':1,'class':1}", "'confidence'"},
    {"{'frame':1,'class':1,'confidence':1.0001}", "'confidence'"},
    {"{'frame':1,'class':1,'confidence':-0.1}", "'confidence'"},
    {"{'frame':1,'class':1,'confidence':true}", "'confidence'"},
    {"{'frame':1,'class':1,'confidence':1,'latency_us':-1}", "'latency_us'"},
    {"{'frame':1,'class':1,'confidence':1,'latency_us':4294967296}", "'latency_us'"},
    {"{'frame':1,'class':1,'confidence':1,'value':null}", "'value'"},
    {"{'frame':1,'class':1,'confidence':1,'probabilities':{}}", "'probabilities'"},
    {"{'frame':1,'class':1,'confidence':1,'probabilities':[2]}", "'probabilities'"},
};

static enum status parse(const char *line, struct err *err)
{
    char text[512];
    size_t len = strlen(line);
    assert_true(len < sizeof text);
    for (size_t i = 0; i < len; i++) {
        text[i] = line[i] == '\'' ? '"' : line[i];
    }
    return runner_answer_parse(text, len, &answer, err);
}

/* 100 of three bytes each: 199 bytes hold 66 of them. */
static void a_long_error_is_never_cut_within_a_character(void **state)
{
    (void)state;
    char line[400] = "", euros[301];
    for (size_t i = 0; i < 100; i++) {
        memcpy(euros + 3 * i, "\xe2\x82\xac", 4);
    }
    (void)snprintf(line, sizeof line, "{'error':'%s'}", euros);
    assert_int_equal(parse(line, NULL), OK);
    assert_int_equal(strlen(answer.error), RUNNER_ERROR_BYTES - 2);
    assert_string_equal(answer.error + RUNNER_ERROR_BYTES - 5, "\xe2\x82\xac");
}

static void what_is_allowed_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct err err = {0};
        if (parse(good[i].line, &err) != OK || answer.kind != good[i].kind) {
            fail_msg("%s: %s", good[i].line, err.detail);
        }
    }
    assert_int_equal(parse(good[4].line, NULL), OK);
    assert_int_equal(answer.latency_us, UINT32_MAX);
    assert_int_equal(answer.probability_count, 3);
    assert_true(answer.probabilities[1] == 0.5F);
    assert_true(answer.has_value && answer.value < -1e299);
}

static void all_else_is_refused_with_the_member_that_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};
        enum status status = parse(bad[i].line, &err);
        if (status != ERR_RUNNER_PROTOCOL || !strstr(err.detail, bad[i].words)) {
            fail_msg("'%s': %d '%s'", bad[i].line, status, err.detail);
        }
    }
}

static void more_probabilities_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    BUF_AUTO line = BUF_INIT(RUNNER_LINE_BYTES);
    buf_addstr(&line, "{\"frame\":1,\"class\":1,\"confidence\":1,\"probabilities\":[0");
    for (int i = 0; i < RUNNER_PROBABILITIES_MAX; i++) {
        buf_addstr(&line, ",0");
    }
    buf_addstr(&line, "]}");
    assert_int_equal(runner_answer_parse(line.data, line.len, &answer, NULL),
                     ERR_RUNNER_PROTOCOL);
}

static void a_frame_is_sent_as_base64(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {0, 255, 16, 131};
    static const char *const texts[] = {"AA==", "AP8=", "AP8Q", "AP8Qgw=="};
    for (size_t len = 1; len <= sizeof pixels; len++) {
        struct runner_frame frame = {
            .number = 5, .pixels = pixels, .width = len, .height = 1, .channels = 1};
        char expected[128];
        BUF_AUTO line = BUF_INIT(1024);
        runner_frame_encode(&frame, &line);
        (void)snprintf(expected, sizeof expected,
                       "{\"frame\":5,\"width\":%zu,\"height\":1,\"channels\":1,"
                       "\"pixels\":\"%s\"}\n",
                       len, texts[len - 1]);
        assert_string_equal(line.data, expected);
    }
}

static void a_model_is_told_as_json(void **state)
{
    (void)state;
    struct runner_model model = {.path = "/a \"b\"",
                                 .name = "m",
                                 .version = "1",
                                 .artifact = "00",
                                 .format = "onnx",
                                 .seq = 2,
                                 .length = 3};
    BUF_AUTO line = BUF_INIT(1024);
    runner_model_encode(&model, &line);
    assert_string_equal(line.data, "{\"model\":{\"path\":\"/a \\\"b\\\"\",\"name\":\"m\","
                                   "\"version\":\"1\",\"seq\":2,\"artifact\":\"00\","
                                   "\"format\":\"onnx\",\"length\":3}}\n");
}

static void an_engine_is_a_file_of_its_folder(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"engine\":1}",
                                        "{\"engine\":\"\"}",
                                        "{\"engine\":\"..\"}",
                                        "{\"engine\":\"a/b\"}",
                                        "{\"engine\":\"record.json\"}",
                                        "{\"engine\":\"a\\u0000b\"}",
                                        "{\"engine\":\"a\"} {}"};
    char name[RUNNER_ENGINE_BYTES] = "before";
    struct err err = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(runner_engine_parse(wrong[i], strlen(wrong[i]), name, NULL),
                         ERR_RUNNER_PROTOCOL);
        assert_string_equal(name, "before");
    }
    static const char no[] = "{\"error\":\"no such operator\"}";
    assert_int_equal(runner_engine_parse(no, sizeof no - 1, name, &err),
                     ERR_ENGINE_REFUSED);
    assert_string_equal(err.detail, "no such operator");
    static const char plan[] = "{\"engine\":\"model-8.6_fp16.plan\",\"more\":1}";
    assert_int_equal(runner_engine_parse(plan, sizeof plan - 1, name, NULL), OK);
    assert_string_equal(name, "model-8.6_fp16.plan");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_error_is_never_cut_within_a_character),
        cmocka_unit_test(what_is_allowed_is_read),
        cmocka_unit_test(all_else_is_refused_with_the_member_that_is_wrong),
        cmocka_unit_test(more_probabilities_than_there_is_room_for_are_refused),
        cmocka_unit_test(a_frame_is_sent_as_base64),
        cmocka_unit_test(a_model_is_told_as_json),
        cmocka_unit_test(an_engine_is_a_file_of_its_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
