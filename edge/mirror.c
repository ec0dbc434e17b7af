/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/mirror.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { LINK_S = 3600, BODY_BYTES = 1024 };

static const char query_chars[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-~=&%";

enum status mirror_set_url(struct mirror *mirror, const char *url, struct err *err)
{
    mirror->url[0] = '\0';
    return url && url[0] ? http_url_parse(url, mirror->url, err) : OK;
}

bool mirror_begin(struct mirror *mirror, const struct tuf_target *file)
{
    mirror_stop(mirror);
    mirror->query[0] = '\0';
    mirror->linked = false;
    mirror->lied =
        mirror->lied && memcmp(&mirror->lied_of, &file->hashes, sizeof file->hashes) == 0;
    return mirror->url[0] && !mirror->lied &&
           backoff_wait_ms(&mirror->backoff, env_mono_ms(mirror->env)) == 0;
}

bool mirror_ask_link(struct mirror *mirror, const struct tuf_target *file,
                     const char *token)
{
    BUF_AUTO body = BUF_INIT(BODY_BYTES);
    buf_addstr(&body, "{\"path\":");
    buf_add_json(&body, file->path);
    buf_addf(&body, ",\"expires_s\":%d}", LINK_S);
    if (mirror->linked || buf_status(&body, NULL) != OK) {
        return false;
    }
    struct http_order order = {
        .path = "/v1/links", .token = token, .body = body.data, .body_len = body.len};
    mirror->linked = true;
    return http_call_start(mirror->http, &order, &mirror->call, NULL) == OK;
}

bool mirror_waits(const struct mirror *mirror)
{
    return mirror->call && !mirror->call->done;
}

static bool take_query(struct mirror *mirror, const char *url)
{
    const char *query = url ? strchr(url, '?') : NULL;
    size_t len = query ? strlen(query + 1) : 0;
    if (len == 0 || len >= sizeof mirror->query ||
        strspn(query + 1, query_chars) != len) {
        return false;
    }
    memcpy(mirror->query, query + 1, len + 1);
    return true;
}

static enum status read_answer(struct mirror *mirror, struct err *err)
{
    const struct http_call *call = mirror->call;
    enum status status = http_call_result(call, err);
    if (status != OK) {
        return status;
    }
    if (call->status != 201) {
        return http_unexpected(call, "a signed link", err);
    }
    json_t *tree = call->body.len > 0 ? json_loadb(call->body.data, call->body.len,
                                                   JSON_REJECT_DUPLICATES, NULL)
                                      : NULL;
    bool ok = take_query(mirror, json_string_value(json_object_get(tree, "url")));
    json_decref(tree);
    return ok ? OK : err_set(err, ERR_NET_STATUS, "the server's link is none");
}

enum status mirror_read_link(struct mirror *mirror, struct err *err)
{
    if (!mirror->call) {
        return OK;
    }
    enum status status = read_answer(mirror, err);
    mirror_stop(mirror);
    return status;
}

void mirror_failed(struct mirror *mirror, const struct err *why)
{
    env_note(mirror->env, why);
    backoff_fail(&mirror->backoff, env_mono_ms(mirror->env), mirror->env->backoff_max_ms,
                 0);
}

void mirror_lied(struct mirror *mirror, const struct tuf_target *file,
                 const struct err *why)
{
    mirror_failed(mirror, why);
    mirror->lied = true;
    mirror->lied_of = file->hashes;
}

void mirror_stop(struct mirror *mirror)
{
    http_call_free(mirror->call);
    mirror->call = NULL;
}
