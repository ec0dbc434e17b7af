/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/publisher.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/passphrase.h"

enum { PATH_BYTES = 4096, DAYS_MAX = 36500 };

static const int64_t DAY_MS = 86400000;
static const size_t TARGET_BYTES_MAX = (size_t)2 << 30;

enum status publisher_open(const struct publisher *publisher,
                           struct repository *ret_repository, struct err *err)
{
    const char *folder = publisher->repo ? publisher->repo : getenv("MUSTER_REPO");
    return repository_open(folder ? folder : ".", ret_repository, err);
}

enum status publisher_sign(const struct publisher *publisher,
                           const struct repository *repository, int64_t days,
                           struct publisher_keys *ret_keys,
                           struct publish_signing *ret_signing, struct err *err)
{
    if (days < 1 || days > DAYS_MAX) {
        return err_set(err, ERR_USAGE, "days from 1 to %d expected, %" PRId64 " found",
                       DAYS_MAX, days);
    }
    PASSPHRASE_AUTO passphrase;
    enum status status =
        passphrase_read(publisher->passphrase_file, false, &passphrase, err);
    if (status == OK) {
        status = repository_key(repository, "targets", passphrase.text,
                                &ret_keys->targets, err);
    }
    if (status == OK) {
        status = repository_key(repository, "snapshot", passphrase.text,
                                &ret_keys->snapshot, err);
    }
    if (status == OK) {
        *ret_signing = (struct publish_signing){.targets = &ret_keys->targets,
                                                .snapshot = &ret_keys->snapshot,
                                                .now_ms = clock_wall_ms(),
                                                .life_ms = days * DAY_MS};
    }
    return status;
}

enum status publisher_root_key(const struct publisher *publisher,
                               const struct repository *repository,
                               struct signing_key *ret_key, struct err *err)
{
    PASSPHRASE_AUTO passphrase;
    enum status status =
        passphrase_read(publisher->passphrase_file, false, &passphrase, err);
    return status == OK
               ? repository_key(repository, "root", passphrase.text, ret_key, err)
               : status;
}

void publisher_keys_wipe(struct publisher_keys *keys)
{
    signing_key_wipe(&keys->targets);
    signing_key_wipe(&keys->snapshot);
}

/* What the server has: the versions of root and targets, 0 when nothing was pushed or it
 * does not say. */
struct pushed {
    int64_t root;
    int64_t targets;
};

static enum status ask_pushed(const struct connection *connection,
                              struct pushed *ret_pushed, struct err *err)
{
    HTTP_JSON_AUTO *answer = NULL;
    struct err refusal = {0};
    struct pushed pushed = {0};
    enum status status =
        http_json(connection, "GET", "/v1/repository", NULL, &answer, &refusal);
    if (status != OK && status != ERR_NET_STATUS) {
        return err_set(err, status, "%s", refusal.detail);
    }
    size_t at = 0;
    json_t *role = NULL;
    json_array_foreach(json_object_get(answer, "roles"), at, role)
    {
        const char *name = json_string_value(json_object_get(role, "role"));
        int64_t version = json_integer_value(json_object_get(role, "version"));
        if (name && strcmp(name, "root") == 0) {
            pushed.root = version;
        } else if (name && strcmp(name, "targets") == 0) {
            pushed.targets = version;
        }
    }
    *ret_pushed = pushed;
    return OK;
}

/* The targets of an earlier version, which a server that has it has the files of; NULL
 * when there is no such version here. */
static struct tuf_targets *earlier_targets(const struct repository *repository,
                                           int64_t version)
{
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    struct tuf_targets *targets = NULL;
    if (version < 1 ||
        repository_read(repository, TUF_ROLE_TARGETS, version, &bytes, NULL) != OK ||
        tuf_targets_parse(bytes.data, bytes.len, bytes.max, &targets, NULL) != OK) {
        return NULL;
    }
    return targets;
}

static bool listed_before(const struct tuf_targets *earlier,
                          const struct tuf_target *target)
{
    const struct tuf_target *before =
        earlier ? tuf_targets_find(earlier, target->path) : NULL;
    return before && memcmp(before->hashes.sha256, target->hashes.sha256,
                            sizeof before->hashes.sha256) == 0;
}

static enum status upload_target(const struct connection *connection,
                                 const struct repository *repository,
                                 const struct tuf_target *target, struct err *err)
{
    BUF_AUTO file = BUF_INIT(PATH_BYTES);
    BUF_AUTO bytes = BUF_INIT(TARGET_BYTES_MAX);
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    char digest[2 * sizeof target->hashes.sha256 + 1];
    enum status status = repository_target_file(repository, target, &file, err);
    if (status == OK) {
        status = file_read(file.data, &bytes, err);
    }
    if (status != OK) {
        return status;
    }
    hex_encode(target->hashes.sha256, sizeof target->hashes.sha256, digest);
    buf_addf(&path, "/v1/repository/targets/%s", digest);
    (void)fprintf(stderr, "muster: uploading %s (%zu bytes)\n", target->path, bytes.len);
    return http_upload(connection, path.data, bytes.data ? bytes.data : "", bytes.len,
                       err);
}

static enum status upload_targets(const struct connection *connection,
                                  const struct repository *repository,
                                  const struct tuf_targets *earlier, struct err *err)
{
    const struct tuf_targets *targets = repository->targets;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < targets->count; i++) {
        if (!listed_before(earlier, &targets->targets[i])) {
            status = upload_target(connection, repository, &targets->targets[i], err);
        }
    }
    return status;
}

/* A metadata file as JSON text. */
static enum status add_file(const struct repository *repository, enum tuf_role role,
                            int64_t version, json_t **ret_text, struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    enum status status = repository_read(repository, role, version, &bytes, err);
    if (status != OK) {
        return status;
    }
    *ret_text = json_stringn(bytes.data, bytes.len);
    return *ret_text ? OK : err_set(err, ERR_NO_MEMORY, "no memory to push");
}

static enum status make_body(const struct repository *repository, int64_t known_root,
                             json_t *body, struct err *err)
{
    json_t *roots = json_array();
    json_t *targets = NULL;
    json_t *snapshot = NULL;
    (void)json_object_set_new(body, "roots", roots);
    enum status status = OK;
    int64_t newest = repository->trust.root->envelope.version;
    for (int64_t version = known_root + 1; status == OK && version <= newest; version++) {
        json_t *text = NULL;
        status = add_file(repository, TUF_ROLE_ROOT, version, &text, err);
        (void)json_array_append_new(roots, text);
    }
    if (status == OK) {
        status = add_file(repository, TUF_ROLE_TARGETS,
                          repository->targets->envelope.version, &targets, err);
        (void)json_object_set_new(body, "targets", targets);
    }
    if (status == OK) {
        status = add_file(repository, TUF_ROLE_SNAPSHOT,
                          repository->snapshot->envelope.version, &snapshot, err);
        (void)json_object_set_new(body, "snapshot", snapshot);
    }
    return status;
}

enum status publisher_push(const struct connection *connection,
                           const struct repository *repository, bool all,
                           json_t **ret_answer, struct err *err)
{
    struct pushed pushed = {0};
    enum status status = all ? OK : ask_pushed(connection, &pushed, err);
    if (status != OK) {
        return status;
    }
    struct tuf_targets *earlier = earlier_targets(repository, pushed.targets);
    status = upload_targets(connection, repository, earlier, err);
    tuf_targets_free(earlier);
    HTTP_JSON_AUTO *body = json_object();
    if (status == OK) {
        status = make_body(repository, pushed.root, body, err);
    }
    return status == OK
               ? http_json(connection, "POST", "/v1/repository", body, ret_answer, err)
               : status;
}
