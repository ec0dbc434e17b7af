/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/publisher.h"
#include "tuf/json.h"

enum { PATH_BYTES = 4096 };

static const char SUFFIX[] = ".key";

static int is_key_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len >= sizeof SUFFIX &&
           strcmp(entry->d_name + len - (sizeof SUFFIX - 1), SUFFIX) == 0;
}

/* The roles for which the newest root names a key. */
static json_t *roles_of(const struct repository *repository, const char *keyid)
{
    json_t *roles = json_array();
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        const json_t *keyids = repository->trust.root->roles[role].keyids;
        for (size_t i = 0; i < json_array_size(keyids); i++) {
            if (strcmp(json_string_value(json_array_get(keyids, i)), keyid) == 0) {
                (void)json_array_append_new(
                    roles, json_string(tuf_role_name((enum tuf_role)role)));
            }
        }
    }
    return roles;
}

static enum status describe(const struct repository *repository, const char *name,
                            json_t **ret_key, struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    struct sealed_key_info info;
    char public_text[2 * ED25519_PUBLIC_BYTES + 1];
    buf_addf(&path, "%s/keys/%s", repository->folder, name);
    enum status status = buf_status(&path, err);
    if (status == OK) {
        status = keyfile_describe(path.data, &info, err);
    }
    if (status != OK) {
        return status;
    }
    hex_encode(info.public_key, sizeof info.public_key, public_text);
    *ret_key = json_pack("{s:s, s:s, s:s, s:s, s:o}", "label", info.label, "keytype",
                         "ed25519", "keyid", info.keyid, "public", public_text, "roles",
                         roles_of(repository, info.keyid));
    return *ret_key ? OK : err_set(err, ERR_NO_MEMORY, "no memory");
}

static enum status list_keys(const struct repository *repository, json_t *keys,
                             struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    struct dirent **names = NULL;
    buf_addf(&path, "%s/keys", repository->folder);
    int count = path.failed ? -1 : scandir(path.data, &names, is_key_file, alphasort);
    if (count < 0) {
        return err_set_errno(err, "could not list '%s/keys'", repository->folder);
    }
    enum status status = OK;
    for (int i = 0; i < count; i++) {
        json_t *key = NULL;
        if (status == OK) {
            status = describe(repository, names[i]->d_name, &key, err);
            (void)json_array_append_new(keys, key);
        }
        free(names[i]);
    }
    free(names);
    return status;
}

int cmd_key_list(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct output output = {0};
    const struct option_row options[] = {PUBLISHER_REPO_OPTION(publisher),
                                         OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster key list [options]",
        .about = "Lists the key files of a repository and the roles that they sign for.\n"
                 "Needs no passphrase.",
        .examples = "  muster key list --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    JSON_AUTO *keys = json_array();
    struct err err = {0};
    if (publisher_open(&publisher, &repository, &err) != OK ||
        list_keys(&repository, keys, &err) != OK) {
        return cli_fail(&err);
    }
    static const struct column columns[] = {
        {"LABEL", "label", CELL_PLAIN},
        {"ROLES", "roles", CELL_PLAIN},
        {"TYPE", "keytype", CELL_PLAIN},
        {"PUBLIC KEY", "public", CELL_PLAIN},
    };
    return output_list(&output, keys, columns, sizeof columns / sizeof columns[0]);
}

int cmd_key_export(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct output output = {0};
    const struct option_row options[] = {PUBLISHER_REPO_OPTION(publisher),
                                         OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster key export LABEL [options]",
        .about = "Prints the public half of a key. Needs no passphrase.",
        .examples = "  muster key export targets --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    const char *label = operands.items[0];
    if (strchr(label, '/')) {
        return usage_wrong(&usage, "'%s' is no label of a key", label);
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    JSON_AUTO *key = NULL;
    BUF_AUTO name = BUF_INIT(PATH_BYTES);
    struct err err = {0};
    buf_addf(&name, "%s%s", label, SUFFIX);
    if (buf_status(&name, &err) != OK ||
        publisher_open(&publisher, &repository, &err) != OK ||
        describe(&repository, name.data, &key, &err) != OK) {
        return cli_fail(&err);
    }
    static const struct column columns[] = {
        {"label", "label", CELL_PLAIN},       {"roles", "roles", CELL_PLAIN},
        {"type", "keytype", CELL_PLAIN},      {"key id", "keyid", CELL_PLAIN},
        {"public key", "public", CELL_PLAIN},
    };
    return output_object(&output, key, columns, sizeof columns / sizeof columns[0]);
}
