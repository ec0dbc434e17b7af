/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/analytics.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "server/api/handlers.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/service/artifacts.h"
#include "server/service/service.h"

static const int64_t HOUR_MS = 3600000;
static const int64_t LATEST_MS = INT64_C(253402300799000); /* the end of year 9999 */
static const int64_t STEP_MAX_S = INT64_C(366) * 86400;

enum { ANSWER_BYTES_MAX = 8 * 1024 * 1024, SHARE_OF_ONE = 10000, HEX_DIGITS = 64 };

typedef enum status analytics_function(struct db *db, const struct analytics_query *query,
                                       struct arena *arena,
                                       struct analytics_result *ret_result,
                                       struct err *err);
typedef void group_writer(const struct analytics_result *result,
                          const struct analytics_group *group, struct buf *body);

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

static enum status read_query(struct request *request, int64_t default_step_s,
                              struct analytics_query *ret_query)
{
    const struct service *service = request->context;
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
        status = read_group(request, &query.by_version);
    }
    if (status == OK) {
        *ret_query = query;
    }
    return status;
}

static void add_counts(struct buf *body, const char *name, const int64_t *n, size_t count)
{
    buf_addf(body, "\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        buf_addstr(body, i > 0 ? "," : "");
        buf_addi(body, n[i]);
    }
    buf_addc(body, ']');
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
    add_counts(body, "n", group->n, result->steps);
}

static void write_classes(const struct analytics_result *result,
                          const struct analytics_group *group, struct buf *body)
{
    buf_addstr(body, "\"classes\":[");
    for (size_t i = 0; i < group->class_count; i++) {
        const struct analytics_class *item = group->classes[i];
        buf_addf(body, "%s{\"class\":%lld,", i > 0 ? "," : "",
                 (long long)item->class_index);
        add_text(body, "name", item->name);
        buf_addf(body, ",\"total\":%lld,\"share\":%.6f,", (long long)item->total,
                 (double)item->total / (double)group->total);
        add_counts(body, "n", item->n, result->steps);
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
    buf_addstr(body, "],");
    add_counts(body, "n", group->n, CONFIDENCE_BINS);
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

static enum status answer(struct request *request, struct response *response,
                          int64_t default_step_s, analytics_function *ask,
                          group_writer *write)
{
    struct analytics_query query;
    struct analytics_result result;
    BUF_AUTO body = BUF_INIT(ANSWER_BYTES_MAX);
    enum status status = read_query(request, default_step_s, &query);
    if (status == OK) {
        status = ask(request->scope, &query, &request->arena, &result, &request->err);
    }
    if (status != OK) {
        return status;
    }
    buf_addf(&body,
             "{\"from_ms\":%lld,\"to_ms\":%lld,\"step_s\":%lld,"
             "\"complete_from_ms\":%lld,",
             (long long)result.from_ms, (long long)result.to_ms, (long long)result.step_s,
             (long long)result.complete_from_ms);
    if (query.by_version) {
        write_groups(&result, write, &body);
    } else {
        write_group(&result, result.groups[0], write, &body);
    }
    buf_addc(&body, '}');
    status = buf_status(&body, &request->err);
    return status == OK ? response_json(request, response, 200, body.data, body.len)
                        : status;
}

enum status api_analytics_volume(struct request *request, struct response *response)
{
    return answer(request, response, 60, analytics_volume, write_volume);
}

enum status api_analytics_classes(struct request *request, struct response *response)
{
    return answer(request, response, 900, analytics_classes, write_classes);
}

enum status api_analytics_confidence(struct request *request, struct response *response)
{
    return answer(request, response, 900, analytics_confidence, write_confidence);
}

enum status api_analytics_latency(struct request *request, struct response *response)
{
    return answer(request, response, 900, analytics_latency, write_latency);
}
