/* SPDX-License-Identifier: Apache-2.0 */
/* changes: what a draft changes against what is published, in words.
 *
 * Whoever signs trusts this text alone, so nothing may be missing: what has no words of
 * its own is told as the member that differs, its old and its new value. Texts out of
 * metadata are shown with everything but printable ASCII as '?'. */
#ifndef MUSTER_REPO_CHANGES_H
#define MUSTER_REPO_CHANGES_H

#include "base/buf.h"
#include "repo/draft.h"

/* Appends the text, a paragraph a file. */
void changes_describe(const struct draft *draft, struct buf *ret_text);

#endif
