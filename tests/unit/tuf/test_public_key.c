/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuf/json.h"
#include "tuf/public_key.h"
#include "tuf/sealed_key.h"

static const char HEX[] =
    "197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61";

static const char PEM[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEL2adCETW5kZwdXaNUuvMyD+D4oJU\n"
    "h/qFRQkNv7jauz2/LLoXhpHWeP/J/bNy9g43w2410y0ZHveEMIL23IWnZw==\n"
    "-----END PUBLIC KEY-----\n";

static enum status parse(const char *text, json_t **ret_object, char *ret_keyid)
{
    return public_key_parse(text, strlen(text), ret_object, ret_keyid, NULL);
}

static void hex_and_its_object_and_its_key_file_are_the_same_key(void **state)
{
    (void)state;
    JSON_AUTO *from_hex = NULL;
    JSON_AUTO *from_object = NULL;
    JSON_AUTO *from_file = NULL;
    char keyids[3][KEY_ID_BYTES];
    struct key_cost cost = KEY_COST_LEAST;
    struct signing_key key;
    char hex[2 * ED25519_PUBLIC_BYTES + 8];
    BUF_AUTO sealed = BUF_INIT(SEALED_KEY_MAX_BYTES);
    uint8_t seed[ED25519_SEED_BYTES] = {7};
    assert_int_equal(signing_key_from_seed(seed, &key, NULL), OK);
    JSON_AUTO *object = key_object_new(key.public_key);
    const char *public_text =
        json_string_value(json_object_get(json_object_get(object, "keyval"), "public"));
    (void)snprintf(hex, sizeof hex, " %s\n", public_text);
    char *text = json_dumps(object, JSON_INDENT(1));
    assert_int_equal(parse(hex, &from_hex, keyids[0]), OK);
    assert_int_equal(parse(text, &from_object, keyids[1]), OK);
    free(text);
    assert_int_equal(sealed_key_make("anna", &key, "x", &cost, &sealed, NULL), OK);
    assert_int_equal(
        public_key_parse(sealed.data, sealed.len, &from_file, keyids[2], NULL), OK);
    assert_string_equal(keyids[0], key.keyid);
    assert_string_equal(keyids[1], key.keyid);
    assert_string_equal(keyids[2], key.keyid);
}

static void a_pem_key_keeps_its_text(void **state)
{
    (void)state;
    JSON_AUTO *object = NULL;
    char keyid[KEY_ID_BYTES];
    assert_int_equal(parse(PEM, &object, keyid), OK);
    assert_string_equal(json_string_value(json_object_get(object, "keytype")), "ecdsa");
}

static void what_could_never_verify_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "197f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "{\"keytype\":\"ed448\",\"scheme\":\"ed448\",\"keyval\":{\"public\":\"00\"}}",
        "{\"keytype\":\"ed25519\"}",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *object = NULL;
        char keyid[KEY_ID_BYTES];
        assert_int_equal(parse(texts[i], &object, keyid), ERR_KEY_FORMAT);
        assert_null(object);
    }
    json_t *object = NULL;
    char keyid[KEY_ID_BYTES];
    char with_nul[sizeof HEX + 2];
    (void)snprintf(with_nul, sizeof with_nul, "%s", HEX);
    assert_int_equal(public_key_parse(with_nul, sizeof HEX + 1, &object, keyid, NULL),
                     ERR_KEY_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_and_its_object_and_its_key_file_are_the_same_key),
        cmocka_unit_test(a_pem_key_keeps_its_text),
        cmocka_unit_test(what_could_never_verify_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
