/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/remote.h"

enum { PATH_BYTES_MAX = 1024 };

#define COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

static const struct column deployment_columns[] = {
    {"ID", "id", CELL_PLAIN},
    {"MODEL", "model", CELL_PLAIN},
    {"VERSION", "version", CELL_PLAIN},
    {"SEQ", "seq", CELL_PLAIN},
    {"SELECTOR", "selector", CELL_PLAIN},
    {"CREATED", "created_ms", CELL_TIME},
    {"BY", "created_by", CELL_PLAIN},
};

int cmd_model_list(int argc, char **argv)
{
    static const struct column columns[] = {
        {"MODEL", "model", CELL_PLAIN},       {"TASK", "task", CELL_PLAIN},
        {"VERSIONS", "versions", CELL_PLAIN}, {"NEWEST", "newest.version", CELL_PLAIN},
        {"SEQ", "newest.seq", CELL_PLAIN},    {"FLOOR", "floor", CELL_PLAIN},
    };
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = "muster model list [options]",
        .about = "Lists the models that are published on the server.",
        .examples = "  muster model list\n",
        USAGE_ROWS(options),
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    return remote_list(&remote, "/v1/models", columns, COUNT(columns));
}

/* A table of the versions, or the whole answer as JSON. */
static int print_versions(const struct remote *remote, const json_t *model)
{
    static const struct column columns[] = {
        {"VERSION", "version", CELL_PLAIN},       {"SEQ", "seq", CELL_PLAIN},
        {"PUBLISHED", "published_ms", CELL_TIME}, {"NODES", "nodes", CELL_PLAIN},
        {"VARIANT", "variant", CELL_PLAIN},       {"LENGTH", "length", CELL_PLAIN},
        {"ARTIFACT", "artifact", CELL_DIGEST},
    };
    if (output_is_json(&remote->output)) {
        return output_object(&remote->output, model, NULL, 0);
    }
    HTTP_JSON_AUTO *rows = json_array();
    size_t at;
    json_t *version;
    json_array_foreach(json_object_get(model, "versions"), at, version)
    {
        size_t index;
        json_t *variant;
        json_array_foreach(json_object_get(version, "variants"), index, variant)
        {
            json_t *row = json_copy(version);
            (void)json_object_update(row, variant);
            (void)json_array_append_new(rows, row);
        }
    }
    return output_list(&remote->output, rows, columns, COUNT(columns));
}

int cmd_model_versions(int argc, char **argv)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = "muster model versions MODEL [options]",
        .about = "Shows the published versions of a model and how many nodes run each.",
        .examples = "  muster model versions fashion\n",
        .operands_min = 1,
        .operands_max = 1,
        USAGE_ROWS(options),
    };
    struct operands operands;
    struct err err = {0};
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    BUF_AUTO path = BUF_INIT(PATH_BYTES_MAX);
    HTTP_JSON_AUTO *model = NULL;
    buf_addstr(&path, "/v1/models/");
    http_add_escaped(&path, operands.items[0]);
    if (buf_status(&path, &err) != OK ||
        http_json(&remote.connection, "GET", path.data, NULL, &model, &err) != OK) {
        return cli_fail(&err);
    }
    return print_versions(&remote, model);
}

int cmd_model_deploy(int argc, char **argv)
{
    static const struct column columns[] = {
        {"id", "id", CELL_PLAIN},
        {"model", "model", CELL_PLAIN},
        {"version", "version", CELL_PLAIN},
        {"selector", "selector", CELL_PLAIN},
        {"matching nodes", "matching_nodes", CELL_PLAIN},
    };
    struct remote remote = {0};
    const char *version = NULL;
    const char *selector = "";
    const struct option_row options[] = {
        {"version", 'V', OPTION_TEXT, &version, "VERSION", "which one, such as 1.1.0"},
        {"selector", 'l', OPTION_TEXT, &selector, "SELECTOR",
         "which nodes (default: all; see 'muster node list --help')"},
        REMOTE_OPTIONS(remote),
    };
    const struct usage usage = {
        .synopsis = "muster model deploy MODEL --version VERSION [options]",
        .about =
            "Tells the matching nodes to run this version. For each node the newest\n"
            "matching deployment counts. Needs role operator.",
        .examples =
            "  muster model deploy fashion --version 1.1.0 --selector site=lyon\n",
        .operands_min = 1,
        .operands_max = 1,
        USAGE_ROWS(options),
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    if (!version) {
        return usage_wrong(&usage, "--version is missing");
    }
    json_t *body = json_pack("{s:s,s:s,s:s}", "model", operands.items[0], "version",
                             version, "selector", selector);
    if (!body) {
        return usage_wrong(&usage, "an argument is no UTF-8");
    }
    return remote_send(&remote, "POST", "/v1/deployments", body, columns, COUNT(columns));
}

int cmd_deployment_list(int argc, char **argv)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = "muster deployment list [options]",
        .about = "Lists the deployments, newest first.",
        .examples = "  muster deployment list\n",
        USAGE_ROWS(options),
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    return remote_list(&remote, "/v1/deployments", deployment_columns,
                       COUNT(deployment_columns));
}

int cmd_deployment_remove(int argc, char **argv)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = "muster deployment remove ID [options]",
        .about = "Removes a deployment; for its nodes the next older one that matches\n"
                 "counts again. Needs role operator.",
        .examples = "  muster deployment remove 3\n",
        .operands_min = 1,
        .operands_max = 1,
        USAGE_ROWS(options),
    };
    struct operands operands;
    struct err err = {0};
    int64_t id = 0;
    char path[PATH_BYTES_MAX];
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    if (remote_id(operands.items[0], &id, &err) != OK) {
        return cli_fail(&err);
    }
    (void)snprintf(path, sizeof path, "/v1/deployments/%" PRId64, id);
    return remote_send(&remote, "DELETE", path, NULL, NULL, 0);
}
