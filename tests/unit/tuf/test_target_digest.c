/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/target_digest.h"

#include "base/hex.h"
#include "tests/unit/tuf/world.h"

static const char TEXT[] = "the model";

enum { TEXT_BYTES = sizeof TEXT - 1 };

/* An entry that lists the digests of TEXT. */
static struct tuf_target entry(bool sha256, bool sha512)
{
    struct tuf_target file = {
        .path = "fashion/1/fp32.mnet",
        .length = TEXT_BYTES,
        .hashes = {.listed = true, .has_sha256 = sha256, .has_sha512 = sha512}};
    world_must(sha256_of(TEXT, TEXT_BYTES, file.hashes.sha256, NULL), NULL);
    world_must(sha512_of(TEXT, TEXT_BYTES, file.hashes.sha512, NULL), NULL);
    return file;
}

static enum status digest(const struct tuf_target *file, const char *text,
                          struct err *err)
{
    TARGET_DIGEST_AUTO digest = {0};
    enum status status = target_digest_init(&digest, file, err);
    if (status != OK) {
        return status;
    }
    target_digest_update(&digest, text, 1);
    target_digest_update(&digest, text + 1, strlen(text) - 1);
    return target_digest_finish(&digest, file, err);
}

static void either_digest_or_both_will_do(void **state)
{
    (void)state;
    for (int listed = 1; listed < 4; listed++) {
        struct tuf_target file = entry(listed & 1, listed & 2);
        struct err err = {0};
        world_must(digest(&file, TEXT, &err), &err);
    }
}

static void every_digest_that_is_listed_must_match(void **state)
{
    (void)state;
    struct err err = {0};
    struct tuf_target file = entry(true, true);
    file.hashes.sha512[0] ^= 1;
    assert_int_equal(digest(&file, TEXT, &err), ERR_TUF_HASH);
    assert_non_null(strstr(err.detail, "sha512"));
    file = entry(true, true);
    file.hashes.sha256[0] ^= 1;
    err_clear(&err);
    assert_int_equal(digest(&file, TEXT, &err), ERR_TUF_HASH);
    assert_non_null(strstr(err.detail, "sha256"));
}

static void other_bytes_are_refused_with_both_digests_in_the_text(void **state)
{
    (void)state;
    for (int listed = 1; listed < 4; listed++) {
        struct tuf_target file = entry(listed & 1, listed & 2);
        struct err err = {0};
        uint8_t found[SHA512_BYTES];
        char expected_text[33], found_text[33];
        assert_int_equal(digest(&file, "the Model", &err), ERR_TUF_HASH);
        if (listed & 1) {
            world_must(sha256_of("the Model", TEXT_BYTES, found, NULL), NULL);
            hex_encode(file.hashes.sha256, 16, expected_text);
        } else {
            world_must(sha512_of("the Model", TEXT_BYTES, found, NULL), NULL);
            hex_encode(file.hashes.sha512, 16, expected_text);
        }
        hex_encode(found, 16, found_text);
        assert_non_null(strstr(err.detail, expected_text));
        assert_non_null(strstr(err.detail, found_text));
    }
}

static void another_length_is_refused_with_both_in_the_text(void **state)
{
    (void)state;
    struct tuf_target file = entry(true, false);
    struct err err = {0};
    assert_int_equal(digest(&file, "the models", &err), ERR_TUF_LENGTH);
    assert_non_null(strstr(err.detail, "9 bytes expected, 10 found"));
}

static void digests_of_unknown_kinds_alone_are_refused(void **state)
{
    (void)state;
    struct tuf_target file = entry(false, false);
    assert_int_equal(digest(&file, TEXT, NULL), ERR_TUF_HASH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_digest_or_both_will_do),
        cmocka_unit_test(every_digest_that_is_listed_must_match),
        cmocka_unit_test(other_bytes_are_refused_with_both_digests_in_the_text),
        cmocka_unit_test(another_length_is_refused_with_both_in_the_text),
        cmocka_unit_test(digests_of_unknown_kinds_alone_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
