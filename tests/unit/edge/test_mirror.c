/* SPDX-License-Identifier: Apache-2.0 */
/* A site's mirror: asked first, trusted with nothing, and never in the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/edge/fixture_node.h"

enum { PART = 50000 };

static struct server server, mirror;
static struct repository repository;
static struct node node;

/* A node without a model; the mirror has the targets of 1.0.0 and wants no token. */
static int set_up(void **state)
{
    char url[128];
    (void)state;
    server_start(&server);
    server_start(&mirror);
    mirror.open_targets = true;
    repository_init(&repository);
    repository_add(&repository, &server, 1, fixture_model(0));
    repository_add(&repository, &mirror, 1, fixture_model(0));
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, 1, fixture_model(0));
    node_init(&node, &server, &repository);
    snprintf(url, sizeof url, "%s/tuf/targets/", mirror.url);
    node.options.mirror_url = url;
    node_open(&node);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    node_release(&node);
    repository_release(&repository);
    server_stop(&mirror);
    server_stop(&server);
    return 0;
}

static void until_model(void)
{
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(0));
}

static void fault_mirror(struct server_fault fault)
{
    fault.times = FOR_EVER;
    snprintf(fault.path, sizeof fault.path, "/tuf/targets/");
    server_fault(&mirror, &fault);
}

/* How often each was asked for a target. */
static void assert_fetches(int of_mirror, int of_server)
{
    assert_int_equal(server_count(&mirror, &mirror.fetch_count), of_mirror);
    assert_int_equal(server_count(&server, &server.fetch_count), of_server);
    for (int i = 0; i < of_mirror; i++) {
        assert_string_equal(server_fetch_at(&mirror, i).token, "");
    }
}

static void what_the_mirror_has_is_not_asked_of_the_server(void **state)
{
    (void)state;
    until_model();
    assert_fetches(1, 0);
    assert_string_equal(node.messages, "");
}

static void a_mirror_that_is_down_costs_one_attempt(void **state)
{
    (void)state;
    fault_mirror((struct server_fault){.manner = ANSWER_NONE});
    until_model();
    assert_fetches(1, 1);
    assert_string_equal(node.messages, "net\n");
}

static void a_mirror_without_the_file_costs_one_attempt(void **state)
{
    (void)state;
    fault_mirror((struct server_fault){.status = 404, .code = "not_found"});
    until_model();
    assert_fetches(1, 1);
}

static void the_server_goes_on_where_the_mirror_broke_off(void **state)
{
    (void)state;
    fault_mirror((struct server_fault){.manner = ANSWER_CUT, .part = PART});
    until_model();
    assert_fetches(1, 1);
    assert_string_equal(server_fetch_at(&server, 0).range, "bytes=50000-");
    assert_int_equal(server_fetch_at(&server, 0).status, 206);
}

static void wrong_bytes_of_the_mirror_are_refused(void **state)
{
    (void)state;
    fault_mirror((struct server_fault){.flip = true});
    until_model();
    assert_fetches(1, 1);
    assert_int_equal(server_fetch_at(&server, 0).status, 200);
    assert_string_equal(node.messages, "tuf.hash\n");
}

static void an_endless_mirror_is_cut_off(void **state)
{
    (void)state;
    fault_mirror((struct server_fault){.manner = ANSWER_ENDLESS});
    until_model();
    assert_fetches(1, 1);
    assert_string_equal(node.messages, "tuf.length\n");
}

/* It had wrong bytes of this artifact: the next attempt does not ask it again. */
static void a_mirror_that_lied_is_not_asked_for_the_same_again(void **state)
{
    (void)state;
    fault_mirror((struct server_fault){.flip = true});
    server_fault(&server, &(struct server_fault){.path = "/tuf/targets/",
                                                 .times = 2,
                                                 .manner = ANSWER_CUT,
                                                 .part = PART});
    until_model();
    assert_fetches(1, 3);
}

static void a_mirror_that_wants_a_link_gets_one_and_no_token(void **state)
{
    (void)state;
    mirror.open_targets = false;
    until_model();
    assert_fetches(2, 0);
    assert_int_equal(server_count(&server, &server.links), 1);
    const char *query = strchr(server_fetch_at(&mirror, 1).path, '?');
    assert_non_null(query);
    assert_string_equal(query + 1, SERVER_LINK_QUERY);
    assert_null(strchr(server_fetch_at(&mirror, 0).path, '?'));
}

static void a_mirror_that_refuses_its_link_is_left(void **state)
{
    (void)state;
    fault_mirror((struct server_fault){.status = 403, .code = "auth.forbidden"});
    until_model();
    assert_fetches(2, 1);
    assert_int_equal(server_count(&server, &server.links), 1);
}

static void a_server_that_makes_no_links_is_asked_for_the_file(void **state)
{
    (void)state;
    mirror.open_targets = false;
    server_fault(&server, &(struct server_fault){.path = "/v1/links",
                                                 .times = FOR_EVER,
                                                 .status = 404,
                                                 .code = "not_found"});
    until_model();
    assert_fetches(1, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_mirror_has_is_not_asked_of_the_server),
        TEST(a_mirror_that_is_down_costs_one_attempt),
        TEST(a_mirror_without_the_file_costs_one_attempt),
        TEST(the_server_goes_on_where_the_mirror_broke_off),
        TEST(wrong_bytes_of_the_mirror_are_refused),
        TEST(an_endless_mirror_is_cut_off),
        TEST(a_mirror_that_lied_is_not_asked_for_the_same_again),
        TEST(a_mirror_that_wants_a_link_gets_one_and_no_token),
        TEST(a_mirror_that_refuses_its_link_is_left),
        TEST(a_server_that_makes_no_links_is_asked_for_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
