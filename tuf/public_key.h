/* SPDX-License-Identifier: Apache-2.0 */
/* public_key: public keys as people hand them over, as TUF key objects.
 *
 * Understood: 64 hex digits (Ed25519), a key object {"keytype","scheme","keyval"}, a
 * sealed key file (its header is public), and PEM "PUBLIC KEY" of ECDSA P-256 or RSA
 * (2,048 to 8,192 bits; signs by PSS). No I/O. */
#ifndef MUSTER_TUF_PUBLIC_KEY_H
#define MUSTER_TUF_PUBLIC_KEY_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "tuf/key.h"

enum { PUBLIC_KEY_TEXT_MAX = 16 * 1024 };

/* Reads a text in one of these forms; white space around it does not matter.
 * ERR_KEY_FORMAT for anything that could not verify a signature. The caller owns the
 * object. */
enum status public_key_parse(const char *text, size_t len, json_t **ret_object,
                             char ret_keyid[static KEY_ID_BYTES],
                             struct err *err) MUST_USE;

#endif
