/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "edge/queue.h"
#include "tests/unit/edge/fixture_folder.h"

enum { BIG = 1 << 30, ROWS = 10 };

static char folder[FOLDER_BYTES];

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void open_at(struct queue *queue, const char *path, uint64_t max_bytes)
{
    assert_int_equal(queue_open(queue, path, max_bytes, BIG, NULL), OK);
}

static void append(struct queue *queue, const char *text, uint64_t rows)
{
    BUF_AUTO payload = BUF_INIT(100000);
    buf_addstr(&payload, text);
    struct queue_head head = {.rows = rows, .predictions = rows};
    assert_int_equal(queue_append(queue, &head, &payload, NULL), OK);
}

static struct queue_head read_oldest(struct queue *queue, struct buf *payload)
{
    struct queue_head head;
    buf_reset(payload);
    assert_int_equal(queue_read(queue, &head, payload, NULL), OK);
    return head;
}

static void finalise(struct queue *queue, struct queue_head *head, uint64_t seq,
                     const char *body)
{
    BUF_AUTO bytes = BUF_INIT(1000);
    buf_addstr(&bytes, body);
    head->kind = QUEUE_FINAL;
    head->stream = 3;
    head->seq = seq;
    assert_int_equal(queue_finalise(queue, head, &bytes, NULL), OK);
}

static void batches_leave_in_the_order_they_came(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, folder, BIG);
    append(&queue, "one", ROWS);
    append(&queue, "two", ROWS);
    struct queue_head head = read_oldest(&queue, &payload);
    assert_string_equal(payload.data, "one");
    finalise(&queue, &head, 1, "ONE");
    assert_int_equal(queue_leave(&queue, &head, NULL), OK);
    head = read_oldest(&queue, &payload);
    assert_string_equal(payload.data, "two");
    assert_int_equal(head.first_prediction, ROWS);
    assert_int_equal(queue.predictions, ROWS);
    queue_release(&queue);
}

static void a_final_batch_has_the_same_number_and_bytes_after_a_restart(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, folder, BIG);
    append(&queue, "one", ROWS);
    struct queue_head head = read_oldest(&queue, &payload);
    finalise(&queue, &head, 41, "exact bytes");
    queue_release(&queue);
    open_at(&queue, folder, BIG);
    head = read_oldest(&queue, &payload);
    assert_int_equal(head.kind, QUEUE_FINAL);
    assert_int_equal(head.stream, 3);
    assert_int_equal(head.seq, 41);
    assert_string_equal(payload.data, "exact bytes");
    queue_release(&queue);
}

static void the_newest_number_survives_an_empty_queue(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, folder, BIG);
    append(&queue, "one", ROWS);
    struct queue_head head = read_oldest(&queue, &payload);
    finalise(&queue, &head, 7, "ONE");
    assert_int_equal(queue_leave(&queue, &head, NULL), OK);
    queue_release(&queue);
    open_at(&queue, folder, BIG);
    assert_int_equal(queue.count, 0);
    assert_true(queue.has_last);
    assert_int_equal(queue.last.seq, 7);
    append(&queue, "two", ROWS);
    head = read_oldest(&queue, &payload);
    assert_int_equal(head.first_prediction, ROWS);
    assert_int_equal(queue_gap(&queue, &head), 0);
    queue_release(&queue);
}

static void damage_last(void)
{
    char path[FOLDER_BYTES + 16];
    snprintf(path, sizeof path, "%s/queue/last", folder);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 60, SEEK_SET);
    fputc('x', file);
    fclose(file);
}

/* Else everything that ever left would count as dropped. */
static void a_damaged_last_makes_no_gap(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, folder, BIG);
    append(&queue, "one", ROWS);
    struct queue_head head = read_oldest(&queue, &payload);
    finalise(&queue, &head, 7, "ONE");
    assert_int_equal(queue_leave(&queue, &head, NULL), OK);
    append(&queue, "two", ROWS);
    append(&queue, "three", ROWS);
    queue_release(&queue);
    damage_last();
    open_at(&queue, folder, BIG);
    assert_false(queue.has_last);
    head = read_oldest(&queue, &payload);
    assert_int_equal(head.first_prediction, ROWS);
    assert_int_equal(queue_gap(&queue, &head), 0);
    queue_lose(&queue, 5);
    append(&queue, "four", ROWS);
    for (int i = 0; i < 2; i++) {
        finalise(&queue, &head, (uint64_t)i + 1, "GONE");
        assert_int_equal(queue_leave(&queue, &head, NULL), OK);
        head = read_oldest(&queue, &payload);
    }
    assert_int_equal(queue_gap(&queue, &head), 5);
    queue_release(&queue);
}

static void a_damaged_last_of_an_empty_queue_makes_no_gap(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, folder, BIG);
    append(&queue, "one", ROWS);
    struct queue_head head = read_oldest(&queue, &payload);
    finalise(&queue, &head, 7, "ONE");
    assert_int_equal(queue_leave(&queue, &head, NULL), OK);
    queue_release(&queue);
    damage_last();
    open_at(&queue, folder, BIG);
    append(&queue, "two", ROWS);
    head = read_oldest(&queue, &payload);
    assert_int_equal(queue_gap(&queue, &head), 0);
    queue_release(&queue);
}

static void the_oldest_raw_batch_is_dropped_when_full_and_counted(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, folder, 3 * 4096);
    append(&queue, "in flight", ROWS);
    struct queue_head first = read_oldest(&queue, &payload);
    finalise(&queue, &first, 1, "IN FLIGHT");
    append(&queue, "two", ROWS);
    append(&queue, "three", ROWS);
    append(&queue, "four", ROWS);
    assert_int_equal(queue.count, 3);
    assert_int_equal(queue.dropped, ROWS);
    assert_int_equal(queue_leave(&queue, &first, NULL), OK);
    struct queue_head head = read_oldest(&queue, &payload);
    assert_string_equal(payload.data, "three");
    assert_int_equal(queue_gap(&queue, &head), ROWS);
    queue_release(&queue);
}

static void what_was_dropped_is_known_after_a_restart(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, folder, 2 * 4096);
    for (int i = 0; i < 5; i++) {
        append(&queue, "batch", ROWS);
    }
    queue_release(&queue);
    open_at(&queue, folder, 2 * 4096);
    struct queue_head head = read_oldest(&queue, &payload);
    assert_int_equal(queue_gap(&queue, &head), 3 * ROWS);
    queue_release(&queue);
}

static void a_batch_larger_than_the_queue_is_refused(void **state)
{
    (void)state;
    struct queue queue;
    open_at(&queue, folder, 100);
    struct queue_head head = {.rows = 1, .predictions = 1};
    BUF_AUTO payload = BUF_INIT(1000);
    buf_addstr(&payload, "x");
    assert_int_equal(queue_append(&queue, &head, &payload, NULL), ERR_QUEUE_FULL);
    queue_release(&queue);
}

static void rejected_batches_are_kept_up_to_a_bound(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    assert_int_equal(queue_open(&queue, folder, BIG, 3 * 4096, NULL), OK);
    for (uint64_t i = 0; i < 10; i++) {
        append(&queue, "bad", ROWS);
        struct queue_head head = read_oldest(&queue, &payload);
        finalise(&queue, &head, i + 1, "BAD");
        assert_int_equal(queue_reject(&queue, &head, &payload, NULL), OK);
    }
    assert_int_equal(folder_count(queue.rejected), 3);
    append(&queue, "next", ROWS);
    struct queue_head head = read_oldest(&queue, &payload);
    assert_int_equal(queue_gap(&queue, &head), 0);
    queue_release(&queue);
}

/* A copy of the folder with two batches, the first one's path. */
static void copy_with_two(char copy[static FOLDER_BYTES], char path[static 1024])
{
    folder_make(copy);
    folder_copy(folder, copy);
    snprintf(path, 1024, "%s/queue/00000000000000000001", copy);
}

/* Opens it: the first batch is set aside at open or when read, the second is whole. */
static void only_the_second_is_left(const char *copy)
{
    struct queue queue;
    struct queue_head head;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, copy, BIG);
    if (queue.set_aside == 0) {
        assert_int_equal(queue_read(&queue, &head, &payload, NULL), ERR_QUEUE_CORRUPT);
    }
    read_oldest(&queue, &payload);
    assert_string_equal(payload.data, "two");
    assert_int_equal(queue.set_aside, 1);
    queue_release(&queue);
}

static void a_file_cut_anywhere_is_set_aside(void **state)
{
    (void)state;
    struct queue queue;
    open_at(&queue, folder, BIG);
    append(&queue, "one", ROWS);
    append(&queue, "two", ROWS);
    queue_release(&queue);
    for (off_t len = 0; len < QUEUE_HEADER_BYTES + 3; len++) {
        char copy[FOLDER_BYTES], path[1024];
        copy_with_two(copy, path);
        assert_int_equal(truncate(path, len), 0);
        only_the_second_is_left(copy);
        folder_remove(copy);
    }
}

static void flip_byte(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    int c = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(c ^ 0x20, file);
    fclose(file);
}

static void a_flipped_byte_anywhere_is_set_aside(void **state)
{
    (void)state;
    struct queue queue;
    open_at(&queue, folder, BIG);
    append(&queue, "one", ROWS);
    append(&queue, "two", ROWS);
    queue_release(&queue);
    for (long at = 0; at < QUEUE_HEADER_BYTES + 3; at++) {
        char copy[FOLDER_BYTES], path[1024];
        copy_with_two(copy, path);
        flip_byte(path, at);
        only_the_second_is_left(copy);
        folder_remove(copy);
    }
}

/* What a process that starts on the folder as it is now would find. */
static void expect_after_kill(uint64_t waiting, uint64_t last_seq, const char *body)
{
    struct queue after;
    char copy[FOLDER_BYTES];
    BUF_AUTO payload = BUF_INIT(1000);
    folder_make(copy);
    folder_copy(folder, copy);
    open_at(&after, copy, BIG);
    assert_int_equal(after.count, waiting);
    assert_int_equal(after.has_last ? after.last.seq : 0, last_seq);
    if (body) {
        struct queue_head head = read_oldest(&after, &payload);
        assert_int_equal(head.seq, last_seq + 1);
        assert_string_equal(payload.data, body);
    }
    queue_release(&after);
    folder_remove(copy);
}

/* A kill leaves the folder as it was between two file operations: no batch is missing
 * before it left, and a number given to a body is never given to another. */
static void a_kill_between_any_two_operations_loses_nothing(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    open_at(&queue, folder, BIG);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        char body[16];
        snprintf(body, sizeof body, "body %d", (int)seq);
        append(&queue, "raw", ROWS);
        expect_after_kill(1, seq - 1, NULL);
        struct queue_head head = read_oldest(&queue, &payload);
        finalise(&queue, &head, seq, body);
        expect_after_kill(1, seq - 1, body);
        assert_int_equal(queue_leave(&queue, &head, NULL), OK);
        expect_after_kill(0, seq, NULL);
    }
    queue_release(&queue);
}

/* Summaries: the server counts rows, everything else counts predictions. */
static void predictions_are_counted_where_there_are_fewer_rows(void **state)
{
    (void)state;
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    buf_addstr(&payload, "summary");
    open_at(&queue, folder, BIG);
    struct queue_head head = {.rows = 3, .predictions = 1800};
    assert_int_equal(queue_append(&queue, &head, &payload, NULL), OK);
    append(&queue, "rows", ROWS);
    assert_int_equal(queue.predictions, 1800 + ROWS);
    queue_release(&queue);
    open_at(&queue, folder, BIG);
    assert_int_equal(queue.predictions, 1800 + ROWS);
    head = read_oldest(&queue, &payload);
    assert_int_equal(head.rows, 3);
    assert_int_equal(head.predictions, 1800);
    finalise(&queue, &head, 1, "SUMMARY");
    assert_int_equal(queue_leave(&queue, &head, NULL), OK);
    head = read_oldest(&queue, &payload);
    assert_int_equal(head.first_prediction, 1800);
    assert_int_equal(queue_gap(&queue, &head), 0);
    queue_release(&queue);
}

/* As the program before this one wrote it: 8 numbers, the boot id, the payload. */
static void a_batch_of_the_program_before_is_read(void **state)
{
    (void)state;
    enum { OLD_HEADER = 144 };
    uint8_t file[OLD_HEADER + 3] = "MUSTERQ1";
    char path[FOLDER_BYTES + 64];
    struct queue queue;
    BUF_AUTO payload = BUF_INIT(1000);
    static const uint8_t numbers[] = {QUEUE_RAW, ROWS, 100, 0, 0, 77, 1, 3};
    for (size_t i = 0; i < sizeof numbers; i++) {
        file[40 + 8 * i] = numbers[i];
    }
    memcpy(file + 104, "a boot", 6);
    memcpy(file + OLD_HEADER, "old", 3);
    assert_int_equal(sha256_of(file + 40, sizeof file - 40, file + 8, NULL), OK);
    open_at(&queue, folder, BIG);
    queue_release(&queue);
    snprintf(path, sizeof path, "%s/queue/00000000000000000007", folder);
    assert_int_equal(file_write_atomic(path, file, sizeof file, 0600, NULL), OK);
    open_at(&queue, folder, BIG);
    struct queue_head head = read_oldest(&queue, &payload);
    assert_string_equal(payload.data, "old");
    assert_int_equal(head.rows, ROWS);
    assert_int_equal(head.predictions, ROWS);
    assert_int_equal(head.first_prediction, 100);
    assert_int_equal(head.anchor_ms, 77);
    assert_string_equal(head.boot_id, "a boot");
    finalise(&queue, &head, 1, "OLD");
    assert_int_equal(queue_leave(&queue, &head, NULL), OK);
    append(&queue, "next", ROWS);
    head = read_oldest(&queue, &payload);
    assert_int_equal(head.first_prediction, 100 + ROWS);
    queue_release(&queue);
}

static void a_temporary_file_of_a_crash_is_swept(void **state)
{
    (void)state;
    struct queue queue;
    char path[1024];
    open_at(&queue, folder, BIG);
    queue_release(&queue);
    snprintf(path, sizeof path, "%s/queue/.tmp-abc123", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("half", file);
    fclose(file);
    open_at(&queue, folder, BIG);
    assert_int_equal(folder_count(queue.folder), 0);
    queue_release(&queue);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(batches_leave_in_the_order_they_came),
        TEST(a_final_batch_has_the_same_number_and_bytes_after_a_restart),
        TEST(the_newest_number_survives_an_empty_queue),
        TEST(a_damaged_last_makes_no_gap),
        TEST(a_damaged_last_of_an_empty_queue_makes_no_gap),
        TEST(the_oldest_raw_batch_is_dropped_when_full_and_counted),
        TEST(what_was_dropped_is_known_after_a_restart),
        TEST(a_batch_larger_than_the_queue_is_refused),
        TEST(rejected_batches_are_kept_up_to_a_bound),
        TEST(a_file_cut_anywhere_is_set_aside),
        TEST(a_flipped_byte_anywhere_is_set_aside),
        TEST(a_kill_between_any_two_operations_loses_nothing),
        TEST(predictions_are_counted_where_there_are_fewer_rows),
        TEST(a_batch_of_the_program_before_is_read),
        TEST(a_temporary_file_of_a_crash_is_swept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
