/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/http/router.h"

static const struct route routes[] = {
    {.method = "GET", .path = "/a"},
    {.method = "POST", .path = "/a"},
    {.method = "GET", .path = "/files/{file}"},
    {.method = "GET", .path = "/files/newest"},
    {.method = "DELETE", .path = "/nodes/{id}/keys/{key}"},
};
static struct router router = {routes, sizeof routes / sizeof routes[0], {0}};

static enum status match(const char *method, const char *path, struct arena *arena,
                         struct route_match *ret_match)
{
    return router_match(&router, method, path, arena, ret_match, NULL);
}

static void a_row_is_found_by_method_and_path(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(4096);
    struct route_match found;
    assert_int_equal(match("POST", "/a", &arena, &found), OK);
    assert_int_equal(found.index, 1);
    assert_int_equal(match("HEAD", "/a", &arena, &found), OK);
    assert_int_equal(found.index, 0);
}

static void parameters_are_taken_from_the_path(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(4096);
    struct route_match found;
    assert_int_equal(match("DELETE", "/nodes/17/keys/a b", &arena, &found), OK);
    assert_int_equal(found.param_count, 2);
    assert_memory_equal(found.params[0].name, "id", found.params[0].name_len);
    assert_string_equal(found.params[0].value, "17");
    assert_memory_equal(found.params[1].name, "key", found.params[1].name_len);
    assert_string_equal(found.params[1].value, "a b");
}

static void the_row_with_fewer_parameters_wins(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(4096);
    struct route_match found;
    assert_int_equal(match("GET", "/files/newest", &arena, &found), OK);
    assert_int_equal(found.index, 3);
    assert_int_equal(match("GET", "/files/newes", &arena, &found), OK);
    assert_int_equal(found.index, 2);
}

static void paths_that_only_resemble_are_not_found(void **state)
{
    (void)state;
    static const char *const bad[] = {"/",
                                      "/b",
                                      "/a/",
                                      "/aa",
                                      "/files",
                                      "/files/",
                                      "/files/a/b",
                                      "/nodes/1/keys",
                                      "/nodes/1/keys/",
                                      ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ARENA_AUTO arena = ARENA_INIT(4096);
        struct route_match found;
        assert_int_equal(match("GET", bad[i], &arena, &found), ERR_NOT_FOUND);
    }
}

static void another_method_is_told_with_those_allowed(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(4096);
    struct route_match found;
    assert_int_equal(match("DELETE", "/a", &arena, &found), ERR_HTTP_METHOD);
    assert_string_equal(router_allow(&router, "/a", &arena), "GET, HEAD, POST, OPTIONS");
    assert_string_equal(router_allow(&router, "/nodes/1/keys/2", &arena),
                        "DELETE, OPTIONS");
    assert_null(router_allow(&router, "/nowhere", &arena));
}

static void what_was_found_before_is_found_again_and_nothing_else(void **state)
{
    (void)state;
    ARENA_AUTO arena = ARENA_INIT(65536);
    for (int round = 0; round < 3; round++) {
        struct route_match found;
        assert_int_equal(match("GET", "/a", &arena, &found), OK);
        assert_ptr_equal(found.route, &routes[0]);
        assert_int_equal(match("POST", "/a", &arena, &found), OK);
        assert_ptr_equal(found.route, &routes[1]);
        assert_int_equal(match("HEAD", "/a", &arena, &found), OK);
        assert_ptr_equal(found.route, &routes[0]);
        assert_int_equal(match("PUT", "/a", &arena, &found), ERR_HTTP_METHOD);
        assert_int_equal(match("GET", "/files/{file}", &arena, &found), OK);
        assert_int_equal(found.param_count, 1);
        assert_string_equal(found.params[0].value, "{file}");
        assert_int_equal(match("GET", "/b", &arena, &found), ERR_NOT_FOUND);
        for (int i = 0; i < 500; i++) { /* more paths than there are places */
            char path[32];
            (void)snprintf(path, sizeof path, "/files/%d", i);
            assert_int_equal(match("GET", path, &arena, &found), OK);
            assert_ptr_equal(found.route, &routes[2]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_found_by_method_and_path),
        cmocka_unit_test(parameters_are_taken_from_the_path),
        cmocka_unit_test(the_row_with_fewer_parameters_wins),
        cmocka_unit_test(paths_that_only_resemble_are_not_found),
        cmocka_unit_test(what_was_found_before_is_found_again_and_nothing_else),
        cmocka_unit_test(another_method_is_told_with_those_allowed),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
