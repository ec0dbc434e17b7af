/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/finder.h"

#include <stdlib.h>

static void stop(struct finder *finder)
{
    http_call_free(finder->call);
    finder->call = NULL;
    finder->running = false;
    finder->told = false;
}

void finder_release(struct finder *finder)
{
    stop(finder);
    free(finder->search);
    finder->search = NULL;
}

enum status finder_begin(struct finder *finder, const char *path, struct err *err)
{
    struct trusted_set *set = NULL;
    stop(finder);
    finder->absent = false;
    enum status status = updater_current(finder->updater, &set, err);
    if (status == OK && !finder->search) {
        finder->search = calloc(1, sizeof *finder->search);
        status = finder->search ? OK : err_set(err, ERR_NO_MEMORY, "no memory to search");
    }
    if (status == OK) {
        status = target_search_init(finder->search, set, path, err);
    }
    finder->running = status == OK;
    finder->told = finder->running;
    return status;
}

static enum status accept_role(struct finder *finder, const struct buf *data,
                               struct err *err)
{
    struct target_search *search = finder->search;
    return trusted_set_update_role(search->set, search->delegator, search->role,
                                   data->data ? data->data : "", data->len, err);
}

/* From the cache when that still verifies; otherwise asks for it. */
static enum status get_role(struct finder *finder, struct err *err)
{
    struct updater *updater = finder->updater;
    struct target_search *search = finder->search;
    struct tuf_wanted wanted;
    enum status status = trusted_set_wanted_role(search->set, search->role, &wanted, err);
    if (status != OK) {
        return status;
    }
    char name[TUF_FILE_NAME_MAX];
    tuf_role_file_name(search->role, name);
    BUF_AUTO cached = BUF_INIT(search->set->limits.targets_bytes);
    if (updater_cache_read(updater, name, &cached) &&
        accept_role(finder, &cached, NULL) == OK) {
        finder->told = true;
        return OK;
    }
    char path[UPDATER_PATH_BYTES];
    updater_metadata_path(updater, wanted.name, path);
    struct http_order order = {.path = path, .max_bytes = wanted.max_bytes};
    return http_call_start(updater->http, &order, &finder->call, err);
}

/* An answer came: verify, store, go on. */
static enum status take_role(struct finder *finder, struct err *err)
{
    const struct target_search *search = finder->search;
    const struct http_call *call = finder->call;
    enum status status = updater_answered(call, search->role, err);
    if (status != OK) {
        return status;
    }
    if (call->status != 200) {
        return http_unexpected(call, search->role, err);
    }
    status = accept_role(finder, &call->body, err);
    if (status == OK) {
        char name[TUF_FILE_NAME_MAX];
        tuf_role_file_name(search->role, name);
        status = updater_cache_write(finder->updater, name, &call->body, err);
    }
    http_call_free(finder->call);
    finder->call = NULL;
    finder->told = status == OK;
    return status;
}

/* Roles that were accepted earlier may have expired since. */
static enum status check_expiry(const struct finder *finder, struct err *err)
{
    const struct target_search *search = finder->search;
    int64_t now_ms = updater_now_ms(finder->updater);
    for (size_t i = 0; i < search->visited_count; i++) {
        enum status status =
            trusted_set_role_fresh(search->set, search->visited[i], now_ms, err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

/* The search itself, as far as it goes with what has been accepted. */
static enum status walk(struct finder *finder, bool *ret_done, struct err *err)
{
    enum search_state state = SEARCH_ABSENT;
    finder->told = false;
    enum status status = target_search_step(finder->search, &state, err);
    if (status != OK) {
        return status;
    }
    if (state != SEARCH_WANTS_ROLE) {
        status = check_expiry(finder, err);
    }
    if (status != OK) {
        return status;
    }
    switch (state) {
    case SEARCH_FOUND:
        *ret_done = true;
        return OK;
    case SEARCH_WANTS_ROLE:
        return get_role(finder, err);
    case SEARCH_ABSENT:
        finder->absent = true;
        break;
    }
    return err_set(err, ERR_TUF_MISSING, "target '%.120s' expected, nobody lists it",
                   finder->search->path);
}

bool finder_ready(const struct finder *finder)
{
    return finder->told || (finder->call && finder->call->done);
}

enum status finder_step(struct finder *finder, bool *ret_done,
                        const struct tuf_target **ret_target,
                        const struct tuf_targets **ret_lister, struct err *err)
{
    bool done = false;
    enum status status = OK;
    while (status == OK && !done && finder_ready(finder)) {
        status = finder->told ? walk(finder, &done, err) : take_role(finder, err);
    }
    if (status != OK || done) {
        stop(finder);
    }
    *ret_done = status == OK && done;
    if (*ret_done) {
        *ret_target = finder->search->target;
        *ret_lister = finder->search->lister;
    }
    return status;
}
