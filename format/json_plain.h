/* SPDX-License-Identifier: Apache-2.0 */
/* json_plain: the short way for what most numbers of a report look like. In a header, so
 * that it becomes part of the loop that reads a column (measured: a third of the
 * decoder's time). */
#ifndef MUSTER_FORMAT_JSON_PLAIN_H
#define MUSTER_FORMAT_JSON_PLAIN_H

#include "format/json_scan.h"

enum { JSON_PLAIN_BYTES_MAX = 18 }; /* as many digits fit 64 bits */

static inline const char *json_plain_digits(const char *at, const char *end,
                                            uint64_t *digits)
{
    for (; at < end; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9) {
            break;
        }
        *digits = *digits * 10 + digit;
    }
    return at;
}

/* Reads 1 to 18 digits with at most one point among them, no sign, no exponent, directly
 * followed by ',', ']' or '}'; *ret_fraction is how many digits stand behind the point.
 * False, with nothing read but white space, for anything else: read it with
 * json_scan_number then. */
static inline bool json_scan_plain(struct json_scan *scan, uint64_t *ret_digits,
                                   unsigned *ret_fraction)
{
    (void)json_scan_peek(scan);
    const char *from = scan->at;
    bool long_enough = scan->end - from > JSON_PLAIN_BYTES_MAX;
    const char *end = long_enough ? from + JSON_PLAIN_BYTES_MAX : scan->end;
    uint64_t digits = 0;
    unsigned fraction = 0;
    const char *at = json_plain_digits(from, end, &digits);
    if (at == end || at == from || (*from == '0' && at - from > 1)) {
        return false;
    }
    if (*at == '.') {
        const char *point = at;
        at = json_plain_digits(point + 1, end, &digits);
        fraction = (unsigned)(at - point - 1);
        if (at == end || fraction == 0) {
            return false;
        }
    }
    if (*at != ',' && *at != ']' && *at != '}') {
        return false;
    }
    *ret_digits = digits;
    *ret_fraction = fraction;
    scan->at = at;
    return true;
}

#endif
