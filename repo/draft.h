/* SPDX-License-Identifier: Apache-2.0 */
/* draft: the next state of a repository while it is made: the role files that change,
 * with the signatures that they have so far.
 *
 * A verb opens a draft, edits bodies, and settles it: edited files get their version and
 * expiry and lose their signatures; files that a changed key or threshold would make
 * invalid are added, to be signed again; and once every targets file is complete, the
 * snapshot that names them. A draft that was staged before is taken up where it was left.
 * Nothing here writes (repo/staging.h does) or signs (repo/signature.h does). */
#ifndef MUSTER_REPO_DRAFT_H
#define MUSTER_REPO_DRAFT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "repo/repository.h"

enum { DRAFT_FILES_MAX = 64, DRAFT_DEMANDS_MAX = 2 };

/* One role file; after settling, exactly one of the parsed forms is there. */
struct draft_file {
    char role[TUF_ROLE_NAME_MAX];
    json_t *body;       /* "signed" */
    json_t *signatures; /* a list */
    struct buf bytes;   /* both, as the file will be */
    struct tuf_root *root;
    struct tuf_snapshot *snapshot;
    struct tuf_targets *targets;
    bool edited; /* since it was settled last */
};

struct draft {
    struct repository *repository; /* borrowed */
    int64_t now_ms;
    int64_t life_ms; /* of what is edited */
    struct draft_file *files[DRAFT_FILES_MAX];
    size_t count;
    bool pending; /* it was staged before */
};

#define DRAFT_AUTO __attribute__((cleanup(draft_release))) struct draft

/* Keys of which a file needs a threshold. */
struct draft_demand {
    const struct tuf_keyring *keyring;
    const struct tuf_authority *authority;
    const char *by; /* "the root", "the root before", "targets" */
};

/* Who must sign a file: a root, by the root before and by itself. */
struct draft_demands {
    struct draft_demand items[DRAFT_DEMANDS_MAX];
    size_t count;
};

/* An empty draft over the published state. */
void draft_init(struct draft *ret_draft, struct repository *repository, int64_t now_ms,
                int64_t life_ms);
void draft_release(struct draft *draft);

/* The file of a role, or NULL. */
struct draft_file *draft_find(const struct draft *draft, const char *role);

/* The body to edit: that of the draft, else a copy of the published one, else (a
 * delegated role without a file) a new one. Borrowed. */
enum status draft_edit(struct draft *draft, const char *role, json_t **ret_body,
                       struct err *err) MUST_USE;

/* Takes a file in as it was staged. ERR_CONFLICT when it is not the version behind the
 * published one. */
enum status draft_take(struct draft *draft, const char *role, const struct buf *bytes,
                       struct err *err) MUST_USE;

/* Makes everything consistent (see above). A TUF code when a body is not as a client
 * demands. */
enum status draft_settle(struct draft *draft, struct err *err) MUST_USE;

/* What will be valid: the draft's, else the published one. draft_targets is NULL for a
 * role without a file. */
const struct tuf_root *draft_root(const struct draft *draft);
const struct tuf_targets *draft_targets(const struct draft *draft, const char *role);
const struct tuf_envelope *draft_envelope(const struct draft_file *file);

/* The version that is published of a role, 0: none. */
int64_t draft_published_version(const struct draft *draft, const char *role);

/* Who must sign it; none for a role that nobody delegates to. */
struct draft_demands draft_demands(const struct draft *draft, const char *role);

/* Whether its signatures reach every threshold; of all files and of the snapshot that
 * they need, for the whole. */
bool draft_file_complete(const struct draft *draft, const struct draft_file *file);
bool draft_complete(const struct draft *draft);

/* Whether a snapshot is needed that is not there yet because targets are incomplete. */
bool draft_lacks_snapshot(const struct draft *draft);

/* Appends a signature, which the caller has verified. */
enum status draft_add_signature(struct draft_file *file, const char *keyid,
                                const char *signature, struct err *err) MUST_USE;

#endif
