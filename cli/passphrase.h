/* SPDX-License-Identifier: Apache-2.0 */
/* passphrase: what opens key files, from a file, the environment or the terminal.
 *
 * In that order: the first line of --passphrase-file, MUSTER_PASSPHRASE, a prompt on
 * /dev/tty without echo. Never from the command line, which others can read. Wiped at the
 * end of its scope. */
#ifndef MUSTER_CLI_PASSPHRASE_H
#define MUSTER_CLI_PASSPHRASE_H

#include <stdbool.h>

#include "base/err.h"

enum { PASSPHRASE_BYTES = 1024 };

struct passphrase {
    char text[PASSPHRASE_BYTES]; /* never empty once read */
};

#define PASSPHRASE_AUTO __attribute__((cleanup(passphrase_wipe))) struct passphrase

/* Reads it. `file` may be NULL. With `confirm` a prompt asks twice. ERR_KEY_PASSPHRASE
 * when it is empty, too long or not confirmed, ERR_USAGE when there is no terminal to
 * ask. */
enum status passphrase_read(const char *file, bool confirm,
                            struct passphrase *ret_passphrase, struct err *err) MUST_USE;

/* Overwrites it. */
void passphrase_wipe(struct passphrase *passphrase);

#endif
