/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/publish.h"

#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "repo/listing.h"
#include "repo/metadata_file.h"
#include "repo/target_file.h"
#include "repo/transports.h"
#include "tuf/json.h"
#include "tuf/signing.h"
#include "tuf/target.h"

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory to publish");
}

/* ---- the same again ---- */

enum status publish_renew(struct draft *draft, const char *role, struct err *err)
{
    enum tuf_role known = TUF_ROLE_TARGETS;
    json_t *body = NULL;
    if (draft_published_version(draft, role) == 0 ||
        (metadata_role(role, &known) && known == TUF_ROLE_TIMESTAMP)) {
        return err_set(err, ERR_NOT_FOUND,
                       "'%.60s' is no role that is published and signed here: 'muster "
                       "repo status' shows those",
                       role);
    }
    return draft_edit(draft, role, &body, err);
}

/* ---- one model ---- */

/* A listed artifact of the version; *ret_same when it is that of the order itself. */
static bool find_version(const struct tuf_targets *targets,
                         const struct publish_order *order,
                         struct model_target *ret_listed, bool *ret_same)
{
    bool found = false;
    for (size_t i = 0; targets && i < targets->count; i++) {
        bool ours = false;
        struct model_target listed;
        if (model_target_parse(&targets->targets[i], &ours, &listed, NULL) != OK ||
            !ours || listed.kind != TARGET_ARTIFACT ||
            strcmp(listed.model, order->model) != 0 ||
            strcmp(listed.version, order->version) != 0) {
            continue;
        }
        *ret_listed = listed;
        found = true;
        *ret_same = strcmp(listed.variant, order->variant) == 0;
        if (*ret_same) {
            break;
        }
    }
    return found;
}

/* Staged before, not published yet: publishing again goes on with it. */
static bool is_staged(const struct draft *draft, const struct model_target *listed,
                      const struct publish_result *result)
{
    const char *role = listing_role(draft, listed->model);
    const struct tuf_targets *published = repository_targets(draft->repository, role);
    return memcmp(listed->file->hashes.sha256, result->sha256, SHA256_BYTES) == 0 &&
           draft_find(draft, role) &&
           !(published && tuf_targets_find(published, listed->file->path));
}

static enum status check_seq(const struct publish_order *order, int64_t listed,
                             int64_t highest_ever, struct err *err)
{
    if (order->seq == 0 || order->seq == listed) {
        return OK;
    }
    if (order->seq < 0 || order->seq > PUBLISH_SEQ_MAX) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "a seq is 1 to %" PRId64 ", not %" PRId64, PUBLISH_SEQ_MAX,
                       order->seq);
    }
    if (listed > 0) {
        return err_set(err, ERR_EXISTS,
                       "model '%s' has version '%s' as seq %" PRId64 ", not %" PRId64,
                       order->model, order->version, listed, order->seq);
    }
    return order->seq > highest_ever
               ? OK
               : err_set(err, ERR_EXISTS,
                         "model '%s': a seq above %" PRId64 " expected, %" PRId64
                         " found; no seq is used twice",
                         order->model, highest_ever, order->seq);
}

/* The seq of a version: that of its other variants, the one that the order names, or the
 * highest ever plus one. */
static enum status choose_seq(const struct draft *draft,
                              const struct publish_order *order,
                              struct publish_result *result, struct err *err)
{
    struct listing listing = listing_read(draft, order->model);
    struct model_target listed;
    bool same = false;
    int64_t known = 0;
    if (find_version(draft_targets(draft, listing_role(draft, order->model)), order,
                     &listed, &same) ||
        find_version(draft_targets(draft, "targets"), order, &listed, &same)) {
        known = listed.seq;
    }
    enum status status = check_seq(order, known, listing.highest_ever, err);
    if (status != OK) {
        return status;
    }
    int64_t next = order->seq > 0 ? order->seq : listing.highest_ever + 1;
    result->seq = known > 0 ? known : next;
    result->staged_before = same && is_staged(draft, &listed, result);
    if (same && !result->staged_before) {
        return err_set(err, ERR_EXISTS,
                       "model '%s' has version '%s' variant '%s' already (seq "
                       "%" PRId64 "); publish under a new version",
                       order->model, order->version, order->variant, result->seq);
    }
    int64_t highest = result->seq > listing.highest ? result->seq : listing.highest;
    if (order->floor < 0 || order->floor > highest) {
        return err_set(err, ERR_TUF_FLOOR,
                       "model '%s': a floor up to the highest seq %" PRId64
                       " expected, %" PRId64 " found",
                       order->model, highest, order->floor);
    }
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

static enum status add_artifact(const struct repository *repository, json_t *body,
                                const struct publish_order *order, const char *path,
                                int64_t seq, struct err *err)
{
    struct buf data = {.data = (char *)order->data, .len = order->len};
    JSON_AUTO *custom =
        json_pack("{s:i, s:s, s:I, s:s}", "schema", TARGET_SCHEMA, "model", order->model,
                  "seq", (json_int_t)seq, "variant", order->variant);
    if (!custom || json_object_update_missing(custom, order->described) != 0 ||
        json_object_set_new(custom, "version", json_string(order->version)) != 0 ||
        json_object_set_new(custom, "floor", json_integer(order->floor)) != 0) {
        return no_memory(err);
    }
    return target_file_add(repository, body, path, &data, custom, err);
}

static enum status add_transports(const struct draft *draft, json_t *body,
                                  const struct publish_order *order, const char *path,
                                  struct publish_result *result, struct err *err)
{
    struct transports_made made;
    const struct transports_order transports = {
        .repository = draft->repository,
        .listed = {draft_targets(draft, listing_role(draft, order->model)),
                   draft_targets(draft, "targets")},
        .model = order->model,
        .variant = order->variant,
        .ext = order->ext,
        .path = path,
        .seq = result->seq,
        .data = order->data,
        .len = order->len,
        .sha256 = result->sha256,
        .deltas = order->deltas,
    };
    enum status status = transports_add(&transports, body, &made, err);
    if (status == OK) {
        result->transport_bytes = made.compressed_bytes;
        result->deltas = made.deltas;
        result->delta_bytes = made.delta_bytes;
    }
    return status;
}

static enum status list_artifact(struct draft *draft, const struct publish_order *order,
                                 struct publish_result *result, struct err *err)
{
    const struct repository *repository = draft->repository;
    BUF_AUTO path = BUF_INIT(TUF_PATH_MAX);
    json_t *body = NULL;
    enum status status =
        target_path_format(order->model, result->seq, order->variant, order->ext, &path);
    if (status == OK) {
        status = draft_edit(draft, listing_role(draft, order->model), &body, err);
    }
    if (status == OK) {
        status = add_artifact(repository, body, order, path.data, result->seq, err);
    }
    return status == OK ? add_transports(draft, body, order, path.data, result, err)
                        : status;
}

enum status publish_model(struct draft *draft, const struct publish_order *order,
                          struct publish_result *ret_result, struct err *err)
{
    struct publish_result result = {0};
    enum status status = check_names(order, err);
    if (status == OK) {
        status = sha256_of(order->data, order->len, result.sha256, err);
    }
    if (status == OK) {
        status = choose_seq(draft, order, &result, err);
    }
    if (status == OK && !result.staged_before) {
        status = list_artifact(draft, order, &result, err);
    }
    if (status == OK) {
        status = draft_settle(draft, err);
    }
    if (status == OK) {
        result.targets_version =
            draft_published_version(draft, listing_role(draft, order->model)) + 1;
        *ret_result = result;
    }
    return status;
}
