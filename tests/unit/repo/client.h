/* SPDX-License-Identifier: Apache-2.0 */
/* client: whether a client of the published state finds a target, by the workflow and the
 * search that nodes use; the server's timestamp is signed here. */
#ifndef MUSTER_TESTS_UNIT_REPO_CLIENT_H
#define MUSTER_TESTS_UNIT_REPO_CLIENT_H

#include "tests/unit/repo/folder.h"
#include "tuf/signing.h"
#include "tuf/target.h"
#include "tuf/target_search.h"

static inline void client_follow_roots(const struct repository *repository,
                                       struct trusted_set *set)
{
    struct err err = {0};
    int64_t newest = repository->trust.root->envelope.version;
    for (int64_t version = 1; version <= newest; version++) {
        BUF_AUTO root = BUF_INIT(1 << 20);
        folder_must(repository_read(repository, "root", version, &root, &err), &err);
        folder_must(version == 1
                        ? trusted_set_init(set, root.data, root.len, NOW_MS, &err)
                        : trusted_set_update_root(set, root.data, root.len, &err),
                    &err);
    }
    folder_must(trusted_set_root_done(set, &err), &err);
}

static inline void client_refresh(const struct repository *repository,
                                  struct trusted_set *set)
{
    struct signing_key key = folder_timestamp_key();
    BUF_AUTO snapshot = BUF_INIT(1 << 20);
    BUF_AUTO targets = BUF_INIT(1 << 20);
    BUF_AUTO timestamp = BUF_INIT(1 << 20);
    int64_t version = repository->snapshot->envelope.version;
    bool changed = false;
    struct err err = {0};
    client_follow_roots(repository, set);
    folder_must(repository_read(repository, "snapshot", version, &snapshot, &err), &err);
    folder_must(repository_read(repository, "targets",
                                repository->targets->envelope.version, &targets, &err),
                &err);
    struct timestamp_order order = {
        .snapshot = {.data = snapshot.data, .len = snapshot.len, .version = version},
        .now_ms = NOW_MS,
        .life_ms = 7 * DAY_MS};
    folder_must(signing_timestamp(&order, &key, &timestamp, &version, &err), &err);
    folder_must(
        trusted_set_update_timestamp(set, timestamp.data, timestamp.len, &changed, &err),
        &err);
    folder_must(trusted_set_update_snapshot(set, snapshot.data, snapshot.len, &err),
                &err);
    folder_must(trusted_set_update_targets(set, targets.data, targets.len, &err), &err);
}

/* Whether the search finds the path; every file that it asks for must verify. */
static inline bool client_finds(const struct repository *repository, const char *path)
{
    TRUSTED_SET_AUTO set = {0};
    struct target_search search;
    enum search_state state = SEARCH_ABSENT;
    struct err err = {0};
    client_refresh(repository, &set);
    folder_must(target_search_init(&search, &set, path, &err), &err);
    for (;;) {
        enum status status = target_search_step(&search, &state, &err);
        if (status == OK && state == SEARCH_WANTS_ROLE) {
            const struct tuf_meta *meta = repository_meta(repository, search.role);
            BUF_AUTO bytes = BUF_INIT(1 << 20);
            if (!meta) {
                return false;
            }
            folder_must(
                repository_read(repository, search.role, meta->version, &bytes, &err),
                &err);
            folder_must(trusted_set_update_role(&set, search.delegator, search.role,
                                                bytes.data, bytes.len, &err),
                        &err);
            continue;
        }
        folder_must(status, &err);
        return state == SEARCH_FOUND;
    }
}

#endif
