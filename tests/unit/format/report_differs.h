/* SPDX-License-Identifier: Apache-2.0 */
/* report_differs: holds every value of an accepted report against jansson's tree of the
 * same body: the columns against report_oracle.h's, the members around them against the
 * tree itself. */
#ifndef MUSTER_TESTS_UNIT_FORMAT_REPORT_DIFFERS_H
#define MUSTER_TESTS_UNIT_FORMAT_REPORT_DIFFERS_H

#include "base/hex.h"
#include "tests/unit/format/report_oracle.h"
#include "tests/unit/format/summary_difference.h"

static bool same_real(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

static bool same_row(const struct report *report, const struct oracle_rows *rows,
                     size_t i)
{
    bool has_sample = rows->sample_column && rows->has_sample[i];
    return report->at_ms[i] == rows->at_ms[i] &&
           report->class_index[i] == rows->class_index[i] &&
           report->confidence[i] == rows->confidence[i] &&
           report->latency_us[i] == rows->latency_us[i] &&
           (!report->value || same_real(report->value[i], rows->value[i])) &&
           report_has_sample(report, i) == has_sample &&
           (!has_sample || report->sample[i] == rows->sample[i]);
}

static bool same_integer(const json_t *object, const char *name, int64_t value)
{
    return json_integer_value(json_object_get(object, name)) == value; /* 0: absent */
}

static bool same_text(const json_t *object, const char *name, const char *text)
{
    const char *wanted = json_string_value(json_object_get(object, name));
    return strcmp(wanted ? wanted : "", text) == 0;
}

static bool same_health(const json_t *json, const struct health *health)
{
    static const char *const names[] = {"cpu_pct",  "rss_bytes", "temp_c",
                                        "power_mw", "queued",    "rejected",
                                        "inferred", "state",     "clock_doubt_ms"};
    unsigned present = 0;
    for (unsigned i = 0; i < 9; i++) {
        present |= json_object_get(json, names[i]) ? 1u << i : 0;
    }
    return present == health->present &&
           json_number_value(json_object_get(json, "cpu_pct")) == health->cpu_pct &&
           json_number_value(json_object_get(json, "temp_c")) == health->temp_c &&
           json_number_value(json_object_get(json, "power_mw")) == health->power_mw &&
           same_integer(json, "rss_bytes", health->rss_bytes) &&
           same_integer(json, "queued", health->queued) &&
           same_integer(json, "rejected", health->rejected) &&
           same_integer(json, "inferred", health->inferred) &&
           same_integer(json, "clock_doubt_ms", health->clock_doubt_ms) &&
           same_text(json, "state", health->state);
}

static const char *head_differs(const json_t *body, const struct report *report)
{
    char artifact[2 * sizeof report->artifact + 1];
    hex_encode(report->artifact, sizeof report->artifact, artifact);
    bool floor = json_is_true(json_object_get(body, "below_floor"));
    const json_t *built = json_object_get(body, "derived");
    char derived[2 * sizeof report->derived + 1];
    hex_encode(report->derived, sizeof report->derived, derived);
    return !same_integer(body, "stream", report->stream)     ? "stream"
           : !same_integer(body, "seq", report->seq)         ? "seq"
           : !same_integer(body, "sent_ms", report->sent_ms) ? "sent_ms"
           : !same_integer(body, "dropped", report->dropped) ? "dropped"
           : !same_text(body, "model", report->model)        ? "model"
           : !same_text(body, "artifact", artifact)          ? "artifact"
           : floor != report->below_floor                    ? "below_floor"
           : (built != NULL) != report->has_derived          ? "whether derived"
           : built && !same_text(body, "derived", derived)   ? "derived"
           : !same_health(json_object_get(body, "health"), &report->health) ? "health"
                                                                            : NULL;
}

/* What differs between an accepted body and the report that came out; NULL: nothing. */
static const char *report_differs(const char *body, size_t len,
                                  const struct report *report,
                                  const struct oracle_rows *rows)
{
    json_t *json = json_loadb(body, len, 0, NULL);
    const char *differs = head_differs(json, report);
    json_decref(json);
    if (differs) {
        return differs;
    }
    if (report->rows != rows->rows || (report->value != NULL) != rows->value_column ||
        (report->sample != NULL) != rows->sample_column) {
        return "number of rows or columns";
    }
    for (size_t i = 0; i < rows->rows; i++) {
        if (!same_row(report, rows, i)) {
            return "row";
        }
    }
    return report->body_hash == report_body_hash(body, len)
               ? summary_differs(report->summary, &rows->summary)
               : "hash";
}

#endif
