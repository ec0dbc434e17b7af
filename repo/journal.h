/* SPDX-License-Identifier: Apache-2.0 */
/* journal: several metadata files become published at once, or none of them.
 *
 *   DIR/staged/COMMIT   {"files":[{"role":"targets","version":4,"text":"…"},…]}
 *
 * Writing that file (atomically) is the decision; what follows - the files into
 * metadata/, the staged ones away, COMMIT away - is only repeated until it is done:
 * opening a repository finishes what a crash left. All of it blocks; the caller holds the
 * repository's lock. */
#ifndef MUSTER_REPO_JOURNAL_H
#define MUSTER_REPO_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct journal_file {
    const char *role;
    int64_t version;
    const struct buf *bytes;
};

/* Decides: from here on these files are the published ones. They are written in this
 * order, so a snapshot comes last. */
enum status journal_write(const char *folder, const struct journal_file *files,
                          size_t count, struct err *err) MUST_USE;

/* Does what was decided, and empties staged/; OK when nothing was decided.
 * ERR_TUF_FORMAT for a journal that this program did not write. */
enum status journal_finish(const char *folder, struct err *err) MUST_USE;

/* Removes DIR/staged/<file of role>.json files of all roles that `keep` (a list of
 * `count` role names) does not have; OK when there is no such folder. */
enum status staged_sweep(const char *folder, const char *const *keep, size_t count,
                         struct err *err) MUST_USE;

#endif
