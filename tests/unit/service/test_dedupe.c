/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/dedupe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A stream 7 in which seqs 1 to 20 but 15 came, with hash = seq. */
static struct dedupe example(void)
{
    struct dedupe dedupe = {0};
    for (int64_t seq = 1; seq <= 20; seq++) {
        struct dedupe_slot slot = {
            .first_id = seq * 100, .rows = 3, .hash = (uint32_t)seq};
        if (seq != 15) {
            assert_int_equal(dedupe_note(&dedupe, 7, seq, slot), 0);
        }
    }
    return dedupe;
}

static void every_line_of_the_protocols_table_holds(void **state)
{
    (void)state;
    static const struct {
        int64_t seq;
        uint32_t hash;
        enum dedupe_verdict verdict;
    } table[] = {
        {21, 1, DEDUPE_NEW},                                  /* above the highest */
        {1000, 1, DEDUPE_NEW},                                /* far above */
        {15, 15, DEDUPE_NEW},                                 /* in the ring, not seen */
        {20, 20, DEDUPE_DUPLICATE}, {5, 5, DEDUPE_DUPLICATE}, /* highest - 15 */
        {20, 21, DEDUPE_CONFLICT},  {5, 4, DEDUPE_CONFLICT},
        {4, 4, DEDUPE_SEQ_OLD}, /* highest - 16 */
        {1, 1, DEDUPE_SEQ_OLD},
    };
    struct dedupe dedupe = example();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct dedupe_slot seen = {0};
        assert_int_equal(dedupe_check(&dedupe, 7, table[i].seq, table[i].hash, &seen),
                         table[i].verdict);
        bool duplicate = table[i].verdict == DEDUPE_DUPLICATE;
        assert_int_equal(seen.first_id, duplicate ? table[i].seq * 100 : 0);
        assert_int_equal(seen.rows, duplicate ? 3 : 0);
    }
}

static void a_jump_ahead_forgets_what_fell_out_of_the_ring(void **state)
{
    (void)state;
    struct dedupe dedupe = example();
    struct dedupe_slot seen = {0};
    struct dedupe_slot slot = {.first_id = 9, .rows = 1, .hash = 9};
    (void)dedupe_note(&dedupe, 7, 30, slot);
    assert_int_equal(dedupe_check(&dedupe, 7, 20, 20, &seen), DEDUPE_DUPLICATE);
    assert_int_equal(dedupe_check(&dedupe, 7, 14, 14, &seen), DEDUPE_SEQ_OLD);
    assert_int_equal(dedupe_check(&dedupe, 7, 22, 6, &seen), DEDUPE_NEW);
    (void)dedupe_note(&dedupe, 7, 1030, slot);
    assert_int_equal(dedupe_check(&dedupe, 7, 1029, 29, &seen), DEDUPE_NEW);
    assert_int_equal(dedupe_check(&dedupe, 7, 1014, 30, &seen), DEDUPE_SEQ_OLD);
}

static void the_newest_four_streams_are_kept(void **state)
{
    (void)state;
    struct dedupe dedupe = {0};
    struct dedupe_slot slot = {.first_id = 9, .rows = 1, .hash = 9};
    struct dedupe_slot seen = {0};
    assert_int_equal(dedupe_note(&dedupe, 20, 1, slot), 0);
    assert_int_equal(dedupe_note(&dedupe, 10, 1, slot), 0);
    assert_int_equal(dedupe_note(&dedupe, 40, 1, slot), 0);
    assert_int_equal(dedupe_check(&dedupe, 5, 1, 9, &seen), DEDUPE_NEW);
    assert_int_equal(dedupe_note(&dedupe, 30, 1, slot), 0);
    assert_int_equal(dedupe_check(&dedupe, 5, 1, 9, &seen), DEDUPE_STREAM_OLD);
    assert_int_equal(dedupe_check(&dedupe, 10, 1, 9, &seen), DEDUPE_DUPLICATE);
    assert_int_equal(dedupe_note(&dedupe, 25, 1, slot), 10);
    assert_int_equal(dedupe_check(&dedupe, 10, 1, 9, &seen), DEDUPE_STREAM_OLD);
    assert_int_equal(dedupe_check(&dedupe, 20, 1, 9, &seen), DEDUPE_DUPLICATE);
    assert_int_equal(dedupe_check(&dedupe, 40, 1, 9, &seen), DEDUPE_DUPLICATE);
}

static void packing_and_restoring_changes_nothing(void **state)
{
    (void)state;
    struct dedupe before = example();
    struct dedupe after = {0};
    uint8_t ring[DEDUPE_RING_BYTES];
    dedupe_pack(&before.streams[0], ring);
    assert_true(dedupe_restore(&after, 7, 20, ring));
    assert_memory_equal(&before.streams[0], &after.streams[0], sizeof before.streams[0]);
    for (int64_t stream = 8; stream <= 10; stream++) {
        assert_true(dedupe_restore(&after, stream, 1, ring));
    }
    assert_false(dedupe_restore(&after, 11, 1, ring));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_of_the_protocols_table_holds),
        cmocka_unit_test(a_jump_ahead_forgets_what_fell_out_of_the_ring),
        cmocka_unit_test(the_newest_four_streams_are_kept),
        cmocka_unit_test(packing_and_restoring_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
