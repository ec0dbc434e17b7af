/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/json.h"

#include <stdbool.h>
#include <string.h>

/* jansson would recurse 2,048 deep before it objects, so the depth is counted first. */
static enum status check_depth(const char *text, size_t len, struct err *err)
{
    int depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_text && c == '\\') {
            i++;
        } else if (c == '"') {
            in_text = !in_text;
        } else if (!in_text && (c == '{' || c == '[')) {
            depth++;
        } else if (!in_text && (c == '}' || c == ']')) {
            depth--;
        }
        if (depth > TUF_JSON_DEPTH_MAX) {
            return err_set(err, ERR_TUF_TOO_LARGE,
                           "metadata: at most %d levels expected, more found at byte %zu",
                           TUF_JSON_DEPTH_MAX, i);
        }
    }
    return OK;
}

/* Whether a real number stands anywhere; the depth is bounded already. */
static bool has_real(const json_t *value)
{
    if (json_is_object(value)) {
        const char *name = NULL;
        json_t *member = NULL;
        json_object_foreach((json_t *)value, name, member)
        {
            if (has_real(member)) {
                return true;
            }
        }
        return false;
    }
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (has_real(json_array_get(value, i))) {
                return true;
            }
        }
        return false;
    }
    return json_is_real(value);
}

enum status tuf_json_parse(const void *data, size_t len, size_t max_bytes,
                           json_t **ret_tree, struct err *err)
{
    if (len > max_bytes) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "metadata of at most %zu bytes expected, %zu found", max_bytes,
                       len);
    }
    enum status status = check_depth(data, len, err);
    if (status != OK) {
        return status;
    }
    json_error_t reason;
    JSON_AUTO *tree = json_loadb(data, len, JSON_REJECT_DUPLICATES, &reason);
    if (!tree) {
        return err_set(err, ERR_TUF_FORMAT,
                       "metadata: JSON expected, found in line %d: %.120s", reason.line,
                       reason.text);
    }
    if (!json_is_object(tree)) {
        return err_set(err, ERR_TUF_FORMAT, "metadata: an object expected, %s found",
                       tuf_json_kind(tree));
    }
    if (has_real(tree)) {
        return err_set(err, ERR_TUF_FORMAT,
                       "metadata: integers expected, a real number found");
    }
    *ret_tree = tree;
    tree = NULL;
    return OK;
}

const char *tuf_json_kind(const json_t *value)
{
    if (!value) {
        return "nothing";
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        break;
    }
    return "null";
}

static enum status wrong_kind(const char *name, const char *expected, const json_t *found,
                              struct err *err)
{
    enum status status = err_set(err, ERR_TUF_FORMAT, "'%.60s': %s expected, %s found",
                                 name, expected, tuf_json_kind(found));
    err_set_pointer(err, "/%.60s", name);
    return status;
}

enum status tuf_json_object(const json_t *object, const char *name,
                            const json_t **ret_value, struct err *err)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_object(value)) {
        return wrong_kind(name, "an object", value, err);
    }
    *ret_value = value;
    return OK;
}

enum status tuf_json_array(const json_t *object, const char *name,
                           const json_t **ret_value, struct err *err)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_array(value)) {
        return wrong_kind(name, "a list", value, err);
    }
    *ret_value = value;
    return OK;
}

enum status tuf_json_text(const json_t *object, const char *name, const char **ret_value,
                          struct err *err)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value)) {
        return wrong_kind(name, "a text", value, err);
    }
    *ret_value = json_string_value(value);
    return OK;
}

enum status tuf_json_integer(const json_t *object, const char *name, int64_t min,
                             int64_t *ret_value, struct err *err)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value)) {
        return wrong_kind(name, "an integer", value, err);
    }
    if (json_integer_value(value) < min) {
        enum status status =
            err_set(err, ERR_TUF_FORMAT, "'%.60s': at least %lld expected, %lld found",
                    name, (long long)min, (long long)json_integer_value(value));
        err_set_pointer(err, "/%.60s", name);
        return status;
    }
    *ret_value = json_integer_value(value);
    return OK;
}
