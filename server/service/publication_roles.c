/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/publication_roles.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuf/target.h"
#include "tuf/target_search.h"

static const char SUFFIX[] = ".json";

/* One walk over all delegations. */
struct role_walk {
    struct trusted_set *set;
    const struct role_source *source;
    const struct tuf_targets *delegator; /* whose delegations are followed now */
    const char *delegator_name;
};

void publication_role_pointer(const char *role,
                              char ret_pointer[static PUBLICATION_POINTER_BYTES])
{
    size_t len = (size_t)snprintf(ret_pointer, PUBLICATION_POINTER_BYTES, "/delegated/");
    for (; *role && len + 3 < PUBLICATION_POINTER_BYTES; role++) {
        if (*role == '~' || *role == '/') {
            ret_pointer[len++] = '~';
            ret_pointer[len++] = *role == '~' ? '0' : '1';
        } else {
            ret_pointer[len++] = *role;
        }
    }
    ret_pointer[len] = '\0';
}

/* Names that no request target can spell, or no file system holds, cannot be served. */
static enum status check_name(const char *role, struct err *err)
{
    char name[TUF_FILE_NAME_MAX];
    tuf_role_file_name(role, name);
    for (const char *p = role; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '/' || *p == '\\') {
            return err_set(err, ERR_TUF_ROLE,
                           "role '%.60s': a name without slashes and control characters "
                           "expected",
                           role);
        }
    }
    return strlen(name) <= PUBLICATION_ROLE_NAME_MAX
               ? OK
               : err_set(err, ERR_TUF_ROLE,
                         "role '%.60s': a file name of at most %d bytes expected, %zu "
                         "found",
                         role, PUBLICATION_ROLE_NAME_MAX, strlen(name));
}

/* The snapshot's entry of a delegated role, or NULL. */
static const struct tuf_meta *named(const struct trusted_set *set, const char *role)
{
    char name[TUF_ROLE_NAME_MAX + sizeof SUFFIX];
    (void)snprintf(name, sizeof name, "%.*s%s", TUF_ROLE_NAME_MAX - 1, role, SUFFIX);
    return tuf_snapshot_meta(set->snapshot, name);
}

enum status publication_roles_named(const struct trusted_set *set, const char *role,
                                    struct err *err)
{
    return named(set, role) ? OK
                            : err_set(err, ERR_TUF_MISSING,
                                      "role '%.60s': an entry in the snapshot expected, "
                                      "none found",
                                      role);
}

static enum status read_role(const struct role_walk *walk, const char *role,
                             const struct tuf_meta *meta, struct buf *ret_text,
                             struct err *err)
{
    enum status status =
        walk->source->read(walk->source->context, role, meta->version, ret_text, err);
    if (status == ERR_NOT_FOUND) {
        err_clear(err);
        return err_set(err, ERR_TUF_MISSING,
                       "role '%.60s': its file of version %" PRId64
                       " expected, as the snapshot names it, none found",
                       role, meta->version);
    }
    return status;
}

static enum status accept_role(const struct role_walk *walk, const char *role,
                               const struct tuf_meta *meta, struct err *err)
{
    struct trusted_set *set = walk->set;
    BUF_AUTO text = BUF_INIT(set->limits.targets_bytes);
    if (set->delegated_count >= PUBLICATION_ROLES_MAX) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "at most %d delegated roles expected, more found",
                       PUBLICATION_ROLES_MAX);
    }
    enum status status = check_name(role, err);
    if (status == OK) {
        status = read_role(walk, role, meta, &text, err);
    }
    if (status == OK) {
        status = trusted_set_update_role(set, walk->delegator, role,
                                         text.data ? text.data : "", text.len, err);
    }
    if (status == OK) {
        status =
            model_targets_check(set->delegated[set->delegated_count - 1].targets, err);
        if (status != OK) {
            err_prefix(err, "role '%.60s'", role);
        }
    }
    return status;
}

static enum status follow_role(const struct role_walk *walk, const char *role,
                               struct err *err)
{
    const struct tuf_targets *known = NULL;
    const struct tuf_meta *meta = named(walk->set, role);
    if (!meta) {
        return OK;
    }
    enum status status = trusted_set_role(walk->set, walk->delegator, role, &known, err);
    if (status == OK && !known) {
        status = accept_role(walk, role, meta, err);
    }
    if (status != OK) {
        char pointer[PUBLICATION_POINTER_BYTES];
        publication_role_pointer(role, pointer);
        err_prefix(err, "delegated by '%.40s'", walk->delegator_name);
        err_set_pointer(err, "%s", pointer);
    }
    return status;
}

/* The role whose file has that name in a snapshot. */
static bool role_of(const char *name, char ret_role[static TUF_ROLE_NAME_MAX])
{
    size_t len = strlen(name);
    size_t suffix = sizeof SUFFIX - 1;
    if (len <= suffix || len - suffix >= TUF_ROLE_NAME_MAX ||
        strcmp(name + len - suffix, SUFFIX) != 0) {
        return false;
    }
    memcpy(ret_role, name, len - suffix);
    ret_role[len - suffix] = '\0';
    return true;
}

/* Succinct roles are too many to be tried: the snapshot tells which there are. */
static enum status follow_succinct(const struct role_walk *walk, struct err *err)
{
    const struct tuf_snapshot *snapshot = walk->set->snapshot;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < snapshot->count; i++) {
        char role[TUF_ROLE_NAME_MAX];
        struct tuf_delegate delegate;
        if (role_of(snapshot->metas[i].name, role) &&
            delegations_find(walk->delegator->delegations, role, &delegate)) {
            status = follow_role(walk, role, err);
        }
    }
    return status;
}

static enum status follow(const struct role_walk *walk, struct err *err)
{
    const struct tuf_delegations *all = walk->delegator->delegations;
    enum status status = OK;
    for (size_t i = 0; all && status == OK && i < all->count; i++) {
        status = follow_role(walk, all->roles[i].name, err);
    }
    return all && all->succinct.bits > 0 && status == OK ? follow_succinct(walk, err)
                                                         : status;
}

enum status publication_roles_accept(struct trusted_set *set,
                                     const struct role_source *source, struct err *err)
{
    struct role_walk walk = {.set = set,
                             .source = source,
                             .delegator = set->targets,
                             .delegator_name = tuf_role_name(TUF_ROLE_TARGETS)};
    enum status status = follow(&walk, err);
    for (size_t i = 0; status == OK && i < set->delegated_count; i++) {
        char name[TUF_ROLE_NAME_MAX]; /* the array may move while roles are added */
        memcpy(name, set->delegated[i].name, sizeof name);
        walk.delegator = set->delegated[i].targets;
        walk.delegator_name = name;
        status = follow(&walk, err);
    }
    return status;
}

/* ---- what clients find ---- */

/* Whether the search for a target of this role ends at the role. */
static enum status ends_at(struct trusted_set *set, const struct trusted_role *role,
                           const struct tuf_target *target, bool *ret_found,
                           struct err *err)
{
    struct target_search search;
    enum search_state state = SEARCH_ABSENT;
    enum status status = target_search_init(&search, set, target->path, err);
    if (status == OK) {
        status = target_search_step(&search, &state, err);
    }
    if (status == OK && state == SEARCH_WANTS_ROLE) {
        status = err_set(err, ERR_TUF_MISSING,
                         "a search ends at role '%.60s', which the snapshot does not "
                         "name",
                         search.role);
    }
    if (status != OK) {
        err_prefix(err, "target '%.60s' of role '%.40s'", target->path, role->name);
        return status;
    }
    *ret_found = state == SEARCH_FOUND && search.lister == role->targets;
    return OK;
}

static enum status list_role(struct trusted_set *set, const struct trusted_role *role,
                             struct tuf_targets *listing, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < role->targets->count; i++) {
        bool found = false;
        status = ends_at(set, role, &role->targets->targets[i], &found, err);
        if (found) {
            listing->targets[listing->count++] = role->targets->targets[i];
        }
    }
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct tuf_target *)a)->path,
                  ((const struct tuf_target *)b)->path);
}

enum status publication_roles_list(struct trusted_set *set,
                                   struct tuf_targets *ret_listing, struct err *err)
{
    size_t count = set->targets->count;
    for (size_t i = 0; i < set->delegated_count; i++) {
        count += set->delegated[i].targets->count;
    }
    struct tuf_targets listing = {.count = set->targets->count};
    listing.targets = calloc(count + 1, sizeof *listing.targets);
    if (!listing.targets) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a listing");
    }
    memcpy(listing.targets, set->targets->targets,
           set->targets->count * sizeof *listing.targets);
    enum status status = OK;
    for (size_t i = 0; status == OK && i < set->delegated_count; i++) {
        status = list_role(set, &set->delegated[i], &listing, err);
    }
    if (status != OK) {
        free(listing.targets);
        return status;
    }
    qsort(listing.targets, listing.count, sizeof *listing.targets, compare_paths);
    *ret_listing = listing;
    return OK;
}
