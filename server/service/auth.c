/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/auth.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "server/service/nodes.h"
#include "server/service/nonces.h"

enum { SIGNED_BYTES = 20, MAC_BYTES = 32, SESSION_BYTES = SIGNED_BYTES + MAC_BYTES };

static const char SESSION_PREFIX[] = "mns_";
static const char API_PREFIX[] = "mat_";

struct auth {
    struct auth_options options;
    struct nonces *nonces;
    _Atomic int64_t
        ahead_ms; /* the most that the wall clock was ahead of the monotonic */
};

enum status auth_open(const struct auth_options *options, struct auth **ret_auth,
                      struct err *err)
{
    struct auth *auth = calloc(1, sizeof *auth);
    if (auth) {
        auth->options = *options;
        atomic_store(&auth->ahead_ms, clock_wall_ms() - clock_mono_ms());
        auth->nonces = nonces_new(AUTH_NONCES_MAX, AUTH_NONCES_PER_NODE);
    }
    if (!auth || !auth->nonces) {
        auth_free(auth);
        return err_set(err, ERR_NO_MEMORY, "no memory for sessions");
    }
    *ret_auth = auth;
    return OK;
}

void auth_free(struct auth *auth)
{
    if (auth) {
        nonces_free(auth->nonces);
        free(auth);
    }
}

/* Within a start the time of sessions never goes back, because used nonces are forgotten
 * as it passes: while the wall clock is behind where it was, monotonic time goes on. */
int64_t auth_now_ms(struct auth *auth)
{
    int64_t mono_ms = clock_mono_ms();
    int64_t ahead_ms = clock_wall_ms() - mono_ms;
    int64_t most_ms = atomic_load(&auth->ahead_ms);
    while (ahead_ms > most_ms &&
           !atomic_compare_exchange_weak(&auth->ahead_ms, &most_ms, ahead_ms)) {
    }
    return mono_ms + (ahead_ms > most_ms ? ahead_ms : most_ms);
}

static void put_le(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get_le(const uint8_t *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

static void session_mac(const struct auth *auth, const uint8_t *token,
                        uint8_t ret_mac[static MAC_BYTES])
{
    (void)crypto_generichash(ret_mac, MAC_BYTES, token, SIGNED_BYTES,
                             auth->options.keys->session,
                             sizeof auth->options.keys->session);
}

static bool identify_node(struct auth *auth, const char *text, int64_t now_ms,
                          struct auth_identity *ret_identity)
{
    uint8_t token[SESSION_BYTES];
    uint8_t mac[MAC_BYTES];
    if (base64url_decode(text, token, sizeof token, NULL) != OK) {
        return false;
    }
    session_mac(auth, token, mac);
    int64_t node_id = (int64_t)get_le(token, 8);
    int64_t expires_ms = (int64_t)get_le(token + 8, 8);
    if (sodium_memcmp(mac, token + SIGNED_BYTES, sizeof mac) != 0 ||
        expires_ms <= now_ms ||
        !nodes_session_good(auth->options.nodes, node_id,
                            (uint32_t)get_le(token + 16, 4))) {
        return false;
    }
    *ret_identity = (struct auth_identity){.kind = AUTH_NODE, .node_id = node_id};
    return true;
}

static bool identify_api(struct auth *auth, const char *token, int64_t now_ms,
                         struct auth_identity *ret_identity)
{
    struct token_info info;
    if (strlen(token) != TOKEN_TEXT_BYTES - 1 ||
        !tokens_find(auth->options.tokens, token, now_ms, &info)) {
        return false;
    }
    *ret_identity = (struct auth_identity){.kind = AUTH_API, .token = info};
    return true;
}

enum status auth_identify(struct auth *auth, const char *token, int64_t now_ms,
                          struct auth_identity *ret_identity, struct err *err)
{
    size_t prefix = sizeof SESSION_PREFIX - 1;
    bool good = false;
    if (strncmp(token, SESSION_PREFIX, prefix) == 0) {
        good = identify_node(auth, token + prefix, now_ms, ret_identity);
    } else if (strncmp(token, API_PREFIX, prefix) == 0) {
        good = identify_api(auth, token, now_ms, ret_identity);
    }
    return good ? OK : err_set(err, ERR_AUTH_REQUIRED, "the token is not good");
}

static void make_token(const struct auth *auth, int64_t node_id, uint32_t epoch,
                       int64_t expires_ms, char ret_token[static SESSION_TOKEN_BYTES])
{
    uint8_t token[SESSION_BYTES];
    put_le(token, (uint64_t)node_id, 8);
    put_le(token + 8, (uint64_t)expires_ms, 8);
    put_le(token + 16, epoch, 4);
    session_mac(auth, token, token + SIGNED_BYTES);
    memcpy(ret_token, SESSION_PREFIX, sizeof SESSION_PREFIX - 1);
    base64url_encode(token, sizeof token, ret_token + sizeof SESSION_PREFIX - 1);
}

static bool signature_good(const struct auth *auth, const struct session_request *request,
                           const uint8_t public_key[static 32])
{
    char message[256];
    int len = snprintf(
        message, sizeof message, "muster-session-v1\n%s\n%" PRId64 "\n%" PRId64 "\n%s\n",
        auth->options.server_id, request->node_id, request->at_ms, request->nonce);
    return crypto_sign_verify_detached(request->signature, (const uint8_t *)message,
                                       (unsigned long long)len, public_key) == 0;
}

static enum status check_clock(const struct auth *auth, int64_t at_ms, int64_t now_ms,
                               struct err *err)
{
    if (at_ms < now_ms - SESSION_WINDOW_MS || at_ms > now_ms + SESSION_WINDOW_MS) {
        return err_set(err, ERR_SESSION_CLOCK, "at_ms is more than %d s off",
                       SESSION_WINDOW_MS / 1000);
    }
    if (at_ms < auth->options.started_ms) {
        return err_set(err, ERR_SESSION_CLOCK, "at_ms lies before this server's start");
    }
    return OK;
}

static enum status check_state(enum node_state state, struct err *err)
{
    switch (state) {
    case NODE_REVOKED:
        return err_set(err, ERR_NODE_REVOKED, "this node was revoked");
    case NODE_PENDING:
        return err_set(err, ERR_NODE_PENDING, "an operator has to activate this node");
    case NODE_ACTIVE:
        break;
    }
    return OK;
}

enum status auth_session(struct auth *auth, const struct session_request *request,
                         int64_t now_ms, char ret_token[static SESSION_TOKEN_BYTES],
                         int64_t *ret_expires_ms, struct err *err)
{
    uint8_t public_key[32] = {0};
    uint8_t nonce[SESSION_NONCE_BYTES];
    enum node_state state = NODE_REVOKED;
    uint32_t epoch = 0;
    enum status status = hex_decode(request->nonce, nonce, sizeof nonce, err);
    if (status == OK) {
        status = check_clock(auth, request->at_ms, now_ms, err);
    }
    if (status != OK) {
        return status;
    }
    if (!nodes_identity(auth->options.nodes, request->node_id, public_key, &state,
                        &epoch) ||
        !signature_good(auth, request, public_key)) {
        return err_set(err, ERR_SESSION_SIGNATURE,
                       "no such node, or the signature is not its own");
    }
    status = check_state(state, err);
    if (status != OK) {
        return status;
    }
    status = nonces_use(auth->nonces, request->node_id, nonce, now_ms,
                        request->at_ms + SESSION_WINDOW_MS);
    if (status != OK) {
        return err_set(err, status, "%s", status_meaning(status));
    }
    *ret_expires_ms = now_ms + auth->options.session_ms;
    make_token(auth, request->node_id, epoch, *ret_expires_ms, ret_token);
    nodes_seen(auth->options.nodes, request->node_id, now_ms);
    return OK;
}
