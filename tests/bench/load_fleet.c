/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load_fleet.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "tests/bench/load_client.h"

/* One request a node, in their order. */
struct roll {
    struct work work; /* first */
    struct fleet *fleet;
    const struct load_options *options;
};

static struct roll *roll_of(struct work *work)
{
    return (struct roll *)work;
}

/* The value of a member in an answer, without quotes. */
static void member_copy(const struct answer *answer, const char *name, char *ret_text,
                        size_t size)
{
    char quoted[64];
    int quoted_len = snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *end = answer->body + answer->len;
    const char *at = memmem(answer->body, answer->len, quoted, (size_t)quoted_len);
    if (!at) {
        die("an answer has no %s: %.*s", name, (int)answer->len, answer->body);
    }
    at += quoted_len;
    at += *at == '"';
    size_t len = 0;
    while (at + len < end && !strchr("\",}", at[len])) {
        len++;
    }
    if (len >= size) {
        die("%s is too long", name);
    }
    memcpy(ret_text, at, len);
    ret_text[len] = '\0';
}

static struct fleet_node *next_node(struct roll *roll, struct exchange *exchange)
{
    struct fleet *fleet = roll->fleet;
    if (fleet->next == fleet->count) {
        return NULL;
    }
    exchange->node = fleet->next++;
    return &fleet->nodes[exchange->node];
}

static void put_request(const struct roll *roll, struct exchange *exchange,
                        const char *path, const char *body)
{
    buf_reset(&exchange->request);
    buf_addf(&exchange->request,
             "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             path, roll->options->host, strlen(body), body);
}

static void node_keys(const struct fleet_node *node,
                      uint8_t ret_public[crypto_sign_PUBLICKEYBYTES],
                      uint8_t ret_secret[crypto_sign_SECRETKEYBYTES])
{
    (void)crypto_sign_seed_keypair(ret_public, ret_secret, node->seed);
}

/* ---- Enrolment ---- */

static bool enroll_next(struct work *work, struct exchange *exchange)
{
    struct roll *roll = roll_of(work);
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    char key[65];
    char body[1024];
    struct fleet_node *node = next_node(roll, exchange);
    if (!node) {
        return false;
    }
    randombytes_buf(node->seed, sizeof node->seed);
    node_keys(node, public_key, secret_key);
    hex_encode(public_key, sizeof public_key, key);
    (void)snprintf(body, sizeof body,
                   "{\"token\":\"%s\",\"name\":\"load-%.16s\",\"public_key\":\"%s\","
                   "\"facts\":{\"arch\":\"x86_64\",\"cores\":2,\"ram_bytes\":2147483648,"
                   "\"features\":[\"avx2\"],\"runtime\":\"0.1.0\",\"agent\":\"0.1.0\"},"
                   "\"labels\":{\"line\":\"%u\"}}",
                   roll->options->enrollment, key, key, (unsigned)(exchange->node % 10));
    put_request(roll, exchange, "/v1/enroll", body);
    return true;
}

static bool enroll_accept(struct work *work, struct exchange *exchange,
                          const struct answer *answer)
{
    struct fleet *fleet = roll_of(work)->fleet;
    char id[24];
    if (answer->status != 200) {
        return false;
    }
    member_copy(answer, "node_id", id, sizeof id);
    member_copy(answer, "server_id", fleet->server_id, sizeof fleet->server_id);
    fleet->nodes[exchange->node].id = strtoll(id, NULL, 10);
    return true;
}

/* ---- Sessions ---- */

static bool login_next(struct work *work, struct exchange *exchange)
{
    struct roll *roll = roll_of(work);
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    uint8_t nonce[16];
    uint8_t signature[crypto_sign_BYTES];
    char nonce_text[2 * sizeof nonce + 1];
    char signature_text[2 * sizeof signature + 1];
    char message[256];
    char body[512];
    struct fleet_node *node = next_node(roll, exchange);
    if (!node) {
        return false;
    }
    int64_t at_ms = clock_wall_ms();
    node_keys(node, public_key, secret_key);
    randombytes_buf(nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, nonce_text);
    int len = snprintf(message, sizeof message,
                       "muster-session-v1\n%s\n%" PRId64 "\n%" PRId64 "\n%s\n",
                       roll->fleet->server_id, node->id, at_ms, nonce_text);
    (void)crypto_sign_detached(signature, NULL, (const uint8_t *)message,
                               (unsigned long long)len, secret_key);
    hex_encode(signature, sizeof signature, signature_text);
    (void)snprintf(body, sizeof body,
                   "{\"node_id\":%" PRId64 ",\"at_ms\":%" PRId64
                   ",\"nonce\":\"%s\",\"signature\":\"%s\"}",
                   node->id, at_ms, nonce_text, signature_text);
    put_request(roll, exchange, "/v1/session", body);
    return true;
}

static bool login_accept(struct work *work, struct exchange *exchange,
                         const struct answer *answer)
{
    struct fleet_node *node = &roll_of(work)->fleet->nodes[exchange->node];
    if (answer->status != 200) {
        return false;
    }
    member_copy(answer, "token", node->token, sizeof node->token);
    return true;
}

/* ---- Both ---- */

/* One request for every node; all must be answered well. */
static void roll_call(struct roll *roll)
{
    struct client client;
    roll->fleet->next = 0;
    client_init(&client, roll->options, 16);
    client_run(&client, &roll->work, 0, 0);
    if (client.result.failed > 0) {
        die("%lld nodes were refused", (long long)client.result.failed);
    }
    client_release(&client);
    roll->fleet->next = 0;
}

static void fleet_write(const struct fleet *fleet, const char *path)
{
    char seed[65];
    FILE *file = fopen(path, "we");
    if (!file) {
        die("cannot write %s: %s", path, strerrorname_np(errno));
    }
    (void)fprintf(file, "%s\n", fleet->server_id);
    for (unsigned i = 0; i < fleet->count; i++) {
        hex_encode(fleet->nodes[i].seed, sizeof fleet->nodes[i].seed, seed);
        (void)fprintf(file, "%" PRId64 " %s\n", fleet->nodes[i].id, seed);
    }
    if (fclose(file) != 0) {
        die("cannot write %s: %s", path, strerrorname_np(errno));
    }
}

static void fleet_read(struct fleet *fleet, const char *path)
{
    char line[128];
    unsigned cap = 0;
    FILE *file = fopen(path, "re");
    if (!file || !fgets(line, sizeof line, file) ||
        sscanf(line, "%32s", fleet->server_id) != 1) {
        die("cannot read %s", path);
    }
    while (fgets(line, sizeof line, file)) {
        struct fleet_node node = {0};
        char seed[65];
        if (sscanf(line, "%" SCNd64 " %64s", &node.id, seed) != 2 ||
            hex_decode(seed, node.seed, sizeof node.seed, NULL) != OK) {
            die("%s has a line that is no node", path);
        }
        if (fleet->count == cap) {
            cap = cap ? cap * 2 : 1024;
            fleet->nodes = realloc(fleet->nodes, cap * sizeof *fleet->nodes);
        }
        if (!fleet->nodes) {
            die("no memory");
        }
        fleet->nodes[fleet->count++] = node;
    }
    (void)fclose(file);
    if (fleet->count == 0) {
        die("%s has no nodes", path);
    }
}

void fleet_enroll(struct fleet *fleet, const struct load_options *options)
{
    struct roll roll = {.work = {.next = enroll_next, .accept = enroll_accept},
                        .fleet = fleet,
                        .options = options};
    if (!options->fleet || !options->enrollment) {
        die("enroll wants --fleet and --enrollment");
    }
    *fleet = (struct fleet){.count = options->nodes};
    fleet->nodes = must_calloc(fleet->count, sizeof *fleet->nodes);
    roll_call(&roll);
    fleet_write(fleet, options->fleet);
}

void fleet_login(struct fleet *fleet, const struct load_options *options)
{
    struct roll roll = {.work = {.next = login_next, .accept = login_accept},
                        .fleet = fleet,
                        .options = options};
    if (!options->fleet) {
        die("--fleet is missing");
    }
    *fleet = (struct fleet){0};
    fleet_read(fleet, options->fleet);
    roll_call(&roll);
}

void fleet_release(struct fleet *fleet)
{
    free(fleet->nodes);
}
