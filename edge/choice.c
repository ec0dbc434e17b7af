/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"

static enum status find(const struct assignment *assignment,
                        const struct tuf_target *file, struct model_target *ret_artifact,
                        struct err *err)
{
    bool ours = false;
    enum status status = model_target_parse(file, &ours, ret_artifact, err);
    if (status != OK) {
        return status;
    }
    if (!ours || ret_artifact->kind != TARGET_ARTIFACT ||
        strcmp(ret_artifact->model, assignment->model) != 0) {
        return err_set(err, ERR_TUF_MISSING,
                       "an artifact of model '%s' expected, '%.120s' found",
                       assignment->model, assignment->path);
    }
    return OK;
}

static enum status check_digest(const struct assignment *assignment,
                                const struct model_target *artifact, struct err *err)
{
    const struct tuf_hashes *hashes = &artifact->file->hashes;
    if (!hashes->has_sha256 ||
        memcmp(hashes->sha256, assignment->artifact, sizeof hashes->sha256) != 0) {
        char expected[65], found[65];
        hex_encode(hashes->sha256, 32, expected);
        hex_encode(assignment->artifact, 32, found);
        return err_set(err, ERR_TUF_HASH,
                       "artifact %.32s… expected as signed, %.32s… found assigned",
                       expected, found);
    }
    return OK;
}

/* Room for what is there already is not needed again. */
static int64_t free_bytes(const struct choice_rules *rules,
                          const struct model_target *artifact)
{
    char path[EDGE_PATH_BYTES];
    char name[65];
    int64_t bytes = facts_flash_bytes(rules->folder);
    hex_encode(artifact->file->hashes.sha256, 32, name);
    bool stored = env_join(rules->folder, name, path, NULL) == OK && file_exists(path);
    return bytes > 0 && stored ? bytes + artifact->file->length : bytes;
}

static enum status check_fit(const struct choice_rules *rules,
                             const struct model_target *artifact, struct err *err)
{
    struct facts facts = *rules->facts;
    struct fit_node node;
    struct fit fit;
    facts.flash_bytes = free_bytes(rules, artifact);
    enum status status = facts_fit(&facts, &node, err);
    if (status != OK) {
        return status;
    }
    fit_judge(artifact, &node, &fit);
    switch (fit.verdict) {
    case FIT_RUNS:
        return OK;
    case FIT_TOO_BIG_OR_NEW:
        return err_set(err, ERR_FIT_TOO_BIG_OR_NEW, "%.80s: %s", artifact->file->path,
                       fit.reason);
    case FIT_OTHER_HARDWARE:
        break;
    }
    return err_set(err, ERR_FIT_OTHER_HARDWARE, "%.80s: %s", artifact->file->path,
                   fit.reason);
}

static enum status check_rules(const struct choice_rules *rules,
                               const struct model_target *artifact, struct err *err)
{
    int64_t floor = trust_floor(rules->trust, artifact->model);
    if (artifact->seq < floor) {
        return err_set(err, ERR_TUF_FLOOR,
                       "%s: seq %" PRId64 " (the floor) or above expected, %" PRId64
                       " found",
                       artifact->file->path, floor, artifact->seq);
    }
    if (artifact->file->length <= 0 ||
        (uint64_t)artifact->file->length > rules->max_bytes) {
        return err_set(err, ERR_LIMIT,
                       "%s: 1 to %" PRIu64 " bytes expected, %" PRId64 " found",
                       artifact->file->path, rules->max_bytes, artifact->file->length);
    }
    return check_fit(rules, artifact, err);
}

static void make_record(struct choice *choice)
{
    const struct model_target *artifact = &choice->artifact;
    struct model_record *record = &choice->record;
    snprintf(record->model, sizeof record->model, "%s", artifact->model);
    snprintf(record->version, sizeof record->version, "%s", artifact->version);
    snprintf(record->path, sizeof record->path, "%s", artifact->file->path);
    record->stop_on_revoke = artifact->on_revoke == TARGET_REVOKE_STOP;
    snprintf(record->format, sizeof record->format, "%s", artifact->format);
    record->seq = artifact->seq;
    record->length = artifact->file->length;
    memcpy(record->artifact, artifact->file->hashes.sha256, sizeof record->artifact);
}

enum status choice_make(const struct choice_rules *rules,
                        const struct assignment *assignment,
                        const struct choice_listing *listing, struct choice *ret_choice,
                        struct err *err)
{
    struct choice choice = {.consistent_snapshot = listing->consistent_snapshot};
    enum status status = find(assignment, listing->file, &choice.artifact, err);
    if (status == OK) {
        status = check_digest(assignment, &choice.artifact, err);
    }
    if (status == OK) {
        status = check_rules(rules, &choice.artifact, err);
    }
    if (status != OK) {
        return status;
    }
    target_transports_find(listing->lister, &choice.artifact, &choice.transports);
    make_record(&choice);
    *ret_choice = choice;
    return OK;
}
