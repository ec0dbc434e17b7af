/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/remote.h"
#include "tuf/metadata.h"

enum { ID_PATH_BYTES = 64, STRING_BYTES_MAX = 1024, ROOT_BYTES_MAX = 1 << 20 };
enum { DAY_S = 86400, MONTH_S = 30 * DAY_S };

static const struct column token_columns[] = {
    {"ID", "id", CELL_PLAIN},
    {"NAME", "name", CELL_PLAIN},
    {"USES", "uses", CELL_PLAIN},
    {"OF", "max_uses", CELL_PLAIN},
    {"EXPIRES", "expires_ms", CELL_TIME},
    {"REVOKED", "revoked", CELL_PLAIN},
    {"PENDING", "pending", CELL_PLAIN},
    {"LABELS", "labels", CELL_PLAIN},
};

static const struct column created_columns[] = {
    {"id", "id", CELL_PLAIN},
    {"name", "name", CELL_PLAIN},
    {"expires", "expires_ms", CELL_TIME},
    {"enrolment string", "enrolment", CELL_PLAIN},
};

static const struct column api_columns[] = {
    {"ID", "id", CELL_PLAIN},
    {"NAME", "name", CELL_PLAIN},
    {"ROLE", "role", CELL_PLAIN},
    {"EXPIRES", "expires_ms", CELL_TIME},
};

static const struct column api_created_columns[] = {
    {"id", "id", CELL_PLAIN},       {"name", "name", CELL_PLAIN},
    {"role", "role", CELL_PLAIN},   {"expires", "expires_ms", CELL_TIME},
    {"token", "token", CELL_PLAIN},
};

#define COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* Sends `body` (taken over); *ret_answer has its "token" checked. */
static enum status create(const struct remote *remote, const char *path, json_t *body,
                          json_t **ret_answer, struct err *err)
{
    HTTP_JSON_AUTO *owned = body;
    HTTP_JSON_AUTO *answer = NULL;
    enum status status =
        http_json(&remote->connection, "POST", path, owned, &answer, err);
    if (status != OK) {
        return status;
    }
    if (!json_is_string(json_object_get(answer, "token"))) {
        return err_set(err, ERR_NET, "the answer to POST %s has no token", path);
    }
    *ret_answer = json_incref(answer);
    return OK;
}

/* The digest of a root.json in hex; "" without one. Whatever else a file holds is
 * refused: its digest would shut every node out. */
static enum status digest_root(const char *path, char ret_hex[static SHA256_HEX_BYTES],
                               struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    BUF_AUTO file = BUF_INIT(ROOT_BYTES_MAX);
    struct tuf_root *root = NULL;
    ret_hex[0] = '\0';
    if (!path) {
        return OK;
    }
    enum status status = file_read(path, &file, err);
    if (status != OK) {
        return status;
    }
    status = tuf_root_parse(file.data, file.len, ROOT_BYTES_MAX, &root, err);
    if (status != OK) {
        err_prefix(err, "'%s' is no root.json", path);
        return status;
    }
    tuf_root_free(root);
    status = sha256_of(file.data, file.len, digest, err);
    if (status == OK) {
        hex_encode(digest, sizeof digest, ret_hex);
    }
    return status;
}

/* Adds the member "enrolment": the token, and the digest of the root behind a point. */
static enum status add_enrolment(json_t *answer, const char *root_hex, struct err *err)
{
    BUF_AUTO text = BUF_INIT(STRING_BYTES_MAX);
    buf_addstr(&text, json_string_value(json_object_get(answer, "token")));
    if (root_hex[0]) {
        buf_addf(&text, ".%s", root_hex);
    }
    enum status status = buf_status(&text, err);
    if (status == OK) {
        (void)json_object_set_new(answer, "enrolment", json_string(text.data));
    }
    return status;
}

static int print_created(const struct remote *remote, const json_t *answer,
                         const char *alone, const struct column *columns, size_t count)
{
    if (alone) {
        return printf("%s\n", json_string_value(json_object_get(answer, alone))) > 0 &&
                       fflush(stdout) == 0
                   ? CLI_OK
                   : CLI_FAILED;
    }
    return output_object(&remote->output, answer, columns, count);
}

int cmd_token_create(int argc, char **argv)
{
    struct remote remote = {0};
    const char *name = "";
    const char *root = NULL;
    int64_t max_uses = 1;
    int64_t expires_s = DAY_S;
    bool pending = false;
    bool alone = false;
    struct option_list labels = {0};
    const struct option_row options[] = {
        {"name", 'n', OPTION_TEXT, &name, "TEXT", "what it is for"},
        {"max-uses", 0, OPTION_INTEGER, &max_uses, "N", "nodes that it may enrol (1)"},
        {"expires-s", 0, OPTION_INTEGER, &expires_s, "SECONDS", "its life (86400)"},
        {"pending", 0, OPTION_FLAG, &pending, NULL, "nodes wait for 'node activate'"},
        {"label", 0, OPTION_LIST, &labels, "KEY=VALUE", "a label for its nodes"},
        {"root", 0, OPTION_TEXT, &root, "FILE", "your root.json: nodes accept no other"},
        {"string", 0, OPTION_FLAG, &alone, NULL, "print the enrolment string alone"},
        REMOTE_OPTIONS(remote),
    };
    const struct usage usage = {
        .synopsis = "muster token create --name TEXT [options]",
        .about =
            "Makes an enrolment token and prints the enrolment string for nodes, once.\n"
            "Needs role operator.",
        .examples = "  muster token create --name 'site lyon' --max-uses 20 "
                    "--label site=lyon --root root.json\n",
        USAGE_ROWS(options),
    };
    struct operands operands;
    struct err err = {0};
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    if (name[0] == '\0') {
        return usage_wrong(&usage, "--name is missing");
    }
    HTTP_JSON_AUTO *map = json_object();
    HTTP_JSON_AUTO *answer = NULL;
    char root_hex[SHA256_HEX_BYTES];
    if (digest_root(root, root_hex, &err) != OK ||
        remote_labels(labels.items, labels.count, false, map, &err) != OK ||
        create(&remote, "/v1/enrollment-tokens",
               json_pack("{s:s,s:I,s:I,s:b,s:O}", "name", name, "max_uses", max_uses,
                         "expires_s", expires_s, "pending", pending, "labels", map),
               &answer, &err) != OK ||
        add_enrolment(answer, root_hex, &err) != OK) {
        return cli_fail(&err);
    }
    return print_created(&remote, answer, alone ? "enrolment" : NULL, created_columns,
                         COUNT(created_columns));
}

int cmd_token_create_api(int argc, char **argv)
{
    struct remote remote = {0};
    const char *name = "";
    const char *role = "viewer";
    int64_t expires_s = MONTH_S;
    bool alone = false;
    const struct option_row options[] = {
        {"name", 'n', OPTION_TEXT, &name, "TEXT", "what it is for"},
        {"role", 'r', OPTION_TEXT, &role, "ROLE",
         "viewer (default), operator, publisher or admin"},
        {"expires-s", 0, OPTION_INTEGER, &expires_s, "SECONDS", "its life (30 days)"},
        {"string", 0, OPTION_FLAG, &alone, NULL, "print the token alone"},
        REMOTE_OPTIONS(remote),
    };
    const struct usage usage = {
        .synopsis = "muster token create-api --name TEXT [options]",
        .about = "Makes an API token for a person or a program and prints it, once.\n"
                 "Needs role admin.",
        .examples = "  muster token create-api --name ci --role publisher\n",
        USAGE_ROWS(options),
    };
    struct operands operands;
    struct err err = {0};
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    if (name[0] == '\0') {
        return usage_wrong(&usage, "--name is missing");
    }
    HTTP_JSON_AUTO *answer = NULL;
    if (create(&remote, "/v1/api-tokens",
               json_pack("{s:s,s:s,s:I}", "name", name, "role", role, "expires_s",
                         expires_s),
               &answer, &err) != OK) {
        return cli_fail(&err);
    }
    return print_created(&remote, answer, alone ? "token" : NULL, api_created_columns,
                         COUNT(api_created_columns));
}

static int list(const char *synopsis, const char *about, int argc, char **argv,
                const char *path, bool api)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {
        .synopsis = synopsis, .about = about, USAGE_ROWS(options)};
    struct operands operands;
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    return remote_list(&remote, path, api ? api_columns : token_columns,
                       api ? COUNT(api_columns) : COUNT(token_columns));
}

static int revoke(const char *synopsis, const char *about, int argc, char **argv,
                  const char *folder)
{
    struct remote remote = {0};
    const struct option_row options[] = {REMOTE_OPTIONS(remote)};
    const struct usage usage = {.synopsis = synopsis,
                                .about = about,
                                .operands_min = 1,
                                .operands_max = 1,
                                USAGE_ROWS(options)};
    struct operands operands;
    struct err err = {0};
    int64_t id = 0;
    char path[ID_PATH_BYTES];
    int code;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    if (remote_id(operands.items[0], &id, &err) != OK) {
        return cli_fail(&err);
    }
    (void)snprintf(path, sizeof path, "%s/%" PRId64, folder, id);
    return remote_send(&remote, "DELETE", path, NULL, NULL, 0);
}

int cmd_token_list(int argc, char **argv)
{
    return list("muster token list [options]",
                "Lists the enrolment tokens, without their secrets. Needs role operator.",
                argc, argv, "/v1/enrollment-tokens", false);
}

int cmd_token_revoke(int argc, char **argv)
{
    return revoke(
        "muster token revoke ID [options]",
        "Ends an enrolment token; nodes that it let in stay. Needs role operator.", argc,
        argv, "/v1/enrollment-tokens");
}

int cmd_token_list_api(int argc, char **argv)
{
    return list("muster token list-api [options]",
                "Lists the API tokens, without their secrets. Needs role admin.", argc,
                argv, "/v1/api-tokens", true);
}

int cmd_token_revoke_api(int argc, char **argv)
{
    return revoke("muster token revoke-api ID [options]",
                  "Ends an API token at once. Needs role admin.", argc, argv,
                  "/v1/api-tokens");
}
