/* SPDX-License-Identifier: Apache-2.0 */
/* problem: error answers as problem documents (RFC 9457). */
#ifndef MUSTER_SERVER_HTTP_PROBLEM_H
#define MUSTER_SERVER_HTTP_PROBLEM_H

#include "base/err.h"

struct request;
struct response;

/* Replaces the response by the problem document of `status`, with detail and pointer from
 * request->err. What is the server's own fault (most 5xx) is told in the log only: paths
 * and SQL stay inside. Adds Allow, WWW-Authenticate, Retry-After where they belong. */
void problem_answer(struct request *request, enum status status,
                    struct response *response);

#endif
