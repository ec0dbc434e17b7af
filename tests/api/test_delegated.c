/* SPDX-License-Identifier: Apache-2.0 */
/* A team's own role: pushed, judged whole, served, listed, deployed. */
#include "tests/api/publisher.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static struct site site;
static struct publisher publisher;

static const struct publisher_model SHOP = {.model = "shop", .seq = 1, .bytes = "shop 1"};
static const struct publisher_model TEAM = {.model = "team", .seq = 1, .bytes = "team 1"};
static const struct publisher_model TEAM_2 = {
    .model = "team", .seq = 2, .floor = 2, .bytes = "team 2"};
static const struct publisher_model STOLEN = {
    .model = "shop", .seq = 9, .floor = 9, .bytes = "not the team's to list"};

static int setup(void **state)
{
    (void)state;
    site_start(&site, NULL);
    publisher_init(&publisher, &site);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    publisher_release(&publisher);
    site_stop(&site);
    return 0;
}

static int get(const char *target, struct reply *reply)
{
    return site_call(&site, "GET", target, site.admin, NULL, reply);
}

/* What the server tells of roles and models. */
static void observe(struct buf *ret_text)
{
    REPLY_AUTO reply = {0};
    assert_int_equal(get("/v1/repository", &reply), 200);
    buf_add(ret_text, reply.answer.body, reply.answer.body_len);
    assert_int_equal(get("/v1/models", &reply), 200);
    buf_add(ret_text, reply.answer.body, reply.answer.body_len);
}

static void assert_refused(const char *code, const char *says)
{
    REPLY_AUTO reply = {0};
    BUF_AUTO before = BUF_INIT(65536);
    BUF_AUTO after = BUF_INIT(65536);
    observe(&before);
    assert_int_equal(publisher_push(&publisher, false, &reply), 422);
    if (!reply_has_code(&reply, code) || !strstr(reply.answer.body, says)) {
        fail_msg("expected %s: %.*s", code, (int)reply.answer.body_len,
                 reply.answer.body);
    }
    observe(&after);
    assert_string_equal(before.data, after.data);
}

static void a_team_s_role_is_listed_and_served(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char target[256];
    publisher_list(&publisher, "targets", &SHOP);
    publisher_delegate(&publisher, "targets", "the team", "team/*/*");
    publisher_list(&publisher, "the team", &TEAM);
    publisher_list(&publisher, "the team", &STOLEN);
    publisher_sign(&publisher, 1);
    assert_int_equal(publisher_push(&publisher, true, &reply), 200);
    assert_int_equal(get("/tuf/metadata/1.the%20team.json", &reply), 200);
    const struct buf *text = &publisher_role(&publisher, "the team")->text;
    assert_int_equal(reply.answer.body_len, text->len);
    assert_memory_equal(reply.answer.body, text->data, text->len);
    assert_int_equal(get("/tuf/metadata/2.the%20team.json", &reply), 404);
    assert_int_equal(get("/tuf/metadata/1.nobody.json", &reply), 404);
    publisher_target(&TEAM, target, sizeof target);
    assert_int_equal(get(target, &reply), 200);
    publisher_target(&STOLEN, target, sizeof target);
    assert_int_equal(get(target, &reply), 404);
    assert_int_equal(get("/v1/repository", &reply), 200);
    assert_non_null(strstr(reply.answer.body, "{\"role\":\"the team\",\"version\":1"));
}

static void its_model_is_deployed_and_its_floors_are_its_own(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    struct site_node node;
    site_node(&site, "here", &node);
    assert_int_equal(site_call(&site, "POST", "/v1/deployments", site.admin,
                               "{\"model\":\"team\",\"version\":\"1.0.0\"}", &reply),
                     201);
    assert_int_equal(
        site_call(&site, "GET", "/v1/assignment", node.session, NULL, &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"path\":\"team/1/fp32.mnet\""));
    assert_int_equal(get("/v1/models/shop", &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"floor\":0")); /* 9 was not found */
    assert_int_equal(site_call(&site, "POST", "/v1/deployments", site.admin,
                               "{\"model\":\"shop\",\"version\":\"1.0.0\"}", &reply),
                     201);
}

/* The signature of a role on a model, or NULL; the caller releases `ret_model`. */
static const json_t *signature_of(const char *target, const char *role,
                                  json_t **ret_model)
{
    REPLY_AUTO reply = {0};
    assert_int_equal(get(target, &reply), 200);
    *ret_model = json_loads(reply.answer.body, 0, NULL);
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(*ret_model, "signatures"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "role")), role) == 0) {
            return item;
        }
    }
    return NULL;
}

static void a_model_tells_who_signed_what_it_rests_on(void **state)
{
    (void)state;
    json_t *model = NULL;
    const json_t *team = signature_of("/v1/models/team", "the team", &model);
    const json_t *key = json_array_get(json_object_get(team, "keys"), 0);
    assert_true(json_is_true(json_object_get(team, "delegated")));
    assert_int_equal(json_integer_value(json_object_get(team, "version")), 1);
    assert_int_equal(json_integer_value(json_object_get(team, "threshold")), 1);
    assert_int_equal(json_array_size(json_object_get(team, "keys")), 1);
    assert_string_equal(json_string_value(json_object_get(key, "keytype")), "ed25519");
    assert_true(json_is_true(json_object_get(key, "signed")));
    assert_int_equal(json_array_size(json_object_get(model, "signatures")), 5);
    const json_t *versions = json_object_get(model, "versions");
    const json_t *variants = json_object_get(json_array_get(versions, 0), "variants");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(variants, 0), "format")),
        "mnet/1");
    json_decref(model);
    assert_null(signature_of("/v1/models/shop", "the team", &model));
    assert_int_equal(json_array_size(json_object_get(model, "signatures")), 4);
    json_decref(model);
}

static void what_a_client_would_refuse_in_a_role_changes_nothing(void **state)
{
    (void)state;
    struct publisher_role *team = publisher_role(&publisher, "the team");
    struct signing_key good = team->key;
    publisher_list(&publisher, "the team", &TEAM_2);
    publisher_sign(&publisher, 2);
    assert_refused("tuf.version", "the team 1 was published with other content");
    publisher_version(&publisher, "the team", 2, -1);
    publisher_sign(&publisher, 2);
    assert_refused("tuf.expired", "the team version 2");
    publisher_version(&publisher, "the team", 2, 1);
    team->key = publisher.root_key;
    publisher_sign(&publisher, 2);
    assert_refused("tuf.signature", "\"pointer\":\"/delegated/the team\"");
    team->key = good;
    publisher_sign(&publisher, 2);
    team->held_back = true;
    assert_refused("tuf.missing", "'the team': its file of version 2 expected");
    team->held_back = false;
    team->text.data[50] ^= 1;
    assert_refused("tuf.hash", "the team.json");
    publisher_delegate(&publisher, "targets", "sub/role", "sub/*");
    publisher_version(&publisher, "targets", 2, 1);
    publisher_sign(&publisher, 2);
    assert_refused("tuf.role", "without slashes");
}

/* Ends the roles of the case before: only the delegations that stay are pushed. */
static void forget_last_role(void)
{
    struct publisher_role *role = &publisher.roles[--publisher.count];
    json_t *roles =
        json_object_get(json_object_get(publisher.roles[0].body, "delegations"), "roles");
    (void)json_array_remove(roles, json_array_size(roles) - 1);
    (void)json_object_del(json_object_get(publisher.snapshot_body, "meta"),
                          "sub/role.json");
    json_decref(role->body);
    buf_release(&role->text);
}

static void a_new_version_raises_its_floor(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    forget_last_role();
    publisher_sign(&publisher, 2);
    assert_int_equal(publisher_push(&publisher, false, &reply), 200);
    assert_int_equal(get("/v1/models/team", &reply), 200);
    assert_non_null(strstr(reply.answer.body, "\"floor\":2"));
    assert_int_equal(get("/tuf/metadata/1.the%20team.json", &reply), 200);
    assert_int_equal(get("/tuf/metadata/2.the%20team.json", &reply), 200);
}

static void a_role_that_did_not_change_need_not_come_again(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    publisher_role(&publisher, "the team")->held_back = true;
    publisher_sign(&publisher, 3);
    assert_int_equal(publisher_push(&publisher, false, &reply), 200);
    publisher_role(&publisher, "the team")->held_back = false;
}

static void no_role_goes_back_or_vanishes(void **state)
{
    (void)state;
    publisher_version(&publisher, "the team", 1, 1);
    publisher_sign(&publisher, 4);
    assert_refused("tuf.rollback", "'the team.json' version 2 or newer expected");
    json_t *meta = json_object_get(publisher.snapshot_body, "meta");
    publisher.count = 1;
    (void)json_object_del(meta, "the team.json");
    publisher_sign(&publisher, 4);
    publisher.count = 2;
    assert_refused("tuf.rollback", "'the team.json' expected as listed before");
    publisher_version(&publisher, "the team", 2, 1);
}

static void delegated_roles_survive_a_restart(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char target[256];
    BUF_AUTO before = BUF_INIT(65536);
    BUF_AUTO after = BUF_INIT(65536);
    observe(&before);
    assert_int_equal(program_stop(&site.server), 0);
    site_restart(&site, NULL);
    observe(&after);
    assert_string_equal(before.data, after.data);
    publisher_target(&TEAM_2, target, sizeof target);
    assert_int_equal(get(target, &reply), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_team_s_role_is_listed_and_served),
        cmocka_unit_test(its_model_is_deployed_and_its_floors_are_its_own),
        cmocka_unit_test(a_model_tells_who_signed_what_it_rests_on),
        cmocka_unit_test(what_a_client_would_refuse_in_a_role_changes_nothing),
        cmocka_unit_test(a_new_version_raises_its_floor),
        cmocka_unit_test(a_role_that_did_not_change_need_not_come_again),
        cmocka_unit_test(no_role_goes_back_or_vanishes),
        cmocka_unit_test(delegated_roles_survive_a_restart),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
