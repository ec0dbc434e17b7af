/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/session.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "format/content.h"

enum {
    NONCE_BYTES = 16,
    ANSWER_BYTES = 16 * 1024,
    BODY_BYTES = 16 * 1024,
    LEAST_LIFE_MS = 5000,
    REFUSED_MS = 60000, /* between two tries of an enrolment that was refused, at least */
};

static bool is_enrolling(const struct session *session)
{
    return session->identity->node_id == 0 || session->unknown;
}

static void start(struct session *session, const char *path, const struct buf *body)
{
    struct err err = {0};
    struct http_order order = {.path = path,
                               .body = body->data,
                               .body_len = body->len,
                               .max_bytes = ANSWER_BYTES};
    if (buf_status(body, &err) != OK ||
        http_call_start(session->http, &order, &session->call, &err) != OK) {
        env_complain(session->env, CHANNEL_SESSION, &err);
        backoff_fail(&session->backoff, env_mono_ms(session->env),
                     session->env->backoff_max_ms, 0);
    }
}

static void start_enrolment(struct session *session)
{
    char key[65];
    hex_encode(session->identity->public_key, 32, key);
    BUF_AUTO body = BUF_INIT(BODY_BYTES);
    buf_addstr(&body, "{\"token\":");
    buf_add_json(&body, session->enrolment);
    buf_addf(&body, ",\"public_key\":\"%s\"", key);
    buf_add(&body, session->enrol_tail.data, session->enrol_tail.len);
    start(session, "/v1/enroll", &body);
    if (body.data) {
        sodium_memzero(body.data, body.cap);
    }
}

static void start_login(struct session *session)
{
    const struct identity *identity = session->identity;
    uint8_t random[NONCE_BYTES];
    char nonce[2 * NONCE_BYTES + 1];
    randombytes_buf(random, sizeof random);
    hex_encode(random, sizeof random, nonce);
    long long at_ms = timebase_now_ms(session->timebase, session->env);
    char text[256], signature[IDENTITY_SIGNATURE_HEX];
    snprintf(text, sizeof text, "muster-session-v1\n%s\n%lld\n%lld\n%s\n",
             identity->server_id, (long long)identity->node_id, at_ms, nonce);
    identity_sign(identity, text, signature);
    BUF_AUTO body = BUF_INIT(BODY_BYTES);
    buf_addf(&body,
             "{\"node_id\":%lld,\"at_ms\":%lld,\"nonce\":\"%s\",\"signature\":\"%s\","
             "\"facts\":",
             (long long)identity->node_id, at_ms, nonce, signature);
    buf_add(&body, session->facts.data, session->facts.len);
    buf_addc(&body, '}');
    start(session, "/v1/session", &body);
}

/* Waits before the next try; an enrolment that people must mend is not hurried. */
static void fail(struct session *session, const struct err *err)
{
    int64_t least = session->call ? session->call->retry_after_ms : 0;
    int64_t most = session->env->backoff_max_ms;
    if (err->status == ERR_ENROLL_TOKEN && least < REFUSED_MS) {
        least = most < REFUSED_MS ? most : REFUSED_MS;
    }
    backoff_fail(&session->backoff, env_mono_ms(session->env),
                 session->env->backoff_max_ms, least);
    env_complain(session->env, CHANNEL_SESSION, err);
}

static void learn(struct session *session, int64_t server_ms)
{
    if (server_ms > 0) {
        timebase_learn(session->timebase, server_ms, session->call->asked_ms,
                       session->call->received_ms);
    }
}

static enum status enrolled(struct session *session, const json_t *answer,
                            struct err *err)
{
    int64_t node_id = json_integer_value(json_object_get(answer, "node_id"));
    const char *server_id = json_string_value(json_object_get(answer, "server_id"));
    enum status status = identity_enrolled(session->identity, node_id, server_id, err);
    if (status != OK) {
        return status;
    }
    learn(session, json_integer_value(json_object_get(answer, "server_ms")));
    session->unknown = false;
    session->state = "connecting";
    return OK;
}

static enum status logged_in(struct session *session, const json_t *answer,
                             struct err *err)
{
    const char *token = json_string_value(json_object_get(answer, "token"));
    int64_t expires_ms = json_integer_value(json_object_get(answer, "expires_ms"));
    int64_t server_ms = json_integer_value(json_object_get(answer, "server_ms"));
    if (!token || strncmp(token, "mns_", 4) != 0 ||
        strlen(token) >= sizeof session->token || strpbrk(token, "\r\n \t")) {
        return err_set(err, ERR_NET_STATUS, "the session was answered without a token");
    }
    memcpy(session->token, token, strlen(token) + 1);
    session->dictionary = json_integer_value(json_object_get(answer, "dictionary")) ==
                          CONTENT_DICTIONARY_ID;
    learn(session, server_ms);
    int64_t life_ms = expires_ms > server_ms ? expires_ms - server_ms : 0;
    session->renew_at_ms = session->call->received_ms +
                           (life_ms > LEAST_LIFE_MS ? life_ms / 10 * 9 : LEAST_LIFE_MS);
    session->clock_taught = false;
    session->state = "ok";
    return OK;
}

static enum status accept_answer(struct session *session, struct err *err)
{
    json_t *answer = json_loadb(session->call->body.data ? session->call->body.data : "",
                                session->call->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return err_set(err, ERR_NET_STATUS, "the session was answered without JSON");
    }
    enum status status = is_enrolling(session) ? enrolled(session, answer, err)
                                               : logged_in(session, answer, err);
    json_decref(answer);
    return status;
}

static const char *refusal_state(const struct session *session, const char *code)
{
    if (strcmp(code, "node.pending") == 0) {
        return "pending";
    }
    if (strcmp(code, "node.revoked") == 0) {
        return "revoked";
    }
    if (strncmp(code, "enroll.", sizeof "enroll." - 1) == 0) {
        return "refused";
    }
    return is_enrolling(session) ? "enrolling" : "offline";
}

/* A server that was restored from a backup does not know the nodes that it let in since:
 * where there is an enrolment token this node enrols again, with the key that it has. A
 * token that is refused changes nothing: the next try is a session again. */
static void doubt_enrolment(struct session *session, const char *code)
{
    session->unknown = !session->unknown && session->enrolment[0] != '\0' &&
                       strcmp(code, "session.signature") == 0;
}

/* What people can do about it; otherwise what was answered. */
static void explain(const struct session *session, const struct http_problem *problem,
                    struct err *err)
{
    static const struct {
        enum status status;
        const char *code, *advice;
    } known[] = {
        {ERR_SESSION_SIGNATURE, "session.signature",
         "the server does not know this node with this key (was it restored from a "
         "backup?): an enrolment string lets it in again"},
        {ERR_ENROLL_TOKEN, "enroll.token",
         "the enrolment token is unknown, spent, expired or revoked: give "
         "this node a new enrolment string"},
        {ERR_ENROLL_NAME_TAKEN, "enroll.name_taken",
         "another node is enrolled under this name: give this node "
         "another name, or revoke that one"},
    };
    bool enrolling = is_enrolling(session);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(problem->code, known[i].code) == 0) {
            err_set(err, known[i].status, "%s (%s); it tries again from time to time",
                    known[i].advice, problem->code);
            return;
        }
    }
    enum status status =
        http_unexpected(session->call, enrolling ? "enrolment" : "the session", err);
    (void)status;
}

/* A 4xx or worse. The clock's lesson is the one answer that is acted on at once. */
static void refuse(struct session *session)
{
    struct http_problem problem;
    http_problem_parse(session->call, &problem);
    bool clock = strcmp(problem.code, "session.clock") == 0 && problem.server_ms > 0;
    if (clock) {
        learn(session, problem.server_ms);
    }
    if (clock && !session->clock_taught) {
        session->clock_taught = true;
        return;
    }
    session->clock_taught = false;
    struct err err = {0};
    explain(session, &problem, &err);
    if (session->identity->node_id != 0) {
        doubt_enrolment(session, problem.code);
    }
    session->state = refusal_state(session, problem.code);
    fail(session, &err);
}

static void finish(struct session *session)
{
    struct err err = {0};
    if (http_call_result(session->call, &err) != OK) {
        session->state = is_enrolling(session) ? "enrolling" : "offline";
        fail(session, &err);
    } else if (session->call->status != 200) {
        refuse(session);
    } else if (accept_answer(session, &err) != OK) {
        fail(session, &err);
    } else {
        backoff_reset(&session->backoff);
        env_well(session->env, CHANNEL_SESSION, "the server answers again");
    }
    http_call_free(session->call);
    session->call = NULL;
}

static bool wants_login(const struct session *session)
{
    return session->token[0] == '\0' || env_mono_ms(session->env) >= session->renew_at_ms;
}

void session_step(struct session *session)
{
    if (session->call) {
        if (session->call->done) {
            finish(session);
        }
        return;
    }
    if (backoff_wait_ms(&session->backoff, env_mono_ms(session->env)) > 0) {
        return;
    }
    if (is_enrolling(session)) {
        start_enrolment(session);
    } else if (wants_login(session)) {
        start_login(session);
    }
}

const char *session_token(const struct session *session)
{
    return session->token[0] ? session->token : NULL;
}

void session_refused(struct session *session, const char *token)
{
    if (strcmp(session->token, token) != 0) {
        return;
    }
    session->token[0] = '\0';
    session->state = "connecting";
}

int64_t session_wait_ms(const struct session *session)
{
    if (session->call) {
        return session->call->done ? 0 : EDGE_NEVER_MS;
    }
    int64_t now = env_mono_ms(session->env);
    int64_t wait = backoff_wait_ms(&session->backoff, now);
    if (is_enrolling(session) || session->token[0] == '\0') {
        return wait;
    }
    int64_t renew = session->renew_at_ms > now ? session->renew_at_ms - now : 0;
    return renew > wait ? renew : wait;
}

void session_release(struct session *session)
{
    http_call_free(session->call);
    session->call = NULL;
    buf_release(&session->enrol_tail);
    buf_release(&session->facts);
    sodium_memzero(session->token, sizeof session->token);
    sodium_memzero(session->enrolment, sizeof session->enrolment);
}
