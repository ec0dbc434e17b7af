/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/changes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tuf/target.h"

enum { KEYID_SHOWN = 16, VALUE_SHOWN = 120, NAME_BYTES = 1024 };

/* ---- words ---- */

static void add_plain(struct buf *text, const char *value)
{
    for (const char *at = value; at && *at; at++) {
        buf_addc(text, *at >= ' ' && *at <= '~' ? *at : '?');
    }
}

static void add_value(struct buf *text, const json_t *value)
{
    char shown[VALUE_SHOWN + 1];
    if (!value) {
        buf_addstr(text, "nothing");
        return;
    }
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    size_t len = dumped ? strlen(dumped) : 0;
    size_t kept = len < VALUE_SHOWN ? len : VALUE_SHOWN;
    if (dumped) {
        memcpy(shown, dumped, kept);
    }
    shown[kept] = '\0';
    add_plain(text, shown);
    if (kept < len) {
        buf_addf(text, "... (%zu characters)", len);
    }
    free(dumped);
}

/* "  ~ path: old -> new" for every member that differs, as deep as objects go. */
static void add_difference(struct buf *text, const char *path, const json_t *old,
                           const json_t *new);

static void add_members(struct buf *text, const char *path, const json_t *old,
                        const json_t *new, bool common)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)new, name, value)
    {
        BUF_AUTO below = BUF_INIT(NAME_BYTES);
        const json_t *before = json_object_get(old, name);
        if ((before != NULL) != common) {
            continue;
        }
        buf_addf(&below, "%s%s%s", path, path[0] ? "." : "", name);
        if (common) {
            add_difference(text, below.failed ? path : below.data, before, value);
        } else {
            add_difference(text, below.failed ? path : below.data, NULL, value);
        }
    }
}

/* The recursion is as deep as metadata may nest (TUF_JSON_DEPTH_MAX). */
static void add_difference(struct buf *text, const char *path, const json_t *old,
                           const json_t *new)
{
    if (json_equal(old, new)) {
        return;
    }
    if (json_is_object(old) && json_is_object(new)) {
        const char *name = NULL;
        json_t *value = NULL;
        add_members(text, path, old, new, true);
        add_members(text, path, old, new, false);
        json_object_foreach((json_t *)old, name, value)
        {
            if (!json_object_get(new, name)) {
                buf_addstr(text, "  ~ ");
                add_plain(text, path);
                buf_addstr(text, path[0] ? "." : "");
                add_plain(text, name);
                buf_addstr(text, ": ");
                add_value(text, value);
                buf_addstr(text, " -> nothing\n");
            }
        }
        return;
    }
    buf_addstr(text, "  ~ ");
    add_plain(text, path);
    buf_addstr(text, ": ");
    add_value(text, old);
    buf_addstr(text, " -> ");
    add_value(text, new);
    buf_addc(text, '\n');
}

static json_t *members(const json_t *body, const char *const *told)
{
    json_t *rest = json_copy((json_t *)body);
    for (size_t i = 0; told[i]; i++) {
        (void)json_object_del(rest, told[i]);
    }
    return rest;
}

/* Whatever members of two bodies have not been told in words. */
static void add_rest(struct buf *text, const json_t *old, const json_t *new,
                     const char *const *told)
{
    json_t *before = old ? members(old, told) : json_object();
    json_t *after = members(new, told);
    add_difference(text, "", before, after);
    json_decref(before);
    json_decref(after);
}

/* ---- keys and thresholds ---- */

static bool lists(const json_t *keyids, const char *keyid)
{
    for (size_t i = 0; i < json_array_size(keyids); i++) {
        const char *item = json_string_value(json_array_get(keyids, i));
        if (item && strcmp(item, keyid) == 0) {
            return true;
        }
    }
    return false;
}

static void add_keyids(struct buf *text, const json_t *from, const json_t *without,
                       const json_t *keys, const char *role)
{
    for (size_t i = 0; i < json_array_size(from); i++) {
        const char *keyid = json_string_value(json_array_get(from, i));
        const json_t *key = json_object_get(keys, keyid);
        const char *type = json_string_value(json_object_get(key, "keytype"));
        if (lists(without, keyid)) {
            continue;
        }
        buf_addstr(text, keys ? "  + the key " : "  - the key ");
        buf_addf(text, "%.*s", KEYID_SHOWN, keyid);
        buf_addstr(text, keys ? " may sign " : " may no longer sign ");
        add_plain(text, role);
        if (type) {
            buf_addstr(text, " (");
            add_plain(text, type);
            buf_addc(text, ')');
        }
        buf_addc(text, '\n');
    }
}

/* One role's keys and threshold. */
static void add_authority(struct buf *text, const char *role, const json_t *old,
                          const json_t *new, const json_t *keys)
{
    const json_t *before = json_object_get(old, "keyids");
    const json_t *after = json_object_get(new, "keyids");
    json_int_t was = json_integer_value(json_object_get(old, "threshold"));
    json_int_t is = json_integer_value(json_object_get(new, "threshold"));
    add_keyids(text, after, before, keys, role);
    add_keyids(text, before, after, NULL, role);
    if (was != is) {
        buf_addstr(text, "  ~ ");
        add_plain(text, role);
        buf_addf(text, " needs %lld of %zu signatures, before: %lld of %zu\n",
                 (long long)is, json_array_size(after), (long long)was,
                 json_array_size(before));
    }
}

/* A key's own bytes under the same id may not change unseen. */
static void add_common_keys(struct buf *text, const json_t *old, const json_t *new)
{
    add_members(text, "keys", old, new, true);
}

static void describe_root(struct buf *text, const json_t *old, const json_t *new)
{
    static const char *const told[] = {"version", "expires", "keys", "roles", NULL};
    static const char *const known[] = {"keyids", "threshold", NULL};
    const json_t *keys = json_object_get(new, "keys");
    const char *role = NULL;
    json_t *authority = NULL;
    json_object_foreach(json_object_get(new, "roles"), role, authority)
    {
        const json_t *before = json_object_get(json_object_get(old, "roles"), role);
        add_authority(text, role, before, authority, keys);
        add_rest(text, before, authority, known);
    }
    add_common_keys(text, json_object_get(old, "keys"), keys);
    add_rest(text, old, new, told);
}

/* ---- targets ---- */

static void add_target(struct buf *text, const struct tuf_target *file)
{
    bool ours = false;
    struct model_target entry;
    const json_t *digest = json_object_get(file->custom, "muster");
    buf_addstr(text, "  + ");
    add_plain(text, file->path);
    buf_addf(text, ", %" PRId64 " bytes", file->length);
    if (model_target_parse(file, &ours, &entry, NULL) == OK && ours &&
        entry.kind == TARGET_ARTIFACT) {
        buf_addf(text, ": version %s, format ", entry.version);
        add_plain(text, entry.format);
        buf_addf(text, ", floor %" PRId64, entry.floor);
    } else if (ours) {
        buf_addstr(text, ": compressed form of the same");
    } else if (digest) {
        buf_addstr(text, ": of a kind that this program does not know");
    }
    buf_addstr(text, "\n      sha256 ");
    for (size_t i = 0; i < sizeof file->hashes.sha256; i++) {
        buf_addf(text, "%02x", file->hashes.sha256[i]);
    }
    buf_addc(text, '\n');
}

static void add_entries(struct buf *text, const struct tuf_targets *old,
                        const struct tuf_targets *new)
{
    const json_t *before = old ? json_object_get(old->envelope.body, "targets") : NULL;
    const json_t *after = json_object_get(new->envelope.body, "targets");
    for (size_t i = 0; i < new->count; i++) {
        const char *path = new->targets[i].path;
        if (json_object_get(before, path)) {
            add_difference(text, path, json_object_get(before, path),
                           json_object_get(after, path));
        } else {
            add_target(text, &new->targets[i]);
        }
    }
    for (size_t i = 0; old && i < old->count; i++) {
        if (!tuf_targets_find(new, old->targets[i].path)) {
            buf_addstr(text, "  - ");
            add_plain(text, old->targets[i].path);
            buf_addc(text, '\n');
        }
    }
}

static void add_floors(struct buf *text, const struct tuf_targets *old,
                       const struct tuf_targets *new)
{
    const char *last = "";
    for (size_t i = 0; i < new->count; i++) {
        bool ours = false;
        struct model_target entry;
        int64_t was = 0;
        int64_t is = 0;
        int64_t highest = 0;
        if (model_target_parse(&new->targets[i], &ours, &entry, NULL) != OK || !ours ||
            strcmp(entry.model, last) == 0) {
            continue;
        }
        last = entry.model;
        model_targets_floor(new, last, &is, &highest);
        if (old) {
            model_targets_floor(old, last, &was, &highest);
        }
        if (is != was) {
            buf_addf(text,
                     "  ! the floor of %s goes from %" PRId64 " to %" PRId64
                     ": no node activates a lower seq again\n",
                     last, was, is);
        }
    }
}

static const json_t *find_role(const json_t *delegations, const char *name)
{
    const json_t *roles = json_object_get(delegations, "roles");
    for (size_t i = 0; i < json_array_size(roles); i++) {
        const json_t *role = json_array_get(roles, i);
        const char *found = json_string_value(json_object_get(role, "name"));
        if (found && strcmp(found, name) == 0) {
            return role;
        }
    }
    return NULL;
}

static void add_delegation(struct buf *text, const json_t *old, const json_t *new,
                           const json_t *keys)
{
    static const char *const known[] = {"name", "keyids", "threshold", NULL};
    const char *name = json_string_value(json_object_get(new, "name"));
    if (!old) {
        buf_addstr(text, "  + delegates to the role ");
        add_plain(text, name);
        buf_addc(text, '\n');
    }
    add_authority(text, name, old, new, keys);
    add_rest(text, old, new, known);
}

static void add_delegations(struct buf *text, const json_t *old, const json_t *new)
{
    static const char *const known[] = {"keys", "roles", NULL};
    const json_t *after = json_object_get(new, "roles");
    const json_t *before = json_object_get(old, "roles");
    for (size_t i = 0; i < json_array_size(after); i++) {
        const json_t *role = json_array_get(after, i);
        const char *name = json_string_value(json_object_get(role, "name"));
        add_delegation(text, find_role(old, name ? name : ""), role,
                       json_object_get(new, "keys"));
    }
    for (size_t i = 0; i < json_array_size(before); i++) {
        const char *name =
            json_string_value(json_object_get(json_array_get(before, i), "name"));
        if (name && !find_role(new, name)) {
            buf_addstr(text, "  - delegates no longer to the role ");
            add_plain(text, name);
            buf_addc(text, '\n');
        }
    }
    add_common_keys(text, json_object_get(old, "keys"), json_object_get(new, "keys"));
    if (new) {
        add_rest(text, old, new, known);
    }
}

static void describe_targets(struct buf *text, const struct tuf_targets *old,
                             const struct tuf_targets *new)
{
    static const char *const told[] = {"version", "expires", "targets", "delegations",
                                       NULL};
    const json_t *before = old ? old->envelope.body : NULL;
    add_entries(text, old, new);
    add_floors(text, old, new);
    add_delegations(text, json_object_get(before, "delegations"),
                    json_object_get(new->envelope.body, "delegations"));
    if (before) {
        add_rest(text, before, new->envelope.body, told);
    }
}

/* ---- a file ---- */

static void describe_snapshot(struct buf *text, const json_t *old, const json_t *new)
{
    static const char *const told[] = {"version", "expires", "meta", NULL};
    const char *name = NULL;
    json_t *meta = NULL;
    json_object_foreach(json_object_get(new, "meta"), name, meta)
    {
        const json_t *before = json_object_get(json_object_get(old, "meta"), name);
        if (json_equal(before, meta)) {
            continue;
        }
        buf_addstr(text, "  ~ names ");
        add_plain(text, name);
        buf_addf(text, " version %lld, before: %lld\n",
                 (long long)json_integer_value(json_object_get(meta, "version")),
                 (long long)json_integer_value(json_object_get(before, "version")));
    }
    json_object_foreach(json_object_get(old, "meta"), name, meta)
    {
        if (!json_object_get(json_object_get(new, "meta"), name)) {
            buf_addstr(text, "  - names no longer ");
            add_plain(text, name);
            buf_addc(text, '\n');
        }
    }
    add_rest(text, old, new, told);
}

static void describe_file(const struct draft *draft, const struct draft_file *file,
                          struct buf *text)
{
    const struct repository *repository = draft->repository;
    const struct tuf_envelope *envelope = draft_envelope(file);
    char expires[RFC3339_BYTES];
    clock_format_utc(envelope->expires_ms, expires);
    add_plain(text, file->role);
    buf_addf(text, ": version %" PRId64 " (published: %" PRId64 "), good until %s\n",
             envelope->version, draft_published_version(draft, file->role), expires);
    size_t before = text->len;
    if (file->root) {
        describe_root(text, repository->trust.root->envelope.body, envelope->body);
    } else if (file->snapshot) {
        describe_snapshot(text, repository->snapshot->envelope.body, envelope->body);
    } else {
        describe_targets(text, repository_targets(repository, file->role), file->targets);
    }
    if (text->len == before) {
        buf_addstr(text, "  = nothing but version and expiry\n");
    }
}

void changes_describe(const struct draft *draft, struct buf *ret_text)
{
    static const char *const first[] = {"root", "targets"};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        const struct draft_file *file = draft_find(draft, first[i]);
        if (file) {
            describe_file(draft, file, ret_text);
        }
    }
    for (size_t i = 0; i < draft->count; i++) {
        const struct draft_file *file = draft->files[i];
        if (!file->root && !file->snapshot && strcmp(file->role, "targets") != 0) {
            describe_file(draft, file, ret_text);
        }
    }
    const struct draft_file *last = draft_find(draft, "snapshot");
    if (last) {
        describe_file(draft, last, ret_text);
    }
}
