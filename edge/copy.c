/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLICE_BYTES = 64 * 1024, SLICES_A_STEP = 16 };

static enum status open_both(struct copy *copy, const struct copy_order *order,
                             struct err *err)
{
    struct stat info;
    copy->from = open(order->from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (copy->from < 0 || fstat(copy->from, &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size != order->length) {
        return err_set(err, ERR_NOT_FOUND, "there is no such file '%s'", order->from);
    }
    if (strlen(order->to) >= sizeof copy->path) {
        return err_set(err, ERR_LIMIT, "path too long");
    }
    (void)unlink(order->to);
    copy->to = open(order->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                    order->mode);
    if (copy->to < 0) {
        return err_set_errno(err, "could not create '%s'", order->to);
    }
    memcpy(copy->path, order->to, strlen(order->to) + 1);
    return OK;
}

enum status copy_begin(struct copy *ret_copy, const struct copy_order *order,
                       struct err *err)
{
    struct copy copy = {.from = -1, .to = -1, .left = order->length};
    enum status status = open_both(&copy, order, err);
    if (status != OK) {
        copy_release(&copy);
        return status;
    }
    *ret_copy = copy;
    return OK;
}

static enum status write_slice(struct copy *copy, const char *data, size_t len,
                               struct err *err)
{
    while (len > 0) {
        ssize_t done = write(copy->to, data, len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return err_set_errno(err, "could not write '%s'", copy->path);
        }
        data += done;
        len -= (size_t)done;
    }
    return OK;
}

enum status copy_step(struct copy *copy, bool *ret_done, struct err *err)
{
    char slice[SLICE_BYTES];
    for (int i = 0; i < SLICES_A_STEP && copy->left > 0; i++) {
        size_t wanted =
            copy->left < (int64_t)sizeof slice ? (size_t)copy->left : sizeof slice;
        ssize_t got = read(copy->from, slice, wanted);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return err_set(err, ERR_IO, "a file that is being copied could not be read");
        }
        enum status status = write_slice(copy, slice, (size_t)got, err);
        if (status != OK) {
            return status;
        }
        copy->left -= got;
    }
    *ret_done = copy->left == 0;
    return OK;
}

enum status copy_sync(struct copy *copy, struct err *err)
{
    return fsync(copy->to) == 0 ? OK
                                : err_set_errno(err, "could not sync '%s'", copy->path);
}

void copy_release(struct copy *copy)
{
    if (copy->path[0]) {
        (void)unlink(copy->path);
    }
    if (copy->from > 0) {
        close(copy->from);
    }
    if (copy->to > 0) {
        close(copy->to);
    }
    *copy = (struct copy){.from = -1, .to = -1};
}
