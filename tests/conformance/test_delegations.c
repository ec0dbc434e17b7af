/* SPDX-License-Identifier: Apache-2.0 */
/* Which roles are asked for a target, in which order, and by whose keys. */
#include "tests/conformance/sim.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"

enum { EDGES = 9 };

static const char ROOT_REQUESTS[] = "metadata/2.root.json metadata/timestamp.json "
                                    "metadata/1.snapshot.json metadata/1.targets.json";

/* ---- graphs ---- */

struct edge {
    char from, to; /* 't' is targets */
    bool terminating;
    const char *paths; /* NULL: everything */
};

struct graph {
    const char *name;
    struct edge edges[EDGES];
    const char *visited; /* in this order, when nobody lists the path */
};

/* The graphs that TUF clients are commonly tried with, and some more. */
static const struct graph graphs[] = {
    {"one role", {{'t', 'A', 0, 0}}, "A"},
    {"two roles", {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}}, "AB"},
    {"two levels", {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}, {'B', 'C', 0, 0}}, "ABC"},
    {"depth first", {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}, {'A', 'C', 0, 0}}, "ACB"},
    {"three levels, depth first",
     {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}, {'A', 'C', 0, 0}, {'C', 'D', 0, 0}},
     "ACDB"},
    {"terminating at the top", {{'t', 'A', 1, 0}, {'t', 'B', 0, 0}}, "A"},
    {"terminating below ends all",
     {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}, {'A', 'C', 1, 0}, {'A', 'D', 0, 0}},
     "AC"},
    {"terminating goes on below itself",
     {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}, {'A', 'C', 1, 0}, {'C', 'D', 0, 0}},
     "ACD"},
    {"terminating for other paths ends nothing",
     {{'t', 'A', 1, "*.py"}, {'t', 'B', 0, 0}},
     "B"},
    {"a second terminating role is not asked",
     {{'t', 'A', 1, 0}, {'t', 'B', 1, 0}, {'A', 'C', 0, 0}},
     "AC"},
    {"paths that do not match",
     {{'t', 'A', 0, "*.py"}, {'t', 'B', 0, 0}, {'A', 'C', 0, 0}},
     "B"},
    {"paths that do not match below",
     {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}, {'A', 'C', 0, "*.py"}, {'C', 'D', 0, 0}},
     "AB"},
    {"a cycle",
     {{'t', 'A', 0, 0},
      {'t', 'B', 0, 0},
      {'B', 'C', 0, 0},
      {'C', 'D', 0, 0},
      {'D', 'B', 0, 0}},
     "ABCD"},
    {"a role that delegates to itself",
     {{'t', 'A', 0, 0}, {'A', 'A', 0, 0}, {'t', 'B', 0, 0}},
     "AB"},
    {"two roles delegate to a third",
     {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}, {'B', 'C', 0, 0}, {'A', 'C', 0, 0}},
     "ACB"},
    {"a third with other paths",
     {{'t', 'A', 0, 0}, {'t', 'B', 0, 0}, {'A', 'C', 0, "*.py"}, {'B', 'C', 0, 0}},
     "ABC"},
    {"a cycle through a terminating role",
     {{'t', 'A', 0, 0},
      {'A', 'B', 1, 0},
      {'B', 'A', 0, 0},
      {'B', 'C', 0, 0},
      {'t', 'D', 0, 0}},
     "ABC"},
    {"a deep chain",
     {{'t', 'A', 0, 0},
      {'A', 'B', 0, 0},
      {'B', 'C', 0, 0},
      {'C', 'D', 0, 0},
      {'D', 'E', 0, 0},
      {'E', 'F', 0, 0},
      {'t', 'G', 0, 0}},
     "ABCDEFG"},
};

static const char *role_name(char letter)
{
    static const char names[][2] = {"A", "B", "C", "D", "E", "F", "G"};
    return letter == 't' ? "targets" : names[letter - 'A'];
}

static void make_graph(struct sim *sim, const struct graph *graph, char *ret_asked,
                       size_t size)
{
    for (int i = 0; i < EDGES && graph->edges[i].from; i++) {
        const struct edge *edge = &graph->edges[i];
        const char *paths = edge->paths ? edge->paths : "*";
        sim_delegate_scope(sim, role_name(edge->from), role_name(edge->to),
                           json_pack("{s:[s, s], s:b}", "paths", paths,
                                     edge->paths ? edge->paths : "*/*", "terminating",
                                     edge->terminating));
    }
    for (size_t i = 4; i < sim->role_count; i++) {
        sim_sign(sim, sim->roles[i].name);
    }
    sim_sign(sim, "targets");
    sim_sign(sim, "snapshot");
    sim_sign(sim, "timestamp");
    size_t len = (size_t)snprintf(ret_asked, size, "%s", ROOT_REQUESTS);
    for (const char *at = graph->visited; *at; at++) {
        len += (size_t)snprintf(ret_asked + len, size - len, " metadata/1.%c.json", *at);
    }
}

static void roles_are_visited_in_preorder(void **state)
{
    for (size_t i = 0; i < sizeof graphs / sizeof graphs[0]; i++) {
        sim_set_up(state);
        struct sim *sim = *state;
        char asked[2000];
        make_graph(sim, &graphs[i], asked, sizeof asked);
        print_message("  %s\n", graphs[i].name);
        ACCEPTS(init(sim));
        REFUSES(download(sim, "missing.txt"), "tuf.missing");
        ASKED(asked);
        STORED(0);
        /* again: all from the cache */
        REFUSES(download(sim, "missing.txt"), "tuf.missing");
        ASKED("metadata/2.root.json metadata/timestamp.json");
        sim_tear_down(state);
    }
}

static void the_first_role_that_lists_a_path_wins(void **state)
{
    struct sim *sim = *state;
    sim_delegate(sim, "targets", "A", false);
    sim_delegate(sim, "targets", "B", false);
    sim_target(sim, "B", "a.bin", "of B");
    sim_target(sim, "A", "a.bin", "of A, longer");
    sim_publish(sim, "B A targets snapshot timestamp");
    ACCEPTS(init(sim));
    ACCEPTS(download(sim, "a.bin"));
    STORED(1);
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2 A 1");
}

/* ---- what may be wrong with a delegated file ---- */

/* targets -> A lists a.bin. */
static struct sim *with_role(void **state)
{
    sim_set_up(state);
    struct sim *sim = *state;
    sim_delegate(sim, "targets", "A", false);
    sim_delegate(sim, "targets", "B", false);
    sim_target(sim, "A", "a.bin", "content");
    sim_target(sim, "B", "a.bin", "the wrong role's");
    sim_publish(sim, "A B");
    ACCEPTS(init(sim));
    return sim;
}

/* Refused, and the next role is not asked instead. */
static void refused(void **state, const char *code)
{
    struct sim *sim = *state;
    sim_publish(sim, "targets snapshot timestamp");
    REFUSES(download(sim, "a.bin"), code);
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2");
    STORED(0);
    sim_tear_down(state);
}

static void an_expired_role_is_refused(void **state)
{
    struct sim *sim = with_role(state);
    sim_expire(sim, "A", -1);
    sim_publish(sim, "A");
    refused(state, "tuf.expired");
}

static void a_role_by_a_foreign_key_is_refused(void **state)
{
    struct sim *sim = with_role(state);
    sim_signers_clear(sim, "A");
    sim_signer_add(sim, "A", sim_role(sim, "B")->signers[0]);
    sim_publish(sim, "A");
    refused(state, "tuf.signature");
}

static void an_unsigned_role_is_refused(void **state)
{
    struct sim *sim = with_role(state);
    sim_signers_clear(sim, "A");
    sim_publish(sim, "A");
    refused(state, "tuf.signature");
}

static void a_role_below_its_threshold_is_refused(void **state)
{
    struct sim *sim = with_role(state);
    sim_trust(sim, "targets", "A", sim_key_new(sim));
    sim_threshold(sim, "targets", "A", 2);
    refused(state, "tuf.signature");
}

static void a_role_of_another_version_is_refused(void **state)
{
    struct sim *sim = with_role(state);
    sim_publish(sim, "A");
    char *other = strdup(sim_past(sim, "A", 1)->data);
    sim_publish(sim, "targets snapshot timestamp");
    sim_serve_text(sim, "A", other);
    free(other);
    REFUSES(download(sim, "a.bin"), "tuf.version");
    sim_tear_down(state);
}

static void a_role_that_the_snapshot_does_not_list_is_not_asked_for(void **state)
{
    struct sim *sim = with_role(state);
    json_object_del(json_object_get(sim_body(sim, "snapshot"), "meta"), "A.json");
    refused(state, "tuf.missing");
}

static void a_role_that_is_not_served_ends_the_search(void **state)
{
    struct sim *sim = with_role(state);
    sim_server_remove(&sim->server, "metadata/1.A.json");
    refused(state, "net.status");
}

static void a_role_with_another_digest_is_refused(void **state)
{
    struct sim *sim = with_role(state);
    sim->meta_hashes = true;
    sim_publish(sim, "A");
    json_t *envelope = sim_envelope(sim, "A");
    json_object_set_new(envelope, "harmless", json_true());
    sim_publish(sim, "targets snapshot timestamp");
    char *text = json_dumps(envelope, JSON_COMPACT); /* shorter than signed */
    sim_serve_text(sim, "A", text);
    REFUSES(download(sim, "a.bin"), "tuf.length");
    free(text);
    json_decref(envelope);
    sim_tear_down(state);
}

static void a_role_of_another_type_is_refused(void **state)
{
    struct sim *sim = with_role(state);
    sim_set(sim, "A", "_type", json_string("snapshot"));
    sim_publish(sim, "A");
    refused(state, "tuf.type");
}

static void delegated_roles_may_not_fall_back(void **state)
{
    struct sim *sim = with_role(state);
    sim_publish(sim, "A targets snapshot timestamp");
    ACCEPTS(download(sim, "a.bin"));
    sim_set(sim, "A", "version", json_integer(1));
    sim_sign(sim, "A");
    sim_publish(sim, "snapshot timestamp");
    REFUSES(download(sim, "a.bin"), "tuf.rollback");
    HOLDS("root 1 timestamp 3 snapshot 2 targets 2 A 2");
    sim_tear_down(state);
}

static void a_role_may_not_vanish_from_the_snapshot(void **state)
{
    struct sim *sim = with_role(state);
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(download(sim, "a.bin"));
    json_object_del(json_object_get(sim_body(sim, "snapshot"), "meta"), "B.json");
    sim_publish(sim, "snapshot timestamp");
    REFUSES(refresh(sim), "tuf.rollback");
    sim_tear_down(state);
}

static void a_new_version_of_a_role_is_fetched_once(void **state)
{
    struct sim *sim = with_role(state);
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(download(sim, "a.bin"));
    sim_target(sim, "A", "a.bin", "new content");
    sim_publish(sim, "A snapshot timestamp");
    char log[SIM_LOG_BYTES];
    sim_server_take_log(&sim->server, log);
    ACCEPTS(download(sim, "a.bin"));
    sim_server_take_log(&sim->server, log);
    assert_non_null(strstr(log, "metadata/3.snapshot.json metadata/2.A.json targets/"));
    HOLDS("root 1 timestamp 3 snapshot 3 targets 2 A 2");
    STORED(1);
    sim_tear_down(state);
}

/* ---- names ---- */

static void names_are_quoted_in_urls_and_files(void **state)
{
    static const struct {
        const char *role, *quoted;
    } cases[] = {
        {"?", "%3F"},
        {"#", "%23"},
        {"/delegatedrole", "%2Fdelegatedrole"},
        {"../delegatedrole", "..%2Fdelegatedrole"},
        {"a b", "a%20b"},
        {"%2e%2e%2f", "%252e%252e%252f"},
        {"..", ".."},
        {".", "."},
        {"\xc3\xa9", "%C3%A9"},
        {"a\\b", "a%5Cb"},
        {"1.root", "1.root"},
        {"a\nb", "a%0Ab"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sim_set_up(state);
        struct sim *sim = *state;
        char wanted[300], log[SIM_LOG_BYTES], path[2 * SIM_PATH_BYTES];
        sim_delegate(sim, "targets", cases[i].role, false);
        sim_target(sim, cases[i].role, "a.bin", "content");
        sim_sign(sim, cases[i].role);
        sim_publish(sim, "targets snapshot timestamp");
        ACCEPTS(init(sim));
        ACCEPTS(download(sim, "a.bin"));
        sim_server_take_log(&sim->server, log);
        (void)snprintf(wanted, sizeof wanted, " metadata/1.%s.json ", cases[i].quoted);
        assert_non_null(strstr(log, wanted));
        (void)snprintf(wanted, sizeof wanted, "%s.json", cases[i].quoted);
        sim_cached(sim, wanted, path);
        struct buf data = BUF_INIT(1 << 20);
        assert_int_equal(file_read(path, &data, NULL), OK);
        buf_release(&data);
        sim_tear_down(state);
    }
}

static void names_of_top_level_roles_cannot_be_delegated(void **state)
{
    static const char *const names[] = {"root", "timestamp", "snapshot", "targets", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        sim_set_up(state);
        struct sim *sim = *state;
        sim_delegate(sim, "targets", "A", false);
        json_object_set_new(sim_authority(sim, "targets", "A"), "name",
                            json_string(names[i]));
        sim_publish(sim, "targets snapshot timestamp");
        ACCEPTS(init(sim));
        REFUSES(refresh(sim), "tuf.role");
        HOLDS("root 1 timestamp 2 snapshot 2");
        sim_tear_down(state);
    }
}

static void a_name_can_be_delegated_once(void **state)
{
    struct sim *sim = *state;
    sim_delegate(sim, "targets", "A", false);
    sim_delegate(sim, "targets", "A", false);
    sim_publish(sim, "A targets snapshot timestamp");
    ACCEPTS(init(sim));
    REFUSES(refresh(sim), "tuf.role");
}

/* ---- which paths ---- */

static void patterns_match_part_by_part(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"*", "a.bin", true},
        {"*", "dir/a.bin", false},
        {"*/*", "dir/a.bin", true},
        {"*/*", "a.bin", false},
        {"dir/*", "dir/a.bin", true},
        {"dir/*", "dir/sub/a.bin", false},
        {"dir/*.bin", "dir/a.bin", true},
        {"dir/?.bin", "dir/a.bin", true},
        {"dir/??.bin", "dir/a.bin", false},
        {"Dir/*", "dir/a.bin", false},
        {"a.bin", "a.bin", true},
        {"[ab].bin", "a.bin", true},
        {"[!a].bin", "a.bin", false},
        {"*", ".hidden", true},
        {"dir*", "dir/a.bin", false},
        {"", "a.bin", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sim_set_up(state);
        struct sim *sim = *state;
        sim_delegate_scope(sim, "targets", "A",
                           json_pack("{s:[s]}", "paths", cases[i].pattern));
        sim_target(sim, "A", cases[i].path, "content");
        sim_publish(sim, "A targets snapshot timestamp");
        ACCEPTS(init(sim));
        print_message("  %s %s\n", cases[i].pattern, cases[i].path);
        if (cases[i].matches) {
            ACCEPTS(download(sim, cases[i].path));
            STORED(1);
        } else {
            REFUSES(download(sim, cases[i].path), "tuf.missing");
            STORED(0);
        }
        sim_tear_down(state);
    }
}

static void digest_of(const char *path, char ret_hex[static SHA256_HEX_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    assert_int_equal(sha256_of(path, strlen(path), digest, NULL), OK);
    hex_encode(digest, sizeof digest, ret_hex);
}

static void prefixes_of_the_path_digest_choose_roles(void **state)
{
    struct sim *sim = *state;
    char hex[SHA256_HEX_BYTES], other[3] = "00", prefix[8];
    digest_of("dir/a.bin", hex);
    other[0] = hex[0] == '0' ? '1' : '0';
    (void)snprintf(prefix, sizeof prefix, "%.4s", hex);
    sim_delegate_scope(sim, "targets", "A",
                       json_pack("{s:[s]}", "path_hash_prefixes", other));
    sim_delegate_scope(sim, "targets", "B",
                       json_pack("{s:[s, s]}", "path_hash_prefixes", other, prefix));
    sim_target(sim, "A", "dir/a.bin", "not this");
    sim_target(sim, "B", "dir/a.bin", "this");
    sim_publish(sim, "A B targets snapshot timestamp");
    ACCEPTS(init(sim));
    ACCEPTS(download(sim, "dir/a.bin"));
    HOLDS("root 1 timestamp 2 snapshot 2 targets 2 B 1");
}

static void a_scope_is_either_paths_or_prefixes(void **state)
{
    for (int both = 0; both < 2; both++) {
        sim_set_up(state);
        struct sim *sim = *state;
        sim_delegate_scope(
            sim, "targets", "A",
            both ? json_pack("{s:[s], s:[s]}", "paths", "*", "path_hash_prefixes", "0")
                 : json_object());
        sim_publish(sim, "A targets snapshot timestamp");
        ACCEPTS(init(sim));
        REFUSES(refresh(sim), "tuf.format");
        sim_tear_down(state);
    }
}

/* The bin of a path: the first three bits of its digest. */
static void succinct_roles_share_the_paths(void **state)
{
    struct sim *sim = *state;
    char hex[SHA256_HEX_BYTES], bin[40], holds[100];
    digest_of("dir/a.bin", hex);
    char first[2] = {hex[0], '\0'};
    (void)snprintf(bin, sizeof bin, "bin-%lx", strtoul(first, NULL, 16) >> 1);
    const struct sim_role *role = sim_role(sim, bin);
    const struct sim_key *key = role->signers[0];
    sim_set(sim, "targets", "delegations",
            json_pack("{s:{s:O}, s:{s:[s], s:i, s:i, s:s}}", "keys", key->keyid,
                      key->object, "succinct_roles", "keyids", key->keyid, "threshold", 1,
                      "bit_length", 3, "name_prefix", "bin"));
    sim_target(sim, bin, "dir/a.bin", "content");
    sim_sign(sim, bin);
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(init(sim));
    ACCEPTS(download(sim, "dir/a.bin"));
    (void)snprintf(holds, sizeof holds, "root 1 timestamp 2 snapshot 2 targets 2 %s 1",
                   bin);
    HOLDS(holds);
    STORED(1);
    sim_signers_clear(sim, bin);
    sim_signer_add(sim, bin, sim_key_new(sim));
    sim_publish(sim, bin);
    sim_publish(sim, "snapshot timestamp");
    REFUSES(download(sim, "dir/a.bin"), "tuf.signature");
}

/* ---- limits ---- */

static void a_search_asks_at_most_thirty_two_roles(void **state)
{
    struct sim *sim = *state;
    char name[20], before[20] = "targets";
    for (int i = 0; i < 33; i++) {
        (void)snprintf(name, sizeof name, "role%d", i);
        sim_delegate(sim, before, name, false);
        (void)snprintf(before, sizeof before, "%s", name);
    }
    sim_target(sim, "role31", "last.bin", "content");
    sim_target(sim, "role32", "beyond.bin", "content");
    for (int i = 0; i < 33; i++) {
        (void)snprintf(name, sizeof name, "role%d", i);
        sim_sign(sim, name);
    }
    sim_publish(sim, "targets snapshot timestamp");
    ACCEPTS(init(sim));
    ACCEPTS(download(sim, "last.bin"));
    REFUSES(download(sim, "beyond.bin"), "tuf.too_large");
    STORED(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_visited_in_preorder),
        SIM_CASE(the_first_role_that_lists_a_path_wins),
        cmocka_unit_test(an_expired_role_is_refused),
        cmocka_unit_test(a_role_by_a_foreign_key_is_refused),
        cmocka_unit_test(an_unsigned_role_is_refused),
        cmocka_unit_test(a_role_below_its_threshold_is_refused),
        cmocka_unit_test(a_role_of_another_version_is_refused),
        cmocka_unit_test(a_role_that_the_snapshot_does_not_list_is_not_asked_for),
        cmocka_unit_test(a_role_that_is_not_served_ends_the_search),
        cmocka_unit_test(a_role_with_another_digest_is_refused),
        cmocka_unit_test(a_role_of_another_type_is_refused),
        cmocka_unit_test(delegated_roles_may_not_fall_back),
        cmocka_unit_test(a_role_may_not_vanish_from_the_snapshot),
        cmocka_unit_test(a_new_version_of_a_role_is_fetched_once),
        cmocka_unit_test(names_are_quoted_in_urls_and_files),
        cmocka_unit_test(names_of_top_level_roles_cannot_be_delegated),
        SIM_CASE(a_name_can_be_delegated_once),
        cmocka_unit_test(patterns_match_part_by_part),
        SIM_CASE(prefixes_of_the_path_digest_choose_roles),
        cmocka_unit_test(a_scope_is_either_paths_or_prefixes),
        SIM_CASE(succinct_roles_share_the_paths),
        SIM_CASE(a_search_asks_at_most_thirty_two_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
