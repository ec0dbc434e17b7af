/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "format/image.h"

static enum status parse(const char *bytes, size_t len, struct image_set *set)
{
    /* An exact copy, so that the sanitizer sees a read past the end. */
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    enum status status = image_set_parse(copy, len, set, NULL);
    free(copy);
    return status;
}

static void a_pgm_is_a_set_of_one_picture(void **state)
{
    (void)state;
    static const char pgm[] = "P5\n# a comment 9 9\n3 2\n255\n\x01\x02\x03\x04\x05\xff";
    IMAGE_SET_AUTO set = {0};
    assert_int_equal(parse(pgm, sizeof pgm - 1, &set), OK);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.width, 3);
    assert_int_equal(set.height, 2);
    assert_int_equal(set.channels, 1);
    assert_memory_equal(image_at(&set, 0), "\x01\x02\x03\x04\x05\xff", 6);
}

static void a_ppm_has_three_channels(void **state)
{
    (void)state;
    IMAGE_SET_AUTO set = {0};
    assert_int_equal(parse("P6 1 1 255 rgb", 14, &set), OK);
    assert_int_equal(set.channels, 3);
    assert_memory_equal(set.pixels, "rgb", 3);
}

static void what_a_pixel_looks_like_after_the_header_does_not_matter(void **state)
{
    (void)state;
    IMAGE_SET_AUTO set = {0};
    assert_int_equal(parse("P5 2 1 255\n#\n", 13, &set), OK);
    assert_memory_equal(set.pixels, "#\n", 2);
}

static const char idx[] = "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02"
                          "abcd";

static void an_idx_file_is_a_set_of_pictures(void **state)
{
    (void)state;
    IMAGE_SET_AUTO set = {0};
    assert_int_equal(parse(idx, sizeof idx - 1, &set), OK);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.height, 1);
    assert_int_equal(set.width, 2);
    assert_memory_equal(image_at(&set, 1), "cd", 2);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    static const char pgm[] = "P5\n2 2\n255\nabcd";
    struct image_set set = {0};
    for (size_t len = 0; len < sizeof pgm - 1; len++) {
        assert_int_equal(parse(pgm, len, &set), ERR_IMAGE_FORMAT);
    }
    for (size_t len = 0; len < sizeof idx - 1; len++) {
        assert_int_equal(parse(idx, len, &set), ERR_IMAGE_FORMAT);
    }
    assert_null(set.pixels);
}

static void headers_that_lie_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "P5 0 1 255 x",        "P5 1 1 65535 x", "P5 1 1 255 xx",
        "P5 99999999 1 255 x", "P2 1 1 255 x",   "P5 1 -1 255 x",
        "P5 1 1 254 x",        "P5 1 1 255",     "P5 65536 65536 255 x",
    };
    struct image_set set = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(parse(texts[i], strlen(texts[i]), &set), ERR_IMAGE_FORMAT);
    }
    char big[sizeof idx];
    memcpy(big, idx, sizeof big);
    memset(big + 4, 0xff, 12);
    assert_int_equal(parse(big, sizeof big - 1, &set), ERR_IMAGE_FORMAT);
    memset(big + 4, 0, 12);
    assert_int_equal(parse(big, sizeof big - 1, &set), ERR_IMAGE_FORMAT);
}

static void labels_are_counted(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9};
    LABEL_SET_AUTO set = {0};
    assert_int_equal(label_set_parse(bytes, sizeof bytes, &set, NULL), OK);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.labels[2], 9);
    struct label_set other = {0};
    for (size_t len = 0; len < sizeof bytes; len++) {
        assert_int_equal(label_set_parse(bytes, len, &other, NULL), ERR_IMAGE_FORMAT);
    }
}

static void a_gzipped_file_is_unpacked(void **state)
{
    (void)state;
    char path[] = "/tmp/muster-image-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    gzFile file = gzdopen(fd, "wb");
    assert_int_equal(gzwrite(file, idx, sizeof idx - 1), sizeof idx - 1);
    assert_int_equal(gzclose(file), Z_OK);
    IMAGE_SET_AUTO set = {0};
    assert_int_equal(image_set_read(path, &set, NULL), OK);
    assert_int_equal(set.count, 2);
    assert_int_equal(unlink(path), 0);
    struct err err = {0};
    struct image_set none = {0};
    assert_int_equal(image_set_read(path, &none, &err), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pgm_is_a_set_of_one_picture),
        cmocka_unit_test(a_ppm_has_three_channels),
        cmocka_unit_test(what_a_pixel_looks_like_after_the_header_does_not_matter),
        cmocka_unit_test(an_idx_file_is_a_set_of_pictures),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(labels_are_counted),
        cmocka_unit_test(a_gzipped_file_is_unpacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
