/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/delegation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "tuf/authority.h"
#include "tuf/envelope.h"
#include "tuf/json.h"
#include "tuf/path_pattern.h"

bool delegation_name_valid(const char *name)
{
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        if (strcmp(name, tuf_role_name((enum tuf_role)role)) == 0) {
            return false;
        }
    }
    return name[0] != '\0' && strlen(name) < TUF_ROLE_NAME_MAX;
}

static enum status check_texts(const char *member, const json_t *list, struct err *err)
{
    size_t count = json_array_size(list);
    if (count > TUF_PATTERNS_MAX) {
        return envelope_too_many(member, TUF_PATTERNS_MAX, count, err);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_string(item)) {
            return err_set(err, ERR_TUF_FORMAT, "'%s': texts expected, %s found", member,
                           tuf_json_kind(item));
        }
        if (json_string_length(item) >= TUF_PATH_MAX) {
            return envelope_too_many("bytes of a pattern", TUF_PATH_MAX - 1,
                                     json_string_length(item), err);
        }
    }
    return OK;
}

static enum status read_scope(const json_t *object, struct tuf_delegation *role,
                              struct err *err)
{
    bool has_paths = json_object_get(object, "paths") != NULL;
    bool has_prefixes = json_object_get(object, "path_hash_prefixes") != NULL;
    if (has_paths == has_prefixes) {
        return err_set(err, ERR_TUF_FORMAT,
                       "either 'paths' or 'path_hash_prefixes' expected, %s found",
                       has_paths ? "both" : "neither");
    }
    const char *member = has_paths ? "paths" : "path_hash_prefixes";
    const json_t **list = has_paths ? &role->paths : &role->prefixes;
    enum status status = tuf_json_array(object, member, list, err);
    return status == OK ? check_texts(member, *list, err) : status;
}

static enum status check_name(const struct tuf_delegations *all, const char *name,
                              struct err *err)
{
    if (!delegation_name_valid(name)) {
        return err_set(err, ERR_TUF_ROLE,
                       "a name of 1 to %d bytes expected that no top-level role has, "
                       "'%.60s' found",
                       TUF_ROLE_NAME_MAX - 1, name);
    }
    for (size_t i = 0; i + 1 < all->count; i++) {
        if (strcmp(all->roles[i].name, name) == 0) {
            return err_set(err, ERR_TUF_ROLE,
                           "each role once expected, '%.60s' found twice", name);
        }
    }
    return OK;
}

/* Reads the role that was counted last. */
static enum status read_role(struct tuf_delegations *all, const json_t *object,
                             struct err *err)
{
    struct tuf_delegation *role = &all->roles[all->count - 1];
    enum status status = tuf_json_text(object, "name", &role->name, err);
    if (status == OK) {
        status = check_name(all, role->name, err);
    }
    if (status == OK) {
        status = authority_read(object, &role->authority, err);
    }
    const json_t *terminating = json_object_get(object, "terminating");
    if (status == OK && terminating && !json_is_boolean(terminating)) {
        status = err_set(err, ERR_TUF_FORMAT,
                         "'terminating': true or false expected, %s found",
                         tuf_json_kind(terminating));
    }
    role->terminating = json_is_true(terminating);
    return status == OK ? read_scope(object, role, err) : status;
}

static enum status read_roles(const json_t *object, struct tuf_delegations *all,
                              struct err *err)
{
    const json_t *list = NULL;
    enum status status = tuf_json_array(object, "roles", &list, err);
    if (status != OK) {
        return status;
    }
    size_t count = json_array_size(list);
    if (count > TUF_DELEGATIONS_MAX) {
        return envelope_too_many("delegated roles", TUF_DELEGATIONS_MAX, count, err);
    }
    all->roles = calloc(count + 1, sizeof *all->roles);
    if (!all->roles) {
        return err_set(err, ERR_NO_MEMORY, "no memory for delegations");
    }
    for (size_t i = 0; status == OK && i < count; i++) {
        all->count++;
        status = read_role(all, json_array_get(list, i), err);
        if (status != OK) {
            err_prefix(err, "role %zu", i);
        }
    }
    return status;
}

static enum status read_succinct(const json_t *object, struct tuf_succinct *succinct,
                                 struct err *err)
{
    enum status status = authority_read(object, &succinct->authority, err);
    if (status == OK) {
        status = tuf_json_integer(object, "bit_length", 1, &succinct->bits, err);
    }
    if (status == OK) {
        status = tuf_json_text(object, "name_prefix", &succinct->prefix, err);
    }
    if (status != OK) {
        return status;
    }
    if (succinct->bits > TUF_SUCCINCT_BITS_MAX) {
        return envelope_too_many("bits", TUF_SUCCINCT_BITS_MAX, (size_t)succinct->bits,
                                 err);
    }
    /* "-" and up to eight digits follow. */
    if (strlen(succinct->prefix) + 10 > TUF_ROLE_NAME_MAX) {
        return envelope_too_many("bytes of 'name_prefix'", TUF_ROLE_NAME_MAX - 10,
                                 strlen(succinct->prefix), err);
    }
    return OK;
}

static enum status read_all(const json_t *object, struct tuf_delegations *all,
                            struct err *err)
{
    if (!json_is_object(object)) {
        return err_set(err, ERR_TUF_FORMAT, "an object expected, %s found",
                       tuf_json_kind(object));
    }
    enum status status = keyring_read(object, &all->keyring, err);
    const json_t *succinct = json_object_get(object, "succinct_roles");
    if (status != OK) {
        return status;
    }
    if (!succinct) {
        return read_roles(object, all, err);
    }
    if (json_object_get(object, "roles")) {
        return err_set(err, ERR_TUF_FORMAT,
                       "either 'roles' or 'succinct_roles' expected, both found");
    }
    status = tuf_json_object(object, "succinct_roles", &succinct, err);
    return status == OK ? read_succinct(succinct, &all->succinct, err) : status;
}

enum status delegations_read(const json_t *object, struct tuf_delegations **ret_all,
                             struct err *err)
{
    struct tuf_delegations *all = calloc(1, sizeof *all);
    if (!all) {
        return err_set(err, ERR_NO_MEMORY, "no memory for delegations");
    }
    enum status status = read_all(object, all, err);
    if (status != OK) {
        err_prefix(err, "delegations");
        delegations_free(all);
        return status;
    }
    *ret_all = all;
    return OK;
}

void delegations_free(struct tuf_delegations *all)
{
    if (all) {
        keyring_release(&all->keyring);
        free(all->roles);
        free(all);
    }
}

/* ---- which roles may list a path ---- */

/* A prefix in capitals matches nothing, as in the reference client. */
static bool may_list(const struct tuf_delegation *role, const char *path,
                     const char *digest_hex)
{
    for (size_t i = 0; i < json_array_size(role->paths); i++) {
        const char *pattern = json_string_value(json_array_get(role->paths, i));
        if (path_pattern_match(pattern, path)) {
            return true;
        }
    }
    for (size_t i = 0; i < json_array_size(role->prefixes); i++) {
        const char *prefix = json_string_value(json_array_get(role->prefixes, i));
        if (strncmp(digest_hex, prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

static void name_role(const struct tuf_delegation *role, struct tuf_delegate *ret_role)
{
    *ret_role = (struct tuf_delegate){.authority = role->authority,
                                      .terminating = role->terminating};
    (void)snprintf(ret_role->name, sizeof ret_role->name, "%s", role->name);
}

/* As many hex digits as the highest number has. */
static void name_succinct(const struct tuf_succinct *succinct, uint32_t number,
                          struct tuf_delegate *ret_role)
{
    *ret_role =
        (struct tuf_delegate){.authority = succinct->authority, .terminating = true};
    int digits = (int)((succinct->bits + 3) / 4);
    (void)snprintf(ret_role->name, sizeof ret_role->name, "%s-%0*" PRIx32,
                   succinct->prefix, digits, number);
}

static uint32_t first_bits(const uint8_t digest[static SHA256_BYTES], int64_t bits)
{
    uint32_t number = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
                      (uint32_t)digest[2] << 8 | digest[3];
    return number >> (32 - bits);
}

enum status delegations_next(const struct tuf_delegations *all, const char *path,
                             size_t *at, struct tuf_delegate *ret_role, bool *ret_found,
                             struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    char text[SHA256_HEX_BYTES];
    enum status status = sha256_of(path, strlen(path), digest, err);
    if (status != OK) {
        return status;
    }
    hex_encode(digest, sizeof digest, text);
    *ret_found = false;
    if (all->succinct.bits > 0 && *at == 0) {
        name_succinct(&all->succinct, first_bits(digest, all->succinct.bits), ret_role);
        *ret_found = true;
        ++*at;
    }
    while (!*ret_found && *at < all->count) {
        const struct tuf_delegation *role = &all->roles[(*at)++];
        if (may_list(role, path, text)) {
            name_role(role, ret_role);
            *ret_found = true;
        }
    }
    return OK;
}

/* The number of a succinct role's name, or false. */
static bool succinct_number(const struct tuf_succinct *succinct, const char *name,
                            uint32_t *ret_number)
{
    size_t prefix = strlen(succinct->prefix);
    if (strncmp(name, succinct->prefix, prefix) != 0 || name[prefix] != '-') {
        return false;
    }
    const char *digits = name + prefix + 1;
    size_t count = strlen(digits);
    if (count == 0 || count > 8 || strspn(digits, "0123456789abcdef") != count) {
        return false;
    }
    *ret_number = (uint32_t)strtoul(digits, NULL, 16);
    return succinct->bits == TUF_SUCCINCT_BITS_MAX || *ret_number >> succinct->bits == 0;
}

bool delegations_find(const struct tuf_delegations *all, const char *name,
                      struct tuf_delegate *ret_role)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->roles[i].name, name) == 0) {
            name_role(&all->roles[i], ret_role);
            return true;
        }
    }
    uint32_t number = 0;
    if (all->succinct.bits == 0 || !succinct_number(&all->succinct, name, &number)) {
        return false;
    }
    struct tuf_delegate role;
    name_succinct(&all->succinct, number, &role);
    bool same = strcmp(role.name, name) == 0;
    if (same) {
        *ret_role = role;
    }
    return same;
}
