/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/partial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "tuf/metadata.h"

enum { SLICE_BYTES = 64 * 1024, SLICES_A_STEP = 16, NAME_BYTES = 129 };

static void remove_others(const char *folder, const char *name)
{
    DIR *dir = opendir(folder);
    const struct dirent *item;
    while (dir && (item = readdir(dir)) != NULL) {
        if (strcmp(item->d_name, name) != 0 && item->d_name[0] != '.') {
            (void)unlinkat(dirfd(dir), item->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static enum status hash_anew(struct partial *partial, struct err *err)
{
    target_digest_release(&partial->digest);
    partial->have = 0;
    return target_digest_init(&partial->digest, partial->file, err);
}

/* What is longer than the target is no part of it. */
static enum status measure(struct partial *partial, struct err *err)
{
    struct stat info;
    if (fstat(partial->fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return err_set(err, ERR_IO, "'%s' is no file", partial->path);
    }
    partial->stored = info.st_size;
    if (partial->stored > partial->file->length) {
        return partial_restart(partial, err);
    }
    int reserved =
        fallocate(partial->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)partial->file->length);
    if (reserved != 0 && (errno == ENOSPC || errno == EDQUOT)) {
        return err_set_errno(err, "could not reserve %" PRId64 " bytes for a download",
                             partial->file->length);
    }
    return OK;
}

/* SHA-256, which servers use as ETag, before SHA-512. */
static void name_of(const struct tuf_target *file, char ret_name[static NAME_BYTES])
{
    const struct tuf_hashes *hashes = &file->hashes;
    if (hashes->has_sha256) {
        hex_encode(hashes->sha256, sizeof hashes->sha256, ret_name);
    } else {
        hex_encode(hashes->sha512, sizeof hashes->sha512, ret_name);
    }
}

enum status partial_open(struct partial *ret_partial, const char *folder,
                         const struct tuf_target *file, struct err *err)
{
    char name[NAME_BYTES];
    struct partial partial = {.fd = -1, .file = file};
    name_of(file, name);
    enum status status = file_mkdirs(folder, 0700, err);
    if (status == OK) {
        status = env_join(folder, name, partial.path, err);
    }
    if (status != OK) {
        return status;
    }
    remove_others(folder, name);
    partial.fd = open(partial.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (partial.fd < 0) {
        return err_set_errno(err, "could not open '%s'", partial.path);
    }
    status = hash_anew(&partial, err);
    if (status == OK) {
        status = measure(&partial, err);
    }
    if (status != OK) {
        partial_close(&partial);
        return status;
    }
    *ret_partial = partial;
    return OK;
}

enum status partial_rehash(struct partial *partial, struct err *err)
{
    char slice[SLICE_BYTES];
    for (int i = 0; i < SLICES_A_STEP && partial->have < partial->stored; i++) {
        ssize_t got = pread(partial->fd, slice, sizeof slice, (off_t)partial->have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, "could not read '%s'", partial->path);
        }
        if (got == 0) { /* somebody made it shorter */
            partial->stored = partial->have;
            return OK;
        }
        target_digest_update(&partial->digest, slice, (size_t)got);
        partial->have += got;
    }
    if (partial->have > partial->stored) {
        partial->stored = partial->have;
    }
    return OK;
}

enum status partial_append(struct partial *partial, const void *data, size_t len,
                           struct err *err)
{
    const char *bytes = data;
    if (len > (uint64_t)(partial->file->length - partial->have)) {
        return err_set(err, ERR_TUF_LENGTH, "longer than the signed %" PRId64 " bytes",
                       partial->file->length);
    }
    while (len > 0) {
        ssize_t done = pwrite(partial->fd, bytes, len, (off_t)partial->have);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return err_set_errno(err, "could not write '%s'", partial->path);
        }
        target_digest_update(&partial->digest, bytes, (size_t)done);
        partial->have += done;
        partial->stored = partial->have;
        bytes += done;
        len -= (size_t)done;
    }
    return OK;
}

enum status partial_restart(struct partial *partial, struct err *err)
{
    if (ftruncate(partial->fd, 0) != 0) {
        return err_set_errno(err, "could not empty '%s'", partial->path);
    }
    partial->stored = 0;
    return hash_anew(partial, err);
}

enum status partial_verify(struct partial *partial, struct err *err)
{
    return target_digest_finish(&partial->digest, partial->file, err);
}

void partial_close(struct partial *partial)
{
    target_digest_release(&partial->digest);
    if (partial->path[0] && partial->fd >= 0) {
        close(partial->fd);
    }
    *partial = (struct partial){.fd = -1};
}

void partial_remove(struct partial *partial)
{
    if (partial->path[0]) {
        (void)unlink(partial->path);
    }
    partial_close(partial);
}

void partial_sweep(const char *folder)
{
    remove_others(folder, "");
}
