/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/analytics.h"

#include <string.h>

#include "base/clock.h"
#include "server/api/answer.h"
#include "server/api/csv.h"
#include "server/api/handlers.h"
#include "server/service/artifacts.h"
#include "server/service/nodes.h"

static const int64_t HOUR_MS = 3600000;
static const int64_t LATEST_MS = INT64_C(253402300799000); /* the end of year 9999 */
static const int64_t STEP_MAX_S = INT64_C(366) * 86400;

enum { SHARE_OF_ONE = 10000, HEX_DIGITS = 64 };

typedef enum status analytics_function(struct db *db, const struct analytics_query *query,
                                       struct arena *arena,
                                       struct analytics_result *ret_result,
                                       struct err *err);
typedef void group_writer(const struct analytics_result *result,
                          const struct analytics_group *group, struct buf *body);
/* The rows of a group; by version each begins with the names of the group. */
typedef void group_rows(const struct analytics_result *result,
                        const struct analytics_group *group, bool by_version,
                        struct csv *csv);

/* One of the endpoints: how it asks, and what it makes of a group. */
struct endpoint {
    const char *name;
    int64_t step_s; /* unless the query has one */
    analytics_function *ask;
    group_writer *write;
    const char *columns; /* of CSV, behind those of the group */
    group_rows *rows;
};

static enum status read_artifact(struct request *request, const char **ret_artifact)
{
    const char *text = request_query(request, "artifact");
    if (text &&
        (strlen(text) != HEX_DIGITS || strspn(text, "0123456789abcdef") != HEX_DIGITS)) {
        enum status status = err_set(&request->err, ERR_INVALID_ARGUMENT,
                                     "artifact must be 64 lower-case hex digits");
        err_set_pointer(&request->err, "?artifact");
        return status;
    }
    *ret_artifact = text;
    return OK;
}

static enum status read_group(struct request *request, bool *ret_by_version)
{
    const char *text = request_query(request, "group");
    if (text && strcmp(text, "version") != 0) {
        enum status status =
            err_set(&request->err, ERR_INVALID_ARGUMENT, "group can only be 'version'");
        err_set_pointer(&request->err, "?group");
        return status;
    }
    *ret_by_version = text != NULL;
    return OK;
}

static enum status read_labels(struct request *request, struct analytics_query *query)
{
    static const char prefix[] = "label.";
    const char *name = NULL;
    const char *value = NULL;
    for (size_t i = 0; request_query_at(request, i, &name, &value); i++) {
        if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
            continue;
        }
        int label =
            nodes_cohort_label(services(request)->nodes, name + sizeof prefix - 1);
        if (label < 0) {
            enum status status =
                err_set(&request->err, ERR_INVALID_ARGUMENT,
                        "'%.64s' is no label of cohort_labels", name + sizeof prefix - 1);
            err_set_pointer(&request->err, "?%.64s", name);
            return status;
        }
        query->labels[label] = value;
    }
    return OK;
}

enum status analytics_query_read(struct request *request, int64_t default_step_s,
                                 struct analytics_query *ret_query)
{
    const struct service *service = services(request);
    int64_t now_ms = clock_wall_ms();
    struct analytics_query query = {
        .model = request_query(request, "model"),
        .version = request_query(request, "version"),
        .class_names = artifacts_classes,
        .artifacts = service->artifacts,
    };
    enum status status =
        request_query_int(request, "to", 1, LATEST_MS, now_ms, &query.to_ms);
    if (status == OK) {
        int64_t before_ms = query.to_ms > HOUR_MS ? query.to_ms - HOUR_MS : 0;
        status =
            request_query_int(request, "from", 0, LATEST_MS, before_ms, &query.from_ms);
    }
    if (status == OK) {
        status = request_query_int(request, "step", 60, STEP_MAX_S, default_step_s,
                                   &query.step_s);
    }
    if (status == OK) {
        status = read_artifact(request, &query.artifact);
    }
    if (status == OK) {
        status = read_labels(request, &query);
    }
    if (status == OK) {
        status = read_group(request, &query.by_version);
    }
    if (status == OK) {
        *ret_query = query;
    }
    return status;
}

void analytics_add_counts(struct buf *json, const char *name, const int64_t *n,
                          size_t count)
{
    answer_raw(json, name, "[");
    for (size_t i = 0; i < count; i++) {
        buf_addstr(json, i > 0 ? "," : "");
        buf_addi(json, n[i]);
    }
    buf_addc(json, ']');
}

static void add_text(struct buf *body, const char *name, const char *text)
{
    buf_addf(body, "\"%s\":", name);
    if (text) {
        buf_add_json(body, text);
    } else {
        buf_addstr(body, "null");
    }
}

static void write_volume(const struct analytics_result *result,
                         const struct analytics_group *group, struct buf *body)
{
    analytics_add_counts(body, "n", group->n, result->steps);
}

static void write_classes(const struct analytics_result *result,
                          const struct analytics_group *group, struct buf *body)
{
    buf_addstr(body, "\"classes\":[");
    for (size_t i = 0; i < group->classes.count; i++) {
        const struct class_count *item = group->classes.classes[i];
        buf_addf(body, "%s{\"class\":%lld,", i > 0 ? "," : "",
                 (long long)item->class_index);
        add_text(body, "name", item->name);
        buf_addf(body, ",\"total\":%lld,\"share\":%.6f", (long long)item->total,
                 (double)item->total / (double)group->total);
        analytics_add_counts(body, "n", item->n, result->steps);
        buf_addc(body, '}');
    }
    buf_addc(body, ']');
}

static void write_confidence(const struct analytics_result *result,
                             const struct analytics_group *group, struct buf *body)
{
    (void)result;
    if (group->total > 0) {
        buf_addf(body, "\"mean\":%.6f,",
                 (double)group->confidence_sum / (double)group->total / SHARE_OF_ONE);
    } else {
        buf_addstr(body, "\"mean\":null,");
    }
    buf_addstr(body, "\"edges\":[");
    for (int i = 0; i <= CONFIDENCE_BINS; i++) {
        buf_addf(body, "%s%.4g", i > 0 ? "," : "", (double)i / CONFIDENCE_BINS);
    }
    buf_addc(body, ']');
    analytics_add_counts(body, "n", group->n, CONFIDENCE_BINS);
}

static void write_latency(const struct analytics_result *result,
                          const struct analytics_group *group, struct buf *body)
{
    (void)result;
    if (group->total == 0) {
        buf_addstr(body, "\"p50_us\":null,\"p90_us\":null,\"p95_us\":null,"
                         "\"p99_us\":null,\"max_us\":null,"
                         "\"reason\":\"insufficient_data\"");
        return;
    }
    buf_addf(body,
             "\"p50_us\":%u,\"p90_us\":%u,\"p95_us\":%u,\"p99_us\":%u,\"max_us\":%u",
             group->p50_us, group->p90_us, group->p95_us, group->p99_us, group->max_us);
}

static void write_group(const struct analytics_result *result,
                        const struct analytics_group *group, group_writer *write,
                        struct buf *body)
{
    buf_addf(body, "\"total\":%lld,", (long long)group->total);
    write(result, group, body);
}

static void write_groups(const struct analytics_result *result, group_writer *write,
                         struct buf *body)
{
    buf_addstr(body, "\"groups\":[");
    for (size_t i = 0; i < result->group_count; i++) {
        const struct analytics_group *group = result->groups[i];
        buf_addstr(body, i > 0 ? ",{" : "{");
        add_text(body, "model", group->model);
        buf_addc(body, ',');
        add_text(body, "version", group->version);
        buf_addc(body, ',');
        add_text(body, "artifact", group->artifact);
        buf_addc(body, ',');
        write_group(result, group, write, body);
        buf_addc(body, '}');
    }
    buf_addc(body, ']');
}

static void add_lead(const struct analytics_group *group, bool by_version,
                     struct csv *csv)
{
    if (by_version) {
        csv_text(csv, group->model);
        csv_text(csv, group->version);
        csv_text(csv, group->artifact);
    }
}

static int64_t time_of(const struct analytics_result *result, size_t step)
{
    return result->from_ms + (int64_t)step * result->step_s * 1000;
}

static void volume_rows(const struct analytics_result *result,
                        const struct analytics_group *group, bool by_version,
                        struct csv *csv)
{
    for (size_t i = 0; i < result->steps; i++) {
        add_lead(group, by_version, csv);
        csv_integer(csv, time_of(result, i));
        csv_integer(csv, group->n[i]);
        csv_end(csv);
    }
}

static void classes_rows(const struct analytics_result *result,
                         const struct analytics_group *group, bool by_version,
                         struct csv *csv)
{
    for (size_t i = 0; i < result->steps * group->classes.count; i++) {
        size_t step = i / group->classes.count;
        const struct class_count *item = group->classes.classes[i % group->classes.count];
        add_lead(group, by_version, csv);
        csv_integer(csv, time_of(result, step));
        csv_integer(csv, item->class_index);
        csv_text(csv, item->name);
        csv_integer(csv, item->n[step]);
        csv_end(csv);
    }
}

static void confidence_rows(const struct analytics_result *result,
                            const struct analytics_group *group, bool by_version,
                            struct csv *csv)
{
    (void)result;
    for (int i = 0; i < CONFIDENCE_BINS; i++) {
        add_lead(group, by_version, csv);
        csv_real(csv, (double)i / CONFIDENCE_BINS);
        csv_real(csv, (double)(i + 1) / CONFIDENCE_BINS);
        csv_integer(csv, group->n[i]);
        csv_end(csv);
    }
}

static void latency_rows(const struct analytics_result *result,
                         const struct analytics_group *group, bool by_version,
                         struct csv *csv)
{
    const uint32_t percentiles_us[] = {group->p50_us, group->p90_us, group->p95_us,
                                       group->p99_us, group->max_us};
    (void)result;
    add_lead(group, by_version, csv);
    csv_integer(csv, group->total);
    for (size_t i = 0; i < sizeof percentiles_us / sizeof percentiles_us[0]; i++) {
        if (group->total > 0) {
            csv_integer(csv, percentiles_us[i]);
        } else {
            csv_null(csv);
        }
    }
    csv_end(csv);
}

static enum status answer_csv(struct request *request, struct response *response,
                              const struct endpoint *endpoint, bool by_version,
                              const struct analytics_result *result)
{
    struct csv csv = {.text = BUF_INIT(ANSWER_BYTES_MAX)};
    buf_addstr(&csv.text, by_version ? "model,version,artifact," : "");
    buf_addstr(&csv.text, endpoint->columns);
    csv_end(&csv);
    for (size_t i = 0; i < result->group_count; i++) {
        endpoint->rows(result, result->groups[i], by_version, &csv);
    }
    enum status status = csv_send(request, response, &csv, endpoint->name);
    buf_release(&csv.text);
    return status;
}

static enum status answer_json(struct request *request, struct response *response,
                               const struct endpoint *endpoint, bool by_version,
                               const struct analytics_result *result)
{
    BUF_AUTO body = BUF_INIT(ANSWER_BYTES_MAX);
    buf_addf(&body,
             "{\"from_ms\":%lld,\"to_ms\":%lld,\"step_s\":%lld,"
             "\"complete_from_ms\":%lld,",
             (long long)result->from_ms, (long long)result->to_ms,
             (long long)result->step_s, (long long)result->complete_from_ms);
    if (by_version) {
        write_groups(result, endpoint->write, &body);
    } else {
        write_group(result, result->groups[0], endpoint->write, &body);
    }
    buf_addc(&body, '}');
    response_header(response, "Vary", "Accept");
    return answer_send(request, response, 200, &body);
}

static enum status answer(struct request *request, struct response *response,
                          const struct endpoint *endpoint)
{
    struct analytics_query query;
    struct analytics_result result;
    bool wanted = false;
    enum status status = csv_wanted(request, &wanted);
    if (status == OK) {
        status = analytics_query_read(request, endpoint->step_s, &query);
    }
    if (status == OK) {
        status = endpoint->ask(request->scope, &query, &request->arena, &result,
                               &request->err);
    }
    if (status != OK) {
        return status;
    }
    return wanted ? answer_csv(request, response, endpoint, query.by_version, &result)
                  : answer_json(request, response, endpoint, query.by_version, &result);
}

enum status api_analytics_volume(struct request *request, struct response *response)
{
    static const struct endpoint volume = {"volume",     60,          analytics_volume,
                                           write_volume, "time_ms,n", volume_rows};
    return answer(request, response, &volume);
}

enum status api_analytics_classes(struct request *request, struct response *response)
{
    static const struct endpoint classes = {
        "classes",   900, analytics_classes, write_classes, "time_ms,class,name,n",
        classes_rows};
    return answer(request, response, &classes);
}

enum status api_analytics_confidence(struct request *request, struct response *response)
{
    static const struct endpoint confidence = {"confidence",         900,
                                               analytics_confidence, write_confidence,
                                               "lower,upper,n",      confidence_rows};
    return answer(request, response, &confidence);
}

enum status api_analytics_latency(struct request *request, struct response *response)
{
    static const struct endpoint latency = {"latency",
                                            900,
                                            analytics_latency,
                                            write_latency,
                                            "total,p50_us,p90_us,p95_us,p99_us,max_us",
                                            latency_rows};
    return answer(request, response, &latency);
}
