/* SPDX-License-Identifier: Apache-2.0 */
/* ack: the answer to a report. */
#ifndef MUSTER_FORMAT_ACK_H
#define MUSTER_FORMAT_ACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct ack {
    int64_t first_id; /* id of the first row; the others follow without gaps */
    int64_t rows;
    bool duplicate;
    int64_t server_ms;
};

/* Appends the JSON. */
void ack_encode(const struct ack *ack, struct buf *ret_body);

/* Reads the JSON; ERR_JSON_* when a member is missing or of the wrong type. */
enum status ack_decode(const char *body, size_t len, struct ack *ret_ack,
                       struct err *err) MUST_USE;

#endif
