/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/batch_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"

enum { MAGIC_BYTES = 8, DIGEST_AT = 8, FIELDS_AT = 40, FIELDS = 8, BOOT_AT = 104 };

static const char magic[MAGIC_BYTES + 1] = "MUSTERQ1";

static void put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get_u64(const uint8_t *from)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | from[i];
    }
    return value;
}

static void head_encode(const struct queue_head *head, size_t payload,
                        uint8_t ret_bytes[static QUEUE_HEADER_BYTES])
{
    const uint64_t fields[FIELDS] = {head->kind,         head->rows,
                                     head->first_row,    head->stream,
                                     head->seq,          (uint64_t)head->anchor_ms,
                                     head->anchor_known, payload};
    memset(ret_bytes, 0, QUEUE_HEADER_BYTES);
    memcpy(ret_bytes, magic, MAGIC_BYTES);
    for (int i = 0; i < FIELDS; i++) {
        put_u64(ret_bytes + FIELDS_AT + 8 * i, fields[i]);
    }
    memcpy(ret_bytes + BOOT_AT, head->boot_id, BOOT_ID_BYTES);
}

/* Whether these are a head of ours; its payload length comes back too. */
static bool head_decode(const uint8_t bytes[static QUEUE_HEADER_BYTES],
                        struct queue_head *ret_head, uint64_t *ret_payload)
{
    uint64_t fields[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = get_u64(bytes + FIELDS_AT + 8 * i);
    }
    bool kind = fields[0] == QUEUE_RAW || fields[0] == QUEUE_FINAL;
    bool numbers = fields[1] < UINT32_MAX && fields[2] < INT64_MAX &&
                   fields[3] < INT64_MAX && fields[4] < INT64_MAX;
    if (memcmp(bytes, magic, MAGIC_BYTES) != 0 || !kind || !numbers ||
        fields[7] > QUEUE_PAYLOAD_MAX || bytes[QUEUE_HEADER_BYTES - 1] != 0) {
        return false;
    }
    *ret_head = (struct queue_head){.kind = (enum queue_kind)fields[0],
                                    .rows = fields[1],
                                    .first_row = fields[2],
                                    .stream = fields[3],
                                    .seq = fields[4],
                                    .anchor_ms = (int64_t)fields[5],
                                    .anchor_known = fields[6] != 0};
    memcpy(ret_head->boot_id, bytes + BOOT_AT, BOOT_ID_BYTES);
    *ret_payload = fields[7];
    return true;
}

static enum status digest_of(const char *file, size_t len, uint8_t ret_digest[static 32],
                             struct err *err)
{
    return sha256_of(file + FIELDS_AT, len - FIELDS_AT, ret_digest, err);
}

enum status batch_file_write(const char *path, const struct queue_head *head,
                             const void *payload, size_t len, struct err *err)
{
    uint8_t bytes[QUEUE_HEADER_BYTES];
    BUF_AUTO file = BUF_INIT(QUEUE_HEADER_BYTES + QUEUE_PAYLOAD_MAX);
    head_encode(head, len, bytes);
    buf_add(&file, bytes, sizeof bytes);
    buf_add(&file, payload, len);
    enum status status = buf_status(&file, err);
    if (status != OK) {
        return status;
    }
    status = digest_of(file.data, file.len, (uint8_t *)file.data + DIGEST_AT, err);
    if (status != OK) {
        return status;
    }
    return file_write_atomic(path, file.data, file.len, 0600, err);
}

static enum status damaged(const char *path, struct err *err)
{
    return err_set(err, ERR_QUEUE_CORRUPT, "damaged queue file '%s'", path);
}

enum status batch_file_read(const char *path, struct queue_head *ret_head,
                            struct buf *ret_payload, struct err *err)
{
    BUF_AUTO file = BUF_INIT(QUEUE_HEADER_BYTES + QUEUE_PAYLOAD_MAX);
    enum status status = file_read(path, &file, err);
    if (status == ERR_LIMIT) {
        err_clear(err);
        return damaged(path, err);
    }
    if (status != OK) {
        return status;
    }
    struct queue_head head;
    uint64_t payload = 0;
    uint8_t digest[32];
    if (file.len < QUEUE_HEADER_BYTES ||
        !head_decode((const uint8_t *)file.data, &head, &payload) ||
        file.len != QUEUE_HEADER_BYTES + payload) {
        return damaged(path, err);
    }
    status = digest_of(file.data, file.len, digest, err);
    if (status != OK) {
        return status;
    }
    if (memcmp(digest, file.data + DIGEST_AT, sizeof digest) != 0) {
        return damaged(path, err);
    }
    if (ret_payload) {
        buf_add(ret_payload, file.data + QUEUE_HEADER_BYTES, payload);
        status = buf_status(ret_payload, err);
    }
    if (status == OK) {
        *ret_head = head;
    }
    return status;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

enum status batch_file_peek(const char *path, struct queue_head *ret_head,
                            uint64_t *ret_bytes, struct err *err)
{
    __attribute__((cleanup(close_fd))) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    if (fd < 0 || fstat(fd, &file) != 0) {
        return err_set_errno(err, "could not open '%s'", path);
    }
    uint8_t bytes[QUEUE_HEADER_BYTES];
    uint64_t payload = 0;
    if (pread(fd, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes ||
        !head_decode(bytes, ret_head, &payload) ||
        (uint64_t)file.st_size != sizeof bytes + payload) {
        return damaged(path, err);
    }
    *ret_bytes = (uint64_t)file.st_size;
    return OK;
}
