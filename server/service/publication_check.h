/* SPDX-License-Identifier: Apache-2.0 */
/* publication_check: whether a folder holds a whole published state, as a backup must.
 *
 * Reads only, and needs neither a server nor keys. Blocks. */
#ifndef MUSTER_SERVER_SERVICE_PUBLICATION_CHECK_H
#define MUSTER_SERVER_SERVICE_PUBLICATION_CHECK_H

#include <stdint.h>

#include "base/err.h"

/* Verifies <folder>/tuf from its roots to its targets, whatever has expired, and hands
 * out the digest (hex) and length of every listed target. OK without any call when
 * nothing is published. ERR_TUF_*, or what `each` returns. */
enum status publication_check(const char *folder,
                              enum status (*each)(void *context, const char *sha256,
                                                  uint64_t length, struct err *err),
                              void *context, struct err *err) MUST_USE;

#endif
