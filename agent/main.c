/* SPDX-License-Identifier: Apache-2.0 */
/* muster-agent: a node as a program: images in, predictions to the server. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/commands.h"
#include "agent/options.h"
#include "agent/runner.h"
#include "agent/source.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    EXIT_USAGE = 2,
    WORK_US = 5000, /* of inference between two steps of the client */
    SLEEP_MAX_MS = 200,
    CATCH_UP_MS = 20, /* for the network after an inference, while batches wait */
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void on_message(void *user, const char *code, const char *text)
{
    (void)user;
    bool well = strcmp(code, "ok") == 0, waits = strncmp(code, "download.", 9) == 0;
    log_event(well || waits ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              well    ? "well"
              : waits ? "waits"
                      : "refused",
              log_text("code", code), log_text("reason", text));
}

static void on_model_changed(void *user, const struct muster_client_model *model)
{
    struct runner *runner = user;
    runner->model_changed = true;
    runner->stopped = model == NULL;
    if (!model) {
        log_event(LOG_LEVEL_WARNING, "model", log_text("stopped", "withdrawn"));
        return;
    }
    if (runner->foreign.rules.engine.command) {
        engine_sweep(model);
    }
    log_event(LOG_LEVEL_INFO, "model", log_text("model", model->name),
              log_text("version", model->version), log_int("seq", model->seq),
              log_text("artifact", model->artifact_hex),
              log_text("came_as", model->came_as), log_int("bytes", model->received));
}

static enum muster_client_result on_candidate(void *user,
                                              const struct muster_client_model *candidate,
                                              struct muster_client_error *error)
{
    struct runner *runner = user;
    return foreign_test(&runner->foreign, candidate, error);
}

/* What the log said last. */
struct watched {
    const char *state; /* NULL: nothing yet */
    char detail[32];
};

/* One line a change of state or detail. */
static void watch(const struct muster_client_status *status, struct watched *watched)
{
    if (watched->state && strcmp(watched->state, status->state) == 0 &&
        strcmp(watched->detail, status->detail) == 0) {
        return;
    }
    watched->state = status->state;
    memcpy(watched->detail, status->detail, sizeof watched->detail);
    log_event(LOG_LEVEL_INFO, "state", log_text("state", status->state),
              log_text("detail", status->detail), log_int("node_id", status->node_id),
              log_int("inferred", (int64_t)status->inferred),
              log_int("queued", (int64_t)status->queued),
              log_int("acknowledged", (int64_t)status->acknowledged));
}

static void print_summary(const struct runner *runner, struct muster_client *client,
                          const char *how)
{
    struct muster_client_status status;
    muster_client_status(client, &status);
    printf(
        "agent: %s node=%lld inferred=%llu acknowledged=%llu queued=%llu "
        "duplicates=%llu rejected=%llu dropped=%llu doubtful=%llu detail=%s passes=%lld "
        "versions=%s\n",
        how, (long long)status.node_id, (unsigned long long)status.inferred,
        (unsigned long long)status.acknowledged, (unsigned long long)status.queued,
        (unsigned long long)status.duplicates, (unsigned long long)status.rejected,
        (unsigned long long)status.dropped, (unsigned long long)status.doubtful,
        status.detail, (long long)runner->passes_done,
        runner->versions.data ? runner->versions.data : "");
    fflush(stdout);
}

/* Sends what waits for a while: where one inference takes long, the few steps that a
 * report needs would otherwise be so far apart that a backlog never shrinks. */
static void catch_up(struct muster_client *client)
{
    struct muster_client_status now;
    int64_t until = clock_mono_ms() + CATCH_UP_MS;
    muster_client_status(client, &now);
    while (now.batches > 1 && strcmp(now.state, "ok") == 0 && clock_mono_ms() < until) {
        muster_client_wait(client, 1);
        (void)muster_client_step(client);
        muster_client_status(client, &now);
    }
}

/* Until a signal, an error, or all is done and acknowledged. */
static enum status loop(struct runner *runner, struct muster_client *client,
                        struct err *err)
{
    struct watched watched = {0};
    while (!stop_asked) {
        int64_t wait = muster_client_step(client);
        struct muster_client_status now;
        muster_client_status(client, &now);
        watch(&now, &watched);
        bool finished = runner_finished(runner);
        if (finished && now.queued == 0) {
            break;
        }
        enum status status = runner_work(runner, WORK_US, err);
        if (status != OK) {
            return status;
        }
        catch_up(client);
        int64_t due = finished ? SLEEP_MAX_MS : runner_wait_ms(runner);
        wait = due < wait ? due : wait;
        if (wait > 0) {
            muster_client_wait(client, wait < SLEEP_MAX_MS ? wait : SLEEP_MAX_MS);
        }
    }
    return OK;
}

static int fail(const struct err *err)
{
    log_event(LOG_LEVEL_ERROR, "failed", log_text("code", status_name(err->status)),
              log_text("reason", err->detail));
    return 1;
}

static int run(struct agent_options *options)
{
    struct err err = {0};
    SOURCE_AUTO source = {0};
    if (source_open(options->source, &options->part, &source, &err) != OK) {
        return fail(&err);
    }
    struct runner runner;
    struct muster_client *client = NULL;
    struct muster_client_error error;
    runner_init(&runner, options, &source, NULL);
    options->client.user = &runner;
    options->client.on_message = on_message;
    options->client.on_model_changed = on_model_changed;
    if (options->external.command) {
        options->client.on_candidate = on_candidate;
        options->client.formats = &options->runner_format;
        options->client.format_count = 1;
    }
    if (muster_client_open(&options->client, &client, &error) != MUSTER_CLIENT_OK) {
        log_event(LOG_LEVEL_ERROR, "failed", log_text("code", error.code),
                  log_text("reason", error.text));
        return 1;
    }
    runner.client = client;
    enum status status = loop(&runner, client, &err);
    print_summary(&runner, client, runner_finished(&runner) ? "done" : "stopped");
    runner_release(&runner);
    muster_client_close(client);
    return status == OK ? 0 : fail(&err);
}

int main(int argc, char **argv)
{
    int code = 0;
    if (commands_run(argc, argv, &code)) {
        return code;
    }
    struct err err = {0};
    struct agent_options options;
    if (options_read(argc, argv, &options, &err) != OK) {
        fprintf(stderr, "muster-agent: %s; see muster-agent --help\n", err.detail);
        return EXIT_USAGE;
    }
    if (options.help || options.version) {
        fputs(options.help ? options_help() : "muster-agent " MUSTER_VERSION "\n",
              stdout);
        return 0;
    }
    catch_signals();
    return run(&options);
}
