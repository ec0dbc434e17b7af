/* SPDX-License-Identifier: Apache-2.0 */
/* healthcheck: asks a running server how it is, for containers and scripts. */
#ifndef MUSTER_SERVER_HEALTHCHECK_H
#define MUSTER_SERVER_HEALTHCHECK_H

#include "base/err.h"

/* GET of the URL, five seconds at most, no redirects: OK for an answer of 2xx, ERR_NET
 * otherwise. Blocks. */
enum status healthcheck(const char *url, struct err *err) MUST_USE;

#endif
