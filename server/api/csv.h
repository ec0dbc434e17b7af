/* SPDX-License-Identifier: Apache-2.0 */
/* csv: an answer as RFC 4180 has it: a header line, CRLF, quotes where they are needed.
 *
 * A text that a spreadsheet would take for a formula gets an apostrophe in front. Null is
 * an empty field. */
#ifndef MUSTER_SERVER_API_CSV_H
#define MUSTER_SERVER_API_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "server/http/request.h"
#include "server/http/response.h"

/* Zero-initialise but for `text`. */
struct csv {
    struct buf text;
    bool within; /* a row: it has a field already */
};

/* Whether ?format=csv, or without ?format the Accept header, asks for it. 422 for a
 * format that is neither json nor csv. */
enum status csv_wanted(struct request *request, bool *ret_wanted) MUST_USE;

/* Appends a field; text of NULL is null. */
void csv_text(struct csv *csv, const char *text);
void csv_integer(struct csv *csv, int64_t value);
void csv_real(struct csv *csv, double value);
void csv_null(struct csv *csv);

/* Ends the row. */
void csv_end(struct csv *csv);

/* Answers with it as the file muster-NAME.csv. */
enum status csv_send(struct request *request, struct response *response,
                     const struct csv *csv, const char *name) MUST_USE;

#endif
