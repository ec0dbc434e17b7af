/* SPDX-License-Identifier: Apache-2.0 */
/* wire: reads protobuf's wire format field by field, without a schema and without memory.
 *
 * A message is a span of bytes; a nested message is a span inside it, so nothing here
 * recurses and no length can reach outside the file. Groups (wire types 3 and 4) are
 * refused: ONNX does not use them. */
#ifndef MUSTER_CONVERTER_WIRE_H
#define MUSTER_CONVERTER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
    const uint8_t *at, *end;
};

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;   /* varint and fixed types */
    struct wire body; /* bytes */
};

enum wire_step { WIRE_END, WIRE_FIELD, WIRE_MALFORMED };

/* The next field, the end of the message, or a malformed message. */
enum wire_step wire_next(struct wire *wire, struct wire_field *ret_field);

/* One varint; false when it is cut off or longer than 64 bits. */
bool wire_varint(struct wire *wire, uint64_t *ret_value);

/* How many fields of this number a message has; false when it is malformed. */
bool wire_count(struct wire wire, uint32_t number, size_t *ret_count);

static inline size_t wire_left(const struct wire *wire)
{
    return (size_t)(wire->end - wire->at);
}

#endif
