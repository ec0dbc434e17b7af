/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/api/analytics.h"
#include "server/api/answer.h"
#include "server/api/csv.h"
#include "server/api/handlers.h"
#include "server/service/timeline.h"

static const double MINUTE_MS = 60000;

enum { WIDTH_DEFAULT = 800 };

static const char *const METRICS[] = {[TIMELINE_VOLUME] = "volume",
                                      [TIMELINE_CLASSES] = "classes",
                                      [TIMELINE_LATENCY] = "latency"};

static const char *const PERCENTILES[TIMELINE_PERCENTILES] = {"p50_us", "p90_us",
                                                              "p99_us", "max_us"};

/* Predictions a minute of step `i`, which is not empty. */
static double least_of(const struct timeline *timeline, size_t i)
{
    return (double)timeline->least[i] * MINUTE_MS / (double)timeline->bucket_ms;
}

static double most_of(const struct timeline *timeline, size_t i)
{
    return (double)timeline->most[i] * MINUTE_MS / (double)timeline->bucket_ms;
}

static double mean_of(const struct timeline *timeline, size_t i)
{
    return (double)timeline->n[i] * MINUTE_MS / (double)timeline->step_ms;
}

typedef double rate_function(const struct timeline *timeline, size_t i);

static void add_rates(struct buf *json, const char *name, const struct timeline *timeline,
                      rate_function *rate)
{
    answer_raw(json, name, "[");
    for (size_t i = 0; i < timeline->steps; i++) {
        buf_addstr(json, i > 0 ? "," : "");
        if (timeline->n[i] > 0) {
            buf_addf(json, "%.10g", rate(timeline, i));
        } else {
            buf_addstr(json, "null");
        }
    }
    buf_addc(json, ']');
}

static void write_classes(const struct timeline *timeline, struct buf *json)
{
    answer_raw(json, "classes", "[");
    for (size_t i = 0; i < timeline->classes.count; i++) {
        const struct class_count *item = timeline->classes.classes[i];
        buf_addstr(json, i > 0 ? ",{" : "{");
        answer_integer(json, "class", item->class_index);
        if (item->name) {
            answer_text(json, "name", item->name);
        } else {
            answer_raw(json, "name", "null");
        }
        answer_integer(json, "total", item->total);
        analytics_add_counts(json, "n", item->n, timeline->steps);
        buf_addc(json, '}');
    }
    buf_addc(json, ']');
}

static void write_percentiles(const struct timeline *timeline, struct buf *json)
{
    for (int which = 0; which < TIMELINE_PERCENTILES; which++) {
        answer_raw(json, PERCENTILES[which], "[");
        for (size_t i = 0; i < timeline->steps; i++) {
            buf_addstr(json, i > 0 ? "," : "");
            if (timeline->n[i] > 0) {
                buf_addi(json, timeline->percentiles_us[i][which]);
            } else {
                buf_addstr(json, "null");
            }
        }
        buf_addc(json, ']');
    }
}

static enum status answer_json(struct request *request, struct response *response,
                               enum timeline_metric metric,
                               const struct timeline *timeline)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    buf_addc(&json, '{');
    answer_text(&json, "metric", METRICS[metric]);
    answer_integer(&json, "t0", timeline->from_ms);
    answer_integer(&json, "to_ms", timeline->to_ms);
    answer_integer(&json, "step_ms", timeline->step_ms);
    answer_integer(&json, "bucket_ms", timeline->bucket_ms);
    answer_integer(&json, "complete_from_ms", timeline->complete_from_ms);
    answer_integer(&json, "total", timeline->total);
    analytics_add_counts(&json, "n", timeline->n, timeline->steps);
    switch (metric) {
    case TIMELINE_VOLUME:
        add_rates(&json, "min", timeline, least_of);
        add_rates(&json, "max", timeline, most_of);
        add_rates(&json, "mean", timeline, mean_of);
        break;
    case TIMELINE_CLASSES:
        write_classes(timeline, &json);
        break;
    case TIMELINE_LATENCY:
        write_percentiles(timeline, &json);
        break;
    }
    buf_addc(&json, '}');
    response_header(response, "Vary", "Accept");
    return answer_send(request, response, 200, &json);
}

static int64_t time_of(const struct timeline *timeline, size_t i)
{
    return timeline->from_ms + (int64_t)i * timeline->step_ms;
}

static void volume_rows(const struct timeline *timeline, struct csv *csv)
{
    static rate_function *const rates[] = {least_of, most_of, mean_of};
    for (size_t i = 0; i < timeline->steps; i++) {
        csv_integer(csv, time_of(timeline, i));
        csv_integer(csv, timeline->n[i]);
        for (size_t k = 0; k < sizeof rates / sizeof rates[0]; k++) {
            if (timeline->n[i] > 0) {
                csv_real(csv, rates[k](timeline, i));
            } else {
                csv_null(csv);
            }
        }
        csv_end(csv);
    }
}

static void classes_rows(const struct timeline *timeline, struct csv *csv)
{
    size_t classes = timeline->classes.count;
    for (size_t i = 0; i < timeline->steps * classes; i++) {
        const struct class_count *item = timeline->classes.classes[i % classes];
        csv_integer(csv, time_of(timeline, i / classes));
        csv_integer(csv, item->class_index);
        csv_text(csv, item->name);
        csv_integer(csv, item->n[i / classes]);
        csv_end(csv);
    }
}

static void latency_rows(const struct timeline *timeline, struct csv *csv)
{
    for (size_t i = 0; i < timeline->steps; i++) {
        csv_integer(csv, time_of(timeline, i));
        csv_integer(csv, timeline->n[i]);
        for (int which = 0; which < TIMELINE_PERCENTILES; which++) {
            if (timeline->n[i] > 0) {
                csv_integer(csv, timeline->percentiles_us[i][which]);
            } else {
                csv_null(csv);
            }
        }
        csv_end(csv);
    }
}

static enum status answer_csv(struct request *request, struct response *response,
                              enum timeline_metric metric,
                              const struct timeline *timeline)
{
    struct csv csv = {.text = BUF_INIT(ANSWER_BYTES_MAX)};
    switch (metric) {
    case TIMELINE_VOLUME:
        buf_addstr(&csv.text, "time_ms,n,min,max,mean\r\n");
        volume_rows(timeline, &csv);
        break;
    case TIMELINE_CLASSES:
        buf_addstr(&csv.text, "time_ms,class,name,n\r\n");
        classes_rows(timeline, &csv);
        break;
    case TIMELINE_LATENCY:
        buf_addstr(&csv.text, "time_ms,n,p50_us,p90_us,p99_us,max_us\r\n");
        latency_rows(timeline, &csv);
        break;
    }
    enum status status = csv_send(request, response, &csv, METRICS[metric]);
    buf_release(&csv.text);
    return status;
}

static enum status read_metric(struct request *request, enum timeline_metric *ret_metric)
{
    const char *name = request_query(request, "metric");
    for (int i = 0; i <= TIMELINE_LATENCY; i++) {
        if (strcmp(name ? name : "volume", METRICS[i]) == 0) {
            *ret_metric = (enum timeline_metric)i;
            return OK;
        }
    }
    enum status status = err_set(&request->err, ERR_INVALID_ARGUMENT,
                                 "metric must be volume, classes or latency");
    err_set_pointer(&request->err, "?metric");
    return status;
}

static enum status read_query(struct request *request, struct timeline_query *query)
{
    enum status status = read_metric(request, &query->metric);
    if (status == OK) {
        status = analytics_query_read(request, 60, &query->query);
    }
    if (status == OK) {
        status = request_query_int(request, "width", TIMELINE_WIDTH_MIN,
                                   TIMELINE_WIDTH_MAX, WIDTH_DEFAULT, &query->width);
    }
    if (status == OK) {
        status = request_query_int(request, "node", 1, INT64_MAX, 0, &query->node_id);
    }
    return status;
}

enum status api_series(struct request *request, struct response *response)
{
    struct timeline_query query = {0};
    struct timeline timeline;
    bool wanted = false;
    enum status status = csv_wanted(request, &wanted);
    if (status == OK) {
        status = read_query(request, &query);
    }
    if (status == OK) {
        status = timeline_read(request->scope, &query, &request->arena, &timeline,
                               &request->err);
    }
    if (status != OK) {
        return status;
    }
    return wanted ? answer_csv(request, response, query.metric, &timeline)
                  : answer_json(request, response, query.metric, &timeline);
}
