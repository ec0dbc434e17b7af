/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/handlers.h"
#include "server/api/model_detail.h"
#include "server/service/artifacts.h"
#include "server/service/model_access.h"
#include "server/service/nodes.h"

static void add_model(struct buf *json, const struct model_info *model)
{
    answer_text(json, "model", model->model);
    answer_text(json, "task", model->task);
    answer_integer(json, "floor", model->floor);
}

enum status api_models_list(struct request *request, struct response *response)
{
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    const char *cursor = request_query(request, "cursor");
    struct model_info *models = NULL;
    size_t count = 0;
    size_t limit = 0;
    enum status status = answer_limit(request, &limit);
    if (status == OK) {
        status = artifacts_models(services(request)->artifacts, cursor ? cursor : "",
                                  limit + 1, &request->arena, &models, &count);
    }
    if (status != OK) {
        return status;
    }
    buf_addstr(&json, "{\"items\":[");
    for (size_t i = 0; i < count && i < limit; i++) {
        buf_addstr(&json, i > 0 ? ",{" : "{");
        add_model(&json, &models[i]);
        if (models[i].newest_seq > 0) {
            answer_raw(&json, "newest", "{");
            answer_text(&json, "version", models[i].newest_version);
            answer_integer(&json, "seq", models[i].newest_seq);
            buf_addc(&json, '}');
        } else {
            answer_raw(&json, "newest", "null");
        }
        answer_integer(&json, "versions", (int64_t)models[i].versions);
        buf_addc(&json, '}');
    }
    buf_addstr(&json, "],\"next\":");
    if (count > limit) {
        buf_add_json(&json, models[limit - 1].model);
    } else {
        buf_addstr(&json, "null");
    }
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}

/* The class names of the newest listed artifact. */
static void add_classes(struct request *request, struct buf *json,
                        const struct artifact_info *items, size_t count)
{
    const char *const *names = NULL;
    size_t name_count = 0;
    for (size_t i = count; i-- > 0 && name_count == 0;) {
        if (items[i].listed) {
            (void)artifacts_classes(services(request)->artifacts, items[i].sha256,
                                    &request->arena, &names, &name_count);
        }
    }
    answer_raw(json, "classes", "[");
    for (size_t i = 0; i < name_count; i++) {
        buf_addstr(json, i > 0 ? "," : "");
        buf_add_json(json, names[i]);
    }
    buf_addc(json, ']');
}

/* One version: `items` are its artifacts. */
static void add_version(struct request *request, struct buf *json,
                        const struct artifact_info *items, size_t count)
{
    char sha256[65];
    size_t nodes = 0;
    for (size_t i = 0; i < count; i++) {
        nodes += nodes_running(services(request)->nodes, items[i].sha256);
    }
    buf_addc(json, '{');
    answer_text(json, "version", items[0].version);
    answer_integer(json, "seq", items[0].seq);
    answer_integer(json, "published_ms", items[0].published_ms);
    answer_integer(json, "nodes", (int64_t)nodes);
    answer_raw(json, "variants", "[");
    for (size_t i = 0; i < count; i++) {
        hex_encode(items[i].sha256, sizeof items[i].sha256, sha256);
        buf_addstr(json, i > 0 ? ",{" : "{");
        answer_text(json, "variant", items[i].variant);
        answer_text(json, "artifact", sha256);
        answer_integer(json, "length", (int64_t)items[i].length);
        answer_text(json, "path", items[i].path);
        buf_addc(json, '}');
    }
    buf_addstr(json, "]}");
}

/* The listed ones of `items`, moved to the front; returns how many. */
static size_t keep_listed(struct artifact_info *items, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].listed) {
            items[kept++] = items[i];
        }
    }
    return kept;
}

enum status api_model_get(struct request *request, struct response *response)
{
    struct artifacts *artifacts = services(request)->artifacts;
    const char *name = request_param(request, "model");
    BUF_AUTO json = BUF_INIT(ANSWER_BYTES_MAX);
    struct model_info model;
    struct model_detail_info detail;
    struct artifact_info *items = NULL;
    size_t count = 0;
    enum status status = artifacts_model(artifacts, name, &model, &request->err);
    if (status == OK) {
        status =
            model_detail_get(services(request)->details, name, &detail, &request->err);
    }
    if (status == OK) {
        status = artifacts_select(artifacts, name, &request->arena, &items, &count,
                                  &request->err);
    }
    if (status != OK) {
        return status;
    }
    count = keep_listed(items, count);
    buf_addc(&json, '{');
    add_model(&json, &model);
    add_classes(request, &json, items, count);
    answer_raw(&json, "versions", "[");
    for (size_t i = 0, end = 0; i < count; i = end) {
        while (end < count && items[end].seq == items[i].seq) {
            end++;
        }
        buf_addstr(&json, i > 0 ? "," : "");
        add_version(request, &json, &items[i], end - i);
    }
    buf_addc(&json, ']');
    answer_raw(&json, "detail", "{");
    answer_model_detail(&json, &detail);
    buf_addc(&json, '}');
    answer_boolean(&json, "public", model_access_public(services(request)->access, name));
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}
