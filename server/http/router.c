/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/router.h"

#include <stdbool.h>
#include <string.h>

struct capture {
    struct route_param params[ROUTE_PARAMS_MAX];
    size_t value_len[ROUTE_PARAMS_MAX];
    size_t count;
};

/* Whether the template fits; parameters are pieces of both texts. Most templates differ
 * from most paths in an early character, so literal text is compared one at a time. */
static bool fits(const char *template, const char *path, struct capture *ret_capture)
{
    ret_capture->count = 0;
    for (; *template; template ++, path++) {
        if (*template != '{') {
            if (*template != *path) {
                return false;
            }
            continue;
        }
        size_t name_len = strcspn(template, "}") - 1;
        size_t found = strcspn(path, "/");
        if (found == 0 || ret_capture->count == ROUTE_PARAMS_MAX) {
            return false;
        }
        ret_capture->params[ret_capture->count] = (struct route_param){
            .name = template + 1, .name_len = name_len, .value = path};
        ret_capture->value_len[ret_capture->count++] = found;
        template += name_len + 1; /* on the brace */
        path += found - 1;
    }
    return *path == '\0';
}

static bool method_fits(const struct route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static enum status take_params(const struct capture *capture, struct arena *arena,
                               struct route_match *match, struct err *err)
{
    match->param_count = capture->count;
    for (size_t i = 0; i < capture->count; i++) {
        match->params[i] = capture->params[i];
        match->params[i].value =
            arena_strndup(arena, capture->params[i].value, capture->value_len[i]);
        if (!match->params[i].value) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the path parameters");
        }
    }
    return OK;
}

static _Atomic uint16_t *known_of(struct router *router, const char *method,
                                  const char *path)
{
    uint32_t hash = (unsigned char)method[0];
    for (const char *p = path; *p; p++) {
        hash = hash * 31 + (unsigned char)*p;
    }
    return &router->known[(hash ^ hash >> 15) % ROUTER_KNOWN];
}

/* A row without parameters is the best there can be. Its template is compared, so that no
 * path is a row's whose hash it shares; the template of a row with parameters is not
 * among them. */
static bool is_known(const struct router *router, uint16_t known, const char *method,
                     const char *path, struct route_match *ret_match)
{
    if (known == 0 || strcmp(router->routes[known - 1].path, path) != 0 ||
        !method_fits(&router->routes[known - 1], method)) {
        return false;
    }
    *ret_match = (struct route_match){.route = &router->routes[known - 1],
                                      .index = (size_t)known - 1};
    return true;
}

enum status router_match(struct router *router, const char *method, const char *path,
                         struct arena *arena, struct route_match *ret_match,
                         struct err *err)
{
    struct route_match match = {0};
    struct capture best = {0};
    bool path_is_known = false;
    _Atomic uint16_t *known = known_of(router, method, path);
    if (is_known(router, atomic_load_explicit(known, memory_order_relaxed), method, path,
                 &match)) {
        *ret_match = match;
        return OK;
    }
    for (size_t i = 0; i < router->count; i++) {
        struct capture capture;
        if (!fits(router->routes[i].path, path, &capture)) {
            continue;
        }
        path_is_known = true;
        if (method_fits(&router->routes[i], method) &&
            (!match.route || capture.count < best.count)) {
            best = capture;
            match.route = &router->routes[i];
            match.index = i;
        }
    }
    if (!match.route) {
        return path_is_known
                   ? err_set(err, ERR_HTTP_METHOD, "this path has no such method")
                   : err_set(err, ERR_NOT_FOUND, "no such path");
    }
    enum status status = take_params(&best, arena, &match, err);
    if (status == OK && best.count == 0) {
        atomic_store_explicit(known, (uint16_t)(match.index + 1), memory_order_relaxed);
    }
    if (status == OK) {
        *ret_match = match;
    }
    return status;
}

const char *router_allow(const struct router *router, const char *path,
                         struct arena *arena)
{
    static const char *const order[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    const char *allow = NULL;
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        bool has_method = false;
        for (size_t i = 0; i < router->count && !has_method; i++) {
            struct capture capture;
            has_method = method_fits(&router->routes[i], order[k]) &&
                         fits(router->routes[i].path, path, &capture);
        }
        if (has_method) {
            allow = allow ? arena_printf(arena, "%s, %s", allow, order[k]) : order[k];
        }
    }
    return allow ? arena_printf(arena, "%s, OPTIONS", allow) : NULL;
}
