/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the role ('r', 't', 's', anything else: targets), the rest is
 * the file. What parses is walked as client, server and publisher do. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tuf/target_transports.h"
#include "tuf/trusted_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BYTES = 64 * 1024 };

static void fuzz_root(const uint8_t *data, size_t size)
{
    struct tuf_root *root = NULL;
    struct err err = {0};
    TRUSTED_SET_AUTO set = {0};
    struct tuf_wanted wanted;
    if (trusted_set_init(&set, data, size, 0, &err) == OK) {
        (void)!trusted_set_update_root(&set, data, size, &err);
        (void)!trusted_set_root_done(&set, &err);
        (void)!trusted_set_wanted(&set, TUF_ROLE_ROOT, &wanted, &err);
    }
    if (tuf_root_parse(data, size, MAX_BYTES, &root, NULL) == OK) {
        for (int role = 0; role < TUF_ROLE_COUNT; role++) {
            int count = 0;
            (void)!tuf_envelope_verify(&root->envelope, &root->keyring,
                                       &root->roles[role], &count, NULL);
        }
        tuf_root_free(root);
    }
}

static void fuzz_timestamp(const uint8_t *data, size_t size)
{
    struct tuf_timestamp *timestamp = NULL;
    if (tuf_timestamp_parse(data, size, MAX_BYTES, &timestamp, NULL) == OK) {
        (void)!tuf_hashes_verify(&timestamp->snapshot.hashes, data, size, NULL);
        tuf_timestamp_free(timestamp);
    }
}

static void fuzz_snapshot(const uint8_t *data, size_t size)
{
    struct tuf_snapshot *snapshot = NULL;
    if (tuf_snapshot_parse(data, size, MAX_BYTES, &snapshot, NULL) == OK) {
        for (size_t i = 0; i < snapshot->count; i++) {
            if (tuf_snapshot_meta(snapshot, snapshot->metas[i].name) !=
                &snapshot->metas[i]) {
                abort();
            }
        }
        tuf_snapshot_free(snapshot);
    }
}

static void walk_target(const struct tuf_targets *targets, const struct tuf_target *file)
{
    bool ours = false;
    struct model_target target;
    struct model_target other;
    struct target_transports transports;
    int64_t floor = 0;
    int64_t highest = 0;
    BUF_AUTO path = BUF_INIT(1024);
    if (tuf_targets_find(targets, file->path) != file) {
        abort();
    }
    (void)!target_fetch_path(file, true, &path, NULL);
    if (model_target_parse(file, &ours, &target, NULL) == OK && ours) {
        model_targets_floor(targets, target.model, &floor, &highest);
        if (target.kind == TARGET_ARTIFACT) {
            target_transports_find(targets, &target, &transports);
        }
        (void)!model_targets_by_sha256(targets, file->hashes.sha256, &other, NULL);
    }
}

static void fuzz_targets(const uint8_t *data, size_t size)
{
    struct tuf_targets *targets = NULL;
    struct err err = {0};
    if (tuf_targets_parse(data, size, MAX_BYTES, &targets, &err) == OK) {
        (void)!model_targets_check(targets, &err);
        for (size_t i = 0; i < targets->count && i < 16; i++) {
            walk_target(targets, &targets->targets[i]);
        }
        tuf_targets_free(targets);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    switch (data[0]) {
    case 'r':
        fuzz_root(data + 1, size - 1);
        break;
    case 't':
        fuzz_timestamp(data + 1, size - 1);
        break;
    case 's':
        fuzz_snapshot(data + 1, size - 1);
        break;
    default:
        fuzz_targets(data + 1, size - 1);
    }
    return 0;
}
