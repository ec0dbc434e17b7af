/* SPDX-License-Identifier: Apache-2.0 */
/* target: what muster keeps in targets: models, versions, variants and their transports.
 *
 *   <model>/<seq>/<variant>.<ext>                 artifact, the uncompressed model file
 *   <model>/<seq>/<variant>.<ext>.zst             transport: compressed from nothing
 *   <model>/<seq>/<variant>.from-<seq>.delta      transport: against an older artifact
 *
 * The signed "custom":{"muster":{…}} says the rest: docs/PROTOCOL.md section 4 has every
 * field. Integers and texts only. Targets without such a part are other people's and
 * skipped; so is a schema newer than ours, which a newer node understands. */
#ifndef MUSTER_TUF_TARGET_H
#define MUSTER_TUF_TARGET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tuf/metadata.h"

enum {
    TARGET_SCHEMA = 1,
    TARGET_NAME_BYTES = 64, /* model, version, variant: with NUL */
    TARGET_SHAPE_MAX = 8,   /* input dimensions */
    TARGET_CLASSES_MAX = 65536,
    TARGET_HARDWARE_MAX = 32,
};

enum target_kind { TARGET_ARTIFACT, TARGET_TRANSPORT };

enum target_codec { TARGET_CODEC_ZSTD, TARGET_CODEC_DELTA };

enum target_on_revoke { TARGET_REVOKE_KEEP, TARGET_REVOKE_STOP };

/* One parsed entry; texts and JSON borrow from the targets metadata. */
struct model_target {
    const struct tuf_target *file; /* path, length and hashes of what is downloaded */
    enum target_kind kind;
    const char *model;
    int64_t seq; /* >= 1 */
    const char *variant;

    /* artifacts */
    const char *version;
    int64_t floor;      /* >= 0, lowest seq that may be activated from now on */
    const char *format; /* "mnet/1" */
    const char *task;   /* "classify", "regress", "anomaly" */
    int input_rank;
    int64_t input_shape[TARGET_SHAPE_MAX];
    const char *input_dtype;    /* "u8", "f32" */
    const json_t *classes;      /* a list of texts or NULL */
    const json_t *metrics;      /* an object of integers, per million, or NULL */
    const json_t *hardware;     /* a list of texts such as "aarch64", or NULL: any */
    const json_t *cpu_features; /* a list of texts such as "avx2", or NULL: none */
    int64_t ram_bytes;          /* needed while inferring, 0: not said */
    int64_t flash_bytes;        /* room on disk for file and engine, 0: its length */
    const char *runtime_min;    /* "0.1.0" or NULL */
    int64_t features;           /* bits of MNET.md section 2 that the file needs */
    bool has_ops;
    uint8_t ops[32]; /* bit n: the file needs operator code n of MNET.md */
    enum target_on_revoke on_revoke;

    /* transports */
    enum target_codec codec;
    uint8_t result_sha256[32]; /* of the artifact that comes out */
    int64_t result_length;
    bool has_base;
    uint8_t base_sha256[32]; /* of the artifact that a delta starts from */
};

/* Reads an entry. *ret_ours false (and OK) when it is not for us. ERR_TUF_FORMAT when it
 * is ours and malformed, or path and custom part contradict each other. */
enum status model_target_parse(const struct tuf_target *file, bool *ret_ours,
                               struct model_target *ret_target, struct err *err) MUST_USE;

/* Checks every entry of ours, and that no model's floor is above its highest listed seq
 * (ERR_TUF_FLOOR). Publisher, server and client call it on new targets. */
enum status model_targets_check(const struct tuf_targets *targets,
                                struct err *err) MUST_USE;

/* Highest floor and highest seq of a model over all its artifacts; both 0 when it has
 * none. Entries that do not parse are skipped (model_targets_check finds them). */
void model_targets_floor(const struct tuf_targets *targets, const char *model,
                         int64_t *ret_floor, int64_t *ret_highest_seq);

/* The artifact whose SHA-256 this is, of several (re-issued weights) that with the
 * highest seq; ERR_TUF_MISSING. */
enum status model_targets_by_sha256(const struct tuf_targets *targets,
                                    const uint8_t sha256[static 32],
                                    struct model_target *ret_target,
                                    struct err *err) MUST_USE;

/* Whether a text may be a model or variant name: [a-z0-9][a-z0-9_-]{0,62}. */
bool target_name_valid(const char *text);

/* Whether a text may be a version ([A-Za-z0-9.+-]{1,63}) or a file extension of an
 * artifact
 * ([a-z0-9]{1,15}, not zst or delta). */
bool target_version_valid(const char *text);
bool target_ext_valid(const char *text);

/* Appends "<model>/<seq>/<variant>.<ext>". */
enum status target_path_format(const char *model, int64_t seq, const char *variant,
                               const char *ext, struct buf *ret_path) MUST_USE;

/* Appends where a target lies below the target URL: "<dir>/<sha256>.<basename>" with
 * consistent snapshots, the path itself without. ERR_TUF_HASH without a listed digest. */
enum status target_fetch_path(const struct tuf_target *file, bool consistent_snapshot,
                              struct buf *ret_path, struct err *err) MUST_USE;

#endif
