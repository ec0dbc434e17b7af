/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/publisher.h"
#include "repo/delegations.h"
#include "repo/signers.h"
#include "tuf/json.h"

/* Of verbs whose --key is somebody's public key. */
#define SIGNER_SIGN_OPTIONS(publisher)                                                   \
    PUBLISHER_REPO_OPTION(publisher), PUBLISHER_PASSPHRASE_OPTION(publisher),            \
        {"sign-key",        0,      OPTION_LIST,                                         \
         &(publisher).keys, "FILE", "sign with this key file too (several times)"},      \
        {"external",  0,                                                                 \
         OPTION_TEXT, &(publisher).external,                                             \
         "CMD",       "sign with a program: message in, signature out"},                 \
        PUBLISHER_DAYS_OPTION(publisher)

/* What a verb does to a draft. */
struct change {
    const char *role; /* or the model */
    struct option_list keys;
    const char *keyid;
    int64_t threshold;
    bool keep;
};

static int run_change(struct publisher *publisher, publisher_edit *edit,
                      const struct change *change)
{
    struct err err = {0};
    return publisher_change(publisher, edit, change, &err) == OK ? CLI_OK
                                                                 : cli_fail(&err);
}

/* ---- signer ---- */

static enum status add_keys(struct draft *draft, const void *user, struct err *err)
{
    const struct change *change = user;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < change->keys.count; i++) {
        JSON_AUTO *key = NULL;
        char keyid[KEY_ID_BYTES];
        status = keyfile_public(change->keys.items[i], &key, keyid, err);
        if (status == OK) {
            status = signers_add(draft, change->role, key, err);
        }
    }
    return status;
}

static enum status remove_key(struct draft *draft, const void *user, struct err *err)
{
    const struct change *change = user;
    return signers_remove(draft, change->role, change->keyid, err);
}

static enum status list_role(const struct draft *draft, const struct keychain *keychain,
                             const char *role, json_t *list, struct err *err)
{
    struct draft_demands demands = draft_demands(draft, role);
    const struct draft_demand *demand = &demands.items[demands.count - 1];
    for (size_t i = 0; i < json_array_size(demand->authority->keyids); i++) {
        const char *keyid =
            json_string_value(json_array_get(demand->authority->keyids, i));
        const struct keychain_key *key = keychain_find(keychain, keyid);
        json_t *row = json_pack("{s:s, s:s, s:s, s:I}", "role", role, "keyid", keyid,
                                "label", key ? key->info.label : "", "threshold",
                                (json_int_t)demand->authority->threshold);
        if (json_array_append_new(list, row) != 0) {
            return err_set(err, ERR_NO_MEMORY, "no memory");
        }
    }
    return OK;
}

static enum status list_roles(const struct draft *draft, const struct keychain *keychain,
                              json_t *list, struct err *err)
{
    static const char *const top[] = {"root", "targets", "snapshot", "timestamp"};
    const struct tuf_delegations *all = draft_targets(draft, "targets")->delegations;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < sizeof top / sizeof top[0]; i++) {
        status = list_role(draft, keychain, top[i], list, err);
    }
    for (size_t i = 0; status == OK && all && i < all->count; i++) {
        status = list_role(draft, keychain, all->roles[i].name, list, err);
    }
    return status;
}

static int list_signers(struct publisher *publisher, const struct output *output)
{
    static const struct column columns[] = {
        {"ROLE", "role", CELL_PLAIN},
        {"NEEDS", "threshold", CELL_PLAIN},
        {"KEY", "keyid", CELL_PLAIN},
        {"LABEL", "label", CELL_PLAIN},
    };
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    DRAFT_AUTO draft = {0};
    KEYCHAIN_AUTO keychain = {0};
    JSON_AUTO *list = json_array();
    struct err err = {0};
    if (publisher_open(publisher, &repository, &err) != OK ||
        publisher_draft(publisher, &repository, &draft, &err) != OK ||
        publisher_keychain(publisher, &repository, &keychain, &err) != OK ||
        list_roles(&draft, &keychain, list, &err) != OK) {
        return cli_fail(&err);
    }
    return output_list(output, list, columns, sizeof columns / sizeof columns[0]);
}

int cmd_repo_signer(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct output output = {0};
    struct change change = {0};
    const struct option_row options[] = {
        {"key", 'k', OPTION_LIST, &change.keys, "PUBLIC",
         "64 hex digits or a file with a public key"},
        SIGNER_SIGN_OPTIONS(publisher),
        OUTPUT_OPTIONS(output),
    };
    const struct usage usage = {
        .synopsis = "muster repo signer add ROLE --key PUBLIC | remove ROLE KEYID | list",
        .about =
            "Lets a key sign for a role, or no longer: root, targets, snapshot, "
            "timestamp\n"
            "(the server's key) or a delegated model. Public keys are hex, what 'muster\n"
            "key export --public' writes, or PEM of ECDSA P-256 or RSA. What the change\n"
            "makes invalid is signed again.",
        .examples = "  muster repo signer add targets --key anna.pub --repo models\n"
                    "  muster repo signer remove targets 197f6b23 --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 3,
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    const char *verb = operands.items[0];
    change.role = operands.count > 1 ? operands.items[1] : NULL;
    if (strcmp(verb, "list") == 0 && operands.count == 1) {
        return list_signers(&publisher, &output);
    }
    if (strcmp(verb, "add") == 0 && operands.count == 2 && change.keys.count > 0) {
        return run_change(&publisher, add_keys, &change);
    }
    if (strcmp(verb, "remove") == 0 && operands.count == 3) {
        change.keyid = operands.items[2];
        return run_change(&publisher, remove_key, &change);
    }
    return usage_wrong(&usage, "'add ROLE --key PUBLIC', 'remove ROLE KEYID' or 'list' "
                               "expected");
}

/* ---- threshold ---- */

static enum status set_threshold(struct draft *draft, const void *user, struct err *err)
{
    const struct change *change = user;
    return signers_threshold(draft, change->role, change->threshold, err);
}

int cmd_repo_threshold(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct change change = {0};
    const struct option_row options[] = {SIGNER_SIGN_OPTIONS(publisher)};
    const struct usage usage = {
        .synopsis = "muster repo threshold ROLE N [options]",
        .about = "Sets how many of a role's keys must sign.",
        .examples = "  muster repo threshold targets 2 --repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 2,
        .operands_max = 2,
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    change.role = operands.items[0];
    if (!option_integer(operands.items[1], &change.threshold)) {
        return usage_wrong(&usage, "a number of signatures expected, not '%s'",
                           operands.items[1]);
    }
    return run_change(&publisher, set_threshold, &change);
}

/* ---- delegations ---- */

static enum status delegate(struct draft *draft, const void *user, struct err *err)
{
    const struct change *change = user;
    JSON_AUTO *keys = json_array();
    enum status status = OK;
    for (size_t i = 0; status == OK && i < change->keys.count; i++) {
        json_t *key = NULL;
        char keyid[KEY_ID_BYTES];
        status = keyfile_public(change->keys.items[i], &key, keyid, err);
        if (status == OK && json_array_append_new(keys, key) != 0) {
            status = err_set(err, ERR_NO_MEMORY, "no memory");
        }
    }
    return status == OK
               ? delegations_add(draft, change->role, keys, change->threshold, err)
               : status;
}

int cmd_repo_delegate(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct change change = {.threshold = 1};
    const struct option_row options[] = {
        {"key", 'k', OPTION_LIST, &change.keys, "PUBLIC",
         "64 hex digits or a file with a public key (several times)"},
        {"threshold", 0, OPTION_INTEGER, &change.threshold, "N",
         "so many of them must sign (default: 1)"},
        SIGNER_SIGN_OPTIONS(publisher),
    };
    const struct usage usage = {
        .synopsis = "muster repo delegate MODEL --key PUBLIC… [options]",
        .about =
            "Puts a model into the hands of a team: from now on its keys sign new "
            "versions\n"
            "('muster model publish' with --key). Versions listed so far stay listed.",
        .examples =
            "  muster repo delegate fashion --key anna.pub --key ben.pub --threshold 2\n",
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
    if (change.keys.count == 0) {
        return usage_wrong(&usage, "--key is needed");
    }
    change.role = operands.items[0];
    return run_change(&publisher, delegate, &change);
}

static enum status undelegate(struct draft *draft, const void *user, struct err *err)
{
    const struct change *change = user;
    return delegations_end(draft, change->role, change->keep, err);
}

int cmd_repo_undelegate(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct change change = {0};
    bool withdraw = false;
    const struct option_row options[] = {
        {"keep", 0, OPTION_FLAG, &change.keep, NULL,
         "sign for what the team listed, by the targets key"},
        {"withdraw", 0, OPTION_FLAG, &withdraw, NULL, "list it no longer"},
        SIGNER_SIGN_OPTIONS(publisher),
    };
    const struct usage usage = {
        .synopsis = "muster repo undelegate MODEL --keep|--withdraw [options]",
        .about =
            "Takes a model back from its team. --keep puts the team's versions into\n"
            "top-level targets; --withdraw drops them, as after a stolen key.",
        .examples = "  muster repo undelegate fashion --withdraw --repo models\n",
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
    if (change.keep == withdraw) {
        return usage_wrong(&usage, "either --keep or --withdraw is needed");
    }
    change.role = operands.items[0];
    return run_change(&publisher, undelegate, &change);
}
