/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/publish.h"

#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "format/transport.h"
#include "tuf/json.h"
#include "tuf/signing.h"
#include "tuf/target.h"

static const char TARGETS_FILE[] = "targets.json";

enum { FILE_MODE = 0644, FOLDER_MODE = 0755, PATH_BYTES = 4096 };

static const size_t TRANSPORT_MAX_BYTES = (size_t)2 << 30;

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory to publish");
}

/* ---- signing a new state ---- */

static enum status sign_targets(const struct repository *repository, const json_t *body,
                                const struct publish_signing *signing,
                                struct buf *ret_bytes, struct err *err)
{
    struct tuf_targets *parsed = NULL;
    enum status status = signing_envelope(body, &signing->targets, 1, ret_bytes, err);
    if (status == OK) {
        status = tuf_targets_parse(ret_bytes->data, ret_bytes->len,
                                   TUF_LIMITS_DEFAULT.targets_bytes, &parsed, err);
    }
    if (status != OK) {
        return status;
    }
    const struct tuf_root *root = repository->trust.root;
    status = tuf_envelope_verify(&parsed->envelope, &root->keyring,
                                 &root->roles[TUF_ROLE_TARGETS], NULL, err);
    if (status == OK) {
        status = model_targets_check(parsed, err);
    }
    tuf_targets_free(parsed);
    return status;
}

static enum status sign_snapshot(const struct repository *repository,
                                 const struct signing_file *targets,
                                 const struct publish_signing *signing,
                                 struct buf *ret_bytes, struct err *err)
{
    JSON_AUTO *body = json_deep_copy(repository->snapshot->envelope.body);
    struct tuf_snapshot *parsed = NULL;
    if (!body) {
        return no_memory(err);
    }
    enum status status =
        signing_body_renew(body, repository->snapshot->envelope.version + 1,
                           signing->now_ms + signing->life_ms, err);
    if (status == OK) {
        status = signing_set_meta(body, TARGETS_FILE, targets, err);
    }
    if (status == OK) {
        status = signing_envelope(body, &signing->snapshot, 1, ret_bytes, err);
    }
    if (status == OK) {
        status = tuf_snapshot_parse(ret_bytes->data, ret_bytes->len,
                                    TUF_LIMITS_DEFAULT.snapshot_bytes, &parsed, err);
    }
    if (status != OK) {
        return status;
    }
    const struct tuf_root *root = repository->trust.root;
    status = tuf_envelope_verify(&parsed->envelope, &root->keyring,
                                 &root->roles[TUF_ROLE_SNAPSHOT], NULL, err);
    tuf_snapshot_free(parsed);
    return status;
}

/* Signs `targets_body` (version and expiry are set here) and a snapshot over it; both are
 * checked before the first is written. */
static enum status commit(struct repository *repository, json_t *targets_body,
                          const struct publish_signing *signing, struct err *err)
{
    int64_t version = repository->targets->envelope.version + 1;
    int64_t snapshot_version = repository->snapshot->envelope.version + 1;
    BUF_AUTO targets = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    BUF_AUTO snapshot = BUF_INIT(TUF_LIMITS_DEFAULT.snapshot_bytes);
    enum status status = signing_body_renew(targets_body, version,
                                            signing->now_ms + signing->life_ms, err);
    if (status == OK) {
        status = sign_targets(repository, targets_body, signing, &targets, err);
    }
    if (status == OK) {
        struct signing_file file = {
            .data = targets.data, .len = targets.len, .version = version};
        status = sign_snapshot(repository, &file, signing, &snapshot, err);
    }
    if (status == OK) {
        status = repository_write(repository, TUF_ROLE_TARGETS, version, &targets, err);
    }
    if (status == OK) {
        status = repository_write(repository, TUF_ROLE_SNAPSHOT, snapshot_version,
                                  &snapshot, err);
    }
    return status == OK ? repository_reload(repository, err) : status;
}

enum status publish_renew(struct repository *repository,
                          const struct publish_signing *signing, struct err *err)
{
    JSON_AUTO *body = json_deep_copy(repository->targets->envelope.body);
    return body ? commit(repository, body, signing, err) : no_memory(err);
}

enum status publish_renew_root(struct repository *repository,
                               const struct signing_key *root_key, int64_t now_ms,
                               int64_t life_ms, struct err *err)
{
    const struct tuf_root *root = repository->trust.root;
    int64_t version = root->envelope.version + 1;
    struct tuf_root *parsed = NULL;
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
    JSON_AUTO *body = json_deep_copy(root->envelope.body);
    enum status status =
        body ? signing_body_renew(body, version, now_ms + life_ms, err) : no_memory(err);
    if (status == OK) {
        status = signing_envelope(body, &root_key, 1, &bytes, err);
    }
    if (status == OK) {
        status = tuf_root_parse(bytes.data, bytes.len, bytes.max, &parsed, err);
    }
    if (status != OK) {
        return status;
    }
    status = tuf_envelope_verify(&parsed->envelope, &root->keyring,
                                 &root->roles[TUF_ROLE_ROOT], NULL, err);
    tuf_root_free(parsed);
    if (status == OK) {
        status = repository_write(repository, TUF_ROLE_ROOT, version, &bytes, err);
    }
    return status == OK ? repository_reload(repository, err) : status;
}

/* ---- one model ---- */

/* The seq of a version: that of its other variants, or the highest plus one. */
static enum status choose_seq(const struct repository *repository,
                              const struct publish_order *order, int64_t *ret_seq,
                              struct err *err)
{
    const struct tuf_targets *targets = repository->targets;
    int64_t floor = 0;
    int64_t highest = 0;
    model_targets_floor(targets, order->model, &floor, &highest);
    int64_t seq = highest + 1;
    for (size_t i = 0; i < targets->count; i++) {
        bool ours = false;
        struct model_target listed;
        if (model_target_parse(&targets->targets[i], &ours, &listed, NULL) != OK ||
            !ours || listed.kind != TARGET_ARTIFACT ||
            strcmp(listed.model, order->model) != 0 ||
            strcmp(listed.version, order->version) != 0) {
            continue;
        }
        if (strcmp(listed.variant, order->variant) == 0) {
            return err_set(err, ERR_EXISTS,
                           "model '%s' has version '%s' variant '%s' already (seq "
                           "%" PRId64 "); publish under a new version",
                           order->model, order->version, order->variant, listed.seq);
        }
        seq = listed.seq;
    }
    highest = seq > highest ? seq : highest;
    if (order->floor < 0 || order->floor > highest) {
        return err_set(err, ERR_TUF_FLOOR,
                       "model '%s': a floor up to the highest seq %" PRId64
                       " expected, %" PRId64 " found",
                       order->model, highest, order->floor);
    }
    *ret_seq = seq;
    return OK;
}

static enum status check_names(const struct publish_order *order, struct err *err)
{
    if (!target_name_valid(order->model)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "a model is named [a-z0-9][a-z0-9_-]*, not '%.70s'", order->model);
    }
    if (!target_name_valid(order->variant)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "a variant is named [a-z0-9][a-z0-9_-]*, not '%.70s'",
                       order->variant);
    }
    if (!target_version_valid(order->version)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "a version is like 1.0.0, not '%.70s'",
                       order->version);
    }
    if (!target_ext_valid(order->ext)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "an artifact's extension is [a-z0-9]+, not '%.40s'", order->ext);
    }
    return OK;
}

/* Writes the bytes where they will be served from. */
static enum status store_target(const struct repository *repository, const char *path,
                                const struct buf *data, const uint8_t sha256[static 32],
                                struct err *err)
{
    struct tuf_target target = {.path = path,
                                .hashes = {.listed = true, .has_sha256 = true}};
    memcpy(target.hashes.sha256, sha256, SHA256_BYTES);
    BUF_AUTO file = BUF_INIT(PATH_BYTES);
    enum status status = repository_target_file(repository, &target, &file, err);
    if (status != OK) {
        return status;
    }
    char *slash = strrchr(file.data, '/');
    *slash = '\0';
    status = file_mkdirs(file.data, FOLDER_MODE, err);
    *slash = '/';
    return status == OK
               ? file_write_atomic(file.data, data->data, data->len, FILE_MODE, err)
               : status;
}

/* Digest, file and entry of one target; `custom` is what stands in custom.muster. */
static enum status add_target(const struct repository *repository, json_t *body,
                              const char *path, const struct buf *data, json_t *custom,
                              struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    JSON_AUTO *wrapped = custom ? json_pack("{s:O}", "muster", custom) : NULL;
    if (!wrapped) {
        return no_memory(err);
    }
    enum status status = sha256_of(data->data, data->len, digest, err);
    if (status == OK) {
        status = store_target(repository, path, data, digest, err);
    }
    return status == OK
               ? signing_add_target(body, path, (int64_t)data->len, digest, wrapped, err)
               : status;
}

static json_t *common_custom(const struct publish_order *order, int64_t seq)
{
    return json_pack("{s:i, s:s, s:I, s:s}", "schema", TARGET_SCHEMA, "model",
                     order->model, "seq", (json_int_t)seq, "variant", order->variant);
}

static enum status add_artifact(const struct repository *repository, json_t *body,
                                const struct publish_order *order, const char *path,
                                int64_t seq, struct err *err)
{
    struct buf data = {.data = (char *)order->data, .len = order->len};
    JSON_AUTO *custom = common_custom(order, seq);
    if (!custom || json_object_update_missing(custom, order->described) != 0 ||
        json_object_set_new(custom, "version", json_string(order->version)) != 0 ||
        json_object_set_new(custom, "floor", json_integer(order->floor)) != 0) {
        return no_memory(err);
    }
    return add_target(repository, body, path, &data, custom, err);
}

static enum status add_transport(const struct repository *repository, json_t *body,
                                 const struct publish_order *order, const char *path,
                                 struct publish_result *result, struct err *err)
{
    char digest[SHA256_HEX_BYTES];
    BUF_AUTO transport = BUF_INIT(TRANSPORT_MAX_BYTES);
    BUF_AUTO name = BUF_INIT(TUF_PATH_MAX);
    enum status status = transport_encode(order->data, order->len, &transport, err);
    if (status != OK || transport.len >= order->len) {
        return status;
    }
    buf_addf(&name, "%s.zst", path);
    hex_encode(result->sha256, SHA256_BYTES, digest);
    JSON_AUTO *custom = common_custom(order, result->seq);
    JSON_AUTO *more =
        json_pack("{s:s, s:s, s:I, s:n}", "transport", "zst", "result_sha256", digest,
                  "result_length", (json_int_t)order->len, "base_sha256");
    if (!more || !custom || json_object_update(custom, more) != 0) {
        return no_memory(err);
    }
    status = buf_status(&name, err);
    if (status == OK) {
        status = add_target(repository, body, name.data, &transport, custom, err);
    }
    if (status == OK) {
        result->transport_bytes = transport.len;
    }
    return status;
}

enum status publish_model(struct repository *repository,
                          const struct publish_order *order,
                          const struct publish_signing *signing,
                          struct publish_result *ret_result, struct err *err)
{
    struct publish_result result = {0};
    BUF_AUTO path = BUF_INIT(TUF_PATH_MAX);
    enum status status = check_names(order, err);
    if (status == OK) {
        status = choose_seq(repository, order, &result.seq, err);
    }
    if (status == OK) {
        status = sha256_of(order->data, order->len, result.sha256, err);
    }
    if (status == OK) {
        status = target_path_format(order->model, result.seq, order->variant, order->ext,
                                    &path);
    }
    if (status != OK) {
        return status;
    }
    JSON_AUTO *body = json_deep_copy(repository->targets->envelope.body);
    if (!body) {
        return no_memory(err);
    }
    status = add_artifact(repository, body, order, path.data, result.seq, err);
    if (status == OK) {
        status = add_transport(repository, body, order, path.data, &result, err);
    }
    if (status == OK) {
        status = commit(repository, body, signing, err);
    }
    if (status == OK) {
        result.targets_version = repository->targets->envelope.version;
        *ret_result = result;
    }
    return status;
}
