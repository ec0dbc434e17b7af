/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/fit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "tuf/target.h"

static const char NATIVE_FORMAT[] = "mnet";
static const char FORMAT_DEFAULT[] = "mnet/1";
static const char ANY_HARDWARE[] = "generic";

enum { LIST_BYTES = 96 };

/* ---- facts ---- */

static bool copy_text(const char *text, char *ret_text, size_t size)
{
    if (!text || text[0] == '\0' || strlen(text) >= size) {
        return false;
    }
    memcpy(ret_text, text, strlen(text) + 1);
    return true;
}

static size_t copy_list(const json_t *list, char (*ret_items)[FIT_TEXT_BYTES], size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && count < max; i++) {
        count += copy_text(json_string_value(json_array_get(list, i)), ret_items[count],
                           FIT_TEXT_BYTES);
    }
    return count;
}

static int64_t take_amount(const json_t *facts, const char *name)
{
    int64_t value = json_integer_value(json_object_get(facts, name));
    return value > 0 ? value : 0;
}

void fit_node_parse(const json_t *facts, struct fit_node *ret_node)
{
    *ret_node = (struct fit_node){.ram_bytes = take_amount(facts, "ram_bytes"),
                                  .flash_bytes = take_amount(facts, "flash_bytes")};
    (void)copy_text(json_string_value(json_object_get(facts, "arch")), ret_node->arch,
                    sizeof ret_node->arch);
    (void)copy_text(json_string_value(json_object_get(facts, "runtime")),
                    ret_node->runtime, sizeof ret_node->runtime);
    ret_node->feature_count = copy_list(json_object_get(facts, "features"),
                                        ret_node->features, FIT_FEATURES_MAX);
    ret_node->format_count =
        copy_list(json_object_get(facts, "formats"), ret_node->formats, FIT_FORMATS_MAX);
    if (!json_is_array(json_object_get(facts, "formats"))) {
        ret_node->format_count =
            copy_text(FORMAT_DEFAULT, ret_node->formats[0], sizeof ret_node->formats[0]);
    }
    const json_t *mnet = json_object_get(facts, NATIVE_FORMAT);
    const char *ops = json_string_value(json_object_get(mnet, "ops"));
    ret_node->has_mnet =
        ops && hex_decode(ops, ret_node->ops, sizeof ret_node->ops, NULL) == OK;
    ret_node->mnet_features = take_amount(mnet, "features");
}

/* ---- judging ---- */

__attribute__((format(printf, 3, 4))) static bool
refuse(struct fit *fit, enum fit_verdict verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fit->verdict = verdict;
    (void)vsnprintf(fit->reason, sizeof fit->reason, format, args);
    va_end(args);
    return false;
}

/* Adds an item in quotes after " or ", as far as there is room. */
static size_t add_item(char text[static LIST_BYTES], size_t used, const char *item)
{
    int len = used < LIST_BYTES ? snprintf(text + used, LIST_BYTES - used, "%s'%.40s'",
                                           used > 0 ? " or " : "", item)
                                : 0;
    return used + (len > 0 ? (size_t)len : 0);
}

static void list_texts(const json_t *list, char ret_text[static LIST_BYTES])
{
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        used = add_item(ret_text, used, item ? item : "");
    }
}

/* "none" where there is nothing. */
static void list_items(const char (*items)[FIT_TEXT_BYTES], size_t count,
                       char ret_text[static LIST_BYTES])
{
    size_t used = 0;
    (void)snprintf(ret_text, LIST_BYTES, "none");
    for (size_t i = 0; i < count; i++) {
        used = add_item(ret_text, used, items[i]);
    }
}

static bool arch_fits(const struct model_target *artifact, const struct fit_node *node,
                      struct fit *fit)
{
    char wanted[LIST_BYTES];
    if (!artifact->hardware) {
        return true;
    }
    for (size_t i = 0; i < json_array_size(artifact->hardware); i++) {
        const char *item = json_string_value(json_array_get(artifact->hardware, i));
        if (item && (strcmp(item, node->arch) == 0 || strcmp(item, ANY_HARDWARE) == 0)) {
            return true;
        }
    }
    list_texts(artifact->hardware, wanted);
    return refuse(fit, FIT_OTHER_HARDWARE, "hardware %s expected, '%s' found", wanted,
                  node->arch);
}

static bool cpu_fits(const struct model_target *artifact, const struct fit_node *node,
                     struct fit *fit)
{
    for (size_t i = 0; i < json_array_size(artifact->cpu_features); i++) {
        const char *wanted = json_string_value(json_array_get(artifact->cpu_features, i));
        bool found = false;
        for (size_t k = 0; wanted && k < node->feature_count && !found; k++) {
            found = strcmp(wanted, node->features[k]) == 0;
        }
        if (!found) {
            char told[LIST_BYTES];
            list_items(node->features, node->feature_count, told);
            return refuse(fit, FIT_OTHER_HARDWARE,
                          "cpu feature '%.64s' expected, %s found", wanted ? wanted : "",
                          told);
        }
    }
    return true;
}

/* "mnet/2" is major 2 of "mnet"; without a number any major is meant, told as 0. */
static size_t split_format(const char *format, long *ret_major)
{
    size_t len = strcspn(format, "/");
    *ret_major = format[len] == '/' ? strtol(format + len + 1, NULL, 10) : 0;
    return len;
}

static bool format_fits(const struct model_target *artifact, const struct fit_node *node,
                        struct fit *fit)
{
    if (!artifact->format) {
        return true;
    }
    long wanted = 0;
    long best = -1;
    size_t len = split_format(artifact->format, &wanted);
    for (size_t i = 0; i < node->format_count; i++) {
        long major = 0;
        size_t found = split_format(node->formats[i], &major);
        if (found != len || memcmp(node->formats[i], artifact->format, len) != 0) {
            continue;
        }
        if (wanted == 0 || major == 0 || wanted <= major) {
            return true;
        }
        best = major > best ? major : best;
    }
    if (best > 0) {
        return refuse(fit, FIT_TOO_BIG_OR_NEW,
                      "format '%.63s' expected, '%.*s/%ld' at most found",
                      artifact->format, (int)len, artifact->format, best);
    }
    char told[LIST_BYTES];
    list_items(node->formats, node->format_count, told);
    return refuse(fit, FIT_OTHER_HARDWARE, "format '%.63s' expected, %s found",
                  artifact->format, told);
}

static bool room_fits(const struct model_target *artifact, const struct fit_node *node,
                      struct fit *fit)
{
    int64_t flash = artifact->flash_bytes;
    if (flash == 0 && artifact->file) {
        flash = artifact->file->length;
    }
    if (node->ram_bytes > 0 && artifact->ram_bytes > node->ram_bytes) {
        return refuse(fit, FIT_TOO_BIG_OR_NEW,
                      "%" PRId64 " bytes of memory expected, %" PRId64 " found",
                      artifact->ram_bytes, node->ram_bytes);
    }
    if (node->flash_bytes > 0 && flash > node->flash_bytes) {
        return refuse(fit, FIT_TOO_BIG_OR_NEW,
                      "%" PRId64 " bytes of flash expected, %" PRId64 " found", flash,
                      node->flash_bytes);
    }
    return true;
}

static bool runtime_fits(const struct model_target *artifact, const struct fit_node *node,
                         struct fit *fit)
{
    if (artifact->runtime_min && node->runtime[0] != '\0' &&
        fit_version_compare(artifact->runtime_min, node->runtime) > 0) {
        return refuse(fit, FIT_TOO_BIG_OR_NEW, "runtime %.63s expected, %s found",
                      artifact->runtime_min, node->runtime);
    }
    if (!node->has_mnet || !artifact->format || !fit_is_native(artifact->format)) {
        return true;
    }
    if (artifact->features & ~node->mnet_features) {
        return refuse(fit, FIT_TOO_BIG_OR_NEW,
                      "file features 0x%" PRIx64 " expected, 0x%" PRIx64 " found",
                      (uint64_t)artifact->features, (uint64_t)node->mnet_features);
    }
    for (unsigned code = 0; artifact->has_ops && code < 8 * FIT_OPS_BYTES; code++) {
        unsigned bit = 1U << (code % 8);
        if ((artifact->ops[code / 8] & bit) && !(node->ops[code / 8] & bit)) {
            return refuse(fit, FIT_TOO_BIG_OR_NEW,
                          "operator %u expected, found a runtime (%s) without it", code,
                          node->runtime);
        }
    }
    return true;
}

void fit_judge(const struct model_target *artifact, const struct fit_node *node,
               struct fit *ret_fit)
{
    *ret_fit = (struct fit){.verdict = FIT_RUNS};
    (void)(arch_fits(artifact, node, ret_fit) && cpu_fits(artifact, node, ret_fit) &&
           format_fits(artifact, node, ret_fit) && room_fits(artifact, node, ret_fit) &&
           runtime_fits(artifact, node, ret_fit));
}

const char *fit_verdict_name(enum fit_verdict verdict)
{
    switch (verdict) {
    case FIT_RUNS:
        return "runs";
    case FIT_TOO_BIG_OR_NEW:
        return "too_big_or_new";
    case FIT_OTHER_HARDWARE:
        return "other_hardware";
    }
    return "runs";
}

bool fit_is_native(const char *format)
{
    long major = 0;
    size_t len = split_format(format, &major);
    return len == sizeof NATIVE_FORMAT - 1 && memcmp(format, NATIVE_FORMAT, len) == 0;
}

int fit_version_compare(const char *a, const char *b)
{
    for (int part = 0; part < 3; part++) {
        char *end_a, *end_b;
        long left = strtol(a, &end_a, 10), right = strtol(b, &end_b, 10);
        if (left != right) {
            return left < right ? -1 : 1;
        }
        a = *end_a == '.' ? end_a + 1 : end_a;
        b = *end_b == '.' ? end_b + 1 : end_b;
    }
    return 0;
}
