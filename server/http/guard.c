/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/guard.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS_MAX = 15 };

static const char *const methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                      "PATCH", "DELETE", "OPTIONS"};

static bool is_letter(char c)
{
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* tchar of RFC 9110. */
static bool is_token_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '-' || (c && strchr("!#$%&'*+.^_`|~", c));
}

/* A control character but a tab, eight bytes at a time: every request comes through here.
 */
static bool has_control(const char *text, size_t len)
{
    const uint64_t ones = UINT64_MAX / 255;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = ones * ' ';
        if (len - i >= sizeof word) {
            memcpy(&word, text + i, sizeof word);
        } else {
            memcpy(&word, text + i, len - i);
        }
        uint64_t del = word ^ ones * 0x7f;
        uint64_t low = ((word - ones * ' ') & ~word) | ((del - ones) & ~del);
        if ((low & ones * 0x80) == 0) {
            continue;
        }
        for (size_t k = i; k < len && k < i + 8; k++) {
            if (((unsigned char)text[k] < ' ' && text[k] != '\t') || text[k] == 0x7f) {
                return true;
            }
        }
    }
    return false;
}

/* Most names differ in length or first letter. */
static bool is_named(const struct head_field *field, const char *name, size_t len)
{
    return field->name_len == len && (field->name[0] | 0x20) == (name[0] | 0x20) &&
           strncasecmp(field->name, name, len) == 0;
}

const char *guard_method(const char *text)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(text, methods[i]) == 0) {
            return methods[i];
        }
    }
    return NULL;
}

const char *guard_field(const struct head *head, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < head->field_count; i++) {
        if (is_named(&head->fields[i], name, len)) {
            return head->fields[i].value;
        }
    }
    return NULL;
}

static size_t count_fields(const struct head *head, const char *name)
{
    size_t count = 0;
    size_t len = strlen(name);
    for (size_t i = 0; i < head->field_count; i++) {
        count += is_named(&head->fields[i], name, len);
    }
    return count;
}

static enum status check_method(const char *method, struct err *err)
{
    for (const char *p = method; *p; p++) {
        if (!is_letter(*p)) {
            return err_set(err, ERR_HTTP_FRAMING, "the method is not a word of letters");
        }
    }
    if (!guard_method(method)) {
        return err_set(err, ERR_HTTP_NOT_IMPLEMENTED, "unknown method '%.16s'", method);
    }
    return OK;
}

static enum status check_field(const struct head_field *field, struct err *err)
{
    size_t name_len = strlen(field->name);
    bool is_token = name_len > 0 && name_len == field->name_len;
    for (size_t i = 0; i < name_len && is_token; i++) {
        is_token = is_token_char(field->name[i]);
    }
    if (!is_token) {
        return err_set(err, ERR_HTTP_FRAMING,
                       "a header name is empty or has a character that is not allowed");
    }
    if (strlen(field->value) != field->value_len) {
        return err_set(err, ERR_HTTP_FRAMING, "a header value has a NUL");
    }
    return has_control(field->value, field->value_len)
               ? err_set(err, ERR_HTTP_FRAMING, "a header value has a control character")
               : OK;
}

static enum status check_fields(const struct head *head,
                                const struct guard_limits *limits, struct err *err)
{
    if (head->bytes > limits->head_bytes || head->field_count > limits->max_fields) {
        return err_set(err, ERR_HTTP_HEADERS_TOO_LARGE,
                       "at most %zu bytes and %zu fields are accepted",
                       limits->head_bytes, limits->max_fields);
    }
    for (size_t i = 0; i < head->field_count; i++) {
        enum status status = check_field(&head->fields[i], err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

static enum status check_host(const struct head *head, bool is_http_11, struct err *err)
{
    size_t count = count_fields(head, "Host");
    if (count > 1 || (count == 0 && is_http_11)) {
        return err_set(err, ERR_HTTP_FRAMING, "a request needs exactly one Host");
    }
    const char *host = count ? guard_field(head, "Host") : "";
    for (const char *p = host; *p; p++) {
        if (!is_letter(*p) && !is_digit(*p) && !strchr(".:-_[]%~", *p)) {
            return err_set(err, ERR_HTTP_FRAMING, "malformed Host");
        }
    }
    return OK;
}

static enum status check_transfer_encoding(const struct head *head, bool is_http_11,
                                           struct framing *framing, struct err *err)
{
    size_t count = count_fields(head, "Transfer-Encoding");
    if (count == 0) {
        return OK;
    }
    if (count > 1 || count_fields(head, "Content-Length") > 0) {
        return err_set(err, ERR_HTTP_FRAMING,
                       "Transfer-Encoding twice or together with Content-Length");
    }
    if (!is_http_11) {
        return err_set(err, ERR_HTTP_FRAMING, "Transfer-Encoding needs HTTP/1.1");
    }
    if (strcasecmp(guard_field(head, "Transfer-Encoding"), "chunked") != 0) {
        return err_set(err, ERR_HTTP_NOT_IMPLEMENTED,
                       "only the transfer coding 'chunked' is understood");
    }
    framing->chunked = true;
    return OK;
}

static enum status check_content_length(const struct head *head, struct framing *framing,
                                        struct err *err)
{
    size_t count = count_fields(head, "Content-Length");
    if (count == 0) {
        return OK;
    }
    const char *text = guard_field(head, "Content-Length");
    size_t len = strlen(text);
    bool is_good = count == 1 && len >= 1 && len <= LENGTH_DIGITS_MAX;
    uint64_t value = 0;
    for (size_t i = 0; i < len && is_good; i++) {
        is_good = is_digit(text[i]);
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (!is_good) {
        return err_set(err, ERR_HTTP_FRAMING,
                       "Content-Length must be given once, as 1 to %d digits",
                       LENGTH_DIGITS_MAX);
    }
    framing->has_length = true;
    framing->length = value;
    return OK;
}

static enum status check_expect(const struct head *head, struct framing *framing,
                                struct err *err)
{
    const char *expect = guard_field(head, "Expect");
    if (!expect) {
        return OK;
    }
    if (count_fields(head, "Expect") > 1 || strcasecmp(expect, "100-continue") != 0) {
        return err_set(err, ERR_HTTP_EXPECTATION, "cannot meet the expectation '%.32s'",
                       expect);
    }
    framing->expects_continue = true;
    return OK;
}

enum status guard_check(const struct head *head, const struct guard_limits *limits,
                        struct framing *ret_framing, struct err *err)
{
    struct framing framing = {0};
    bool is_http_11 = strcmp(head->version, "HTTP/1.1") == 0;
    if (!is_http_11 && strcmp(head->version, "HTTP/1.0") != 0) {
        return err_set(err, ERR_HTTP_FRAMING, "only HTTP/1.1 and HTTP/1.0 are spoken");
    }
    enum status status = check_fields(head, limits, err);
    if (status == OK) {
        status = check_method(head->method, err);
    }
    if (status == OK) {
        status = check_host(head, is_http_11, err);
    }
    if (status == OK) {
        status = check_transfer_encoding(head, is_http_11, &framing, err);
    }
    if (status == OK) {
        status = check_content_length(head, &framing, err);
    }
    if (status == OK) {
        status = check_expect(head, &framing, err);
    }
    if (status == OK) {
        *ret_framing = framing;
    }
    return status;
}
