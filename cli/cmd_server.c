/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "cli/cli.h"
#include "cli/http.h"
#include "cli/output.h"

/* Readiness is asked for separately: a server that is not ready answers 503. */
static enum status add_readiness(const struct connection *connection, json_t *state,
                                 struct err *err)
{
    HTTP_JSON_AUTO *ready = NULL;
    struct err refusal = {0};
    enum status status = http_json(connection, "GET", "/readyz", NULL, &ready, &refusal);
    if (status == ERR_NET_STATUS) {
        (void)json_object_set_new(state, "ready", json_false());
        (void)json_object_set_new(state, "reason", json_string(refusal.detail));
        return OK;
    }
    if (status != OK) {
        return err_set(err, status, "%s", refusal.detail);
    }
    return json_object_update(state, ready) == 0
               ? OK
               : err_set(err, ERR_NET, "the answer to GET /readyz is no object");
}

static enum status add_roles(const struct connection *connection, json_t *state,
                             struct err *err)
{
    HTTP_JSON_AUTO *repository = NULL;
    struct err refusal = {0};
    enum status status =
        http_json(connection, "GET", "/v1/repository", NULL, &repository, &refusal);
    if (status == ERR_NET_STATUS) {
        (void)json_object_set_new(state, "repository", json_string("none"));
        return OK;
    }
    if (status != OK) {
        return err_set(err, status, "%s", refusal.detail);
    }
    json_t *versions = json_object();
    size_t at;
    json_t *role;
    json_array_foreach(json_object_get(repository, "roles"), at, role)
    {
        const char *name = json_string_value(json_object_get(role, "role"));
        (void)json_object_set(versions, name ? name : "?",
                              json_object_get(role, "version"));
    }
    return json_object_set_new(state, "repository", versions) == 0
               ? OK
               : err_set(err, ERR_NO_MEMORY, "no memory");
}

/* How many nodes there are in each state. */
static enum status add_nodes(const struct connection *connection, json_t *state,
                             struct err *err)
{
    HTTP_JSON_AUTO *nodes = NULL;
    enum status status = http_list(connection, "/v1/nodes", &nodes, err);
    if (status != OK) {
        return status;
    }
    json_t *counts = json_object();
    json_int_t predictions = 0;
    size_t at;
    json_t *node;
    json_array_foreach(nodes, at, node)
    {
        const char *name = json_string_value(json_object_get(node, "state"));
        json_int_t old = json_integer_value(json_object_get(counts, name ? name : "?"));
        (void)json_object_set_new(counts, name ? name : "?", json_integer(old + 1));
        predictions += json_integer_value(json_object_get(node, "predictions"));
    }
    (void)json_object_set_new(state, "nodes", counts);
    return json_object_set_new(state, "predictions", json_integer(predictions)) == 0
               ? OK
               : err_set(err, ERR_NO_MEMORY, "no memory");
}

int cmd_server_status(int argc, char **argv)
{
    struct connection connection = {0};
    struct output output = {0};
    const struct option_row options[] = {CONNECTION_OPTIONS(connection),
                                         OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster server status [options]",
        .about =
            "Shows whether the server is ready, the versions of its repository, and\n"
            "how many nodes and predictions it has. Needs a token of role viewer.",
        .examples = "  muster server status --server http://127.0.0.1:8080 "
                    "--token-file admin.token\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    HTTP_JSON_AUTO *state = json_object();
    struct err err = {0};
    if (add_readiness(&connection, state, &err) != OK ||
        add_roles(&connection, state, &err) != OK ||
        add_nodes(&connection, state, &err) != OK) {
        return cli_fail(&err);
    }
    static const struct column columns[] = {
        {"ready", "ready", CELL_PLAIN},   {"reason", "reason", CELL_PLAIN},
        {"checks", "checks", CELL_PLAIN}, {"repository", "repository", CELL_PLAIN},
        {"nodes", "nodes", CELL_PLAIN},   {"predictions", "predictions", CELL_PLAIN},
    };
    code = output_object(&output, state, columns, sizeof columns / sizeof columns[0]);
    return code == CLI_OK && !json_is_true(json_object_get(state, "ready")) ? CLI_FAILED
                                                                            : code;
}

/* The versions of an item's roles as one object, for the table. */
static void add_versions(json_t *item)
{
    json_t *versions = json_object();
    size_t at;
    json_t *role;
    json_array_foreach(json_object_get(item, "roles"), at, role)
    {
        const char *name = json_string_value(json_object_get(role, "role"));
        (void)json_object_set(versions, name ? name : "?",
                              json_object_get(role, "version"));
    }
    (void)json_object_set_new(item, "versions", versions);
}

int cmd_server_history(int argc, char **argv)
{
    struct connection connection = {0};
    struct output output = {0};
    const struct option_row options[] = {CONNECTION_OPTIONS(connection),
                                         OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster server history [options]",
        .about =
            "Lists every state that was ever published, newest first: when, by whose\n"
            "token, the version of each role, and how many targets came and went. With\n"
            "--json also the digests and paths. Needs a token of role viewer.",
        .examples = "  muster server history --server http://127.0.0.1:8080 "
                    "--token-file viewer.token\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    HTTP_JSON_AUTO *items = NULL;
    struct err err = {0};
    if (http_list(&connection, "/v1/repository/history", &items, &err) != OK) {
        return cli_fail(&err);
    }
    size_t at;
    json_t *item;
    json_array_foreach(items, at, item)
    {
        add_versions(item);
    }
    static const struct column columns[] = {
        {"ID", "id", CELL_PLAIN},           {"PUBLISHED", "published_ms", CELL_TIME},
        {"BY", "published_by", CELL_PLAIN}, {"VERSIONS", "versions", CELL_PLAIN},
        {"CAME", "listed", CELL_PLAIN},     {"WENT", "unlisted", CELL_PLAIN},
    };
    return output_list(&output, items, columns, sizeof columns / sizeof columns[0]);
}
