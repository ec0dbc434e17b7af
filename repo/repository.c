/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/repository.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "tuf/json.h"
#include "tuf/signing.h"
#include "tuf/target.h"
#include "tuf/target_digest.h"

static const char MARKER[] = "{\"format\":\"muster-repository/1\"}\n";
static const char TARGETS_FILE[] = "targets.json";
static const char SNAPSHOT_SUFFIX[] = ".snapshot.json";

enum {
    FILE_MODE = 0644,
    FOLDER_MODE = 0755,
    KEYS_MODE = 0700,
    PATH_BYTES = 4096,
    ROOT_KEYS = 2,
};

/* Appends "<folder>/<formatted>". */
__attribute__((format(printf, 4, 5))) static enum status
join(struct buf *path, const char *folder, struct err *err, const char *format, ...)
{
    char below[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(below, sizeof below, format, args);
    va_end(args);
    buf_addf(path, "%s/%s", folder, below);
    return buf_status(path, err);
}

static size_t limit_of(enum tuf_role role)
{
    switch (role) {
    case TUF_ROLE_ROOT:
        return TUF_LIMITS_DEFAULT.root_bytes;
    case TUF_ROLE_TIMESTAMP:
        return TUF_LIMITS_DEFAULT.timestamp_bytes;
    case TUF_ROLE_SNAPSHOT:
        return TUF_LIMITS_DEFAULT.snapshot_bytes;
    case TUF_ROLE_TARGETS:
        break;
    }
    return TUF_LIMITS_DEFAULT.targets_bytes;
}

static enum status read_metadata(const char *folder, enum tuf_role role, int64_t version,
                                 struct buf *ret_bytes, struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    enum status status = join(&path, folder, err, "metadata/%" PRId64 ".%s.json", version,
                              tuf_role_name(role));
    return status == OK ? file_read(path.data, ret_bytes, err) : status;
}

static enum status write_metadata(const char *folder, enum tuf_role role, int64_t version,
                                  const struct buf *bytes, struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    enum status status = join(&path, folder, err, "metadata/%" PRId64 ".%s.json", version,
                              tuf_role_name(role));
    return status == OK
               ? file_write_atomic(path.data, bytes->data, bytes->len, FILE_MODE, err)
               : status;
}

/* ---- making a new one ---- */

/* The keys of a new repository, wiped at the end. */
struct fresh_keys {
    struct signing_key root[ROOT_KEYS];
    struct signing_key targets;
    struct signing_key snapshot;
};

static void wipe_fresh_keys(struct fresh_keys *keys)
{
    for (int i = 0; i < ROOT_KEYS; i++) {
        signing_key_wipe(&keys->root[i]);
    }
    signing_key_wipe(&keys->targets);
    signing_key_wipe(&keys->snapshot);
}

static enum status make_keys(struct fresh_keys *ret_keys, struct err *err)
{
    enum status status = signing_key_generate(&ret_keys->root[0], err);
    if (status == OK) {
        status = signing_key_generate(&ret_keys->root[1], err);
    }
    if (status == OK) {
        status = signing_key_generate(&ret_keys->targets, err);
    }
    return status == OK ? signing_key_generate(&ret_keys->snapshot, err) : status;
}

static enum status store_key(const char *folder, const char *label,
                             const struct signing_key *key,
                             const struct repository_order *order, struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    enum status status = join(&path, folder, err, "keys/%s.key", label);
    return status == OK ? keyfile_create(path.data, label, key, order->passphrase,
                                         &order->cost, err)
                        : status;
}

static enum status store_keys(const char *folder, const struct fresh_keys *keys,
                              const struct repository_order *order, struct err *err)
{
    enum status status = store_key(folder, "root", &keys->root[0], order, err);
    if (status == OK) {
        status = store_key(folder, "root-safe", &keys->root[1], order, err);
    }
    if (status == OK) {
        status = store_key(folder, "targets", &keys->targets, order, err);
    }
    return status == OK ? store_key(folder, "snapshot", &keys->snapshot, order, err)
                        : status;
}

static enum status fill_root(json_t *root, const struct fresh_keys *keys,
                             const struct repository_order *order, struct err *err)
{
    const struct {
        enum tuf_role role;
        const uint8_t *public_key;
    } rows[] = {
        {TUF_ROLE_ROOT, keys->root[0].public_key},
        {TUF_ROLE_ROOT, keys->root[1].public_key},
        {TUF_ROLE_TIMESTAMP, order->timestamp_public},
        {TUF_ROLE_SNAPSHOT, keys->snapshot.public_key},
        {TUF_ROLE_TARGETS, keys->targets.public_key},
    };
    enum status status = OK;
    for (size_t i = 0; status == OK && i < sizeof rows / sizeof rows[0]; i++) {
        status = signing_root_add_key(root, rows[i].role, rows[i].public_key, err);
    }
    return status;
}

static enum status write_first_root(const char *folder, const struct fresh_keys *keys,
                                    const struct repository_order *order, struct err *err)
{
    const struct signing_key *const both[ROOT_KEYS] = {&keys->root[0], &keys->root[1]};
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    JSON_AUTO *body = NULL;
    enum status status =
        signing_body_new(TUF_ROLE_ROOT, 1, order->now_ms + order->life_ms, &body, err);
    if (status == OK) {
        status = fill_root(body, keys, order, err);
    }
    if (status == OK) {
        status = signing_envelope(body, both, ROOT_KEYS, &bytes, err);
    }
    if (status == OK) {
        status = write_metadata(folder, TUF_ROLE_ROOT, 1, &bytes, err);
    }
    if (status == OK) {
        status = join(&path, folder, err, "root.json");
    }
    return status == OK
               ? file_write_atomic(path.data, bytes.data, bytes.len, FILE_MODE, err)
               : status;
}

static enum status write_first_snapshot(const char *folder, const struct fresh_keys *keys,
                                        const struct repository_order *order,
                                        struct err *err)
{
    const struct signing_key *targets_key = &keys->targets;
    const struct signing_key *snapshot_key = &keys->snapshot;
    int64_t expires_ms = order->now_ms + order->life_ms;
    BUF_AUTO targets = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    BUF_AUTO snapshot = BUF_INIT(TUF_LIMITS_DEFAULT.snapshot_bytes);
    JSON_AUTO *targets_body = NULL;
    JSON_AUTO *snapshot_body = NULL;
    enum status status =
        signing_body_new(TUF_ROLE_TARGETS, 1, expires_ms, &targets_body, err);
    if (status == OK) {
        status = signing_envelope(targets_body, &targets_key, 1, &targets, err);
    }
    if (status == OK) {
        status = write_metadata(folder, TUF_ROLE_TARGETS, 1, &targets, err);
    }
    if (status == OK) {
        status = signing_body_new(TUF_ROLE_SNAPSHOT, 1, expires_ms, &snapshot_body, err);
    }
    if (status == OK) {
        struct signing_file file = {
            .data = targets.data, .len = targets.len, .version = 1};
        status = signing_set_meta(snapshot_body, TARGETS_FILE, &file, err);
    }
    if (status == OK) {
        status = signing_envelope(snapshot_body, &snapshot_key, 1, &snapshot, err);
    }
    return status == OK ? write_metadata(folder, TUF_ROLE_SNAPSHOT, 1, &snapshot, err)
                        : status;
}

static enum status make_folders(const char *folder, struct err *err)
{
    static const struct {
        const char *name;
        mode_t mode;
    } rows[] = {{"keys", KEYS_MODE}, {"metadata", FOLDER_MODE}, {"targets", FOLDER_MODE}};
    enum status status = file_mkdirs(folder, FOLDER_MODE, err);
    for (size_t i = 0; status == OK && i < sizeof rows / sizeof rows[0]; i++) {
        BUF_AUTO path = BUF_INIT(PATH_BYTES);
        status = join(&path, folder, err, "%s", rows[i].name);
        if (status == OK) {
            status = file_mkdirs(path.data, rows[i].mode, err);
        }
    }
    return status;
}

static enum status check_timestamp_key(const struct repository_order *order,
                                       struct err *err)
{
    JSON_AUTO *object = key_object_new(order->timestamp_public);
    VERIFY_KEY_AUTO key = {0};
    enum status status = verify_key_parse(object, &key, err);
    if (status == OK && key.kind != KEY_ED25519) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "the timestamp key is no usable Ed25519 public key");
    }
    return status;
}

enum status repository_init(const char *folder, const struct repository_order *order,
                            struct err *err)
{
    __attribute__((cleanup(wipe_fresh_keys))) struct fresh_keys keys = {0};
    BUF_AUTO marker = BUF_INIT(PATH_BYTES);
    enum status status = join(&marker, folder, err, "repo.json");
    if (status == OK && file_exists(marker.data)) {
        return err_set(err, ERR_EXISTS, "'%s' holds a repository already", folder);
    }
    if (status == OK) {
        status = check_timestamp_key(order, err);
    }
    if (status == OK) {
        status = make_folders(folder, err);
    }
    if (status == OK) {
        status = make_keys(&keys, err);
    }
    if (status == OK) {
        status = store_keys(folder, &keys, order, err);
    }
    if (status == OK) {
        status = write_first_root(folder, &keys, order, err);
    }
    if (status == OK) {
        status = write_first_snapshot(folder, &keys, order, err);
    }
    return status == OK ? file_create(marker.data, MARKER, strlen(MARKER), FILE_MODE, err)
                        : status;
}

/* ---- opening ---- */

static enum status lock_marker(const char *folder, int *ret_fd, struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    enum status status = join(&path, folder, err, "repo.json");
    if (status != OK) {
        return status;
    }
    int fd = open(path.data, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return err_set(err, ERR_NOT_FOUND,
                       "'%s' holds no repository; 'muster repo init' makes one", folder);
    }
    if (fd < 0) {
        return err_set_errno(err, "could not open '%s'", path.data);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        return err_set(err, ERR_BUSY, "another process works on '%s'", folder);
    }
    *ret_fd = fd;
    return OK;
}

/* Root 1 and every later one in order; expiry is not looked at here. */
static enum status load_roots(struct repository *repository, struct err *err)
{
    BUF_AUTO first = BUF_INIT(limit_of(TUF_ROLE_ROOT));
    enum status status = read_metadata(repository->folder, TUF_ROLE_ROOT, 1, &first, err);
    if (status == OK) {
        status = trusted_set_init(&repository->trust, first.data, first.len, 0, err);
    }
    while (status == OK) {
        BUF_AUTO next = BUF_INIT(limit_of(TUF_ROLE_ROOT));
        int64_t version = repository->trust.root->envelope.version + 1;
        struct err reason = {0};
        status =
            read_metadata(repository->folder, TUF_ROLE_ROOT, version, &next, &reason);
        if (status == ERR_NOT_FOUND) {
            return OK;
        }
        if (status == OK) {
            status =
                trusted_set_load_root(&repository->trust, next.data, next.len, &reason);
        }
        if (status != OK) {
            return err_set(err, status, "%s", reason.detail);
        }
    }
    return status;
}

static void close_dir(DIR **dir)
{
    if (*dir) {
        (void)closedir(*dir);
    }
}

/* The highest N of metadata/N.snapshot.json. */
static enum status newest_snapshot(const char *folder, int64_t *ret_version,
                                   struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    enum status status = join(&path, folder, err, "metadata");
    if (status != OK) {
        return status;
    }
    __attribute__((cleanup(close_dir))) DIR *dir = opendir(path.data);
    if (!dir) {
        return err_set_errno(err, "could not open '%s'", path.data);
    }
    int64_t newest = 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char *end = NULL;
        errno = 0;
        long long version = strtoll(entry->d_name, &end, 10);
        if (errno == 0 && end != entry->d_name && strcmp(end, SNAPSHOT_SUFFIX) == 0 &&
            version > newest) {
            newest = version;
        }
    }
    if (newest == 0) {
        return err_set(err, ERR_TUF_MISSING, "'%s' holds no snapshot", path.data);
    }
    *ret_version = newest;
    return OK;
}

static enum status verify_role(const struct repository *repository,
                               const struct tuf_envelope *envelope, enum tuf_role role,
                               int64_t version, struct err *err)
{
    const struct tuf_root *root = repository->trust.root;
    enum status status =
        tuf_envelope_verify(envelope, &root->keyring, &root->roles[role], NULL, err);
    if (status != OK) {
        err_prefix(err, "%s version %" PRId64, tuf_role_name(role), version);
    } else if (envelope->version != version) {
        return err_set(err, ERR_TUF_VERSION,
                       "%s: version %" PRId64 " expected, %" PRId64 " found",
                       tuf_role_name(role), version, envelope->version);
    }
    return status;
}

static enum status load_snapshot(struct repository *repository, struct err *err)
{
    int64_t version = 0;
    BUF_AUTO bytes = BUF_INIT(limit_of(TUF_ROLE_SNAPSHOT));
    enum status status = newest_snapshot(repository->folder, &version, err);
    if (status == OK) {
        status =
            read_metadata(repository->folder, TUF_ROLE_SNAPSHOT, version, &bytes, err);
    }
    if (status == OK) {
        status = tuf_snapshot_parse(bytes.data, bytes.len, bytes.max,
                                    &repository->snapshot, err);
    }
    return status == OK ? verify_role(repository, &repository->snapshot->envelope,
                                      TUF_ROLE_SNAPSHOT, version, err)
                        : status;
}

static enum status load_targets(struct repository *repository, struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(limit_of(TUF_ROLE_TARGETS));
    const struct tuf_meta *meta = tuf_snapshot_meta(repository->snapshot, TARGETS_FILE);
    if (!meta) {
        return err_set(err, ERR_TUF_MISSING, "snapshot: 'targets.json' is not listed");
    }
    enum status status =
        read_metadata(repository->folder, TUF_ROLE_TARGETS, meta->version, &bytes, err);
    if (status == OK) {
        status = tuf_hashes_verify(&meta->hashes, bytes.data, bytes.len, err);
    }
    if (status == OK) {
        status = tuf_targets_parse(bytes.data, bytes.len, bytes.max, &repository->targets,
                                   err);
    }
    return status == OK ? verify_role(repository, &repository->targets->envelope,
                                      TUF_ROLE_TARGETS, meta->version, err)
                        : status;
}

static void drop_state(struct repository *repository)
{
    trusted_set_release(&repository->trust);
    tuf_snapshot_free(repository->snapshot);
    tuf_targets_free(repository->targets);
    repository->snapshot = NULL;
    repository->targets = NULL;
}

enum status repository_reload(struct repository *repository, struct err *err)
{
    drop_state(repository);
    enum status status = load_roots(repository, err);
    if (status == OK) {
        status = load_snapshot(repository, err);
    }
    return status == OK ? load_targets(repository, err) : status;
}

enum status repository_open(const char *folder, struct repository *ret_repository,
                            struct err *err)
{
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    enum status status = lock_marker(folder, &repository.lock_fd, err);
    if (status != OK) {
        return status;
    }
    repository.folder = strdup(folder);
    if (!repository.folder) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a repository");
    }
    status = repository_reload(&repository, err);
    if (status == OK) {
        *ret_repository = repository;
        repository = (struct repository){.lock_fd = -1};
    }
    return status;
}

void repository_release(struct repository *repository)
{
    drop_state(repository);
    free(repository->folder);
    if (repository->lock_fd >= 0) {
        (void)close(repository->lock_fd);
    }
    *repository = (struct repository){.lock_fd = -1};
}

/* ---- files ---- */

enum status repository_read(const struct repository *repository, enum tuf_role role,
                            int64_t version, struct buf *ret_bytes, struct err *err)
{
    return read_metadata(repository->folder, role, version, ret_bytes, err);
}

enum status repository_write(const struct repository *repository, enum tuf_role role,
                             int64_t version, const struct buf *bytes, struct err *err)
{
    return write_metadata(repository->folder, role, version, bytes, err);
}

enum status repository_target_file(const struct repository *repository,
                                   const struct tuf_target *target, struct buf *ret_path,
                                   struct err *err)
{
    buf_addf(ret_path, "%s/targets/", repository->folder);
    return target_fetch_path(target, true, ret_path, err);
}

enum status repository_key(const struct repository *repository, const char *label,
                           const char *passphrase, struct signing_key *ret_key,
                           struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    enum status status = join(&path, repository->folder, err, "keys/%.40s.key", label);
    return status == OK ? keyfile_open(path.data, passphrase, ret_key, err) : status;
}

static void feed(void *user, const void *data, size_t len)
{
    target_digest_update(user, data, len);
}

static enum status verify_target_file(const struct repository *repository,
                                      const struct tuf_target *target, struct err *err)
{
    BUF_AUTO path = BUF_INIT(PATH_BYTES);
    TARGET_DIGEST_AUTO digest = {0};
    enum status status = repository_target_file(repository, target, &path, err);
    if (status == OK) {
        status = target_digest_init(&digest, target, err);
    }
    if (status == OK) {
        status = file_feed(path.data, feed, &digest, err);
    }
    return status == OK ? target_digest_finish(&digest, target, err) : status;
}

static enum status verify_target_files(const struct repository *repository,
                                       struct err *err)
{
    for (size_t i = 0; i < repository->targets->count; i++) {
        enum status status =
            verify_target_file(repository, &repository->targets->targets[i], err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

static enum status verify_expiry(const struct tuf_envelope *envelope, enum tuf_role role,
                                 int64_t at_ms, struct err *err)
{
    if (envelope->expires_ms > at_ms) {
        return OK;
    }
    char expires[RFC3339_BYTES];
    char at[RFC3339_BYTES];
    clock_format_utc(envelope->expires_ms, expires);
    clock_format_utc(at_ms, at);
    return err_set(err, ERR_TUF_EXPIRED,
                   "%s version %" PRId64 ": an expiry after %s expected, %s found",
                   tuf_role_name(role), envelope->version, at, expires);
}

enum status repository_verify(const struct repository *repository, int64_t at_ms,
                              struct err *err)
{
    enum status status =
        verify_expiry(&repository->trust.root->envelope, TUF_ROLE_ROOT, at_ms, err);
    if (status == OK) {
        status =
            verify_expiry(&repository->snapshot->envelope, TUF_ROLE_SNAPSHOT, at_ms, err);
    }
    if (status == OK) {
        status =
            verify_expiry(&repository->targets->envelope, TUF_ROLE_TARGETS, at_ms, err);
    }
    if (status == OK) {
        status = model_targets_check(repository->targets, err);
    }
    return status == OK ? verify_target_files(repository, err) : status;
}
