/* SPDX-License-Identifier: Apache-2.0 */
/* range: the Range header of RFC 9110, one range of bytes. */
#ifndef MUSTER_SERVER_HTTP_RANGE_H
#define MUSTER_SERVER_HTTP_RANGE_H

#include <stdint.h>

enum range_kind {
    RANGE_WHOLE,         /* no range, or a unit that is not understood: all of it */
    RANGE_PART,          /* answer 206 with this part */
    RANGE_UNSATISFIABLE, /* past the end, backwards or several: answer 416 */
};

struct range {
    uint64_t offset;
    uint64_t len;
};

/* Reads `text` (NULL: no header) against a resource of `size` bytes; fills `ret_range`
 * unless unsatisfiable. */
enum range_kind range_parse(const char *text, uint64_t size, struct range *ret_range);

#endif
