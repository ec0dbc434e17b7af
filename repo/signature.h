/* SPDX-License-Identifier: Apache-2.0 */
/* signature: adding signatures to a draft: by the keys at hand, by an external program,
 * by the files of a bundle. Each is verified before it is taken, only as many as the
 * thresholds need are made, and a draft whose targets become complete gets its snapshot,
 * which is then signed too.
 *
 * An external program gets the canonical bytes of "signed" on its standard input and
 * answers on its standard output with the signature, raw or in hex. Its command line is
 * split at spaces; there is no shell. Blocks until it ends. */
#ifndef MUSTER_REPO_SIGNATURE_H
#define MUSTER_REPO_SIGNATURE_H

#include "base/err.h"
#include "repo/draft.h"
#include "repo/keychain.h"

/* Whether a key of the chain could add a signature that is still needed. */
bool signature_wanted(const struct draft *draft, const struct keychain *keychain);

/* Signs with the keys at hand; *ret_added counts signatures. ERR_KEY_PASSPHRASE when the
 * passphrase opens none of the keys that are needed. */
enum status signature_by_keys(struct draft *draft, struct keychain *keychain,
                              const char *passphrase, int *ret_added,
                              struct err *err) MUST_USE;

/* Has a program sign. ERR_TUF_SIGNATURE when no key of a role verifies what it answers.
 */
enum status signature_by_program(struct draft *draft, const char *command, int *ret_added,
                                 struct err *err) MUST_USE;

/* Takes those signatures of an envelope that are over exactly the draft's bytes and by
 * keys that still have to sign. ERR_CONFLICT when the bytes differ. */
enum status signature_take(const struct draft *draft, struct draft_file *file,
                           const struct buf *envelope, int *ret_added,
                           struct err *err) MUST_USE;

/* Appends for each file that lacks signatures a line "the targets role needs 2 signatures
 * and has 1: ask one of KEYID, KEYID to run 'muster repo sign'". Keys of the chain are
 * named by their label. */
void signature_missing(const struct draft *draft, const struct keychain *keychain,
                       struct buf *ret_text);

#endif
