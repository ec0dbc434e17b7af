/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/boots.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { FILE_BYTES = 256 * 1024, STEP_MS = 1000, RETRY_MS = 60000 };

/* Times beyond these are no times of ours: sums of a few of them cannot overflow. */
static const int64_t TIME_MAX_MS = INT64_C(1) << 53;

static struct boot *newest(struct boots *boots)
{
    return &boots->items[boots->count - 1];
}

/* The latest moment of a boot that is certain, as a bound of the next one's anchor. */
static int64_t end_of(const struct boot *boot)
{
    if (!boot->known && boot->low_ms == INT64_MIN) {
        return INT64_MIN;
    }
    return (boot->known ? boot->anchor_ms : boot->low_ms) + boot->last_ms;
}

/* Reading */

static bool take_time(const json_t *item, const char *name, int64_t *ret_ms)
{
    const json_t *value = json_object_get(item, name);
    int64_t ms = json_integer_value(value);
    if (!json_is_integer(value) || ms < -TIME_MAX_MS || ms > TIME_MAX_MS) {
        return false;
    }
    *ret_ms = ms;
    return true;
}

static bool take_boot(const json_t *item, struct boot *ret_boot)
{
    struct boot boot = {.low_ms = INT64_MIN};
    const char *id = json_string_value(json_object_get(item, "id"));
    if (!id || strlen(id) >= sizeof boot.id ||
        !take_time(item, "anchor_ms", &boot.anchor_ms) ||
        !take_time(item, "last_ms", &boot.last_ms)) {
        return false;
    }
    (void)take_time(item, "low_ms", &boot.low_ms);
    memcpy(boot.id, id, strlen(id) + 1);
    boot.known = json_is_true(json_object_get(item, "known"));
    *ret_boot = boot;
    return true;
}

/* Damaged in one place counts as damaged: bounds must not rest on half a chain. */
static void read_file(struct boots *boots)
{
    BUF_AUTO text = BUF_INIT(FILE_BYTES);
    if (file_read(boots->path, &text, NULL) != OK) {
        return;
    }
    json_t *tree =
        json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *items = json_object_get(tree, "boots");
    size_t count = json_array_size(items);
    bool ok = count <= BOOTS_MAX;
    for (size_t i = 0; ok && i < count; i++) {
        ok = take_boot(json_array_get(items, i), &boots->items[i]);
    }
    boots->count = ok ? count : 0;
    json_decref(tree);
}

static void begin(struct boots *boots, const char *id)
{
    struct boot boot = {.low_ms = boots->count ? end_of(newest(boots)) : INT64_MIN};
    snprintf(boot.id, sizeof boot.id, "%s", id);
    if (boots->count == BOOTS_MAX) {
        memmove(boots->items, boots->items + 1, (BOOTS_MAX - 1) * sizeof boot);
        boots->count--;
    }
    boots->items[boots->count++] = boot;
}

enum status boots_open(struct boots *boots, const char *state_folder, const char *id,
                       struct err *err)
{
    *boots = (struct boots){0};
    enum status status = env_join(state_folder, "boots", boots->path, err);
    if (status != OK) {
        return status;
    }
    if (id[0] == '\0') {
        boots->path[0] = '\0';
    } else {
        read_file(boots);
    }
    if (boots->count > 0 && strcmp(newest(boots)->id, id) == 0) {
        boots->saved = *newest(boots);
        return OK;
    }
    begin(boots, id);
    return OK;
}

/* Writing */

void boots_note(struct boots *boots, bool known, int64_t anchor_ms, int64_t now_mono_ms)
{
    struct boot *boot = newest(boots);
    if (known || !boot->known) {
        boot->known = known;
        boot->anchor_ms = anchor_ms;
    }
    if (now_mono_ms > boot->last_ms) {
        boot->last_ms = now_mono_ms;
    }
}

int64_t boots_wait_ms(const struct boots *boots, int64_t now_mono_ms)
{
    const struct boot *boot = &boots->items[boots->count - 1];
    const struct boot *saved = &boots->saved;
    if (boots->path[0] == '\0') {
        return EDGE_NEVER_MS;
    }
    if (now_mono_ms < boots->next_try_ms) {
        return boots->next_try_ms - now_mono_ms;
    }
    if (strcmp(saved->id, boot->id) != 0 || saved->known != boot->known ||
        llabs(saved->anchor_ms - boot->anchor_ms) > STEP_MS) {
        return 0;
    }
    int64_t due_ms = saved->last_ms + BOOTS_SAVE_MS - now_mono_ms;
    return due_ms > 0 ? due_ms : 0;
}

static json_t *boot_json(const struct boot *boot)
{
    json_t *item = json_pack("{s:s, s:b, s:I, s:I}", "id", boot->id, "known", boot->known,
                             "anchor_ms", (json_int_t)boot->anchor_ms, "last_ms",
                             (json_int_t)boot->last_ms);
    if (item && boot->low_ms != INT64_MIN) {
        (void)json_object_set_new(item, "low_ms", json_integer(boot->low_ms));
    }
    return item;
}

static char *to_text(const struct boots *boots)
{
    json_t *items = json_array();
    for (size_t i = 0; items && i < boots->count; i++) {
        if (json_array_append_new(items, boot_json(&boots->items[i])) != 0) {
            json_decref(items);
            return NULL;
        }
    }
    json_t *tree = items ? json_pack("{s:o}", "boots", items) : NULL;
    char *text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
    json_decref(tree);
    return text;
}

enum status boots_save(struct boots *boots, int64_t now_mono_ms, struct err *err)
{
    if (boots->path[0] == '\0') {
        return OK;
    }
    char *text = to_text(boots);
    enum status status =
        text ? file_write_atomic(boots->path, text, strlen(text), 0600, err)
             : err_set(err, ERR_NO_MEMORY, "could not write the times of the boots");
    free(text);
    if (status == OK) {
        boots->saved = *newest(boots);
        boots->next_try_ms = 0;
    } else {
        boots->next_try_ms = now_mono_ms + RETRY_MS;
    }
    return status;
}

/* Asking */

/* The bound from above: what comes after it. */
static int64_t high_of(const struct boots *boots, size_t index)
{
    int64_t high = INT64_MAX;
    for (size_t i = boots->count; i-- > index;) {
        const struct boot *boot = &boots->items[i];
        if (i < boots->count - 1 && high != INT64_MAX) {
            high -= boot->last_ms;
        }
        high = boot->known ? boot->anchor_ms : high;
    }
    return high;
}

static struct boot_time time_of(const struct boots *boots, size_t index)
{
    const struct boot *boot = &boots->items[index];
    struct boot_time time = {.anchor_ms = boot->anchor_ms};
    if (boot->known) {
        return time;
    }
    int64_t low = boot->low_ms, high = high_of(boots, index);
    if (time.anchor_ms < low) {
        time.anchor_ms = low;
    }
    if (time.anchor_ms > high) {
        time.anchor_ms = high;
    }
    bool bounded = low != INT64_MIN && high != INT64_MAX;
    time.doubt_ms = bounded ? llabs(high - low) : INT64_MAX;
    return time;
}

bool boots_find(const struct boots *boots, const char *id, struct boot_time *ret_time)
{
    for (size_t i = boots->count; id[0] && i-- > 0;) {
        if (strcmp(boots->items[i].id, id) == 0) {
            *ret_time = time_of(boots, i);
            return true;
        }
    }
    return false;
}

int64_t boots_low_ms(const struct boots *boots)
{
    return boots->items[boots->count - 1].low_ms;
}
