/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "tests/conformance/sim.h"
#include "tuf/canonical.h"

enum { FILE_MAX = 16 * 1024 * 1024, LIFE_S = 30 * 86400 };

static const char *const TOP_LEVEL[] = {"root", "timestamp", "snapshot", "targets"};

enum { TOP_LEVEL_COUNT = sizeof TOP_LEVEL / sizeof TOP_LEVEL[0] };

static bool is(const char *name, const char *other)
{
    return strcmp(name, other) == 0;
}

/* ---- roles ---- */

static json_t *new_body(const char *name)
{
    bool top = false;
    for (int i = 0; i < TOP_LEVEL_COUNT; i++) {
        top = top || is(name, TOP_LEVEL[i]);
    }
    json_t *body = json_pack("{s:s, s:s, s:i}", "_type", top ? name : "targets",
                             "spec_version", "1.0.31", "version", 1);
    const char *member = is(name, "timestamp") || is(name, "snapshot") ? "meta"
                         : is(name, "root")                            ? "keys"
                                                                       : "targets";
    json_object_set_new(body, member, json_object());
    return body;
}

struct sim_role *sim_role(struct sim *sim, const char *name)
{
    for (size_t i = 0; i < sim->role_count; i++) {
        if (is(sim->roles[i].name, name)) {
            return &sim->roles[i];
        }
    }
    assert_true(sim->role_count < SIM_ROLES);
    struct sim_role *role = &sim->roles[sim->role_count++];
    (void)snprintf(role->name, sizeof role->name, "%s", name);
    role->body = new_body(name);
    role->signers[role->signer_count++] = sim_key_new(sim);
    sim_expire(sim, name, LIFE_S);
    return role;
}

json_t *sim_body(struct sim *sim, const char *name)
{
    return sim_role(sim, name)->body;
}

long sim_version(struct sim *sim, const char *name)
{
    return (long)json_integer_value(json_object_get(sim_body(sim, name), "version"));
}

void sim_set(struct sim *sim, const char *role, const char *member, json_t *value)
{
    assert_int_equal(json_object_set_new(sim_body(sim, role), member, value), 0);
}

void sim_expire(struct sim *sim, const char *role, int64_t seconds)
{
    char text[RFC3339_BYTES];
    int64_t at_s = clock_wall_ms() / 1000 + seconds;
    clock_format_utc(at_s * 1000, text);
    sim_set(sim, role, "expires", json_string(text));
}

/* ---- signing ---- */

static json_t *sign_body(const struct sim_role *role)
{
    BUF_AUTO bytes = BUF_INIT(FILE_MAX);
    json_t *signatures = json_array();
    assert_int_equal(canonical_json(role->body, &bytes, NULL), OK);
    for (size_t i = 0; i < role->signer_count; i++) {
        char signature[SIM_SIGNATURE_BYTES];
        sim_key_sign(role->signers[i], bytes.data, bytes.len, signature);
        json_array_append_new(
            signatures,
            json_pack("{s:s, s:s}", "keyid", role->signers[i]->keyid, "sig", signature));
    }
    return json_pack("{s:o, s:O}", "signatures", signatures, "signed", role->body);
}

/* Percent-encodes all but A-Z a-z 0-9 _ . - ~, as Python's quote(name, "") does. */
static void quote(const char *name, char *ret_text, size_t size)
{
    size_t len = 0;
    for (; *name && len + 4 < size; name++) {
        unsigned char byte = (unsigned char)*name;
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || strchr("_.-~", byte);
        len +=
            (size_t)snprintf(ret_text + len, size - len, plain ? "%c" : "%%%02X", byte);
    }
    ret_text[len] = '\0';
}

void sim_url(const struct sim *sim, const struct sim_role *role,
             char ret_path[static SIM_NAME_BYTES])
{
    char name[500];
    long version = (long)json_integer_value(json_object_get(role->body, "version"));
    quote(role->name, name, sizeof name);
    bool numbered =
        is(role->name, "root") || (sim->consistent && !is(role->name, "timestamp"));
    if (numbered) {
        (void)snprintf(ret_path, SIM_NAME_BYTES, "metadata/%ld.%s.json", version, name);
    } else {
        (void)snprintf(ret_path, SIM_NAME_BYTES, "metadata/%s.json", name);
    }
}

static void keep(struct sim *sim, const struct sim_role *role, const char *text)
{
    assert_true(sim->version_count < SIM_VERSIONS);
    struct sim_version *kept = &sim->versions[sim->version_count++];
    (void)snprintf(kept->name, sizeof kept->name, "%s", role->name);
    kept->version = sim_version(sim, role->name);
    kept->data = BUF_INIT(FILE_MAX);
    buf_addstr(&kept->data, text);
}

/* Names the file in the role above. */
static void name_above(struct sim *sim, const struct sim_role *role, const char *text)
{
    if (is(role->name, "root") || is(role->name, "timestamp")) {
        return;
    }
    char file[200];
    (void)snprintf(file, sizeof file, "%s.json", role->name);
    const char *above = is(role->name, "snapshot") ? "timestamp" : "snapshot";
    json_t *meta =
        json_pack("{s:I}", "version", (json_int_t)sim_version(sim, role->name));
    if (sim->meta_hashes) {
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX_BYTES];
        assert_int_equal(sha256_of(text, strlen(text), digest, NULL), OK);
        hex_encode(digest, sizeof digest, hex);
        json_object_update_new(meta, json_pack("{s:I, s:{s:s}}", "length",
                                               (json_int_t)strlen(text), "hashes",
                                               "sha256", hex));
    }
    json_object_set_new(json_object_get(sim_body(sim, above), "meta"), file, meta);
}

void sim_serve_text(struct sim *sim, const char *role, const char *text)
{
    char path[SIM_NAME_BYTES];
    sim_url(sim, sim_role(sim, role), path);
    sim_server_put(&sim->server, path, text, strlen(text));
}

void sim_serve(struct sim *sim, const char *role, const json_t *envelope)
{
    char *text = json_dumps(envelope, JSON_INDENT(1));
    assert_non_null(text);
    sim_serve_text(sim, role, text);
    free(text);
}

void sim_sign(struct sim *sim, const char *name)
{
    struct sim_role *role = sim_role(sim, name);
    json_t *envelope = sign_body(role);
    char *text = json_dumps(envelope, JSON_INDENT(1));
    assert_non_null(text);
    sim_serve_text(sim, name, text);
    keep(sim, role, text);
    name_above(sim, role, text);
    role->published = true;
    free(text);
    json_decref(envelope);
}

void sim_publish(struct sim *sim, const char *roles)
{
    char words[2048];
    (void)snprintf(words, sizeof words, "%s", roles);
    char *rest = NULL;
    for (char *name = strtok_r(words, " ", &rest); name;
         name = strtok_r(NULL, " ", &rest)) {
        if (sim_role(sim, name)->published) {
            sim_set(sim, name, "version", json_integer(sim_version(sim, name) + 1));
        }
        sim_sign(sim, name);
    }
}

json_t *sim_envelope(struct sim *sim, const char *role)
{
    char path[SIM_NAME_BYTES];
    sim_url(sim, sim_role(sim, role), path);
    const struct buf *data = sim_server_get(&sim->server, path);
    assert_non_null(data);
    json_t *envelope = json_loadb(data->data, data->len, 0, NULL);
    assert_non_null(envelope);
    return envelope;
}

const struct buf *sim_past(const struct sim *sim, const char *role, long version)
{
    for (size_t i = 0; i < sim->version_count; i++) {
        if (sim->versions[i].version == version && is(sim->versions[i].name, role)) {
            return &sim->versions[i].data;
        }
    }
    fail_msg("%s %ld was never signed", role, version);
    return NULL;
}

/* ---- keys ---- */

struct sim_key *sim_key_slot(struct sim *sim)
{
    assert_true(sim->key_count < SIM_KEYS);
    return &sim->keys[sim->key_count++];
}

struct sim_key *sim_key_new(struct sim *sim)
{
    struct sim_key *key = sim_key_slot(sim);
    sim_key_ed25519(key, (uint8_t)sim->key_count);
    return key;
}

static json_t *delegations_of(struct sim *sim, const char *delegator)
{
    json_t *body = sim_body(sim, delegator);
    if (!json_object_get(body, "delegations")) {
        sim_set(sim, delegator, "delegations",
                json_pack("{s:{}, s:[]}", "keys", "roles"));
    }
    return json_object_get(body, "delegations");
}

json_t *sim_keys(struct sim *sim, const char *delegator)
{
    return is(delegator, "root")
               ? json_object_get(sim_body(sim, "root"), "keys")
               : json_object_get(delegations_of(sim, delegator), "keys");
}

json_t *sim_authority(struct sim *sim, const char *delegator, const char *role)
{
    if (is(delegator, "root")) {
        return json_object_get(json_object_get(sim_body(sim, "root"), "roles"), role);
    }
    const json_t *roles = json_object_get(delegations_of(sim, delegator), "roles");
    for (size_t i = 0; i < json_array_size(roles); i++) {
        json_t *entry = json_array_get(roles, i);
        if (is(json_string_value(json_object_get(entry, "name")), role)) {
            return entry;
        }
    }
    return json_object_get(delegations_of(sim, delegator), "succinct_roles");
}

void sim_trust(struct sim *sim, const char *delegator, const char *role,
               const struct sim_key *key)
{
    json_object_set(sim_keys(sim, delegator), key->keyid, key->object);
    json_array_append_new(json_object_get(sim_authority(sim, delegator, role), "keyids"),
                          json_string(key->keyid));
}

void sim_distrust(struct sim *sim, const char *delegator, const char *role,
                  const struct sim_key *key)
{
    json_t *keyids = json_object_get(sim_authority(sim, delegator, role), "keyids");
    for (size_t i = 0; i < json_array_size(keyids); i++) {
        if (is(json_string_value(json_array_get(keyids, i)), key->keyid)) {
            json_array_remove(keyids, i);
            return;
        }
    }
    fail_msg("%s has no such key", role);
}

void sim_threshold(struct sim *sim, const char *delegator, const char *role, int count)
{
    json_object_set_new(sim_authority(sim, delegator, role), "threshold",
                        json_integer(count));
}

void sim_signer_add(struct sim *sim, const char *name, const struct sim_key *key)
{
    struct sim_role *role = sim_role(sim, name);
    assert_true(role->signer_count < SIM_SIGNERS);
    role->signers[role->signer_count++] = key;
}

void sim_signers_clear(struct sim *sim, const char *name)
{
    sim_role(sim, name)->signer_count = 0;
}

/* ---- targets and delegations ---- */

json_t *sim_target_entry(struct sim *sim, const char *role, const char *path)
{
    return json_object_get(json_object_get(sim_body(sim, role), "targets"), path);
}

void sim_target(struct sim *sim, const char *role, const char *path, const char *content)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES], url[SIM_NAME_BYTES];
    size_t len = strlen(content);
    assert_int_equal(sha256_of(content, len, digest, NULL), OK);
    hex_encode(digest, sizeof digest, hex);
    json_object_set_new(
        json_object_get(sim_body(sim, role), "targets"), path,
        json_pack("{s:I, s:{s:s}}", "length", (json_int_t)len, "hashes", "sha256", hex));
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;
    (void)snprintf(url, sizeof url, "targets/%.*s%s.%s", folder, path, hex,
                   path + folder);
    sim_server_put(&sim->server, url, content, len);
    (void)snprintf(url, sizeof url, "targets/%s", path);
    sim_server_put(&sim->server, url, content, len);
}

void sim_delegate_scope(struct sim *sim, const char *from, const char *to, json_t *scope)
{
    const struct sim_role *role = sim_role(sim, to);
    json_t *entry = json_pack("{s:s, s:[], s:i, s:b}", "name", to, "keyids", "threshold",
                              1, "terminating", 0);
    json_object_update_new(entry, scope);
    json_array_append_new(json_object_get(delegations_of(sim, from), "roles"), entry);
    sim_trust(sim, from, to, role->signers[0]);
}

void sim_delegate(struct sim *sim, const char *from, const char *to, bool terminating)
{
    sim_delegate_scope(
        sim, from, to,
        json_pack("{s:[s, s], s:b}", "paths", "*", "*/*", "terminating", terminating));
}

/* ---- the whole ---- */

/* Top-level roles with a key each. */
void sim_repository_make(struct sim *sim)
{
    sim->consistent = true;
    for (int i = 0; i < TOP_LEVEL_COUNT; i++) {
        (void)sim_role(sim, TOP_LEVEL[i]);
    }
    sim_set(sim, "root", "consistent_snapshot", json_true());
    sim_set(sim, "root", "roles", json_object());
    for (int i = 0; i < TOP_LEVEL_COUNT; i++) {
        json_object_set_new(json_object_get(sim_body(sim, "root"), "roles"), TOP_LEVEL[i],
                            json_pack("{s:[], s:i}", "keyids", "threshold", 1));
        sim_trust(sim, "root", TOP_LEVEL[i], sim_role(sim, TOP_LEVEL[i])->signers[0]);
    }
    sim_publish(sim, "root targets snapshot timestamp");
}
