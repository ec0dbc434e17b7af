/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hex.h"
#include "format/report_decoder.h"

enum { ARTIFACT_HEX_BYTES = 65 };

static const int64_t COUNT_MAX = (int64_t)1 << 53;

enum member {
    MEMBER_STREAM,
    MEMBER_SEQ,
    MEMBER_SENT_MS,
    MEMBER_MODEL,
    MEMBER_ARTIFACT,
    MEMBER_PREDICTIONS,
    MEMBER_DROPPED,
    MEMBER_BELOW_FLOOR,
    MEMBER_HEALTH,
    MEMBER_SUMMARY,
    MEMBER_DERIVED,
    MEMBER_COUNT,
};

enum { REQUIRED_MEMBERS = MEMBER_PREDICTIONS + 1 };

static const struct json_name member_names[MEMBER_COUNT] = {
    [MEMBER_STREAM] = JSON_NAME("stream"),
    [MEMBER_SEQ] = JSON_NAME("seq"),
    [MEMBER_SENT_MS] = JSON_NAME("sent_ms"),
    [MEMBER_MODEL] = JSON_NAME("model"),
    [MEMBER_ARTIFACT] = JSON_NAME("artifact"),
    [MEMBER_PREDICTIONS] = JSON_NAME("predictions"),
    [MEMBER_DROPPED] = JSON_NAME("dropped"),
    [MEMBER_BELOW_FLOOR] = JSON_NAME("below_floor"),
    [MEMBER_HEALTH] = JSON_NAME("health"),
    [MEMBER_SUMMARY] = JSON_NAME("summary"),
    [MEMBER_DERIVED] = JSON_NAME("derived"),
};

/* In the order of enum health_bit: name i has bit 1 << i. */
static const struct json_name health_names[] = {
    JSON_NAME("cpu_pct"),  JSON_NAME("rss_bytes"), JSON_NAME("temp_c"),
    JSON_NAME("power_mw"), JSON_NAME("queued"),    JSON_NAME("rejected"),
    JSON_NAME("inferred"), JSON_NAME("state"),     JSON_NAME("clock_doubt_ms"),
};

enum { HEALTH_COUNT = sizeof health_names / sizeof health_names[0] };

static enum status read_model(struct decoder *d)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.-";
    char *model = d->report.model;
    enum status status = decoder_text(d, "model", 1, model, sizeof d->report.model);
    if (status == OK && model[strspn(model, allowed)] != '\0') {
        return err_set(d->scan.err, ERR_JSON_RANGE,
                       "model may have letters, digits, '_', '.' and '-' only");
    }
    return status;
}

static enum status read_digest(struct decoder *d, const char *name,
                               uint8_t ret_digest[static 32])
{
    char hex[ARTIFACT_HEX_BYTES];
    enum status status = decoder_text(d, name, sizeof hex - 1, hex, sizeof hex);
    if (status != OK) {
        return status;
    }
    if (hex[strspn(hex, "0123456789abcdef")] != '\0' ||
        hex_decode(hex, ret_digest, 32, NULL) != OK) {
        return err_set(d->scan.err, ERR_JSON_RANGE, "%s must be 64 lower-case hex digits",
                       name);
    }
    return OK;
}

static enum status read_health_member(struct decoder *d, unsigned bit)
{
    struct health *health = &d->report.health;
    const struct json_name *name = &health_names[__builtin_ctz(bit)];
    const struct integer_rule rule = {name->text, 0, INT64_MAX};
    health->present |= bit;
    switch ((enum health_bit)bit) {
    case HEALTH_CPU_PCT:
        return decoder_double(d, name->text, &health->cpu_pct);
    case HEALTH_TEMP_C:
        return decoder_double(d, name->text, &health->temp_c);
    case HEALTH_POWER_MW:
        return decoder_double(d, name->text, &health->power_mw);
    case HEALTH_RSS_BYTES:
        return decoder_integer(d, &rule, &health->rss_bytes);
    case HEALTH_QUEUED:
        return decoder_integer(d, &rule, &health->queued);
    case HEALTH_REJECTED:
        return decoder_integer(d, &rule, &health->rejected);
    case HEALTH_INFERRED:
        return decoder_integer(d, &rule, &health->inferred);
    case HEALTH_CLOCK_DOUBT_MS:
        return decoder_integer(d, &rule, &health->clock_doubt_ms);
    case HEALTH_STATE:
        return decoder_text(d, name->text, 0, health->state, sizeof health->state);
    }
    return err_set(d->scan.err, ERR_INTERNAL, "no such member");
}

static enum status read_health(struct decoder *d)
{
    if (json_scan_peek(&d->scan) != '{') {
        return json_scan_wrong_type(&d->scan, "health", "an object");
    }
    struct json_members members;
    enum status status =
        json_scan_enter_object(&d->scan, health_names, HEALTH_COUNT, &members);
    while (status == OK) {
        int index = 0;
        status = json_scan_member(&d->scan, &members, &index);
        if (status != OK || index == JSON_END) {
            return status;
        }
        status = index == JSON_UNKNOWN ? json_scan_skip(&d->scan)
                                       : read_health_member(d, 1u << index);
        if (status != OK && index != JSON_UNKNOWN) {
            err_set_pointer(d->scan.err, "/health/%s", health_names[index].text);
        }
    }
    return status;
}

static enum status read_member(struct decoder *d, enum member member)
{
    static const struct integer_rule stream = {"stream", 1, COUNT_MAX};
    static const struct integer_rule seq = {"seq", 1, COUNT_MAX};
    static const struct integer_rule sent_ms = {"sent_ms", INT64_MIN, INT64_MAX};
    static const struct integer_rule dropped = {"dropped", 0, COUNT_MAX};
    struct report *report = &d->report;
    switch (member) {
    case MEMBER_STREAM:
        return decoder_integer(d, &stream, &report->stream);
    case MEMBER_SEQ:
        return decoder_integer(d, &seq, &report->seq);
    case MEMBER_SENT_MS:
        return decoder_integer(d, &sent_ms, &report->sent_ms);
    case MEMBER_DROPPED:
        return decoder_integer(d, &dropped, &report->dropped);
    case MEMBER_MODEL:
        return read_model(d);
    case MEMBER_ARTIFACT:
        return read_digest(d, "artifact", report->artifact);
    case MEMBER_BELOW_FLOOR:
        return decoder_boolean(d, "below_floor", &report->below_floor);
    case MEMBER_PREDICTIONS:
        return decoder_predictions(d);
    case MEMBER_HEALTH:
        return read_health(d);
    case MEMBER_SUMMARY:
        return decoder_summary(d);
    case MEMBER_DERIVED:
        report->has_derived = true;
        return read_digest(d, "derived", report->derived);
    case MEMBER_COUNT:
        break;
    }
    return err_set(d->scan.err, ERR_INTERNAL, "no such member");
}

static enum status check_members(struct decoder *d, uint32_t seen)
{
    for (int i = 0; i < REQUIRED_MEMBERS; i++) {
        bool summarised = i == MEMBER_PREDICTIONS && seen & 1u << MEMBER_SUMMARY;
        if (!(seen & 1u << i) && !summarised) {
            enum status status = err_set(d->scan.err, ERR_JSON_MISSING, "%s is missing",
                                         member_names[i].text);
            err_set_pointer(d->scan.err, "/%s", member_names[i].text);
            return status;
        }
    }
    enum status status = decoder_check_samples(d);
    return status == OK ? json_scan_finish(&d->scan) : status;
}

static enum status read_report(struct decoder *d)
{
    if (json_scan_peek(&d->scan) != '{') {
        return json_scan_wrong_type(&d->scan, "a report", "an object");
    }
    struct json_members members;
    enum status status =
        json_scan_enter_object(&d->scan, member_names, MEMBER_COUNT, &members);
    while (status == OK) {
        int member = 0;
        status = json_scan_member(&d->scan, &members, &member);
        if (status != OK) {
            return status;
        }
        if (member == JSON_END) {
            return check_members(d, members.seen);
        }
        status = member == JSON_UNKNOWN ? json_scan_skip(&d->scan)
                                        : read_member(d, (enum member)member);
        if (status != OK && member != JSON_UNKNOWN) {
            err_set_pointer(d->scan.err, "/%s", member_names[member].text);
        }
    }
    return status;
}

static void take_columns(struct decoder *d, struct report *ret_report)
{
    bool value = (d->present & 1u << COLUMN_VALUE) != 0;
    bool sample = (d->present & 1u << COLUMN_SAMPLE) != 0;
    *ret_report = d->report;
    ret_report->at_ms = d->columns[COLUMN_AT_MS];
    ret_report->class_index = d->columns[COLUMN_CLASS];
    ret_report->confidence = d->columns[COLUMN_CONFIDENCE];
    ret_report->latency_us = d->columns[COLUMN_LATENCY_US];
    ret_report->value = value ? d->columns[COLUMN_VALUE] : NULL;
    ret_report->sample = sample ? d->columns[COLUMN_SAMPLE] : NULL;
    ret_report->has_sample = sample ? d->columns[COLUMN_HAS_SAMPLE] : NULL;
}

enum status report_decode(const char *body, size_t len, struct arena *arena,
                          struct report *ret_report, struct err *err)
{
    struct err found = {0};
    if (len > REPORT_BYTES_MAX) {
        return err_set(err, ERR_CONTENT_TOO_LARGE, "a report of %zu bytes", len);
    }
    struct decoder decoder = {.arena = arena};
    json_scan_init(&decoder.scan, body, len, &found);
    enum status status = read_report(&decoder);
    json_scan_release(&decoder.scan);
    if (status == OK) {
        take_columns(&decoder, ret_report);
        ret_report->body_hash = report_body_hash(body, len);
        return OK;
    }
    /* What a body means is judged only if it is JSON to its end. */
    struct err syntax = {0};
    if (status_http(status) != 400 && json_scan_validate(body, len, &syntax) != OK) {
        found = syntax;
    }
    if (found.status == ERR_JSON_SYNTAX) {
        found.pointer[0] = '\0'; /* no member is to blame for broken JSON */
    }
    if (err && err->status == OK) {
        *err = found;
    }
    return found.status;
}
