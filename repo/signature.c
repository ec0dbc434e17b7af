/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/signature.h"

#include <string.h>

#include "base/hex.h"
#include "repo/external.h"
#include "tuf/json.h"

enum { KEYID_SHOWN = 16, SIGNATURE_TEXT_BYTES = 2 * EXTERNAL_SIGNATURE_MAX + 1 };

/* ---- what is needed ---- */

static bool lists(const json_t *keyids, const char *keyid)
{
    for (size_t i = 0; i < json_array_size(keyids); i++) {
        if (strcmp(json_string_value(json_array_get(keyids, i)), keyid) == 0) {
            return true;
        }
    }
    return false;
}

static int count_valid(const struct draft_file *file, const struct draft_demand *demand)
{
    int count = 0;
    (void)!tuf_envelope_verify(draft_envelope(file), demand->keyring, demand->authority,
                               &count, NULL);
    return count;
}

static bool has_signature(const struct draft_file *file, const char *keyid)
{
    for (size_t i = 0; i < json_array_size(file->signatures); i++) {
        const json_t *entry = json_array_get(file->signatures, i);
        if (strcmp(json_string_value(json_object_get(entry, "keyid")), keyid) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a signature of that key brings the file nearer to a threshold. */
static bool helps(const struct draft *draft, const struct draft_file *file,
                  const char *keyid)
{
    struct draft_demands demands = draft_demands(draft, file->role);
    for (size_t i = 0; !has_signature(file, keyid) && i < demands.count; i++) {
        const struct draft_demand *demand = &demands.items[i];
        if (lists(demand->authority->keyids, keyid) &&
            count_valid(file, demand) < demand->authority->threshold) {
            return true;
        }
    }
    return false;
}

bool signature_wanted(const struct draft *draft, const struct keychain *keychain)
{
    for (size_t i = 0; i < keychain->count; i++) {
        const char *keyid = keychain->keys[i]->info.keyid;
        for (size_t k = 0; k < draft->count; k++) {
            if (helps(draft, draft->files[k], keyid)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- rounds: everything, then the snapshot that became possible ---- */

typedef enum status (*sign_file)(struct draft *draft, struct draft_file *file,
                                 void *context, int *added, struct err *err);

static enum status sign_round(struct draft *draft, sign_file sign, void *context,
                              int *added, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; status == OK && i < draft->count; i++) {
        status = sign(draft, draft->files[i], context, added, err);
    }
    return status;
}

static enum status sign_all(struct draft *draft, sign_file sign, void *context,
                            int *added, struct err *err)
{
    bool lacked = draft_lacks_snapshot(draft);
    enum status status = sign_round(draft, sign, context, added, err);
    if (status == OK) {
        status = draft_settle(draft, err);
    }
    if (status == OK && lacked && !draft_lacks_snapshot(draft)) {
        status = sign_round(draft, sign, context, added, err);
    }
    return status;
}

/* ---- by keys ---- */

struct by_keys {
    struct keychain *keychain;
    const char *passphrase;
    struct err refusal; /* of the first key that did not open */
};

static enum status sign_by_keys(struct draft *draft, struct draft_file *file,
                                void *context, int *added, struct err *err)
{
    struct by_keys *by = context;
    for (size_t i = 0; i < by->keychain->count; i++) {
        struct keychain_key *key = by->keychain->keys[i];
        char text[ED25519_SIGNATURE_HEX_BYTES];
        if (key->refused || !helps(draft, file, key->info.keyid)) {
            continue;
        }
        enum status status = keychain_open(key, by->passphrase, &by->refusal);
        if (status == ERR_KEY_PASSPHRASE) {
            continue;
        }
        if (status != OK) {
            return err_set(err, status, "%s", by->refusal.detail);
        }
        const struct buf *canonical = &draft_envelope(file)->canonical;
        signing_key_sign(&key->key, canonical->data, canonical->len, text);
        status = draft_add_signature(file, key->key.keyid, text, err);
        if (status != OK) {
            return status;
        }
        ++*added;
    }
    return OK;
}

enum status signature_by_keys(struct draft *draft, struct keychain *keychain,
                              const char *passphrase, int *ret_added, struct err *err)
{
    struct by_keys by = {.keychain = keychain, .passphrase = passphrase};
    int added = 0;
    enum status status = sign_all(draft, sign_by_keys, &by, &added, err);
    if (status == OK && added == 0 && by.refusal.status != OK) {
        status = err_set(err, by.refusal.status, "%s", by.refusal.detail);
    }
    if (status == OK) {
        *ret_added = added;
    }
    return status;
}

/* ---- by a program ---- */

/* The key that may sign and whose signature this is, or NULL. */
static const char *find_signer(const struct draft *draft, const struct draft_file *file,
                               const char *signature)
{
    struct draft_demands demands = draft_demands(draft, file->role);
    const struct buf *canonical = &draft_envelope(file)->canonical;
    for (size_t i = 0; i < demands.count; i++) {
        const struct tuf_keyring *keyring = demands.items[i].keyring;
        for (size_t k = 0; k < keyring->count; k++) {
            if (lists(demands.items[i].authority->keyids, keyring->keys[k].keyid) &&
                verify_key_verify(&keyring->keys[k].key, signature, canonical->data,
                                  canonical->len)) {
                return keyring->keys[k].keyid;
            }
        }
    }
    return NULL;
}

struct by_program {
    const char *command;
    char stranger[TUF_ROLE_NAME_MAX]; /* a role whose keys did not verify the answer */
};

static enum status sign_by_program(struct draft *draft, struct draft_file *file,
                                   void *context, int *added, struct err *err)
{
    struct by_program *by = context;
    char text[SIGNATURE_TEXT_BYTES];
    if (draft_file_complete(draft, file)) {
        return OK;
    }
    enum status status =
        external_sign(by->command, &draft_envelope(file)->canonical, text, err);
    if (status != OK) {
        return status;
    }
    const char *keyid = find_signer(draft, file, text);
    if (!keyid) {
        memcpy(by->stranger, file->role, sizeof by->stranger);
        return OK;
    }
    if (has_signature(file, keyid)) {
        return OK;
    }
    ++*added;
    return draft_add_signature(file, keyid, text, err);
}

enum status signature_by_program(struct draft *draft, const char *command, int *ret_added,
                                 struct err *err)
{
    struct by_program by = {.command = command};
    int added = 0;
    enum status status = sign_all(draft, sign_by_program, &by, &added, err);
    if (status == OK && added == 0 && by.stranger[0]) {
        return err_set(err, ERR_TUF_SIGNATURE,
                       "what '%.80s' answered verifies with no key of the %.60s role: is "
                       "it the key that was added, and does it sign standard input?",
                       command, by.stranger);
    }
    if (status == OK) {
        *ret_added = added;
    }
    return status;
}

/* ---- from elsewhere ---- */

enum status signature_take(const struct draft *draft, struct draft_file *file,
                           const struct buf *envelope, int *ret_added, struct err *err)
{
    JSON_AUTO *tree = NULL;
    const json_t *body = NULL;
    const json_t *signatures = NULL;
    int added = 0;
    enum status status =
        tuf_json_parse(envelope->data, envelope->len, file->bytes.max, &tree, err);
    if (status == OK) {
        status = tuf_json_object(tree, "signed", &body, err);
    }
    if (status == OK) {
        status = tuf_json_array(tree, "signatures", &signatures, err);
    }
    if (status != OK) {
        return status;
    }
    if (!json_equal(body, file->body)) {
        return err_set(err, ERR_CONFLICT,
                       "the %.60s that was signed is not the one that is staged here: "
                       "make the bundle again",
                       file->role);
    }
    for (size_t i = 0; status == OK && i < json_array_size(signatures); i++) {
        const json_t *entry = json_array_get(signatures, i);
        const char *text = json_string_value(json_object_get(entry, "sig"));
        const char *keyid = text ? find_signer(draft, file, text) : NULL;
        if (keyid && helps(draft, file, keyid)) {
            status = draft_add_signature(file, keyid, text, err);
            added++;
        }
    }
    if (status == OK) {
        *ret_added = added;
    }
    return status;
}

/* ---- who is missing ---- */

static void name_key(const struct keychain *keychain, const char *keyid,
                     struct buf *ret_text)
{
    const struct keychain_key *key = keychain_find(keychain, keyid);
    buf_addf(ret_text, "%.*s", KEYID_SHOWN, keyid);
    if (key) {
        buf_addf(ret_text, " (%s)", key->info.label);
    }
}

static void name_demand(const struct draft_file *file, const struct draft_demand *demand,
                        const struct keychain *keychain, struct buf *ret_text)
{
    int found = count_valid(file, demand);
    if (found >= demand->authority->threshold) {
        return;
    }
    buf_addf(
        ret_text,
        "the %s role needs %lld signature%s of the keys that %s names and has %d: ask",
        file->role, (long long)demand->authority->threshold,
        demand->authority->threshold == 1 ? "" : "s", demand->by, found);
    bool first = true;
    for (size_t i = 0; i < json_array_size(demand->authority->keyids); i++) {
        const char *keyid =
            json_string_value(json_array_get(demand->authority->keyids, i));
        if (!has_signature(file, keyid)) {
            buf_addstr(ret_text, first ? " one of " : ", ");
            name_key(keychain, keyid, ret_text);
            first = false;
        }
    }
    buf_addstr(ret_text, " to run 'muster repo sign'\n");
}

void signature_missing(const struct draft *draft, const struct keychain *keychain,
                       struct buf *ret_text)
{
    for (size_t i = 0; i < draft->count; i++) {
        const struct draft_file *file = draft->files[i];
        struct draft_demands demands = draft_demands(draft, file->role);
        for (size_t k = 0; k < demands.count; k++) {
            name_demand(file, &demands.items[k], keychain, ret_text);
        }
    }
    if (draft_lacks_snapshot(draft)) {
        buf_addstr(ret_text, "the snapshot follows when these are complete\n");
    }
}
