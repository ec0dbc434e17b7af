/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/publication.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "server/service/artifacts.h"
#include "server/service/changes.h"
#include "server/service/keys.h"
#include "server/service/publication_files.h"
#include "server/service/table.h"
#include "server/store/registry.h"
#include "server/store/registry_models.h"
#include "tuf/signing.h"

struct verified_file {
    char sha256[SHA256_HEX_BYTES];
    struct stat st; /* when it was verified */
    UT_hash_handle hh;
};

/* A listing on its way into the database. */
struct listing {
    const struct live *live;
    const char *actor;
    int64_t at_ms;
};

static enum status write_listing(void *context, struct db *db, struct err *err)
{
    const struct listing *listing = context;
    const struct trusted_set *set = &listing->live->set;
    struct publication_row row = {
        .published_ms = listing->at_ms,
        .published_by = listing->actor,
        .root_version = set->root->envelope.version,
        .snapshot_version = set->snapshot->envelope.version,
        .targets_version = set->targets->envelope.version,
    };
    char subject[32];
    (void)snprintf(subject, sizeof subject, "targets %" PRId64, row.targets_version);
    struct audit_row audit = {.at_ms = listing->at_ms,
                              .actor = listing->actor,
                              .action = "repository.publish",
                              .subject = subject};
    enum status status = artifacts_write_listing(db, set->targets, listing->at_ms, err);
    if (status == OK) {
        status = publication_row_insert(db, &row, err);
    }
    return status == OK ? audit_row_insert(db, &audit, err) : status;
}

enum status publication_list(struct publication *publication, const char *actor,
                             struct err *err)
{
    CHANGE_AUTO(held, publication->options.changes);
    struct listing listing = {
        .live = publication->live, .actor = actor, .at_ms = clock_wall_ms()};
    enum status status =
        changes_commit(publication->options.changes, write_listing, &listing, err);
    if (status == OK) {
        status = artifacts_list(publication->options.artifacts,
                                publication->live->set.targets, listing.at_ms, err);
    }
    publication->listed = status == OK;
    return status;
}

void publication_swap(struct publication *publication, struct live *live)
{
    (void)pthread_rwlock_wrlock(&publication->lock);
    struct live *old = publication->live;
    publication->live = live;
    (void)pthread_rwlock_unlock(&publication->lock);
    live_free(old);
}

enum status publication_sign(const struct publication *publication, struct live *live,
                             int64_t snapshot_version, int64_t last_version,
                             struct err *err)
{
    struct timestamp_order order = {
        .snapshot = {.data = live->snapshot.data,
                     .len = live->snapshot.len,
                     .version = snapshot_version},
        .last_version = last_version,
        .now_ms = clock_wall_ms(),
        .life_ms = publication->options.timestamp_ms,
    };
    int64_t version = 0;
    buf_reset(&live->timestamp);
    enum status status = signing_timestamp(&order, &publication->options.keys->timestamp,
                                           &live->timestamp, &version, err);
    return status == OK ? buf_status(&live->timestamp, err) : status;
}

/* Whether the database lists exactly the live targets. */
struct comparison {
    const struct live *live;
    int64_t snapshot_version, targets_version, root_version;
    bool equal;
};

static enum status compare(void *context, struct db *db, struct err *err)
{
    struct comparison *comparison = context;
    struct publication_row row = {0};
    enum status status = publication_row_newest(db, &row, err);
    const struct trusted_set *set = &comparison->live->set;
    comparison->equal = row.root_version == set->root->envelope.version &&
                        row.snapshot_version == set->snapshot->envelope.version &&
                        row.targets_version == set->targets->envelope.version;
    return status;
}

/* Makes the folders, reads the published state, repairs the listing. */
static enum status start(struct publication *publication, struct err *err)
{
    char path[PATH_MAX];
    enum status status = publication_path(publication, path, err, "metadata");
    if (status == OK) {
        status = file_mkdirs(path, 0755, err);
        file_sweep_temporary(path);
    }
    if (status == OK) {
        status = publication_load(publication, &publication->live, err);
    }
    if (status != OK || !publication->live) {
        return status;
    }
    struct comparison comparison = {.live = publication->live};
    status = changes_read(publication->options.changes, compare, &comparison, err);
    publication->listed = comparison.equal;
    return status == OK ? publication_tick(publication, clock_wall_ms(), err) : status;
}

enum status publication_open(const struct publication_options *options,
                             struct publication **ret_publication, struct err *err)
{
    struct publication *publication = calloc(1, sizeof *publication);
    if (!publication) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the published state");
    }
    publication->options = *options;
    (void)pthread_mutex_init(&publication->publishing, NULL);
    (void)pthread_mutex_init(&publication->verifying, NULL);
    (void)pthread_rwlock_init(&publication->lock, NULL);
    enum status status = start(publication, err);
    if (status != OK) {
        publication_free(publication);
        return status;
    }
    *ret_publication = publication;
    return OK;
}

void publication_free(struct publication *publication)
{
    if (!publication) {
        return;
    }
    struct verified_file *file, *next;
    HASH_ITER(hh, publication->verified, file, next)
    {
        HASH_DELETE(hh, publication->verified, file);
        free(file);
    }
    live_free(publication->live);
    (void)pthread_mutex_destroy(&publication->publishing);
    (void)pthread_mutex_destroy(&publication->verifying);
    (void)pthread_rwlock_destroy(&publication->lock);
    free(publication);
}

struct publication_state publication_state(struct publication *publication)
{
    struct publication_state state = {0};
    (void)pthread_rwlock_rdlock(&publication->lock);
    if (publication->live) {
        const struct trusted_set *set = &publication->live->set;
        const struct tuf_envelope *envelopes[TUF_ROLE_COUNT] = {
            [TUF_ROLE_ROOT] = &set->root->envelope,
            [TUF_ROLE_TIMESTAMP] = &set->timestamp->envelope,
            [TUF_ROLE_SNAPSHOT] = &set->snapshot->envelope,
            [TUF_ROLE_TARGETS] = &set->targets->envelope,
        };
        for (int role = 0; role < TUF_ROLE_COUNT; role++) {
            state.versions[role] = envelopes[role]->version;
            state.expires_ms[role] = envelopes[role]->expires_ms;
        }
    }
    (void)pthread_rwlock_unlock(&publication->lock);
    return state;
}

static bool digest_valid(const char *text)
{
    return strlen(text) == SHA256_HEX_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == SHA256_HEX_BYTES - 1;
}

/* Whether the file on disk is whole. */
static bool stored_whole(const char *path, const uint8_t digest[static SHA256_BYTES])
{
    uint8_t stored[SHA256_BYTES];
    uint64_t size = 0;
    return file_exists(path) && file_sha256(path, stored, &size, NULL) == OK &&
           memcmp(stored, digest, sizeof stored) == 0;
}

enum status publication_put_target(struct publication *publication, const char *sha256,
                                   const void *data, size_t len, struct err *err)
{
    char path[PATH_MAX];
    char actual[SHA256_HEX_BYTES];
    uint8_t digest[SHA256_BYTES];
    if (!digest_valid(sha256)) {
        return err_set(err, ERR_NOT_FOUND, "a target is named by 64 lower-case digits");
    }
    if (len > publication->options.target_bytes) {
        return err_set(err, ERR_HTTP_TOO_LARGE, "a target has at most %" PRIu64 " bytes",
                       publication->options.target_bytes);
    }
    enum status status = sha256_of(data, len, digest, err);
    if (status != OK) {
        return status;
    }
    hex_encode(digest, sizeof digest, actual);
    if (strcmp(actual, sha256) != 0) {
        return err_set(err, ERR_TUF_HASH, "the bytes have the SHA-256 %s", actual);
    }
    status = publication_path(publication, path, err, "targets/%.2s", sha256);
    if (status == OK) {
        status = file_mkdirs(path, 0755, err);
    }
    if (status == OK) {
        status = publication_target_path(publication, sha256, path, err);
    }
    if (status != OK || stored_whole(path, digest)) {
        return status;
    }
    return file_write_atomic(path, data, len, 0644, err);
}

enum status publication_timestamp(struct publication *publication, struct arena *arena,
                                  const char **ret_text, size_t *ret_len, struct err *err)
{
    char *text = NULL;
    (void)pthread_rwlock_rdlock(&publication->lock);
    const struct live *live = publication->live;
    if (live) {
        text = arena_strndup(arena, live->timestamp.data, live->timestamp.len);
    }
    if (text) {
        *ret_text = text;
        *ret_len = live->timestamp.len;
    }
    (void)pthread_rwlock_unlock(&publication->lock);
    if (!live) {
        return err_set(err, ERR_NOT_FOUND, "nothing is published yet");
    }
    return text ? OK : err_set(err, ERR_NO_MEMORY, "no memory for the timestamp");
}

/* Reads "N.root.json" and the like, N without leading zeros. */
static bool metadata_name(const char *name, enum tuf_role *ret_role, int64_t *ret_version)
{
    static const enum tuf_role ROLES[] = {TUF_ROLE_ROOT, TUF_ROLE_SNAPSHOT,
                                          TUF_ROLE_TARGETS};
    char expected[64];
    char *end = NULL;
    errno = 0;
    long long version = strtoll(name, &end, 10);
    if (errno != 0 || version < 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        (void)snprintf(expected, sizeof expected, "%lld.%s.json", version,
                       tuf_role_name(ROLES[i]));
        if (strcmp(name, expected) == 0) {
            *ret_role = ROLES[i];
            *ret_version = version;
            return true;
        }
    }
    return false;
}

static enum status open_file(const char *path, const char *tag,
                             struct publication_file *ret_file, struct stat *ret_st,
                             struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? err_set(err, ERR_NOT_FOUND, "there is no such file")
                               : err_set_errno(err, "could not open a published file");
    }
    if (fstat(fd, ret_st) != 0 || !S_ISREG(ret_st->st_mode)) {
        (void)close(fd);
        return err_set(err, ERR_IO, "a published file is not a regular file");
    }
    ret_file->fd = fd;
    ret_file->size = (uint64_t)ret_st->st_size;
    (void)snprintf(ret_file->tag, sizeof ret_file->tag, "%s", tag);
    return OK;
}

enum status publication_open_metadata(struct publication *publication, const char *name,
                                      struct publication_file *ret_file, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    enum tuf_role role = TUF_ROLE_ROOT;
    int64_t version = 0;
    if (!metadata_name(name, &role, &version) ||
        version > publication_state(publication).versions[role]) {
        return err_set(err, ERR_NOT_FOUND, "no such metadata file is published");
    }
    enum status status = publication_path(publication, path, err, "metadata/%s", name);
    return status == OK ? open_file(path, name, ret_file, &st, err) : status;
}

/* Whether `<folder>/<basename>` is listed with this digest; its length. */
static bool listed(struct publication *publication, const char *path, const char *sha256,
                   uint64_t *ret_length)
{
    bool found = false;
    char digest[SHA256_HEX_BYTES];
    (void)pthread_rwlock_rdlock(&publication->lock);
    const struct tuf_target *target =
        publication->live ? tuf_targets_find(publication->live->set.targets, path) : NULL;
    if (target) {
        hex_encode(target->hashes.sha256, SHA256_BYTES, digest);
        found = target->hashes.has_sha256 && strcmp(digest, sha256) == 0;
        *ret_length = (uint64_t)target->length;
    }
    (void)pthread_rwlock_unlock(&publication->lock);
    return found;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool was_verified(struct publication *publication, const char *sha256,
                         const struct stat *st)
{
    struct verified_file *file = NULL;
    (void)pthread_mutex_lock(&publication->verifying);
    HASH_FIND_STR(publication->verified, sha256, file);
    bool good = file && same_file(&file->st, st);
    (void)pthread_mutex_unlock(&publication->verifying);
    return good;
}

static void remember_verified(struct publication *publication, const char *sha256,
                              const struct stat *st)
{
    struct verified_file *file = NULL;
    (void)pthread_mutex_lock(&publication->verifying);
    HASH_FIND_STR(publication->verified, sha256, file);
    if (!file) {
        file = calloc(1, sizeof *file);
        if (file) {
            (void)snprintf(file->sha256, sizeof file->sha256, "%s", sha256);
            HASH_ADD_STR(publication->verified, sha256, file);
        }
    }
    if (file) {
        file->st = *st;
    }
    (void)pthread_mutex_unlock(&publication->verifying);
}

static enum status verify(struct publication *publication, const char *path,
                          const char *sha256, const struct stat *st, struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    if (was_verified(publication, sha256, st)) {
        return OK;
    }
    if (hex_decode(sha256, digest, sizeof digest, NULL) == OK &&
        stored_whole(path, digest)) {
        remember_verified(publication, sha256, st);
        return OK;
    }
    log_event(LOG_LEVEL_ERROR, "artifact_corrupt", log_text("sha256", sha256));
    return err_set(err, ERR_ARTIFACT_CORRUPT, "the stored file of %s is damaged", sha256);
}

/* Opens the stored file of a listed digest and vouches for its bytes. */
static enum status open_verified(struct publication *publication, const char *sha256,
                                 uint64_t length, struct publication_file *ret_file,
                                 struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    struct publication_file file = {.fd = -1};
    enum status status = publication_target_path(publication, sha256, path, err);
    if (status == OK && !file_exists(path)) {
        log_event(LOG_LEVEL_ERROR, "artifact_missing", log_text("sha256", sha256));
        return err_set(err, ERR_ARTIFACT_CORRUPT, "the file of %s is gone", sha256);
    }
    if (status == OK) {
        status = open_file(path, sha256, &file, &st, err);
    }
    if (status != OK) {
        return status;
    }
    status = file.size == length ? verify(publication, path, sha256, &st, err)
                                 : err_set(err, ERR_ARTIFACT_CORRUPT,
                                           "the stored file of %s has %" PRIu64
                                           " bytes, %" PRIu64 " were signed",
                                           sha256, file.size, length);
    if (status != OK) {
        (void)close(file.fd);
        return status;
    }
    *ret_file = file;
    return OK;
}

enum status publication_open_target(struct publication *publication, const char *folder,
                                    const char *name, struct publication_file *ret_file,
                                    struct err *err)
{
    char sha256[SHA256_HEX_BYTES];
    char path[TUF_PATH_MAX];
    uint64_t length = 0;
    const char *dot = strchr(name, '.');
    if (!dot || dot - name != SHA256_HEX_BYTES - 1) {
        return err_set(err, ERR_NOT_FOUND, "no such target is published");
    }
    memcpy(sha256, name, SHA256_HEX_BYTES - 1);
    sha256[SHA256_HEX_BYTES - 1] = '\0';
    int len = snprintf(path, sizeof path, "%s/%s", folder, dot + 1);
    if (!digest_valid(sha256) || len < 0 || (size_t)len >= sizeof path ||
        !listed(publication, path, sha256, &length)) {
        return err_set(err, ERR_NOT_FOUND, "no such target is published");
    }
    return open_verified(publication, sha256, length, ret_file, err);
}

/* Signs a new timestamp of the live state. With `publishing`. */
static enum status renew(struct publication *publication, struct err *err)
{
    const struct trusted_set *old = &publication->live->set;
    struct live *live = live_new();
    enum status status =
        live ? publication_read(publication, TUF_ROLE_SNAPSHOT,
                                old->snapshot->envelope.version, &live->snapshot, err)
             : err_set(err, ERR_NO_MEMORY, "no memory for a timestamp");
    if (status == OK) {
        status = publication_sign(publication, live, old->snapshot->envelope.version,
                                  old->timestamp->envelope.version, err);
    }
    if (status == OK) {
        buf_reset(&live->snapshot);
        status = publication_follow(publication, live, old->root->envelope.version, err);
    }
    if (status == OK) {
        status = publication_point(publication, live, err);
    }
    if (status != OK) {
        live_free(live);
        return status;
    }
    log_event(LOG_LEVEL_INFO, "timestamp_signed",
              log_int("version", live->set.timestamp->envelope.version));
    publication_swap(publication, live);
    return OK;
}

enum status publication_tick(struct publication *publication, int64_t now_ms,
                             struct err *err)
{
    enum status status = OK;
    (void)pthread_mutex_lock(&publication->publishing);
    const struct live *live = publication->live;
    if (live && live->set.timestamp->envelope.expires_ms - now_ms <
                    publication->options.timestamp_ms / 2) {
        status = renew(publication, err);
    }
    if (status == OK && live && !publication->listed) {
        status = publication_list(publication, "repair", err);
    }
    (void)pthread_mutex_unlock(&publication->publishing);
    return status;
}

enum status publication_renew(struct publication *publication, struct err *err)
{
    (void)pthread_mutex_lock(&publication->publishing);
    enum status status = publication->live ? renew(publication, err) : OK;
    (void)pthread_mutex_unlock(&publication->publishing);
    return status;
}
