/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/target.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decodes `len` bytes into a text of the arena; `plus` is the character for '+'. */
static enum status decode(const char *raw, size_t len, char plus, struct arena *arena,
                          const char **ret_text, struct err *err)
{
    char *text = arena_alloc(arena, len + 1);
    if (!text) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the request target");
    }
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (raw[i] != '%') {
            text[used++] = raw[i] == '+' ? plus : raw[i];
            continue;
        }
        int high = i + 2 < len ? hex_digit(raw[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(raw[i + 2]) : -1;
        int value = low >= 0 ? high * 16 + low : 0;
        if (value < 0x20 || value == 0x7f) {
            return err_set(err, ERR_HTTP_BAD_PATH,
                           "malformed or forbidden escape in the request target");
        }
        text[used++] = (char)value;
        i += 2;
    }
    text[used] = '\0';
    if (!utf8_is_valid(text)) {
        return err_set(err, ERR_HTTP_BAD_PATH, "the request target is not UTF-8");
    }
    *ret_text = text;
    return OK;
}

/* One segment of the path as it was sent, without its slashes. */
static bool segment_is_allowed(const char *segment, size_t len)
{
    static const char *const escapes[] = {"%2e", "%2f", "%5c"};
    if ((len == 1 && segment[0] == '.') || (len == 2 && memcmp(segment, "..", 2) == 0)) {
        return false;
    }
    for (size_t i = 0; i + 3 <= len; i++) {
        if (segment[i] != '%') {
            continue;
        }
        for (size_t k = 0; k < sizeof escapes / sizeof escapes[0]; k++) {
            if (strncasecmp(segment + i, escapes[k], 3) == 0) {
                return false;
            }
        }
    }
    return true;
}

static enum status check_path(const char *path, size_t len, struct err *err)
{
    size_t start = 1;
    while (start <= len) {
        const char *slash = start < len ? memchr(path + start, '/', len - start) : NULL;
        size_t end = slash ? (size_t)(slash - path) : len;
        bool is_last = end == len;
        if ((end == start && !is_last) ||
            !segment_is_allowed(path + start, end - start)) {
            return err_set(err, ERR_HTTP_BAD_PATH,
                           "the path has an empty, '.' or '..' segment or an encoded dot "
                           "or slash");
        }
        start = end + 1;
    }
    return OK;
}

static enum status check_characters(const char *raw, size_t len, struct err *err)
{
    for (size_t i = 0; i < len; i++) {
        if (raw[i] <= ' ' || raw[i] >= 127 || raw[i] == '#' || raw[i] == '\\') {
            return err_set(err, ERR_HTTP_BAD_PATH,
                           "the request target has a character that must be encoded");
        }
    }
    return OK;
}

static enum status add_pair(struct target *target, const char *raw, size_t len,
                            struct arena *arena, struct err *err)
{
    if (len == 0) {
        return OK;
    }
    if (target->query_count == TARGET_QUERY_MAX) {
        return err_set(err, ERR_HTTP_BAD_PATH, "more than %d query parameters",
                       TARGET_QUERY_MAX);
    }
    struct query_pair *pair = &target->query[target->query_count];
    const char *equals = memchr(raw, '=', len);
    size_t name_len = equals ? (size_t)(equals - raw) : len;
    size_t value_start = equals ? name_len + 1 : len;
    enum status status = decode(raw, name_len, ' ', arena, &pair->name, err);
    if (status == OK) {
        status =
            decode(raw + value_start, len - value_start, ' ', arena, &pair->value, err);
    }
    if (status == OK) {
        target->query_count++;
    }
    return status;
}

static enum status parse_query(struct target *target, const char *query,
                               struct arena *arena, struct err *err)
{
    while (*query) {
        size_t len = strcspn(query, "&");
        enum status status = add_pair(target, query, len, arena, err);
        if (status != OK) {
            return status;
        }
        query += len + (query[len] == '&');
    }
    return OK;
}

enum status target_parse(const char *raw, size_t max_bytes, struct arena *arena,
                         struct target *ret_target, struct err *err)
{
    size_t len = strlen(raw);
    if (len > max_bytes) {
        return err_set(err, ERR_HTTP_URI_TOO_LONG,
                       "the request target has %zu bytes, at most %zu are accepted", len,
                       max_bytes);
    }
    if (raw[0] != '/') {
        return err_set(err, ERR_HTTP_BAD_PATH, "the request target must begin with '/'");
    }
    size_t path_len = strcspn(raw, "?");
    struct target target = {0};
    enum status status = check_characters(raw, len, err);
    if (status == OK) {
        status = check_path(raw, path_len, err);
    }
    if (status == OK) {
        status = decode(raw, path_len, '+', arena, &target.path, err);
    }
    if (status == OK && raw[path_len] == '?') {
        status = parse_query(&target, raw + path_len + 1, arena, err);
    }
    if (status == OK) {
        *ret_target = target;
    }
    return status;
}
