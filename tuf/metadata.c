/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "tuf/authority.h"
#include "tuf/delegation.h"
#include "tuf/envelope.h"
#include "tuf/json.h"

static const char *const ROLE_NAMES[TUF_ROLE_COUNT] = {
    [TUF_ROLE_ROOT] = "root",
    [TUF_ROLE_TIMESTAMP] = "timestamp",
    [TUF_ROLE_SNAPSHOT] = "snapshot",
    [TUF_ROLE_TARGETS] = "targets",
};

static const char SNAPSHOT_FILE[] = "snapshot.json";

const char *tuf_role_name(enum tuf_role role)
{
    return ROLE_NAMES[role];
}

static enum status read_meta(const char *name, const json_t *object,
                             struct tuf_meta *ret_meta, struct err *err)
{
    struct tuf_meta meta = {.name = name, .length = -1};
    enum status status =
        json_is_object(object)
            ? tuf_json_integer(object, "version", 1, &meta.version, err)
            : err_set(err, ERR_TUF_FORMAT, "an object expected, %s found",
                      tuf_json_kind(object));
    if (status == OK && json_object_get(object, "length")) {
        status = tuf_json_integer(object, "length", 1, &meta.length, err);
    }
    const json_t *hashes = json_object_get(object, "hashes");
    if (status == OK && hashes) {
        status = envelope_read_hashes(hashes, &meta.hashes, err);
    }
    if (status != OK) {
        err_prefix(err, "meta '%.60s'", name);
        return status;
    }
    *ret_meta = meta;
    return OK;
}

/* ---- root ---- */

static enum status read_role(const json_t *roles, enum tuf_role role,
                             struct tuf_authority *ret_authority, struct err *err)
{
    const json_t *object = NULL;
    enum status status = tuf_json_object(roles, tuf_role_name(role), &object, err);
    if (status == OK) {
        status = authority_read(object, ret_authority, err);
    }
    if (status != OK) {
        err_prefix(err, "role '%s'", ROLE_NAMES[role]);
    }
    return status;
}

static enum status read_root(struct tuf_root *root, struct err *err)
{
    const json_t *body = root->envelope.body;
    const json_t *consistent = json_object_get(body, "consistent_snapshot");
    if (consistent && !json_is_boolean(consistent)) {
        return err_set(err, ERR_TUF_FORMAT,
                       "'consistent_snapshot': true or false expected, %s found",
                       tuf_json_kind(consistent));
    }
    root->consistent_snapshot = json_is_true(consistent);
    enum status status = keyring_read(body, &root->keyring, err);
    const json_t *roles = NULL;
    if (status == OK) {
        status = tuf_json_object(body, "roles", &roles, err);
    }
    for (int role = 0; status == OK && role < TUF_ROLE_COUNT; role++) {
        status = read_role(roles, (enum tuf_role)role, &root->roles[role], err);
    }
    return status;
}

static void free_root(struct tuf_root **root)
{
    tuf_root_free(*root);
}

enum status tuf_root_parse(const void *data, size_t len, size_t max_bytes,
                           struct tuf_root **ret_root, struct err *err)
{
    __attribute__((cleanup(free_root))) struct tuf_root *root = calloc(1, sizeof *root);
    if (!root) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a root");
    }
    enum status status =
        envelope_parse(data, len, max_bytes, TUF_ROLE_ROOT, &root->envelope, err);
    if (status != OK) {
        return status;
    }
    status = read_root(root, err);
    if (status != OK) {
        err_prefix(err, "root");
        return status;
    }
    *ret_root = root;
    root = NULL;
    return OK;
}

void tuf_root_free(struct tuf_root *root)
{
    if (root) {
        envelope_release(&root->envelope);
        keyring_release(&root->keyring);
        free(root);
    }
}

/* ---- timestamp ---- */

static void free_timestamp(struct tuf_timestamp **timestamp)
{
    tuf_timestamp_free(*timestamp);
}

enum status tuf_timestamp_parse(const void *data, size_t len, size_t max_bytes,
                                struct tuf_timestamp **ret_timestamp, struct err *err)
{
    __attribute__((cleanup(free_timestamp))) struct tuf_timestamp *timestamp =
        calloc(1, sizeof *timestamp);
    if (!timestamp) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a timestamp");
    }
    enum status status = envelope_parse(data, len, max_bytes, TUF_ROLE_TIMESTAMP,
                                        &timestamp->envelope, err);
    if (status != OK) {
        return status;
    }
    const json_t *metas = NULL;
    status = tuf_json_object(timestamp->envelope.body, "meta", &metas, err);
    if (status == OK) {
        status = read_meta(SNAPSHOT_FILE, json_object_get(metas, SNAPSHOT_FILE),
                           &timestamp->snapshot, err);
    }
    if (status != OK) {
        err_prefix(err, "timestamp");
        return status;
    }
    *ret_timestamp = timestamp;
    timestamp = NULL;
    return OK;
}

void tuf_timestamp_free(struct tuf_timestamp *timestamp)
{
    if (timestamp) {
        envelope_release(&timestamp->envelope);
        free(timestamp);
    }
}

/* ---- snapshot ---- */

static int compare_metas(const void *a, const void *b)
{
    return strcmp(((const struct tuf_meta *)a)->name, ((const struct tuf_meta *)b)->name);
}

static enum status read_snapshot(struct tuf_snapshot *snapshot, struct err *err)
{
    const json_t *metas = NULL;
    enum status status = tuf_json_object(snapshot->envelope.body, "meta", &metas, err);
    if (status != OK) {
        return status;
    }
    size_t count = json_object_size(metas);
    if (count > TUF_METAS_MAX) {
        return envelope_too_many("listed files", TUF_METAS_MAX, count, err);
    }
    snapshot->metas = calloc(count + 1, sizeof *snapshot->metas);
    if (!snapshot->metas) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a snapshot");
    }
    const char *name = NULL;
    json_t *object = NULL;
    json_object_foreach((json_t *)metas, name, object)
    {
        status = read_meta(name, object, &snapshot->metas[snapshot->count++], err);
        if (status != OK) {
            return status;
        }
    }
    qsort(snapshot->metas, snapshot->count, sizeof *snapshot->metas, compare_metas);
    return OK;
}

static void free_snapshot(struct tuf_snapshot **snapshot)
{
    tuf_snapshot_free(*snapshot);
}

enum status tuf_snapshot_parse(const void *data, size_t len, size_t max_bytes,
                               struct tuf_snapshot **ret_snapshot, struct err *err)
{
    __attribute__((cleanup(free_snapshot))) struct tuf_snapshot *snapshot =
        calloc(1, sizeof *snapshot);
    if (!snapshot) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a snapshot");
    }
    enum status status =
        envelope_parse(data, len, max_bytes, TUF_ROLE_SNAPSHOT, &snapshot->envelope, err);
    if (status != OK) {
        return status;
    }
    status = read_snapshot(snapshot, err);
    if (status != OK) {
        err_prefix(err, "snapshot");
        return status;
    }
    *ret_snapshot = snapshot;
    snapshot = NULL;
    return OK;
}

void tuf_snapshot_free(struct tuf_snapshot *snapshot)
{
    if (snapshot) {
        envelope_release(&snapshot->envelope);
        free(snapshot->metas);
        free(snapshot);
    }
}

const struct tuf_meta *tuf_snapshot_meta(const struct tuf_snapshot *snapshot,
                                         const char *name)
{
    struct tuf_meta wanted = {.name = name};
    return bsearch(&wanted, snapshot->metas, snapshot->count, sizeof wanted,
                   compare_metas);
}

/* ---- targets ---- */

static int compare_targets(const void *a, const void *b)
{
    return strcmp(((const struct tuf_target *)a)->path,
                  ((const struct tuf_target *)b)->path);
}

static enum status read_target(const char *path, const json_t *object,
                               struct tuf_target *ret_target, struct err *err)
{
    struct tuf_target target = {.path = path};
    if (path[0] == '\0' || strlen(path) >= TUF_PATH_MAX) {
        return err_set(err, ERR_TUF_TOO_LARGE,
                       "a path of 1 to %d bytes expected, %zu found", TUF_PATH_MAX - 1,
                       strlen(path));
    }
    enum status status =
        json_is_object(object)
            ? tuf_json_integer(object, "length", 0, &target.length, err)
            : err_set(err, ERR_TUF_FORMAT, "an object expected, %s found",
                      tuf_json_kind(object));
    if (status == OK) {
        status =
            envelope_read_hashes(json_object_get(object, "hashes"), &target.hashes, err);
    }
    if (status == OK && json_object_get(object, "custom")) {
        status = tuf_json_object(object, "custom", &target.custom, err);
    }
    if (status != OK) {
        err_prefix(err, "target '%.60s'", path);
        return status;
    }
    *ret_target = target;
    return OK;
}

static enum status read_targets(struct tuf_targets *targets, struct err *err)
{
    const json_t *entries = NULL;
    enum status status =
        tuf_json_object(targets->envelope.body, "targets", &entries, err);
    if (status != OK) {
        return status;
    }
    size_t count = json_object_size(entries);
    if (count > TUF_TARGETS_MAX) {
        return envelope_too_many("targets", TUF_TARGETS_MAX, count, err);
    }
    targets->targets = calloc(count + 1, sizeof *targets->targets);
    if (!targets->targets) {
        return err_set(err, ERR_NO_MEMORY, "no memory for targets");
    }
    const char *path = NULL;
    json_t *object = NULL;
    json_object_foreach((json_t *)entries, path, object)
    {
        status = read_target(path, object, &targets->targets[targets->count++], err);
        if (status != OK) {
            return status;
        }
    }
    qsort(targets->targets, targets->count, sizeof *targets->targets, compare_targets);
    const json_t *delegations = json_object_get(targets->envelope.body, "delegations");
    return delegations ? delegations_read(delegations, &targets->delegations, err) : OK;
}

static void free_targets(struct tuf_targets **targets)
{
    tuf_targets_free(*targets);
}

enum status tuf_targets_parse(const void *data, size_t len, size_t max_bytes,
                              struct tuf_targets **ret_targets, struct err *err)
{
    __attribute__((cleanup(free_targets))) struct tuf_targets *targets =
        calloc(1, sizeof *targets);
    if (!targets) {
        return err_set(err, ERR_NO_MEMORY, "no memory for targets");
    }
    enum status status =
        envelope_parse(data, len, max_bytes, TUF_ROLE_TARGETS, &targets->envelope, err);
    if (status != OK) {
        return status;
    }
    status = read_targets(targets, err);
    if (status != OK) {
        err_prefix(err, "targets");
        return status;
    }
    *ret_targets = targets;
    targets = NULL;
    return OK;
}

void tuf_targets_free(struct tuf_targets *targets)
{
    if (targets) {
        envelope_release(&targets->envelope);
        delegations_free(targets->delegations);
        free(targets->targets);
        free(targets);
    }
}

const struct tuf_target *tuf_targets_find(const struct tuf_targets *targets,
                                          const char *path)
{
    struct tuf_target wanted = {.path = path};
    return bsearch(&wanted, targets->targets, targets->count, sizeof wanted,
                   compare_targets);
}
