/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/model_needs.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tuf/json.h"
#include "tuf/target.h"

enum { CLASSES_BYTES = 4 * 1024 * 1024 };

static enum status set(json_t *custom, const char *name, json_t *value, struct err *err)
{
    return value && json_object_set_new(custom, name, value) == 0
               ? OK
               : err_set(err, ERR_USAGE, "'%s' is no UTF-8", name);
}

static enum status add_list(const struct option_list *list, const char *name,
                            json_t *custom, struct err *err)
{
    if (list->count == 0) {
        return OK;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list->count; i++) {
        (void)json_array_append_new(items, json_string(list->items[i]));
    }
    return set(custom, name, items, err);
}

static enum status add_amount(int64_t amount, const char *name, json_t *custom,
                              struct err *err)
{
    if (amount < 0) {
        return err_set(err, ERR_USAGE, "'%s' must be at least 0", name);
    }
    return amount > 0 ? set(custom, name, json_integer(amount), err) : OK;
}

static enum status add_text(const char *text, const char *name, json_t *custom,
                            struct err *err)
{
    return text ? set(custom, name, json_string(text), err) : OK;
}

enum status model_needs_add(const struct model_needs *needs, json_t *custom,
                            struct err *err)
{
    enum status status = add_list(&needs->hardware, "hardware", custom, err);
    if (status == OK) {
        status = add_list(&needs->cpu_features, "cpu_features", custom, err);
    }
    if (status == OK) {
        status = add_amount(needs->ram_bytes, "ram_bytes", custom, err);
    }
    if (status == OK) {
        status = add_amount(needs->flash_bytes, "flash_bytes", custom, err);
    }
    if (status == OK) {
        status = add_text(needs->runtime_min, "runtime_min", custom, err);
    }
    return status == OK ? add_text(needs->task, "task", custom, err) : status;
}

/* A line a class; an empty line at the end is none. */
static enum status add_classes(const char *path, json_t *custom, struct err *err)
{
    BUF_AUTO text = BUF_INIT(CLASSES_BYTES);
    enum status status = file_read(path, &text, err);
    if (status != OK) {
        return status;
    }
    json_t *classes = json_array();
    const char *at = text.data;
    const char *end = at ? at + text.len : NULL;
    while (at && at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((line ? line : end) - at);
        len -= len > 0 && at[len - 1] == '\r';
        if (json_array_append_new(classes, json_stringn(at, len)) != 0) {
            json_decref(classes);
            return err_set(err, ERR_USAGE, "'%s' is no UTF-8", path);
        }
        at = line ? line + 1 : end;
    }
    return set(custom, "classes", classes, err);
}

static enum status add_input(const struct model_needs *needs, json_t *custom,
                             struct err *err)
{
    JSON_AUTO *shape = json_array();
    const char *at = needs->input_shape;
    char *end = NULL;
    do {
        long size = strtol(at, &end, 10);
        if (end == at || size < 1 || (*end != ',' && *end != '\0')) {
            return err_set(err, ERR_USAGE,
                           "--input-shape wants sizes such as 1,1,28,28, not '%.64s'",
                           needs->input_shape);
        }
        (void)json_array_append_new(shape, json_integer(size));
        at = end + 1;
    } while (*end == ',');
    const char *dtype = needs->input_dtype ? needs->input_dtype : "u8";
    return set(custom, "input", json_pack("{s:O, s:s}", "shape", shape, "dtype", dtype),
               err);
}

enum status model_needs_add_foreign(const struct model_needs *needs, const char *ext,
                                    json_t *custom, struct err *err)
{
    if (!needs->task) {
        return err_set(err, ERR_USAGE, "--task is needed for a '.%.20s' file", ext);
    }
    enum status status =
        add_text(needs->format ? needs->format : ext, "format", custom, err);
    if (status == OK && needs->classes_path) {
        status = add_classes(needs->classes_path, custom, err);
    }
    return status == OK && needs->input_shape ? add_input(needs, custom, err) : status;
}

enum status model_needs_check_native(const struct model_needs *needs, struct err *err)
{
    return needs->format || needs->classes_path || needs->input_shape
               ? err_set(err, ERR_USAGE,
                         "an .mnet file says its format, classes and input itself")
               : OK;
}
