/* SPDX-License-Identifier: Apache-2.0 */
/* staging: drafts in the repository's folder, and a complete one becoming published.
 *
 * DIR/staged/<role>.json are role files that lack signatures; people with keys take turns
 * (muster repo sign). Committing checks first what a client would say, then decides by a
 * journal. A crash leaves the state before or the one after. All of it blocks. */
#ifndef MUSTER_REPO_STAGING_H
#define MUSTER_REPO_STAGING_H

#include "base/err.h"
#include "repo/draft.h"

/* Takes what is staged into an empty draft and settles it; draft->pending says whether
 * there was any. */
enum status staging_load(struct draft *draft, struct err *err) MUST_USE;

/* Writes the draft's files, and removes staged ones that it has not. */
enum status staging_store(const struct draft *draft, struct err *err) MUST_USE;

/* Removes everything staged. */
enum status staging_discard(const struct repository *repository,
                            struct err *err) MUST_USE;

/* Publishes a complete draft, and reads the repository anew: the draft is empty then.
 * ERR_TUF_SIGNATURE and other codes of a client that would refuse it; then nothing
 * changed. */
enum status staging_commit(struct draft *draft, struct err *err) MUST_USE;

/* What a client that trusts the published state would say to the draft. */
enum status staging_check(const struct draft *draft, struct err *err) MUST_USE;

#endif
