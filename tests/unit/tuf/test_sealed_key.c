/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tuf/json.h"
#include "tuf/sealed_key.h"

static const char PASSPHRASE[] = "correct horse";

static void seal(struct signing_key *ret_key, struct buf *ret_text)
{
    const struct key_cost cost = KEY_COST_LEAST;
    assert_int_equal(signing_key_generate(ret_key, NULL), OK);
    assert_int_equal(
        sealed_key_make("targets", ret_key, PASSPHRASE, &cost, ret_text, NULL), OK);
}

static void the_passphrase_opens_it(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    SIGNING_KEY_AUTO key;
    SIGNING_KEY_AUTO opened;
    struct sealed_key_info info;
    seal(&key, &text);
    assert_int_equal(sealed_key_open(text.data, text.len, PASSPHRASE, &opened, NULL), OK);
    assert_memory_equal(opened.secret, key.secret, sizeof key.secret);
    assert_string_equal(opened.keyid, key.keyid);
    assert_int_equal(sealed_key_describe(text.data, text.len, &info, NULL), OK);
    assert_string_equal(info.label, "targets");
    assert_string_equal(info.keyid, key.keyid);
}

static void the_secret_does_not_stand_in_the_text(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    SIGNING_KEY_AUTO key;
    char seed[2 * ED25519_SEED_BYTES + 1];
    seal(&key, &text);
    for (size_t i = 0; i < ED25519_SEED_BYTES; i++) {
        (void)snprintf(seed + 2 * i, 3, "%02x", key.secret[i]);
    }
    assert_null(strstr(text.data, seed));
    assert_null(strstr(text.data, PASSPHRASE));
}

static void a_wrong_or_empty_passphrase_does_not_open_it(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "Correct horse", "correct horse ", "x"};
    const struct key_cost cost = KEY_COST_LEAST;
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    SIGNING_KEY_AUTO key;
    struct signing_key opened;
    memset(&opened, 7, sizeof opened);
    seal(&key, &text);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(sealed_key_open(text.data, text.len, wrong[i], &opened, NULL),
                         ERR_KEY_PASSPHRASE);
    }
    assert_int_equal(opened.secret[0], 7); /* untouched */
    assert_int_equal(sealed_key_make("targets", &key, "", &cost, &text, NULL),
                     ERR_KEY_PASSPHRASE);
}

/* The member of the header (or of its kdf) becomes another value of the right form. */
static enum status open_with(const char *text, const char *member, json_t *value)
{
    JSON_AUTO *tree = json_loads(text, 0, NULL);
    json_t *header = json_object_get(tree, "header");
    json_t *kdf = json_object_get(header, "kdf");
    json_t *where = json_object_get(kdf, member) ? kdf : header;
    assert_int_equal(json_object_set_new(where, member, value), 0);
    char *changed = json_dumps(tree, 0);
    assert_non_null(changed);
    struct signing_key key;
    enum status status =
        sealed_key_open(changed, strlen(changed), PASSPHRASE, &key, NULL);
    free(changed);
    return status;
}

static void every_field_of_the_header_is_bound(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    SIGNING_KEY_AUTO key;
    seal(&key, &text);
    assert_int_equal(open_with(text.data, "ops", json_integer(1)), OK); /* as it was */
    assert_int_equal(open_with(text.data, "label", json_string("snapshot")),
                     ERR_KEY_PASSPHRASE);
    assert_int_equal(open_with(text.data, "added", json_true()), ERR_KEY_PASSPHRASE);
    assert_int_equal(open_with(text.data, "ops", json_integer(2)), ERR_KEY_PASSPHRASE);
    assert_int_equal(open_with(text.data, "mem_bytes", json_integer(16384)),
                     ERR_KEY_PASSPHRASE);
    assert_int_equal(
        open_with(text.data, "salt", json_string("00000000000000000000000000000000")),
        ERR_KEY_PASSPHRASE);
    assert_int_equal(
        open_with(
            text.data, "public",
            json_string(
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")),
        ERR_KEY_PASSPHRASE);
}

static void costs_beyond_reason_are_refused_unspent(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    SIGNING_KEY_AUTO key;
    seal(&key, &text);
    assert_int_equal(open_with(text.data, "ops", json_integer(17)), ERR_KEY_FORMAT);
    assert_int_equal(open_with(text.data, "ops", json_integer(0)), ERR_KEY_FORMAT);
    assert_int_equal(open_with(text.data, "mem_bytes", json_integer(1 + (1 << 30))),
                     ERR_KEY_FORMAT);
    assert_int_equal(open_with(text.data, "mem_bytes", json_integer(1)), ERR_KEY_FORMAT);
}

static void damage_never_opens_it(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    SIGNING_KEY_AUTO key;
    struct signing_key opened;
    seal(&key, &text);
    char *box = strstr(text.data, "\"box\"");
    assert_non_null(box);
    for (size_t at = 0; at < text.len; at += 5) {
        char kept = text.data[at];
        text.data[at] ^= 1;
        enum status status =
            sealed_key_open(text.data, text.len, PASSPHRASE, &opened, NULL);
        if (status != ERR_KEY_FORMAT && status != ERR_KEY_PASSPHRASE) {
            fail_msg("byte %zu: %s", at, status_name(status));
        }
        text.data[at] = kept;
    }
    for (size_t len = 0; len + 2 < text.len; len += 7) { /* brace and line feed */
        assert_int_equal(sealed_key_open(text.data, len, PASSPHRASE, &opened, NULL),
                         ERR_KEY_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_passphrase_opens_it),
        cmocka_unit_test(the_secret_does_not_stand_in_the_text),
        cmocka_unit_test(a_wrong_or_empty_passphrase_does_not_open_it),
        cmocka_unit_test(every_field_of_the_header_is_bound),
        cmocka_unit_test(costs_beyond_reason_are_refused_unspent),
        cmocka_unit_test(damage_never_opens_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
