/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/site.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"

enum { ARGUMENTS_MAX = 32 };

/* The word behind "<name>: " in the output of `musterd init`. */
static void init_word(const char *out, const char *name, char *ret_word, size_t size)
{
    const char *at = strstr(out, name);
    assert_non_null(at);
    at += strlen(name);
    size_t len = strcspn(at, "\r\n");
    assert_true(len < size);
    memcpy(ret_word, at, len);
    ret_word[len] = '\0';
}

void site_restart(struct site *site, const char *const *options)
{
    const char *argv[ARGUMENTS_MAX] = {program_path("musterd"), "--data", site->data,
                                       "--listen", "127.0.0.1:0"};
    size_t count = 5;
    while (options && *options) {
        assert_true(count + 1 < ARGUMENTS_MAX);
        argv[count++] = *options++;
    }
    char log[300];
    (void)snprintf(log, sizeof log, "%s/log", site->folder);
    program_start(&site->server, argv, log);
}

void site_start(struct site *site, const char *const *options)
{
    BUF_AUTO out = BUF_INIT(4096);
    assert_true(sodium_init() >= 0);
    memset(site, 0, sizeof *site);
    folder_make(site->folder, sizeof site->folder);
    (void)snprintf(site->data, sizeof site->data, "%s/data", site->folder);
    const char *argv[] = {program_path("musterd"), "init", "--data", site->data, NULL};
    assert_int_equal(program_run(argv, &out, NULL), 0);
    init_word(out.data, "server-id: ", site->server_id, sizeof site->server_id);
    init_word(out.data, "timestamp-key: ", site->timestamp_key,
              sizeof site->timestamp_key);
    init_word(out.data, "admin-token: ", site->admin, sizeof site->admin);
    site_restart(site, options);
}

void site_stop(struct site *site)
{
    assert_int_equal(program_stop(&site->server), 0);
    folder_remove(site->folder);
}

static void run_sqlite(const struct site *site, const char *mode, const char *statement,
                       struct buf *ret_text)
{
    char database[400];
    (void)snprintf(database, sizeof database, "%s/muster.db", site->data);
    const char *argv[] = {"/usr/bin/sqlite3", mode, database, statement, NULL};
    BUF_AUTO problems = BUF_INIT(1024 * 1024);
    if (program_run(argv, ret_text, &problems) != 0) {
        fail_msg("sqlite3: %s", problems.data ? problems.data : "failed");
    }
}

void site_sql(const struct site *site, const char *statement, struct buf *ret_text)
{
    buf_reset(ret_text);
    run_sqlite(site, "-readonly", statement, ret_text);
}

void site_seed(struct site *site, const char *const *options, const char *statement)
{
    assert_int_equal(program_stop(&site->server), 0);
    run_sqlite(site, "-bail", statement, NULL);
    site_restart(site, options);
}

int site_call(const struct site *site, const char *method, const char *target,
              const char *token, const char *body, struct reply *reply)
{
    struct reply own = {0};
    struct call call = {.method = method, .target = target, .token = token, .body = body};
    if (reply) {
        reply_release(reply);
        memset(reply, 0, sizeof *reply);
    }
    int status = http_send(site->server.port, &call, reply ? reply : &own);
    reply_release(&own);
    return status;
}

void reply_member(const struct reply *reply, const char *name, char *ret_text,
                  size_t size)
{
    char quoted[80];
    (void)snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *at = strstr(reply->answer.body, quoted);
    assert_non_null(at);
    at += strlen(quoted);
    bool text = *at == '"';
    at += text;
    size_t len = strcspn(at, text ? "\"" : ",}]");
    assert_true(len < size);
    memcpy(ret_text, at, len);
    ret_text[len] = '\0';
}

bool reply_has_code(const struct reply *reply, const char *code)
{
    char found[80];
    reply_member(reply, "code", found, sizeof found);
    return strcmp(found, code) == 0;
}

void site_api_token(const struct site *site, const char *role, char *ret_token)
{
    REPLY_AUTO reply = {0};
    char body[128];
    (void)snprintf(body, sizeof body, "{\"name\":\"a %s\",\"role\":\"%s\"}", role, role);
    assert_int_equal(site_call(site, "POST", "/v1/api-tokens", site->admin, body, &reply),
                     201);
    reply_member(&reply, "token", ret_token, TOKEN_TEXT_MAX);
}

void site_enrollment_token(const struct site *site, const char *members, char *ret_token)
{
    REPLY_AUTO reply = {0};
    char body[512];
    (void)snprintf(body, sizeof body, "{\"name\":\"test\"%s}", members);
    assert_int_equal(
        site_call(site, "POST", "/v1/enrollment-tokens", site->admin, body, &reply), 201);
    reply_member(&reply, "token", ret_token, TOKEN_TEXT_MAX);
}

void node_generate(struct site_node *node)
{
    memset(node, 0, sizeof *node);
    (void)crypto_sign_keypair(node->public_key, node->secret_key);
}

int node_enroll(const struct site *site, struct site_node *node, const char *token,
                const char *name, struct reply *reply)
{
    BUF_AUTO body = BUF_INIT(4096);
    REPLY_AUTO own = {0};
    char key[65];
    char id[24];
    hex_encode(node->public_key, sizeof node->public_key, key);
    buf_addf(&body, "{\"token\":\"%s\",\"public_key\":\"%s\",\"name\":", token, key);
    buf_add_json(&body, name);
    buf_addstr(&body, ",\"facts\":{\"arch\":\"x86_64\",\"cores\":2,\"ram_bytes\":"
                      "2147483648,\"features\":[\"avx2\"]},"
                      "\"labels\":{\"line\":\"3\",\"site\":\"declared\"}}");
    int status = site_call(site, "POST", "/v1/enroll", NULL, body.data, &own);
    if (status == 200) {
        reply_member(&own, "node_id", id, sizeof id);
        node->id = strtoll(id, NULL, 10);
    }
    if (reply) {
        reply_release(reply);
        *reply = own;
        memset(&own, 0, sizeof own);
    }
    return status;
}

int node_session(const struct site *site, struct site_node *node, int64_t skew_ms,
                 struct reply *reply)
{
    REPLY_AUTO own = {0};
    uint8_t nonce[16];
    uint8_t signature[64];
    char nonce_text[33];
    char signature_text[129];
    char message[256];
    char body[512];
    int64_t at_ms = clock_wall_ms() + skew_ms;
    randombytes_buf(nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, nonce_text);
    int len = snprintf(message, sizeof message,
                       "muster-session-v1\n%s\n%" PRId64 "\n%" PRId64 "\n%s\n",
                       site->server_id, node->id, at_ms, nonce_text);
    (void)crypto_sign_detached(signature, NULL, (const uint8_t *)message,
                               (unsigned long long)len, node->secret_key);
    hex_encode(signature, sizeof signature, signature_text);
    (void)snprintf(body, sizeof body,
                   "{\"node_id\":%" PRId64 ",\"at_ms\":%" PRId64
                   ",\"nonce\":\"%s\",\"signature\":\"%s\"}",
                   node->id, at_ms, nonce_text, signature_text);
    int status = site_call(site, "POST", "/v1/session", NULL, body, &own);
    if (status == 200) {
        reply_member(&own, "token", node->session, sizeof node->session);
    }
    if (reply) {
        reply_release(reply);
        *reply = own;
        memset(&own, 0, sizeof own);
    }
    return status;
}

void site_node(const struct site *site, const char *name, struct site_node *ret_node)
{
    char token[TOKEN_TEXT_MAX];
    site_enrollment_token(site, "", token);
    node_generate(ret_node);
    assert_int_equal(node_enroll(site, ret_node, token, name, NULL), 200);
    assert_int_equal(node_session(site, ret_node, 0, NULL), 200);
}
