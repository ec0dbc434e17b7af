/* SPDX-License-Identifier: Apache-2.0 */
/* A model that a team signs with its own key: found, verified and bounded by what was
 * delegated to the team. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/edge/fixture_node.h"

static struct server server;
static struct repository repository;
static struct node node;

/* A node that runs fashion/1, which top-level targets list. */
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

static void publish_and_assign(int64_t seq, int model)
{
    repository_publish(&repository, &server);
    repository_assign(&repository, &server, seq, fixture_model(model));
}

static void until_model(int model)
{
    node_until(&node, node_has_model, (void *)(uintptr_t)fixture_model(model));
}

static void until_complaint(const char *code)
{
    node_until(&node, node_complained, (void *)(uintptr_t)code);
}

static void what_a_team_lists_runs(void **state)
{
    (void)state;
    repository_delegate(&repository, "fashion/*/*");
    repository_add(&repository, &server, 2, fixture_model(1));
    publish_and_assign(2, 1);
    until_model(1);
}

/* Versions of before the delegation stay listed at the top: a rollback still works. */
static void what_was_listed_before_the_delegation_still_runs(void **state)
{
    (void)state;
    repository_delegate(&repository, "fashion/*/*");
    repository_add(&repository, &server, 2, fixture_model(1));
    publish_and_assign(2, 1);
    until_model(1);
    repository_assign(&repository, &server, 1, fixture_model(0));
    until_model(0);
}

static void another_key_than_the_teams_is_refused(void **state)
{
    (void)state;
    repository_delegate(&repository, "fashion/*/*");
    repository.team_signer = repository.targets_key;
    repository_add(&repository, &server, 2, fixture_model(1));
    publish_and_assign(2, 1);
    until_complaint("tuf.signature");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
    repository.team_signer = repository.team_key;
    publish_and_assign(2, 1);
    until_model(1);
}

static void what_was_not_delegated_is_not_found(void **state)
{
    (void)state;
    repository_delegate(&repository, "shoes/*/*");
    repository_add(&repository, &server, 2, fixture_model(1));
    publish_and_assign(2, 1);
    until_complaint("tuf.missing");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
}

static void a_teams_floor_holds_for_its_model(void **state)
{
    (void)state;
    repository_delegate(&repository, "fashion/*/*");
    repository.floor = 2;
    repository_add(&repository, &server, 2, fixture_model(1));
    publish_and_assign(2, 1);
    until_model(1);
    repository_assign(&repository, &server, 1, fixture_model(0));
    until_complaint("tuf.floor");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(1)));
}

/* The team lists fashion/9 with a floor of 9, but may speak for fashion/2 only. */
static void a_floor_outside_the_delegation_does_not_count(void **state)
{
    (void)state;
    repository_delegate(&repository, "fashion/2/*");
    repository_add(&repository, &server, 2, fixture_model(1));
    repository.floor = 9;
    repository_add(&repository, &server, 9, fixture_model(1));
    publish_and_assign(2, 1);
    until_model(1);
    repository_assign(&repository, &server, 1, fixture_model(0));
    until_model(0);
}

/* It was accepted in time, and is judged by the time of its use. */
static void a_teams_list_that_has_expired_since_is_refused(void **state)
{
    (void)state;
    repository_delegate(&repository, "fashion/*/*");
    repository.team_life_ms = 600000;
    repository_add(&repository, &server, 2, fixture_model(1));
    publish_and_assign(2, 1);
    until_model(1);
    repository_assign(&repository, &server, 1, fixture_model(0));
    until_model(0);
    node.wall_shift_ms = 1200000;
    repository_assign(&repository, &server, 2, fixture_model(1));
    until_complaint("tuf.expired");
    assert_true(node_has_model(&node, (void *)(uintptr_t)fixture_model(0)));
}

#define WITH_NODE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NODE(what_a_team_lists_runs),
        WITH_NODE(what_was_listed_before_the_delegation_still_runs),
        WITH_NODE(another_key_than_the_teams_is_refused),
        WITH_NODE(what_was_not_delegated_is_not_found),
        WITH_NODE(a_teams_floor_holds_for_its_model),
        WITH_NODE(a_floor_outside_the_delegation_does_not_count),
        WITH_NODE(a_teams_list_that_has_expired_since_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
