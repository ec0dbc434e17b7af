/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/listing.h"

#include <inttypes.h>
#include <string.h>

#include "tuf/target.h"

static const char TARGETS[] = "targets";
static const char EXTRA[] = "x-muster";
static const char HIGHEST[] = "highest_seq";

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for a listing");
}

/* ---- reading ---- */

const char *listing_role(const struct draft *draft, const char *model)
{
    const struct tuf_delegations *all = draft_targets(draft, TARGETS)->delegations;
    for (size_t i = 0; all && i < all->count; i++) {
        if (strcmp(all->roles[i].name, model) == 0) {
            return all->roles[i].name;
        }
    }
    return TARGETS;
}

static int64_t remembered(const json_t *body, const char *model)
{
    const json_t *highest = json_object_get(json_object_get(body, EXTRA), HIGHEST);
    return json_integer_value(json_object_get(highest, model));
}

static void add_file(const struct tuf_targets *targets, const char *model,
                     struct listing *listing)
{
    int64_t floor = 0;
    int64_t highest = 0;
    model_targets_floor(targets, model, &floor, &highest);
    int64_t ever = remembered(targets->envelope.body, model);
    listing->floor = floor > listing->floor ? floor : listing->floor;
    listing->highest = highest > listing->highest ? highest : listing->highest;
    ever = ever > highest ? ever : highest;
    listing->highest_ever = ever > listing->highest_ever ? ever : listing->highest_ever;
}

struct listing listing_read(const struct draft *draft, const char *model)
{
    struct listing listing = {0};
    const char *role = listing_role(draft, model);
    add_file(draft_targets(draft, TARGETS), model, &listing);
    if (role != TARGETS && draft_targets(draft, role)) {
        add_file(draft_targets(draft, role), model, &listing);
    }
    return listing;
}

enum status listing_remember(json_t *body, const char *model, int64_t seq,
                             struct err *err)
{
    if (seq <= remembered(body, model)) {
        return OK;
    }
    json_t *extra = json_object_get(body, EXTRA);
    if (!extra) {
        extra = json_pack("{s:{}}", HIGHEST);
        (void)json_object_set_new(body, EXTRA, extra);
    }
    return json_object_set_new(json_object_get(extra, HIGHEST), model,
                               json_integer(seq)) == 0
               ? OK
               : no_memory(err);
}

/* ---- changing ---- */

/* The model's entry at `i`, artifact or transport. */
static bool is_of_model(const struct tuf_targets *targets, size_t i, const char *model,
                        struct model_target *ret_entry)
{
    bool ours = false;
    return model_target_parse(&targets->targets[i], &ours, ret_entry, NULL) == OK &&
           ours && strcmp(ret_entry->model, model) == 0;
}

enum status listing_copy(const struct tuf_targets *from, const char *model, json_t *to,
                         struct err *err)
{
    const json_t *entries = json_object_get(from->envelope.body, TARGETS);
    for (size_t i = 0; i < from->count; i++) {
        struct model_target entry;
        const char *path = from->targets[i].path;
        if (!is_of_model(from, i, model, &entry)) {
            continue;
        }
        json_t *copy = json_deep_copy(json_object_get(entries, path));
        if (json_object_set_new(json_object_get(to, TARGETS), path, copy) != 0) {
            return no_memory(err);
        }
    }
    return listing_remember(to, model, remembered(from->envelope.body, model), err);
}

/* Whether a file lists the version; its seq. */
static bool lists_version(const struct tuf_targets *targets, const char *model,
                          const char *version, const char *variant, int64_t *ret_seq)
{
    for (size_t i = 0; targets && i < targets->count; i++) {
        struct model_target entry;
        if (is_of_model(targets, i, model, &entry) && entry.kind == TARGET_ARTIFACT &&
            strcmp(entry.version, version) == 0 &&
            (!variant || strcmp(entry.variant, variant) == 0)) {
            *ret_seq = entry.seq;
            return true;
        }
    }
    return false;
}

/* Whether an entry belongs to what is removed. A transport carries its result's variant.
 */
static bool is_removed(const struct model_target *entry, int64_t seq, const char *variant)
{
    return entry->seq == seq && (!variant || strcmp(entry->variant, variant) == 0);
}

/* Puts a floor into every artifact of a seq. */
static enum status set_floor(const struct tuf_targets *targets, const char *model,
                             int64_t seq, int64_t floor, json_t *body, struct err *err)
{
    for (size_t i = 0; i < targets->count; i++) {
        struct model_target entry;
        if (!is_of_model(targets, i, model, &entry) || entry.kind != TARGET_ARTIFACT ||
            entry.seq != seq) {
            continue;
        }
        json_t *target =
            json_object_get(json_object_get(body, TARGETS), targets->targets[i].path);
        json_t *muster = json_object_get(json_object_get(target, "custom"), "muster");
        if (target && json_object_set_new(muster, "floor", json_integer(floor)) != 0) {
            return no_memory(err);
        }
    }
    return OK;
}

/* What a file lists of the model once the version is gone. */
struct remains {
    int64_t highest;
    int64_t floor; /* of what stays */
    int64_t lost;  /* of what goes */
};

static struct remains take_out(const struct tuf_targets *targets, const char *model,
                               int64_t seq, const char *variant, json_t *body)
{
    struct remains remains = {0};
    for (size_t i = 0; i < targets->count; i++) {
        struct model_target entry;
        if (!is_of_model(targets, i, model, &entry)) {
            continue;
        }
        bool gone = is_removed(&entry, seq, variant);
        if (gone) {
            (void)json_object_del(json_object_get(body, TARGETS),
                                  targets->targets[i].path);
        }
        if (entry.kind != TARGET_ARTIFACT) {
            continue;
        }
        int64_t *floor = gone ? &remains.lost : &remains.floor;
        *floor = entry.floor > *floor ? entry.floor : *floor;
        if (!gone && entry.seq > remains.highest) {
            remains.highest = entry.seq;
        }
    }
    return remains;
}

enum status listing_remove(struct draft *draft, const char *model, const char *version,
                           const char *variant, struct err *err)
{
    const char *role = listing_role(draft, model);
    int64_t seq = 0;
    json_t *body = NULL;
    if (!lists_version(draft_targets(draft, role), model, version, variant, &seq)) {
        role = TARGETS;
    }
    const struct tuf_targets *targets = draft_targets(draft, role);
    if (!lists_version(targets, model, version, variant, &seq)) {
        return err_set(err, ERR_NOT_FOUND,
                       "model '%.63s' lists no version '%.63s'%s%.63s: 'muster repo "
                       "status' shows what is listed",
                       model, version, variant ? " of variant " : "",
                       variant ? variant : "");
    }
    enum status status = draft_edit(draft, role, &body, err);
    if (status != OK) {
        return status;
    }
    struct remains remains = take_out(targets, model, seq, variant, body);
    if (remains.highest > 0 && remains.lost > remains.highest) {
        return err_set(err, ERR_TUF_FLOOR,
                       "'%.63s' has the floor %" PRId64 ", and only seq %" PRId64
                       " and below would stay listed: publish a newer version first, or "
                       "remove those too, lowest first",
                       model, remains.lost, remains.highest);
    }
    if (remains.lost > remains.floor) {
        status = set_floor(targets, model, remains.highest, remains.lost, body, err);
    }
    if (status == OK && remains.highest < seq) {
        status = listing_remember(body, model, seq, err);
    }
    return status == OK ? draft_settle(draft, err) : status;
}

enum status listing_raise_floor(struct draft *draft, const char *model, int64_t floor,
                                struct err *err)
{
    struct listing listing = listing_read(draft, model);
    if (listing.highest == 0) {
        return err_set(err, ERR_NOT_FOUND,
                       "no version of '%.63s' is listed: 'muster repo status' shows "
                       "what is",
                       model);
    }
    if (floor <= listing.floor || floor > listing.highest) {
        return err_set(err, ERR_TUF_FLOOR,
                       "model '%.63s': a floor above %" PRId64 " and up to the highest "
                       "seq %" PRId64 " expected, %" PRId64 " found; it is never lowered",
                       model, listing.floor, listing.highest, floor);
    }
    const char *role = listing_role(draft, model);
    int64_t below = 0;
    int64_t highest = 0;
    if (draft_targets(draft, role)) {
        model_targets_floor(draft_targets(draft, role), model, &below, &highest);
    }
    role = highest == listing.highest ? role : TARGETS;
    const struct tuf_targets *targets = draft_targets(draft, role);
    json_t *body = NULL;
    enum status status = draft_edit(draft, role, &body, err);
    if (status == OK) {
        status = set_floor(targets, model, listing.highest, floor, body, err);
    }
    return status == OK ? draft_settle(draft, err) : status;
}
