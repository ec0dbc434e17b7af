/* SPDX-License-Identifier: Apache-2.0 */
/* vector: one case of tests/vectors/http: raw bytes to send and what must come back.
 *
 *   # why
 *   expect: 400 200|404 close      statuses in order, then close or keep
 *   send:
 *   GET / HTTP/1.1\r\n             all lines joined, without their line ends
 *
 * Escapes: \r \n \t \0 \\ \xHH, \{5000:a} for a character repeated and \{5000|ab|} for a
 * text. `none` instead of statuses means that it closes without an answer. */
#ifndef MUSTER_TESTS_API_VECTOR_H
#define MUSTER_TESTS_API_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { VECTOR_ANSWERS_MAX = 8, VECTOR_BYTES_MAX = 4 * 1024 * 1024 };

struct vector {
    struct buf bytes;                      /* to send; release with buf_release */
    char expected[VECTOR_ANSWERS_MAX][32]; /* "400" or "400|501" */
    size_t expected_count;
    bool closes;
};

/* Reads a case; fails the running test when the file is malformed. */
void vector_read(const char *path, struct vector *ret_vector);

/* Joins the lines of a text, which a NUL ends, without their ends and adds what their
 * escapes mean. */
void vector_unescape(const char *text, size_t len, struct buf *out);

/* Whether the status is one of "400|501". */
bool vector_allows(const char *expected, int status);

#endif
