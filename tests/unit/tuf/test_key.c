/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/hex.h"
#include "tuf/json.h"
#include "tuf/key.h"

static void parse_public(const char *type, const char *scheme, const char *text,
                         struct verify_key *ret_key)
{
    JSON_AUTO *object = json_pack("{s:s, s:s, s:{s:s}}", "keytype", type, "scheme",
                                  scheme, "keyval", "public", text);
    assert_int_equal(verify_key_parse(object, ret_key, NULL), OK);
}

/* RFC 8032 section 7.1, test 3 */
static void a_seed_gives_the_known_key_and_signature(void **state)
{
    (void)state;
    uint8_t seed[ED25519_SEED_BYTES];
    uint8_t message[2] = {0xaf, 0x82};
    char text[ED25519_SIGNATURE_HEX_BYTES];
    SIGNING_KEY_AUTO key;
    assert_int_equal(
        hex_decode("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                   seed, sizeof seed, NULL),
        OK);
    assert_int_equal(signing_key_from_seed(seed, &key, NULL), OK);
    hex_encode(key.public_key, sizeof key.public_key, text);
    assert_string_equal(
        text, "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    signing_key_sign(&key, message, sizeof message, text);
    assert_string_equal(
        text, "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
              "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
}

/* made with sha256sum over the canonical text */
static void the_id_is_the_digest_of_the_canonical_object(void **state)
{
    (void)state;
    uint8_t public_key[ED25519_PUBLIC_BYTES] = {0};
    char keyid[KEY_ID_BYTES];
    JSON_AUTO *object = key_object_new(public_key);
    assert_int_equal(key_object_id(object, keyid, NULL), OK);
    assert_string_equal(
        keyid, "7f7373360bc914a5d4a7bd87711615178beb6cf52494fcc49082ec65ba62908c");
}

static void a_good_signature_verifies_and_a_changed_one_does_not(void **state)
{
    (void)state;
    SIGNING_KEY_AUTO key;
    struct verify_key verify;
    char text[ED25519_SIGNATURE_HEX_BYTES];
    char public_text[2 * ED25519_PUBLIC_BYTES + 1];
    assert_int_equal(signing_key_generate(&key, NULL), OK);
    hex_encode(key.public_key, sizeof key.public_key, public_text);
    parse_public("ed25519", "ed25519", public_text, &verify);
    signing_key_sign(&key, "abc", 3, text);
    assert_true(verify_key_verify(&verify, text, "abc", 3));
    assert_false(verify_key_verify(&verify, text, "abd", 3));
    text[0] = text[0] == '0' ? '1' : '0';
    assert_false(verify_key_verify(&verify, text, "abc", 3));
}

static void malformed_signatures_are_only_false(void **state)
{
    (void)state;
    SIGNING_KEY_AUTO key;
    struct verify_key verify;
    char public_text[2 * ED25519_PUBLIC_BYTES + 1];
    assert_int_equal(signing_key_generate(&key, NULL), OK);
    hex_encode(key.public_key, sizeof key.public_key, public_text);
    parse_public("ed25519", "ed25519", public_text, &verify);
    assert_false(verify_key_verify(&verify, "", "abc", 3));
    assert_false(verify_key_verify(&verify, "zz", "abc", 3));
    assert_false(verify_key_verify(&verify, public_text, "abc", 3));
}

/* A key of eight zero-order points would let anybody sign. */
static void unusable_keys_never_verify(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "00",
        "zz00000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct verify_key key;
        parse_public("ed25519", "ed25519", texts[i], &key);
        assert_int_equal(key.kind, KEY_UNKNOWN);
    }
    struct verify_key key;
    SIGNING_KEY_AUTO secret;
    char public_text[2 * ED25519_PUBLIC_BYTES + 1];
    assert_int_equal(signing_key_generate(&secret, NULL), OK);
    hex_encode(secret.public_key, sizeof secret.public_key, public_text);
    parse_public("quantum", "ed25519", public_text, &key);
    assert_int_equal(key.kind, KEY_UNKNOWN);
    parse_public("ed25519", "quantum", public_text, &key);
    assert_int_equal(key.kind, KEY_UNKNOWN);
}

static void identity_depends_on_the_bytes_alone(void **state)
{
    (void)state;
    struct verify_key lower;
    struct verify_key upper;
    parse_public("ed25519", "ed25519",
                 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                 &lower);
    parse_public("ed25519", "ed25519",
                 "FC51CD8E6218A1A38DA47ED00230F0580816ED13BA3303AC5DEB911548908025",
                 &upper);
    assert_memory_equal(lower.identity, upper.identity, sizeof lower.identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_known_key_and_signature),
        cmocka_unit_test(the_id_is_the_digest_of_the_canonical_object),
        cmocka_unit_test(a_good_signature_verifies_and_a_changed_one_does_not),
        cmocka_unit_test(malformed_signatures_are_only_false),
        cmocka_unit_test(unusable_keys_never_verify),
        cmocka_unit_test(identity_depends_on_the_bytes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
