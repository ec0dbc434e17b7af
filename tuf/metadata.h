/* SPDX-License-Identifier: Apache-2.0 */
/* metadata: root, timestamp, snapshot and targets as parsed structs.
 *
 * Parsing checks the shape of every field that TUF 1.0 names and keeps the tree and the
 * canonical bytes of "signed", unknown members included, because those are what was
 * signed. It trusts nothing: signatures, versions and expiry are trusted_set's work.
 * Every struct owns its tree; texts and JSON values in it borrow from that tree and live
 * as long. A failed parse leaves the output untouched. */
#ifndef MUSTER_TUF_METADATA_H
#define MUSTER_TUF_METADATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tuf/key.h"

struct tuf_delegations;

enum tuf_role {
    TUF_ROLE_ROOT,
    TUF_ROLE_TIMESTAMP,
    TUF_ROLE_SNAPSHOT,
    TUF_ROLE_TARGETS,
};

enum { TUF_ROLE_COUNT = 4 };

/* What a client accepts at most. */
struct tuf_limits {
    size_t root_bytes;
    size_t timestamp_bytes;
    size_t snapshot_bytes;
    size_t targets_bytes;
    int root_rotations; /* new roots in one update */
    int search_roles;   /* delegated roles that one search visits */
};

#define TUF_LIMITS_DEFAULT                                                               \
    ((struct tuf_limits){.root_bytes = 64 * 1024,                                        \
                         .timestamp_bytes = 16 * 1024,                                   \
                         .snapshot_bytes = 256 * 1024,                                   \
                         .targets_bytes = 4 * 1024 * 1024,                               \
                         .root_rotations = 256,                                          \
                         .search_roles = 32})

enum {
    TUF_KEYS_MAX = 64,       /* keys in one root, keyids of one role */
    TUF_SIGNATURES_MAX = 64, /* of one file */
    TUF_TARGETS_MAX = 50000, /* entries of one file */
    TUF_METAS_MAX = 4096,    /* files that a snapshot lists */
    TUF_PATH_MAX = 512,      /* bytes of a target path with its NUL */
    TUF_FILE_NAME_MAX = 448, /* bytes of a metadata file's name with its NUL */
};

/* What every role file has. */
struct tuf_envelope {
    json_t *tree;             /* owned: the whole file */
    const json_t *body;       /* "signed" */
    const json_t *signatures; /* a list, keyids unique */
    struct buf canonical;     /* owned: canonical bytes of body */
    int64_t version;          /* >= 1 */
    int64_t expires_ms;
};

/* Keys by id, as root or delegations list them. */
struct tuf_keyring {
    size_t count;
    struct tuf_keyring_key {
        const char *keyid;
        struct verify_key key;
    } * keys; /* owned */
};

/* Who may sign for a role. */
struct tuf_authority {
    int64_t threshold;    /* >= 1 */
    const json_t *keyids; /* a list of unique texts */
};

/* Signed digests and length of a file. */
struct tuf_hashes {
    bool listed; /* "hashes" was there; then at least one of the next two is needed */
    bool has_sha256;
    bool has_sha512;
    uint8_t sha256[32];
    uint8_t sha512[64];
};

/* A metadata file as timestamp or snapshot lists it. */
struct tuf_meta {
    const char *name; /* "targets.json" */
    int64_t version;  /* >= 1 */
    int64_t length;   /* bytes, -1: not listed */
    struct tuf_hashes hashes;
};

/* A target file. */
struct tuf_target {
    const char *path;
    int64_t length; /* bytes */
    struct tuf_hashes hashes;
    const json_t *custom; /* an object or NULL */
};

struct tuf_root {
    struct tuf_envelope envelope;
    bool consistent_snapshot;
    struct tuf_keyring keyring;
    struct tuf_authority roles[TUF_ROLE_COUNT];
};

struct tuf_timestamp {
    struct tuf_envelope envelope;
    struct tuf_meta snapshot;
};

struct tuf_snapshot {
    struct tuf_envelope envelope;
    size_t count;
    struct tuf_meta *metas; /* owned, sorted by name */
};

struct tuf_targets {
    struct tuf_envelope envelope;
    size_t count;
    struct tuf_target *targets;          /* owned, sorted by path */
    struct tuf_delegations *delegations; /* owned; NULL: none. tuf/delegation.h */
};

/* "root", "timestamp", "snapshot", "targets". Static storage. */
const char *tuf_role_name(enum tuf_role role);

/* Parse one file of at most `max_bytes`; errors ERR_TUF_FORMAT, _TYPE, _SPEC_VERSION,
 * _TOO_LARGE, _DUPLICATE_SIGNATURE, _ROLE. The results are freed with the _free below. */
enum status tuf_root_parse(const void *data, size_t len, size_t max_bytes,
                           struct tuf_root **ret_root, struct err *err) MUST_USE;
enum status tuf_timestamp_parse(const void *data, size_t len, size_t max_bytes,
                                struct tuf_timestamp **ret_timestamp,
                                struct err *err) MUST_USE;
enum status tuf_snapshot_parse(const void *data, size_t len, size_t max_bytes,
                               struct tuf_snapshot **ret_snapshot,
                               struct err *err) MUST_USE;
enum status tuf_targets_parse(const void *data, size_t len, size_t max_bytes,
                              struct tuf_targets **ret_targets, struct err *err) MUST_USE;

/* Free everything; NULL allowed. */
void tuf_root_free(struct tuf_root *root);
void tuf_timestamp_free(struct tuf_timestamp *timestamp);
void tuf_snapshot_free(struct tuf_snapshot *snapshot);
void tuf_targets_free(struct tuf_targets *targets);

/* The listed file of that name, or NULL. Borrowed. */
const struct tuf_meta *tuf_snapshot_meta(const struct tuf_snapshot *snapshot,
                                         const char *name);

/* The target of that path, or NULL. Borrowed. */
const struct tuf_target *tuf_targets_find(const struct tuf_targets *targets,
                                          const char *path);

/* Counts valid signatures of distinct public keys that `authority` names;
 * ERR_TUF_SIGNATURE with "n of m" below the threshold. `ret_count` (may be NULL) is set
 * in both cases. */
enum status tuf_envelope_verify(const struct tuf_envelope *envelope,
                                const struct tuf_keyring *keyring,
                                const struct tuf_authority *authority, int *ret_count,
                                struct err *err) MUST_USE;

/* Whether the bytes have every listed digest: ERR_TUF_HASH; also when only digests of
 * unknown kinds are listed. No listing at all is OK. */
enum status tuf_hashes_verify(const struct tuf_hashes *hashes, const void *data,
                              size_t len, struct err *err) MUST_USE;

#endif
