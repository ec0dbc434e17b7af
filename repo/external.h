/* SPDX-License-Identifier: Apache-2.0 */
/* external: a program that signs, for keys in hardware or other tools.
 *
 * The message goes to its standard input; its standard output is the signature, as raw
 * bytes or as hex text. The command line is split at spaces, without a shell or quoting:
 * what needs more is a script. Blocks until the program ends. */
#ifndef MUSTER_REPO_EXTERNAL_H
#define MUSTER_REPO_EXTERNAL_H

#include "base/buf.h"
#include "base/err.h"

enum { EXTERNAL_SIGNATURE_MAX = 1024 };

/* Runs it; the signature as hex. ERR_IO when it cannot run, fails, or answers with
 * nothing or with more than EXTERNAL_SIGNATURE_MAX bytes. */
enum status external_sign(const char *command, const struct buf *message,
                          char ret_signature[static 2 * EXTERNAL_SIGNATURE_MAX + 1],
                          struct err *err) MUST_USE;

#endif
