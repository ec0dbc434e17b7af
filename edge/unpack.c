/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLICE_BYTES = 16 * 1024, RESULT_A_STEP = 1024 * 1024 };

static enum status open_result(struct unpack *unpack, const char *path, struct err *err)
{
    (void)unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return err_set_errno(err, "could not create '%s'", path);
    }
    memcpy(unpack->path, path, strlen(path) + 1);
    unpack->fd = fd;
    int code = posix_fallocate(fd, 0, (off_t)unpack->length);
    if (code != 0) {
        errno = code;
        return err_set_errno(err, "could not reserve %zu bytes for a model",
                             unpack->length);
    }
    void *map = mmap(NULL, unpack->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return err_set_errno(err, "could not map '%s'", path);
    }
    unpack->map = map;
    return OK;
}

static enum status begin(struct unpack *unpack, const char *source, const char *result,
                         struct err *err)
{
    if (strlen(result) >= sizeof unpack->path) {
        return err_set(err, ERR_LIMIT, "path too long");
    }
    unpack->source_fd = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (unpack->source_fd < 0) {
        return err_set_errno(err, "could not open '%s'", source);
    }
    enum status status = open_result(unpack, result, err);
    if (status == OK) {
        status =
            transport_decoder_init(&unpack->decoder, unpack->map, unpack->length, err);
        unpack->decoding = status == OK;
    }
    return status;
}

enum status unpack_begin(struct unpack *ret_unpack, const char *source,
                         const char *result, int64_t result_length, struct err *err)
{
    struct unpack unpack = {.fd = -1, .source_fd = -1, .length = (size_t)result_length};
    enum status status = begin(&unpack, source, result, err);
    if (status != OK) {
        unpack_release(&unpack);
        return status;
    }
    *ret_unpack = unpack;
    return OK;
}

enum status unpack_step(struct unpack *unpack, bool *ret_done, struct err *err)
{
    char slice[SLICE_BYTES];
    size_t until = unpack->decoder.done + RESULT_A_STEP;
    while (unpack->decoder.done < until) {
        ssize_t got = read(unpack->source_fd, slice, sizeof slice);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, "could not read a transport");
        }
        if (got == 0) {
            *ret_done = true;
            return transport_decoder_finish(&unpack->decoder, err);
        }
        enum status status =
            transport_decoder_feed(&unpack->decoder, slice, (size_t)got, err);
        if (status != OK) {
            return status;
        }
    }
    return OK;
}

void unpack_release(struct unpack *unpack)
{
    if (unpack->decoding) {
        transport_decoder_release(&unpack->decoder);
    }
    if (unpack->map) {
        munmap(unpack->map, unpack->length);
    }
    if (unpack->path[0]) {
        (void)unlink(unpack->path);
    }
    if (unpack->fd > 0) {
        close(unpack->fd);
    }
    if (unpack->source_fd > 0) {
        close(unpack->source_fd);
    }
    *unpack = (struct unpack){.fd = -1, .source_fd = -1};
}
