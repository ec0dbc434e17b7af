/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "format/delta_decode.h"
#include "format/delta_encode.h"
#include "format/delta_model.h"
#include "format/transport.h"

enum { MAX_BYTES = 4 << 20, GUARD = 0x5a, GUARD_BYTES = 64 };

/* ---- numbers ---- */

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* About normal, of deviation 1. */
static float draw_normal(uint32_t *state)
{
    float sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += (float)draw(state) / (1 << 24);
    }
    return sum;
}

static void put(uint8_t *data, size_t width, size_t i, uint32_t bits)
{
    delta_store(data + i * width, width, bits);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Two versions of weights: each value of the second moves with this chance in 256. */
struct pair {
    uint8_t *base, *result;
    size_t len;
};

static struct pair make_floats(size_t count, uint32_t chance, uint32_t seed)
{
    struct pair pair = {malloc(count * 4), malloc(count * 4), count * 4};
    for (size_t i = 0; i < count; i++) {
        float value = 0.05f * draw_normal(&seed);
        float moved = value + 0.0005f * draw_normal(&seed);
        put(pair.base, 4, i, bits_of(value));
        put(pair.result, 4, i, bits_of(draw(&seed) % 256 < chance ? moved : value));
    }
    return pair;
}

/* Integers of 1, 2 or 4 bytes that move by a few. */
static struct pair make_integers(size_t width, size_t count, uint32_t chance,
                                 uint32_t seed)
{
    struct pair pair = {malloc(count * width), malloc(count * width), count * width};
    for (size_t i = 0; i < count; i++) {
        uint32_t value = (uint32_t)(int32_t)(25 * draw_normal(&seed));
        uint32_t moved = value + draw(&seed) % 5 - 2;
        put(pair.base, width, i, value);
        put(pair.result, width, i, draw(&seed) % 256 < chance ? moved : value);
    }
    return pair;
}

static void pair_free(struct pair *pair)
{
    free(pair->base);
    free(pair->result);
}

/* ---- there and back ---- */

static void encode(const uint8_t *base, size_t base_len, const uint8_t *result,
                   size_t result_len, struct buf *ret_delta)
{
    struct delta_side from = {base, base_len};
    struct delta_side to = {result, result_len};
    assert_int_equal(delta_encode(&from, &to, MAX_BYTES, ret_delta, NULL), OK);
    assert_true(ret_delta->len > DELTA_HEADER_BYTES);
}

/* Decodes into memory of exactly that length, guarded behind it. */
static enum status decode(const uint8_t *base, size_t base_len, const struct buf *delta,
                          uint8_t *result, size_t result_len)
{
    uint8_t sha256[SHA256_BYTES];
    assert_int_equal(sha256_of(base, base_len, sha256, NULL), OK);
    uint8_t *bytes = malloc(delta->len + 1); /* so that a sanitizer sees its end */
    memcpy(bytes, delta->data, delta->len);
    uint8_t *room = malloc(result_len + GUARD_BYTES);
    memset(room + result_len, GUARD, GUARD_BYTES);
    struct delta_places places = {base, base_len, bytes, delta->len, room, result_len};
    enum status status = delta_decode(&places, sha256, NULL);
    for (size_t i = 0; i < GUARD_BYTES; i++) {
        assert_int_equal(room[result_len + i], GUARD);
    }
    if (status == OK) {
        memcpy(result, room, result_len);
    }
    free(room);
    free(bytes);
    return status;
}

/* The length of the delta, after decoding it gave the result again. */
static size_t there_and_back(const uint8_t *base, size_t base_len, const uint8_t *result,
                             size_t result_len)
{
    BUF_AUTO delta = BUF_INIT(MAX_BYTES);
    encode(base, base_len, result, result_len, &delta);
    uint8_t *out = malloc(result_len);
    assert_int_equal(decode(base, base_len, &delta, out, result_len), OK);
    assert_memory_equal(out, result, result_len);
    free(out);
    return delta.len;
}

static void any_values_come_back_as_they_were(void **state)
{
    (void)state;
    static const uint32_t chances[] = {0, 3, 128, 256};
    static const size_t counts[] = {1, 3, 1000, 5000};
    for (size_t i = 0; i < 16; i++) {
        uint32_t chance = chances[i % 4];
        size_t count = counts[i / 4];
        struct pair pair = make_floats(count, chance, (uint32_t)i);
        there_and_back(pair.base, pair.len, pair.result, pair.len);
        pair_free(&pair);
        for (size_t width = 1; width <= 4; width *= 2) {
            pair = make_integers(width, count, chance, (uint32_t)i);
            there_and_back(pair.base, pair.len, pair.result, pair.len);
            pair_free(&pair);
        }
    }
}

static void every_bit_pattern_survives(void **state)
{
    (void)state;
    static const uint32_t patterns[] = {0,          0x80000000, 0x7f800000, 0xff800000,
                                        0x7fc00001, 0xffc12345, 1,          0x80000001,
                                        0x7f7fffff, 0xff7fffff, 0xffffffff, 0x7fffffff,
                                        0x7c007c00, 0xfe01fc01};
    enum { COUNT = sizeof patterns / sizeof patterns[0], WORDS = 3 * 4096 };
    struct pair pair = make_floats(WORDS, 256, 5);
    for (uint32_t i = 0; i < WORDS; i += 7) {
        put(pair.base, 4, i, patterns[i % COUNT]);
        put(pair.result, 4, i, patterns[i / COUNT % COUNT]);
    }
    there_and_back(pair.base, pair.len, pair.result, pair.len);
    for (uint32_t i = 0; i < WORDS; i++) {
        put(pair.base, 4, i, patterns[i % COUNT]);
        put(pair.result, 4, i, patterns[i / COUNT % COUNT]);
    }
    there_and_back(pair.base, pair.len, pair.result, pair.len);
    pair_free(&pair);
}

/* ---- what it costs ---- */

static void what_did_not_change_costs_nothing(void **state)
{
    (void)state;
    struct pair pair = make_floats(250000, 0, 1);
    assert_in_range(there_and_back(pair.base, pair.len, pair.result, pair.len), 57, 128);
    pair.result[500000] ^= 1;
    assert_in_range(there_and_back(pair.base, pair.len, pair.result, pair.len), 57, 192);
    pair_free(&pair);
}

static void weights_that_all_moved_cost_what_is_new_in_them(void **state)
{
    (void)state;
    struct pair pair = make_floats(100000, 256, 2);
    assert_in_range(there_and_back(pair.base, pair.len, pair.result, pair.len), 240000,
                    254000); /* 62 % are new */
    pair_free(&pair);
    pair = make_integers(1, 100000, 256, 3);
    assert_in_range(there_and_back(pair.base, pair.len, pair.result, pair.len), 28000,
                    30500); /* one of five: 2.32 bits */
    pair_free(&pair);
}

static void a_grown_model_finds_its_weights_again(void **state)
{
    (void)state;
    struct pair pair = make_floats(100000, 256, 2);
    size_t at = 131008;
    size_t more = 64 * 333;
    size_t alike = there_and_back(pair.base, pair.len, pair.result, pair.len);
    uint8_t *grown = malloc(pair.len + more);
    uint32_t seed = 9;
    memcpy(grown, pair.result, at);
    for (size_t i = 0; i < more; i++) {
        grown[at + i] = (uint8_t)draw(&seed);
    }
    memcpy(grown + at + more, pair.result + at, pair.len - at);
    size_t longer = there_and_back(pair.base, pair.len, grown, pair.len + more);
    assert_in_range(longer, alike + more / 2, alike + more + 8192);
    there_and_back(grown, pair.len + more, pair.result, pair.len);
    free(grown);
    pair_free(&pair);
}

static void values_at_odd_places_are_found(void **state)
{
    (void)state;
    struct pair pair = make_floats(50000, 256, 2);
    size_t alike = there_and_back(pair.base, pair.len, pair.result, pair.len);
    size_t odd =
        there_and_back(pair.base + 1, pair.len - 1, pair.result + 1, pair.len - 1);
    assert_in_range(odd, alike - 500, alike + 500);
    pair_free(&pair);
}

static void any_two_lengths_do(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 5, 7, 8, 9, 63, 4095, 4096, 4097, 8195};
    enum { COUNT = sizeof lengths / sizeof lengths[0] };
    struct pair pair = make_floats(4096, 200, 2);
    for (size_t i = 0; i < (size_t)COUNT * COUNT; i++) {
        there_and_back(pair.base, lengths[i / COUNT], pair.result, lengths[i % COUNT]);
    }
    pair_free(&pair);
}

static void a_delta_that_does_not_pay_is_not_made(void **state)
{
    (void)state;
    struct pair pair = make_floats(20000, 256, 2);
    BUF_AUTO delta = BUF_INIT(MAX_BYTES);
    struct delta_side base = {pair.base, pair.len};
    struct delta_side result = {pair.result, pair.len};
    size_t len = there_and_back(pair.base, pair.len, pair.result, pair.len);
    buf_addstr(&delta, "before");
    static const size_t limits[] = {0, 56, 57, 1000};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(delta_encode(&base, &result, limits[i], &delta, NULL), OK);
        assert_int_equal(delta.len, 6);
    }
    assert_int_equal(delta_encode(&base, &result, len - 1, &delta, NULL), OK);
    assert_int_equal(delta.len, 6);
    assert_int_equal(delta_encode(&base, &result, len, &delta, NULL), OK);
    assert_int_equal(delta.len, 6 + len);
    base.len = 0;
    assert_int_equal(delta_encode(&base, &result, len, &delta, NULL), ERR_LIMIT);
    pair_free(&pair);
}

/* ---- slices ---- */

static void any_number_of_segments_a_step_gives_the_same(void **state)
{
    (void)state;
    struct pair pair = make_floats(20001, 100, 4);
    BUF_AUTO delta = BUF_INIT(MAX_BYTES);
    encode(pair.base, pair.len, pair.result, pair.len, &delta);
    uint8_t sha256[SHA256_BYTES];
    assert_int_equal(sha256_of(pair.base, pair.len, sha256, NULL), OK);
    uint8_t *out = malloc(pair.len);
    struct delta_places places = {pair.base, pair.len, (uint8_t *)delta.data,
                                  delta.len, out,      pair.len};
    for (size_t segments = 1; segments < 30; segments += 7) {
        DELTA_DECODER_AUTO decoder = {0};
        size_t steps = 0;
        assert_int_equal(delta_decoder_init(&decoder, &places, sha256, NULL), OK);
        for (bool end = false; !end; steps++) {
            assert_int_equal(delta_decoder_step(&decoder, segments, &end, NULL), OK);
        }
        assert_int_equal(steps, (20 + segments - 1) / segments);
        assert_memory_equal(out, pair.result, pair.len);
    }
    free(out);
    pair_free(&pair);
}

/* ---- foreign bytes ---- */

static void damaged_deltas_do_no_harm(void **state)
{
    (void)state;
    struct pair pair = make_floats(6000, 128, 4);
    BUF_AUTO delta = BUF_INIT(MAX_BYTES);
    uint8_t *out = malloc(pair.len);
    uint32_t seed = 1;
    encode(pair.base, pair.len, pair.result, pair.len, &delta);
    size_t len = delta.len;
    for (size_t cut = 0; cut < len; cut += 1 + cut / 8) {
        delta.len = cut;
        assert_int_not_equal(decode(pair.base, pair.len, &delta, out, pair.len), OK);
    }
    delta.len = len;
    for (int i = 0; i < 300; i++) {
        size_t at = draw(&seed) % (len - 8); /* the last 8 bytes are partly padding */
        char kept = delta.data[at];
        delta.data[at] = (char)(kept ^ (1 << draw(&seed) % 8));
        if (decode(pair.base, pair.len, &delta, out, pair.len) == OK) {
            assert_memory_not_equal(out, pair.result, pair.len);
        }
        delta.data[at] = kept;
    }
    buf_addstr(&delta, "more");
    assert_int_equal(decode(pair.base, pair.len, &delta, out, pair.len),
                     ERR_CONTENT_CORRUPT);
    free(out);
    pair_free(&pair);
}

static void what_ends_too_soon_is_not_read_to_the_end(void **state)
{
    (void)state;
    struct pair pair = make_floats(20001, 128, 4);
    BUF_AUTO delta = BUF_INIT(MAX_BYTES);
    encode(pair.base, pair.len, pair.result, pair.len, &delta);
    uint8_t sha256[SHA256_BYTES];
    assert_int_equal(sha256_of(pair.base, pair.len, sha256, NULL), OK);
    uint8_t *out = malloc(pair.len);
    struct delta_places places = {
        pair.base, pair.len, (uint8_t *)delta.data, DELTA_HEADER_BYTES + 64,
        out,       pair.len};
    DELTA_DECODER_AUTO decoder = {0};
    bool end = false;
    assert_int_equal(delta_decoder_init(&decoder, &places, sha256, NULL), OK);
    assert_int_equal(delta_decoder_step(&decoder, 1, &end, NULL), ERR_CONTENT_CORRUPT);
    free(out);
    pair_free(&pair);
}

static void another_header_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        char value;
        enum status expected;
    } rows[] = {{0, 'X', ERR_CONTENT_CORRUPT}, {4, 1, ERR_UNSUPPORTED},
                {5, 4, ERR_UNSUPPORTED},       {6, 1, ERR_CONTENT_CORRUPT},
                {8, 1, ERR_CONTENT_CORRUPT},   {15, 1, ERR_CONTENT_CORRUPT},
                {16, 1, ERR_CONTENT_CORRUPT},  {48, 1, ERR_CONTENT_CORRUPT},
                {55, 1, ERR_CONTENT_CORRUPT}};
    struct pair pair = make_floats(1000, 128, 4);
    BUF_AUTO delta = BUF_INIT(MAX_BYTES);
    uint8_t out[4000];
    encode(pair.base, pair.len, pair.result, pair.len, &delta);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char kept = delta.data[rows[i].at];
        delta.data[rows[i].at] = rows[i].value;
        assert_int_equal(decode(pair.base, pair.len, &delta, out, pair.len),
                         rows[i].expected);
        delta.data[rows[i].at] = kept;
    }
    assert_int_equal(decode(pair.base, pair.len, &delta, out, pair.len - 1),
                     ERR_CONTENT_CORRUPT);
    assert_int_equal(decode(pair.base, pair.len - 1, &delta, out, pair.len),
                     ERR_CONTENT_CORRUPT);
    pair_free(&pair);
}

/* A stream of one segment that says what no encoder says. */
static enum status decode_segment(uint32_t kind, bool moved, uint32_t shift,
                                  uint32_t skew)
{
    static const uint8_t base[100] = {1};
    uint8_t bytes[DELTA_HEADER_BYTES + 100];
    uint8_t sha256[SHA256_BYTES];
    uint8_t out[100];
    struct delta_model *model = malloc(sizeof *model);
    struct range_writer writer;
    struct transport_header header = {.method = DELTA_METHOD, .length = sizeof out};
    assert_int_equal(sha256_of(base, sizeof base, sha256, NULL), OK);
    memcpy(header.base, sha256, sizeof sha256);
    transport_header_write(&header, bytes);
    memset(bytes + TRANSPORT_HEADER_BYTES, 0, 8);
    bytes[TRANSPORT_HEADER_BYTES] = sizeof base;
    delta_model_init(model);
    range_write_init(&writer, bytes + DELTA_HEADER_BYTES, 100);
    for (uint32_t i = 3, node = 1; i-- > 0; node = node << 1 | (kind >> i & 1)) {
        range_write(&writer, &model->kind[0][node], kind >> i & 1);
    }
    range_write(&writer, &model->moved, moved);
    if (moved) {
        range_write_plain(&writer, shift >> 16, 16);
        range_write_plain(&writer, shift & 0xffff, 16);
    }
    for (uint32_t i = 2, node = 1; skew > 0 && i-- > 0;
         node = node << 1 | (skew >> i & 1)) {
        range_write(&writer, &model->skew[0][node], skew >> i & 1);
    }
    range_write_end(&writer);
    struct delta_places places = {base, sizeof base, bytes, (size_t)(writer.next - bytes),
                                  out,  sizeof out};
    enum status status = delta_decode(&places, sha256, NULL);
    free(model);
    return status;
}

static void segments_from_outside_the_base_are_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_segment(DELTA_COPY, false, 0, 0), OK);
    static const uint32_t shifts[] = {2, 3, 200, 199, 0x7ffffffe, UINT32_MAX, 0xfffffffe};
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        assert_int_equal(decode_segment(DELTA_COPY, true, shifts[i], 0),
                         ERR_CONTENT_CORRUPT);
    }
}

static void unknown_kinds_and_late_beginnings_are_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_segment(6, false, 0, 0), ERR_CONTENT_CORRUPT);
    assert_int_equal(decode_segment(7, false, 0, 0), ERR_CONTENT_CORRUPT);
    assert_int_equal(decode_segment(DELTA_FLOAT2, false, 0, 2), ERR_CONTENT_CORRUPT);
    assert_int_equal(decode_segment(DELTA_FLOAT2, false, 0, 3), ERR_CONTENT_CORRUPT);
}

/* ---- the bytes are fixed: folders with base, delta and result ---- */

static void read_part(const char *folder, const char *name, const char *part,
                      struct buf *ret_data)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s/%s", folder, name, part);
    assert_int_equal(file_read(path, ret_data, NULL), OK);
}

static void check_case(const char *folder, const char *name)
{
    BUF_AUTO base = BUF_INIT(MAX_BYTES);
    BUF_AUTO delta = BUF_INIT(MAX_BYTES);
    BUF_AUTO result = BUF_INIT(MAX_BYTES);
    BUF_AUTO made = BUF_INIT(MAX_BYTES);
    read_part(folder, name, "base", &base);
    read_part(folder, name, "delta", &delta);
    read_part(folder, name, "result", &result);
    uint8_t *out = malloc(result.len);
    assert_int_equal(
        decode((const uint8_t *)base.data, base.len, &delta, out, result.len), OK);
    assert_memory_equal(out, result.data, result.len);
    encode((const uint8_t *)base.data, base.len, (const uint8_t *)result.data, result.len,
           &made);
    assert_int_equal(made.len, delta.len);
    assert_memory_equal(made.data, delta.data, delta.len);
    free(out);
}

static void the_bytes_of_a_delta_stay_the_same(void **state)
{
    (void)state;
    static const char folder[] = VECTORS_DIR "/delta";
    DIR *cases = opendir(folder);
    assert_non_null(cases);
    int count = 0;
    for (const struct dirent *item = readdir(cases); item; item = readdir(cases)) {
        if (item->d_name[0] != '.') {
            check_case(folder, item->d_name);
            count++;
        }
    }
    closedir(cases);
    assert_true(count >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_values_come_back_as_they_were),
        cmocka_unit_test(every_bit_pattern_survives),
        cmocka_unit_test(what_did_not_change_costs_nothing),
        cmocka_unit_test(weights_that_all_moved_cost_what_is_new_in_them),
        cmocka_unit_test(a_grown_model_finds_its_weights_again),
        cmocka_unit_test(values_at_odd_places_are_found),
        cmocka_unit_test(any_two_lengths_do),
        cmocka_unit_test(a_delta_that_does_not_pay_is_not_made),
        cmocka_unit_test(any_number_of_segments_a_step_gives_the_same),
        cmocka_unit_test(damaged_deltas_do_no_harm),
        cmocka_unit_test(what_ends_too_soon_is_not_read_to_the_end),
        cmocka_unit_test(another_header_is_refused),
        cmocka_unit_test(segments_from_outside_the_base_are_refused),
        cmocka_unit_test(unknown_kinds_and_late_beginnings_are_refused),
        cmocka_unit_test(the_bytes_of_a_delta_stay_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
