/* SPDX-License-Identifier: Apache-2.0 */
/* Files written when the formats were fixed (tests/vectors/tuf/golden): they must be made
 * byte for byte like that, and be accepted, for as long as nodes trust such files. */
#include "tests/unit/tuf/client.h"

#include <stdio.h>

#include "base/file.h"
#include "tuf/sealed_key.h"

static void golden(const char *name, struct buf *ret_bytes)
{
    char path[512];
    struct err err = {0};
    (void)snprintf(path, sizeof path, "%s/tuf/golden/%s", VECTORS_DIR, name);
    world_must(file_read(path, ret_bytes, &err), &err);
}

static const char *const NAMES[TUF_ROLE_COUNT] = {
    [TUF_ROLE_ROOT] = "1.root.json",
    [TUF_ROLE_TIMESTAMP] = "timestamp.json",
    [TUF_ROLE_SNAPSHOT] = "1.snapshot.json",
    [TUF_ROLE_TARGETS] = "1.targets.json",
};

static void what_is_signed_now_has_the_bytes_of_then(void **state)
{
    (void)state;
    WORLD_AUTO world;
    world_init(&world);
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        BUF_AUTO bytes = BUF_INIT(1 << 20);
        golden(NAMES[role], &bytes);
        assert_string_equal(world.bytes[role].data, bytes.data);
    }
}

static void what_was_signed_then_is_accepted_now(void **state)
{
    (void)state;
    WORLD_AUTO world = {0};
    TRUSTED_SET_AUTO set;
    struct err err = {0};
    for (int role = 0; role < TUF_ROLE_COUNT; role++) {
        world.bytes[role] = BUF_INIT(1 << 20);
        golden(NAMES[role], &world.bytes[role]);
    }
    world_client(&world, &set);
    world_must(world_refresh(&world, &set, &err), &err);
}

static void a_key_sealed_then_opens_now(void **state)
{
    (void)state;
    BUF_AUTO text = BUF_INIT(SEALED_KEY_MAX_BYTES);
    SIGNING_KEY_AUTO key;
    struct err err = {0};
    struct signing_key expected = world_key(7);
    golden("targets.key", &text);
    world_must(sealed_key_open(text.data, text.len, "correct horse", &key, &err), &err);
    assert_memory_equal(key.secret, expected.secret, sizeof key.secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_now_has_the_bytes_of_then),
        cmocka_unit_test(what_was_signed_then_is_accepted_now),
        cmocka_unit_test(a_key_sealed_then_opens_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
