/* SPDX-License-Identifier: Apache-2.0 */
#include "format/report_decoder.h"

enum { SHOWN_BYTES = 40 };

/* How much of a number is quoted in a message. */
static int shown(size_t len)
{
    return len < SHOWN_BYTES ? (int)len : SHOWN_BYTES;
}

static enum status out_of_range(struct decoder *d, const struct json_number *number,
                                const struct integer_rule *rule)
{
    return err_set(d->scan.err, ERR_JSON_RANGE,
                   "%s must be between %lld and %lld, found %.*s", rule->name,
                   (long long)rule->min, (long long)rule->max, shown(number->len),
                   number->text);
}

static bool at_number(struct decoder *d)
{
    char c = json_scan_peek(&d->scan);
    return c == '-' || (c >= '0' && c <= '9');
}

enum status decoder_integer(struct decoder *d, const struct integer_rule *rule,
                            int64_t *ret_value)
{
    struct json_number number;
    if (!at_number(d)) {
        return json_scan_wrong_type(&d->scan, rule->name, "an integer");
    }
    enum status status = json_scan_number(&d->scan, &number);
    if (status != OK) {
        return status;
    }
    if (!number.integer) {
        return err_set(d->scan.err, ERR_JSON_TYPE, "%s must be an integer, found %.*s",
                       rule->name, shown(number.len), number.text);
    }
    uint64_t limit = (uint64_t)INT64_MAX + number.negative;
    if (!number.exact || number.digits > limit) {
        return out_of_range(d, &number, rule);
    }
    int64_t value = (int64_t)(number.negative ? 0 - number.digits : number.digits);
    if (value < rule->min || value > rule->max) {
        return out_of_range(d, &number, rule);
    }
    *ret_value = value;
    return OK;
}

enum status decoder_double(struct decoder *d, const char *name, double *ret_value)
{
    struct json_number number;
    if (!at_number(d)) {
        return json_scan_wrong_type(&d->scan, name, "a number");
    }
    enum status status = json_scan_number(&d->scan, &number);
    return status == OK ? json_scan_double(&d->scan, &number, ret_value) : status;
}

enum status decoder_boolean(struct decoder *d, const char *name, bool *ret_value)
{
    char c = json_scan_peek(&d->scan);
    if (c != 't' && c != 'f') {
        return json_scan_wrong_type(&d->scan, name, "a boolean");
    }
    *ret_value = c == 't';
    return json_scan_literal(&d->scan, c == 't' ? "true" : "false");
}

/* A string of `min` to room - 1 bytes. */
enum status decoder_text(struct decoder *d, const char *name, size_t min, char *ret,
                         size_t room)
{
    struct json_text text;
    if (json_scan_peek(&d->scan) != '"') {
        return json_scan_wrong_type(&d->scan, name, "a string");
    }
    enum status status = json_scan_string(&d->scan, &text);
    if (status != OK) {
        return status;
    }
    size_t len = json_text_decode(&text, ret, room);
    if (len < min || len >= room) {
        return err_set(d->scan.err, ERR_JSON_LENGTH, "%s must have %zu to %zu bytes",
                       name, min, room - 1);
    }
    return OK;
}

enum status decoder_null(struct decoder *d, bool *ret_null)
{
    *ret_null = json_scan_peek(&d->scan) == 'n';
    return *ret_null ? json_scan_literal(&d->scan, "null") : OK;
}

enum status decoder_confidence(struct decoder *d, uint16_t *ret_confidence)
{
    double value = 0.0;
    json_scan_peek(&d->scan);
    const char *from = d->scan.at;
    enum status status = decoder_double(d, "confidence", &value);
    if (status != OK) {
        return status;
    }
    if (value < 0.0 || value > 1.0) {
        size_t len = (size_t)(d->scan.at - from);
        return err_set(d->scan.err, ERR_JSON_RANGE,
                       "confidence must be between 0 and 1, found %.*s", shown(len),
                       from);
    }
    *ret_confidence = report_confidence(value);
    return OK;
}
