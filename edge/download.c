/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/download.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

enum {
    WATCH_MS = 60000,
    LOOK_MS = 10000, /* at most between two looks at the meter */
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
    mirror_stop(&download->mirror);
    partial_close(&download->partial);
    download->phase = DOWNLOAD_IDLE;
}

void download_forget(struct download *download)
{
    end_call(download);
    mirror_stop(&download->mirror);
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
    download->refused = false;
    download->waits = download->mirrored = false;
    download->from_mirror =
        order->consistent_snapshot && mirror_begin(&download->mirror, order->file);
    enum status status =
        partial_open(&download->partial, order->folder, order->file, err);
    if (status == OK) {
        download->resumed = download->partial.stored > 0;
        download->phase = DOWNLOAD_REHASH;
    }
    return status;
}

/* The meter */

static enum status gate(struct download *download, struct err *err)
{
    const struct partial *partial = &download->partial;
    return meter_gate(&download->meter, partial->file->length - partial->have, err);
}

/* False, and told, while the download has to wait. */
static bool may_go_on(struct download *download)
{
    struct err why = {0};
    download->waits = gate(download, &why) != OK;
    if (download->waits) {
        env_complain(download->env, CHANNEL_MODEL, &why);
    }
    return !download->waits;
}

/* Judging */

/* The mirror's turn is over; what it brought is kept unless it is wrong. */
static void leave_mirror(struct download *download, const struct err *why)
{
    mirror_failed(&download->mirror, why);
    download->from_mirror = false;
    download->phase = DOWNLOAD_ASK;
}

/* From the beginning: what a mirror sent, or an earlier attempt left, may be wrong. */
static enum status anew(struct download *download, enum status why, struct err *cause,
                        struct err *err)
{
    enum status status = partial_restart(&download->partial, err);
    if (status != OK) {
        return status;
    }
    if (download->mirrored || download->from_mirror) {
        mirror_lied(&download->mirror, download->order.file, cause);
    } else if (!download->resumed) {
        return err_set(err, why, "%s", cause->detail);
    }
    download->resumed = download->mirrored = download->from_mirror = false;
    download->phase = DOWNLOAD_ASK;
    return OK;
}

static enum status judge(struct download *download, bool *ret_done, struct err *err)
{
    struct err cause = {0};
    enum status status = partial_verify(&download->partial, &cause);
    if (status != OK) {
        return anew(download, status, &cause, err);
    }
    *ret_done = true;
    enum status settled = meter_settle(&download->meter, NULL);
    (void)settled; /* more than was taken stays written down: no harm but to the day */
    return OK;
}

static bool asks_for_link(struct download *download)
{
    int answered = download->call->status;
    bool asks =
        download->from_mirror && (answered == 401 || answered == 403) &&
        mirror_ask_link(&download->mirror, download->order.file, download->order.token);
    if (asks) {
        download->phase = DOWNLOAD_LINK;
    }
    return asks;
}

/* A whole answer of any status. */
static enum status on_status(struct download *download, bool *ret_done, struct err *err)
{
    const struct http_call *call = download->call;
    struct err cause = {0};
    bool some = (int64_t)call->received == download->asked_bytes ||
                call->received >= LEAST_PART_BYTES;
    if (call->status == 206 && some) {
        download->phase = DOWNLOAD_ASK; /* a server may send less than was asked for */
        return OK;
    }
    if (call->status == 200) {
        return judge(download, ret_done, err);
    }
    if (asks_for_link(download)) {
        return OK;
    }
    enum status status = http_unexpected(call, download->order.file->path, &cause);
    if (call->status == 416) {
        return anew(download, status, &cause, err);
    }
    if (download->from_mirror) {
        leave_mirror(download, &cause);
        return OK;
    }
    download->retry_after_ms = call->retry_after_ms;
    download->try_later = call->status != 404 && call->status != 410;
    download->refused = call->status == 401;
    return err_set(err, status, "%s", cause.detail);
}

static enum status on_answer(struct download *download, bool *ret_done, struct err *err)
{
    struct err cause = {0};
    enum status status = http_call_result(download->call, &cause);
    if (status == OK) {
        return on_status(download, ret_done, err);
    }
    if (status == ERR_IO || status == ERR_DISK_FULL) {
        return err_set(err, status, "%s", cause.detail);
    }
    if (status != ERR_NET) {
        return anew(download, status, &cause, err);
    }
    if (download->from_mirror) {
        leave_mirror(download, &cause);
        return OK;
    }
    return err_set(err, status, "%s", cause.detail);
}

/* Once a minute: whether enough came since the last time. */
static enum status watch(struct download *download, struct err *err)
{
    int64_t now_ms = env_mono_ms(download->env);
    int64_t past_ms = now_ms - download->watch_ms;
    int64_t came = download->brought - download->watch_brought;
    if (past_ms < WATCH_MS) {
        return OK;
    }
    if (came < download->min_rate * (past_ms / 1000)) {
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

/* Held bytes go on as the meter lets them; the time until then is nobody's fault. */
static enum status let_go(struct download *download, struct err *err)
{
    download->watch_ms = env_mono_ms(download->env);
    download->watch_brought = download->brought;
    enum status status = meter_reserve(&download->meter, err);
    if (status == OK && !meter_is_held(&download->meter)) {
        http_call_resume(download->call);
    }
    return status;
}

static enum status step_run(struct download *download, bool *ret_done, struct err *err)
{
    if (download->call->done) {
        enum status status = on_answer(download, ret_done, err);
        end_call(download);
        return status;
    }
    if (!may_go_on(download)) {
        end_call(download);
        download->phase = DOWNLOAD_ASK;
        return OK;
    }
    if (download->call->held) {
        return let_go(download, err);
    }
    struct err cause = {0};
    enum status status = watch(download, &cause);
    if (status != OK && download->from_mirror) {
        end_call(download);
        leave_mirror(download, &cause);
        return OK;
    }
    return status == OK ? OK : err_set(err, status, "%s", cause.detail);
}

static enum status step_link(struct download *download)
{
    struct err cause = {0};
    if (mirror_waits(&download->mirror)) {
        return OK;
    }
    if (mirror_read_link(&download->mirror, &cause) != OK) {
        leave_mirror(download, &cause);
    }
    download->phase = DOWNLOAD_ASK;
    return OK;
}

/* Asking */

/* The first bytes of an answer say where they belong. */
static enum status begin_answer(struct download *download, struct err *err)
{
    const struct http_call *call = download->call;
    const struct content_range *range = &call->range;
    if (call->status == 200) {
        download->resumed = false;
        download->mirrored = false;
        return download->partial.have > 0 ? partial_restart(&download->partial, err) : OK;
    }
    int64_t length = download->partial.file->length;
    if (!content_range_answers(range, download->asked_from, download->asked_bytes,
                               length)) {
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
    download->mirrored = download->mirrored || download->from_mirror;
    download->brought += (int64_t)len;
    meter_count(&download->meter, (int64_t)len);
    return partial_append(&download->partial, data, len, err);
}

static bool on_hold(void *user)
{
    struct download *download = user;
    return meter_is_held(&download->meter);
}

static enum status make_path(const struct download *download, struct buf *path,
                             struct err *err)
{
    const struct download_order *order = &download->order;
    buf_addstr(path, download->from_mirror ? "/" : "/tuf/targets/");
    enum status status =
        target_fetch_path(order->file, order->consistent_snapshot, path, err);
    if (status == OK) {
        status = buf_status(path, err);
    }
    if (status == OK && strspn(path->data, path_chars) != path->len) {
        status = err_set(err, ERR_TUF_FORMAT, "a target path with special characters");
    }
    if (status == OK && download->from_mirror && download->mirror.query[0]) {
        buf_addf(path, "?%s", download->mirror.query);
        status = buf_status(path, err);
    }
    return status;
}

/* From a mirror the address says which bytes they are, whatever its ETag is. */
static enum status ask(struct download *download, struct err *err)
{
    BUF_AUTO path = BUF_INIT(TUF_PATH_MAX + MIRROR_QUERY_BYTES + 128);
    enum status status = make_path(download, &path, err);
    if (status != OK) {
        return status;
    }
    const struct tuf_target *file = download->order.file;
    bool known = file->hashes.has_sha256, mirror = download->from_mirror;
    int64_t from = known ? download->partial.have : 0;
    int64_t bytes =
        known ? meter_most(&download->meter, file->length - from) : file->length;
    char range[REQUEST_TEXT_BYTES], etag[REQUEST_TEXT_BYTES], digest[SHA256_HEX_BYTES];
    hex_encode(file->hashes.sha256, 32, digest);
    (void)snprintf(etag, sizeof etag, "\"%s\"", digest);
    int len = snprintf(range, sizeof range, "bytes=%" PRId64 "-", from);
    if (from + bytes < file->length) {
        (void)snprintf(range + len, sizeof range - (size_t)len, "%" PRId64,
                       from + bytes - 1);
    }
    bool whole = bytes == file->length;
    struct http_order request = {.base_url = mirror ? download->mirror.url : NULL,
                                 .path = path.data,
                                 .token = mirror ? NULL : download->order.token,
                                 .range = whole ? NULL : range,
                                 .if_range = whole || mirror ? NULL : etag,
                                 .sink = on_bytes,
                                 .hold = on_hold,
                                 .sink_user = download};
    download->begun = false;
    download->asked_from = from;
    download->asked_bytes = bytes;
    download->watch_ms = env_mono_ms(download->env);
    download->watch_brought = download->brought;
    download->phase = DOWNLOAD_RUN;
    return http_call_start(download->http, &request, &download->call, err);
}

static enum status step_ask(struct download *download, bool *ret_done, struct err *err)
{
    if (download->partial.have == download->partial.file->length) {
        return judge(download, ret_done, err);
    }
    if (!may_go_on(download) || meter_wait_ms(&download->meter) > 0) {
        return OK;
    }
    enum status status = meter_reserve(&download->meter, err);
    return status == OK ? ask(download, err) : status;
}

/* Stepping */

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
        return step_ask(download, ret_done, err);
    case DOWNLOAD_LINK:
        return step_link(download);
    case DOWNLOAD_RUN:
        return step_run(download, ret_done, err);
    }
    return OK;
}

static int64_t run_wait_ms(struct download *download)
{
    const struct http_call *call = download->call;
    bool due = call->done || gate(download, NULL) != OK ||
               (call->held && meter_wait_ms(&download->meter) == 0);
    int64_t wait = download->watch_ms + WATCH_MS - env_mono_ms(download->env);
    if (due || (wait <= 0 && !call->held)) {
        return 0;
    }
    wait = call->held ? meter_wait_ms(&download->meter) : wait;
    return wait < LOOK_MS ? wait : LOOK_MS;
}

int64_t download_wait_ms(struct download *download)
{
    switch (download->phase) {
    case DOWNLOAD_IDLE:
        return EDGE_NEVER_MS;
    case DOWNLOAD_REHASH:
        return 0;
    case DOWNLOAD_ASK:
        return download->waits && gate(download, NULL) != OK
                   ? LOOK_MS
                   : meter_wait_ms(&download->meter);
    case DOWNLOAD_LINK:
        return mirror_waits(&download->mirror) ? EDGE_NEVER_MS : 0;
    case DOWNLOAD_RUN:
        return run_wait_ms(download);
    }
    return 0;
}
