/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/publication_files.h"
#include "server/service/publication_roles.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "server/service/keys.h"
#include "tuf/target.h"

/* A push on its way: `next` becomes the live state. */
struct push {
    struct publication *publication;
    const struct publication_order *order;
    int64_t now_ms;
    struct live *next; /* owned until it is live */
    struct buf targets;
    size_t new_roots;        /* of the order's last ones */
    bool online_key_dropped; /* by one of them: nodes forget timestamp and snapshot */
};

static void push_release(struct push *push)
{
    live_free(push->next);
    buf_release(&push->targets);
}

#define PUSH_AUTO __attribute__((cleanup(push_release))) struct push

static enum status root_version(const char *text, int64_t *ret_version, struct err *err)
{
    struct tuf_root *root = NULL;
    enum status status =
        tuf_root_parse(text, strlen(text), TUF_LIMITS_DEFAULT.root_bytes, &root, err);
    if (status == OK) {
        *ret_version = root->envelope.version;
        tuf_root_free(root);
    }
    return status;
}

/* A root that the server has already must be the same one. */
static enum status same_root(const struct push *push, const char *text, int64_t version,
                             struct err *err)
{
    BUF_AUTO stored = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
    enum status status = publication_read(push->publication, tuf_role_name(TUF_ROLE_ROOT),
                                          version, &stored, err);
    if (status == ERR_NOT_FOUND) {
        return OK; /* older than the first one that was pushed here */
    }
    if (status == OK &&
        (stored.len != strlen(text) || memcmp(stored.data, text, stored.len) != 0)) {
        return err_set(err, ERR_TUF_VERSION,
                       "root %" PRId64 " was published with other content", version);
    }
    return status;
}

static enum status trust_first_root(struct push *push, struct err *err)
{
    if (push->order->root_count == 0) {
        return err_set(err, ERR_TUF_NO_TRUST, "the first push must bring a root");
    }
    const char *first = push->order->roots[0];
    return trusted_set_init(&push->next->set, first, strlen(first), push->now_ms, err);
}

/* Takes the order's roots one after the other. */
static enum status trust_new_roots(struct push *push, struct err *err)
{
    const struct publication_order *order = push->order;
    struct trusted_set *set = &push->next->set;
    bool first_push = push->publication->live == NULL;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < order->root_count; i++) {
        int64_t version = 0;
        status = root_version(order->roots[i], &version, err);
        if (status == OK && first_push && i == 0) {
            push->new_roots++;
        } else if (status == OK && version <= set->root->envelope.version) {
            status = same_root(push, order->roots[i], version, err);
        } else if (status == OK) {
            status = trusted_set_update_root(set, order->roots[i],
                                             strlen(order->roots[i]), err);
            push->new_roots++;
            push->online_key_dropped |= set->online_key_dropped;
        }
        err_set_pointer(err, "/roots/%zu", i);
    }
    return status;
}

/* Nodes can only follow timestamps that this server signs, and only versioned files. */
static enum status check_root(const struct push *push, struct err *err)
{
    const struct signing_key *key = &push->publication->options.keys->timestamp;
    const struct tuf_root *root = push->next->set.root;
    const struct tuf_authority *authority = &root->roles[TUF_ROLE_TIMESTAMP];
    bool named = false;
    for (size_t i = 0; i < root->keyring.count; i++) {
        const struct tuf_keyring_key *item = &root->keyring.keys[i];
        size_t at = 0;
        const json_t *keyid = NULL;
        json_array_foreach((json_t *)authority->keyids, at, keyid)
        {
            named = named || (item->key.kind == KEY_ED25519 &&
                              strcmp(json_string_value(keyid), item->keyid) == 0 &&
                              memcmp(item->key.ed25519, key->public_key,
                                     sizeof key->public_key) == 0);
        }
    }
    if (!named || authority->threshold != 1) {
        return err_set(err, ERR_TUF_ROLE,
                       "the root's timestamp role does not name this server's key with "
                       "threshold 1");
    }
    return root->consistent_snapshot
               ? OK
               : err_set(err, ERR_TUF_FORMAT, "consistent_snapshot must be true");
}

static enum status trust_roots(struct push *push, struct err *err)
{
    const struct live *live = push->publication->live;
    enum status status =
        live
            ? publication_trust_roots(push->publication, live->set.root->envelope.version,
                                      push->now_ms, &push->next->set, err)
            : trust_first_root(push, err);
    if (status == OK) {
        status = trust_new_roots(push, err);
    }
    if (status == OK) {
        status = trusted_set_root_done(&push->next->set, err);
    }
    return status == OK ? check_root(push, err) : status;
}

static enum status snapshot_version(const struct push *push, int64_t *ret_version,
                                    struct err *err)
{
    struct tuf_snapshot *snapshot = NULL;
    enum status status =
        tuf_snapshot_parse(push->order->snapshot, strlen(push->order->snapshot),
                           TUF_LIMITS_DEFAULT.snapshot_bytes, &snapshot, err);
    if (status == OK) {
        *ret_version = snapshot->envelope.version;
        tuf_snapshot_free(snapshot);
    }
    return status;
}

/* Signs the timestamp that will name the new snapshot and takes it as a client that saw
 * the old one. */
static enum status trust_timestamp(struct push *push, struct err *err)
{
    const struct live *live = push->publication->live;
    struct live *next = push->next;
    int64_t last = live ? live->set.timestamp->envelope.version : 0;
    int64_t version = 0;
    bool changed = false;
    enum status status = snapshot_version(push, &version, err);
    err_set_pointer(err, "/snapshot");
    if (status != OK) {
        return status;
    }
    buf_addstr(&next->snapshot, push->order->snapshot);
    status = buf_status(&next->snapshot, err);
    if (status == OK) {
        status = publication_sign(push->publication, next, version, last, err);
    }
    if (status == OK && live &&
        (push->online_key_dropped ||
         trusted_set_load_timestamp(&next->set, live->timestamp.data, live->timestamp.len,
                                    NULL) != OK)) {
        log_event(LOG_LEVEL_WARNING, "timestamp_dropped",
                  log_text("reason", "a new root took a key from timestamp or snapshot"));
    }
    if (status == OK) {
        status = trusted_set_update_timestamp(&next->set, next->timestamp.data,
                                              next->timestamp.len, &changed, err);
    }
    err_set_pointer(err, "/snapshot");
    return status;
}

/* Takes the old snapshot for comparison where it still counts, then the new one. */
static enum status trust_snapshot(struct push *push, struct err *err)
{
    const struct live *live = push->publication->live;
    struct live *next = push->next;
    bool usable = false;
    bool same = live && live->snapshot.len == next->snapshot.len &&
                memcmp(live->snapshot.data, next->snapshot.data, live->snapshot.len) == 0;
    if (live && !same &&
        next->set.timestamp->snapshot.version == live->set.snapshot->envelope.version) {
        return err_set(err, ERR_TUF_VERSION,
                       "snapshot %" PRId64 " was published with other content",
                       live->set.snapshot->envelope.version);
    }
    if (live && (same || !push->online_key_dropped)) {
        (void)!trusted_set_load_snapshot(&next->set, live->snapshot.data,
                                         live->snapshot.len, &usable, NULL);
    }
    return usable ? OK
                  : trusted_set_update_snapshot(&next->set, next->snapshot.data,
                                                next->snapshot.len, err);
}

/* A published file of one version has one content for ever. */
static enum status same_content(const struct push *push, const char *role,
                                int64_t version, const char *text, struct err *err)
{
    BUF_AUTO stored = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    enum status status = publication_read(push->publication, role, version, &stored, err);
    if (status == OK &&
        (stored.len != strlen(text) || memcmp(stored.data, text, stored.len) != 0)) {
        return err_set(err, ERR_TUF_VERSION,
                       "%.60s %" PRId64 " was published with other content", role,
                       version);
    }
    return status;
}

static enum status check_targets_version(const struct push *push, struct err *err)
{
    const struct live *live = push->publication->live;
    int64_t version = push->next->set.targets->envelope.version;
    return live && version == live->set.targets->envelope.version
               ? same_content(push, tuf_role_name(TUF_ROLE_TARGETS), version,
                              push->order->targets, err)
               : OK;
}

static enum status trust_targets(struct push *push, struct err *err)
{
    buf_addstr(&push->targets, push->order->targets);
    enum status status = buf_status(&push->targets, err);
    if (status == OK) {
        status = trusted_set_update_targets(&push->next->set, push->targets.data,
                                            push->targets.len, err);
    }
    if (status == OK) {
        status = check_targets_version(push, err);
    }
    if (status == OK) {
        status = model_targets_check(push->next->set.targets, err);
    }
    err_set_pointer(err, "/targets");
    return status;
}

/* The file of a delegated role in the order, or NULL. */
static const char *pushed_role(const struct push *push, const char *role)
{
    const struct publication_order *order = push->order;
    for (size_t i = 0; i < order->delegated_count; i++) {
        if (strcmp(order->delegated[i].role, role) == 0) {
            return order->delegated[i].text;
        }
    }
    return NULL;
}

/* From the order, else as it was published before. */
static enum status read_role(void *context, const char *role, int64_t version,
                             struct buf *ret_text, struct err *err)
{
    const struct push *push = context;
    const char *text = pushed_role(push, role);
    if (!text) {
        return publication_read(push->publication, role, version, ret_text, err);
    }
    buf_addstr(ret_text, text);
    return buf_status(ret_text, err);
}

/* A role that was live with this version must be the same one. */
static enum status check_role_version(const struct push *push,
                                      const struct trusted_role *role, struct err *err)
{
    const struct live *live = push->publication->live;
    const char *text = pushed_role(push, role->name);
    int64_t version = role->targets->envelope.version;
    for (size_t i = 0; live && text && i < live->set.delegated_count; i++) {
        const struct trusted_role *old = &live->set.delegated[i];
        if (strcmp(old->name, role->name) == 0 &&
            old->targets->envelope.version == version) {
            return same_content(push, role->name, version, text, err);
        }
    }
    return OK;
}

static enum status check_roles(const struct push *push, struct err *err)
{
    const struct publication_order *order = push->order;
    const struct trusted_set *set = &push->next->set;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < order->delegated_count; i++) {
        char pointer[PUBLICATION_POINTER_BYTES];
        status = publication_roles_named(set, order->delegated[i].role, err);
        publication_role_pointer(order->delegated[i].role, pointer);
        err_set_pointer(err, "%s", pointer);
    }
    for (size_t i = 0; status == OK && i < set->delegated_count; i++) {
        char pointer[PUBLICATION_POINTER_BYTES];
        status = check_role_version(push, &set->delegated[i], err);
        publication_role_pointer(set->delegated[i].name, pointer);
        err_set_pointer(err, "%s", pointer);
    }
    return status;
}

/* All delegated roles, and then what clients find in all roles together. */
static enum status trust_roles(struct push *push, struct err *err)
{
    struct role_source source = {.read = read_role, .context = push};
    enum status status = publication_roles_accept(&push->next->set, &source, err);
    if (status == OK) {
        status = check_roles(push, err);
    }
    if (status == OK) {
        status = live_list(push->next, err);
    }
    if (status == OK) {
        status = model_targets_check(&push->next->listing, err);
    }
    err_set_pointer(err, "/delegated");
    return status;
}

/* Whether the live state lists the same file already. */
static bool known_file(const struct push *push, const struct tuf_target *target)
{
    const struct live *live = push->publication->live;
    const struct tuf_target *old =
        live ? tuf_targets_find(&live->listing, target->path) : NULL;
    return old && old->length == target->length && !target->hashes.has_sha512 &&
           memcmp(old->hashes.sha256, target->hashes.sha256, 32) == 0;
}

static enum status check_file(const struct push *push, const struct tuf_target *target,
                              struct err *err)
{
    char path[PATH_MAX];
    char sha256[65];
    if (!target->hashes.has_sha256) {
        return err_set(err, ERR_TUF_HASH, "'%s' lists no SHA-256", target->path);
    }
    hex_encode(target->hashes.sha256, 32, sha256);
    enum status status = publication_target_path(push->publication, sha256, path, err);
    if (status == OK && !file_exists(path)) {
        return err_set(err, ERR_TUF_MISSING, "the file of '%.128s' was not uploaded",
                       target->path);
    }
    if (status != OK || known_file(push, target)) {
        return status;
    }
    BUF_AUTO data = BUF_INIT(push->publication->options.target_bytes);
    status = file_read(path, &data, err);
    if (status == OK && (int64_t)data.len != target->length) {
        return err_set(err, ERR_TUF_LENGTH,
                       "'%.128s' has %zu bytes, %" PRId64 " are signed", target->path,
                       data.len, target->length);
    }
    return status == OK ? tuf_hashes_verify(&target->hashes, data.data ? data.data : "",
                                            data.len, err)
                        : status;
}

static enum status check_files(const struct push *push, struct err *err)
{
    const struct tuf_targets *targets = &push->next->listing;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < targets->count; i++) {
        status = check_file(push, &targets->targets[i], err);
    }
    err_set_pointer(err, "/targets");
    return status;
}

static enum status store_text(const struct push *push, const char *role, int64_t version,
                              const char *text, struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    buf_addstr(&bytes, text);
    enum status status = buf_status(&bytes, err);
    return status == OK ? publication_write(push->publication, role, version, &bytes, err)
                        : status;
}

static enum status store_roots(const struct push *push, struct err *err)
{
    const struct publication_order *order = push->order;
    enum status status = OK;
    for (size_t i = order->root_count - push->new_roots;
         status == OK && i < order->root_count; i++) {
        int64_t version = 0;
        status = root_version(order->roots[i], &version, err);
        if (status == OK) {
            status = store_text(push, tuf_role_name(TUF_ROLE_ROOT), version,
                                order->roots[i], err);
        }
    }
    return status;
}

static enum status store_roles(const struct push *push, struct err *err)
{
    const struct trusted_set *set = &push->next->set;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < set->delegated_count; i++) {
        const struct trusted_role *role = &set->delegated[i];
        const char *text = pushed_role(push, role->name);
        if (text) {
            status =
                store_text(push, role->name, role->targets->envelope.version, text, err);
        }
    }
    return status;
}

/* Documents first, the pointer last. */
static enum status store(struct push *push, struct err *err)
{
    const struct trusted_set *set = &push->next->set;
    enum status status = store_roots(push, err);
    if (status == OK) {
        status = store_roles(push, err);
    }
    if (status == OK) {
        status = publication_write(push->publication, tuf_role_name(TUF_ROLE_TARGETS),
                                   set->targets->envelope.version, &push->targets, err);
    }
    if (status == OK) {
        status = publication_write(push->publication, tuf_role_name(TUF_ROLE_SNAPSHOT),
                                   set->snapshot->envelope.version, &push->next->snapshot,
                                   err);
    }
    return status == OK ? publication_point(push->publication, push->next, err) : status;
}

/* Whether this very state is published already. */
static bool unchanged(const struct push *push)
{
    const struct live *live = push->publication->live;
    return live && push->new_roots == 0 &&
           live->snapshot.len == push->next->snapshot.len &&
           memcmp(live->snapshot.data, push->next->snapshot.data, live->snapshot.len) ==
               0;
}

static enum status publish(struct push *push, const char *actor, struct err *err)
{
    struct publication *publication = push->publication;
    enum status status = trust_roots(push, err);
    if (status == OK) {
        status = trust_timestamp(push, err);
    }
    if (status == OK) {
        status = trust_snapshot(push, err);
        err_set_pointer(err, "/snapshot");
    }
    if (status == OK) {
        status = trust_targets(push, err);
    }
    if (status == OK) {
        status = trust_roles(push, err);
    }
    if (status == OK) {
        status = check_files(push, err);
    }
    if (status == OK && !unchanged(push)) {
        status = store(push, err);
        if (status == OK) {
            publication_swap(publication, push->next);
            publication->listed = false;
            push->next = NULL;
        }
    }
    return status == OK && !publication->listed
               ? publication_list(publication, actor, err)
               : status;
}

enum status publication_publish(struct publication *publication,
                                const struct publication_order *order, const char *actor,
                                struct publication_state *ret_state, struct err *err)
{
    PUSH_AUTO push = {.publication = publication,
                      .order = order,
                      .now_ms = clock_wall_ms(),
                      .next = live_new(),
                      .targets = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes)};
    if (!push.next) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a new state");
    }
    (void)pthread_mutex_lock(&publication->publishing);
    enum status status = publish(&push, actor, err);
    (void)pthread_mutex_unlock(&publication->publishing);
    if (status == OK) {
        *ret_state = publication_state(publication);
        log_event(LOG_LEVEL_INFO, "published",
                  log_int("targets", ret_state->versions[TUF_ROLE_TARGETS]),
                  log_int("timestamp", ret_state->versions[TUF_ROLE_TIMESTAMP]));
    }
    return status;
}
