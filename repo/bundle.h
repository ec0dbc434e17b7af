/* SPDX-License-Identifier: Apache-2.0 */
/* bundle: what is staged, carried to a machine without a network and back.
 *
 *   FOLDER/repo.json     {"format":"muster-bundle/1"}
 *   FOLDER/root.json, FOLDER/metadata/     root 1 … N and the published files
 *   FOLDER/staged/       what is to be signed
 *
 * No keys and no target files. The other machine verifies the published state from root 1
 * on, as anybody who opens a repository does, before it tells what changes. Only
 * signatures come back. Blocks. */
#ifndef MUSTER_REPO_BUNDLE_H
#define MUSTER_REPO_BUNDLE_H

#include "base/err.h"
#include "repo/draft.h"

/* Writes a draft into a folder that holds neither bundle nor repository (ERR_EXISTS); the
 * marker comes last. ERR_NOT_FOUND for a draft without files. */
enum status bundle_write(const struct draft *draft, const char *folder,
                         struct err *err) MUST_USE;

/* Takes the signatures of a bundle that are still needed, valid, and over exactly the
 * bytes that are staged here; *ret_added counts them. ERR_CONFLICT when something else
 * was signed, ERR_NOT_FOUND for a folder that is no bundle. */
enum status bundle_take(struct draft *draft, const char *folder, int *ret_added,
                        struct err *err) MUST_USE;

#endif
