/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
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

enum { NUMBER_MAX = 1000 };

static const char SUFFIX[] = ".key";

static const struct column columns[] = {
    {"label", "label", CELL_PLAIN},
    {"file", "file", CELL_PLAIN},
    {"key id", "keyid", CELL_PLAIN},
    {"public key", "public", CELL_PLAIN},
};

static json_t *describe(const char *label, const char *file,
                        const struct signing_key *key)
{
    char text[2 * ED25519_PUBLIC_BYTES + 1];
    hex_encode(key->public_key, sizeof key->public_key, text);
    return json_pack("{s:s, s:s, s:s, s:s}", "label", label, "file", file, "keyid",
                     key->keyid, "public", text);
}

/* ---- new ---- */

/* "anna" of "/media/stick/anna.key". */
static enum status label_of_file(const char *file, char ret_label[static KEY_LABEL_BYTES],
                                 struct err *err)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    size_t len = strlen(name);
    if (len >= sizeof SUFFIX && strcmp(name + len - (sizeof SUFFIX - 1), SUFFIX) == 0) {
        len -= sizeof SUFFIX - 1;
    }
    if (len == 0 || len >= KEY_LABEL_BYTES) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "a key is named by 1 to %d of a-z, 0-9 and '-', not '%.60s'",
                       KEY_LABEL_BYTES - 1, name);
    }
    memcpy(ret_label, name, len);
    ret_label[len] = '\0';
    return OK;
}

/* Where a new key goes: a file as it is named, or the repository's keys/. */
static enum status choose_file(const struct publisher *publisher, const char *name,
                               struct buf *ret_path, struct err *err)
{
    if (key_is_file(name)) {
        buf_addstr(ret_path, name);
        return buf_status(ret_path, err);
    }
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    enum status status = publisher_open(publisher, &repository, err);
    return status == OK
               ? folder_path(ret_path, repository.folder, err, "keys/%s%s", name, SUFFIX)
               : status;
}

static enum status make(struct publisher *publisher, const char *name,
                        json_t **ret_answer, struct err *err)
{
    struct key_cost cost = KEY_COST_MODERATE;
    SIGNING_KEY_AUTO key = {0};
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    char label[KEY_LABEL_BYTES];
    enum status status = label_of_file(name, label, err);
    if (status == OK) {
        status = choose_file(publisher, name, &path, err);
    }
    if (status == OK && file_exists(path.data)) {
        status = err_set(err, ERR_EXISTS, "'%s' is there already", path.data);
    }
    if (status == OK) {
        status = publisher_passphrase(publisher, true, err);
    }
    if (status == OK) {
        status = signing_key_generate(&key, err);
    }
    if (status == OK) {
        status = keyfile_create(path.data, label, &key, publisher->passphrase.text, &cost,
                                err);
    }
    if (status == OK) {
        *ret_answer = describe(label, path.data, &key);
    }
    return status;
}

int cmd_key_new(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct output output = {0};
    const struct option_row options[] = {PUBLISHER_REPO_OPTION(publisher),
                                         PUBLISHER_PASSPHRASE_OPTION(publisher),
                                         OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster key new LABEL|FILE [options]",
        .about =
            "Makes an Ed25519 key, sealed with a passphrase: LABEL into the "
            "repository's\n"
            "keys/, or a FILE of its own (its name ends in .key or has a '/'). It signs\n"
            "nothing until a role names it: 'muster repo signer add'.",
        .examples = "  muster key new anna.key && muster key export anna.key --public "
                    "anna.pub\n",
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
    JSON_AUTO *answer = NULL;
    struct err err = {0};
    if (make(&publisher, operands.items[0], &answer, &err) != OK) {
        return cli_fail(&err);
    }
    return output_object(&output, answer, columns, sizeof columns / sizeof columns[0]);
}

/* ---- rotate ---- */

static bool signs_for(const struct draft *draft, const char *keyid, const char *role)
{
    JSON_AUTO *roles = signers_roles(draft, keyid);
    for (size_t i = 0; i < json_array_size(roles); i++) {
        if (!role || strcmp(json_string_value(json_array_get(roles, i)), role) == 0) {
            return true;
        }
    }
    return false;
}

/* The key with that label if it signs for something, else the only one at hand that signs
 * for the role of that name. */
static enum status find_old(const struct draft *draft, const struct keychain *keychain,
                            const char *name, struct keychain_key **ret_key,
                            struct err *err)
{
    struct keychain_key *found = keychain_label(keychain, name);
    if (found && signs_for(draft, found->info.keyid, NULL)) {
        *ret_key = found;
        return OK;
    }
    size_t count = 0;
    for (size_t i = 0; i < keychain->count; i++) {
        if (signs_for(draft, keychain->keys[i]->info.keyid, name)) {
            found = keychain->keys[i];
            count++;
        }
    }
    if (count == 0) {
        return err_set(
            err, ERR_KEY_MISSING,
            "no key file at hand is '%.60s' or signs for that role: 'muster key "
            "list' shows them; for a lost key use 'muster repo signer add' and "
            "'remove'",
            name);
    }
    if (count > 1) {
        return err_set(
            err, ERR_CONFLICT,
            "%zu keys at hand sign for '%.60s': name one of them by its label, "
            "as 'muster key list' shows it",
            count, name);
    }
    *ret_key = found;
    return OK;
}

/* "targets" of "targets" and of "targets-2". */
static int stem_of(const char *label)
{
    size_t end = strlen(label);
    size_t at = end;
    while (at > 0 && isdigit((unsigned char)label[at - 1])) {
        at--;
    }
    return (int)(at < end && at > 1 && label[at - 1] == '-' ? at - 1 : end);
}

/* "targets" and "targets-2" become "targets-2" and "targets-3", beside the old file. */
static enum status next_file(const struct keychain_key *old, char *ret_label,
                             struct buf *ret_path, struct err *err)
{
    const char *slash = strrchr(old->path, '/');
    int folder = slash ? (int)(slash - old->path + 1) : 0;
    int stem = stem_of(old->info.label);
    for (int number = 2; number < NUMBER_MAX; number++) {
        int len = snprintf(ret_label, KEY_LABEL_BYTES, "%.*s-%d", stem, old->info.label,
                           number);
        if (len >= KEY_LABEL_BYTES) {
            break;
        }
        buf_reset(ret_path);
        buf_addf(ret_path, "%.*s%s%s", folder, old->path, ret_label, SUFFIX);
        if (buf_status(ret_path, err) == OK && !file_exists(ret_path->data)) {
            return OK;
        }
    }
    return err_set(err, ERR_EXISTS, "no free label behind '%s'", old->info.label);
}

/* The new key in its file, sealed by the passphrase that opens the old one. */
static enum status make_next(struct publisher *publisher, struct keychain_key *old,
                             struct buf *ret_path, json_t **ret_answer,
                             json_t **ret_object, struct err *err)
{
    struct key_cost cost = KEY_COST_MODERATE;
    SIGNING_KEY_AUTO key = {0};
    char label[KEY_LABEL_BYTES];
    enum status status = publisher_passphrase(publisher, false, err);
    if (status == OK) {
        status = keychain_open(old, publisher->passphrase.text, err);
    }
    if (status == OK) {
        status = next_file(old, label, ret_path, err);
    }
    if (status == OK) {
        status = signing_key_generate(&key, err);
    }
    if (status == OK) {
        status = keyfile_create(ret_path->data, label, &key, publisher->passphrase.text,
                                &cost, err);
    }
    if (status == OK) {
        *ret_answer = describe(label, ret_path->data, &key);
        *ret_object = key_object_new(key.public_key);
    }
    return status;
}

static enum status rotate(struct publisher *publisher, const char *name,
                          json_t **ret_answer, struct err *err)
{
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    DRAFT_AUTO draft = {0};
    KEYCHAIN_AUTO keychain = {0};
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    JSON_AUTO *object = NULL;
    struct keychain_key *old = NULL;
    json_t *roles = NULL;
    enum status status = publisher_open(publisher, &repository, err);
    if (status == OK) {
        status = publisher_draft(publisher, &repository, &draft, err);
    }
    if (status == OK) {
        status = publisher_keychain(publisher, &repository, &keychain, err);
    }
    if (status == OK) {
        status = find_old(&draft, &keychain, name, &old, err);
    }
    if (status == OK) {
        status = make_next(publisher, old, &path, ret_answer, &object, err);
    }
    if (status == OK) {
        status = signers_replace(&draft, old->info.keyid, object, &roles, err);
    }
    if (status != OK) {
        return status;
    }
    (void)json_object_set_new(*ret_answer, "roles", roles);
    if (publisher->keys.count < OPTION_LIST_MAX) {
        publisher->keys.items[publisher->keys.count++] = path.data;
    }
    status = publisher_finish(publisher, &draft, NULL, err);
    publisher->keys.count = 0;
    return status;
}

int cmd_key_rotate(int argc, char **argv)
{
    PUBLISHER_AUTO publisher = PUBLISHER_INIT;
    struct output output = {0};
    const struct option_row options[] = {
        PUBLISHER_REPO_OPTION(publisher), PUBLISHER_SIGN_OPTIONS(publisher),
        PUBLISHER_DAYS_OPTION(publisher), OUTPUT_OPTIONS(output)};
    const struct usage usage = {
        .synopsis = "muster key rotate LABEL|ROLE [options]",
        .about = "Makes a key, sealed with the same passphrase, and puts it in the place "
                 "of an\n"
                 "old one in every role that names it: a next root, signed by old and "
                 "new keys,\n"
                 "and what the old key had signed, signed again. Push after; then the "
                 "old file\n"
                 "may go.",
        .examples = "  muster key rotate targets --repo models\n",
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
    JSON_AUTO *answer = NULL;
    struct err err = {0};
    if (rotate(&publisher, operands.items[0], &answer, &err) != OK) {
        return cli_fail(&err);
    }
    return output_object(&output, answer, columns, sizeof columns / sizeof columns[0]);
}
