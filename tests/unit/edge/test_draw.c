/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

#include "edge/draw.h"

enum { DRAWS = 400000 };

/* Fixed, so that the bounds below hold for ever or never. */
static struct draw seeded(void)
{
    return (struct draw){{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 1}};
}

/* Within six standard deviations of the binomial. */
static void expect_share(int hits, int draws, double p)
{
    double off = fabs(hits - draws * p);
    assert_true(off <= 6 * sqrt(draws * p * (1 - p)));
}

/* The first outputs for the state 1, 2, 3, 4, by the authors' reference code. */
static void the_generator_is_xoshiro256starstar(void **state)
{
    (void)state;
    struct draw draw = {{1, 2, 3, 4}};
    assert_true(draw_bits(&draw) == UINT64_C(11520));
    assert_true(draw_bits(&draw) == UINT64_C(0));
    assert_true(draw_bits(&draw) == UINT64_C(1509978240));
    assert_true(draw_bits(&draw) == UINT64_C(1215971899390074240));
}

static void one_in_n_comes_up_so_often(void **state)
{
    (void)state;
    static const uint32_t every[] = {2, 3, 10, 100};
    struct draw draw = seeded();
    for (size_t e = 0; e < sizeof every / sizeof every[0]; e++) {
        int hits = 0;
        for (int i = 0; i < DRAWS; i++) {
            hits += draw_one_in(&draw, every[e]);
        }
        expect_share(hits, DRAWS, 1.0 / every[e]);
    }
}

/* A counter that lets every tenth through would fail here: a hit after a hit, and a hit
 * ten draws after one, are as frequent as any. */
static void draws_are_independent(void **state)
{
    (void)state;
    struct draw draw = seeded();
    bool before[10] = {false};
    int after_hit = 0, after_ten = 0, hits = 0, tens = 0;
    for (int i = 0; i < DRAWS; i++) {
        bool hit = draw_one_in(&draw, 10);
        bool last = before[(i + 9) % 10], ten_ago = before[i % 10];
        hits += last;
        tens += ten_ago;
        after_hit += last && hit;
        after_ten += ten_ago && hit;
        before[i % 10] = hit;
    }
    expect_share(after_hit, hits, 0.1);
    expect_share(after_ten, tens, 0.1);
}

static void one_in_one_is_all(void **state)
{
    (void)state;
    struct draw draw = seeded();
    for (int i = 0; i < 1000; i++) {
        assert_true(draw_one_in(&draw, 1));
    }
}

static void two_generators_differ(void **state)
{
    (void)state;
    struct draw a, b;
    draw_init(&a);
    draw_init(&b);
    assert_true(draw_bits(&a) != draw_bits(&b) || draw_bits(&a) != draw_bits(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_xoshiro256starstar),
        cmocka_unit_test(one_in_n_comes_up_so_often),
        cmocka_unit_test(draws_are_independent),
        cmocka_unit_test(one_in_one_is_all),
        cmocka_unit_test(two_generators_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
