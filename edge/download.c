/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/download.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

enum {
    WATCH_MS = 60000,
    REQUEST_TEXT_BYTES = 80,
    LEAST_PART_BYTES = 16 * 1024, /* of a 206 that is not the rest */
};

static const char path_chars[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";

static void end_call(struct download *download)
{
    http_call_free(download->call);
    download->call = NULL;
}

void download_stop(struct download *download)
{
    end_call(download);
    partial_close(&download->partial);
    download->phase = DOWNLOAD_IDLE;
}

void download_forget(struct download *download)
{
    end_call(download);
    partial_remove(&download->partial);
    download->phase = DOWNLOAD_IDLE;
}

enum status download_begin(struct download *download, const struct download_order *order,
                           struct err *err)
{
    download_stop(download);
    download->order = *order;
    download->brought = 0;
    download->retry_after_ms = 0;
    download->try_later = false;
    enum status status =
        partial_open(&download->partial, order->folder, order->file, err);
    if (status == OK) {
        download->resumed = download->partial.stored > 0;
        download->phase = DOWNLOAD_REHASH;
    }
    return status;
}

/* Asking */

/* The first bytes of an answer say where they belong. */
static enum status begin_answer(struct download *download, struct err *err)
{
    const struct http_call *call = download->call;
    const struct http_range *range = &call->range;
    if (call->status == 200) {
        download->resumed = false;
        return download->partial.have > 0 ? partial_restart(&download->partial, err) : OK;
    }
    int64_t length = download->partial.file->length;
    if (!range->present || range->first != download->asked_from ||
        range->last >= length || (range->total >= 0 && range->total != length)) {
        return err_set(err, ERR_NET_STATUS,
                       "%s: bytes from %" PRId64
                       " were asked for, the answer has %" PRId64 " to %" PRId64
                       " of %" PRId64,
                       download->order.file->path, download->asked_from, range->first,
                       range->last, range->total);
    }
    return OK;
}

static enum status on_bytes(void *user, const void *data, size_t len, struct err *err)
{
    struct download *download = user;
    enum status status = download->begun ? OK : begin_answer(download, err);
    if (status != OK) {
        return status;
    }
    download->begun = true;
    download->brought += (int64_t)len;
    return partial_append(&download->partial, data, len, err);
}

static enum status make_path(const struct download *download, struct buf *path,
                             struct err *err)
{
    const struct download_order *order = &download->order;
    buf_addstr(path, "/tuf/targets/");
    enum status status =
        target_fetch_path(order->file, order->consistent_snapshot, path, err);
    if (status == OK) {
        status = buf_status(path, err);
    }
    if (status == OK && strspn(path->data, path_chars) != path->len) {
        status = err_set(err, ERR_TUF_FORMAT, "a target path with special characters");
    }
    return status;
}

static enum status ask(struct download *download, struct err *err)
{
    BUF_AUTO path = BUF_INIT(TUF_PATH_MAX + 128);
    enum status status = make_path(download, &path, err);
    if (status != OK) {
        return status;
    }
    char range[REQUEST_TEXT_BYTES], etag[REQUEST_TEXT_BYTES], digest[SHA256_HEX_BYTES];
    hex_encode(download->order.file->hashes.sha256, 32, digest);
    snprintf(etag, sizeof etag, "\"%s\"", digest);
    snprintf(range, sizeof range, "bytes=%" PRId64 "-", download->partial.have);
    bool whole = download->partial.have == 0 || !download->order.file->hashes.has_sha256;
    struct http_order request = {.path = path.data,
                                 .token = download->order.token,
                                 .range = whole ? NULL : range,
                                 .if_range = whole ? NULL : etag,
                                 .sink = on_bytes,
                                 .sink_user = download};
    download->begun = false;
    download->asked_from = download->partial.have;
    download->watch_ms = env_mono_ms(download->env);
    download->watch_brought = download->brought;
    download->phase = DOWNLOAD_RUN;
    return http_call_start(download->http, &request, &download->call, err);
}

/* Judging */

/* From the beginning, once: what an earlier attempt left may be damaged. */
static enum status anew(struct download *download, enum status why, struct err *cause,
                        struct err *err)
{
    enum status status = partial_restart(&download->partial, err);
    if (status == OK && !download->resumed) {
        return err_set(err, why, "%s", cause->detail);
    }
    download->resumed = false;
    download->phase = DOWNLOAD_ASK;
    return status;
}

static enum status judge(struct download *download, bool *ret_done, struct err *err)
{
    struct err cause = {0};
    enum status status = partial_verify(&download->partial, &cause);
    if (status != OK) {
        return anew(download, status, &cause, err);
    }
    *ret_done = true;
    return OK;
}

static enum status on_answer(struct download *download, bool *ret_done, struct err *err)
{
    const struct http_call *call = download->call;
    struct err cause = {0};
    enum status status = http_call_result(call, &cause);
    download->retry_after_ms = call->retry_after_ms;
    download->try_later =
        call->status == 408 || call->status == 429 || call->status >= 500;
    bool refused =
        status != OK && status != ERR_NET && status != ERR_IO && status != ERR_DISK_FULL;
    if (refused || (status == OK && call->status == 416)) {
        status = status != OK ? status
                              : http_unexpected(call, download->order.file->path, &cause);
        return anew(download, status, &cause, err);
    }
    bool some = call->received >= LEAST_PART_BYTES ||
                download->partial.have == download->partial.file->length;
    if (status == OK && call->status == 206 && some) {
        download->phase = DOWNLOAD_ASK; /* a server may send less than was asked for */
        return OK;
    }
    if (status == OK && call->status == 200) {
        return judge(download, ret_done, err);
    }
    return status == OK ? http_unexpected(call, download->order.file->path, err)
                        : err_set(err, status, "%s", cause.detail);
}

static bool watch_due(const struct download *download)
{
    return env_mono_ms(download->env) - download->watch_ms >= WATCH_MS;
}

/* Once a minute: whether enough came since the last time. */
static enum status watch(struct download *download, struct err *err)
{
    int64_t now_ms = env_mono_ms(download->env);
    int64_t past_ms = now_ms - download->watch_ms;
    int64_t came = download->brought - download->watch_brought;
    if (came * 1000 < download->min_rate * past_ms) {
        return err_set(err, ERR_NET,
                       "%s: %" PRId64 " bytes in %" PRId64
                       " s are below the least rate of %" PRId64 " bytes a second",
                       download->order.file->path, came, past_ms / 1000,
                       download->min_rate);
    }
    download->watch_ms = now_ms;
    download->watch_brought = download->brought;
    return OK;
}

static enum status step_run(struct download *download, bool *ret_done, struct err *err)
{
    if (!download->call->done) {
        return watch_due(download) ? watch(download, err) : OK;
    }
    enum status status = on_answer(download, ret_done, err);
    end_call(download);
    return status;
}

static enum status rehash(struct download *download, struct err *err)
{
    enum status status = partial_rehash(&download->partial, err);
    if (status == OK && download->partial.have == download->partial.stored) {
        download->phase = DOWNLOAD_ASK;
    }
    return status;
}

enum status download_step(struct download *download, bool *ret_done, struct err *err)
{
    switch (download->phase) {
    case DOWNLOAD_IDLE:
        return OK;
    case DOWNLOAD_REHASH:
        return rehash(download, err);
    case DOWNLOAD_ASK:
        return download->partial.have == download->partial.file->length
                   ? judge(download, ret_done, err)
                   : ask(download, err);
    case DOWNLOAD_RUN:
        return step_run(download, ret_done, err);
    }
    return OK;
}

int64_t download_wait_ms(const struct download *download)
{
    if (download->phase == DOWNLOAD_IDLE) {
        return EDGE_NEVER_MS;
    }
    if (download->phase != DOWNLOAD_RUN || download->call->done) {
        return 0;
    }
    int64_t wait = download->watch_ms + WATCH_MS - env_mono_ms(download->env);
    return wait > 0 ? wait : 0;
}
