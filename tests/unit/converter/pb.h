/* SPDX-License-Identifier: Apache-2.0 */
/* pb: writes protobuf's wire format into a buffer, for tests. */
#ifndef MUSTER_TESTS_UNIT_CONVERTER_PB_H
#define MUSTER_TESTS_UNIT_CONVERTER_PB_H

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

static inline void pb_varint(struct buf *buf, uint64_t value)
{
    while (value >= 0x80) {
        buf_addc(buf, (char)(uint8_t)(value | 0x80));
        value >>= 7;
    }
    buf_addc(buf, (char)(uint8_t)value);
}

static inline void pb_int(struct buf *buf, uint32_t field, int64_t value)
{
    pb_varint(buf, (uint64_t)field << 3);
    pb_varint(buf, (uint64_t)value);
}

static inline void pb_bytes(struct buf *buf, uint32_t field, const void *data, size_t len)
{
    pb_varint(buf, (uint64_t)field << 3 | 2);
    pb_varint(buf, len);
    buf_add(buf, data, len);
}

static inline void pb_text(struct buf *buf, uint32_t field, const char *text)
{
    pb_bytes(buf, field, text, strlen(text));
}

/* Moves a finished message into a field of another. */
static inline void pb_message(struct buf *buf, uint32_t field, struct buf *message)
{
    pb_bytes(buf, field, message->data ? message->data : "", message->len);
    buf_release(message);
}

#endif
