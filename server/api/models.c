/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hex.h"
#include "server/api/answer.h"
#include "server/api/handlers.h"
#include "server/api/model_detail.h"
#include "server/service/artifacts.h"
#include "server/service/model_access.h"
#include "server/service/nodes.h"
#include "server/service/publication_describe.h"

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

/* The ways to have an artifact in fewer bytes, the shortest first. */
static void add_transports(struct buf *json, const struct model_description *description,
                           const uint8_t sha256[static 32])
{
    const struct model_transport *first = model_transports_of(description, sha256);
    const struct model_transport *end =
        description->transports + description->transport_count;
    answer_raw(json, "transports", "[");
    for (const struct model_transport *it = first;
         it && it < end && memcmp(it->result_sha256, sha256, 32) == 0; it++) {
        char base[65] = "";
        if (it->has_base) {
            hex_encode(it->base_sha256, sizeof it->base_sha256, base);
        }
        buf_addstr(json, it > first ? ",{" : "{");
        answer_text(json, "transport", it->is_delta ? "delta" : "zst");
        answer_integer(json, "length", it->length);
        answer_text(json, "path", it->path);
        answer_text_or_null(json, "base", base);
        buf_addc(json, '}');
    }
    buf_addc(json, ']');
}

static void add_key(struct buf *json, const struct model_key *key)
{
    static const char *const kinds[] = {[KEY_UNKNOWN] = "unknown",
                                        [KEY_ED25519] = "ed25519",
                                        [KEY_ECDSA_P256] = "ecdsa",
                                        [KEY_RSA_PSS] = "rsa"};
    buf_addc(json, '{');
    answer_text(json, "keyid", key->keyid);
    answer_text(json, "keytype", kinds[key->kind]);
    answer_boolean(json, "signed", key->signed_by);
    buf_addc(json, '}');
}

/* Who signed what the model rests on. */
static void add_signatures(struct buf *json, const struct model_description *description)
{
    answer_raw(json, "signatures", "[");
    for (size_t i = 0; i < description->role_count; i++) {
        const struct model_role *role = &description->roles[i];
        buf_addstr(json, i > 0 ? ",{" : "{");
        answer_text(json, "role", role->role.name);
        answer_boolean(json, "delegated", role->role.delegated);
        answer_integer(json, "version", role->role.version);
        answer_integer(json, "expires_ms", role->role.expires_ms);
        answer_integer(json, "threshold", role->threshold);
        answer_raw(json, "keys", "[");
        for (size_t k = 0; k < role->key_count; k++) {
            buf_addstr(json, k > 0 ? "," : "");
            add_key(json, &role->keys[k]);
        }
        buf_addstr(json, "]}");
    }
    buf_addc(json, ']');
}

/* One version: `items` are its artifacts. */
struct version {
    const struct artifact_info *items;
    size_t count;
    const struct model_description *description;
};

static void add_variant(struct request *request, struct buf *json,
                        const struct version *version, size_t i)
{
    char sha256[65];
    const struct artifact_info *item = &version->items[i];
    hex_encode(item->sha256, sizeof item->sha256, sha256);
    buf_addc(json, '{');
    answer_text(json, "variant", item->variant);
    answer_text(json, "artifact", sha256);
    answer_integer(json, "length", (int64_t)item->length);
    answer_text(json, "path", item->path);
    answer_text_or_null(json, "format",
                        model_format_of(version->description, item->path));
    if (item->ram_bytes > 0) {
        answer_integer(json, "ram_bytes", item->ram_bytes);
    } else {
        answer_raw(json, "ram_bytes", "null");
    }
    answer_integer(json, "nodes",
                   (int64_t)nodes_running(services(request)->nodes, item->sha256));
    add_transports(json, version->description, item->sha256);
    buf_addc(json, '}');
}

static void add_version(struct request *request, struct buf *json,
                        const struct version *version)
{
    const struct artifact_info *items = version->items;
    size_t count = version->count;
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
        buf_addstr(json, i > 0 ? "," : "");
        add_variant(request, json, version, i);
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
    struct model_description description = {0};
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
    if (status == OK) {
        status = publication_describe(services(request)->publication, name,
                                      &request->arena, &description, &request->err);
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
        add_version(request, &json, &(struct version){&items[i], end - i, &description});
    }
    buf_addc(&json, ']');
    add_signatures(&json, &description);
    answer_raw(&json, "detail", "{");
    answer_model_detail(&json, &detail);
    buf_addc(&json, '}');
    answer_boolean(&json, "public", model_access_public(services(request)->access, name));
    buf_addc(&json, '}');
    return answer_send(request, response, 200, &json);
}
