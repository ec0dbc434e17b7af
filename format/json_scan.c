/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_scan.h"

#include <stdlib.h>
#include <string.h>

#include "format/json_text.h"

enum { KEYS_AT_FIRST = 64 };

void json_scan_init(struct json_scan *scan, const char *body, size_t len, struct err *err)
{
    body = len > 0 ? body : ""; /* an empty buffer may be NULL */
    *scan = (struct json_scan){
        .start = body,
        .at = body,
        .end = body + len,
        .number = BUF_INIT(4 * len + 64),
        .err = err,
    };
}

void json_scan_release(struct json_scan *scan)
{
    free(scan->keys);
    scan->keys = NULL;
    buf_release(&scan->number);
}

enum status json_scan_fail(struct json_scan *scan, enum status status, const char *what)
{
    return err_set(scan->err, status, "%s at byte %zu", what,
                   (size_t)(scan->at - scan->start));
}

/* What begins with this byte, for messages. */
static const char *kind_name(char c)
{
    switch (c) {
    case '"':
        return "a string";
    case '{':
        return "an object";
    case '[':
        return "a list";
    case 't':
    case 'f':
        return "a boolean";
    case 'n':
        return "null";
    default:
        return "a number";
    }
}

enum status json_scan_wrong_type(struct json_scan *scan, const char *name,
                                 const char *wanted)
{
    return err_set(scan->err, ERR_JSON_TYPE, "%s must be %s, found %s", name, wanted,
                   kind_name(json_scan_peek(scan)));
}

static enum status unexpected(struct json_scan *scan, const char *wanted)
{
    bool ended = scan->at == scan->end;
    return err_set(scan->err, ERR_JSON_SYNTAX, "expected %s, found %s at byte %zu",
                   wanted, ended ? "the end" : "another character",
                   (size_t)(scan->at - scan->start));
}

static enum status enter(struct json_scan *scan)
{
    if (scan->depth == JSON_DEPTH_MAX) {
        return json_scan_fail(scan, ERR_JSON_DEPTH, "nested deeper than 32");
    }
    scan->depth++;
    scan->at++;
    return OK;
}

static void leave(struct json_scan *scan)
{
    scan->depth--;
    scan->at++;
}

/* Sorts by hash, then by the characters of the keys; `context` is the text. */
static int compare_keys(const void *left, const void *right, void *context)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    if (a >> 32 != b >> 32) {
        return a >> 32 < b >> 32 ? -1 : 1;
    }
    const char *start = context;
    return json_text_compare(start + (uint32_t)a, start + (uint32_t)b);
}

static enum status keep_key(struct json_scan *scan, const struct json_text *key)
{
    if (scan->key_count == scan->key_room) {
        size_t room = scan->key_room > 0 ? 2 * scan->key_room : KEYS_AT_FIRST;
        uint64_t *keys = realloc(scan->keys, room * sizeof *keys);
        if (!keys) {
            return err_set(scan->err, ERR_NO_MEMORY, "no memory for members");
        }
        scan->keys = keys;
        scan->key_room = room;
    }
    uint64_t hash = json_text_hash(key);
    scan->keys[scan->key_count++] = hash << 32 | (uint64_t)(key->raw - scan->start);
    return OK;
}

/* Finds keys given twice among the unknown ones of the object that ends, and drops them.
 */
static enum status check_keys(struct json_scan *scan, size_t from)
{
    uint64_t *keys = scan->keys + from;
    size_t count = scan->key_count - from;
    scan->key_count = from;
    if (count < 2) {
        return OK;
    }
    char *start = (char *)(uintptr_t)scan->start;
    qsort_r(keys, count, sizeof *keys, compare_keys, start);
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(&keys[i - 1], &keys[i], start) == 0) {
            return json_scan_fail(scan, ERR_JSON_DUPLICATE_KEY,
                                  "a member is given twice in the object that ends");
        }
    }
    return OK;
}

enum status json_scan_enter_object(struct json_scan *scan, const struct json_name *names,
                                   int count, struct json_members *ret_members)
{
    enum status status = enter(scan);
    if (status == OK) {
        *ret_members = (struct json_members){
            .names = names, .count = count, .keys_from = scan->key_count};
    }
    return status;
}

/* The index of a known name; looks first where the last object had the next one. */
static int find_name(struct json_members *members, const struct json_text *key)
{
    char decoded[64];
    const char *text = key->raw;
    size_t len = key->len;
    if (key->escaped) {
        len = json_text_decode(key, decoded, sizeof decoded);
        text = decoded;
    }
    if (len >= sizeof decoded) {
        return JSON_UNKNOWN;
    }
    for (int i = 0; i < members->count; i++) {
        int index = members->guess + i;
        index -= index >= members->count ? members->count : 0;
        const struct json_name *name = &members->names[index];
        if (name->len == len && memcmp(name->text, text, len) == 0) {
            members->guess = index + 1 < members->count ? index + 1 : 0;
            return index;
        }
    }
    return JSON_UNKNOWN;
}

/* The short way for the key that is looked for first, when it stands there as it is known
 * and its colon follows; false, with nothing read, for anything else. */
static bool take_expected(struct json_scan *scan, struct json_members *members)
{
    if (members->count == 0) {
        return false;
    }
    const struct json_name *name = &members->names[members->guess];
    const char *at = scan->at;
    size_t len = name->len;
    if ((size_t)(scan->end - at) < len + 3 || at[0] != '"' || at[len + 1] != '"' ||
        at[len + 2] != ':' || memcmp(at + 1, name->text, len) != 0 ||
        (members->seen & 1u << members->guess)) {
        return false;
    }
    scan->at = at + len + 3;
    members->seen |= 1u << members->guess;
    members->guess = members->guess + 1 < members->count ? members->guess + 1 : 0;
    return true;
}

static enum status note_key(struct json_scan *scan, struct json_members *members,
                            const struct json_text *key, int *ret_index)
{
    int index = find_name(members, key);
    if (index == JSON_UNKNOWN) {
        *ret_index = index;
        return keep_key(scan, key);
    }
    if (members->seen & 1u << index) {
        return err_set(scan->err, ERR_JSON_DUPLICATE_KEY,
                       "member '%s' is given twice at byte %zu",
                       members->names[index].text, (size_t)(key->raw - scan->start));
    }
    members->seen |= 1u << index;
    *ret_index = index;
    return OK;
}

/* Reads `"key" :`. */
static enum status read_key(struct json_scan *scan, struct json_text *ret_key)
{
    if (json_scan_peek(scan) != '"') {
        return unexpected(scan, "a member's name");
    }
    enum status status = json_scan_string(scan, ret_key);
    if (status != OK) {
        return status;
    }
    if (json_scan_peek(scan) != ':') {
        return unexpected(scan, "':'");
    }
    scan->at++;
    return OK;
}

enum status json_scan_member(struct json_scan *scan, struct json_members *members,
                             int *ret_index)
{
    char c = json_scan_peek(scan);
    if (c == '}') {
        enum status status = check_keys(scan, members->keys_from);
        if (status == OK) {
            leave(scan);
            *ret_index = JSON_END;
        }
        return status;
    }
    if (members->started) {
        if (c != ',') {
            return unexpected(scan, "',' or '}'");
        }
        scan->at++;
    }
    members->started = true;
    int expected = members->guess;
    if (take_expected(scan, members)) {
        *ret_index = expected;
        return OK;
    }
    struct json_text key;
    enum status status = read_key(scan, &key);
    return status == OK ? note_key(scan, members, &key, ret_index) : status;
}

enum status json_scan_enter_list(struct json_scan *scan)
{
    return enter(scan);
}

enum status json_scan_item(struct json_scan *scan, bool first, bool *ret_more)
{
    char c = json_scan_peek(scan);
    *ret_more = c != ']';
    if (c == ']') {
        leave(scan);
        return OK;
    }
    if (!first) {
        if (c != ',') {
            return unexpected(scan, "',' or ']'");
        }
        scan->at++;
    }
    return OK;
}

enum status json_scan_string(struct json_scan *scan, struct json_text *ret_text)
{
    const char *stop = NULL;
    const char *what = json_text_check(scan->at + 1, scan->end, ret_text, &stop);
    scan->at = stop;
    return what ? json_scan_fail(scan, ERR_JSON_SYNTAX, what) : OK;
}

enum status json_scan_literal(struct json_scan *scan, const char *literal)
{
    size_t len = strlen(literal);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, literal, len) != 0) {
        return unexpected(scan, "a value");
    }
    scan->at += len;
    return OK;
}

static enum status skip_object(struct json_scan *scan)
{
    struct json_members members;
    enum status status = json_scan_enter_object(scan, NULL, 0, &members);
    int index = JSON_UNKNOWN;
    while (status == OK) {
        status = json_scan_member(scan, &members, &index);
        if (status != OK || index == JSON_END) {
            return status;
        }
        status = json_scan_skip(scan);
    }
    return status;
}

static enum status skip_list(struct json_scan *scan)
{
    enum status status = json_scan_enter_list(scan);
    bool first = true;
    while (status == OK) {
        bool more = false;
        status = json_scan_item(scan, first, &more);
        if (status != OK || !more) {
            return status;
        }
        first = false;
        status = json_scan_skip(scan);
    }
    return status;
}

enum status json_scan_skip(struct json_scan *scan)
{
    struct json_number number;
    struct json_text text;
    char c = json_scan_peek(scan);
    switch (c) {
    case '{':
        return skip_object(scan);
    case '[':
        return skip_list(scan);
    case '"':
        return json_scan_string(scan, &text);
    case 't':
        return json_scan_literal(scan, "true");
    case 'f':
        return json_scan_literal(scan, "false");
    case 'n':
        return json_scan_literal(scan, "null");
    default:
        if (c != '-' && (c < '0' || c > '9')) {
            return unexpected(scan, "a value");
        }
        return json_scan_number(scan, &number);
    }
}

enum status json_scan_finish(struct json_scan *scan)
{
    (void)json_scan_peek(scan);
    return scan->at == scan->end ? OK : unexpected(scan, "the end");
}

enum status json_scan_validate(const char *body, size_t len, struct err *err)
{
    JSON_SCAN_AUTO scan;
    json_scan_init(&scan, body, len, err);
    enum status status = json_scan_skip(&scan);
    return status == OK ? json_scan_finish(&scan) : status;
}
