/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/queue.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "edge/batch_file.h"

enum { NAME_DIGITS = 20, BLOCK_BYTES = 4096 };

static uint64_t on_disk(uint64_t bytes)
{
    return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

static enum status entry_path(const char *folder, uint64_t number,
                              char ret_path[static EDGE_PATH_BYTES], struct err *err)
{
    char name[NAME_DIGITS + 1];
    snprintf(name, sizeof name, "%020" PRIu64, number);
    return env_join(folder, name, ret_path, err);
}

static bool name_parse(const char *name, uint64_t *ret_number)
{
    if (strlen(name) != NAME_DIGITS || strspn(name, "0123456789") != NAME_DIGITS) {
        return false;
    }
    errno = 0;
    *ret_number = strtoull(name, NULL, 10);
    return errno == 0;
}

/* The live entries lie from `first` on; leaving ones only move it. */
static enum status entries_add(struct queue *queue, struct queue_entry entry,
                               struct err *err)
{
    if (queue->first > 0 && queue->first + queue->count == queue->capacity) {
        memmove(queue->entries, queue->entries + queue->first,
                queue->count * sizeof entry);
        queue->first = 0;
    }
    if (queue->first + queue->count == queue->capacity) {
        size_t capacity = queue->capacity ? queue->capacity * 2 : 64;
        struct queue_entry *grown = realloc(queue->entries, capacity * sizeof entry);
        if (!grown) {
            return err_set(err, ERR_NO_MEMORY, "could not grow the queue's index");
        }
        queue->entries = grown;
        queue->capacity = capacity;
    }
    queue->entries[queue->first + queue->count++] = entry;
    queue->bytes += entry.bytes;
    queue->predictions += entry.predictions;
    return OK;
}

static void entries_remove(struct queue *queue, size_t index)
{
    struct queue_entry *entry = &queue->entries[queue->first + index];
    queue->bytes -= entry->bytes;
    queue->predictions -= entry->predictions;
    if (index == 0) {
        queue->first++;
    } else {
        memmove(entry, entry + 1, (queue->count - index - 1) * sizeof *entry);
    }
    queue->count--;
}

/* Folder listings: names that are numbers, sorted. */

struct listing {
    uint64_t *numbers;
    size_t count, capacity;
};

static void listing_release(struct listing *listing)
{
    free(listing->numbers);
}

#define LISTING_AUTO __attribute__((cleanup(listing_release))) struct listing

static bool listing_add(struct listing *listing, uint64_t number)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? listing->capacity * 2 : 64;
        uint64_t *grown = realloc(listing->numbers, capacity * sizeof *grown);
        if (!grown) {
            return false;
        }
        listing->numbers = grown;
        listing->capacity = capacity;
    }
    listing->numbers[listing->count++] = number;
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static enum status list_numbers(const char *folder, struct listing *ret_listing,
                                struct err *err)
{
    DIR *stream = opendir(folder);
    if (!stream) {
        return err_set_errno(err, "could not read the folder '%s'", folder);
    }
    bool ok = true;
    const struct dirent *item;
    while (ok && (item = readdir(stream)) != NULL) {
        uint64_t number;
        if (name_parse(item->d_name, &number)) {
            ok = listing_add(ret_listing, number);
        }
    }
    closedir(stream);
    if (!ok) {
        return err_set(err, ERR_NO_MEMORY, "could not list '%s'", folder);
    }
    if (ret_listing->count > 0) {
        qsort(ret_listing->numbers, ret_listing->count, sizeof(uint64_t), by_number);
    }
    return OK;
}

/* rejected/ */

static uint64_t file_bytes(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? on_disk((uint64_t)file.st_size) : 0;
}

static void bound_rejected(const struct queue *queue)
{
    LISTING_AUTO listing = {0};
    char path[EDGE_PATH_BYTES];
    if (list_numbers(queue->rejected, &listing, NULL) != OK) {
        return;
    }
    uint64_t bytes = 0;
    for (size_t i = listing.count; i-- > 0;) {
        if (entry_path(queue->rejected, listing.numbers[i], path, NULL) != OK) {
            return;
        }
        bytes += file_bytes(path);
        if (bytes > queue->max_rejected_bytes) {
            unlink(path);
        }
    }
}

/* Moves a damaged file out of the way. */
static void set_aside(struct queue *queue, uint64_t number, const char *path)
{
    char to[EDGE_PATH_BYTES];
    if (entry_path(queue->rejected, number, to, NULL) != OK ||
        file_rename(path, to, NULL) != OK) {
        unlink(path);
    }
    queue->set_aside++;
    bound_rejected(queue);
}

/* Opening */

static enum status take_stock_of(struct queue *queue, uint64_t number, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    struct queue_head head;
    uint64_t bytes = 0;
    enum status status = entry_path(queue->folder, number, path, err);
    if (status != OK) {
        return status;
    }
    if (number >= queue->next_number) {
        queue->next_number = number + 1;
    }
    if (batch_file_peek(path, &head, &bytes, NULL) != OK) {
        set_aside(queue, number, path);
        return OK;
    }
    if (head.first_prediction + head.predictions > queue->next_prediction) {
        queue->next_prediction = head.first_prediction + head.predictions;
    }
    if (queue->count == 0) {
        queue->first_waiting = head.first_prediction;
    }
    struct queue_entry entry = {.number = number,
                                .predictions = head.predictions,
                                .bytes = on_disk(bytes),
                                .final = head.kind == QUEUE_FINAL};
    return entries_add(queue, entry, err);
}

static void load_last(struct queue *queue)
{
    char path[EDGE_PATH_BYTES];
    if (env_join(queue->folder, "last", path, NULL) != OK || !file_exists(path)) {
        return;
    }
    if (batch_file_read(path, &queue->last, NULL, NULL) != OK) {
        set_aside(queue, 0, path);
        queue->last_lost = true;
        return;
    }
    queue->has_last = true;
    queue->next_prediction = queue->last.first_prediction + queue->last.predictions;
}

static enum status open_folders(struct queue *queue, const char *state_folder,
                                struct err *err)
{
    enum status status = env_join(state_folder, "queue", queue->folder, err);
    if (status == OK) {
        status = env_join(state_folder, "rejected", queue->rejected, err);
    }
    if (status == OK) {
        status = file_mkdirs(queue->folder, 0700, err);
    }
    if (status == OK) {
        status = file_mkdirs(queue->rejected, 0700, err);
    }
    return status;
}

enum status queue_open(struct queue *queue, const char *state_folder, uint64_t max_bytes,
                       uint64_t max_rejected_bytes, struct err *err)
{
    *queue = (struct queue){.max_bytes = max_bytes,
                            .max_rejected_bytes = max_rejected_bytes,
                            .next_number = 1};
    enum status status = open_folders(queue, state_folder, err);
    LISTING_AUTO listing = {0};
    LISTING_AUTO rejected = {0};
    if (status == OK) {
        file_sweep_temporary(queue->folder);
        file_sweep_temporary(queue->rejected);
        load_last(queue);
        status = list_numbers(queue->rejected, &rejected, err);
    }
    if (status == OK && rejected.count > 0) {
        queue->next_number = rejected.numbers[rejected.count - 1] + 1;
    }
    if (status == OK) {
        status = list_numbers(queue->folder, &listing, err);
    }
    for (size_t i = 0; status == OK && i < listing.count; i++) {
        status = take_stock_of(queue, listing.numbers[i], err);
    }
    if (status != OK) {
        queue_release(queue);
    }
    return status;
}

void queue_release(struct queue *queue)
{
    free(queue->entries);
    queue->entries = NULL;
    queue->count = queue->capacity = queue->first = 0;
}

/* Changing */

static enum status drop(struct queue *queue, size_t index, struct err *err)
{
    const struct queue_entry *entry = &queue->entries[queue->first + index];
    char path[EDGE_PATH_BYTES];
    enum status status = entry_path(queue->folder, entry->number, path, err);
    if (status == OK && unlink(path) != 0 && errno != ENOENT) {
        status = err_set_errno(err, "could not drop '%s'", path);
    }
    if (status == OK) {
        queue->dropped += entry->predictions;
        entries_remove(queue, index);
    }
    return status;
}

static enum status make_room(struct queue *queue, uint64_t bytes, struct err *err)
{
    size_t kept = queue->count > 0 && queue->entries[queue->first].final ? 1 : 0;
    while (queue->bytes + bytes > queue->max_bytes && queue->count > kept) {
        enum status status = drop(queue, kept, err);
        if (status != OK) {
            return status;
        }
    }
    if (queue->bytes + bytes > queue->max_bytes) {
        return err_set(err, ERR_QUEUE_FULL, "a batch of %" PRIu64 " bytes does not fit",
                       bytes);
    }
    return OK;
}

enum status queue_append(struct queue *queue, const struct queue_head *head,
                         const struct buf *payload, struct err *err)
{
    uint64_t bytes = on_disk(QUEUE_HEADER_BYTES + payload->len);
    char path[EDGE_PATH_BYTES];
    enum status status = make_room(queue, bytes, err);
    if (status == OK) {
        status = entry_path(queue->folder, queue->next_number, path, err);
    }
    struct queue_head stored = *head;
    stored.kind = QUEUE_RAW;
    stored.first_prediction = queue->next_prediction;
    stored.stream = stored.seq = 0;
    if (status == OK) {
        status = batch_file_write(path, &stored, payload->data, payload->len, err);
    }
    if (status != OK) {
        return status;
    }
    struct queue_entry entry = {
        .number = queue->next_number, .predictions = head->predictions, .bytes = bytes};
    queue->next_number++;
    queue->next_prediction += head->predictions;
    return entries_add(queue, entry, err);
}

void queue_lose(struct queue *queue, uint64_t predictions)
{
    queue->next_prediction += predictions;
    queue->dropped += predictions;
}

const struct queue_entry *queue_oldest(const struct queue *queue)
{
    return queue->count > 0 ? &queue->entries[queue->first] : NULL;
}

static enum status oldest_path(const struct queue *queue,
                               char ret_path[static EDGE_PATH_BYTES], struct err *err)
{
    const struct queue_entry *oldest = queue_oldest(queue);
    if (!oldest) {
        return err_set(err, ERR_NOT_FOUND, "the queue is empty");
    }
    return entry_path(queue->folder, oldest->number, ret_path, err);
}

enum status queue_read(struct queue *queue, struct queue_head *ret_head,
                       struct buf *ret_payload, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    enum status status = oldest_path(queue, path, err);
    if (status != OK) {
        return status;
    }
    status = batch_file_read(path, ret_head, ret_payload, err);
    if (status == ERR_QUEUE_CORRUPT || status == ERR_NOT_FOUND) {
        const struct queue_entry *oldest = queue_oldest(queue);
        queue->dropped += oldest->predictions;
        set_aside(queue, oldest->number, path);
        entries_remove(queue, 0);
    }
    return status;
}

uint64_t queue_gap(const struct queue *queue, const struct queue_head *head)
{
    uint64_t expected = queue->last_lost ? queue->first_waiting : 0;
    if (queue->has_last) {
        expected = queue->last.first_prediction + queue->last.predictions;
    }
    return head->first_prediction > expected ? head->first_prediction - expected : 0;
}

enum status queue_finalise(struct queue *queue, const struct queue_head *head,
                           const struct buf *body, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    enum status status = oldest_path(queue, path, err);
    if (status == OK) {
        status = batch_file_write(path, head, body->data, body->len, err);
    }
    if (status != OK) {
        return status;
    }
    struct queue_entry *oldest = &queue->entries[queue->first];
    uint64_t bytes = on_disk(QUEUE_HEADER_BYTES + body->len);
    queue->bytes = queue->bytes - oldest->bytes + bytes;
    oldest->bytes = bytes;
    oldest->final = true;
    return OK;
}

enum status queue_leave(struct queue *queue, const struct queue_head *head,
                        struct err *err)
{
    char path[EDGE_PATH_BYTES], last[EDGE_PATH_BYTES] = "";
    enum status status = oldest_path(queue, path, err);
    if (status == OK) {
        status = env_join(queue->folder, "last", last, err);
    }
    if (status == OK) {
        status = file_rename(path, last, err);
    }
    if (status != OK && !file_exists(path) && file_exists(last)) {
        err_clear(err); /* it was renamed, only the folder was not synced */
        status = OK;
    }
    if (status == OK) {
        queue->last = *head;
        queue->has_last = true;
        entries_remove(queue, 0);
    }
    return status;
}

enum status queue_reject(struct queue *queue, const struct queue_head *head,
                         const struct buf *body, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    const struct queue_entry *oldest = queue_oldest(queue);
    if (!oldest) {
        return err_set(err, ERR_NOT_FOUND, "the queue is empty");
    }
    enum status status = entry_path(queue->rejected, oldest->number, path, err);
    if (status == OK) {
        status = batch_file_write(path, head, body->data, body->len, err);
    }
    if (status != OK) {
        return status;
    }
    bound_rejected(queue);
    return queue_leave(queue, head, err);
}
