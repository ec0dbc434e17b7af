/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "server/api/routes.h"

static json_t *document;

static int load(void **state)
{
    (void)state;
    json_error_t error;
    document =
        json_load_file(SOURCE_DIR "/docs/openapi.yaml", JSON_REJECT_DUPLICATES, &error);
    if (!document) {
        print_error("line %d: %s\n", error.line, error.text);
    }
    return document ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(document);
    return 0;
}

static const json_t *operation_of(const struct route *route)
{
    char method[16] = "";
    for (size_t i = 0; route->method[i] && i < sizeof method - 1; i++) {
        method[i] = (char)(route->method[i] | 0x20);
    }
    json_t *path = json_object_get(json_object_get(document, "paths"), route->path);
    return json_object_get(path, method);
}

static const char *access_name(enum route_access access)
{
    switch (access) {
    case ACCESS_PUBLIC:
        return "public";
    case ACCESS_NODE:
        return "node";
    case ACCESS_VIEWER:
        return "viewer";
    case ACCESS_OPERATOR:
        return "operator";
    case ACCESS_PUBLISHER:
        return "publisher";
    case ACCESS_ADMIN:
        return "admin";
    case ACCESS_ANY_TOKEN:
        return "any_token";
    case ACCESS_TOKEN_OR_LINK:
        return "token_or_link";
    }
    return "";
}

static void every_route_is_documented_with_its_right_and_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_routes_count; i++) {
        const struct route *route = &api_routes[i];
        const json_t *operation = operation_of(route);
        if (!operation) {
            fail_msg("%s %s is not in docs/openapi.yaml", route->method, route->path);
        }
        const char *access = json_string_value(json_object_get(operation, "x-access"));
        const char *summary = json_string_value(json_object_get(operation, "summary"));
        assert_non_null(access);
        assert_non_null(summary);
        assert_string_equal(access, access_name(route->access));
        assert_string_equal(summary, route->summary);
        const json_t *content =
            json_object_get(json_object_get(operation, "requestBody"), "content");
        assert_int_equal(content != NULL, route->body_max > 0);
        if (content) {
            assert_non_null(json_object_get(content, route->content_type));
        }
    }
}

static void nothing_is_documented_that_is_not_served(void **state)
{
    (void)state;
    size_t operations = 0;
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        operations += json_object_size(item);
    }
    assert_int_equal(operations, api_routes_count);
}

/* Whether "#/components/schemas/X" leads somewhere. */
static void assert_resolves(const char *reference)
{
    char text[128];
    assert_true(strlen(reference) < sizeof text);
    memcpy(text, reference, strlen(reference) + 1);
    const json_t *at = document;
    char *rest = text + 2;
    for (char *part = strsep(&rest, "/"); part; part = strsep(&rest, "/")) {
        at = json_object_get(at, part);
    }
    if (!at) {
        fail_msg("'%s' leads nowhere", reference);
    }
}

static void walk(const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(value)) {
        const json_t *reference = json_object_get(value, "$ref");
        if (json_is_string(reference)) {
            assert_resolves(json_string_value(reference));
        }
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            walk(item);
        }
    }
    json_array_foreach(value, i, item)
    {
        walk(item);
    }
}

static void every_reference_resolves(void **state)
{
    (void)state;
    walk(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_documented_with_its_right_and_body),
        cmocka_unit_test(nothing_is_documented_that_is_not_served),
        cmocka_unit_test(every_reference_resolves),
    };
    return cmocka_run_group_tests_name("openapi", tests, load, unload);
}
