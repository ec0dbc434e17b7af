/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/review.h"

#include <inttypes.h>
#include <string.h>

#include "tuf/target.h"

static struct model_record *record_of(const struct review *review)
{
    struct store *store = review->store;
    switch (review->subject) {
    case REVIEW_ACTIVE:
        return store->has_active ? &store->active : NULL;
    case REVIEW_PREVIOUS:
        return store->has_previous ? &store->previous : NULL;
    case REVIEW_DONE:
        break;
    }
    return NULL;
}

/* Whether the entry that was found is the artifact's own; then `ret_entry` is it. */
static bool is_entry_of(const struct tuf_target *file, const struct model_record *record,
                        struct model_target *ret_entry)
{
    bool ours = false;
    return file->hashes.has_sha256 &&
           memcmp(file->hashes.sha256, record->artifact, sizeof record->artifact) == 0 &&
           model_target_parse(file, &ours, ret_entry, NULL) == OK && ours &&
           ret_entry->kind == TARGET_ARTIFACT;
}

static void save(const struct review *review, const struct model_record *record)
{
    struct err err = {0};
    enum status status = review->subject == REVIEW_ACTIVE
                             ? store_save_active(review->store, record, &err)
                             : store_save_previous(review->store, record, &err);
    if (status != OK) {
        env_complain(review->env, CHANNEL_ACTIVE, &err);
    }
}

/* What was signed last of it counts. */
static void on_listed(struct review *review, const struct model_target *entry)
{
    struct model_record record = *record_of(review);
    bool stop = entry->on_revoke == TARGET_REVOKE_STOP;
    if (record.withdrawn || record.stop_on_revoke != stop) {
        bool back = record.withdrawn;
        record.withdrawn = false;
        record.stop_on_revoke = stop;
        save(review, &record);
        if (back && review->subject == REVIEW_ACTIVE) {
            env_well(review->env, CHANNEL_ACTIVE, "what runs is listed again");
        }
    }
}

static void tell_withdrawn(const struct review *review, const struct model_record *record)
{
    struct err err = {0};
    const struct trusted_set *set = &review->finder->updater->current;
    (void)err_set(&err, ERR_TUF_WITHDRAWN,
                  "%s %s: listed in targets version %" PRId64
                  " expected, not found; it %s, as its publisher signed (on_revoke %s)",
                  record->model, record->version, set->targets->envelope.version,
                  record->stop_on_revoke ? "stops" : "goes on",
                  record->stop_on_revoke ? "stop" : "keep");
    env_complain(review->env, CHANNEL_ACTIVE, &err);
}

static void on_withdrawn(struct review *review, bool *ret_stop)
{
    struct model_record record = *record_of(review);
    bool active = review->subject == REVIEW_ACTIVE;
    if (active) {
        tell_withdrawn(review, &record);
        *ret_stop = record.stop_on_revoke;
    }
    if (!active && record.stop_on_revoke) {
        struct err err = {0};
        if (store_forget_previous(review->store, &err) != OK) {
            env_complain(review->env, CHANNEL_ACTIVE, &err);
        }
    } else if (!record.withdrawn) {
        record.withdrawn = true;
        save(review, &record);
    }
}

static void next(struct review *review)
{
    review->searching = false;
    review->subject++;
}

/* Old pointers do not say where the artifact was listed, and weights may be listed anew
 * under another path: then top-level targets are asked for the digest. */
static bool listed_by_digest(const struct review *review, struct model_target *ret_entry)
{
    const struct trusted_set *set = &review->finder->updater->current;
    return model_targets_by_sha256(set->targets, record_of(review)->artifact, ret_entry,
                                   NULL) == OK;
}

/* The server may hide a withdrawal by withholding a role: that does not go unsaid. */
static void note_failure(struct review *review, const struct err *err)
{
    if (review->subject == REVIEW_ACTIVE) {
        review->why = *err;
    }
}

/* Looks for the subject's path, or knows without. */
static void begin_subject(struct review *review)
{
    const struct model_record *record = record_of(review);
    struct model_target entry;
    struct err err = {0};
    if (!record) {
        next(review);
    } else if (listed_by_digest(review, &entry)) {
        on_listed(review, &entry);
        next(review);
    } else if (!record->path[0]) {
        next(review); /* a pointer of before: nothing can be said of it */
    } else if (finder_begin(review->finder, record->path, &err) != OK) {
        note_failure(review, &err);
        next(review);
    } else {
        review->searching = true;
    }
}

static void step_search(struct review *review, bool *ret_stop)
{
    bool done = false;
    const struct tuf_target *file = NULL;
    const struct tuf_targets *lister = NULL;
    struct err err = {0};
    enum status status = finder_step(review->finder, &done, &file, &lister, &err);
    if (status == OK && !done) {
        return;
    }
    struct model_target entry;
    if (done && is_entry_of(file, record_of(review), &entry)) {
        on_listed(review, &entry);
    } else if (done || review->finder->absent) {
        on_withdrawn(review, ret_stop);
    } else {
        note_failure(review, &err);
    }
    next(review);
}

void review_begin(struct review *review)
{
    review->subject = REVIEW_ACTIVE;
    review->searching = false;
    err_clear(&review->why);
}

bool review_step(struct review *review, bool *ret_stop)
{
    while (review->subject != REVIEW_DONE && review_ready(review)) {
        if (review->searching) {
            step_search(review, ret_stop);
        } else {
            begin_subject(review);
        }
    }
    return review->subject == REVIEW_DONE;
}

bool review_ready(const struct review *review)
{
    return !review->searching || finder_ready(review->finder);
}
