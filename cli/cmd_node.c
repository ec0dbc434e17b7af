/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/remote.h"

enum { PATH_BYTES_MAX = 4096, ID_PATH_BYTES = 64 };

static const struct column list_columns[] = {
    {"ID", "id", CELL_PLAIN},
    {"NAME", "name", CELL_PLAIN},
    {"STATE", "state", CELL_PLAIN},
    {"MODEL", "model", CELL_PLAIN},
    {"VERSION", "version", CELL_PLAIN},
    {"LAST SEEN", "last_seen_ms", CELL_TIME},
    {"PREDICTIONS", "predictions", CELL_PLAIN},
    {"LABELS", "labels", CELL_PLAIN},
};

static const struct column node_columns[] = {
    {"id", "id", CELL_PLAIN},
    {"name", "name", CELL_PLAIN},
    {"state", "state", CELL_PLAIN},
    {"labels", "labels", CELL_PLAIN},
    {"facts", "facts", CELL_PLAIN},
    {"enrolled", "enrolled_ms", CELL_TIME},
    {"last seen", "last_seen_ms", CELL_TIME},
    {"model", "model", CELL_PLAIN},
    {"version", "version", CELL_PLAIN},
    {"artifact", "artifact", CELL_PLAIN},
    {"derived", "derived", CELL_PLAIN},
    {"health", "health", CELL_PLAIN},
    {"predictions", "predictions", CELL_PLAIN},
};

enum {
    LIST_COLUMNS = sizeof list_columns / sizeof list_columns[0],
    NODE_COLUMNS = sizeof node_columns / sizeof node_columns[0],
};

/* "/v1/nodes/17" and what follows, for the id in `text`. */
static enum status node_path(const char *text, const char *tail, struct buf *ret_path,
                             struct err *err)
{
    int64_t id = 0;
    enum status status = remote_id(text, &id, err);
    if (status == OK) {
        buf_addf(ret_path, "/v1/nodes/%" PRId64 "%s", id, tail);
    }
    return status;
}

int cmd_node_list(int argc, char **argv)
{
    struct remote remote = {0};
    const char *selector = NULL;
    const char *state = NULL;
    const struct option_row options[] = {
        {"selector", 'l', OPTION_TEXT, &selector, "SELECTOR", "only nodes that match"},
        {"state", 0, OPTION_TEXT, &state, "STATE", "active, pending or revoked"},
        REMOTE_OPTIONS(remote),
    };
    const struct usage usage = {
        .synopsis = "muster node list [options]",
        .about =
            "Lists the nodes. A selector is terms joined by commas: key=value,\n"
            "key!=value, key in (a,b), key not in (a,b); a key is a label, or name,\n"
            "arch, id.",
        .examples = "  muster node list --selector 'site=lyon,arch in (aarch64,armhf)'\n"
                    "  muster node list --state pending --json\n",
        USAGE_ROWS(options),
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    BUF_AUTO path = BUF_INIT(PATH_BYTES_MAX);
    struct err err = {0};
    buf_addstr(&path, "/v1/nodes");
    http_add_query(&path, "selector", selector);
    http_add_query(&path, "state", state);
    return buf_status(&path, &err) == OK
               ? remote_list(&remote, path.data, list_columns, LIST_COLUMNS)
               : cli_fail(&err);
}

/* A subcommand with one node: sends `body` (taken over) to it. */
static int send_to_node(const struct remote *remote, const char *method, const char *id,
                        const char *tail, json_t *body)
{
    HTTP_JSON_AUTO *owned = body;
    BUF_AUTO path = BUF_INIT(ID_PATH_BYTES);
    struct err err = {0};
    if (node_path(id, tail, &path, &err) != OK) {
        return cli_fail(&err);
    }
    return remote_send(remote, method, path.data, json_incref(owned), node_columns,
                       NODE_COLUMNS);
}

/* One row a variant that a deployment would give the node; a version that has none left
 * has a row without. */
static json_t *offer_rows(const json_t *node)
{
    json_t *rows = json_array();
    size_t i, k;
    json_t *offer, *variant;
    json_array_foreach(json_object_get(node, "offers"), i, offer)
    {
        const json_t *variants = json_object_get(offer, "variants");
        const char *offered = json_string_value(json_object_get(offer, "offered"));
        json_array_foreach((json_t *)variants, k, variant)
        {
            json_t *row = json_deep_copy(variant);
            const char *name = json_string_value(json_object_get(variant, "variant"));
            (void)json_object_update_missing(row, offer);
            (void)json_object_set_new(
                row, "offered", json_boolean(offered && name && !strcmp(offered, name)));
            (void)json_array_append_new(rows, row);
        }
        if (json_array_size(variants) == 0) {
            (void)json_array_append_new(
                rows,
                json_pack("{s:O, s:O, s:s}", "model", json_object_get(offer, "model"),
                          "version", json_object_get(offer, "version"), "reason",
                          "the version was withdrawn"));
        }
    }
    return rows;
}

static int show_node(const struct remote *remote, const char *id)
{
    static const struct column columns[] = {
        {"MODEL", "model", CELL_PLAIN},     {"VERSION", "version", CELL_PLAIN},
        {"VARIANT", "variant", CELL_PLAIN}, {"OFFERED", "offered", CELL_PLAIN},
        {"VERDICT", "verdict", CELL_PLAIN}, {"REASON", "reason", CELL_PLAIN},
    };
    HTTP_JSON_AUTO *answer = NULL;
    BUF_AUTO path = BUF_INIT(ID_PATH_BYTES);
    struct err err = {0};
    enum status status = node_path(id, "", &path, &err);
    if (status == OK) {
        status = http_json(&remote->connection, "GET", path.data, NULL, &answer, &err);
    }
    if (status != OK) {
        return cli_fail(&err);
    }
    int code = output_object(&remote->output, answer, node_columns, NODE_COLUMNS);
    HTTP_JSON_AUTO *rows = offer_rows(answer);
    if (code != CLI_OK || output_is_json(&remote->output) || json_array_size(rows) == 0) {
        return code;
    }
    return output_list(&remote->output, rows, columns,
                       sizeof columns / sizeof columns[0]);
}

int cmd_node_show(int argc, char **argv)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = "muster node show ID [options]",
        .about =
            "Shows one node: labels, facts, health, what it runs, and for each variant\n"
            "of the versions that are deployed to it whether it runs there, and if not, "
            "why.",
        .examples = "  muster node show 17\n",
        .operands_min = 1,
        .operands_max = 1,
        USAGE_ROWS(options),
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    return show_node(&remote, operands.items[0]);
}

int cmd_node_label(int argc, char **argv)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = "muster node label ID KEY=VALUE... [options]",
        .about =
            "Sets labels of a node; KEY- removes one. They win over the labels that\n"
            "the node declares itself. Needs role operator.",
        .examples = "  muster node label 17 site=lyon line=3 old-\n",
        .operands_min = 2,
        .operands_max = -1,
        USAGE_ROWS(options),
    };
    struct operands operands;
    struct err err = {0};
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    HTTP_JSON_AUTO *labels = json_object();
    if (remote_labels((const char *const *)operands.items + 1, (size_t)operands.count - 1,
                      true, labels, &err) != OK) {
        return cli_fail(&err);
    }
    return send_to_node(&remote, "PATCH", operands.items[0], "",
                        json_pack("{s:O}", "labels", labels));
}

int cmd_node_activate(int argc, char **argv)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = "muster node activate ID [options]",
        .about = "Lets a pending node in. Needs role operator.",
        .examples = "  muster node activate 17\n",
        .operands_min = 1,
        .operands_max = 1,
        USAGE_ROWS(options),
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    return send_to_node(&remote, "PATCH", operands.items[0], "",
                        json_pack("{s:s}", "state", "active"));
}

int cmd_node_revoke(int argc, char **argv)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = "muster node revoke ID [options]",
        .about = "Shuts a node out at once and for good: its tokens die and its key is\n"
                 "refused. Its predictions stay. Needs role operator.",
        .examples = "  muster node revoke 17\n",
        .operands_min = 1,
        .operands_max = 1,
        USAGE_ROWS(options),
    };
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    return send_to_node(&remote, "POST", operands.items[0], "/revoke", NULL);
}
