/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/repository.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "repo/journal.h"
#include "repo/metadata_file.h"
#include "tuf/target.h"
#include "tuf/target_digest.h"

static const char BUNDLE_FORMAT[] = "muster-bundle/1";
static const char SNAPSHOT_SUFFIX[] = ".snapshot.json";
static const char TARGETS_ROLE[] = "targets";

enum { MARKER_MAX_BYTES = 4096 };

/* ---- opening ---- */

static enum status lock_marker(const char *folder, int *ret_fd, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status = folder_path(&path, folder, err, "repo.json");
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

/* Whether the marker says that this is a bundle, as `expected`. */
static enum status check_kind(const char *folder, bool expected, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    BUF_AUTO text = BUF_INIT(MARKER_MAX_BYTES);
    enum status status = folder_path(&path, folder, err, "repo.json");
    if (status == OK) {
        status = file_read(path.data, &text, err);
    }
    if (status != OK) {
        return status;
    }
    bool found = text.data && strstr(text.data, BUNDLE_FORMAT);
    if (found && !expected) {
        return err_set(err, ERR_UNSUPPORTED,
                       "'%s' is a bundle, not a repository: sign it with 'muster repo "
                       "sign --bundle', then 'muster repo unbundle' at home",
                       folder);
    }
    if (!found && expected) {
        return err_set(err, ERR_UNSUPPORTED,
                       "'%s' is no bundle; 'muster repo bundle' makes one", folder);
    }
    return OK;
}

/* Root 1 and every later one in order; expiry is not looked at here. */
static enum status load_roots(struct repository *repository, struct err *err)
{
    BUF_AUTO first = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
    enum status status = repository_read(repository, "root", 1, &first, err);
    if (status == OK) {
        status = trusted_set_init(&repository->trust, first.data, first.len, 0, err);
    }
    while (status == OK) {
        BUF_AUTO next = BUF_INIT(TUF_LIMITS_DEFAULT.root_bytes);
        int64_t version = repository->trust.root->envelope.version + 1;
        struct err reason = {0};
        status = repository_read(repository, "root", version, &next, &reason);
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
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status = folder_path(&path, folder, err, "metadata");
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

/* Who must have signed a file. */
struct signers {
    const struct tuf_keyring *keyring;
    const struct tuf_authority *authority;
};

static enum status verify_role(const struct tuf_envelope *envelope, const char *role,
                               const struct signers *signers, int64_t version,
                               struct err *err)
{
    enum status status =
        tuf_envelope_verify(envelope, signers->keyring, signers->authority, NULL, err);
    if (status != OK) {
        err_prefix(err, "%.60s version %" PRId64, role, version);
    } else if (envelope->version != version) {
        return err_set(err, ERR_TUF_VERSION,
                       "%.60s: version %" PRId64 " expected, %" PRId64 " found", role,
                       version, envelope->version);
    }
    return status;
}

static struct signers root_signers(const struct repository *repository,
                                   enum tuf_role role)
{
    const struct tuf_root *root = repository->trust.root;
    return (struct signers){.keyring = &root->keyring, .authority = &root->roles[role]};
}

static enum status load_snapshot(struct repository *repository, struct err *err)
{
    int64_t version = 0;
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.snapshot_bytes);
    struct signers signers = root_signers(repository, TUF_ROLE_SNAPSHOT);
    enum status status = newest_snapshot(repository->folder, &version, err);
    if (status == OK) {
        status = repository_read(repository, "snapshot", version, &bytes, err);
    }
    if (status == OK) {
        status = tuf_snapshot_parse(bytes.data, bytes.len, bytes.max,
                                    &repository->snapshot, err);
    }
    return status == OK ? verify_role(&repository->snapshot->envelope, "snapshot",
                                      &signers, version, err)
                        : status;
}

/* The file of targets or of a delegated role, as the snapshot names it. */
static enum status load_targets(const struct repository *repository, const char *role,
                                const struct signers *signers,
                                struct tuf_targets **ret_targets, struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    const struct tuf_meta *meta = repository_meta(repository, role);
    if (!meta) {
        return err_set(err, ERR_TUF_MISSING, "snapshot: '%.60s.json' is not listed",
                       role);
    }
    struct tuf_targets *targets = NULL;
    enum status status = repository_read(repository, role, meta->version, &bytes, err);
    if (status == OK) {
        status = tuf_hashes_verify(&meta->hashes, bytes.data, bytes.len, err);
    }
    if (status == OK) {
        status = tuf_targets_parse(bytes.data, bytes.len, bytes.max, &targets, err);
    }
    if (status == OK) {
        status = verify_role(&targets->envelope, role, signers, meta->version, err);
    }
    if (status != OK) {
        tuf_targets_free(targets);
        return status;
    }
    *ret_targets = targets;
    return OK;
}

/* The roles to which top-level targets delegate and whose file is published; what those
 * delegate further is not muster's making and is left alone. */
static enum status load_delegated(struct repository *repository, struct err *err)
{
    const struct tuf_delegations *all = repository->targets->delegations;
    size_t count = all ? all->count : 0;
    repository->roles = calloc(count + 1, sizeof *repository->roles);
    if (!repository->roles) {
        return err_set(err, ERR_NO_MEMORY, "no memory for delegated roles");
    }
    enum status status = OK;
    for (size_t i = 0; status == OK && i < count; i++) {
        struct repository_role *role = &repository->roles[repository->role_count];
        struct signers signers = {.keyring = &all->keyring,
                                  .authority = &all->roles[i].authority};
        if (!repository_meta(repository, all->roles[i].name)) {
            continue;
        }
        role->name = all->roles[i].name;
        status = load_targets(repository, role->name, &signers, &role->targets, err);
        repository->role_count += status == OK;
    }
    return status;
}

static void drop_state(struct repository *repository)
{
    for (size_t i = 0; i < repository->role_count; i++) {
        tuf_targets_free(repository->roles[i].targets);
    }
    free(repository->roles);
    repository->roles = NULL;
    repository->role_count = 0;
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
    if (status == OK) {
        struct signers signers = root_signers(repository, TUF_ROLE_TARGETS);
        status =
            load_targets(repository, TARGETS_ROLE, &signers, &repository->targets, err);
    }
    return status == OK ? load_delegated(repository, err) : status;
}

static enum status open_kind(const char *folder, bool bundle,
                             struct repository *ret_repository, struct err *err)
{
    REPOSITORY_AUTO repository = {.lock_fd = -1, .bundle = bundle};
    enum status status = lock_marker(folder, &repository.lock_fd, err);
    if (status == OK) {
        status = check_kind(folder, bundle, err);
    }
    if (status != OK) {
        return status;
    }
    repository.folder = strdup(folder);
    if (!repository.folder) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a repository");
    }
    status = journal_finish(folder, err);
    if (status == OK) {
        status = repository_reload(&repository, err);
    }
    if (status == OK) {
        *ret_repository = repository;
        repository = (struct repository){.lock_fd = -1};
    }
    return status;
}

enum status repository_open(const char *folder, struct repository *ret_repository,
                            struct err *err)
{
    return open_kind(folder, false, ret_repository, err);
}

enum status repository_open_bundle(const char *folder, struct repository *ret_repository,
                                   struct err *err)
{
    return open_kind(folder, true, ret_repository, err);
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

enum status repository_read(const struct repository *repository, const char *role,
                            int64_t version, struct buf *ret_bytes, struct err *err)
{
    return metadata_file_read(repository->folder, role, version, ret_bytes, err);
}

const struct tuf_targets *repository_targets(const struct repository *repository,
                                             const char *role)
{
    if (strcmp(role, TARGETS_ROLE) == 0) {
        return repository->targets;
    }
    for (size_t i = 0; i < repository->role_count; i++) {
        if (strcmp(repository->roles[i].name, role) == 0) {
            return repository->roles[i].targets;
        }
    }
    return NULL;
}

const struct tuf_meta *repository_meta(const struct repository *repository,
                                       const char *role)
{
    char name[TUF_ROLE_NAME_MAX + 8];
    (void)snprintf(name, sizeof name, "%.*s.json", TUF_ROLE_NAME_MAX - 1, role);
    return tuf_snapshot_meta(repository->snapshot, name);
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
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
    enum status status =
        folder_path(&path, repository->folder, err, "keys/%.40s.key", label);
    return status == OK ? keyfile_open(path.data, passphrase, ret_key, err) : status;
}

/* ---- whether a client could use it ---- */

static void feed(void *user, const void *data, size_t len)
{
    target_digest_update(user, data, len);
}

static enum status verify_target_file(const struct repository *repository,
                                      const struct tuf_target *target, struct err *err)
{
    BUF_AUTO path = BUF_INIT(REPO_PATH_BYTES);
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
                                       const struct tuf_targets *targets, struct err *err)
{
    for (size_t i = 0; i < targets->count; i++) {
        enum status status = verify_target_file(repository, &targets->targets[i], err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

static enum status verify_expiry(const struct tuf_envelope *envelope, const char *role,
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
                   "%.60s version %" PRId64 ": an expiry after %s expected, %s found",
                   role, envelope->version, at, expires);
}

static enum status verify_targets(const struct repository *repository, const char *role,
                                  const struct tuf_targets *targets, int64_t at_ms,
                                  struct err *err)
{
    enum status status = verify_expiry(&targets->envelope, role, at_ms, err);
    if (status == OK) {
        status = model_targets_check(targets, err);
    }
    return status == OK ? verify_target_files(repository, targets, err) : status;
}

enum status repository_verify(const struct repository *repository, int64_t at_ms,
                              struct err *err)
{
    enum status status =
        verify_expiry(&repository->trust.root->envelope, "root", at_ms, err);
    if (status == OK) {
        status = verify_expiry(&repository->snapshot->envelope, "snapshot", at_ms, err);
    }
    if (status == OK) {
        status =
            verify_targets(repository, TARGETS_ROLE, repository->targets, at_ms, err);
    }
    for (size_t i = 0; status == OK && i < repository->role_count; i++) {
        const struct repository_role *role = &repository->roles[i];
        status = verify_targets(repository, role->name, role->targets, at_ms, err);
    }
    return status;
}
