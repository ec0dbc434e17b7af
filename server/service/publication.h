/* SPDX-License-Identifier: Apache-2.0 */
/* publication: the signed state that nodes see, and the signer of its timestamps.
 *
 *   tuf/metadata/N.<role>.json      every metadata file, exactly as it came
 *   tuf/targets/<aa>/<sha256>                                 target files by digest
 *   tuf/published.json   {"root_version":N,"timestamp":"<text of timestamp.json>"}
 *
 * published.json names everything else by version and digest and is replaced by one
 * rename: a crash leaves the old or the new state, whole. It is the truth; the listing in
 * the database is made from it and made again at start. What a client would refuse is
 * refused with the client's code and changes nothing. Thread-safe; what blocks says so.
 *
 * A target file is opened only if its digest was verified since it was last written (its
 * inode, size and times tell); damage that leaves all of these alone is found by clients.
 */
#ifndef MUSTER_SERVER_SERVICE_PUBLICATION_H
#define MUSTER_SERVER_SERVICE_PUBLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tuf/delegation.h"

struct artifacts;
struct changes;
struct keys;
struct publication;

struct publication_options {
    struct changes *changes;
    struct artifacts *artifacts;
    const struct keys *keys;
    const char *folder;    /* the data directory */
    int64_t timestamp_ms;  /* life of a timestamp */
    uint64_t target_bytes; /* largest target file */
};

/* The file of a delegated role. */
struct publication_role_text {
    const char *role, *text;
};

/* What is pushed; the texts are whole files. */
struct publication_order {
    const char *const *roots; /* in order; may leave out what the server has */
    size_t root_count;
    const char *targets, *snapshot;
    const struct publication_role_text *delegated;
    size_t delegated_count;
};

/* The published versions by role; all 0 before the first push. */
struct publication_state {
    int64_t versions[TUF_ROLE_COUNT];
};

/* A role of the published state. */
struct publication_role {
    char name[TUF_ROLE_NAME_MAX];
    int64_t version, expires_ms;
    bool delegated;
};

/* A file to be sent. */
struct publication_file {
    int fd;
    uint64_t size;
    char tag[65]; /* for the ETag: digest of a target, name of a metadata file */
};

/* Reads the published state and lists it where the database is behind; signs a new
 * timestamp if it is time. What `options` points to must outlive it. Blocks. */
enum status publication_open(const struct publication_options *options,
                             struct publication **ret_publication,
                             struct err *err) MUST_USE;
void publication_free(struct publication *publication);

/* The present state. */
struct publication_state publication_state(struct publication *publication);

/* Every role: the four, then the delegated ones by name; none before the first push. In
 * the arena; ERR_NO_MEMORY. */
enum status publication_roles(struct publication *publication, struct arena *arena,
                              struct publication_role **ret_roles, size_t *ret_count,
                              struct err *err) MUST_USE;

/* Stores a target file; ERR_TUF_HASH when its SHA-256 is not the named one (64 lower-case
 * hex digits). Blocks. */
enum status publication_put_target(struct publication *publication, const char *sha256,
                                   const void *data, size_t len,
                                   struct err *err) MUST_USE;

/* Verifies as a client would, stores, signs a new timestamp, lists. ERR_TUF_*. Blocks. */
enum status publication_publish(struct publication *publication,
                                const struct publication_order *order, const char *actor,
                                struct publication_state *ret_state,
                                struct err *err) MUST_USE;

/* The text of timestamp.json, in the arena; ERR_NOT_FOUND before the first push. */
enum status publication_timestamp(struct publication *publication, struct arena *arena,
                                  const char **ret_text, size_t *ret_len,
                                  struct err *err) MUST_USE;

/* Opens "N.<role>.json" (the role not encoded) of a version up to the published one, of
 * any role but timestamp; ERR_NOT_FOUND. The caller closes. Blocks. */
enum status publication_open_metadata(struct publication *publication, const char *name,
                                      struct publication_file *ret_file,
                                      struct err *err) MUST_USE;

/* Opens the file of a listed target, "<folder>/<sha256>.<basename>"; ERR_NOT_FOUND,
 * ERR_ARTIFACT_CORRUPT. The caller closes. Blocks. */
enum status publication_open_target(struct publication *publication, const char *folder,
                                    const char *name, struct publication_file *ret_file,
                                    struct err *err) MUST_USE;

/* Appends where a listed target lies below the target URL:
 * "<model>/<seq>/<sha256>.<file>". ERR_NOT_FOUND. */
enum status publication_target_url(struct publication *publication, const char *path,
                                   struct buf *ret_url, struct err *err) MUST_USE;

/* Signs a new timestamp when less than half of its life is left, and lists what could not
 * be listed before. Called every now and then. Blocks. */
enum status publication_tick(struct publication *publication, int64_t now_ms,
                             struct err *err) MUST_USE;

/* Signs a new timestamp now, if anything is published: after a restore nodes trust a
 * later one than the backup has. Blocks. */
enum status publication_renew(struct publication *publication, struct err *err) MUST_USE;

#endif
