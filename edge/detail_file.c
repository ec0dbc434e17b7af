/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/detail_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum { FILE_BYTES = 4096 };

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

struct detail detail_from_json(const json_t *object)
{
    struct detail detail = {
        .mode = DETAIL_FULL, .every = 1, .interval_s = DETAIL_INTERVAL_MAX_S};
    const char *name = json_string_value(json_object_get(object, "mode"));
    const json_t *interval = json_object_get(object, "interval_s");
    int64_t every = json_integer_value(json_object_get(object, "every"));
    enum detail_mode mode;
    if (!name || !detail_mode_parse(name, &mode) || mode == DETAIL_AUTO ||
        (mode == DETAIL_SAMPLED && every < 1)) {
        return detail;
    }
    detail.mode = mode;
    if (mode == DETAIL_SAMPLED) {
        detail.every = (uint32_t)clamp(every, 1, DETAIL_EVERY_MAX);
    }
    if (mode != DETAIL_FULL && json_is_integer(interval)) {
        detail.interval_s = clamp(json_integer_value(interval), DETAIL_INTERVAL_MIN_S,
                                  DETAIL_INTERVAL_MAX_S);
    }
    return detail;
}

void detail_text(const struct detail *detail, char ret_text[static 32])
{
    const char *name = detail_mode_name(detail->mode);
    if (detail->mode == DETAIL_SAMPLED) {
        snprintf(ret_text, 32, "%s 1/%" PRIu32, name, detail->every);
    } else {
        snprintf(ret_text, 32, "%s", name);
    }
}

bool detail_same(const struct detail *a, const struct detail *b)
{
    return a->mode == b->mode && a->every == b->every && a->interval_s == b->interval_s;
}

void detail_file_read(const char *state_folder, struct told_detail *ret_told)
{
    char path[EDGE_PATH_BYTES];
    BUF_AUTO text = BUF_INIT(FILE_BYTES);
    json_t *tree = NULL;
    if (env_join(state_folder, "detail", path, NULL) == OK &&
        file_read(path, &text, NULL) == OK && text.data) {
        tree = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    }
    *ret_told = (struct told_detail){.detail = detail_from_json(tree)};
    const char *model = json_string_value(json_object_get(tree, "model"));
    if (model && strlen(model) < sizeof ret_told->model) {
        memcpy(ret_told->model, model, strlen(model) + 1);
    }
    json_decref(tree);
}

enum status detail_file_write(const char *state_folder, const struct told_detail *told,
                              struct err *err)
{
    char path[EDGE_PATH_BYTES];
    BUF_AUTO text = BUF_INIT(FILE_BYTES);
    enum status status = env_join(state_folder, "detail", path, err);
    if (status != OK) {
        return status;
    }
    buf_addstr(&text, "{\"model\":");
    buf_add_json(&text, told->model);
    buf_addf(
        &text, ",\"mode\":\"%s\",\"every\":%" PRIu32 ",\"interval_s\":%" PRId64 "}\n",
        detail_mode_name(told->detail.mode), told->detail.every, told->detail.interval_s);
    status = buf_status(&text, err);
    return status == OK ? file_write_atomic(path, text.data, text.len, 0600, err)
                        : status;
}
