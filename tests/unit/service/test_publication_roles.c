/* SPDX-License-Identifier: Apache-2.0 */
/* The server's walk over all delegations: what any search might meet must hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/service/publication_roles.h"
#include "tests/unit/tuf/delegated.h"

/* The files that the server has; a role named in `without` has none. */
struct shelf {
    struct delegated *all;
    const char *without;
};

static enum status read_shelf(void *context, const char *role, int64_t version,
                              struct buf *ret_text, struct err *err)
{
    const struct shelf *shelf = context;
    (void)version;
    if (shelf->without && strcmp(shelf->without, role) == 0) {
        return err_set(err, ERR_NOT_FOUND, "no such file");
    }
    const struct buf *bytes = &delegated_get(shelf->all, role)->bytes;
    buf_add(ret_text, bytes->data, bytes->len);
    return buf_status(ret_text, err);
}

/* Publishes, accepts and lists; the first refusal. */
static enum status judge(struct delegated *all, const char *without,
                         struct trusted_set *ret_set, struct tuf_targets *ret_listing,
                         struct err *err)
{
    struct shelf shelf = {.all = all, .without = without};
    struct role_source source = {.read = read_shelf, .context = &shelf};
    delegated_publish(all, ret_set);
    enum status status = publication_roles_accept(ret_set, &source, err);
    return status == OK ? publication_roles_list(ret_set, ret_listing, err) : status;
}

static void assert_refused(struct delegated *all, const char *without,
                           enum status expected, const char *role)
{
    TRUSTED_SET_AUTO set = {0};
    struct tuf_targets listing = {0};
    struct err err = {0};
    enum status status = judge(all, without, &set, &listing, &err);
    free(listing.targets);
    if (status != expected || !strstr(err.detail, role)) {
        fail_msg("%s: %s", status_name(status), err.detail);
    }
}

static void assert_listed(struct delegated *all, const char *const *paths)
{
    TRUSTED_SET_AUTO set = {0};
    struct tuf_targets listing = {0};
    struct err err = {0};
    world_must(judge(all, NULL, &set, &listing, &err), &err);
    size_t count = 0;
    for (; paths[count]; count++) {
        assert_true(count < listing.count);
        assert_string_equal(listing.targets[count].path, paths[count]);
    }
    assert_int_equal(listing.count, count);
    free(listing.targets);
}

static void limit_paths(struct delegated *all, const char *from, const char *to,
                        const char *pattern, bool terminating)
{
    delegated_add_with(
        all, from, to, &delegated_get(all, to)->key,
        json_pack("{s:[s], s:b}", "paths", pattern, "terminating", terminating));
}

/* A world whose top-level targets list nothing. */
static void start(struct delegated *all)
{
    world_init(&all->world);
    (void)json_object_clear(json_object_get(delegated_body(all, "targets"), "targets"));
}

static void targets_of_all_roles_are_one_list(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    limit_paths(&all, "targets", "b", "b/*", false);
    limit_paths(&all, "targets", "a", "a/*", true);
    limit_paths(&all, "a", "c", "a/*", false);
    delegated_list(&all, "targets", "m/1");
    delegated_list(&all, "a", "a/1");
    delegated_list(&all, "b", "b/1");
    delegated_list(&all, "c", "a/2");
    assert_listed(&all, (const char *const[]){"a/1", "a/2", "b/1", "m/1", NULL});
}

static void only_what_a_search_finds_in_a_role_is_listed(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    limit_paths(&all, "targets", "a", "a/*", true);
    limit_paths(&all, "targets", "late", "a/*", false);
    delegated_list(&all, "targets", "a/mine");
    delegated_list(&all, "a", "a/mine");    /* found at the top */
    delegated_list(&all, "a", "b/foreign"); /* not its to list */
    delegated_list(&all, "a", "a/1");
    delegated_list(&all, "late", "a/2"); /* behind a terminating delegation */
    assert_listed(&all, (const char *const[]){"a/1", "a/mine", NULL});
}

static void each_delegator_must_vouch_for_a_role(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    struct signing_key foreign = world_key(77);
    delegated_add(&all, "targets", "a", false);
    delegated_add(&all, "targets", "b", false);
    delegated_add(&all, "a", "shared", false);
    assert_listed(&all, (const char *const[]){NULL});
    delegated_add_with(&all, "b", "shared", &foreign, json_pack("{s:[s]}", "paths", "z"));
    assert_refused(&all, NULL, ERR_TUF_SIGNATURE, "'b'");
}

static void a_cycle_ends(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    delegated_add(&all, "targets", "a", false);
    delegated_add(&all, "a", "b", false);
    delegated_add(&all, "b", "a", false);
    delegated_list(&all, "b", "x");
    assert_listed(&all, (const char *const[]){"x", NULL});
}

static void a_role_without_its_file_is_missing(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    delegated_add(&all, "targets", "a", false);
    delegated_add(&all, "a", "deep", false);
    assert_refused(&all, "deep", ERR_TUF_MISSING, "'deep'");
}

static void an_expired_role_is_refused(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    struct err err = {0};
    delegated_add(&all, "targets", "a", false);
    world_must(
        signing_body_renew(delegated_get(&all, "a")->body, 1, NOW_MS - DAY_MS, &err),
        &err);
    assert_refused(&all, NULL, ERR_TUF_EXPIRED, "a version 1");
}

static void another_file_than_the_snapshot_names_is_refused(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    TRUSTED_SET_AUTO set = {0};
    struct err err = {0};
    struct shelf shelf = {.all = &all};
    struct role_source source = {.read = read_shelf, .context = &shelf};
    delegated_add(&all, "targets", "a", false);
    delegated_publish(&all, &set);
    delegated_get(&all, "a")->bytes.data[40] ^= 1;
    assert_int_equal(publication_roles_accept(&set, &source, &err), ERR_TUF_HASH);
    assert_string_equal(err.pointer, "/delegated/a");
    err_clear(&err);
    buf_addc(&delegated_get(&all, "a")->bytes, '\n');
    assert_int_equal(publication_roles_accept(&set, &source, &err), ERR_TUF_LENGTH);
}

/* The snapshot of a state does not name "late": delegated to, but not signed yet. */
static void a_role_may_come_later_unless_a_search_needs_it(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    struct signing_key key = world_key(50);
    delegated_add_with(&all, "targets", "late", &key,
                       json_pack("{s:[s]}", "paths", "m/*"));
    delegated_add(&all, "targets", "a", false);
    delegated_list(&all, "a", "x");
    assert_listed(&all, (const char *const[]){"x", NULL});
    delegated_list(&all, "a", "m/1"); /* its search asks "late" first */
    assert_refused(&all, NULL, ERR_TUF_MISSING, "'late'");
}

/* Three bytes each in the name of a file. */
#define SPACES "                 "

static void names_that_cannot_be_served_are_refused(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"a/b", "a\\b", "a\tb",
                                        SPACES SPACES SPACES SPACES "x"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        DELEGATED_AUTO all = {0};
        start(&all);
        delegated_add(&all, "targets", NAMES[i], false);
        assert_refused(&all, NULL, ERR_TUF_ROLE, "role '");
    }
}

static void succinct_roles_are_those_of_the_snapshot(void **state)
{
    (void)state;
    DELEGATED_AUTO all = {0};
    start(&all);
    struct delegated_role *bin = delegated_get(&all, "bin-1");
    (void)delegated_get(&all, "bin-0")->key;
    all.roles[1].key = bin->key;
    json_t *body = delegated_body(&all, "targets");
    (void)json_object_set_new(
        body, "delegations",
        json_pack("{s:{s:o}, s:{s:[s], s:i, s:i, s:s}}", "keys", bin->key.keyid,
                  delegated_key_object(&bin->key), "succinct_roles", "keyids",
                  bin->key.keyid, "threshold", 1, "bit_length", 1, "name_prefix", "bin"));
    delegated_list(&all, "bin-0", "x"); /* SHA-256 2d…: bin 0 */
    delegated_list(&all, "bin-1", "x");
    assert_listed(&all, (const char *const[]){"x", NULL});
    assert_refused(&all, "bin-1", ERR_TUF_MISSING, "'bin-1'");
}

static void a_pointer_escapes_what_pointers_escape(void **state)
{
    (void)state;
    char pointer[PUBLICATION_POINTER_BYTES];
    publication_role_pointer("a~b/c", pointer);
    assert_string_equal(pointer, "/delegated/a~0b~1c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_of_all_roles_are_one_list),
        cmocka_unit_test(only_what_a_search_finds_in_a_role_is_listed),
        cmocka_unit_test(each_delegator_must_vouch_for_a_role),
        cmocka_unit_test(a_cycle_ends),
        cmocka_unit_test(a_role_without_its_file_is_missing),
        cmocka_unit_test(an_expired_role_is_refused),
        cmocka_unit_test(another_file_than_the_snapshot_names_is_refused),
        cmocka_unit_test(a_role_may_come_later_unless_a_search_needs_it),
        cmocka_unit_test(names_that_cannot_be_served_are_refused),
        cmocka_unit_test(succinct_roles_are_those_of_the_snapshot),
        cmocka_unit_test(a_pointer_escapes_what_pointers_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
