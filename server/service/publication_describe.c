/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/publication_describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/service/publication_files.h"
#include "tuf/target.h"

/* ---- how artifacts can be had ---- */

/* Whether a path lies below "<model>/". */
static bool is_of(const char *path, const char *model)
{
    size_t len = strlen(model);
    return strncmp(path, model, len) == 0 && path[len] == '/';
}

static size_t count_of(const struct tuf_targets *targets, const char *model)
{
    size_t count = 0;
    for (size_t i = 0; i < targets->count; i++) {
        count += is_of(targets->targets[i].path, model);
    }
    return count;
}

static bool add_target(struct model_description *description,
                       const struct model_target *target, struct arena *arena)
{
    const char *path = arena_strdup(arena, target->file->path);
    if (target->kind == TARGET_ARTIFACT) {
        struct model_format *format = &description->formats[description->format_count++];
        format->path = path;
        format->format = arena_strdup(arena, target->format);
        return path && format->format;
    }
    if (target->file->length < target->result_length) {
        struct model_transport *transport =
            &description->transports[description->transport_count++];
        transport->path = path;
        transport->length = target->file->length;
        transport->is_delta = target->codec == TARGET_CODEC_DELTA;
        transport->has_base = target->has_base;
        memcpy(transport->base_sha256, target->base_sha256, 32);
        memcpy(transport->result_sha256, target->result_sha256, 32);
    }
    return path != NULL;
}

static int by_result(const void *a, const void *b)
{
    const struct model_transport *x = a;
    const struct model_transport *y = b;
    int order = memcmp(x->result_sha256, y->result_sha256, sizeof x->result_sha256);
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

/* Targets are sorted by path, so formats are. */
static bool describe_targets(const struct tuf_targets *targets, const char *model,
                             struct arena *arena, struct model_description *description)
{
    size_t count = count_of(targets, model);
    description->transports =
        arena_array(arena, count + 1, sizeof *description->transports);
    description->formats = arena_array(arena, count + 1, sizeof *description->formats);
    bool memory = description->transports && description->formats;
    for (size_t i = 0; memory && i < targets->count; i++) {
        bool ours = false;
        struct model_target target;
        if (is_of(targets->targets[i].path, model) &&
            model_target_parse(&targets->targets[i], &ours, &target, NULL) == OK &&
            ours) {
            memory = add_target(description, &target, arena);
        }
    }
    if (memory) {
        qsort(description->transports, description->transport_count,
              sizeof *description->transports, by_result);
    }
    return memory;
}

/* ---- who signed ---- */

/* A role, and who may sign for it. */
struct signer {
    const char *name;
    bool delegated;
    const struct tuf_envelope *envelope;
    const struct tuf_authority *authority;
    const struct tuf_keyring *keyring;
};

static const struct verify_key *key_of(const struct tuf_keyring *keyring,
                                       const char *keyid)
{
    for (size_t i = 0; i < keyring->count; i++) {
        if (strcmp(keyring->keys[i].keyid, keyid) == 0) {
            return &keyring->keys[i].key;
        }
    }
    return NULL;
}

static bool has_signed(const struct tuf_envelope *envelope, const char *keyid,
                       const struct verify_key *key)
{
    size_t i;
    const json_t *signature;
    json_array_foreach((json_t *)envelope->signatures, i, signature)
    {
        const char *id = json_string_value(json_object_get(signature, "keyid"));
        const char *sig = json_string_value(json_object_get(signature, "sig"));
        if (id && sig && strcmp(id, keyid) == 0) {
            return verify_key_verify(key, sig, envelope->canonical.data,
                                     envelope->canonical.len);
        }
    }
    return false;
}

static bool add_keys(const struct signer *signer, struct arena *arena,
                     struct model_role *role)
{
    const json_t *keyids = signer->authority->keyids;
    size_t i;
    const json_t *item;
    role->keys = arena_array(arena, json_array_size(keyids) + 1, sizeof *role->keys);
    bool memory = role->keys != NULL;
    json_array_foreach((json_t *)keyids, i, item)
    {
        const char *keyid = json_string_value(item);
        const struct verify_key *key = key_of(signer->keyring, keyid);
        if (!memory) {
            break;
        }
        struct model_key *added = &role->keys[role->key_count++];
        added->keyid = arena_strdup(arena, keyid);
        added->kind = key ? key->kind : KEY_UNKNOWN;
        added->signed_by = key && has_signed(signer->envelope, keyid, key);
        memory = added->keyid != NULL;
    }
    return memory;
}

static bool add_role(const struct signer *signer, struct arena *arena,
                     struct model_description *description)
{
    struct model_role *role = &description->roles[description->role_count++];
    role->role = (struct publication_role){.version = signer->envelope->version,
                                           .expires_ms = signer->envelope->expires_ms,
                                           .delegated = signer->delegated};
    (void)snprintf(role->role.name, sizeof role->role.name, "%s", signer->name);
    role->threshold = signer->authority->threshold;
    return add_keys(signer, arena, role);
}

static bool add_delegated(const struct trusted_role *trusted, struct arena *arena,
                          struct model_description *description)
{
    const struct tuf_delegations *all = trusted->delegator->delegations;
    struct tuf_delegate delegate;
    if (!all || !delegations_find(all, trusted->name, &delegate)) {
        return true;
    }
    return add_role(&(struct signer){.name = trusted->name,
                                     .delegated = true,
                                     .envelope = &trusted->targets->envelope,
                                     .authority = &delegate.authority,
                                     .keyring = &all->keyring},
                    arena, description);
}

static int compare_paths(const void *path, const void *target)
{
    return strcmp(path, ((const struct tuf_target *)target)->path);
}

/* Whether clients find a file of the model in the role: what it lists outside its
 * patterns is not in the listing, whose texts are those of the roles. */
static bool decides(const struct tuf_targets *role, const char *model,
                    const struct tuf_targets *listing)
{
    bool found = false;
    for (size_t i = 0; !found && i < role->count && listing->count > 0; i++) {
        const char *path = role->targets[i].path;
        const struct tuf_target *listed =
            is_of(path, model) ? bsearch(path, listing->targets, listing->count,
                                         sizeof *listing->targets, compare_paths)
                               : NULL;
        found = listed && listed->path == path;
    }
    return found;
}

static bool describe_roles(const struct live *live, const char *model,
                           struct arena *arena, struct model_description *description)
{
    const struct trusted_set *set = &live->set;
    const struct tuf_envelope *const four[TUF_ROLE_COUNT] = {
        [TUF_ROLE_ROOT] = &set->root->envelope,
        [TUF_ROLE_TIMESTAMP] = &set->timestamp->envelope,
        [TUF_ROLE_SNAPSHOT] = &set->snapshot->envelope,
        [TUF_ROLE_TARGETS] = &set->targets->envelope,
    };
    description->roles = arena_array(arena, TUF_ROLE_COUNT + set->delegated_count,
                                     sizeof *description->roles);
    bool memory = description->roles != NULL;
    for (int i = 0; memory && i < TUF_ROLE_COUNT; i++) {
        memory = add_role(&(struct signer){.name = tuf_role_name((enum tuf_role)i),
                                           .envelope = four[i],
                                           .authority = &set->root->roles[i],
                                           .keyring = &set->root->keyring},
                          arena, description);
    }
    for (size_t i = 0; memory && i < set->delegated_count; i++) {
        if (decides(set->delegated[i].targets, model, &live->listing)) {
            memory = add_delegated(&set->delegated[i], arena, description);
        }
    }
    return memory;
}

enum status publication_describe(struct publication *publication, const char *model,
                                 struct arena *arena,
                                 struct model_description *ret_description,
                                 struct err *err)
{
    struct model_description description = {0};
    bool memory = true;
    (void)pthread_rwlock_rdlock(&publication->lock);
    const struct live *live = publication->live;
    if (live) {
        memory = describe_targets(&live->listing, model, arena, &description) &&
                 describe_roles(live, model, arena, &description);
    }
    (void)pthread_rwlock_unlock(&publication->lock);
    if (!memory) {
        return err_set(err, ERR_NO_MEMORY, "no memory for what is published");
    }
    *ret_description = description;
    return OK;
}

const struct model_transport *
model_transports_of(const struct model_description *description,
                    const uint8_t sha256[static 32])
{
    size_t low = 0;
    size_t high = description->transport_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(description->transports[middle].result_sha256, sha256, 32) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < description->transport_count &&
                   memcmp(description->transports[low].result_sha256, sha256, 32) == 0
               ? &description->transports[low]
               : NULL;
}

static int by_path(const void *path, const void *format)
{
    return strcmp(path, ((const struct model_format *)format)->path);
}

const char *model_format_of(const struct model_description *description, const char *path)
{
    const struct model_format *found =
        description->format_count > 0
            ? bsearch(path, description->formats, description->format_count,
                      sizeof *description->formats, by_path)
            : NULL;
    return found ? found->format : "";
}
