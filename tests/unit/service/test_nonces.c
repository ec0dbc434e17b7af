/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/service/nonces.h"

static enum status use(struct nonces *nonces, int64_t node_id, uint8_t number,
                       int64_t now_ms)
{
    uint8_t nonce[16] = {number};
    return nonces_use(nonces, node_id, nonce, now_ms, now_ms + 100);
}

static void a_nonce_works_once_per_node_within_its_window(void **state)
{
    (void)state;
    struct nonces *nonces = nonces_new(10, 5);
    assert_int_equal(use(nonces, 1, 7, 1000), OK);
    assert_int_equal(use(nonces, 1, 7, 1000), ERR_SESSION_REPLAY);
    assert_int_equal(use(nonces, 2, 7, 1000), OK);
    assert_int_equal(use(nonces, 1, 7, 1100), ERR_SESSION_REPLAY);
    assert_int_equal(use(nonces, 1, 7, 1101), OK);
    nonces_free(nonces);
}

static void one_node_cannot_use_up_the_place_of_others(void **state)
{
    (void)state;
    struct nonces *nonces = nonces_new(10, 3);
    for (uint8_t i = 0; i < 3; i++) {
        assert_int_equal(use(nonces, 1, i, 1000), OK);
    }
    assert_int_equal(use(nonces, 1, 9, 1000), ERR_HTTP_RATE_LIMITED);
    assert_int_equal(use(nonces, 2, 9, 1000), OK);
    assert_int_equal(use(nonces, 1, 9, 1101), OK);
    nonces_free(nonces);
}

static void what_does_not_fit_is_refused_not_forgotten(void **state)
{
    (void)state;
    struct nonces *nonces = nonces_new(2, 2);
    assert_int_equal(use(nonces, 1, 1, 1000), OK);
    assert_int_equal(use(nonces, 2, 1, 1000), OK);
    assert_int_equal(use(nonces, 3, 1, 1000), ERR_HTTP_RATE_LIMITED);
    assert_int_equal(use(nonces, 1, 1, 1000), ERR_SESSION_REPLAY);
    nonces_free(nonces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nonce_works_once_per_node_within_its_window),
        cmocka_unit_test(one_node_cannot_use_up_the_place_of_others),
        cmocka_unit_test(what_does_not_fit_is_refused_not_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
