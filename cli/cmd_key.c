/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/publisher.h"
#include "repo/metadata_file.h"
#include "repo/signers.h"
#include "tuf/json.h"

/* What a key file says of itself. The roles are known inside a repository only. */
static json_t *describe(const struct sealed_key_info *info, json_t *roles)
{
    char text[2 * ED25519_PUBLIC_BYTES + 1];
    hex_encode(info->public_key, sizeof info->public_key, text);
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "label", info->label, "keytype",
                     "ed25519", "keyid", info->keyid, "public", text, "roles", roles);
}

/* ---- list ---- */

static enum status list_keys(const struct publisher *publisher, json_t *list,
                             struct err *err)
{
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    KEYCHAIN_AUTO keychain = {0};
    struct draft published; /* nothing changes in it */
    enum status status = publisher_open(publisher, &repository, err);
    if (status == OK) {
        status = publisher_keychain(publisher, &repository, &keychain, err);
    }
    draft_init(&published, &repository, 0, 0);
    for (size_t i = 0; status == OK && i < keychain.count; i++) {
        const struct sealed_key_info *info = &keychain.keys[i]->info;
        json_t *row = describe(info, signers_roles(&published, info->keyid));
        if (json_array_append_new(list, row) != 0) {
            status = err_set(err, ERR_NO_MEMORY, "no memory");
        }
    }
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
        .about =
            "Lists the key files of a repository and the roles that they sign for.\n"
            "Needs no passphrase. 'muster repo signer list' shows every key of each\n"
            "role, also those that are elsewhere.",
        .examples = "  muster key list --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    JSON_AUTO *keys = json_array();
    struct err err = {0};
    if (list_keys(&publisher, keys, &err) != OK) {
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

/* ---- export ---- */

static enum status describe_label(const struct publisher *publisher, const char *label,
                                  struct sealed_key_info *ret_info, json_t **ret_roles,
                                  struct err *err)
{
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    struct draft published; /* nothing changes in it */
    enum status status = publisher_open(publisher, &repository, err);
    if (status == OK) {
        status = folder_path(&path, repository.folder, err, "keys/%s.key", label);
    }
    if (status == OK) {
        status = keyfile_describe(path.data, ret_info, err);
    }
    if (status == OK) {
        draft_init(&published, &repository, 0, 0);
        *ret_roles = signers_roles(&published, ret_info->keyid);
    }
    return status;
}

/* The key object that 'muster repo signer add --key' reads. */
static enum status write_public(const struct sealed_key_info *info, const char *file,
                                struct err *err)
{
    JSON_AUTO *object = key_object_new(info->public_key);
    BUF_AUTO text = BUF_INIT(REPO_PATH_BYTES);
    char *dumped = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (!dumped) {
        return err_set(err, ERR_NO_MEMORY, "no memory");
    }
    buf_addf(&text, "%s\n", dumped);
    free(dumped);
    enum status status = buf_status(&text, err);
    return status == OK ? file_create(file, text.data, text.len, REPO_FILE_MODE, err)
                        : status;
}

int cmd_key_export(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct output output = {0};
    const char *public_file = NULL;
    const struct option_row options[] = {
        {"public", 0, OPTION_TEXT, &public_file, "FILE",
         "write the public half into a new file, for 'signer add --key'"},
        PUBLISHER_REPO_OPTION(publisher),
        OUTPUT_OPTIONS(output),
    };
    const struct usage usage = {
        .synopsis = "muster key export LABEL|FILE [options]",
        .about = "Prints the public half of a key. Needs no passphrase.",
        .examples = "  muster key export targets --repo models\n"
                    "  muster key export anna.key --public anna.pub\n",
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
    const char *name = operands.items[0];
    struct sealed_key_info info;
    json_t *roles = NULL;
    struct err err = {0};
    enum status status = key_is_file(name)
                             ? keyfile_describe(name, &info, &err)
                             : describe_label(&publisher, name, &info, &roles, &err);
    if (status == OK && public_file) {
        status = write_public(&info, public_file, &err);
    }
    if (status != OK) {
        json_decref(roles);
        return cli_fail(&err);
    }
    JSON_AUTO *key = describe(&info, roles ? roles : json_array());
    static const struct column columns[] = {
        {"label", "label", CELL_PLAIN},       {"roles", "roles", CELL_PLAIN},
        {"type", "keytype", CELL_PLAIN},      {"key id", "keyid", CELL_PLAIN},
        {"public key", "public", CELL_PLAIN},
    };
    return output_object(&output, key, columns, sizeof columns / sizeof columns[0]);
}
