/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

void facts_read(struct facts *ret_facts)
{
    *ret_facts = (struct facts){.cores = sysconf(_SC_NPROCESSORS_ONLN)};
    struct utsname system;
    if (uname(&system) == 0) {
        snprintf(ret_facts->arch, sizeof ret_facts->arch, "%s", system.machine);
    }
    struct sysinfo memory;
    if (sysinfo(&memory) == 0) {
        ret_facts->ram_bytes = (int64_t)memory.totalram * memory.mem_unit;
    }
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

void facts_encode(const struct facts *facts, const char *agent, struct buf *ret_json)
{
    buf_addstr(ret_json, "{\"arch\":");
    buf_add_json(ret_json, facts->arch);
    buf_addf(ret_json, ",\"cores\":%lld,\"ram_bytes\":%lld,\"features\":[",
             (long long)facts->cores, (long long)facts->ram_bytes);
    encode_features(ret_json);
    buf_addstr(ret_json, "],\"runtime\":\"" MUSTER_VERSION "\",\"agent\":");
    buf_add_json(ret_json, agent);
    buf_addc(ret_json, '}');
}

int facts_version_compare(const char *a, const char *b)
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
