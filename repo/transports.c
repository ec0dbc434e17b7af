/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/transports.h"

#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "format/delta_encode.h"
#include "format/transport.h"
#include "repo/target_file.h"
#include "tuf/json.h"
#include "tuf/target.h"

static const size_t ARTIFACT_BYTES_MAX = (size_t)2 << 30;

/* The newest artifacts before the one that is published, the newest first. */
struct bases {
    struct model_target items[TRANSPORTS_DELTAS_MAX];
    size_t count, max;
};

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for a transport");
}

/* Lists one transport; `base` is its base_sha256, JSON null for none. */
static enum status add_transport(const struct transports_order *order, json_t *body,
                                 const char *path, const struct buf *bytes,
                                 const struct model_target *base, struct err *err)
{
    char result[SHA256_HEX_BYTES], from[SHA256_HEX_BYTES];
    hex_encode(order->sha256, SHA256_BYTES, result);
    if (base) {
        hex_encode(base->file->hashes.sha256, SHA256_BYTES, from);
    }
    JSON_AUTO *custom = json_pack(
        "{s:i, s:s, s:I, s:s, s:s, s:s, s:I, s:s?}", "schema", TARGET_SCHEMA, "model",
        order->model, "seq", (json_int_t)order->seq, "variant", order->variant,
        "transport", base ? "delta" : "zst", "result_sha256", result, "result_length",
        (json_int_t)order->len, "base_sha256", base ? from : NULL);
    return custom ? target_file_add(order->repository, body, path, bytes, custom, err)
                  : no_memory(err);
}

static enum status add_compressed(const struct transports_order *order, json_t *body,
                                  struct transports_made *made, struct err *err)
{
    BUF_AUTO bytes = BUF_INIT(ARTIFACT_BYTES_MAX);
    BUF_AUTO path = BUF_INIT(TUF_PATH_MAX);
    enum status status = transport_encode(order->data, order->len, &bytes, err);
    if (status != OK || bytes.len >= order->len) {
        return status;
    }
    buf_addf(&path, "%s.zst", order->path);
    status = buf_status(&path, err);
    if (status == OK) {
        status = add_transport(order, body, path.data, &bytes, NULL, err);
    }
    if (status == OK) {
        made->compressed_bytes = bytes.len;
    }
    return status;
}

/* ---- deltas ---- */

static bool is_base(const struct transports_order *order,
                    const struct model_target *listed)
{
    const char *dot = strrchr(listed->file->path, '.');
    return listed->kind == TARGET_ARTIFACT && listed->seq < order->seq &&
           strcmp(listed->model, order->model) == 0 &&
           strcmp(listed->variant, order->variant) == 0 && dot &&
           strcmp(dot + 1, order->ext) == 0 &&
           memcmp(listed->file->hashes.sha256, order->sha256, SHA256_BYTES) != 0;
}

static void take_base(struct bases *bases, const struct model_target *next)
{
    for (size_t i = 0; i < bases->count; i++) {
        if (bases->items[i].seq == next->seq) {
            return; /* a delegated model may be listed twice */
        }
    }
    size_t i = bases->count;
    if (i < bases->max) {
        bases->count++;
    } else if (i == 0 || bases->items[--i].seq >= next->seq) {
        return;
    }
    for (; i > 0 && bases->items[i - 1].seq < next->seq; i--) {
        bases->items[i] = bases->items[i - 1];
    }
    bases->items[i] = *next;
}

static void find_bases(const struct transports_order *order, struct bases *ret_bases)
{
    *ret_bases = (struct bases){.max = order->deltas < TRANSPORTS_DELTAS_MAX
                                           ? (size_t)order->deltas
                                           : TRANSPORTS_DELTAS_MAX};
    for (size_t list = 0; list < TRANSPORTS_LISTS_MAX; list++) {
        const struct tuf_targets *targets = order->listed[list];
        for (size_t i = 0; targets && i < targets->count; i++) {
            bool ours = false;
            struct model_target listed;
            if (model_target_parse(&targets->targets[i], &ours, &listed, NULL) == OK &&
                ours && is_base(order, &listed)) {
                take_base(ret_bases, &listed);
            }
        }
    }
}

static enum status add_delta(const struct transports_order *order, json_t *body,
                             const struct model_target *base,
                             struct transports_made *made, struct err *err)
{
    BUF_AUTO old = BUF_INIT((size_t)base->file->length + 1);
    BUF_AUTO delta = BUF_INIT(ARTIFACT_BYTES_MAX);
    BUF_AUTO path = BUF_INIT(TUF_PATH_MAX);
    struct err cause = {0};
    enum status status = target_file_read(order->repository, base->file, &old, &cause);
    if (status == ERR_NOT_FOUND) {
        return OK; /* a folder may be kept without what is old */
    }
    if (status != OK) {
        return err_set(err, status, "%s", cause.detail);
    }
    size_t without = made->compressed_bytes ? made->compressed_bytes : order->len;
    struct delta_side from = {old.data, old.len};
    struct delta_side to = {order->data, order->len};
    status = delta_encode(&from, &to, without / 10 * 9, &delta, err);
    if (status != OK || delta.len == 0) {
        return status;
    }
    buf_addf(&path, "%s/%" PRId64 "/%s.from-%" PRId64 ".delta", order->model, order->seq,
             order->variant, base->seq);
    status = buf_status(&path, err);
    if (status == OK) {
        status = add_transport(order, body, path.data, &delta, base, err);
    }
    if (status == OK) {
        made->deltas++;
        made->delta_bytes = made->delta_bytes == 0 || delta.len < made->delta_bytes
                                ? delta.len
                                : made->delta_bytes;
    }
    return status;
}

enum status transports_add(const struct transports_order *order, json_t *body,
                           struct transports_made *ret_made, struct err *err)
{
    struct transports_made made = {0};
    struct bases bases;
    enum status status = add_compressed(order, body, &made, err);
    find_bases(order, &bases);
    for (size_t i = 0; status == OK && i < bases.count; i++) {
        status = add_delta(order, body, &bases.items[i], &made, err);
    }
    if (status == OK) {
        *ret_made = made;
    }
    return status;
}
