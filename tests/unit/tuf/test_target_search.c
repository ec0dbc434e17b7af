/* SPDX-License-Identifier: Apache-2.0 */
/* Searches through delegations. The graphs and the order in which their roles are visited
 * are those of the public conformance suite. */
#include "tests/unit/tuf/delegated.h"

#include "base/hex.h"

struct edge {
    const char *from, *to;
    bool terminating;
};

struct graph {
    const char *what;
    struct edge edges[8];
    const char *visited; /* when nobody lists the target */
};

static const struct graph GRAPHS[] = {
    {"no delegations", {{0}}, ""},
    {"one", {{"targets", "A", false}}, "A,"},
    {"two in order", {{"targets", "A", false}, {"targets", "B", false}}, "A,B,"},
    {"a chain",
     {{"targets", "A", false}, {"A", "B", false}, {"B", "C", false}},
     "A,B,C,"},
    {"depth first",
     {{"targets", "A", false},
      {"targets", "B", false},
      {"A", "C", false},
      {"B", "D", false}},
     "A,C,B,D,"},
    {"a cycle of two",
     {{"targets", "A", false}, {"A", "B", false}, {"B", "A", false}},
     "A,B,"},
    {"a cycle of one", {{"targets", "A", false}, {"A", "A", false}}, "A,"},
    {"two terminating", {{"targets", "A", true}, {"targets", "B", true}}, "A,"},
    {"the second terminating",
     {{"targets", "A", false}, {"targets", "B", true}, {"targets", "C", false}},
     "A,B,"},
    {"terminating inside cuts off the outside",
     {{"targets", "A", false},
      {"targets", "D", false},
      {"A", "B", true},
      {"A", "C", false}},
     "A,B,"},
    {"below a terminating role the search goes on",
     {{"targets", "A", true},
      {"A", "B", false},
      {"B", "C", false},
      {"targets", "D", false}},
     "A,B,C,"},
    {"a visited role that terminates still cuts off",
     {{"targets", "A", false}, {"A", "A", true}, {"targets", "B", false}},
     "A,"},
};

static const char NO_DIGEST[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

enum { GRAPH_COUNT = sizeof GRAPHS / sizeof GRAPHS[0] };

static void build(struct delegated *all, const struct graph *graph)
{
    world_init(&all->world);
    for (size_t i = 0; i < 8 && graph->edges[i].from; i++) {
        const struct edge *edge = &graph->edges[i];
        delegated_add(all, edge->from, edge->to, edge->terminating);
    }
}

static void roles_are_visited_in_the_order_of_the_specification(void **state)
{
    (void)state;
    for (int i = 0; i < GRAPH_COUNT; i++) {
        struct err err = {0};
        struct target_search search;
        DELEGATED_AUTO all = {0};
        TRUSTED_SET_AUTO set = {0};
        build(&all, &GRAPHS[i]);
        delegated_publish(&all, &set);
        world_must(delegated_search(&all, &set, "nowhere", &search, &err), &err);
        assert_null(search.target);
        if (strcmp(all.asked, GRAPHS[i].visited) != 0) {
            print_message("graph: %s\n", GRAPHS[i].what);
        }
        assert_string_equal(all.asked, GRAPHS[i].visited);
    }
}

static void the_first_role_that_lists_the_path_answers(void **state)
{
    (void)state;
    struct err err = {0};
    struct target_search search;
    DELEGATED_AUTO all = {0};
    TRUSTED_SET_AUTO set = {0};
    build(&all, &GRAPHS[4]);
    delegated_list(&all, "C", "x/1");
    delegated_list(&all, "B", "x/1");
    delegated_publish(&all, &set);
    world_must(delegated_search(&all, &set, "x/1", &search, &err), &err);
    assert_non_null(search.target);
    assert_string_equal(all.asked, "A,C,");
    /* the same set again: nothing is asked for twice */
    world_must(delegated_search(&all, &set, "x/1", &search, &err), &err);
    assert_string_equal(all.asked, "");
    assert_string_equal(search.target->path, "x/1");
    /* top-level targets come first */
    world_must(delegated_search(&all, &set, "fashion/1/fp32.mnet", &search, &err), &err);
    assert_ptr_equal(search.lister, set.targets);
}

static void a_role_outside_its_paths_is_not_asked(void **state)
{
    (void)state;
    struct err err = {0};
    struct target_search search;
    DELEGATED_AUTO all = {0};
    TRUSTED_SET_AUTO set = {0};
    world_init(&all.world);
    const struct signing_key *key = &delegated_get(&all, "team")->key;
    delegated_add_with(&all, "targets", "team", key,
                       json_pack("{s:[s]}", "paths", "dog/*/*"));
    delegated_list(&all, "team", "cat/1/fp32.mnet");
    delegated_list(&all, "team", "dog/1/fp32.mnet");
    delegated_publish(&all, &set);
    world_must(delegated_search(&all, &set, "cat/1/fp32.mnet", &search, &err), &err);
    assert_null(search.target);
    assert_string_equal(all.asked, "");
    world_must(delegated_search(&all, &set, "dog/1/fp32.mnet", &search, &err), &err);
    assert_non_null(search.target);
}

/* sha256("b") begins with 3e23 */
static void hash_prefixes_choose_roles(void **state)
{
    (void)state;
    static const struct {
        const char *prefix;
        bool match;
    } cases[] = {{"3e", true}, {"3e23", true}, {"3f", false}, {"3E", false}, {"", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        struct target_search search;
        DELEGATED_AUTO all = {0};
        TRUSTED_SET_AUTO set = {0};
        world_init(&all.world);
        const struct signing_key *key = &delegated_get(&all, "bin")->key;
        delegated_add_with(&all, "targets", "bin", key,
                           json_pack("{s:[s]}", "path_hash_prefixes", cases[i].prefix));
        delegated_list(&all, "bin", "b");
        delegated_publish(&all, &set);
        world_must(delegated_search(&all, &set, "b", &search, &err), &err);
        assert_int_equal(search.target != NULL, cases[i].match);
    }
}

/* 3e23… is 0011 1110 0010 0011: of 3 bits 1, of 9 bits 07c. */
static void succinct_roles_are_numbered_by_the_first_bits(void **state)
{
    (void)state;
    static const struct {
        int bits;
        const char *name;
    } cases[] = {{1, "bin-0"},  {3, "bin-1"},   {4, "bin-3"},
                 {8, "bin-3e"}, {9, "bin-07c"}, {32, "bin-3e23e816"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        struct target_search search;
        DELEGATED_AUTO all = {0};
        TRUSTED_SET_AUTO set = {0};
        world_init(&all.world);
        const struct signing_key *key = &delegated_get(&all, cases[i].name)->key;
        json_t *delegations =
            json_pack("{s:{s:o}, s:{s:[s], s:i, s:i, s:s}}", "keys", key->keyid,
                      delegated_key_object(key), "succinct_roles", "keyids", key->keyid,
                      "threshold", 1, "bit_length", cases[i].bits, "name_prefix", "bin");
        (void)json_object_set_new(all.world.body[TUF_ROLE_TARGETS], "delegations",
                                  delegations);
        delegated_list(&all, cases[i].name, "b");
        delegated_publish(&all, &set);
        world_must(delegated_search(&all, &set, "b", &search, &err), &err);
        assert_non_null(search.target);
    }
}

/* A role that two delegate to must be signed as each of them demands. */
static void a_diamond_is_verified_for_each_delegator(void **state)
{
    (void)state;
    struct err err = {0};
    struct target_search search;
    DELEGATED_AUTO all = {0};
    TRUSTED_SET_AUTO set = {0};
    world_init(&all.world);
    delegated_add_with(&all, "targets", "A", &delegated_get(&all, "A")->key,
                       json_pack("{s:[s]}", "paths", "a/*"));
    delegated_add_with(&all, "targets", "B", &delegated_get(&all, "B")->key,
                       json_pack("{s:[s]}", "paths", "b/*"));
    delegated_add(&all, "A", "C", false);
    struct signing_key other = world_key(99);
    delegated_add_with(&all, "B", "C", &other, json_pack("{s:[s]}", "paths", "*/*"));
    delegated_list(&all, "C", "a/1");
    delegated_list(&all, "C", "b/1");
    delegated_publish(&all, &set);
    world_must(delegated_search(&all, &set, "a/1", &search, &err), &err);
    assert_non_null(search.target);
    /* C is loaded by now, but B trusts another key for it */
    assert_int_equal(delegated_search(&all, &set, "b/1", &search, &err),
                     ERR_TUF_SIGNATURE);
    /* and is still good on the way through A */
    world_must(delegated_search(&all, &set, "a/1", &search, NULL), NULL);
    assert_non_null(search.target);
}

static void a_bad_role_ends_the_search(void **state)
{
    (void)state;
    struct err err = {0};
    struct target_search search;
    DELEGATED_AUTO all = {0};
    TRUSTED_SET_AUTO set = {0};
    build(&all, &GRAPHS[2]);
    delegated_list(&all, "B", "x/1");
    delegated_get(&all, "A")->key = world_key(77);
    delegated_publish(&all, &set);
    assert_int_equal(delegated_search(&all, &set, "x/1", &search, &err),
                     ERR_TUF_SIGNATURE);
    assert_string_equal(all.asked, "A,");
}

static void a_role_that_the_snapshot_does_not_list_is_never_asked_for(void **state)
{
    (void)state;
    struct tuf_wanted wanted;
    DELEGATED_AUTO all = {0};
    TRUSTED_SET_AUTO set = {0};
    build(&all, &GRAPHS[1]);
    delegated_publish(&all, &set);
    assert_int_equal(trusted_set_wanted_role(&set, "A", &wanted, NULL), OK);
    assert_string_equal(wanted.name, "1.A.json");
    assert_int_equal(trusted_set_wanted_role(&set, "Z", &wanted, NULL), ERR_TUF_MISSING);
}

/* What is wrong with a delegated file is refused as it is at the top. */
static void delegated_files_pass_every_check(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum status expected;
    } cases[] = {{"expired", ERR_TUF_EXPIRED},
                 {"version", ERR_TUF_VERSION},
                 {"hash", ERR_TUF_HASH},
                 {"length", ERR_TUF_LENGTH}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        struct target_search search;
        DELEGATED_AUTO all = {0};
        TRUSTED_SET_AUTO set = {0};
        build(&all, &GRAPHS[1]);
        delegated_sign(&all, delegated_get(&all, "A"));
        json_t *body = delegated_body(&all, "A");
        json_t *meta = json_object_get(
            json_object_get(all.world.body[TUF_ROLE_SNAPSHOT], "meta"), "A.json");
        json_t *hashes = json_object_get(meta, "hashes");
        if (cases[i].expected == ERR_TUF_EXPIRED) {
            (void)json_object_set_new(body, "expires",
                                      json_string("2020-01-01T00:00:00Z"));
            delegated_sign(&all, delegated_get(&all, "A"));
        } else if (cases[i].expected == ERR_TUF_VERSION) {
            (void)json_object_set_new(meta, "version", json_integer(2));
        } else if (cases[i].expected == ERR_TUF_HASH) {
            (void)json_object_set_new(hashes, "sha256", json_string(NO_DIGEST));
        } else {
            (void)json_object_set_new(meta, "length", json_integer(3));
        }
        world_publish(&all.world);
        world_client(&all.world, &set);
        world_must(world_refresh(&all.world, &set, &err), &err);
        enum status status = delegated_search(&all, &set, "nowhere", &search, &err);
        if (status != cases[i].expected) {
            print_message("%s: %s\n", cases[i].what, err.detail);
        }
        assert_int_equal(status, cases[i].expected);
    }
}

static void a_long_chain_of_roles_ends_with_an_error(void **state)
{
    (void)state;
    struct err err = {0};
    struct target_search search;
    DELEGATED_AUTO all = {0};
    TRUSTED_SET_AUTO set = {0};
    char from[16] = "targets";
    char to[16];
    world_init(&all.world);
    for (int i = 0; i < 33; i++) {
        (void)snprintf(to, sizeof to, "r%d", i);
        delegated_add(&all, from, to, false);
        (void)snprintf(from, sizeof from, "%s", to);
    }
    delegated_list(&all, "r31", "deep");
    delegated_publish(&all, &set);
    world_must(delegated_search(&all, &set, "deep", &search, &err), &err);
    assert_non_null(search.target);
    assert_int_equal(delegated_search(&all, &set, "deeper", &search, &err),
                     ERR_TUF_TOO_LARGE);
}

static void names_of_roles_are_encoded_as_file_names(void **state)
{
    (void)state;
    static const struct {
        const char *role, *file;
    } cases[] = {
        {"team-a", "team-a.json"},
        {"../../etc", "..%2F..%2Fetc.json"},
        {"a b?c#d", "a%20b%3Fc%23d.json"},
        {"\xc3\xbc", "%C3%BC.json"},
        {"..", "...json"},
    };
    char name[TUF_FILE_NAME_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tuf_role_file_name(cases[i].role, name);
        assert_string_equal(name, cases[i].file);
    }
    char longest[TUF_ROLE_NAME_MAX];
    memset(longest, ' ', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    tuf_role_file_name(longest, name);
    assert_int_equal(strlen(name), 3 * (sizeof longest - 1) + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_visited_in_the_order_of_the_specification),
        cmocka_unit_test(the_first_role_that_lists_the_path_answers),
        cmocka_unit_test(a_role_outside_its_paths_is_not_asked),
        cmocka_unit_test(hash_prefixes_choose_roles),
        cmocka_unit_test(succinct_roles_are_numbered_by_the_first_bits),
        cmocka_unit_test(a_diamond_is_verified_for_each_delegator),
        cmocka_unit_test(a_bad_role_ends_the_search),
        cmocka_unit_test(a_role_that_the_snapshot_does_not_list_is_never_asked_for),
        cmocka_unit_test(delegated_files_pass_every_check),
        cmocka_unit_test(a_long_chain_of_roles_ends_with_an_error),
        cmocka_unit_test(names_of_roles_are_encoded_as_file_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
