/* SPDX-License-Identifier: Apache-2.0 */
/* What a body may cost the real musterd: memory of bodies full of tiny values (item 31),
 * and CPU time of bodies whose members all have one hash (item 35).
 *
 * Memory is the peak of resident bytes since the last reset (clear_refs). The CPU time is
 * the process's own over many bodies, ordinary and hostile in turn, so that a busy
 * machine weighs on both alike. */
#include "tests/api/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    KIB = 1024,
    REPORT_BYTES = 256 * KIB,
    JSON_BYTES = 64 * KIB,
    /* sanitizers are slow with much */
    PUBLISH_BYTES = (SANITIZER_FACTOR > 1 ? 1 : 8) * 1024 * KIB,
    BODY_BYTES_MAX = 9 * 1024 * KIB,
    MEMORY_FACTOR = 16, /* a body costs at most so many times its limit */
    MEMORY_SLACK = 1024 * KIB,
    STAGES = 11,     /* 2^11 keys */
    BLOCK = 7,       /* letters of a stage */
    BLOCKS = 200000, /* that are tried */
    FLOOD_ROUNDS = 10,
};

static struct site site;
static struct site_node node;

static int set_up(void **state)
{
    (void)state;
    site_start(&site, NULL);
    site_node(&site, "node-a", &node);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

/* ---- memory ----------------------------------------------------------------------- */

/* The peak of resident bytes since reset_peak. */
static size_t peak_bytes(void)
{
    char path[64];
    char line[256];
    unsigned long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)site.server.pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (kib == 0 && fgets(line, sizeof line, file)) {
        (void)sscanf(line, "VmHWM: %lu kB", &kib);
    }
    (void)fclose(file);
    assert_true(kib > 0);
    return kib * KIB;
}

static void reset_peak(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)site.server.pid);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("5", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* `open`, as many `item` as fit into `limit`, `close`. */
static void fill(struct buf *body, size_t limit, const char *open, const char *item,
                 const char *close)
{
    *body = BUF_INIT(BODY_BYTES_MAX);
    buf_addstr(body, open);
    while (body->len + 2 * strlen(item) + strlen(close) < limit) {
        buf_addstr(body, item);
    }
    buf_add(body, item, strlen(item) - 1); /* without its comma */
    buf_addstr(body, close);
}

/* Where a body goes, and what stands around its many values. */
struct target {
    const char *path, *token;
    size_t limit;
    const char *open, *close;
};

/* Peak of resident bytes above `baseline` when such a body comes. */
static size_t cost_of(const struct target *target, size_t limit, const char *item,
                      size_t baseline)
{
    struct buf body;
    fill(&body, limit, target->open, item, target->close);
    struct call call = {.method = "POST",
                        .target = target->path,
                        .token = target->token,
                        .body = body.data,
                        .body_len = body.len};
    REPLY_AUTO reply = {0};
    reset_peak();
    int status = http_send(site.server.port, &call, &reply);
    size_t peak = peak_bytes();
    buf_release(&body);
    assert_true(status == 422 || status == 413);
    return peak > baseline ? peak - baseline : 0;
}

static void tiny_values_take_no_more_memory_than_their_limit_allows(void **state)
{
    (void)state;
    static const char *const items[] = {"1,", "{},", "[],"};
    const struct target calls[] = {
        /* the smallest first: what was freed may stay resident */
        {"/v1/enroll", NULL, JSON_BYTES, "{\"x\":[", "]}"},
        {"/v1/reports", node.session, REPORT_BYTES, "{\"x\":[", "]}"},
        {"/v1/repository", site.admin, PUBLISH_BYTES, "{\"x\":[", "]}"},
        /* metadata is JSON in a text */
        {"/v1/repository", site.admin, PUBLISH_BYTES,
         "{\"roots\":[],\"snapshot\":\"{}\",\"targets\":\"[", "]\"}"},
        {"/v1/repository", site.admin, PUBLISH_BYTES, "{\"roots\":[\"[",
         "]\"],\"snapshot\":\"{}\",\"targets\":\"{}\"}"},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        (void)cost_of(&calls[i], KIB, "1,", 0); /* warm */
        size_t baseline = program_rss_bytes(&site.server);
        for (size_t j = 0; j < sizeof items / sizeof items[0]; j++) {
            size_t cost = cost_of(&calls[i], calls[i].limit, items[j], baseline);
            print_message("  %s, %zu bytes of %s: %zu bytes resident\n", calls[i].path,
                          calls[i].limit, items[j], cost);
            assert_true(cost <= SANITIZER_FACTOR *
                                    (MEMORY_FACTOR * calls[i].limit + MEMORY_SLACK));
        }
    }
}

/* ---- keys of one hash ------------------------------------------------------------- */

/* Keys of one FNV-1a hash, the usual choice for such tables. From any state two blocks of
 * letters that lead to the same next state are found by a birthday search; a chain of
 * such pairs makes 2^STAGES keys of one hash. A decoder whose hash is fixed is attacked
 * in the same way. */
static uint32_t hash_on(uint32_t hash, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619U;
    }
    return hash;
}

static void write_block(uint32_t number, char *ret_block)
{
    number *= 2654435761U; /* spreads: FNV collides little among near texts */
    for (int i = 0; i < BLOCK; i++) {
        ret_block[i] = (char)('a' + number % 26);
        number /= 26;
    }
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Two blocks with one hash behind `state`; returns that hash. */
static uint32_t find_pair(uint32_t state, uint64_t *work, char ret_pair[2][BLOCK])
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        char block[BLOCK];
        write_block(i, block);
        work[i] = (uint64_t)hash_on(state, block, BLOCK) << 32 | i;
    }
    qsort(work, BLOCKS, sizeof *work, compare_numbers);
    for (uint32_t i = 1; i < BLOCKS; i++) {
        if (work[i] >> 32 == work[i - 1] >> 32) {
            write_block((uint32_t)work[i - 1], ret_pair[0]);
            write_block((uint32_t)work[i], ret_pair[1]);
            return (uint32_t)(work[i] >> 32);
        }
    }
    fail_msg("no two blocks of one hash");
    return 0;
}

static void find_pairs(char ret_pairs[STAGES][2][BLOCK])
{
    uint64_t *work = malloc(BLOCKS * sizeof *work);
    uint32_t state = 2166136261U;
    assert_non_null(work);
    for (int i = 0; i < STAGES; i++) {
        state = find_pair(state, work, ret_pairs[i]);
    }
    free(work);
}

/* An object with 2^STAGES members whose keys are made of the pairs. */
static void write_members(char pairs[STAGES][2][BLOCK], struct buf *body)
{
    for (uint32_t key = 0; key < 1U << STAGES; key++) {
        buf_addstr(body, key == 0 ? "{\"" : ",\"");
        for (int i = 0; i < STAGES; i++) {
            buf_add(body, pairs[i][key >> i & 1], BLOCK);
        }
        buf_addstr(body, "\":0");
    }
    buf_addc(body, '}');
    assert_false(body->failed);
}

static int64_t cpu_ns(clockid_t clock)
{
    struct timespec time;
    assert_int_equal(clock_gettime(clock, &time), 0);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* CPU time that the server spends on the body. */
static int64_t send_members(clockid_t clock, const struct buf *body)
{
    REPLY_AUTO reply = {0};
    int64_t before = cpu_ns(clock);
    struct call call = {.method = "POST",
                        .target = "/v1/reports",
                        .token = node.session,
                        .body = body->data,
                        .body_len = body->len};
    assert_int_equal(http_send(site.server.port, &call, &reply), 422);
    return cpu_ns(clock) - before;
}

static void keys_of_one_hash_cost_at_most_three_times_ordinary_ones(void **state)
{
    (void)state;
    char pairs[STAGES][2][BLOCK];
    clockid_t clock;
    BUF_AUTO hostile = BUF_INIT(BODY_BYTES_MAX);
    BUF_AUTO ordinary = BUF_INIT(BODY_BYTES_MAX);
    find_pairs(pairs);
    write_members(pairs, &hostile);
    for (int i = 0; i < STAGES; i++) { /* the same shape, each with a hash of its own */
        pairs[i][1][0] = pairs[i][1][0] == 'X' ? 'Y' : 'X';
    }
    write_members(pairs, &ordinary);
    assert_int_equal(clock_getcpuclockid(site.server.pid, &clock), 0);
    int64_t spent[2] = {0};
    for (int i = 0; i < FLOOD_ROUNDS; i++) {
        spent[0] += send_members(clock, &ordinary);
        spent[1] += send_members(clock, &hostile);
    }
    print_message("  %zu bytes: ordinary %lld us, hostile %lld us each\n", hostile.len,
                  (long long)spent[0] / FLOOD_ROUNDS / 1000,
                  (long long)spent[1] / FLOOD_ROUNDS / 1000);
    assert_true(spent[1] <= 3 * spent[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_values_take_no_more_memory_than_their_limit_allows),
        cmocka_unit_test(keys_of_one_hash_cost_at_most_three_times_ordinary_ones),
    };
    return cmocka_run_group_tests_name("amounts", tests, set_up, tear_down);
}
