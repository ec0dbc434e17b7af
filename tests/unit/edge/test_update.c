/* SPDX-License-Identifier: Apache-2.0 */
/* A server that lies: the node refuses with the right code, keeps its model, and recovers
 * when the server is right again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "tests/unit/edge/fixture_node.h"

static struct server server;
static struct repository repository;
static struct node node;

/* A node that runs 1.0.0; 1.1.0 is signed, published and assigned, and not yet asked for.
 */
static int set_up(void **state)
{
    (void)state;
    server_start(&server);
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_init(&node, &server, &repository);
    node_open(&node);
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(0));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    node_release(&node);
    repository_release(&repository);
    server_stop(&server);
    return 0;
}

static void publish_second(void)
{
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
}

static void until_complaint(const char *code)
{
    node_until(&node, node_complained, (void *)(uintptr_t)code);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
}

/* The whole story of one attack: refused with `code` while the fault lasts, the old model
 * kept and still reporting, the new one taken once the server is right. */
static void refuse_and_recover(const struct server_fault *fault, const char *code)
{
    server_fault(&server, fault);
    publish_second();
    until_complaint(code);
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
    server_heal(&server);
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    assert_true(node_complained(&node, "ok"));
}

static void a_new_version_is_taken(void **state)
{
    (void)state;
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    assert_int_equal(node.models, 2);
    assert_string_equal(node.messages, "");
}

#define REFUSED(name, expected, ...)                                                     \
    static void name(void **state)                                                       \
    {                                                                                    \
        (void)state;                                                                     \
        refuse_and_recover(&(struct server_fault){.times = FOR_EVER, __VA_ARGS__},       \
                           expected);                                                    \
    }

REFUSED(a_flipped_byte_in_timestamp, "tuf.format", .path = "/timestamp.json",
        .flip = true)
REFUSED(a_flipped_byte_in_snapshot, "tuf.hash", .path = ".snapshot.json", .flip = true)
REFUSED(a_flipped_byte_in_targets, "tuf.hash", .path = ".targets.json", .flip = true)
REFUSED(a_flipped_byte_in_both_artifact_and_transport, "tuf.hash", .path = "/fashion/2/",
        .flip = true)
REFUSED(a_timestamp_cut_short, "net", .path = "/timestamp.json", .manner = ANSWER_CUT)
REFUSED(a_snapshot_cut_short, "net", .path = ".snapshot.json", .manner = ANSWER_CUT)
REFUSED(an_artifact_cut_short, "net", .path = "/fashion/2/", .manner = ANSWER_CUT)
REFUSED(an_endless_root, "tuf.too_large", .path = "2.root.json", .manner = ANSWER_ENDLESS,
        .instead = &repository.root_file)
REFUSED(an_endless_timestamp, "tuf.too_large", .path = "/timestamp.json",
        .manner = ANSWER_ENDLESS)
REFUSED(an_endless_snapshot, "tuf.too_large", .path = ".snapshot.json",
        .manner = ANSWER_ENDLESS)
REFUSED(an_endless_artifact, "tuf.length", .path = "/fashion/2/",
        .manner = ANSWER_ENDLESS)
REFUSED(no_timestamp, "net.status", .path = "/timestamp.json", .status = 404)
REFUSED(a_server_error_for_targets, "net.status", .path = ".targets.json", .status = 500)
REFUSED(a_forbidden_root, "net.status", .path = "2.root.json", .status = 403)
REFUSED(a_missing_artifact, "net.status", .path = "/fashion/2/", .status = 404)
REFUSED(a_redirected_artifact, "net.status", .path = "/fashion/2/", .status = 302)
REFUSED(an_artifact_without_an_answer, "net", .path = "/fashion/2/",
        .manner = ANSWER_NONE)
REFUSED(an_assignment_that_is_no_json, "net.status", .path = "/v1/assignment",
        .flip = true, .instead = &repository.root_file)

static void a_flipped_byte_in_the_transport_falls_back_to_the_artifact(void **state)
{
    (void)state;
    server_fault(&server, &(struct server_fault){
                              .times = FOR_EVER, .path = "fp32.mnet.zst", .flip = true});
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    assert_true(strncmp(node.messages, "content.", 8) == 0 ||
                strncmp(node.messages, "tuf.hash", 8) == 0);
    assert_true(node_complained(&node, "ok"));
}

static void an_artifact_with_both_digests_is_taken(void **state)
{
    (void)state;
    repository.sha512 = true;
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    assert_string_equal(node.messages, "");
}

/* Its SHA-256 is right: every digest that is listed counts, of what a transport makes
 * too. */
static void an_artifact_with_another_sha512_is_refused(void **state)
{
    (void)state;
    repository.sha512 = repository.wrong_sha512 = true;
    publish_second();
    until_complaint("tuf.hash");
    repository.wrong_sha512 = false;
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
}

static void an_expired_timestamp(void **state)
{
    (void)state;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository.life_ms = -60000;
    repository_sign_timestamp(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
    until_complaint("tuf.expired");
    repository.life_ms = 86400000;
    repository_sign_timestamp(&repository, &server);
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
}

/* A timestamp that was good when the node took it and is never renewed. */
static void a_frozen_timestamp_is_noticed_when_it_expires(void **state)
{
    (void)state;
    publish_second();
    node.wall_shift_ms = INT64_C(30) * 86400000;
    until_complaint("tuf.expired");
    node.wall_shift_ms = 0;
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
}

static void an_older_timestamp(void **state)
{
    (void)state;
    BUF_AUTO old = BUF_INIT(100000);
    buf_add(&old, repository.timestamp_file.data, repository.timestamp_file.len);
    repository_sign_timestamp(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    int requests = server_count(&server, &server.requests);
    while (server_count(&server, &server.requests) < requests + 6) {
        muster_client_step(node.client);
    }
    refuse_and_recover(&(struct server_fault){.times = FOR_EVER,
                                              .path = "/timestamp.json",
                                              .instead = &old},
                       "tuf.rollback");
}

static void an_older_snapshot(void **state)
{
    (void)state;
    BUF_AUTO old = BUF_INIT(100000);
    buf_add(&old, repository.snapshot_file.data, repository.snapshot_file.len);
    refuse_and_recover(&(struct server_fault){.times = FOR_EVER,
                                              .path = ".snapshot.json",
                                              .instead = &old},
                       "tuf.hash");
}

/* Signed with keys that root does not name. */
static void a_foreign_key(void **state)
{
    (void)state;
    struct repository other;
    repository_init(&other);
    struct signing_key mine = repository.timestamp_key;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository.timestamp_key = other.timestamp_key;
    repository_sign_timestamp(&repository, &server);
    repository_assign(&repository, &server, 2, fixture_model(1));
    until_complaint("tuf.signature");
    repository.timestamp_key = mine;
    repository_sign_timestamp(&repository, &server);
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    repository_release(&other);
}

static void a_foreign_next_root(void **state)
{
    (void)state;
    struct repository other;
    struct server nowhere;
    server_start(&nowhere);
    repository_init(&other);
    repository_rotate_root(&other, &nowhere);
    refuse_and_recover(&(struct server_fault){.times = FOR_EVER,
                                              .path = "2.root.json",
                                              .instead = &other.root_file},
                       "tuf.signature");
    repository_release(&other);
    server_stop(&nowhere);
}

static void a_rotated_root_is_followed_and_kept(void **state)
{
    (void)state;
    char path[FOLDER_BYTES + 64];
    repository_rotate_root(&repository, &server);
    repository_rotate_root(&repository, &server);
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    snprintf(path, sizeof path, "%s/tuf/roots/3.root.json", node.folder);
    assert_true(file_exists(path));
}

/* The server alone cannot make a node run something that was not assigned by signature.
 */
static void an_assignment_of_other_bytes_than_signed(void **state)
{
    (void)state;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    BUF_AUTO other = BUF_INIT(100);
    buf_addstr(&other, "not signed");
    repository_assign(&repository, &server, 2, &other);
    until_complaint("tuf.hash");
}

static void an_assignment_of_what_is_not_listed(void **state)
{
    (void)state;
    repository_assign(&repository, &server, 9, fixture_model(1));
    until_complaint("tuf.missing");
}

static void a_signed_file_that_is_no_model(void **state)
{
    (void)state;
    BUF_AUTO junk = BUF_INIT(1000);
    buf_addstr(&junk, "signed, with the right digest, and still no model file");
    repository_add(&repository, &server, 2, &junk);
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 2, &junk);
    until_complaint("mnet.invalid");
    int requests = server_count(&server, &server.polls);
    while (server_count(&server, &server.polls) < requests + 3) {
        muster_client_step(node.client);
    }
    repository_add(&repository, &server, 3, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 3, fixture_model(1));
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
}

static void a_version_below_the_floor(void **state)
{
    (void)state;
    repository.floor = 2;
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.floor");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

/* The floor is kept outside the metadata cache. */
static void the_floor_survives_the_loss_of_the_cache(void **state)
{
    (void)state;
    char cache[FOLDER_BYTES + 8];
    repository.floor = 2;
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    node_close(&node);
    snprintf(cache, sizeof cache, "%s/tuf", node.folder);
    folder_remove(cache);
    repository.floor = 0;
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_open(&node);
    node_until(&node, node_complained, (void *)(uintptr_t) "tuf.floor");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

static void a_running_model_below_a_new_floor_goes_on_and_says_so(void **state)
{
    (void)state;
    struct muster_client_status status = {0};
    repository.floor = 2;
    repository_add(&repository, &server, 2, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    while (!status.below_floor) {
        muster_client_step(node.client);
        muster_client_status(node.client, &status);
    }
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
}

static void a_node_goes_back_to_its_last_model_without_fresh_metadata(void **state)
{
    (void)state;
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    server_fault(&server, &(struct server_fault){
                              .times = FOR_EVER, .path = "/tuf/", .status = 500});
    repository.timestamp_version++;
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(0));
}

static void the_model_is_there_after_a_restart_without_a_server(void **state)
{
    (void)state;
    node_close(&node);
    server_fault(&server, &(struct server_fault){
                              .times = FOR_EVER, .path = "/", .manner = ANSWER_NONE});
    node_open(&node);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
    node_predict(&node, 10);
}

/* Ends the client and damages the file of the model that it ran. */
static void close_and_damage_model(void)
{
    char path[FOLDER_BYTES + 128];
    const struct muster_client_model *model = muster_client_model(node.client);
    snprintf(path, sizeof path, "%s", model->path);
    muster_client_model_release(model);
    node_close(&node);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 1000, SEEK_SET);
    fputc('x', file);
    fputc('y', file);
    fclose(file);
}

static void a_model_damaged_on_disk_is_fetched_again(void **state)
{
    (void)state;
    close_and_damage_model();
    node_open(&node);
    assert_true(node_complained(&node, "tuf.hash"));
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(0));
}

/* The way back on disk is one only at the floor or above. */
static void a_damaged_model_does_not_bring_back_one_below_the_floor(void **state)
{
    (void)state;
    repository.floor = 2;
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    close_and_damage_model();
    node_open(&node);
    assert_true(node_complained(&node, "tuf.hash"));
    assert_null(muster_client_model(node.client));
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
}

static void a_damaged_model_brings_back_the_one_before(void **state)
{
    (void)state;
    publish_second();
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    close_and_damage_model();
    node_open(&node);
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
}

/* A disk that was full when the floor rose must not make it forgotten. */
static void a_floor_that_could_not_be_stored_is_stored_later(void **state)
{
    (void)state;
    char path[FOLDER_BYTES + 32];
    BUF_AUTO stored = BUF_INIT(4096);
    snprintf(path, sizeof path, "%s/trust/floors.json", node.folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    repository.floor = 2;
    publish_second();
    until_complaint("io");
    assert_int_equal(rmdir(path), 0);
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
    assert_int_equal(file_read(path, &stored, NULL), OK);
    assert_non_null(strstr(stored.data, "\"fashion\":2"));
}

/* Whether the node has stored this artifact. */
static bool has_file(const struct buf *artifact)
{
    uint8_t digest[32];
    char name[65], path[FOLDER_BYTES + 80];
    assert_int_equal(sha256_of(artifact->data, artifact->len, digest, NULL), OK);
    hex_encode(digest, sizeof digest, name);
    (void)snprintf(path, sizeof path, "%s/models/%s", node.options.state_folder, name);
    return file_exists(path);
}

/* Signed, listed and assigned, and yet not for this node: refused before it is fetched.
 */
static void refuse_unfit(const char *needs, const char *code)
{
    repository.needs = needs;
    publish_second();
    until_complaint(code);
    assert_false(has_file(fixture_model(1)));
    node_predict(&node, 10);
    node_until(&node, node_drained, NULL);
    repository.needs = NULL;
    repository_add(&repository, &server, 3, fixture_model(1));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 3, fixture_model(1));
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(1));
}

static void an_artifact_for_other_hardware(void **state)
{
    (void)state;
    refuse_unfit("{\"hardware\":[\"z80\"]}", "fit.other_hardware");
}

static void an_artifact_in_a_format_that_nobody_runs_here(void **state)
{
    (void)state;
    refuse_unfit("{\"format\":\"onnx\"}", "fit.other_hardware");
}

static void an_artifact_that_needs_more_memory_than_there_is(void **state)
{
    (void)state;
    refuse_unfit("{\"ram_bytes\":4611686018427387904}", "fit.too_big_or_new");
}

static void an_artifact_that_needs_more_flash_than_is_free(void **state)
{
    (void)state;
    refuse_unfit("{\"flash_bytes\":4611686018427387904}", "fit.too_big_or_new");
}

static void an_artifact_of_a_newer_runtime(void **state)
{
    (void)state;
    refuse_unfit("{\"runtime_min\":\"999.0.0\"}", "fit.too_big_or_new");
}

static void an_artifact_with_an_operator_of_the_future(void **state)
{
    (void)state;
    refuse_unfit("{\"ops\":\"000000000000000000000000000000000000000000000000000000000000"
                 "0080\"}",
                 "fit.too_big_or_new");
}

static void an_idle_poll_is_one_request(void **state)
{
    (void)state;
    int polls = server_count(&server, &server.polls);
    int requests = server_count(&server, &server.requests);
    while (server_count(&server, &server.polls) < polls + 5) {
        int64_t wait_ms = muster_client_step(node.client);
        muster_client_wait(node.client, wait_ms < 10 ? wait_ms : 10);
    }
    int asked = server_count(&server, &server.polls) - polls;
    assert_in_range(server_count(&server, &server.requests) - requests, asked, asked + 2);
    assert_true(server_count(&server, &server.not_modified) >= 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_version_is_taken),
        TEST(a_flipped_byte_in_timestamp),
        TEST(a_flipped_byte_in_snapshot),
        TEST(a_flipped_byte_in_targets),
        TEST(a_flipped_byte_in_both_artifact_and_transport),
        TEST(a_flipped_byte_in_the_transport_falls_back_to_the_artifact),
        TEST(a_timestamp_cut_short),
        TEST(a_snapshot_cut_short),
        TEST(an_artifact_cut_short),
        TEST(an_endless_root),
        TEST(an_endless_timestamp),
        TEST(an_endless_snapshot),
        TEST(an_endless_artifact),
        TEST(no_timestamp),
        TEST(a_server_error_for_targets),
        TEST(a_forbidden_root),
        TEST(a_missing_artifact),
        TEST(a_redirected_artifact),
        TEST(an_artifact_without_an_answer),
        TEST(an_assignment_that_is_no_json),
        TEST(an_artifact_with_both_digests_is_taken),
        TEST(an_artifact_with_another_sha512_is_refused),
        TEST(an_expired_timestamp),
        TEST(a_frozen_timestamp_is_noticed_when_it_expires),
        TEST(an_older_timestamp),
        TEST(an_older_snapshot),
        TEST(a_foreign_key),
        TEST(a_foreign_next_root),
        TEST(a_rotated_root_is_followed_and_kept),
        TEST(an_assignment_of_other_bytes_than_signed),
        TEST(an_assignment_of_what_is_not_listed),
        TEST(a_signed_file_that_is_no_model),
        TEST(a_version_below_the_floor),
        TEST(an_artifact_for_other_hardware),
        TEST(an_artifact_in_a_format_that_nobody_runs_here),
        TEST(an_artifact_that_needs_more_memory_than_there_is),
        TEST(an_artifact_that_needs_more_flash_than_is_free),
        TEST(an_artifact_of_a_newer_runtime),
        TEST(an_artifact_with_an_operator_of_the_future),
        TEST(the_floor_survives_the_loss_of_the_cache),
        TEST(a_running_model_below_a_new_floor_goes_on_and_says_so),
        TEST(a_node_goes_back_to_its_last_model_without_fresh_metadata),
        TEST(the_model_is_there_after_a_restart_without_a_server),
        TEST(a_model_damaged_on_disk_is_fetched_again),
        TEST(a_damaged_model_does_not_bring_back_one_below_the_floor),
        TEST(a_damaged_model_brings_back_the_one_before),
        TEST(a_floor_that_could_not_be_stored_is_stored_later),
        TEST(an_idle_poll_is_one_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
