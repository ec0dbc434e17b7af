/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/body.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "format/json_scan.h"
#include "server/service/selector.h"

/* jansson refuses integers of more than 64 bits wherever they stand, which would hide
 * every later error of syntax. They are replaced by this real, which body_integer knows.
 */
#define HUGE_INTEGER 9.87654321e307
#define HUGE_INTEGER_TEXT "9.87654321e307"
static const char int64_limit[] = "9223372036854775807";

/* At least as many values as a tree of the body would have. */
static size_t count_values(const char *body, size_t len)
{
    size_t values = 0;
    bool text = false;
    for (size_t i = 0; i < len; i++) {
        char c = body[i];
        if (text) {
            i += c == '\\';
            text = c != '"';
        } else if (c == '"') {
            text = true;
        } else {
            values += c == '{' || c == '[' || c == ',';
        }
    }
    return values;
}

/* Whether these digits are an integer beyond 64 bits with sign. */
static bool is_huge(const char *digits, size_t len, bool is_negative)
{
    size_t limit_len = sizeof int64_limit - 1;
    if (len != limit_len) {
        return len > limit_len && digits[0] != '0';
    }
    int order = memcmp(digits, int64_limit, limit_len - 1);
    char last = is_negative ? '8' : '7';
    return order > 0 || (order == 0 && digits[limit_len - 1] > last);
}

/* Replaces the number at `text` if it is a huge integer; returns its length. */
static size_t replace_huge(char *text)
{
    size_t sign = text[0] == '-';
    size_t digits = strspn(text + sign, "0123456789");
    size_t len = strspn(text, "+-.0123456789eE");
    if (len == sign + digits && is_huge(text + sign, digits, sign)) {
        memset(text, ' ', len);
        memcpy(text, HUGE_INTEGER_TEXT, sizeof HUGE_INTEGER_TEXT - 1);
    }
    return len;
}

/* Replaces all huge integers outside of texts; `body` ends with a NUL. */
static void replace_all_huge(char *body, size_t len)
{
    bool text = false;
    for (size_t i = 0; i < len; i++) {
        if (text) {
            i += body[i] == '\\';
            text = body[i] != '"';
        } else if (body[i] == '"') {
            text = true;
        } else if (body[i] == '-' || (body[i] >= '0' && body[i] <= '9')) {
            i += replace_huge(body + i) - 1;
        }
    }
}

static json_t *load(const char *body, size_t len, json_error_t *error)
{
    return json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
}

/* Loads it once more if an integer was too large; NULL with `error` if it is no JSON. */
static json_t *load_tolerantly(struct request *request, json_error_t *error)
{
    json_t *tree = load(request->body, request->body_len, error);
    if (tree || json_error_code(error) != json_error_numeric_overflow) {
        return tree;
    }
    char *copy = arena_strndup(&request->arena, request->body, request->body_len);
    if (!copy) {
        return NULL;
    }
    replace_all_huge(copy, request->body_len);
    return load(copy, request->body_len, error);
}

static enum status syntax_error(struct request *request, const json_error_t *error)
{
    enum status status = ERR_JSON_SYNTAX;
    if (json_error_code(error) == json_error_duplicate_key) {
        status = ERR_JSON_DUPLICATE_KEY;
    } else if (json_error_code(error) == json_error_numeric_overflow) {
        status = strstr(error->text, "integer") ? ERR_JSON_RANGE : ERR_JSON_NUMBER;
    }
    return err_set(&request->err, status, "%s at byte %d", error->text, error->position);
}

enum status body_parse(struct request *request, json_t **ret_tree)
{
    json_error_t error;
    if (!request->body || request->body_len == 0) {
        return err_set(&request->err, ERR_JSON_SYNTAX, "the body is empty");
    }
    /* jansson is laxer: it takes a NUL byte behind a number for the end. */
    enum status status =
        json_scan_validate(request->body, request->body_len, &request->err);
    if (status != OK) {
        return status;
    }
    if (count_values(request->body, request->body_len) > BODY_VALUES_MAX) {
        return err_set(&request->err, ERR_LIMIT, "the body has over %d values",
                       BODY_VALUES_MAX);
    }
    json_t *tree = load_tolerantly(request, &error);
    if (!tree) {
        return syntax_error(request, &error);
    }
    if (!json_is_object(tree)) {
        json_decref(tree);
        return err_set(&request->err, ERR_JSON_TYPE, "the body must be an object");
    }
    *ret_tree = tree;
    return OK;
}

/* Records a member's error with its pointer. */
static enum status bad(struct request *request, enum status status, const char *name,
                       const char *wanted)
{
    (void)err_set(&request->err, status, "'%s' %s", name, wanted);
    err_set_pointer(&request->err, "/%s", name);
    return status;
}

enum status body_text(struct request *request, const json_t *object,
                      const struct body_text *wanted, const char **ret_text)
{
    const json_t *member = json_object_get(object, wanted->name);
    if (!member && wanted->fallback) {
        *ret_text = wanted->fallback;
        return OK;
    }
    if (!member) {
        return bad(request, ERR_JSON_MISSING, wanted->name, "is missing");
    }
    if (!json_is_string(member)) {
        return bad(request, ERR_JSON_TYPE, wanted->name, "must be a text");
    }
    size_t len = json_string_length(member);
    if (len < wanted->low || len > wanted->high) {
        (void)err_set(&request->err, ERR_JSON_LENGTH,
                      "'%s' must have %zu to %zu bytes, it has %zu", wanted->name,
                      wanted->low, wanted->high, len);
        err_set_pointer(&request->err, "/%s", wanted->name);
        return ERR_JSON_LENGTH;
    }
    *ret_text = json_string_value(member);
    return OK;
}

enum status body_integer(struct request *request, const json_t *object,
                         const struct body_integer *wanted, int64_t *ret_value)
{
    const json_t *member = json_object_get(object, wanted->name);
    if (!member && wanted->optional) {
        *ret_value = wanted->fallback;
        return OK;
    }
    if (!member) {
        return bad(request, ERR_JSON_MISSING, wanted->name, "is missing");
    }
    if (json_real_value(member) == HUGE_INTEGER) {
        return bad(request, ERR_JSON_RANGE, wanted->name, "has more than 64 bits");
    }
    if (!json_is_integer(member)) {
        return bad(request, ERR_JSON_TYPE, wanted->name, "must be an integer");
    }
    int64_t value = json_integer_value(member);
    if (value < wanted->low || value > wanted->high) {
        (void)err_set(&request->err, ERR_JSON_RANGE,
                      "'%s' must be between %" PRId64 " and %" PRId64 ", found %" PRId64,
                      wanted->name, wanted->low, wanted->high, value);
        err_set_pointer(&request->err, "/%s", wanted->name);
        return ERR_JSON_RANGE;
    }
    *ret_value = value;
    return OK;
}

enum status body_boolean(struct request *request, const json_t *object, const char *name,
                         bool *ret_value)
{
    const json_t *member = json_object_get(object, name);
    if (member && !json_is_boolean(member)) {
        return bad(request, ERR_JSON_TYPE, name, "must be true or false");
    }
    *ret_value = json_is_true(member);
    return OK;
}

enum status body_hex(struct request *request, const json_t *object, const char *name,
                     uint8_t *ret_data, size_t len)
{
    const char *text = NULL;
    struct body_text wanted = {.name = name, .low = 2 * len, .high = 2 * len};
    enum status status = body_text(request, object, &wanted, &text);
    if (status == OK && hex_decode(text, ret_data, len, NULL) != OK) {
        return bad(request, ERR_JSON_RANGE, name, "must be hex digits");
    }
    return status;
}

/* Points at a label; its key is escaped as RFC 6901 wants it. */
static void point_at_label(struct err *err, const char *key)
{
    char escaped[2 * LABEL_BYTES] = "";
    size_t used = 0;
    for (const char *p = key; *p && used + 2 < sizeof escaped; p++) {
        bool is_special = *p == '~' || *p == '/';
        char code = *p == '~' ? '0' : '1';
        escaped[used++] = is_special ? '~' : *p;
        escaped[used] = is_special ? code : '\0';
        used += is_special;
    }
    escaped[used] = '\0';
    err_set_pointer(err, "/labels/%s", escaped);
}

static enum status one_label(struct request *request, const char *key,
                             const json_t *value, bool removals)
{
    enum status status = OK;
    if (!selector_key_valid(key)) {
        status = err_set(&request->err, ERR_JSON_RANGE,
                         "a label's key must be 1 to 32 of a-z 0-9 _ . -");
    } else if (!json_is_string(value) && !(removals && json_is_null(value))) {
        status = err_set(&request->err, ERR_JSON_TYPE, "a label's value must be a text");
    } else if (json_string_length(value) >= LABEL_BYTES) {
        status = err_set(&request->err, ERR_JSON_LENGTH,
                         "a label's value has at most %d bytes", LABEL_BYTES - 1);
    }
    point_at_label(&request->err, key);
    return status;
}

enum status body_labels(struct request *request, const json_t *object, bool removals,
                        struct label_list *ret_labels)
{
    const json_t *labels = json_object_get(object, "labels");
    const char *key;
    json_t *value;
    ret_labels->count = 0;
    if (!labels) {
        return OK;
    }
    if (!json_is_object(labels)) {
        return bad(request, ERR_JSON_TYPE, "labels", "must be an object");
    }
    if (json_object_size(labels) > NODE_LABELS_MAX) {
        return bad(request, ERR_JSON_LENGTH, "labels", "has more than 16 members");
    }
    json_object_foreach((json_t *)labels, key, value)
    {
        enum status status = one_label(request, key, value, removals);
        if (status != OK) {
            return status;
        }
        ret_labels->items[ret_labels->count++] =
            (struct label){.key = key, .value = json_string_value(value)};
    }
    return OK;
}
