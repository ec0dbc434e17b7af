/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <muster/nn.h>

#include "base/file.h"
#include "edge/client_state.h"
#include "edge/kept.h"
#include "edge/state_lock.h"

enum {
    BATCH_ROWS = 500,
    BATCH_AGE_MS = 5000,
    HEARTBEAT_MS = 300000,
    BACKOFF_MAX_MS = 300000,
    CONNECT_MS = 10000,
    STALL_MS = 30000,
    LABELS_MAX = 16,
    NAME_MAX_BYTES = 128,
    MIB = 1024 * 1024,
    QUEUE_MIB = 64,
    REJECTED_MIB = 4,
    MODEL_MIB = 64,
    CACHE_MIB = 512,
    DOWNLOAD_MIN_RATE = 100, /* bytes a second */
    FACTS_BYTES = 16 * 1024,
};

static const int64_t RATE_MAX = INT64_C(1) << 40; /* bytes a second */

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static enum status check_options(const struct muster_client_options *options,
                                 struct err *err)
{
    if (!options->server_url || !options->state_folder || !options->root_path) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "server_url, state_folder and root_path are required");
    }
    if (options->batch_rows > REPORT_ROWS_MAX) {
        return err_set(err, ERR_INVALID_ARGUMENT, "batch_rows is at most %d, found %zu",
                       REPORT_ROWS_MAX, options->batch_rows);
    }
    if (options->label_count > LABELS_MAX) {
        return err_set(err, ERR_INVALID_ARGUMENT, "at most %d labels, found %zu",
                       LABELS_MAX, options->label_count);
    }
    for (size_t i = 0; i < options->format_count; i++) {
        if (i == FIT_FORMATS_MAX || !options->formats[i][0] ||
            strlen(options->formats[i]) >= FIT_TEXT_BYTES) {
            return err_set(err, ERR_INVALID_ARGUMENT,
                           "at most %d formats of 1 to %d bytes", FIT_FORMATS_MAX,
                           FIT_TEXT_BYTES - 1);
        }
    }
    if (options->name && (strlen(options->name) > NAME_MAX_BYTES || !options->name[0])) {
        return err_set(err, ERR_INVALID_ARGUMENT, "name has 1 to %d bytes",
                       NAME_MAX_BYTES);
    }
    if (!options->clock.wall_ms != !options->clock.mono_ms) {
        return err_set(err, ERR_INVALID_ARGUMENT, "both clocks or none");
    }
    return OK;
}

static void set_env(struct edge_env *env, const struct muster_client_options *options)
{
    env->clock = options->clock;
    env->user = options->user;
    env->on_message = options->on_message;
    env->backoff_max_ms = or_default(options->backoff_max_ms, BACKOFF_MAX_MS);
    env->connect_ms = or_default(options->connect_ms, CONNECT_MS);
    env->stall_ms = or_default(options->stall_ms, STALL_MS);
}

static enum status lock_state(struct muster_client *client, const char *folder,
                              struct err *err)
{
    if (strlen(folder) >= sizeof client->state_folder) {
        return err_set(err, ERR_INVALID_ARGUMENT, "state_folder is too long");
    }
    memcpy(client->state_folder, folder, strlen(folder) + 1);
    return state_lock(folder, &client->lock_fd, err);
}

static void take_formats(struct facts *facts, const struct muster_client_options *options)
{
    facts->format_count = options->format_count;
    for (size_t i = 0; i < options->format_count; i++) {
        (void)snprintf(facts->formats[i], sizeof facts->formats[i], "%s",
                       options->formats[i]);
    }
    if (options->format_count == 0) {
        facts->format_count = 1;
        (void)snprintf(facts->formats[0], sizeof facts->formats[0], "mnet/%u",
                       (unsigned)muster_nn_runtime().major);
    }
}

/* What the server will judge this node by. */
static void open_facts(struct muster_client *client,
                       const struct muster_client_options *options)
{
    struct facts *facts = &client->facts;
    facts_read(facts);
    facts->flash_bytes = facts_flash_bytes(client->state_folder);
    snprintf(facts->agent, sizeof facts->agent, "%s",
             options->agent ? options->agent : "edge");
    take_formats(facts, options);
    client->session.facts = BUF_INIT(FACTS_BYTES);
    facts_encode(facts, &client->session.facts);
}

static void enrolment_tail(struct muster_client *client,
                           const struct muster_client_options *options)
{
    struct buf *tail = &client->session.enrol_tail;
    char host[NAME_MAX_BYTES + 1] = "";
    if (gethostname(host, sizeof host - 1) != 0 || !host[0]) {
        memcpy(host, "node", sizeof "node");
    }
    *tail = BUF_INIT(16 * 1024);
    buf_addstr(tail, ",\"name\":");
    buf_add_json(tail, options->name ? options->name : host);
    buf_addstr(tail, ",\"facts\":");
    buf_add(tail, client->session.facts.data, client->session.facts.len);
    buf_addstr(tail, ",\"labels\":{");
    for (size_t i = 0; i < options->label_count; i++) {
        buf_addstr(tail, i > 0 ? "," : "");
        buf_add_json(tail, options->labels[i].key);
        buf_addc(tail, ':');
        buf_add_json(tail, options->labels[i].value);
    }
    buf_addstr(tail, "}}");
}

/* TOKEN[.ROOT_SHA256]; `ret_root` is "" without a digest. */
static enum status split_enrolment(struct muster_client *client, const char *text,
                                   char ret_root[static 65], struct err *err)
{
    const char *dot = strchr(text, '.');
    size_t token = dot ? (size_t)(dot - text) : strlen(text);
    bool digest =
        !dot || (strlen(dot + 1) == 64 && strspn(dot + 1, "0123456789abcdef") == 64);
    if (token == 0 || token >= sizeof client->session.enrolment || !digest) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "an enrolment string is TOKEN or TOKEN.ROOT_SHA256");
    }
    memcpy(client->session.enrolment, text, token);
    snprintf(ret_root, 65, "%s", dot ? dot + 1 : "");
    return OK;
}

static enum status open_identity(struct muster_client *client,
                                 const struct muster_client_options *options,
                                 char ret_root[static 65], struct err *err)
{
    enum status status = identity_open(client->state_folder, &client->identity, err);
    if (status != OK) {
        return status;
    }
    bool enrolled = client->identity.node_id > 0;
    if (!enrolled && !options->enrolment) {
        return err_set(err, ERR_ENROLL_TOKEN,
                       "this node is not enrolled yet and has no enrolment string");
    }
    ret_root[0] = '\0';
    if (options->enrolment && options->enrolment[0]) {
        status = split_enrolment(client, options->enrolment, ret_root, err);
    }
    client->session.state = enrolled ? "connecting" : "enrolling";
    return status;
}

/* Floors that were lost are made anew before anything is loaded by them. */
static void renew_trust(struct muster_client *client)
{
    struct err err = {0};
    struct trusted_set cached = {0};
    const struct store *store = &client->store;
    bool verified = updater_verify_cache(&client->updater, 0, &cached, NULL) == OK;
    if (client->trust.damaged || store->has_active || verified) {
        (void)err_set(&err, ERR_TRUST_LOST,
                      "'%.120s' %s: nothing below what runs or the cached floors is "
                      "activated from now on",
                      client->trust.path,
                      client->trust.damaged ? "was damaged" : "is gone");
        env_complain(&client->env, CHANNEL_MODEL, &err);
        err_clear(&err);
    }
    if (trust_renew(&client->trust, cached.targets,
                    store->has_active ? store->active.model : "", store->active.seq,
                    &err) != OK) {
        env_complain(&client->env, CHANNEL_MODEL, &err); /* saved with the next rise */
    }
    trusted_set_release(&cached);
}

static enum status open_store(struct muster_client *client, struct err *err)
{
    enum status status = store_open(&client->store, client->state_folder, err);
    if (status != OK) {
        return status;
    }
    if (trust_is_lost(&client->trust)) {
        renew_trust(client);
    }
    struct err why = {0};
    struct edge_model *model = NULL;
    struct model_record wanted = client->store.active;
    store_load(&client->store, &client->trust, &model, &why);
    if (model && !facts_run(&client->facts, client->store.active.format)) {
        (void)err_set(&why, ERR_FIT_OTHER_HARDWARE,
                      "the active model '%s' has format '%s', this node runs '%s'",
                      client->store.active.model, model_public(model)->format,
                      client->facts.formats[0]);
        model_release(model);
        model = NULL;
    }
    if (why.status != OK) {
        env_complain(&client->env, CHANNEL_MODEL, &why);
    }
    if (model) {
        client->poll.active_runs = true;
        bool fell_back = memcmp(wanted.artifact, client->store.active.artifact,
                                sizeof wanted.artifact) != 0;
        kept_recall(&client->env, &client->store, fell_back);
        client_use_model(client, model);
    }
    return OK;
}

/* How, when and from where downloads go. */
static enum status open_downloads(struct muster_client *client,
                                  const struct muster_client_options *options,
                                  struct err *err)
{
    struct download *download = &client->install.download;
    struct meter_limits limits = {.rate = options->download_rate,
                                  .budget = options->download_budget};
    const char *hours = options->download_window;
    if (hours && hours[0] && !meter_hours_parse(hours, &limits)) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "download_window is HH:MM-HH:MM, found '%.40s'", hours);
    }
    if (limits.rate < 0 || limits.rate > RATE_MAX || limits.budget < 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "a download limit is out of range");
    }
    download->meter.limits = limits;
    download->min_rate = or_default(options->download_min_rate, DOWNLOAD_MIN_RATE);
    enum status status = mirror_set_url(&download->mirror, options->mirror_url, err);
    if (status == OK) {
        status = meter_open(&download->meter, client->state_folder, err);
    }
    if (status == OK) {
        status = cache_open(
            &client->install.cache, options->cache_folder,
            or_default((int64_t)options->cache_bytes, (int64_t)CACHE_MIB * MIB), err);
    }
    return status == OK
               ? env_join(client->state_folder, "partial", client->install.partials, err)
               : status;
}

static enum status open_updater(struct muster_client *client, const char *root_path,
                                const char *root_sha256, struct err *err)
{
    char folder[EDGE_PATH_BYTES];
    enum status status = env_join(client->state_folder, "tuf", folder, err);
    return status == OK
               ? updater_open(&client->updater, folder, root_path, root_sha256, err)
               : status;
}

static void open_detail(struct muster_client *client)
{
    detail_file_read(client->state_folder, &client->told);
    intake_set_detail(&client->intake, client->told.model, &client->told.detail);
    intake_set_time(&client->intake, timebase_anchor_ms(&client->timebase, &client->env),
                    client->timebase.known);
}

static void wire_download(struct muster_client *client)
{
    struct download *download = &client->install.download;
    download->env = &client->env;
    download->http = &client->http;
    download->meter.env = &client->env;
    download->meter.timebase = &client->timebase;
    download->mirror.env = &client->env;
    download->mirror.http = &client->http;
}

static enum status status_of(const char *code)
{
    for (int status = OK + 1; status < STATUS_COUNT; status++) {
        if (strcmp(status_name((enum status)status), code) == 0) {
            return (enum status)status;
        }
    }
    return ERR_RUNNER_START;
}

/* The program's own test of a candidate. */
static enum status judge(void *user, const struct muster_client_model *candidate,
                         struct err *err)
{
    struct muster_client *client = user;
    struct muster_client_error error = {0};
    enum muster_client_result result =
        client->on_candidate(client->env.user, candidate, &error);
    if (result == MUSTER_CLIENT_OK || !candidate) {
        return OK;
    }
    return result == MUSTER_CLIENT_AGAIN
               ? ERR_UNAVAILABLE
               : err_set(err, status_of(error.code), "%s", error.text);
}

static void wire(struct muster_client *client,
                 const struct muster_client_options *options)
{
    client->session.env = &client->env;
    client->session.http = &client->http;
    client->session.identity = &client->identity;
    client->session.timebase = &client->timebase;
    client->updater.env = &client->env;
    client->updater.http = &client->http;
    client->updater.trust = &client->trust;
    client->updater.timebase = &client->timebase;
    client->updater.metadata_path = "/tuf/metadata";
    client->finder.updater = &client->updater;
    client->install.env = &client->env;
    wire_download(client);
    client->install.store = &client->store;
    client->install.hash_fd = -1;
    if (options->on_candidate) {
        client->install.judge = judge;
        client->install.judge_user = client;
    }
    client->on_candidate = options->on_candidate;
    client->submit = (struct submit){.env = &client->env,
                                     .session = &client->session,
                                     .queue = &client->queue,
                                     .ack_fd = -1,
                                     .health = client_health,
                                     .health_user = client};
    if (options->ack_log_path) {
        snprintf(client->submit.ack_log, sizeof client->submit.ack_log, "%s",
                 options->ack_log_path);
    }
}

static void on_detail(void *user, const char *model, const struct detail *detail)
{
    client_use_detail(user, model, detail);
}

static void on_model(void *user, struct edge_model *model)
{
    client_use_model(user, model);
}

static void wire_poll(struct muster_client *client,
                      const struct muster_client_options *options)
{
    client->poll.env = &client->env;
    client->poll.http = &client->http;
    client->poll.session = &client->session;
    client->poll.updater = &client->updater;
    client->poll.finder = &client->finder;
    client->poll.install = &client->install;
    client->poll.store = &client->store;
    client->poll.review = (struct review){
        .env = &client->env, .finder = &client->finder, .store = &client->store};
    client->poll.rules = (struct choice_rules){
        .trust = &client->trust,
        .facts = &client->facts,
        .folder = client->store.folder,
        .max_bytes = options->model_bytes ? options->model_bytes : MODEL_MIB * MIB};
    client->poll.interval_ms = options->poll_ms;
    client->poll.on_model = on_model;
    client->poll.on_detail = on_detail;
    client->poll.user = client;
    snprintf(client->poll.model, sizeof client->poll.model, "%s",
             options->model ? options->model : "");
}

static enum status open_parts(struct muster_client *client,
                              const struct muster_client_options *options,
                              struct err *err)
{
    char root_sha256[65] = "";
    enum status status = http_init(&client->http, &client->env, options->server_url, err);
    if (status == OK) {
        status = open_identity(client, options, root_sha256, err);
    }
    if (status == OK) {
        status = open_updater(client, options->root_path,
                              root_sha256[0] ? root_sha256 : NULL, err);
    }
    if (status == OK) {
        status = trust_open(&client->trust, client->state_folder, err);
    }
    if (status == OK) {
        status = queue_open(&client->queue, client->state_folder,
                            options->queue_bytes ? options->queue_bytes
                                                 : (uint64_t)QUEUE_MIB * MIB,
                            options->rejected_bytes ? options->rejected_bytes
                                                    : (uint64_t)REJECTED_MIB * MIB,
                            err);
    }
    if (status == OK) {
        status = open_downloads(client, options, err);
    }
    return status == OK ? open_store(client, err) : status;
}

enum status client_set_up(struct muster_client *client,
                          const struct muster_client_options *options, struct err *err)
{
    client->lock_fd = -1;
    client->temp_c = client->power_mw = (double)NAN;
    pthread_mutex_init(&client->lock, NULL);
    intake_init(&client->intake, options->batch_rows ? options->batch_rows : BATCH_ROWS,
                or_default(options->batch_age_ms, BATCH_AGE_MS));
    set_env(&client->env, options);
    wire(client, options);
    wire_poll(client, options);
    enum status status = check_options(options, err);
    if (status != OK) {
        return status;
    }
    client->on_model_changed = options->on_model_changed;
    client->heartbeat_ms = or_default(options->heartbeat_ms, HEARTBEAT_MS);
    client->last_stored_ms = env_mono_ms(&client->env);
    status = lock_state(client, options->state_folder, err);
    if (status == OK) {
        status =
            timebase_open(&client->timebase, &client->env, client->state_folder, err);
    }
    if (status == OK) {
        open_facts(client, options);
        status = open_parts(client, options, err);
    }
    if (status == OK) {
        enrolment_tail(client, options);
        open_detail(client);
        client_publish(client);
    }
    return status;
}
