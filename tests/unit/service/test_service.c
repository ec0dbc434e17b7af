/* SPDX-License-Identifier: Apache-2.0 */
/* The services over a real database: what is committed is what the next start finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "server/service/auth.h"
#include "server/service/deployments.h"
#include "server/service/enrollment.h"
#include "server/service/nodes.h"
#include "server/service/selector.h"
#include "server/service/service.h"
#include "server/store/store.h"
#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

enum { POLLERS = 3, ROUNDS = 40 };

struct fixture {
    char folder[PATH_MAX];
    struct store *store;
    struct service *service;
    struct service_init init;
};

struct key_pair {
    uint8_t public_key[32], secret_key[64];
};

static void open_all(struct fixture *fixture)
{
    struct store_options store = store_options_default(fixture->folder);
    assert_int_equal(store_open(&store, &fixture->store, NULL), OK);
    struct service_options options = service_options_default();
    options.store = fixture->store;
    options.folder = fixture->folder;
    options.cohort_labels[0] = "site";
    assert_int_equal(service_open(&options, &fixture->service, NULL), OK);
}

static void close_all(struct fixture *fixture)
{
    service_close(fixture->service);
    store_close(fixture->store);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_true(sodium_init() >= 0);
    folder_make(fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    struct store_options store = store_options_default(fixture->folder);
    assert_int_equal(store_open(&store, &fixture->store, NULL), OK);
    assert_int_equal(
        service_init_data(fixture->store, fixture->folder, &fixture->init, NULL), OK);
    store_close(fixture->store);
    open_all(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    static const char *const BELOW[] = {"/keys", "/tuf/metadata", "/tuf", ""};
    char path[PATH_MAX];
    close_all(fixture);
    for (size_t i = 0; i < sizeof BELOW / sizeof BELOW[0]; i++) {
        (void)snprintf(path, sizeof path, "%.4000s%s", fixture->folder, BELOW[i]);
        folder_remove(path);
    }
    free(fixture);
    return 0;
}

static int64_t enroll(struct fixture *fixture, const char *name, struct key_pair *ret_key)
{
    struct label_list labels = {.items = {{"site", "lyon"}}, .count = 1};
    struct enrollment_token_order token = {.name = "t",
                                           .max_uses = 1,
                                           .expires_ms = clock_wall_ms() + 60000,
                                           .labels = &labels};
    struct node_order order = {.name = name, .facts = "{\"arch\":\"aarch64\"}"};
    char text[TOKEN_TEXT_BYTES];
    int64_t id = 0;
    enum node_state state;
    (void)crypto_sign_keypair(ret_key->public_key, ret_key->secret_key);
    memcpy(order.public_key, ret_key->public_key, 32);
    assert_int_equal(enrollment_token_create(fixture->service->enrollment, &token, "x",
                                             &id, text, NULL),
                     OK);
    assert_int_equal(
        enrollment_enroll(fixture->service->enrollment, text, &order, &id, &state, NULL),
        OK);
    return id;
}

static struct session_request sign(const struct fixture *fixture, int64_t node_id,
                                   const struct key_pair *key)
{
    struct session_request request = {.node_id = node_id, .at_ms = clock_wall_ms()};
    uint8_t nonce[16];
    char message[256];
    randombytes_buf(nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, request.nonce);
    int len = snprintf(
        message, sizeof message, "muster-session-v1\n%s\n%" PRId64 "\n%" PRId64 "\n%s\n",
        fixture->service->server_id, node_id, request.at_ms, request.nonce);
    (void)crypto_sign_detached(request.signature, NULL, (const uint8_t *)message,
                               (unsigned long long)len, key->secret_key);
    return request;
}

static void a_directory_is_initialised_once(void **state)
{
    struct fixture *fixture = *state;
    struct service_init again = {0};
    assert_int_equal(service_init_data(fixture->store, fixture->folder, &again, NULL),
                     ERR_EXISTS);
    assert_string_equal(fixture->init.server_id, fixture->service->server_id);
}

static void the_first_token_is_an_admins(void **state)
{
    struct fixture *fixture = *state;
    struct auth_identity identity;
    assert_int_equal(auth_identify(fixture->service->auth, fixture->init.admin_token,
                                   clock_wall_ms(), &identity, NULL),
                     OK);
    assert_int_equal(identity.kind, AUTH_API);
    assert_int_equal(identity.token.role, TOKEN_ADMIN);
}

static void a_session_request_works_once(void **state)
{
    struct fixture *fixture = *state;
    struct key_pair key;
    struct auth_identity identity;
    char token[SESSION_TOKEN_BYTES];
    int64_t expires_ms = 0;
    int64_t id = enroll(fixture, "n", &key);
    struct session_request request = sign(fixture, id, &key);
    struct auth *auth = fixture->service->auth;
    int64_t now_ms = clock_wall_ms();
    assert_int_equal(auth_session(auth, &request, now_ms, token, &expires_ms, NULL), OK);
    assert_int_equal(auth_session(auth, &request, now_ms, token, &expires_ms, NULL),
                     ERR_SESSION_REPLAY);
    for (char *c = request.nonce; *c; c++) {
        *c = (char)(*c >= 'a' && *c <= 'f' ? *c - 32 : *c);
    }
    /* the same nonce in other letters is not what was signed */
    assert_int_not_equal(auth_session(auth, &request, now_ms, token, &expires_ms, NULL),
                         OK);
    assert_int_equal(auth_identify(auth, token, expires_ms - 1, &identity, NULL), OK);
    assert_int_equal(identity.node_id, id);
    assert_int_equal(auth_identify(auth, token, expires_ms, &identity, NULL),
                     ERR_AUTH_REQUIRED);
}

static void a_request_from_before_the_start_is_told_to_sign_again(void **state)
{
    struct fixture *fixture = *state;
    struct key_pair key;
    char token[SESSION_TOKEN_BYTES];
    int64_t expires_ms = 0;
    int64_t id = enroll(fixture, "n", &key);
    struct session_request request = sign(fixture, id, &key);
    close_all(fixture);
    clock_shift_wall(1000);
    open_all(fixture);
    assert_int_equal(auth_session(fixture->service->auth, &request, clock_wall_ms(),
                                  token, &expires_ms, NULL),
                     ERR_SESSION_CLOCK);
    clock_shift_wall(-1000);
}

static void a_changed_signature_does_not_verify(void **state)
{
    struct fixture *fixture = *state;
    struct key_pair key;
    char token[SESSION_TOKEN_BYTES];
    int64_t expires_ms = 0;
    int64_t id = enroll(fixture, "n", &key);
    for (size_t i = 0; i < sizeof((struct session_request *)0)->signature; i++) {
        struct session_request request = sign(fixture, id, &key);
        request.signature[i] ^= 0x40;
        assert_int_equal(auth_session(fixture->service->auth, &request, clock_wall_ms(),
                                      token, &expires_ms, NULL),
                         ERR_SESSION_SIGNATURE);
    }
    /* S + L: the same point, another text (malleability) */
    static const uint8_t L[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                  0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                  0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct session_request request = sign(fixture, id, &key);
    unsigned carry = 0;
    for (size_t i = 0; i < sizeof L; i++) {
        carry += (unsigned)request.signature[32 + i] + L[i];
        request.signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(auth_session(fixture->service->auth, &request, clock_wall_ms(),
                                  token, &expires_ms, NULL),
                     ERR_SESSION_SIGNATURE);
}

static void last_seen_reaches_the_database_in_batches_only(void **state)
{
    struct fixture *fixture = *state;
    struct key_pair key;
    struct node_view view;
    ARENA_AUTO arena = ARENA_INIT(65536);
    int64_t id = enroll(fixture, "n", &key);
    nodes_seen(fixture->service->nodes, id, 1795420000123);
    assert_int_equal(query_number(fixture->store, "SELECT count(last_seen_ms) FROM node"),
                     0);
    assert_int_equal(nodes_flush(fixture->service->nodes, NULL), OK);
    assert_int_equal(query_number(fixture->store, "SELECT last_seen_ms FROM node"),
                     1795420000123);
    nodes_seen(fixture->service->nodes, id, 1795420000999);
    close_all(fixture);
    open_all(fixture);
    assert_int_equal(nodes_get(fixture->service->nodes, id, &arena, &view, NULL), OK);
    assert_int_equal(view.last_seen_ms, 1795420000999);
}

static void cohort_labels_are_the_declared_ones(void **state)
{
    struct fixture *fixture = *state;
    struct key_pair key;
    char labels[NODE_COHORT_LABELS][LABEL_BYTES];
    int64_t id = enroll(fixture, "n", &key);
    assert_true(nodes_cohort_labels(fixture->service->nodes, id, labels));
    assert_string_equal(labels[0], "lyon");
    assert_string_equal(labels[1], "");
    assert_false(nodes_cohort_labels(fixture->service->nodes, id + 1, labels));
}

static void the_audit_log_only_grows(void **state)
{
    struct fixture *fixture = *state;
    struct key_pair key;
    (void)enroll(fixture, "n", &key);
    assert_int_equal(query_number(fixture->store, "SELECT count(*) FROM audit_log"), 3);
    assert_int_equal(query_number(fixture->store,
                                  "SELECT count(*) FROM audit_log"
                                  " WHERE action = 'node.enroll' AND actor = 'node:n'"),
                     1);
}

/* Polls while the main thread changes what is polled; for ThreadSanitizer. */
struct poller {
    struct service *service;
    int64_t node_id;
    const char *token;
    atomic_bool *stop, *refused;
};

static void *poll_on(void *argument)
{
    struct poller *poller = argument;
    struct auth_identity identity;
    struct artifact_info *items = calloc(ASSIGNMENTS_MAX, sizeof *items);
    while (items && !atomic_load(poller->stop)) {
        if (auth_identify(poller->service->auth, poller->token, clock_wall_ms(),
                          &identity, NULL) != OK) {
            atomic_store(poller->refused, true);
        }
        (void)deployments_assign(poller->service->deployments, poller->node_id, items);
        nodes_seen(poller->service->nodes, poller->node_id, clock_wall_ms());
    }
    free(items);
    return NULL;
}

static void polls_run_beside_changes(void **state)
{
    struct fixture *fixture = *state;
    struct key_pair key;
    atomic_bool stop = false;
    atomic_bool refused = false;
    pthread_t threads[POLLERS];
    struct nodes *nodes = fixture->service->nodes;
    struct poller poller = {.service = fixture->service,
                            .node_id = enroll(fixture, "n", &key),
                            .token = fixture->init.admin_token,
                            .stop = &stop,
                            .refused = &refused};
    for (int i = 0; i < POLLERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, poll_on, &poller), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        char value[32];
        char name[32];
        struct key_pair other;
        (void)snprintf(value, sizeof value, "v%d", i);
        (void)snprintf(name, sizeof name, "other %d", i);
        struct node_patch patch = {.labels = {.items = {{"k", value}}, .count = 1}};
        assert_int_equal(nodes_patch(nodes, poller.node_id, &patch, "x", NULL), OK);
        assert_int_equal(nodes_revoke(nodes, enroll(fixture, name, &other), "x", NULL),
                         OK);
        assert_int_equal(nodes_flush(nodes, NULL), OK);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < POLLERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_false(atomic_load(&refused));
    struct selector selector;
    assert_int_equal(selector_parse("k=v39,site=lyon,arch=aarch64", &selector, NULL), OK);
    assert_int_equal(nodes_count_matching(nodes, &selector), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_directory_is_initialised_once),
        CASE(the_first_token_is_an_admins),
        CASE(a_session_request_works_once),
        CASE(a_request_from_before_the_start_is_told_to_sign_again),
        CASE(a_changed_signature_does_not_verify),
        CASE(last_seen_reaches_the_database_in_batches_only),
        CASE(cohort_labels_are_the_declared_ones),
        CASE(the_audit_log_only_grows),
        CASE(polls_run_beside_changes),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
