/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/edge/fixture_repository.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "converter/import.h"
#include "format/transport.h"
#include "tuf/signing.h"

enum { MODEL_BYTES = 4 * 1024 * 1024, METADATA_BYTES = 256 * 1024, DAY_MS = 86400000 };

static struct buf models[2];

const struct buf *fixture_model(int index)
{
    static const char *const files[] = {"fashion-1.0.0.onnx", "fashion-1.1.0.onnx"};
    if (models[index].len > 0) {
        return &models[index];
    }
    char path[512];
    BUF_AUTO onnx = BUF_INIT(MODEL_BYTES);
    struct err err = {0};
    struct import_summary summary;
    struct import_options options = {0};
    snprintf(path, sizeof path, SOURCE_DIR "/examples/fashion/%s", files[index]);
    assert_int_equal(file_read(path, &onnx, NULL), OK);
    models[index] = BUF_INIT(MODEL_BYTES);
    if (import_onnx(onnx.data, onnx.len, &options, &models[index], &summary, &err) !=
        OK) {
        fail_msg("%s: %s", path, err.detail);
    }
    return &models[index];
}

/* Packing takes a while, so the transports of the two models are made once. */
static const struct buf *transport_of(const struct buf *artifact)
{
    static struct buf transports[3];
    int i = artifact == &models[0] ? 0 : artifact == &models[1] ? 1 : 2;
    if (i == 2 || transports[i].len == 0) {
        buf_release(&transports[i]);
        transports[i] = BUF_INIT(MODEL_BYTES);
        assert_int_equal(
            transport_encode(artifact->data, artifact->len, &transports[i], NULL), OK);
    }
    return &transports[i];
}

/* Without byte planes, made quickly. */
static const struct buf *weak_transport_of(const struct buf *artifact)
{
    static struct buf transport;
    struct transport_header header = {.method = 1, .stride = 1, .length = artifact->len};
    size_t bound = ZSTD_compressBound(artifact->len);
    buf_release(&transport);
    transport = BUF_INIT(2 * (size_t)MODEL_BYTES);
    char *room = buf_reserve(&transport, TRANSPORT_HEADER_BYTES + bound);
    transport_header_write(&header, (uint8_t *)room);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, TRANSPORT_WINDOW_LOG);
    size_t size = ZSTD_compress2(context, room + TRANSPORT_HEADER_BYTES, bound,
                                 artifact->data, artifact->len);
    assert_false(ZSTD_isError(size));
    (void)ZSTD_freeCCtx(context);
    transport.len = TRANSPORT_HEADER_BYTES + size;
    return &transport;
}

static int64_t expiry(const struct repository *repository)
{
    return (clock_wall_ms() + repository->life_ms) / 1000 * 1000;
}

static void add_role(struct repository *repository, enum tuf_role role,
                     const struct signing_key *key)
{
    assert_int_equal(signing_root_add_key(repository->root, role, key->public_key, NULL),
                     OK);
}

static void sign(const json_t *body, const struct signing_key *key, struct buf *ret_file)
{
    const struct signing_key *keys[] = {key};
    buf_release(ret_file);
    *ret_file = BUF_INIT(METADATA_BYTES);
    assert_int_equal(signing_envelope(body, keys, 1, ret_file, NULL), OK);
}

void repository_init(struct repository *repository)
{
    *repository = (struct repository){.root_version = 1, .life_ms = 7 * DAY_MS};
    assert_int_equal(signing_key_generate(&repository->root_key, NULL), OK);
    assert_int_equal(signing_key_generate(&repository->timestamp_key, NULL), OK);
    assert_int_equal(signing_key_generate(&repository->snapshot_key, NULL), OK);
    assert_int_equal(signing_key_generate(&repository->targets_key, NULL), OK);
    assert_int_equal(
        signing_body_new(TUF_ROLE_ROOT, 1, expiry(repository), &repository->root, NULL),
        OK);
    assert_int_equal(signing_body_new(TUF_ROLE_TARGETS, 1, expiry(repository),
                                      &repository->targets, NULL),
                     OK);
    add_role(repository, TUF_ROLE_ROOT, &repository->root_key);
    add_role(repository, TUF_ROLE_TIMESTAMP, &repository->timestamp_key);
    add_role(repository, TUF_ROLE_SNAPSHOT, &repository->snapshot_key);
    add_role(repository, TUF_ROLE_TARGETS, &repository->targets_key);
    sign(repository->root, &repository->root_key, &repository->root_file);
}

void repository_release(struct repository *repository)
{
    json_decref(repository->root);
    json_decref(repository->targets);
    json_decref(repository->team);
    buf_release(&repository->team_file);
    buf_release(&repository->root_file);
    buf_release(&repository->snapshot_file);
    buf_release(&repository->targets_file);
    buf_release(&repository->timestamp_file);
}

void repository_delegate(struct repository *repository, const char *pattern)
{
    assert_int_equal(signing_key_generate(&repository->team_key, NULL), OK);
    repository->team_signer = repository->team_key;
    assert_int_equal(signing_body_new(TUF_ROLE_TARGETS, 1, expiry(repository),
                                      &repository->team, NULL),
                     OK);
    const char *keyid = repository->team_key.keyid;
    json_t *delegations = json_pack(
        "{s:{s:o}, s:[{s:s, s:[s], s:i, s:b, s:[s]}]}", "keys", keyid,
        key_object_new(repository->team_key.public_key), "roles", "name", "team",
        "keyids", keyid, "threshold", 1, "terminating", 0, "paths", pattern);
    assert_non_null(delegations);
    assert_int_equal(json_object_set_new(repository->targets, "delegations", delegations),
                     0);
}

static void digest_hex(const struct buf *data, uint8_t digest[static 32],
                       char text[static 65])
{
    assert_int_equal(sha256_of(data->data, data->len, digest, NULL), OK);
    hex_encode(digest, 32, text);
}

/* Lists a SHA-512 too. */
static void add_sha512(const struct repository *repository, json_t *lister,
                       const char *path, const struct buf *data)
{
    uint8_t digest[SHA512_BYTES];
    char text[2 * SHA512_BYTES + 1];
    assert_int_equal(sha512_of(data->data, data->len, digest, NULL), OK);
    digest[0] ^= repository->wrong_sha512 && !strstr(path, ".zst");
    hex_encode(digest, sizeof digest, text);
    json_t *entry = json_object_get(json_object_get(lister, "targets"), path);
    assert_int_equal(json_object_set_new(json_object_get(entry, "hashes"), "sha512",
                                         json_string(text)),
                     0);
}

static void put_target(struct repository *repository, struct server *server,
                       const char *folder, const char *name, const struct buf *data,
                       json_t *custom)
{
    char path[256], url[512], text[65];
    uint8_t digest[32];
    digest_hex(data, digest, text);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(url, sizeof url, "/tuf/targets/%s/%s.%s", folder, text, name);
    assert_non_null(custom);
    json_t *lister = repository->team ? repository->team : repository->targets;
    assert_int_equal(
        signing_add_target(lister, path, (int64_t)data->len, digest, custom, NULL), OK);
    if (repository->sha512) {
        add_sha512(repository, lister, path, data);
    }
    json_decref(custom);
    server_put(server, url, data);
}

void repository_add(struct repository *repository, struct server *server, int64_t seq,
                    const struct buf *artifact)
{
    char folder[64], version[32], text[65];
    uint8_t digest[32];
    digest_hex(artifact, digest, text);
    snprintf(folder, sizeof folder, "fashion/%d", (int)seq);
    snprintf(version, sizeof version, "1.%d.0", (int)seq);
    json_t *custom = json_pack(
        "{s:{s:i,s:s,s:s,s:I,s:I,s:s,s:s,s:s,s:s,s:{s:[i,i,i,i],s:s}}}", "muster",
        "schema", 1, "model", "fashion", "version", version, "seq", (json_int_t)seq,
        "floor", (json_int_t)repository->floor, "variant", "fp32", "format", "mnet/1",
        "task", "classify", "on_revoke", repository->stop ? "stop" : "keep", "input",
        "shape", 1, 1, 28, 28, "dtype", "u8");
    if (repository->needs) {
        json_t *needs = json_loads(repository->needs, 0, NULL);
        assert_int_equal(json_object_update(json_object_get(custom, "muster"), needs), 0);
        json_decref(needs);
    }
    put_target(repository, server, folder, "fp32.mnet", artifact, custom);
    put_target(repository, server, folder, "fp32.mnet.zst",
               repository->weak_zst ? weak_transport_of(artifact)
                                    : transport_of(artifact),
               json_pack("{s:{s:i,s:s,s:I,s:s,s:s,s:s,s:I,s:n}}", "muster", "schema", 1,
                         "model", "fashion", "seq", (json_int_t)seq, "variant", "fp32",
                         "transport", "zst", "result_sha256", text, "result_length",
                         (json_int_t)artifact->len, "base_sha256"));
}

void repository_remove(struct repository *repository, int64_t seq)
{
    static const char *const names[] = {"fp32.mnet", "fp32.mnet.zst"};
    json_t *lister = repository->team ? repository->team : repository->targets;
    for (int i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "fashion/%d/%s", (int)seq, names[i]);
        assert_int_equal(json_object_del(json_object_get(lister, "targets"), path), 0);
    }
}

void repository_add_delta(struct repository *repository, struct server *server,
                          const struct delta_target *target)
{
    char folder[64], name[64], result[65], base[65];
    uint8_t digest[32];
    digest_hex(target->artifact, digest, result);
    digest_hex(target->base, digest, base);
    snprintf(folder, sizeof folder, "fashion/%d", (int)target->seq);
    snprintf(name, sizeof name, "fp32.from-%d.delta", (int)target->base_seq);
    put_target(repository, server, folder, name, target->delta,
               json_pack("{s:{s:i,s:s,s:I,s:s,s:s,s:s,s:I,s:s}}", "muster", "schema", 1,
                         "model", "fashion", "seq", (json_int_t)target->seq, "variant",
                         "fp32", "transport", "delta", "result_sha256", result,
                         "result_length", (json_int_t)target->artifact->len,
                         "base_sha256", base));
}

static void put_metadata(struct server *server, const char *name, int64_t version,
                         const struct buf *data)
{
    char path[128];
    if (version > 0) {
        snprintf(path, sizeof path, "/tuf/metadata/%lld.%s", (long long)version, name);
    } else {
        snprintf(path, sizeof path, "/tuf/metadata/%s", name);
    }
    server_put(server, path, data);
}

void repository_sign_timestamp(struct repository *repository, struct server *server)
{
    json_t *body = NULL;
    struct signing_file file = {.data = repository->snapshot_file.data,
                                .len = repository->snapshot_file.len,
                                .version = repository->version};
    assert_int_equal(signing_body_new(TUF_ROLE_TIMESTAMP, ++repository->timestamp_version,
                                      expiry(repository), &body, NULL),
                     OK);
    assert_int_equal(signing_set_meta(body, "snapshot.json", &file, NULL), OK);
    sign(body, &repository->timestamp_key, &repository->timestamp_file);
    json_decref(body);
    put_metadata(server, "timestamp.json", 0, &repository->timestamp_file);
}

static void publish_team(struct repository *repository, struct server *server,
                         json_t *snapshot)
{
    int64_t version = repository->version;
    int64_t life_ms = repository->life_ms;
    repository->life_ms = repository->team_life_ms ? repository->team_life_ms : life_ms;
    assert_int_equal(
        signing_body_renew(repository->team, version, expiry(repository), NULL), OK);
    repository->life_ms = life_ms;
    sign(repository->team, &repository->team_signer, &repository->team_file);
    struct signing_file file = {.data = repository->team_file.data,
                                .len = repository->team_file.len,
                                .version = version};
    assert_int_equal(signing_set_meta(snapshot, "team.json", &file, NULL), OK);
    put_metadata(server, "team.json", version, &repository->team_file);
}

void repository_publish(struct repository *repository, struct server *server)
{
    json_t *snapshot = NULL;
    int64_t version = ++repository->version;
    assert_int_equal(
        signing_body_renew(repository->targets, version, expiry(repository), NULL), OK);
    sign(repository->targets, &repository->targets_key, &repository->targets_file);
    assert_int_equal(
        signing_body_new(TUF_ROLE_SNAPSHOT, version, expiry(repository), &snapshot, NULL),
        OK);
    struct signing_file file = {.data = repository->targets_file.data,
                                .len = repository->targets_file.len,
                                .version = version};
    assert_int_equal(signing_set_meta(snapshot, "targets.json", &file, NULL), OK);
    if (repository->team) {
        publish_team(repository, server, snapshot);
    }
    sign(snapshot, &repository->snapshot_key, &repository->snapshot_file);
    json_decref(snapshot);
    put_metadata(server, "targets.json", version, &repository->targets_file);
    put_metadata(server, "snapshot.json", version, &repository->snapshot_file);
    repository_sign_timestamp(repository, server);
}

void repository_rotate_root(struct repository *repository, struct server *server)
{
    int64_t version = ++repository->root_version;
    assert_int_equal(
        signing_body_renew(repository->root, version, expiry(repository), NULL), OK);
    sign(repository->root, &repository->root_key, &repository->root_file);
    put_metadata(server, "root.json", version, &repository->root_file);
}

void repository_assign(const struct repository *repository, struct server *server,
                       int64_t seq, const struct buf *artifact)
{
    char json[1024], text[65];
    uint8_t digest[32];
    digest_hex(artifact, digest, text);
    snprintf(
        json, sizeof json,
        "{\"models\":[{\"model\":\"fashion\",\"path\":\"fashion/%lld/fp32.mnet\","
        "\"artifact\":\"%s\",\"seq\":%lld%s%s}],\"poll_s\":5,\"timestamp_version\":%lld}",
        (long long)seq, text, (long long)seq, repository->detail ? ",\"detail\":" : "",
        repository->detail ? repository->detail : "",
        (long long)repository->timestamp_version);
    server_assign(server, json);
}
