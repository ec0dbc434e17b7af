/* SPDX-License-Identifier: Apache-2.0 */
/* push: the published state of a repository to a server, which verifies it as a client
 * would or changes nothing. */
#ifndef MUSTER_CLI_PUSH_H
#define MUSTER_CLI_PUSH_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "cli/http.h"
#include "repo/repository.h"

/* Uploads target files that the server's metadata did not list yet (all of them with
 * `all`), then the metadata, delegated roles included. *ret_answer is the server's
 * answer. Says on stderr what it uploads. */
enum status push_repository(const struct connection *connection,
                            const struct repository *repository, bool all,
                            json_t **ret_answer, struct err *err) MUST_USE;

#endif
