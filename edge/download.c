/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char path_chars[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";

static enum status open_file(struct download *download, const char *path, struct err *err)
{
    if (strlen(path) >= sizeof download->path) {
        return err_set(err, ERR_LIMIT, "path too long");
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return err_set_errno(err, "could not create '%s'", path);
    }
    memcpy(download->path, path, strlen(path) + 1);
    download->fd = fd;
    int code = posix_fallocate(fd, 0, (off_t)download->length);
    if (code != 0) {
        errno = code;
        return err_set_errno(err, "could not reserve %zu bytes for a model",
                             download->length);
    }
    void *map = mmap(NULL, download->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return err_set_errno(err, "could not map '%s'", path);
    }
    download->map = map;
    return OK;
}

static enum status on_bytes(void *user, const void *data, size_t len, struct err *err)
{
    struct download *download = user;
    if (len > (uint64_t)download->file->length - download->digest.length) {
        return err_set(err, ERR_TUF_LENGTH, "longer than the signed %" PRId64 " bytes",
                       download->file->length);
    }
    uint64_t at = download->digest.length;
    target_digest_update(&download->digest, data, len);
    if (download->packed) {
        return transport_decoder_feed(&download->decoder, data, len, err);
    }
    if (len > download->length - at) {
        return err_set(err, ERR_TUF_LENGTH, "longer than the signed result");
    }
    memcpy(download->map + at, data, len);
    return OK;
}

static enum status ask(struct download *download, struct http *http,
                       const struct download_order *order, struct err *err)
{
    BUF_AUTO path = BUF_INIT(TUF_PATH_MAX + 128);
    buf_addstr(&path, "/tuf/targets/");
    enum status status =
        target_fetch_path(order->file, order->consistent_snapshot, &path, err);
    if (status == OK) {
        status = buf_status(&path, err);
    }
    if (status != OK) {
        return status;
    }
    if (strspn(path.data, path_chars) != path.len) {
        return err_set(err, ERR_TUF_FORMAT, "a target path with special characters");
    }
    struct http_order request = {.path = path.data,
                                 .token = order->token,
                                 .max_bytes = (size_t)order->file->length + 1,
                                 .sink = on_bytes,
                                 .sink_user = download};
    return http_call_start(http, &request, &download->call, err);
}

enum status download_start(struct download *download, struct http *http,
                           const struct download_order *order, struct err *err)
{
    *download = (struct download){.file = order->file,
                                  .fd = -1,
                                  .length = (size_t)order->result_length,
                                  .packed = order->packed};
    enum status status = open_file(download, order->temporary, err);
    if (status == OK) {
        status = target_digest_init(&download->digest, order->file, err);
    }
    if (status == OK && order->packed) {
        status = transport_decoder_init(&download->decoder, download->map,
                                        download->length, err);
    }
    if (status == OK) {
        status = ask(download, http, order, err);
    }
    if (status != OK) {
        download_release(download);
    }
    return status;
}

enum status download_finish(struct download *download, struct err *err)
{
    enum status status = http_call_result(download->call, err);
    if (status == OK && download->call->status != 200) {
        status = http_unexpected(download->call, download->file->path, err);
    }
    if (status != OK) {
        return status;
    }
    status = target_digest_finish(&download->digest, download->file, err);
    if (status == OK && download->packed) {
        status = transport_decoder_finish(&download->decoder, err);
    }
    return status;
}

enum status download_sync(struct download *download, struct err *err)
{
    if (fsync(download->fd) != 0) {
        return err_set_errno(err, "could not sync '%s'", download->path);
    }
    return OK;
}

void download_release(struct download *download)
{
    http_call_free(download->call);
    if (download->packed) {
        transport_decoder_release(&download->decoder);
    }
    target_digest_release(&download->digest);
    if (download->map) {
        munmap(download->map, download->length);
    }
    if (download->path[0]) {
        close(download->fd);
        unlink(download->path);
    } else if (download->fd > 0) {
        close(download->fd);
    }
    *download = (struct download){.fd = -1};
}
