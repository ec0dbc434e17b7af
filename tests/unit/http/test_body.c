/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/http/body.h"

static struct body_pool pool = {.max = 10000};

static struct body new_body(size_t max)
{
    return (struct body){.max = max, .pools = {&pool}};
}

static void bytes_arrive_in_pieces(void **state)
{
    (void)state;
    struct body body = new_body(100);
    assert_int_equal(body_add(&body, "abc", 3, NULL), OK);
    assert_int_equal(body_add(&body, "def", 3, NULL), OK);
    assert_string_equal(body.data, "abcdef");
    body_release(&body);
    assert_true(atomic_load(&pool.used) == 0);
}

static void the_limit_of_the_route_holds(void **state)
{
    (void)state;
    struct body body = new_body(5);
    assert_int_equal(body_add(&body, "abcde", 5, NULL), OK);
    assert_int_equal(body_add(&body, "f", 1, NULL), ERR_HTTP_TOO_LARGE);
    assert_int_equal(body.len, 5);
    assert_true(atomic_load(&pool.used) == 5); /* never more than the limit */
    body_release(&body);
}

static void the_pool_is_shared_and_given_back(void **state)
{
    (void)state;
    struct body first = new_body(8000);
    struct body second = new_body(8000);
    assert_int_equal(body_expect(&first, 6000, NULL), OK);
    assert_int_equal(body_expect(&second, 6000, NULL), ERR_UNAVAILABLE);
    assert_true(atomic_load(&pool.used) == 6000);
    body_release(&first);
    assert_int_equal(body_expect(&second, 6000, NULL), OK);
    body_release(&second);
    body_release(&second);
    assert_true(atomic_load(&pool.used) == 0);
}

static void what_one_pool_refuses_the_other_gets_back(void **state)
{
    (void)state;
    struct body_pool small = {.max = 100};
    struct body body = {.max = 8000, .pools = {&pool, &small}};
    assert_int_equal(body_expect(&body, 101, NULL), ERR_UNAVAILABLE);
    assert_true(atomic_load(&pool.used) == 0);
    assert_int_equal(body_expect(&body, 100, NULL), OK);
    assert_true(atomic_load(&pool.used) == 100 && atomic_load(&small.used) == 100);
    body_release(&body);
    assert_true(atomic_load(&pool.used) == 0 && atomic_load(&small.used) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_pieces),
        cmocka_unit_test(the_limit_of_the_route_holds),
        cmocka_unit_test(the_pool_is_shared_and_given_back),
        cmocka_unit_test(what_one_pool_refuses_the_other_gets_back),
    };
    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
