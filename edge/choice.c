/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

static bool runs_on(const json_t *hardware, const char *arch)
{
    bool found = hardware == NULL;
    for (size_t i = 0; i < json_array_size(hardware); i++) {
        const char *item = json_string_value(json_array_get(hardware, i));
        found =
            found || (item && (strcmp(item, arch) == 0 || strcmp(item, "generic") == 0));
    }
    return found;
}

static enum status check_fit(const struct choice_rules *rules,
                             const struct model_target *artifact, struct err *err)
{
    const struct facts *facts = rules->facts;
    if (!runs_on(artifact->hardware, facts->arch)) {
        return err_set(err, ERR_UNSUPPORTED, "%s is not for hardware '%s'",
                       artifact->file->path, facts->arch);
    }
    if (facts->ram_bytes > 0 && artifact->ram_bytes > facts->ram_bytes) {
        return err_set(err, ERR_UNSUPPORTED,
                       "%s needs %" PRId64 " bytes of memory, there are %" PRId64,
                       artifact->file->path, artifact->ram_bytes, facts->ram_bytes);
    }
    if (artifact->runtime_min &&
        facts_version_compare(artifact->runtime_min, MUSTER_VERSION) > 0) {
        return err_set(err, ERR_UNSUPPORTED, "%s needs runtime %.20s, this is %s",
                       artifact->file->path, artifact->runtime_min, MUSTER_VERSION);
    }
    if (strncmp(artifact->format, "mnet/", 5) != 0) {
        return err_set(err, ERR_UNSUPPORTED, "%s: format '%.20s' does not run here",
                       artifact->file->path, artifact->format);
    }
    return OK;
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
