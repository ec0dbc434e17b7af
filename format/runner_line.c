/* SPDX-License-Identifier: Apache-2.0 */
#include "format/runner_line.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const char BASE64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- to the runner ---- */

void runner_model_encode(const struct runner_model *model, struct buf *ret_line)
{
    buf_addstr(ret_line, "{\"model\":{\"path\":");
    buf_add_json(ret_line, model->path);
    buf_addstr(ret_line, ",\"name\":");
    buf_add_json(ret_line, model->name);
    buf_addstr(ret_line, ",\"version\":");
    buf_add_json(ret_line, model->version);
    buf_addf(ret_line,
             ",\"seq\":%lld,\"artifact\":\"%s\",\"format\":", (long long)model->seq,
             model->artifact);
    buf_add_json(ret_line, model->format);
    buf_addf(ret_line, ",\"length\":%zu", model->length);
    if (model->engine) {
        buf_addstr(ret_line, ",\"engine\":");
        buf_add_json(ret_line, model->engine);
    }
    buf_addstr(ret_line, "}}\n");
}

static void add_base64(struct buf *line, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        unsigned bits = (unsigned)data[i] << 16 |
                        (left > 1 ? (unsigned)data[i + 1] << 8 : 0U) |
                        (left > 2 ? (unsigned)data[i + 2] : 0U);
        char group[4] = {BASE64[bits >> 18], BASE64[bits >> 12 & 63],
                         left > 1 ? BASE64[bits >> 6 & 63] : '=',
                         left > 2 ? BASE64[bits & 63] : '='};
        buf_add(line, group, sizeof group);
    }
}

void runner_frame_encode(const struct runner_frame *frame, struct buf *ret_line)
{
    buf_addf(
        ret_line,
        "{\"frame\":%lld,\"width\":%zu,\"height\":%zu,\"channels\":%zu,\"pixels\":\"",
        (long long)frame->number, frame->width, frame->height, frame->channels);
    add_base64(ret_line, frame->pixels, frame->width * frame->height * frame->channels);
    buf_addstr(ret_line, "\"}\n");
}

/* ---- from the runner ---- */

static enum status wrong(struct err *err, const char *member, const char *expected)
{
    return err_set(err, ERR_RUNNER_PROTOCOL, "'%s': %s expected", member, expected);
}

static bool take_integer(const json_t *tree, const char *name, int64_t high,
                         int64_t *ret_value)
{
    const json_t *value = json_object_get(tree, name);
    int64_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > high) {
        return false;
    }
    *ret_value = number;
    return true;
}

/* 0 … 1; an integer is a number too. */
static bool take_unit(const json_t *value, double *ret_value)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0 && number <= 1)) {
        return false;
    }
    *ret_value = number;
    return true;
}

static enum status take_error(const json_t *tree, const char *member,
                              struct runner_answer *answer, struct err *err)
{
    const char *text = json_string_value(json_object_get(tree, member));
    if (!text) {
        return wrong(err, member, "a text");
    }
    (void)snprintf(answer->error, sizeof answer->error, "%s", text);
    utf8_mend(answer->error);
    return OK;
}

static enum status take_probabilities(const json_t *tree, struct runner_answer *answer,
                                      struct err *err)
{
    const json_t *list = json_object_get(tree, "probabilities");
    size_t count = json_array_size(list);
    if (!list) {
        return OK;
    }
    if (!json_is_array(list) || count > RUNNER_PROBABILITIES_MAX) {
        return wrong(err, "probabilities", "a list of at most 4096 numbers");
    }
    for (size_t i = 0; i < count; i++) {
        double value = 0;
        if (!take_unit(json_array_get(list, i), &value)) {
            return wrong(err, "probabilities", "numbers from 0 to 1");
        }
        answer->probabilities[i] = (float)value;
    }
    answer->probability_count = count;
    return OK;
}

static enum status take_prediction(const json_t *tree, struct runner_answer *answer,
                                   struct err *err)
{
    int64_t number = 0;
    const json_t *value = json_object_get(tree, "value");
    if (!take_integer(tree, "class", RUNNER_CLASSES_MAX - 1, &number)) {
        return wrong(err, "class", "an integer from 0 to 65535");
    }
    answer->class_index = (uint16_t)number;
    if (!take_unit(json_object_get(tree, "confidence"), &answer->confidence)) {
        return wrong(err, "confidence", "a number from 0 to 1");
    }
    answer->has_latency = json_object_get(tree, "latency_us") != NULL;
    number = 0;
    if (answer->has_latency && !take_integer(tree, "latency_us", UINT32_MAX, &number)) {
        return wrong(err, "latency_us", "an integer from 0 to 4294967295");
    }
    answer->latency_us = (uint32_t)number;
    answer->value = json_number_value(value);
    answer->has_value = value != NULL;
    if (value && (!json_is_number(value) || !isfinite(answer->value))) {
        return wrong(err, "value", "a number");
    }
    return take_probabilities(tree, answer, err);
}

static enum status take_frame(const json_t *tree, struct runner_answer *answer,
                              struct err *err)
{
    if (!take_integer(tree, "frame", INT64_MAX, &answer->frame)) {
        return wrong(err, "frame", "an integer from 0");
    }
    bool failed = json_object_get(tree, "error") != NULL;
    answer->kind = failed ? RUNNER_FRAME_ERROR : RUNNER_PREDICTION;
    return failed ? take_error(tree, "error", answer, err)
                  : take_prediction(tree, answer, err);
}

static enum status take_state(const json_t *tree, struct runner_answer *answer,
                              struct err *err)
{
    if (json_object_get(tree, "error")) {
        answer->kind = RUNNER_REFUSAL;
        return take_error(tree, "error", answer, err);
    }
    if (json_object_get(tree, "rebuild")) {
        answer->kind = RUNNER_REBUILD;
        return take_error(tree, "rebuild", answer, err);
    }
    answer->kind = RUNNER_READY;
    if (!json_is_true(json_object_get(tree, "ready"))) {
        return wrong(err, "ready", "'frame', 'error' or 'ready': true");
    }
    if (json_object_get(tree, "classes") &&
        (!take_integer(tree, "classes", RUNNER_CLASSES_MAX, &answer->class_count) ||
         answer->class_count == 0)) {
        return wrong(err, "classes", "an integer from 1 to 65536");
    }
    return OK;
}

enum status runner_answer_parse(const char *line, size_t len,
                                struct runner_answer *ret_answer, struct err *err)
{
    ret_answer->class_count = 0;
    ret_answer->probability_count = 0;
    ret_answer->error[0] = '\0';
    json_t *tree = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    enum status status = !json_is_object(tree)
                             ? err_set(err, ERR_RUNNER_PROTOCOL, "a JSON object expected")
                         : json_object_get(tree, "frame")
                             ? take_frame(tree, ret_answer, err)
                             : take_state(tree, ret_answer, err);
    json_decref(tree);
    return status;
}

/* A file of its folder: not the folder itself, one above, or what is the agent's. */
static bool is_engine_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.-";
    return name[0] && name[0] != '.' && strlen(name) < RUNNER_ENGINE_BYTES &&
           name[strspn(name, allowed)] == '\0' && strcmp(name, "record.json") != 0;
}

enum status runner_engine_parse(const char *line, size_t len,
                                char ret_name[static RUNNER_ENGINE_BYTES],
                                struct err *err)
{
    json_t *tree = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *why = json_string_value(json_object_get(tree, "error"));
    const char *name = json_string_value(json_object_get(tree, "engine"));
    enum status status = OK;
    if (why) {
        status = err_set(err, ERR_ENGINE_REFUSED, "%.200s", why);
    } else if (!name || !is_engine_name(name)) {
        status = wrong(err, "engine", "the name of a file, or 'error'");
    } else {
        memcpy(ret_name, name, strlen(name) + 1);
    }
    json_decref(tree);
    return status;
}
