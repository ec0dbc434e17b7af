/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "server/service/publication_files.h"
#include "server/service/table.h"
#include "tuf/target.h"

struct verified_file {
    char sha256[SHA256_HEX_BYTES];
    struct stat st; /* when it was verified */
    UT_hash_handle hh;
};

void publication_forget_verified(struct publication *publication)
{
    struct verified_file *file, *next;
    HASH_ITER(hh, publication->verified, file, next)
    {
        HASH_DELETE(hh, publication->verified, file);
        free(file);
    }
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

/* Reads "N.<role>.json", N without leading zeros; the role as it is, not encoded. */
static bool metadata_name(const char *name, char ret_role[static TUF_ROLE_NAME_MAX],
                          int64_t *ret_version)
{
    static const char suffix[] = ".json";
    char *end = NULL;
    errno = 0;
    long long version = name[0] >= '1' && name[0] <= '9' ? strtoll(name, &end, 10) : 0;
    size_t len = version > 0 && errno == 0 && *end == '.' ? strlen(end + 1) : 0;
    if (len < sizeof suffix || len - (sizeof suffix - 1) >= TUF_ROLE_NAME_MAX ||
        strcmp(end + 1 + len - (sizeof suffix - 1), suffix) != 0) {
        return false;
    }
    len -= sizeof suffix - 1;
    memcpy(ret_role, end + 1, len);
    ret_role[len] = '\0';
    *ret_version = version;
    return true;
}

/* The newest published version of a role that has versioned files; 0: none. */
static int64_t newest(struct publication *publication, const char *role)
{
    char name[TUF_ROLE_NAME_MAX + 8];
    int64_t version = 0;
    (void)snprintf(name, sizeof name, "%s.json", role);
    (void)pthread_rwlock_rdlock(&publication->lock);
    const struct trusted_set *set = publication->live ? &publication->live->set : NULL;
    const struct tuf_meta *meta = set ? tuf_snapshot_meta(set->snapshot, name) : NULL;
    if (set && strcmp(role, tuf_role_name(TUF_ROLE_ROOT)) == 0) {
        version = set->root->envelope.version;
    } else if (set && strcmp(role, tuf_role_name(TUF_ROLE_SNAPSHOT)) == 0) {
        version = set->snapshot->envelope.version;
    } else if (meta) {
        version = meta->version;
    }
    (void)pthread_rwlock_unlock(&publication->lock);
    return version;
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
    char role[TUF_ROLE_NAME_MAX];
    char file[TUF_FILE_NAME_MAX];
    char tag[2 * TUF_FILE_NAME_MAX];
    struct stat st;
    int64_t version = 0;
    if (!metadata_name(name, role, &version) || version > newest(publication, role)) {
        return err_set(err, ERR_NOT_FOUND, "no such metadata file is published");
    }
    tuf_role_file_name(role, file);
    (void)snprintf(tag, sizeof tag, "%" PRId64 ".%s", version, file);
    enum status status = publication_path(publication, path, err, "metadata/%s", tag);
    return status == OK ? open_file(path, tag, ret_file, &st, err) : status;
}

/* Whether `<folder>/<basename>` is listed with this digest; its length. */
static bool listed(struct publication *publication, const char *path, const char *sha256,
                   uint64_t *ret_length)
{
    bool found = false;
    char digest[SHA256_HEX_BYTES];
    (void)pthread_rwlock_rdlock(&publication->lock);
    const struct tuf_target *target =
        publication->live ? tuf_targets_find(&publication->live->listing, path) : NULL;
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

enum status publication_target_url(struct publication *publication, const char *path,
                                   struct buf *ret_url, struct err *err)
{
    (void)pthread_rwlock_rdlock(&publication->lock);
    const struct tuf_target *target =
        publication->live ? tuf_targets_find(&publication->live->listing, path) : NULL;
    enum status status =
        target ? target_fetch_path(target, true, ret_url, err)
               : err_set(err, ERR_NOT_FOUND, "no target '%.80s' is listed", path);
    (void)pthread_rwlock_unlock(&publication->lock);
    return status;
}
