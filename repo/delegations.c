/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/delegations.h"

#include <stdio.h>
#include <string.h>

#include "repo/listing.h"
#include "repo/signers.h"
#include "tuf/json.h"
#include "tuf/target.h"

static const char TARGETS[] = "targets";

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for a delegation");
}

/* Appends a delegation without keys. */
static enum status add_role(json_t *body, const char *model, struct err *err)
{
    char pattern[TARGET_NAME_BYTES + 8];
    json_t *all = json_object_get(body, "delegations");
    if (!all) {
        all = json_pack("{s:{}, s:[]}", "keys", "roles");
        if (json_object_set_new(body, "delegations", all) != 0) {
            return no_memory(err);
        }
    }
    (void)snprintf(pattern, sizeof pattern, "%.*s/*/*", TARGET_NAME_BYTES - 1, model);
    json_t *role = json_pack("{s:s, s:[], s:i, s:b, s:[s]}", "name", model, "keyids",
                             "threshold", 1, "terminating", 1, "paths", pattern);
    return json_array_append_new(json_object_get(all, "roles"), role) == 0
               ? OK
               : no_memory(err);
}

enum status delegations_add(struct draft *draft, const char *model, const json_t *keys,
                            int64_t threshold, struct err *err)
{
    json_t *body = NULL;
    if (!target_name_valid(model) || !delegation_name_valid(model)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "a model's name expected that no role of TUF has, '%.63s' found",
                       model);
    }
    if (strcmp(listing_role(draft, model), model) == 0) {
        return err_set(err, ERR_EXISTS,
                       "'%.63s' is delegated already: 'muster repo signer' changes its "
                       "keys",
                       model);
    }
    if (threshold < 1 || threshold > (int64_t)json_array_size(keys)) {
        return err_set(err, ERR_TUF_ROLE,
                       "a threshold from 1 to the %zu keys given expected, %lld found",
                       json_array_size(keys), (long long)threshold);
    }
    enum status status = draft_edit(draft, TARGETS, &body, err);
    if (status == OK) {
        status = add_role(body, model, err);
    }
    if (status == OK) {
        status = draft_settle(draft, err);
    }
    for (size_t i = 0; status == OK && i < json_array_size(keys); i++) {
        status = signers_add(draft, model, json_array_get(keys, i), err);
    }
    if (status == OK) {
        status = signers_threshold(draft, model, threshold, err);
    }
    return status == OK ? draft_settle(draft, err) : status;
}

static void remove_role(json_t *body, const char *model)
{
    json_t *roles = json_object_get(json_object_get(body, "delegations"), "roles");
    for (size_t i = json_array_size(roles); i > 0; i--) {
        const json_t *name = json_object_get(json_array_get(roles, i - 1), "name");
        if (strcmp(json_string_value(name), model) == 0) {
            (void)json_array_remove(roles, i - 1);
        }
    }
    if (json_array_size(roles) == 0) {
        (void)json_object_del(body, "delegations");
    }
}

/* The keys that only that delegation had. */
static void remove_keys(json_t *body)
{
    json_t *all = json_object_get(body, "delegations");
    json_t *kept = json_object();
    size_t at = 0;
    json_t *role = NULL;
    json_array_foreach(json_object_get(all, "roles"), at, role)
    {
        const json_t *keyids = json_object_get(role, "keyids");
        for (size_t i = 0; i < json_array_size(keyids); i++) {
            const char *keyid = json_string_value(json_array_get(keyids, i));
            (void)json_object_set(kept, keyid,
                                  json_object_get(json_object_get(all, "keys"), keyid));
        }
    }
    if (all) {
        (void)json_object_set(all, "keys", kept);
    }
    json_decref(kept);
}

enum status delegations_end(struct draft *draft, const char *model, bool keep,
                            struct err *err)
{
    if (strcmp(listing_role(draft, model), model) != 0) {
        return err_set(err, ERR_NOT_FOUND,
                       "'%.63s' is not delegated: 'muster repo status' shows what is",
                       model);
    }
    struct listing listing = listing_read(draft, model);
    const struct tuf_targets *published = repository_targets(draft->repository, model);
    json_t *body = NULL;
    enum status status = draft_edit(draft, TARGETS, &body, err);
    if (status == OK && keep && published) {
        status = listing_copy(published, model, body, err);
    }
    if (status == OK && !keep) {
        status = listing_remember(body, model, listing.highest_ever, err);
    }
    if (status != OK) {
        return status;
    }
    remove_role(body, model);
    remove_keys(body);
    return draft_settle(draft, err);
}
