/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/poll.h"

#include <sodium.h>
#include <string.h>

#include "edge/kept.h"

enum { DEFAULT_POLL_MS = 30000 };

static int64_t interval(const struct poll *poll)
{
    if (poll->interval_ms > 0) {
        return poll->interval_ms;
    }
    int64_t ms = poll->has_assignment ? poll->assignment.poll_ms : DEFAULT_POLL_MS;
    return ms + randombytes_uniform((uint32_t)(ms / 10) + 1);
}

/* Ends the round with a reason. What was refused is not asked for again before the next
 * regular poll; a network that failed is tried as soon as the backoff allows. */
static void round_failed(struct poll *poll, const struct err *err, int64_t at_least_ms)
{
    int64_t now_ms = env_mono_ms(poll->env);
    bool network = err->status == ERR_NET || err->status == ERR_NET_STATUS;
    int64_t refused_ms = network ? 0 : interval(poll);
    backoff_fail(&poll->backoff, now_ms, poll->env->backoff_max_ms,
                 at_least_ms > refused_ms ? at_least_ms : refused_ms);
    env_complain(poll->env, CHANNEL_MODEL, err);
    poll->phase = POLL_IDLE;
    poll->renewed = false;
    poll->next_ms = now_ms;
}

/* Ends the round well, unless what runs could not be reviewed. */
static void round_done(struct poll *poll)
{
    if (poll->review.why.status != OK) {
        round_failed(poll, &poll->review.why, 0);
        return;
    }
    backoff_reset(&poll->backoff);
    env_well(poll->env, CHANNEL_MODEL, "assignment and metadata are in order again");
    poll->phase = POLL_IDLE;
    poll->renewed = false;
    poll->next_ms = env_mono_ms(poll->env) + interval(poll);
}

/* Ends the round until its download may be tried again; the reason was told. */
static void round_waits(struct poll *poll, int64_t wait_ms)
{
    int64_t regular_ms = interval(poll);
    poll->phase = POLL_IDLE;
    poll->renewed = false;
    poll->next_ms =
        env_mono_ms(poll->env) + (wait_ms < regular_ms ? wait_ms : regular_ms);
}

/* Choosing and installing */

static bool is_active(const struct poll *poll)
{
    return poll->active_runs && poll->store->has_active &&
           memcmp(poll->store->active.artifact, poll->assignment.artifact, 32) == 0;
}

/* Forgets what was asked during a download; asks again after an interval. */
static void end_watch(struct poll *poll)
{
    http_call_free(poll->watch);
    poll->watch = NULL;
    poll->watch_ms = env_mono_ms(poll->env) + interval(poll);
}

/* Whether it is known that this artifact cannot run here. */
static bool is_bad(const struct poll *poll)
{
    return poll->has_bad && memcmp(poll->bad, poll->assignment.artifact, 32) == 0;
}

/* What is assigned runs. */
static void settle(struct poll *poll)
{
    if (!poll->store->active.withdrawn) {
        env_well(poll->env, CHANNEL_ACTIVE, "what is assigned runs again");
    }
    round_done(poll);
}

/* Looks the assigned path up; step_find goes on. */
static void evaluate(struct poll *poll)
{
    struct err err = {0};
    bool left = poll->assignment.has_model &&
                kept_is_left(poll->env, poll->store, poll->assignment.artifact);
    int64_t held_ms = attempts_wait_ms(&poll->attempts, poll->assignment.artifact,
                                       env_mono_ms(poll->env));
    if (poll->assignment.has_model && is_active(poll)) {
        settle(poll);
    } else if (!poll->assignment.has_model || left) {
        round_done(poll);
    } else if (is_bad(poll)) {
        round_failed(poll, &poll->bad_why, 0);
    } else if (held_ms > 0) {
        round_waits(poll, held_ms);
    } else if (finder_begin(poll->finder, poll->assignment.path, &err) != OK) {
        round_failed(poll, &err, 0);
    } else {
        poll->phase = POLL_FIND;
    }
}

/* An artifact that cannot run here is not tried again before another is assigned. */
static void note_bad(struct poll *poll, const struct err *err)
{
    if (err->status == ERR_MNET_SELFTEST || err->status == ERR_MNET_INVALID ||
        err->status == ERR_MNET_UNSUPPORTED || err->status == ERR_RUNNER_REFUSED ||
        err->status == ERR_ENGINE_REFUSED) {
        poll->has_bad = true;
        poll->bad_why = *err;
        memcpy(poll->bad, poll->install->choice.record.artifact, sizeof poll->bad);
    }
}

/* What a failed download means for the next one. */
static void count_attempt(struct poll *poll)
{
    const struct download *download = &poll->install->download;
    struct attempt attempt = {.brought = download->brought,
                              .retry_after_ms = download->retry_after_ms,
                              .backoff_max_ms = poll->env->backoff_max_ms,
                              .now_ms = env_mono_ms(poll->env)};
    if (attempts_failed(&poll->attempts, poll->assignment.artifact, &attempt)) {
        backoff_reset(&poll->backoff);
    }
}

static void install_failed(struct poll *poll, const struct err *err)
{
    struct err ignored = {0};
    note_bad(poll, err);
    switch (poll->errand) {
    case ERRAND_ASSIGNED:
        if (err->status == ERR_NET || err->status == ERR_NET_STATUS) {
            count_attempt(poll);
        }
        round_failed(poll, err, 0);
        return;
    case ERRAND_STOPPED:
        env_complain(poll->env, CHANNEL_MODEL, err);
        evaluate(poll);
        return;
    case ERRAND_ASKED:
        if (store_return(poll->store, &ignored) != OK) {
            env_complain(poll->env, CHANNEL_ACTIVE, &ignored);
        }
        round_failed(poll, err, 0);
        return;
    }
}

static void begin_install(struct poll *poll, enum poll_errand errand,
                          const struct choice *choice, const char *token)
{
    struct err err = {0};
    poll->errand = errand;
    if (install_begin(poll->install, choice, token, &err) != OK) {
        install_stop(poll->install);
        install_failed(poll, &err);
        return;
    }
    poll->phase = POLL_INSTALL;
    end_watch(poll);
}

/* Floors first: the entry that was found may be below the one that its list raises. */
static enum status choose(struct poll *poll, const struct choice_listing *listing,
                          struct choice *ret_choice, struct err *err)
{
    struct trusted_set *set = &poll->updater->current;
    enum status status = OK;
    if (listing->lister != set->targets) {
        status = model_targets_check(listing->lister, err);
        if (status == OK) {
            status = trust_raise_model(poll->updater->trust, set, listing->lister,
                                       poll->assignment.model, err);
        }
    }
    return status == OK
               ? choice_make(&poll->rules, &poll->assignment, listing, ret_choice, err)
               : status;
}

static void step_find(struct poll *poll)
{
    struct err err = {0};
    bool done = false;
    struct choice choice;
    struct choice_listing listing = {
        .consistent_snapshot = poll->updater->current.root->consistent_snapshot};
    enum status status =
        finder_step(poll->finder, &done, &listing.file, &listing.lister, &err);
    if (status == OK && !done) {
        return;
    }
    if (status == OK) {
        status = choose(poll, &listing, &choice, &err);
    }
    if (status != OK) {
        round_failed(poll, &err, 0);
        return;
    }
    begin_install(poll, ERRAND_ASSIGNED, &choice, session_token(poll->session));
}

/* The previous artifact, from disk. */
static void begin_kept(struct poll *poll, enum poll_errand errand)
{
    struct choice choice = {.record = poll->store->previous};
    begin_install(poll, errand, &choice, NULL);
}

/* Without fresh metadata a node may still go back to what it ran before. */
static bool go_back(struct poll *poll)
{
    const struct model_record *previous = &poll->store->previous;
    bool assigned = poll->assignment.has_model && poll->store->has_previous &&
                    memcmp(previous->artifact, poll->assignment.artifact, 32) == 0;
    if (!assigned || !facts_run(poll->rules.facts, previous->format) || is_active(poll) ||
        is_bad(poll) || kept_is_left(poll->env, poll->store, poll->assignment.artifact) ||
        store_way_back(poll->store, poll->rules.trust, NULL) != OK) {
        return false;
    }
    begin_kept(poll, ERRAND_ASSIGNED);
    return true;
}

static void on_installed(struct poll *poll, struct edge_model *model)
{
    poll->active_runs = true;
    poll->on_model(poll->user, model);
    switch (poll->errand) {
    case ERRAND_ASSIGNED:
        settle(poll);
        return;
    case ERRAND_STOPPED:
        kept_tell(poll->env, poll->store, "the one before it was withdrawn");
        evaluate(poll);
        return;
    case ERRAND_ASKED:
        kept_tell(poll->env, poll->store, "an operator went back to it");
        round_done(poll);
        return;
    }
}

/* A download whose token ended goes on with a new one, as every other request does. */
static bool renews(struct poll *poll)
{
    const struct install *install = poll->install;
    if (!install->download.refused || poll->renewed) {
        return false;
    }
    session_refused(poll->session, install->token);
    poll->renewed = true;
    poll->phase = POLL_IDLE;
    poll->next_ms = env_mono_ms(poll->env);
    return true;
}

static void step_install(struct poll *poll)
{
    struct err err = {0};
    struct edge_model *model = NULL;
    enum status status = install_step(poll->install, &model, &err);
    if (status == ERR_NET_STATUS && renews(poll)) {
        return;
    }
    if (status != OK) {
        install_failed(poll, &err);
    } else if (model) {
        on_installed(poll, model);
    }
}

static void begin_asked(struct poll *poll)
{
    struct err err = {0};
    enum status status = store_way_back(poll->store, poll->rules.trust, &err);
    poll->asked_back = false;
    if (status == OK && poll->store->has_active) {
        status = store_leave(poll->store, &err);
    }
    if (status != OK) {
        round_failed(poll, &err, 0);
        return;
    }
    begin_kept(poll, ERRAND_ASKED);
}

enum status poll_go_back(struct poll *poll, struct err *err)
{
    enum status status = store_way_back(poll->store, poll->rules.trust, err);
    poll->asked_back = status == OK;
    return status;
}

/* Reviewing */

static void stop_active(struct poll *poll)
{
    struct err err = {0};
    poll->stopped = true;
    poll->active_runs = false;
    poll->on_model(poll->user, NULL);
    if (store_forget_active(poll->store, &err) != OK) {
        env_complain(poll->env, CHANNEL_ACTIVE, &err);
    }
}

static void step_review(struct poll *poll)
{
    bool stop = false;
    bool done = review_step(&poll->review, &stop);
    if (stop) {
        stop_active(poll);
    }
    if (!done) {
        return;
    }
    poll->update_failed = poll->review.why.status != OK; /* then both are done again */
    if (poll->stopped && store_way_back(poll->store, poll->rules.trust, NULL) == OK) {
        begin_kept(poll, ERRAND_STOPPED);
    } else {
        evaluate(poll);
    }
}

static void begin_review(struct poll *poll)
{
    poll->stopped = false;
    review_begin(&poll->review);
    poll->phase = POLL_REVIEW;
    step_review(poll);
}

/* Updating */

/* Whether top-level targets list everything and do not have this path. */
static bool is_unlisted(const struct trusted_set *set, const char *path)
{
    return !set->targets->delegations && !tuf_targets_find(set->targets, path);
}

static bool update_due(const struct poll *poll)
{
    const struct updater *updater = poll->updater;
    const struct assignment *hint = &poll->assignment;
    if (!updater->has_current) {
        return hint->has_model || hint->timestamp_version > 0;
    }
    const struct trusted_set *set = &updater->current;
    return poll->update_failed || env_mono_ms(poll->env) >= updater->refresh_at_ms ||
           (hint->timestamp_version > 0 &&
            hint->timestamp_version != set->timestamp->envelope.version) ||
           hint->root_version > set->root->envelope.version ||
           (hint->has_model && is_unlisted(set, hint->path));
}

static void update_failed(struct poll *poll, const struct err *err)
{
    poll->update_failed = true;
    if (go_back(poll)) {
        env_complain(poll->env, CHANNEL_MODEL, err);
        return;
    }
    round_failed(poll, err, 0);
}

static void proceed(struct poll *poll)
{
    struct err err = {0};
    if (!update_due(poll)) {
        evaluate(poll);
        return;
    }
    if (updater_begin(poll->updater, &err) != OK) {
        update_failed(poll, &err);
        return;
    }
    poll->phase = POLL_UPDATE;
}

static void step_update(struct poll *poll)
{
    struct err err = {0};
    bool done = false;
    if (updater_step(poll->updater, &done, &err) != OK) {
        update_failed(poll, &err);
    } else if (done) {
        poll->update_failed = false;
        begin_review(poll);
    }
}

/* Asking */

static void ask(struct poll *poll)
{
    struct err err = {0};
    if (assignment_ask(poll->http, session_token(poll->session), poll->etag, &poll->call,
                       &err) != OK) {
        round_failed(poll, &err, 0);
        return;
    }
    poll->phase = POLL_ASK;
}

static void on_assignment(struct poll *poll)
{
    struct err err = {0};
    struct assignment assignment;
    if (assignment_read(poll->call, poll->model, &assignment, &err) != OK) {
        round_failed(poll, &err, 0);
        return;
    }
    poll->assignment = assignment;
    poll->has_assignment = true;
    memcpy(poll->etag, poll->call->etag, sizeof poll->etag);
    if (assignment.has_model) {
        poll->on_detail(poll->user, assignment.model, &assignment.detail);
    }
    proceed(poll);
}

static void on_answer(struct poll *poll)
{
    struct err err = {0};
    const struct http_call *call = poll->call;
    if (http_call_result(call, &err) != OK) {
        round_failed(poll, &err, 0);
    } else if (call->status == 200) {
        on_assignment(poll);
    } else if (call->status == 304 && poll->has_assignment) {
        proceed(poll);
    } else if (call->status == 401 && !poll->renewed) {
        session_refused(poll->session, call->token);
        poll->renewed = true;
        poll->phase = POLL_IDLE;
        poll->next_ms = env_mono_ms(poll->env);
    } else {
        if (call->status == 401) {
            session_refused(poll->session, call->token);
        }
        enum status status = http_unexpected(call, "the assignment", &err);
        round_failed(poll, &err, call->retry_after_ms);
        (void)status;
    }
}

static void step_ask(struct poll *poll)
{
    if (!poll->call->done) {
        return;
    }
    on_answer(poll);
    http_call_free(poll->call);
    poll->call = NULL;
}

/* Watching, during a download */

/* Newer metadata may withdraw what runs: that does not wait for the end of a download,
 * which goes on where it was. */
static int64_t known_timestamp(const struct poll *poll)
{
    const struct updater *updater = poll->updater;
    return updater->has_current ? updater->current.timestamp->envelope.version
                                : INT64_MAX;
}

static void watch(struct poll *poll)
{
    const char *token = session_token(poll->session);
    if (install_outside(poll->install) && token) {
        install_renew_token(poll->install, token);
    }
    if (!poll->watch && install_outside(poll->install) && token &&
        env_mono_ms(poll->env) >= poll->watch_ms) {
        if (assignment_ask(poll->http, token, poll->etag, &poll->watch, NULL) != OK) {
            end_watch(poll);
        }
    }
    if (!poll->watch || !poll->watch->done) {
        return;
    }
    if (assignment_supersedes(
            poll->watch, poll->model, &poll->assignment,
            known_timestamp(poll))) { /* the next round sees it too, and begins anew */
        install_stop(poll->install);
        poll->phase = POLL_IDLE;
        poll->next_ms = env_mono_ms(poll->env);
    } else if (poll->watch->status == 401) {
        session_refused(poll->session, poll->watch->token);
    }
    end_watch(poll);
}

static int64_t install_poll_wait_ms(const struct poll *poll)
{
    int64_t wait = install_wait_ms(poll->install);
    if (!install_outside(poll->install)) {
        return wait;
    }
    if (poll->watch) {
        return poll->watch->done ? 0 : wait;
    }
    int64_t until = poll->watch_ms - env_mono_ms(poll->env);
    return until < wait ? (until > 0 ? until : 0) : wait;
}

static int64_t idle_wait_ms(const struct poll *poll)
{
    if (!session_token(poll->session)) {
        return EDGE_NEVER_MS;
    }
    int64_t now_ms = env_mono_ms(poll->env);
    int64_t wait = backoff_wait_ms(&poll->backoff, now_ms);
    int64_t until = poll->next_ms > now_ms ? poll->next_ms - now_ms : 0;
    return wait > until ? wait : until;
}

void poll_step(struct poll *poll)
{
    switch (poll->phase) {
    case POLL_IDLE:
        if (poll->asked_back) {
            begin_asked(poll);
        } else if (idle_wait_ms(poll) == 0) {
            ask(poll);
        }
        break;
    case POLL_ASK:
        step_ask(poll);
        break;
    case POLL_UPDATE:
        step_update(poll);
        break;
    case POLL_REVIEW:
        step_review(poll);
        break;
    case POLL_FIND:
        step_find(poll);
        break;
    case POLL_INSTALL:
        watch(poll);
        if (poll->phase == POLL_INSTALL) {
            step_install(poll);
        }
        break;
    }
}

int64_t poll_wait_ms(const struct poll *poll)
{
    switch (poll->phase) {
    case POLL_IDLE:
        return poll->asked_back ? 0 : idle_wait_ms(poll);
    case POLL_ASK:
        return poll->call->done ? 0 : EDGE_NEVER_MS;
    case POLL_UPDATE:
        return updater_ready(poll->updater) ? 0 : EDGE_NEVER_MS;
    case POLL_REVIEW:
        return review_ready(&poll->review) ? 0 : EDGE_NEVER_MS;
    case POLL_FIND:
        return finder_ready(poll->finder) ? 0 : EDGE_NEVER_MS;
    case POLL_INSTALL:
        return install_poll_wait_ms(poll);
    }
    return EDGE_NEVER_MS;
}

void poll_release(struct poll *poll)
{
    http_call_free(poll->call);
    http_call_free(poll->watch);
    poll->call = poll->watch = NULL;
    poll->phase = POLL_IDLE;
}
