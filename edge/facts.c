/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/facts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <muster/nn.h>

#include "base/hex.h"
#include "tuf/target.h"

static const char NATIVE_FORMAT[] = "mnet/1";

enum { FACTS_BYTES = 16 * 1024, FLASH_EIGHTHS = 8 };

void facts_read(struct facts *facts)
{
    struct utsname system;
    struct sysinfo memory;
    facts->cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (uname(&system) == 0) {
        snprintf(facts->arch, sizeof facts->arch, "%s", system.machine);
    }
    if (sysinfo(&memory) == 0) {
        facts->ram_bytes = (int64_t)memory.totalram * memory.mem_unit;
    }
}

int64_t facts_flash_bytes(const char *folder)
{
    struct statvfs system;
    return statvfs(folder, &system) == 0
               ? (int64_t)system.f_bavail * (int64_t)system.f_frsize
               : 0;
}

static int64_t round_flash(int64_t bytes)
{
    int64_t step = 1;
    while (bytes / step >= 2 * (int64_t)FLASH_EIGHTHS) {
        step *= 2;
    }
    return bytes / step * step;
}

static void encode_features(struct buf *ret_json)
{
#if defined(__x86_64__)
    static const char avx2[] = "\"avx2\"", vnni[] = ",\"avx512vnni\"";
    if (__builtin_cpu_supports("avx2")) {
        buf_addstr(ret_json, avx2);
        buf_addstr(ret_json, __builtin_cpu_supports("avx512vnni") ? vnni : "");
    }
#elif defined(__aarch64__)
    buf_addstr(ret_json, "\"neon\"");
#else
    (void)ret_json;
#endif
}

/* What the library's own runtime has; a node of foreign formats does not use it. */
static void encode_runtime(const struct facts *facts, struct buf *ret_json)
{
    struct muster_nn_abilities has = muster_nn_runtime();
    char ops[2 * MUSTER_NN_OP_SET_BYTES + 1];
    bool native = false;
    buf_addstr(ret_json, "],\"formats\":[");
    for (size_t i = 0; i < facts->format_count; i++) {
        buf_addstr(ret_json, i > 0 ? "," : "");
        buf_add_json(ret_json, facts->formats[i]);
        native = native || fit_is_native(facts->formats[i]);
    }
    buf_addstr(ret_json, "],\"runtime\":\"" MUSTER_VERSION "\"");
    if (native) {
        hex_encode(has.op_set, sizeof has.op_set, ops);
        buf_addf(ret_json, ",\"mnet\":{\"features\":%lld,\"ops\":\"%s\"}",
                 (long long)has.features, ops);
    }
}

void facts_encode(const struct facts *facts, struct buf *ret_json)
{
    buf_addstr(ret_json, "{\"arch\":");
    buf_add_json(ret_json, facts->arch);
    buf_addf(ret_json, ",\"cores\":%lld,\"ram_bytes\":%lld", (long long)facts->cores,
             (long long)facts->ram_bytes);
    if (facts->flash_bytes > 0) {
        buf_addf(ret_json, ",\"flash_bytes\":%lld",
                 (long long)round_flash(facts->flash_bytes));
    }
    buf_addstr(ret_json, ",\"features\":[");
    encode_features(ret_json);
    encode_runtime(facts, ret_json);
    buf_addstr(ret_json, ",\"agent\":");
    buf_add_json(ret_json, facts->agent);
    buf_addc(ret_json, '}');
}

bool facts_run(const struct facts *facts, const char *format)
{
    struct fit_node node = {.format_count = facts->format_count};
    struct model_target artifact = {.format = format[0] ? format : NATIVE_FORMAT};
    struct fit fit;
    memcpy(node.formats, facts->formats, sizeof node.formats);
    fit_judge(&artifact, &node, &fit);
    return fit.verdict == FIT_RUNS;
}

enum status facts_fit(const struct facts *facts, struct fit_node *ret_node,
                      struct err *err)
{
    BUF_AUTO text = BUF_INIT(FACTS_BYTES);
    facts_encode(facts, &text);
    enum status status = buf_status(&text, err);
    if (status != OK) {
        return status;
    }
    json_t *tree = json_loadb(text.data, text.len, 0, NULL);
    if (!tree) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the facts of this node");
    }
    fit_node_parse(tree, ret_node);
    ret_node->flash_bytes = facts->flash_bytes;
    json_decref(tree);
    return OK;
}
