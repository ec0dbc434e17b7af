/* SPDX-License-Identifier: Apache-2.0 */
#include "converter/wire.h"

enum { VARINT_BYTES_MAX = 10, FIELD_NUMBER_MAX = (1 << 29) - 1 };

static bool fixed(struct wire *wire, size_t bytes, uint64_t *ret_value)
{
    if (wire_left(wire) < bytes) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)wire->at[i] << (8 * i);
    }
    wire->at += bytes;
    *ret_value = value;
    return true;
}

static bool bytes(struct wire *wire, struct wire *ret_body)
{
    uint64_t length;
    if (!wire_varint(wire, &length) || length > wire_left(wire)) {
        return false;
    }
    *ret_body = (struct wire){.at = wire->at, .end = wire->at + length};
    wire->at += length;
    return true;
}

static bool read_value(struct wire *wire, unsigned type, struct wire_field *field)
{
    switch (type) {
    case WIRE_VARINT:
        field->type = WIRE_VARINT;
        return wire_varint(wire, &field->value);
    case WIRE_FIXED64:
        field->type = WIRE_FIXED64;
        return fixed(wire, 8, &field->value);
    case WIRE_BYTES:
        field->type = WIRE_BYTES;
        return bytes(wire, &field->body);
    case WIRE_FIXED32:
        field->type = WIRE_FIXED32;
        return fixed(wire, 4, &field->value);
    default: /* a number from the file: groups and unknown types */
        return false;
    }
}

bool wire_varint(struct wire *wire, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && wire->at < wire->end; i++) {
        uint8_t byte = *wire->at++;
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

enum wire_step wire_next(struct wire *wire, struct wire_field *ret_field)
{
    if (wire->at >= wire->end) {
        return WIRE_END;
    }
    uint64_t key;
    if (!wire_varint(wire, &key) || key >> 3 == 0 || key >> 3 > FIELD_NUMBER_MAX) {
        return WIRE_MALFORMED;
    }
    struct wire_field field = {.number = (uint32_t)(key >> 3)};
    if (!read_value(wire, (unsigned)(key & 7), &field)) {
        return WIRE_MALFORMED;
    }
    *ret_field = field;
    return WIRE_FIELD;
}

bool wire_count(struct wire wire, uint32_t number, size_t *ret_count)
{
    size_t count = 0;
    struct wire_field field;
    enum wire_step step;
    while ((step = wire_next(&wire, &field)) == WIRE_FIELD) {
        count += field.number == number;
    }
    if (step == WIRE_MALFORMED) {
        return false;
    }
    *ret_count = count;
    return true;
}
