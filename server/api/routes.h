/* SPDX-License-Identifier: Apache-2.0 */
/* routes: the table of everything that the server answers; its table of contents.
 *
 * Constant; docs/openapi.yaml, the metrics' labels and the tests that walk every row
 * without credentials come from it. */
#ifndef MUSTER_SERVER_API_ROUTES_H
#define MUSTER_SERVER_API_ROUTES_H

#include <stddef.h>

#include "server/http/route.h"

extern const struct route api_routes[];
extern const size_t api_routes_count;

#endif
