/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/batch_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"

enum { MAGIC_BYTES = 8, DIGEST_AT = 8, FIELDS_AT = 40, FIELDS_MAX = 9 };

/* What a magic stands for; the newest is written. */
struct layout {
    char magic[MAGIC_BYTES + 1];
    size_t fields;
};

static const struct layout layouts[] = {{"MUSTERQ2", 9}, {"MUSTERQ1", 8}};

static size_t boot_at(const struct layout *layout)
{
    return FIELDS_AT + 8 * layout->fields;
}

static size_t header_bytes(const struct layout *layout)
{
    return boot_at(layout) + BOOT_ID_BYTES;
}

/* NULL when these bytes are no file of ours. */
static const struct layout *layout_of(const void *bytes)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        if (memcmp(bytes, layouts[i].magic, MAGIC_BYTES) == 0) {
            return &layouts[i];
        }
    }
    return NULL;
}

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
    const struct layout *layout = &layouts[0];
    const uint64_t fields[FIELDS_MAX] = {
        head->kind,         head->rows, head->first_prediction,
        head->stream,       head->seq,  (uint64_t)head->anchor_ms,
        head->anchor_known, payload,    head->predictions};
    memset(ret_bytes, 0, QUEUE_HEADER_BYTES);
    memcpy(ret_bytes, layout->magic, MAGIC_BYTES);
    for (size_t i = 0; i < layout->fields; i++) {
        put_u64(ret_bytes + FIELDS_AT + 8 * i, fields[i]);
    }
    memcpy(ret_bytes + boot_at(layout), head->boot_id, BOOT_ID_BYTES);
}

/* Whether these `len` bytes begin with a head of ours; what of the file it takes and the
 * payload's length come back too. */
static bool head_decode(const uint8_t *bytes, size_t len, struct queue_head *ret_head,
                        size_t *ret_header, uint64_t *ret_payload)
{
    uint64_t fields[FIELDS_MAX] = {0};
    const struct layout *layout = len >= MAGIC_BYTES ? layout_of(bytes) : NULL;
    if (!layout || len < header_bytes(layout)) {
        return false;
    }
    for (size_t i = 0; i < layout->fields; i++) {
        fields[i] = get_u64(bytes + FIELDS_AT + 8 * i);
    }
    fields[8] = layout->fields > 8 ? fields[8] : fields[1];
    bool kind = fields[0] == QUEUE_RAW || fields[0] == QUEUE_FINAL;
    bool numbers = fields[1] < UINT32_MAX && fields[2] < INT64_MAX &&
                   fields[3] < INT64_MAX && fields[4] < INT64_MAX &&
                   fields[8] >= fields[1] && fields[8] <= UINT32_MAX;
    if (!kind || !numbers || fields[7] > QUEUE_PAYLOAD_MAX ||
        bytes[header_bytes(layout) - 1] != 0) {
        return false;
    }
    *ret_head = (struct queue_head){.kind = (enum queue_kind)fields[0],
                                    .rows = fields[1],
                                    .predictions = fields[8],
                                    .first_prediction = fields[2],
                                    .stream = fields[3],
                                    .seq = fields[4],
                                    .anchor_ms = (int64_t)fields[5],
                                    .anchor_known = fields[6] != 0};
    memcpy(ret_head->boot_id, bytes + boot_at(layout), BOOT_ID_BYTES);
    *ret_header = header_bytes(layout);
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
    size_t header = 0;
    uint64_t payload = 0;
    uint8_t digest[32];
    if (!head_decode((const uint8_t *)file.data, file.len, &head, &header, &payload) ||
        file.len != header + payload) {
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
        buf_add(ret_payload, file.data + header, payload);
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
    size_t header = 0;
    uint64_t payload = 0;
    ssize_t len = pread(fd, bytes, sizeof bytes, 0);
    if (len < 0 || !head_decode(bytes, (size_t)len, ret_head, &header, &payload) ||
        (uint64_t)file.st_size != header + payload) {
        return damaged(path, err);
    }
    *ret_bytes = (uint64_t)file.st_size;
    return OK;
}
