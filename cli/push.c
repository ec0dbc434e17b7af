/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/push.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "repo/metadata_file.h"

static const char TARGETS[] = "targets";

static const size_t TARGET_BYTES_MAX = (size_t)2 << 30;

/* What the server said that it has: the version of a role, 0 when nothing was pushed or
 * it does not say. */
static int64_t pushed_version(const json_t *status, const char *role)
{
    size_t at = 0;
    json_t *item = NULL;
    json_array_foreach(json_object_get(status, "roles"), at, item)
    {
        const char *name = json_string_value(json_object_get(item, "role"));
        if (name && strcmp(name, role) == 0) {
            return json_integer_value(json_object_get(item, "version"));
        }
    }
    return 0;
}

/* GET /v1/repository; nothing where the server refuses to say. */
static enum status ask_pushed(const struct connection *connection, json_t **ret_status,
                              struct err *err)
{
    struct err refusal = {0};
    enum status status =
        http_json(connection, "GET", "/v1/repository", NULL, ret_status, &refusal);
    return status == OK || status == ERR_NET_STATUS
               ? OK
               : err_set(err, status, "%s", refusal.detail);
}

/* A role's file of an earlier version, whose targets a server that has it has too; NULL
 * when there is no such version here. */
static struct tuf_targets *earlier_targets(const struct repository *repository,
                                           const char *role, int64_t version)
{
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    struct tuf_targets *targets = NULL;
    if (version < 1 || repository_read(repository, role, version, &bytes, NULL) != OK ||
        tuf_targets_parse(bytes.data, bytes.len, bytes.max, &targets, NULL) != OK) {
        return NULL;
    }
    return targets;
}

static bool listed_before(const struct tuf_targets *earlier,
                          const struct tuf_target *target)
{
    const struct tuf_target *before =
        earlier ? tuf_targets_find(earlier, target->path) : NULL;
    return before && memcmp(before->hashes.sha256, target->hashes.sha256,
                            sizeof before->hashes.sha256) == 0;
}

static enum status upload_target(const struct connection *connection,
                                 const struct repository *repository,
                                 const struct tuf_target *target, struct err *err)
{
    BUF_AUTO file = BUF_INIT(REPO_PATH_BYTES);
    BUF_AUTO bytes = BUF_INIT(TARGET_BYTES_MAX);
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    char digest[2 * sizeof target->hashes.sha256 + 1];
    enum status status = repository_target_file(repository, target, &file, err);
    if (status == OK) {
        status = file_read(file.data, &bytes, err);
    }
    if (status != OK) {
        return status;
    }
    hex_encode(target->hashes.sha256, sizeof target->hashes.sha256, digest);
    buf_addf(&path, "/v1/repository/targets/%s", digest);
    (void)fprintf(stderr, "muster: uploading %s (%zu bytes)\n", target->path, bytes.len);
    return http_upload(connection, path.data, bytes.data ? bytes.data : "", bytes.len,
                       err);
}

static enum status upload_role(const struct connection *connection,
                               const struct repository *repository, const char *role,
                               const json_t *pushed, struct err *err)
{
    const struct tuf_targets *targets = repository_targets(repository, role);
    struct tuf_targets *earlier =
        earlier_targets(repository, role, pushed_version(pushed, role));
    enum status status = OK;
    for (size_t i = 0; status == OK && i < targets->count; i++) {
        if (!listed_before(earlier, &targets->targets[i])) {
            status = upload_target(connection, repository, &targets->targets[i], err);
        }
    }
    tuf_targets_free(earlier);
    return status;
}

/* A metadata file as JSON text. */
static enum status add_file(const struct repository *repository, const char *role,
                            int64_t version, json_t **ret_text, struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    enum status status = repository_read(repository, role, version, &bytes, err);
    if (status != OK) {
        return status;
    }
    *ret_text = json_stringn(bytes.data, bytes.len);
    return *ret_text ? OK : err_set(err, ERR_NO_MEMORY, "no memory to push");
}

static enum status add_roots(const struct repository *repository, const json_t *pushed,
                             json_t *body, struct err *err)
{
    json_t *roots = json_array();
    (void)json_object_set_new(body, "roots", roots);
    enum status status = OK;
    int64_t newest = repository->trust.root->envelope.version;
    for (int64_t version = pushed_version(pushed, "root") + 1;
         status == OK && version <= newest; version++) {
        json_t *text = NULL;
        status = add_file(repository, "root", version, &text, err);
        (void)json_array_append_new(roots, text);
    }
    return status;
}

/* The delegated roles that the server does not say it has at this version. */
static enum status add_delegated(const struct repository *repository,
                                 const json_t *pushed, json_t *body, struct err *err)
{
    json_t *delegated = json_object();
    enum status status = OK;
    for (size_t i = 0; status == OK && i < repository->role_count; i++) {
        const struct repository_role *role = &repository->roles[i];
        int64_t version = role->targets->envelope.version;
        json_t *text = NULL;
        if (pushed_version(pushed, role->name) == version) {
            continue;
        }
        status = add_file(repository, role->name, version, &text, err);
        (void)json_object_set_new(delegated, role->name, text);
    }
    if (json_object_size(delegated) > 0) {
        (void)json_object_set(body, "delegated", delegated);
    }
    json_decref(delegated);
    return status;
}

static enum status make_body(const struct repository *repository, const json_t *pushed,
                             json_t *body, struct err *err)
{
    json_t *targets = NULL;
    json_t *snapshot = NULL;
    enum status status = add_roots(repository, pushed, body, err);
    if (status == OK) {
        status = add_file(repository, TARGETS, repository->targets->envelope.version,
                          &targets, err);
        (void)json_object_set_new(body, TARGETS, targets);
    }
    if (status == OK) {
        status = add_file(repository, "snapshot", repository->snapshot->envelope.version,
                          &snapshot, err);
        (void)json_object_set_new(body, "snapshot", snapshot);
    }
    return status == OK ? add_delegated(repository, pushed, body, err) : status;
}

enum status push_repository(const struct connection *connection,
                            const struct repository *repository, bool all,
                            json_t **ret_answer, struct err *err)
{
    HTTP_JSON_AUTO *pushed = NULL;
    HTTP_JSON_AUTO *body = json_object();
    enum status status = all ? OK : ask_pushed(connection, &pushed, err);
    if (status == OK) {
        status = upload_role(connection, repository, TARGETS, pushed, err);
    }
    for (size_t i = 0; status == OK && i < repository->role_count; i++) {
        status =
            upload_role(connection, repository, repository->roles[i].name, pushed, err);
    }
    if (status == OK) {
        status = make_body(repository, pushed, body, err);
    }
    return status == OK
               ? http_json(connection, "POST", "/v1/repository", body, ret_answer, err)
               : status;
}
