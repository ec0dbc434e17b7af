/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "tuf/json.h"

static enum status add_value(const json_t *value, int depth, struct buf *out,
                             struct err *err);

static void free_names(const char ***names)
{
    free(*names);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_text(const char *text, size_t len, struct buf *out)
{
    buf_addc(out, '"');
    size_t start = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            buf_add(out, text + start, i - start);
            buf_addc(out, '\\');
            start = i;
        }
    }
    buf_add(out, text + start, len - start);
    buf_addc(out, '"');
}

static enum status add_object(const json_t *object, int depth, struct buf *out,
                              struct err *err)
{
    size_t count = json_object_size(object);
    __attribute__((cleanup(free_names))) const char **names =
        calloc(count + 1, sizeof *names);
    if (!names) {
        return err_set(err, ERR_NO_MEMORY, "no memory for canonical JSON");
    }
    size_t used = 0;
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach((json_t *)object, name, member)
    {
        names[used++] = name;
    }
    qsort(names, used, sizeof *names, compare_names);
    buf_addc(out, '{');
    for (size_t i = 0; i < used; i++) {
        if (i > 0) {
            buf_addc(out, ',');
        }
        add_text(names[i], strlen(names[i]), out);
        buf_addc(out, ':');
        enum status status =
            add_value(json_object_get(object, names[i]), depth + 1, out, err);
        if (status != OK) {
            return status;
        }
    }
    buf_addc(out, '}');
    return OK;
}

static enum status add_array(const json_t *array, int depth, struct buf *out,
                             struct err *err)
{
    buf_addc(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0) {
            buf_addc(out, ',');
        }
        enum status status = add_value(json_array_get(array, i), depth + 1, out, err);
        if (status != OK) {
            return status;
        }
    }
    buf_addc(out, ']');
    return OK;
}

static enum status add_value(const json_t *value, int depth, struct buf *out,
                             struct err *err)
{
    if (depth > TUF_JSON_DEPTH_MAX) {
        return err_set(err, ERR_TUF_FORMAT, "canonical JSON nested deeper than %d",
                       TUF_JSON_DEPTH_MAX);
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return add_object(value, depth, out, err);
    case JSON_ARRAY:
        return add_array(value, depth, out, err);
    case JSON_STRING:
        add_text(json_string_value(value), json_string_length(value), out);
        return OK;
    case JSON_INTEGER:
        buf_addi(out, json_integer_value(value));
        return OK;
    case JSON_REAL:
        return err_set(err, ERR_TUF_FORMAT, "canonical JSON has no real numbers");
    case JSON_TRUE:
        buf_addstr(out, "true");
        return OK;
    case JSON_FALSE:
        buf_addstr(out, "false");
        return OK;
    case JSON_NULL:
        break;
    }
    buf_addstr(out, "null");
    return OK;
}

enum status canonical_json(const json_t *value, struct buf *ret_bytes, struct err *err)
{
    if (!value) {
        return err_set(err, ERR_TUF_FORMAT, "canonical JSON of nothing");
    }
    enum status status = add_value(value, 0, ret_bytes, err);
    return status == OK ? buf_status(ret_bytes, err) : status;
}
