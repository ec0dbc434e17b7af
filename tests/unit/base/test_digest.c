/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/hex.h"

/* FIPS 180-2's examples. */
static const char ABC_256[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char EMPTY_256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char ABC_512[] =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

static void one_shot_digests_are_those_of_the_standard(void **state)
{
    (void)state;
    uint8_t digest[SHA512_BYTES];
    char text[2 * SHA512_BYTES + 1];
    assert_int_equal(sha256_of("abc", 3, digest, NULL), OK);
    hex_encode(digest, SHA256_BYTES, text);
    assert_string_equal(text, ABC_256);
    assert_int_equal(sha256_of("", 0, digest, NULL), OK);
    hex_encode(digest, SHA256_BYTES, text);
    assert_string_equal(text, EMPTY_256);
    assert_int_equal(sha512_of("abc", 3, digest, NULL), OK);
    hex_encode(digest, SHA512_BYTES, text);
    assert_string_equal(text, ABC_512);
}

static void pieces_give_the_digest_of_the_whole(void **state)
{
    (void)state;
    struct sha256 sha;
    assert_int_equal(sha256_init(&sha, NULL), OK);
    sha256_update(&sha, "a", 1);
    sha256_update(&sha, "", 0);
    sha256_update(&sha, "bc", 2);
    uint8_t digest[SHA256_BYTES];
    sha256_finish(&sha, digest);
    char text[SHA256_HEX_BYTES];
    hex_encode(digest, sizeof digest, text);
    assert_string_equal(text, ABC_256);
    assert_null(sha.state);
}

static void an_unfinished_digest_is_released_any_number_of_times(void **state)
{
    (void)state;
    struct sha256 sha;
    assert_int_equal(sha256_init(&sha, NULL), OK);
    sha256_update(&sha, "a", 1);
    sha256_release(&sha);
    sha256_release(&sha);
    assert_null(sha.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shot_digests_are_those_of_the_standard),
        cmocka_unit_test(pieces_give_the_digest_of_the_whole),
        cmocka_unit_test(an_unfinished_digest_is_released_any_number_of_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
