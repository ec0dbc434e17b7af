/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "tuf/json.h"

static const char NAME_CHARS[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
static const char EXT_CHARS[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char VERSION_CHARS[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-";
static const char DIGITS[] = "0123456789";

enum { EXT_MAX = 16, TEXT_MAX = 64, LABEL_MAX = 256 };

/* 1 to max - 1 characters of a set. */
static bool text_of(const char *text, const char *set, size_t max)
{
    size_t len = strlen(text);
    return len > 0 && len < max && strspn(text, set) == len;
}

bool target_name_valid(const char *text)
{
    return text_of(text, NAME_CHARS, TARGET_NAME_BYTES) && text[0] != '-' &&
           text[0] != '_';
}

bool target_version_valid(const char *text)
{
    return text_of(text, VERSION_CHARS, TARGET_NAME_BYTES);
}

bool target_ext_valid(const char *text)
{
    return text_of(text, EXT_CHARS, EXT_MAX) && strcmp(text, "zst") != 0 &&
           strcmp(text, "delta") != 0;
}

enum status target_path_format(const char *model, int64_t seq, const char *variant,
                               const char *ext, struct buf *ret_path)
{
    buf_addf(ret_path, "%s/%" PRId64 "/%s.%s", model, seq, variant, ext);
    return buf_status(ret_path, NULL);
}

/* ---- one entry ---- */

static enum status read_name(const json_t *custom, const char *member,
                             bool (*valid)(const char *), const char **ret_text,
                             struct err *err)
{
    const char *text = NULL;
    enum status status = tuf_json_text(custom, member, &text, err);
    if (status == OK && !valid(text)) {
        return err_set(err, ERR_TUF_FORMAT, "'%s': a name expected, '%.70s' found",
                       member, text);
    }
    if (status == OK) {
        *ret_text = text;
    }
    return status;
}

static bool text_short(const char *text)
{
    return text[0] != '\0' && strlen(text) < TEXT_MAX;
}

/* An integer that may be absent (then `*ret_value` stays). */
static enum status read_optional(const json_t *custom, const char *member,
                                 int64_t *ret_value, struct err *err)
{
    return json_object_get(custom, member)
               ? tuf_json_integer(custom, member, 0, ret_value, err)
               : OK;
}

static enum status read_texts(const json_t *custom, const char *member, size_t max,
                              const json_t **ret_list, struct err *err)
{
    if (!json_object_get(custom, member)) {
        return OK;
    }
    const json_t *list = NULL;
    enum status status = tuf_json_array(custom, member, &list, err);
    if (status != OK) {
        return status;
    }
    size_t count = json_array_size(list);
    if (count == 0 || count > max) {
        return err_set(err, ERR_TUF_FORMAT, "'%s': 1 to %zu texts expected, %zu found",
                       member, max, count);
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || text[0] == '\0' || strlen(text) >= LABEL_MAX) {
            return err_set(err, ERR_TUF_FORMAT,
                           "'%s': texts of 1 to %d bytes expected, %s found", member,
                           LABEL_MAX - 1, tuf_json_kind(json_array_get(list, i)));
        }
    }
    *ret_list = list;
    return OK;
}

static enum status read_metrics(const json_t *custom, const json_t **ret_metrics,
                                struct err *err)
{
    if (!json_object_get(custom, "metrics_ppm")) {
        return OK;
    }
    const json_t *metrics = NULL;
    enum status status = tuf_json_object(custom, "metrics_ppm", &metrics, err);
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)metrics, name, value)
    {
        if (!json_is_integer(value)) {
            return err_set(err, ERR_TUF_FORMAT,
                           "'metrics_ppm': integers expected, %s found",
                           tuf_json_kind(value));
        }
    }
    if (status == OK) {
        *ret_metrics = metrics;
    }
    return status;
}

static enum status read_input(const json_t *custom, struct model_target *target,
                              struct err *err)
{
    if (!json_object_get(custom, "input")) {
        return OK;
    }
    const json_t *input = NULL;
    const json_t *shape = NULL;
    enum status status = tuf_json_object(custom, "input", &input, err);
    if (status == OK) {
        status = tuf_json_array(input, "shape", &shape, err);
    }
    if (status == OK) {
        status = read_name(input, "dtype", target_name_valid, &target->input_dtype, err);
    }
    if (status != OK) {
        return status;
    }
    size_t rank = json_array_size(shape);
    if (rank == 0 || rank > TARGET_SHAPE_MAX) {
        return err_set(err, ERR_TUF_FORMAT, "'shape': 1 to %d sizes expected, %zu found",
                       TARGET_SHAPE_MAX, rank);
    }
    for (size_t i = 0; i < rank; i++) {
        int64_t size = json_integer_value(json_array_get(shape, i));
        if (size < 1 || size > INT32_MAX) {
            return err_set(err, ERR_TUF_FORMAT, "'shape': sizes from 1 expected");
        }
        target->input_shape[i] = size;
    }
    target->input_rank = (int)rank;
    return OK;
}

static enum status read_on_revoke(const json_t *custom, struct model_target *target,
                                  struct err *err)
{
    const char *text = "keep";
    enum status status = json_object_get(custom, "on_revoke")
                             ? tuf_json_text(custom, "on_revoke", &text, err)
                             : OK;
    if (status != OK) {
        return status;
    }
    if (strcmp(text, "keep") != 0 && strcmp(text, "stop") != 0) {
        return err_set(err, ERR_TUF_FORMAT,
                       "'on_revoke': 'keep' or 'stop' expected, '%.40s' found", text);
    }
    target->on_revoke = text[0] == 'k' ? TARGET_REVOKE_KEEP : TARGET_REVOKE_STOP;
    return OK;
}

static enum status read_digest(const json_t *custom, const char *member,
                               uint8_t ret_digest[static SHA256_BYTES], struct err *err)
{
    const char *text = NULL;
    enum status status = tuf_json_text(custom, member, &text, err);
    if (status == OK && hex_decode(text, ret_digest, SHA256_BYTES, NULL) != OK) {
        return err_set(err, ERR_TUF_FORMAT, "'%s': 64 hex digits expected, '%.70s' found",
                       member, text);
    }
    return status;
}

static enum status read_artifact(const json_t *custom, struct model_target *target,
                                 struct err *err)
{
    enum status status =
        read_name(custom, "version", target_version_valid, &target->version, err);
    if (status == OK) {
        status = read_name(custom, "format", text_short, &target->format, err);
    }
    if (status == OK) {
        status = read_name(custom, "task", target_name_valid, &target->task, err);
    }
    if (status == OK) {
        status = read_optional(custom, "floor", &target->floor, err);
    }
    if (status == OK) {
        status = read_optional(custom, "ram_bytes", &target->ram_bytes, err);
    }
    if (status == OK) {
        status = read_optional(custom, "flash_bytes", &target->flash_bytes, err);
    }
    if (status == OK) {
        status = read_optional(custom, "features", &target->features, err);
    }
    target->has_ops = json_object_get(custom, "ops") != NULL;
    if (status == OK && target->has_ops) {
        status = read_digest(custom, "ops", target->ops, err);
    }
    if (status == OK && json_object_get(custom, "runtime_min")) {
        status = read_name(custom, "runtime_min", target_version_valid,
                           &target->runtime_min, err);
    }
    if (status == OK) {
        status = read_texts(custom, "classes", TARGET_CLASSES_MAX, &target->classes, err);
    }
    if (status == OK) {
        status =
            read_texts(custom, "hardware", TARGET_HARDWARE_MAX, &target->hardware, err);
    }
    if (status == OK) {
        status = read_texts(custom, "cpu_features", TARGET_HARDWARE_MAX,
                            &target->cpu_features, err);
    }
    if (status == OK) {
        status = read_metrics(custom, &target->metrics, err);
    }
    if (status == OK) {
        status = read_input(custom, target, err);
    }
    return status == OK ? read_on_revoke(custom, target, err) : status;
}

static enum status read_transport(const json_t *custom, struct model_target *target,
                                  struct err *err)
{
    const char *codec = NULL;
    enum status status = tuf_json_text(custom, "transport", &codec, err);
    if (status == OK) {
        status = read_digest(custom, "result_sha256", target->result_sha256, err);
    }
    if (status == OK) {
        status =
            tuf_json_integer(custom, "result_length", 1, &target->result_length, err);
    }
    target->has_base = !json_is_null(json_object_get(custom, "base_sha256"));
    if (status == OK && target->has_base) {
        status = read_digest(custom, "base_sha256", target->base_sha256, err);
    }
    if (status != OK) {
        return status;
    }
    const char *expected = target->has_base ? "delta" : "zst";
    if (strcmp(codec, expected) != 0) {
        return err_set(err, ERR_TUF_FORMAT, "'transport': '%s' expected, '%.40s' found",
                       expected, codec);
    }
    target->codec = target->has_base ? TARGET_CODEC_DELTA : TARGET_CODEC_ZSTD;
    return OK;
}

/* "<ext>" for artifacts, "<ext>.zst" and "from-<seq>.delta" for transports. */
static bool suffix_fits(const struct model_target *target, const char *suffix)
{
    char first[TEXT_MAX];
    size_t len = strcspn(suffix, ".");
    if (len >= sizeof first) {
        return false;
    }
    memcpy(first, suffix, len);
    first[len] = '\0';
    const char *rest = suffix + len;
    switch (target->kind) {
    case TARGET_ARTIFACT:
        return target_ext_valid(first) && rest[0] == '\0';
    case TARGET_TRANSPORT:
        break;
    }
    if (target->codec == TARGET_CODEC_ZSTD) {
        return target_ext_valid(first) && strcmp(rest, ".zst") == 0;
    }
    return strncmp(first, "from-", 5) == 0 && text_of(first + 5, DIGITS, EXT_MAX) &&
           strcmp(rest, ".delta") == 0;
}

/* A path is what delegations will be bound to, so it must say the same as the rest. */
static enum status check_path(const struct model_target *target, struct err *err)
{
    BUF_AUTO prefix = BUF_INIT(TUF_PATH_MAX);
    buf_addf(&prefix, "%s/%" PRId64 "/%s.", target->model, target->seq, target->variant);
    enum status status = buf_status(&prefix, err);
    if (status != OK) {
        return status;
    }
    if (strncmp(target->file->path, prefix.data, prefix.len) != 0 ||
        !suffix_fits(target, target->file->path + prefix.len)) {
        return err_set(err, ERR_TUF_FORMAT, "a path like '%.100s…' expected",
                       prefix.data);
    }
    return OK;
}

static enum status read_entry(const json_t *custom, struct model_target *target,
                              struct err *err)
{
    enum status status =
        read_name(custom, "model", target_name_valid, &target->model, err);
    if (status == OK) {
        status = tuf_json_integer(custom, "seq", 1, &target->seq, err);
    }
    if (status == OK) {
        status = read_name(custom, "variant", target_name_valid, &target->variant, err);
    }
    if (status != OK) {
        return status;
    }
    bool transport = json_object_get(custom, "transport") != NULL;
    target->kind = transport ? TARGET_TRANSPORT : TARGET_ARTIFACT;
    status = transport ? read_transport(custom, target, err)
                       : read_artifact(custom, target, err);
    return status == OK ? check_path(target, err) : status;
}

enum status model_target_parse(const struct tuf_target *file, bool *ret_ours,
                               struct model_target *ret_target, struct err *err)
{
    const json_t *custom = json_object_get(file->custom, "muster");
    if (!custom) {
        *ret_ours = false;
        return OK;
    }
    int64_t schema = 0;
    struct model_target target = {.file = file};
    enum status status = tuf_json_integer(custom, "schema", 1, &schema, err);
    if (status == OK && schema > TARGET_SCHEMA) {
        *ret_ours = false;
        return OK;
    }
    if (status == OK) {
        status = read_entry(custom, &target, err);
    }
    if (status == OK && !file->hashes.has_sha256) {
        status = err_set(err, ERR_TUF_FORMAT, "'hashes': a sha256 expected, none found");
    }
    if (status != OK) {
        err_prefix(err, "target '%.80s'", file->path);
        return status;
    }
    *ret_target = target;
    *ret_ours = true;
    return OK;
}

/* ---- all entries ---- */

/* The state of one walk over the entries, which stand sorted by path, so that those of
 * one model and of one seq follow each other. */
struct model_walk {
    struct model_target last; /* the artifact before */
    int64_t floor;
    int64_t highest_seq;
};

static enum status check_floor(const struct model_walk *walk, struct err *err)
{
    if (walk->floor > walk->highest_seq) {
        return err_set(err, ERR_TUF_FLOOR,
                       "model '%s': a floor up to the highest seq %" PRId64
                       " expected, %" PRId64 " found",
                       walk->last.model, walk->highest_seq, walk->floor);
    }
    return OK;
}

static enum status walk_artifact(struct model_walk *walk, const struct model_target *next,
                                 struct err *err)
{
    bool same_model = walk->last.model && strcmp(walk->last.model, next->model) == 0;
    if (same_model && walk->last.seq == next->seq &&
        strcmp(walk->last.version, next->version) != 0) {
        return err_set(err, ERR_TUF_FORMAT,
                       "target '%.80s': version '%s' expected as beside it, '%s' found",
                       next->file->path, walk->last.version, next->version);
    }
    if (!same_model) {
        enum status status = check_floor(walk, err);
        if (status != OK) {
            return status;
        }
        *walk = (struct model_walk){0};
    }
    walk->last = *next;
    walk->floor = next->floor > walk->floor ? next->floor : walk->floor;
    walk->highest_seq = next->seq > walk->highest_seq ? next->seq : walk->highest_seq;
    return OK;
}

enum status model_targets_check(const struct tuf_targets *targets, struct err *err)
{
    struct model_walk walk = {0};
    for (size_t i = 0; i < targets->count; i++) {
        bool ours = false;
        struct model_target next;
        enum status status = model_target_parse(&targets->targets[i], &ours, &next, err);
        if (status == OK && ours && next.kind == TARGET_ARTIFACT) {
            status = walk_artifact(&walk, &next, err);
        }
        if (status != OK) {
            return status;
        }
    }
    return check_floor(&walk, err);
}

void model_targets_floor(const struct tuf_targets *targets, const char *model,
                         int64_t *ret_floor, int64_t *ret_highest_seq)
{
    int64_t floor = 0;
    int64_t highest = 0;
    size_t len = strlen(model);
    for (size_t i = 0; i < targets->count; i++) {
        const char *path = targets->targets[i].path;
        bool ours = false;
        struct model_target next;
        if (strncmp(path, model, len) != 0 || path[len] != '/' ||
            model_target_parse(&targets->targets[i], &ours, &next, NULL) != OK || !ours ||
            next.kind != TARGET_ARTIFACT) {
            continue;
        }
        floor = next.floor > floor ? next.floor : floor;
        highest = next.seq > highest ? next.seq : highest;
    }
    *ret_floor = floor;
    *ret_highest_seq = highest;
}

enum status model_targets_by_sha256(const struct tuf_targets *targets,
                                    const uint8_t sha256[static 32],
                                    struct model_target *ret_target, struct err *err)
{
    struct model_target best = {0};
    for (size_t i = 0; i < targets->count; i++) {
        const struct tuf_target *file = &targets->targets[i];
        bool ours = false;
        struct model_target next;
        if (memcmp(file->hashes.sha256, sha256, SHA256_BYTES) == 0 &&
            model_target_parse(file, &ours, &next, NULL) == OK && ours &&
            next.kind == TARGET_ARTIFACT && next.seq > best.seq) {
            best = next;
        }
    }
    if (best.seq == 0) {
        char text[SHA256_HEX_BYTES];
        hex_encode(sha256, SHA256_BYTES, text);
        return err_set(err, ERR_TUF_MISSING, "artifact %s expected, it is not listed",
                       text);
    }
    *ret_target = best;
    return OK;
}

/* ---- fetching ---- */

/* Steps such as ".." would be folded away by HTTP clients and reach other files. */
static bool path_walks(const char *path)
{
    const char *part = path;
    while (part) {
        const char *slash = strchr(part, '/');
        size_t len = slash ? (size_t)(slash - part) : strlen(part);
        if (len == 0 || (len == 1 && part[0] == '.') ||
            (len == 2 && part[0] == '.' && part[1] == '.')) {
            return true;
        }
        part = slash ? slash + 1 : NULL;
    }
    return false;
}

enum status target_fetch_path(const struct tuf_target *file, bool consistent_snapshot,
                              struct buf *ret_path, struct err *err)
{
    if (path_walks(file->path)) {
        return err_set(
            err, ERR_TUF_FORMAT,
            "a path without empty, '.' and '..' steps expected, '%.120s' found",
            file->path);
    }
    if (!consistent_snapshot) {
        buf_addstr(ret_path, file->path);
        return buf_status(ret_path, err);
    }
    const struct tuf_hashes *hashes = &file->hashes;
    if (!hashes->has_sha256 && !hashes->has_sha512) {
        return err_set(
            err, ERR_TUF_HASH,
            "target '%.120s': a sha256 or sha512 expected, only unknown kinds found",
            file->path);
    }
    char text[2 * SHA512_BYTES + 1];
    if (hashes->has_sha256) {
        hex_encode(hashes->sha256, SHA256_BYTES, text);
    } else {
        hex_encode(hashes->sha512, SHA512_BYTES, text);
    }
    const char *slash = strrchr(file->path, '/');
    size_t folder = slash ? (size_t)(slash + 1 - file->path) : 0;
    buf_add(ret_path, file->path, folder);
    buf_addf(ret_path, "%s.%s", text, file->path + folder);
    return buf_status(ret_path, err);
}
