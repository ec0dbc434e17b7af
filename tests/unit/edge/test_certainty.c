/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

#include "edge/certainty.h"

static struct certainty of(const float *probabilities, size_t count)
{
    struct certainty certainty = {0};
    assert_true(certainty_of(probabilities, count, &certainty));
    return certainty;
}

static void expect(struct certainty found, unsigned entropy, unsigned margin)
{
    assert_int_equal(found.entropy, entropy);
    assert_int_equal(found.margin, margin);
}

static void an_even_model_has_all_the_entropy_and_no_margin(void **state)
{
    (void)state;
    const float four[] = {0.25F, 0.25F, 0.25F, 0.25F};
    expect(of(four, 4), 10000, 0);
}

static void a_sure_model_has_no_entropy_and_all_the_margin(void **state)
{
    (void)state;
    const float sure[] = {0, 1, 0};
    expect(of(sure, 3), 0, 10000);
}

/* By hand: -(0.5 ln 0.5 + 2 · 0.25 ln 0.25) / ln 3 = 1.039721 / 1.098612 = 0.946395. */
static void values_are_those_of_the_formula(void **state)
{
    (void)state;
    const float p[] = {0.25F, 0.5F, 0.25F};
    expect(of(p, 3), 9464, 2500);
}

static void a_single_class_leaves_no_doubt(void **state)
{
    (void)state;
    const float one[] = {1};
    expect(of(one, 1), 0, 10000);
}

static void what_is_no_probability_tells_nothing(void **state)
{
    (void)state;
    const float bad[][2] = {{NAN, 0.5F}, {-0.1F, 0.5F}, {1.5F, 0}, {INFINITY, 0}};
    struct certainty certainty;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(certainty_of(bad[i], 2, &certainty));
    }
    assert_false(certainty_of(NULL, 2, &certainty));
    assert_false(certainty_of(bad[0], 0, &certainty));
}

/* A softmax in float may add up to a little more than 1. */
static void a_rounding_error_is_forgiven(void **state)
{
    (void)state;
    const float p[] = {1.0000001F, 0.0000002F};
    expect(of(p, 2), 0, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_model_has_all_the_entropy_and_no_margin),
        cmocka_unit_test(a_sure_model_has_no_entropy_and_all_the_margin),
        cmocka_unit_test(values_are_those_of_the_formula),
        cmocka_unit_test(a_single_class_leaves_no_doubt),
        cmocka_unit_test(what_is_no_probability_tells_nothing),
        cmocka_unit_test(a_rounding_error_is_forgiven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
