/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/model_detail.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "format/report.h"
#include "format/summary.h"
#include "server/service/artifacts.h"
#include "server/service/changes.h"
#include "server/service/tally.h"
#include "server/store/registry.h"
#include "server/store/registry_detail.h"
#include "server/store/store.h"

static const int64_t MINUTE_MS = 60000;
static const int64_t MINUTES_A_DAY = 1440;
static const int64_t HOURS_A_DAY = 24;
static const int64_t READ_DEADLINE_MS = 2000;

enum {
    WINDOW_MINUTES = 60,
    SLOTS = 64, /* minutes kept, more than the window */
    LATE = 2,   /* the minute that runs and the one before may not be complete */
    WARM = 5,   /* minutes after which what is seen beats what was stored */
    AUDIT_BYTES = 256,
};

/* What a model predicted in a minute of device time. */
struct minute {
    int64_t number; /* since 1970 */
    int64_t n, summarised, changes;
};

struct entry {
    char model[65];
    struct detail_setting setting;
    struct detail now;
    struct detail_rates stored; /* as the database knew them at the start */
    struct minute minutes[SLOTS];
};

struct model_details {
    struct changes *changes;
    struct artifacts *artifacts;
    int64_t since_minute;   /* the first whole minute that can be counted */
    pthread_mutex_t lock;   /* for all below */
    struct entry **entries; /* by name */
    size_t count, room;
};

/* The place of a model: where it is or where it belongs. */
static size_t place_of(const struct model_details *details, const char *model,
                       bool *ret_there)
{
    size_t low = 0;
    size_t high = details->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(details->entries[middle]->model, model) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_there = low < details->count && strcmp(details->entries[low]->model, model) == 0;
    return low;
}

static struct entry *insert(struct model_details *details, size_t at, const char *model)
{
    if (details->count == details->room) {
        size_t room = details->room > 0 ? details->room * 2 : 16;
        struct entry **entries = realloc(details->entries, room * sizeof(struct entry *));
        if (!entries) {
            return NULL;
        }
        details->entries = entries;
        details->room = room;
    }
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        return NULL;
    }
    (void)snprintf(entry->model, sizeof entry->model, "%s", model);
    entry->setting = detail_setting_default();
    entry->now = (struct detail){
        .mode = DETAIL_FULL, .every = 1, .interval_s = entry->setting.interval_s};
    memmove(&details->entries[at + 1], &details->entries[at],
            (details->count - at) * sizeof details->entries[0]);
    details->entries[at] = entry;
    details->count++;
    return entry;
}

/* The entry of a model, a new one if need be; NULL without memory. With the lock. */
static struct entry *entry_of(struct model_details *details, const char *model)
{
    bool there = false;
    size_t at = place_of(details, model, &there);
    return there ? details->entries[at] : insert(details, at, model);
}

/* The rates of the last hour, but for the minutes that may not be complete yet. */
static struct detail_rates rates_of(const struct model_details *details,
                                    const struct entry *entry, int64_t now_ms)
{
    int64_t end = now_ms / MINUTE_MS - LATE + 1;
    int64_t start = end - WINDOW_MINUTES;
    start = start < details->since_minute ? details->since_minute : start;
    int64_t seen = end - start;
    if (seen < 1 || (seen < WARM && entry->stored.known)) {
        return entry->stored;
    }
    int64_t n = 0;
    int64_t summarised = 0;
    int64_t changes = 0;
    for (int i = 0; i < SLOTS; i++) {
        const struct minute *minute = &entry->minutes[i];
        if (minute->number >= start && minute->number < end) {
            n += minute->n;
            summarised += minute->summarised;
            changes += minute->changes;
        }
    }
    double predictions = (double)n * (double)MINUTES_A_DAY / (double)seen;
    double share = summarised > 0 ? (double)changes / (double)summarised : 0.0;
    return (struct detail_rates){.known = true,
                                 .predictions = predictions,
                                 .changes_known = summarised > 0,
                                 .changes = predictions * share};
}

/* Whether its predictions can be summarised: not values, only classes. */
static bool is_classifier(struct model_details *details, const char *model)
{
    struct model_info info;
    struct err unknown = {0};
    return artifacts_model(details->artifacts, model, &info, &unknown) == OK &&
           strcmp(info.task, "classify") == 0;
}

/* Decides anew; true when that changes what is asked. With the lock. */
static bool decide(struct model_details *details, struct entry *entry, int64_t now_ms)
{
    struct detail_rates rates = rates_of(details, entry, now_ms);
    struct detail before = entry->now;
    struct detail_setting full = entry->setting;
    full.mode = DETAIL_FULL;
    bool summaries = is_classifier(details, entry->model);
    entry->now = detail_decide(summaries ? &entry->setting : &full, &rates, &entry->now);
    return before.mode != entry->now.mode || before.every != entry->now.every;
}

static void log_change(const struct entry *entry)
{
    log_event(LOG_LEVEL_INFO, "detail_changed", log_text("model", entry->model),
              log_text("mode", detail_mode_name(entry->now.mode)),
              log_int("every", entry->now.every));
}

void model_details_tick(struct model_details *details, int64_t now_ms)
{
    (void)pthread_mutex_lock(&details->lock);
    for (size_t i = 0; i < details->count; i++) {
        if (decide(details, details->entries[i], now_ms)) {
            log_change(details->entries[i]);
        }
    }
    (void)pthread_mutex_unlock(&details->lock);
}

static enum status load_setting(void *context, const struct detail_row *row,
                                struct err *err)
{
    struct entry *entry = entry_of(context, row->model);
    if (!entry) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the detail of a model");
    }
    if (!detail_mode_parse(row->mode, &entry->setting.mode)) {
        return err_set(err, ERR_DB_CORRUPT, "model '%s' has detail '%s'", row->model,
                       row->mode);
    }
    entry->setting.every = (uint32_t)row->every;
    entry->setting.interval_s = row->interval_s;
    entry->setting.rows_per_day = row->rows_per_day;
    return OK;
}

/* Models that were never published here are nobody's to ask anything of. */
static enum status load_rate(void *context, const struct detail_rate_row *row,
                             struct err *err)
{
    struct model_details *details = context;
    struct model_info info;
    struct err unknown = {0};
    if (artifacts_model(details->artifacts, row->model, &info, &unknown) != OK) {
        return OK;
    }
    struct entry *entry = entry_of(details, row->model);
    if (!entry) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the detail of a model");
    }
    double predictions = (double)(row->n * HOURS_A_DAY);
    entry->stored = (struct detail_rates){
        .known = row->n > 0,
        .predictions = predictions,
        .changes_known = row->summarised > 0,
        .changes = row->summarised > 0
                       ? predictions * (double)row->changes / (double)row->summarised
                       : 0.0,
    };
    return OK;
}

static enum status load(void *context, struct db *db, struct err *err)
{
    store_read_longer(db, READ_DEADLINE_MS);
    enum status status = detail_rows_load(db, load_setting, context, err);
    return status == OK ? detail_rates_load(db, clock_wall_ms(), load_rate, context, err)
                        : status;
}

enum status model_details_open(struct changes *changes, struct artifacts *artifacts,
                               struct model_details **ret_details, struct err *err)
{
    struct model_details *details = calloc(1, sizeof *details);
    if (!details) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the detail of models");
    }
    details->changes = changes;
    details->artifacts = artifacts;
    details->since_minute = clock_wall_ms() / MINUTE_MS + 1;
    (void)pthread_mutex_init(&details->lock, NULL);
    enum status status = changes_read(changes, load, details, err);
    if (status != OK) {
        model_details_free(details);
        return status;
    }
    for (size_t i = 0; i < details->count; i++) {
        (void)decide(details, details->entries[i], clock_wall_ms());
    }
    *ret_details = details;
    return OK;
}

void model_details_free(struct model_details *details)
{
    if (!details) {
        return;
    }
    for (size_t i = 0; i < details->count; i++) {
        free(details->entries[i]);
    }
    free(details->entries);
    (void)pthread_mutex_destroy(&details->lock);
    free(details);
}

struct detail model_detail_now(struct model_details *details, const char *model)
{
    struct detail detail = {.mode = DETAIL_FULL, .every = 1};
    (void)pthread_mutex_lock(&details->lock);
    const struct entry *entry = entry_of(details, model);
    if (entry) {
        detail = entry->now;
    }
    (void)pthread_mutex_unlock(&details->lock);
    return detail;
}

enum status model_detail_get(struct model_details *details, const char *model,
                             struct model_detail_info *ret_info, struct err *err)
{
    struct model_info info;
    enum status status = artifacts_model(details->artifacts, model, &info, err);
    if (status != OK) {
        return status;
    }
    (void)pthread_mutex_lock(&details->lock);
    const struct entry *entry = entry_of(details, model);
    if (entry) {
        *ret_info = (struct model_detail_info){
            .setting = entry->setting,
            .now = entry->now,
            .rates = rates_of(details, entry, clock_wall_ms()),
        };
    }
    (void)pthread_mutex_unlock(&details->lock);
    return entry ? OK : err_set(err, ERR_NO_MEMORY, "no memory for a model's detail");
}

/* A setting on its way into the database. */
struct detail_change {
    const char *model, *actor;
    const struct detail_setting *setting;
    int64_t at_ms;
};

static enum status write_change(void *context, struct db *db, struct err *err)
{
    const struct detail_change *change = context;
    const struct detail_setting *setting = change->setting;
    struct detail_row row = {
        .model = change->model,
        .mode = detail_mode_name(setting->mode),
        .every = setting->every,
        .interval_s = setting->interval_s,
        .rows_per_day = setting->rows_per_day,
        .changed_ms = change->at_ms,
        .changed_by = change->actor,
    };
    enum status status = detail_row_put(db, &row, err);
    BUF_AUTO detail = BUF_INIT(AUDIT_BYTES);
    buf_addf(&detail, "{\"mode\":\"%s\",\"every\":%lld,\"interval_s\":%lld,", row.mode,
             (long long)row.every, (long long)row.interval_s);
    buf_addf(&detail, "\"rows_per_day\":%lld}", (long long)row.rows_per_day);
    if (status == OK) {
        status = buf_status(&detail, err);
    }
    struct audit_row audit = {.at_ms = change->at_ms,
                              .actor = change->actor,
                              .action = "model.detail",
                              .subject = change->model,
                              .detail = detail.data};
    return status == OK ? audit_row_insert(db, &audit, err) : status;
}

enum status model_detail_set(struct model_details *details, const char *model,
                             const struct detail_setting *setting, const char *actor,
                             struct err *err)
{
    CHANGE_AUTO(held, details->changes);
    struct model_info info;
    enum status status = artifacts_model(details->artifacts, model, &info, err);
    if (status != OK) {
        return status;
    }
    bool whole = setting->mode == DETAIL_FULL || setting->mode == DETAIL_AUTO;
    if (!whole && strcmp(info.task, "classify") != 0) {
        return err_set(err, ERR_UNSUPPORTED,
                       "the values of a model to %s have no summary", info.task);
    }
    struct detail_change change = {
        .model = model, .actor = actor, .setting = setting, .at_ms = clock_wall_ms()};
    status = changes_commit(details->changes, write_change, &change, err);
    if (status != OK) {
        return status;
    }
    (void)pthread_mutex_lock(&details->lock);
    struct entry *entry = entry_of(details, model);
    if (entry) {
        entry->setting = *setting;
        entry->now.mode = DETAIL_FULL; /* a new setting owes nothing to the old one */
        entry->now.every = 1;
        (void)decide(details, entry, change.at_ms);
        log_change(entry);
    }
    (void)pthread_mutex_unlock(&details->lock);
    return entry ? OK : err_set(err, ERR_NO_MEMORY, "no memory for a model's detail");
}

/* The minute that a report tells of; -1 when it is too long ago to matter. */
static int64_t minute_of(const struct report *report, int64_t received_ms)
{
    int64_t made_ms = report->summary ? report->summary->from_ms : report->at_ms[0];
    int64_t lag_ms = 0;
    bool sane = !__builtin_sub_overflow(received_ms, made_ms, &lag_ms) &&
                tally_is_plausible(lag_ms);
    if (sane && lag_ms > WINDOW_MINUTES * MINUTE_MS) {
        return -1;
    }
    return (sane && lag_ms > 0 ? made_ms : received_ms) / MINUTE_MS;
}

void model_details_count(struct model_details *details, const struct report *report,
                         int64_t received_ms)
{
    const struct summary *summary = report->summary;
    bool there = false;
    if (!summary && report->rows == 0) {
        return;
    }
    int64_t number = minute_of(report, received_ms);
    (void)pthread_mutex_lock(&details->lock);
    size_t at = place_of(details, report->model, &there);
    struct minute *minute =
        there && number >= 0 ? &details->entries[at]->minutes[number % SLOTS] : NULL;
    if (minute && minute->number < number) {
        *minute = (struct minute){.number = number};
    }
    if (minute && minute->number == number) {
        minute->n += report_predictions(report);
        minute->summarised += summary ? summary->n : 0;
        minute->changes += summary ? summary->changes : 0;
    }
    (void)pthread_mutex_unlock(&details->lock);
}
