/* SPDX-License-Identifier: Apache-2.0 */
/* guard: message framing that cannot mean two things (docs/PROTOCOL.md, Framing).
 *
 * libmicrohttpd 0.9.75 takes Content-Length beside Transfer-Encoding, two lengths,
 * `Content-Length : 3`, unknown codings and two Hosts, each a way to smuggle a request
 * past a proxy. The guard looks at the head as the library parsed it, on the first
 * handler call, before anything of the body is read. Whatever it refuses is answered and
 * the connection closed. Pure functions over plain data: no libmicrohttpd here. */
#ifndef MUSTER_SERVER_HTTP_GUARD_H
#define MUSTER_SERVER_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One header field; both texts are NUL-terminated, the lengths are the library's. */
struct head_field {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* A request's head as the library saw it. */
struct head {
    const char *method;
    const char *version; /* "HTTP/1.1" */
    const struct head_field *fields;
    size_t field_count;
    size_t bytes; /* of the whole head on the wire */
};

struct guard_limits {
    size_t head_bytes;
    size_t max_fields;
};

/* What the head says about the body. */
struct framing {
    bool chunked;
    bool has_length;
    uint64_t length;       /* with has_length */
    bool expects_continue; /* Expect: 100-continue */
};

/* ERR_HTTP_FRAMING, ERR_HTTP_NOT_IMPLEMENTED (method or coding), ERR_HTTP_EXPECTATION or
 * ERR_HTTP_HEADERS_TOO_LARGE for a head that is refused. */
enum status guard_check(const struct head *head, const struct guard_limits *limits,
                        struct framing *ret_framing, struct err *err) MUST_USE;

/* The methods that routes may use, by name; NULL for any other text. */
const char *guard_method(const char *text);

/* The value of the first field of that name (case-insensitive), or NULL. */
const char *guard_field(const struct head *head, const char *name);

#endif
