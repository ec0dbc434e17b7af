/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/submit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "edge/numbering.h"
#include "format/content.h"

enum { ANSWER_BYTES = 16 * 1024, HEALTH_MS = 300000 };

static void complain(struct submit *submit, const struct err *err)
{
    env_complain(submit->env, CHANNEL_REPORT, err);
}

/* Waits before the phase is tried again. */
static void hold(struct submit *submit, int64_t at_least_ms, const struct err *err)
{
    backoff_fail(&submit->backoff, env_mono_ms(submit->env), submit->env->backoff_max_ms,
                 at_least_ms);
    complain(submit, err);
}

static void forget_batch(struct submit *submit)
{
    buf_release(&submit->body);
    submit->renewed = false;
    submit->phase = SUBMIT_IDLE;
}

/* Times that cannot be told to the hour are told to people, once a boot. */
static void note_doubt(struct submit *submit, const struct queue_head *head,
                       int64_t doubt_ms)
{
    const struct edge_env *env = submit->env;
    if (doubt_ms <= NUMBERING_DOUBT_MS) {
        return;
    }
    submit->doubtful += head->predictions;
    if (env->on_message && strcmp(submit->doubted, head->boot_id) != 0) {
        char text[160];
        snprintf(text, sizeof text,
                 doubt_ms == INT64_MAX
                     ? "nothing bounds the time of an earlier start"
                     : "times of an earlier start may be off by %" PRId64 " minutes",
                 doubt_ms / 60000);
        env->on_message(env->user, status_name(ERR_CLOCK_DOUBT), text);
        memcpy(submit->doubted, head->boot_id, sizeof submit->doubted);
    }
}

/* What the node is like goes with every report of rows; of summaries, where it would be a
 * tenth of the bytes, with the first one in 5 minutes and when the state is another.
 * Whether it is due. */
static bool measure(struct submit *submit, struct health *ret_health)
{
    const struct queue_head *head = &submit->head;
    int64_t now_ms = env_mono_ms(submit->env);
    if (!submit->health) {
        return false;
    }
    submit->health(submit->health_user, ret_health);
    int64_t behind = ret_health->queued - (int64_t)head->predictions;
    ret_health->queued = behind > 0 ? behind : 0; /* this report's own do not wait */
    bool news = submit->health_ms == 0 || now_ms - submit->health_ms >= HEALTH_MS ||
                strcmp(submit->health_state, ret_health->state) != 0;
    if (head->predictions > head->rows && !news) {
        return false;
    }
    submit->health_ms = now_ms;
    memcpy(submit->health_state, ret_health->state, sizeof submit->health_state);
    return true;
}

/* Gives the batch at hand a number and stores it so. */
static enum status finalise(struct submit *submit, const struct buf *payload,
                            struct err *err)
{
    struct health health = {0};
    bool due = measure(submit, &health);
    struct numbering numbering = {.queue = submit->queue,
                                  .timebase = submit->session->timebase,
                                  .env = submit->env,
                                  .new_stream = submit->new_stream,
                                  .health = &health,
                                  .health_due = due};
    struct queue_head head = submit->head;
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
    int64_t doubt_ms = 0;
    enum status status =
        numbering_finalise(&numbering, payload, &head, &body, &doubt_ms, err);
    if (status == OK) {
        status = queue_finalise(submit->queue, &head, &body, err);
    }
    if (status == OK) {
        note_doubt(submit, &head, doubt_ms);
        submit->head = head;
        submit->new_stream = false;
        buf_release(&submit->body);
        submit->body = body;
        body = BUF_INIT(0);
    }
    return status;
}

static enum status load(struct submit *submit, struct err *err)
{
    BUF_AUTO payload = BUF_INIT(QUEUE_PAYLOAD_MAX);
    enum status status = queue_read(submit->queue, &submit->head, &payload, err);
    if (status != OK) {
        return status;
    }
    if (submit->head.kind == QUEUE_RAW) {
        status = finalise(submit, &payload, err);
        if (status != ERR_INVALID_ARGUMENT) {
            return status;
        }
    }
    buf_release(&submit->body);
    submit->body = payload;
    payload = BUF_INIT(0);
    return status;
}

void submit_spread(struct submit *submit, int64_t spread_ms)
{
    uint32_t most = spread_ms > 0 ? (uint32_t)spread_ms : 0;
    submit->not_before_ms = env_mono_ms(submit->env) + randombytes_uniform(most + 1);
}

/* How long still until a lone batch's turn. */
static int64_t spread_left_ms(const struct submit *submit)
{
    int64_t left = submit->not_before_ms - env_mono_ms(submit->env);
    return submit->queue->count == 1 && left > 0 ? left : 0;
}

/* A batch that cannot be made into a report is refused for good here, not by the server;
 * a damaged file is out of the queue already. */
static void step_idle(struct submit *submit)
{
    if (!queue_oldest(submit->queue) || !session_token(submit->session) ||
        spread_left_ms(submit) > 0) {
        return;
    }
    struct err err = {0};
    enum status status = load(submit, &err);
    if (status == OK) {
        submit->phase = SUBMIT_SEND;
    } else if (status == ERR_INVALID_ARGUMENT) {
        complain(submit, &err);
        submit->phase = SUBMIT_REJECT;
    } else if (status == ERR_QUEUE_CORRUPT) {
        complain(submit, &err);
    } else {
        hold(submit, 0, &err);
    }
}

static enum status send_report(struct submit *submit, struct err *err)
{
    BUF_AUTO packed = BUF_INIT(2 * REPORT_BYTES_MAX);
    submit->dictionary = submit->session->dictionary;
    enum status status =
        content_encode(submit->dictionary ? CONTENT_ZSTD_DICTIONARY : CONTENT_ZSTD,
                       submit->body.data, submit->body.len, &packed, err);
    if (status != OK) {
        return status;
    }
    struct http_order order = {.path = "/v1/reports",
                               .token = session_token(submit->session),
                               .body = packed.data,
                               .body_len = packed.len,
                               .body_zstd = true,
                               .max_bytes = ANSWER_BYTES};
    return http_call_start(submit->session->http, &order, &submit->call, err);
}

static void step_send(struct submit *submit)
{
    if (!session_token(submit->session)) {
        return;
    }
    struct err err = {0};
    if (send_report(submit, &err) == OK) {
        submit->phase = SUBMIT_WAIT;
    } else {
        hold(submit, 0, &err);
    }
}

/* Answers */

static void send_again(struct submit *submit, const struct err *err)
{
    submit->phase = SUBMIT_SEND;
    hold(submit, submit->call->retry_after_ms, err);
}

static void on_unauthorized(struct submit *submit, const struct err *err)
{
    session_refused(submit->session, submit->call->token);
    submit->phase = SUBMIT_SEND;
    if (submit->renewed) {
        submit->renewed = false;
        hold(submit, submit->call->retry_after_ms, err);
        return;
    }
    submit->renewed = true;
}

static void on_acknowledged(struct submit *submit)
{
    struct err err = {0};
    const struct http_call *call = submit->call;
    enum status status = ack_decode(call->body.data ? call->body.data : "",
                                    call->body.len, &submit->ack, &err);
    if (status == OK && submit->ack.rows != (int64_t)submit->head.rows) {
        status = err_set(&err, ERR_NET_STATUS,
                         "%" PRIu64 " rows were sent, %" PRId64 " acknowledged",
                         submit->head.rows, submit->ack.rows);
    }
    if (status != OK) {
        send_again(submit, &err);
        return;
    }
    timebase_learn(submit->session->timebase, submit->ack.server_ms, call->asked_ms,
                   call->received_ms);
    backoff_reset(&submit->backoff);
    submit->phase = SUBMIT_LOG;
}

/* A server that is older than the one that gave the session, or something between, may
 * not read what the dictionary packed: without it then, until the next session. */
static bool go_without_dictionary(struct submit *submit, const char *code)
{
    if (!submit->dictionary || strcmp(code, status_name(ERR_CONTENT_CORRUPT)) != 0) {
        return false;
    }
    submit->session->dictionary = false;
    submit->phase = SUBMIT_SEND;
    return true;
}

static bool is_passing(int status)
{
    return status < 400 || status == 408 || status == 429 || status >= 500;
}

static void judge(struct submit *submit)
{
    const struct http_call *call = submit->call;
    struct err err = {0};
    if (http_call_result(call, &err) != OK) {
        send_again(submit, &err);
        return;
    }
    if (call->status == 200) {
        on_acknowledged(submit);
        return;
    }
    struct http_problem problem;
    http_problem_parse(call, &problem);
    enum status status = http_unexpected(call, "a report", &err);
    if (call->status == 401) {
        on_unauthorized(submit, &err);
    } else if (is_passing(call->status)) {
        send_again(submit, &err);
    } else if (go_without_dictionary(submit, problem.code)) {
        return;
    } else if (call->status == 409 &&
               (strcmp(problem.code, "report.stream_conflict") == 0 ||
                strcmp(problem.code, "report.stream_old") == 0)) {
        complain(submit, &err);
        submit->phase = SUBMIT_RENUMBER;
    } else {
        complain(submit, &err);
        submit->new_stream = strcmp(problem.code, "report.seq_old") == 0;
        submit->phase = SUBMIT_REJECT;
    }
    (void)status;
}

static void step_wait(struct submit *submit)
{
    if (!submit->call->done) {
        return;
    }
    judge(submit);
    http_call_free(submit->call);
    submit->call = NULL;
}

static void step_renumber(struct submit *submit)
{
    struct err err = {0};
    submit->new_stream = true;
    BUF_AUTO body = submit->body;
    submit->body = BUF_INIT(0);
    enum status status = finalise(submit, &body, &err);
    if (status == OK) {
        submit->phase = SUBMIT_SEND;
        return;
    }
    submit->body = body;
    body = BUF_INIT(0);
    hold(submit, 0, &err);
}

/* Acknowledged */

static enum status write_line(struct submit *submit, struct err *err)
{
    char line[160];
    int len = snprintf(line, sizeof line,
                       "%" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %d\n",
                       submit->session->identity->node_id, submit->head.stream,
                       submit->head.seq, submit->head.rows, submit->ack.first_id,
                       submit->ack.duplicate);
    if (submit->ack_fd < 0) {
        submit->ack_fd =
            open(submit->ack_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
    off_t end = submit->ack_fd >= 0 ? lseek(submit->ack_fd, 0, SEEK_END) : -1;
    if (end >= 0 && write(submit->ack_fd, line, (size_t)len) == len &&
        fdatasync(submit->ack_fd) == 0) {
        return OK;
    }
    enum status status =
        err_set_errno(err, "could not write the ack log '%s'", submit->ack_log);
    if (end >= 0 && ftruncate(submit->ack_fd, end) != 0) {
        close(submit->ack_fd); /* half a line may stay; the next open appends behind it */
        submit->ack_fd = -1;
    }
    return status;
}

static void step_log(struct submit *submit)
{
    struct err err = {0};
    if (submit->ack_log[0] == '\0' || write_line(submit, &err) == OK) {
        submit->phase = SUBMIT_LEAVE;
        return;
    }
    hold(submit, 0, &err);
}

static void step_leave(struct submit *submit)
{
    struct err err = {0};
    if (queue_leave(submit->queue, &submit->head, &err) != OK) {
        hold(submit, 0, &err);
        return;
    }
    submit->acknowledged += submit->head.predictions;
    submit->duplicates += submit->ack.duplicate ? 1 : 0;
    submit->last_ack_ms = env_mono_ms(submit->env);
    env_well(submit->env, CHANNEL_REPORT, "reports are acknowledged again");
    forget_batch(submit);
}

static void step_reject(struct submit *submit)
{
    struct err err = {0};
    if (queue_reject(submit->queue, &submit->head, &submit->body, &err) != OK) {
        hold(submit, 0, &err);
        return;
    }
    submit->rejected += submit->head.predictions;
    forget_batch(submit);
}

void submit_step(struct submit *submit)
{
    if (backoff_wait_ms(&submit->backoff, env_mono_ms(submit->env)) > 0) {
        return;
    }
    switch (submit->phase) {
    case SUBMIT_IDLE:
        step_idle(submit);
        break;
    case SUBMIT_SEND:
        step_send(submit);
        break;
    case SUBMIT_WAIT:
        step_wait(submit);
        break;
    case SUBMIT_RENUMBER:
        step_renumber(submit);
        break;
    case SUBMIT_LOG:
        step_log(submit);
        break;
    case SUBMIT_LEAVE:
        step_leave(submit);
        break;
    case SUBMIT_REJECT:
        step_reject(submit);
        break;
    }
}

int64_t submit_wait_ms(const struct submit *submit)
{
    int64_t wait = backoff_wait_ms(&submit->backoff, env_mono_ms(submit->env));
    if (wait > 0) {
        return wait;
    }
    bool token = session_token(submit->session) != NULL;
    switch (submit->phase) {
    case SUBMIT_IDLE:
        return token && queue_oldest(submit->queue) ? spread_left_ms(submit)
                                                    : EDGE_NEVER_MS;
    case SUBMIT_SEND:
        return token ? 0 : EDGE_NEVER_MS;
    case SUBMIT_WAIT:
        return submit->call->done ? 0 : EDGE_NEVER_MS;
    case SUBMIT_RENUMBER:
    case SUBMIT_LOG:
    case SUBMIT_LEAVE:
    case SUBMIT_REJECT:
        return 0;
    }
    return EDGE_NEVER_MS;
}

void submit_release(struct submit *submit)
{
    http_call_free(submit->call);
    submit->call = NULL;
    buf_release(&submit->body);
    if (submit->ack_fd >= 0) {
        close(submit->ack_fd);
        submit->ack_fd = -1;
    }
}
