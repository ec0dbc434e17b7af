/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/target_search.h"

#include <stdio.h>
#include <string.h>

enum status target_search_init(struct target_search *ret_search, struct trusted_set *set,
                               const char *path, struct err *err)
{
    if (strlen(path) >= sizeof ret_search->path) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "a path of at most %zu bytes expected, %zu found",
                       sizeof ret_search->path - 1, strlen(path));
    }
    memset(ret_search, 0, sizeof *ret_search);
    ret_search->set = set;
    (void)snprintf(ret_search->path, sizeof ret_search->path, "%s", path);
    return OK;
}

static bool was_visited(const struct target_search *search, const char *role)
{
    for (size_t i = 0; i < search->visited_count; i++) {
        if (strcmp(search->visited[i], role) == 0) {
            return true;
        }
    }
    return false;
}

/* Looks into a role's file; its delegations are asked next. */
static bool visit(struct target_search *search, const struct tuf_targets *targets)
{
    search->target = tuf_targets_find(targets, search->path);
    search->lister = targets;
    if (!search->target && targets->delegations) {
        search->frames[search->depth++] = (struct search_frame){.targets = targets};
    }
    return search->target != NULL;
}

/* The next role that may list the path and was not visited: it becomes pending. */
static enum status choose_role(struct target_search *search, struct err *err)
{
    while (!search->pending && search->depth > 0) {
        struct search_frame *frame = &search->frames[search->depth - 1];
        bool found = false;
        enum status status = delegations_next(frame->targets->delegations, search->path,
                                              &frame->at, &search->delegate, &found, err);
        if (status != OK) {
            return status;
        }
        if (!found) {
            search->depth--;
            continue;
        }
        search->delegator = frame->targets;
        if (search->delegate.terminating) {
            search->depth = 0;
        }
        search->pending = !was_visited(search, search->delegate.name);
    }
    return OK;
}

static enum status count_role(struct target_search *search, struct err *err)
{
    int limit = search->set->limits.search_roles;
    if (search->visited_count >= SEARCH_ROLES_MAX ||
        search->visited_count >= (size_t)(limit > 0 ? limit : 0)) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "at most %d delegated roles in one search expected, more found",
                       limit);
    }
    (void)snprintf(search->visited[search->visited_count++], TUF_ROLE_NAME_MAX, "%s",
                   search->delegate.name);
    return OK;
}

/* Visits the pending role if its file is there. */
static enum status visit_pending(struct target_search *search,
                                 enum search_state *ret_state, struct err *err)
{
    const struct tuf_targets *targets = NULL;
    enum status status = trusted_set_role(search->set, search->delegator,
                                          search->delegate.name, &targets, err);
    if (status != OK) {
        return status;
    }
    if (!targets) {
        search->role = search->delegate.name;
        *ret_state = SEARCH_WANTS_ROLE;
        return OK;
    }
    status = count_role(search, err);
    if (status == OK) {
        search->pending = false;
        *ret_state = visit(search, targets) ? SEARCH_FOUND : SEARCH_ABSENT;
    }
    return status;
}

enum status target_search_step(struct target_search *search, enum search_state *ret_state,
                               struct err *err)
{
    if (!search->set->targets) {
        return err_set(err, ERR_TUF_NO_TRUST, "trusted targets expected, none found yet");
    }
    enum search_state state = search->target ? SEARCH_FOUND : SEARCH_ABSENT;
    if (!search->started) {
        search->started = true;
        state = visit(search, search->set->targets) ? SEARCH_FOUND : SEARCH_ABSENT;
    }
    enum status status = OK;
    while (status == OK && state == SEARCH_ABSENT) {
        status = choose_role(search, err);
        if (status != OK || !search->pending) {
            break;
        }
        status = visit_pending(search, &state, err);
    }
    if (status == OK) {
        *ret_state = state;
    }
    return status;
}
