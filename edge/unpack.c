/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    SLICE_BYTES = 16 * 1024,
    RESULT_A_STEP = 1024 * 1024,
    DELTA_SEGMENTS = 4, /* between two looks at the clock: a fraction of a millisecond */
    DELTA_STEP_US = 2000, /* no more are begun after that */
};

static enum status map_result(struct unpack *unpack, const struct unpack_order *order,
                              struct err *err)
{
    if (strlen(order->result) >= sizeof unpack->path) {
        return err_set(err, ERR_LIMIT, "path too long");
    }
    (void)unlink(order->result);
    int fd =
        open(order->result, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return err_set_errno(err, "could not create '%s'", order->result);
    }
    memcpy(unpack->path, order->result, strlen(order->result) + 1);
    unpack->fd = fd;
    int code = posix_fallocate(fd, 0, (off_t)order->result_length);
    if (code != 0) {
        errno = code;
        return err_set_errno(err, "could not reserve %lld bytes for a model",
                             (long long)order->result_length);
    }
    size_t len = (size_t)order->result_length;
    void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return err_set_errno(err, "could not map '%s'", order->result);
    }
    unpack->result = (struct unpack_map){map, len};
    return OK;
}

static enum status open_file(const char *path, int *ret_fd, struct err *err)
{
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *ret_fd < 0 ? err_set_errno(err, "could not open '%s'", path) : OK;
}

/* A whole file, read-only. */
static enum status map_file(const char *path, struct unpack_map *ret_map, struct err *err)
{
    int fd = -1;
    struct stat file = {0};
    enum status status = open_file(path, &fd, err);
    if (status != OK) {
        return status;
    }
    void *map = MAP_FAILED;
    if (fstat(fd, &file) == 0 && file.st_size > 0) {
        map = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (map == MAP_FAILED) {
        status = err_set(err, ERR_CONTENT_CORRUPT, "could not map '%s' of %lld bytes",
                         path, (long long)file.st_size);
    } else {
        *ret_map = (struct unpack_map){map, (size_t)file.st_size};
    }
    close(fd);
    return status;
}

static enum status begin_delta(struct unpack *unpack, const struct unpack_order *order,
                               struct err *err)
{
    enum status status = map_file(order->source, &unpack->source, err);
    if (status != OK) {
        return status;
    }
    struct err cause = {0}; /* not one of the disk: without a base the delta is no use */
    if (map_file(order->base, &unpack->base, &cause) != OK) {
        return err_set(err, ERR_CONTENT_CORRUPT, "%s", cause.detail);
    }
    struct delta_places places = {unpack->base.bytes,   unpack->base.len,
                                  unpack->source.bytes, unpack->source.len,
                                  unpack->result.bytes, unpack->result.len};
    status = delta_decoder_init(&unpack->delta, &places, order->base_sha256, err);
    unpack->is_delta = status == OK;
    return status;
}

static enum status begin(struct unpack *unpack, const struct unpack_order *order,
                         struct err *err)
{
    enum status status = map_result(unpack, order, err);
    if (status == OK && order->base) {
        return begin_delta(unpack, order, err);
    }
    if (status == OK) {
        status = open_file(order->source, &unpack->source_fd, err);
    }
    if (status == OK) {
        status = transport_decoder_init(&unpack->decoder, unpack->result.bytes,
                                        unpack->result.len, err);
        unpack->decoding = status == OK;
    }
    return status;
}

enum status unpack_begin(struct unpack *ret_unpack, const struct unpack_order *order,
                         struct err *err)
{
    struct unpack unpack = {.fd = -1, .source_fd = -1};
    enum status status = begin(&unpack, order, err);
    if (status != OK) {
        unpack_release(&unpack);
        return status;
    }
    *ret_unpack = unpack;
    return OK;
}

static enum status step_delta(struct unpack *unpack, bool *ret_done, struct err *err)
{
    int64_t until_us = clock_mono_us() + DELTA_STEP_US;
    enum status status = OK;
    do {
        status = delta_decoder_step(&unpack->delta, DELTA_SEGMENTS, ret_done, err);
    } while (status == OK && !*ret_done && clock_mono_us() < until_us);
    return status;
}

enum status unpack_step(struct unpack *unpack, bool *ret_done, struct err *err)
{
    if (unpack->is_delta) {
        return step_delta(unpack, ret_done, err);
    }
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

static void unmap(struct unpack_map *map)
{
    if (map->bytes) {
        munmap(map->bytes, map->len);
    }
}

void unpack_release(struct unpack *unpack)
{
    if (unpack->decoding) {
        transport_decoder_release(&unpack->decoder);
    }
    delta_decoder_release(&unpack->delta);
    unmap(&unpack->result);
    unmap(&unpack->source);
    unmap(&unpack->base);
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
