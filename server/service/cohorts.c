/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/cohorts.h"

#include <stdlib.h>
#include <string.h>

struct cohort_entry {
    struct cohort cohort;
    int64_t id;                /* 0: its row was rolled back */
    struct cohort_entry *same; /* another cohort with the same hash */
    struct cohort_entry *next; /* of the provisional ones */
};

/* FNV-1a over all bytes. */
static int64_t hash_of(const struct cohort *cohort)
{
    const unsigned char *bytes = (const unsigned char *)cohort;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof *cohort; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return (int64_t)hash;
}

static enum status add(struct cohorts *cohorts, const struct cohort *cohort, int64_t id,
                       struct cohort_entry **ret_entry, struct err *err)
{
    struct cohort_entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a cohort");
    }
    entry->cohort = *cohort;
    entry->id = id;
    entry->same = id_map_get(&cohorts->by_hash, hash_of(cohort));
    enum status status = id_map_put(&cohorts->by_hash, hash_of(cohort), entry, err);
    if (status != OK) {
        free(entry);
        return status;
    }
    *ret_entry = entry;
    return OK;
}

static enum status add_loaded(void *context, const struct cohort *cohort, int64_t id,
                              struct err *err)
{
    struct cohort_entry *entry = NULL;
    return add(context, cohort, id, &entry, err);
}

enum status cohorts_init(struct cohorts *cohorts, struct db *db, struct err *err)
{
    *cohorts = (struct cohorts){0};
    return cohorts_load(db, add_loaded, cohorts, err);
}

static void drop(void *value)
{
    for (struct cohort_entry *entry = value; entry;) {
        struct cohort_entry *same = entry->same;
        free(entry);
        entry = same;
    }
}

void cohorts_release(struct cohorts *cohorts)
{
    id_map_release(&cohorts->by_hash, drop);
    cohorts->provisional = NULL;
}

static struct cohort_entry *find(const struct cohorts *cohorts,
                                 const struct cohort *cohort)
{
    struct cohort_entry *entry = id_map_get(&cohorts->by_hash, hash_of(cohort));
    while (entry && memcmp(&entry->cohort, cohort, sizeof *cohort) != 0) {
        entry = entry->same;
    }
    return entry;
}

enum status cohorts_resolve(struct cohorts *cohorts, struct db *db,
                            const struct cohort *cohort, int64_t *ret_id, struct err *err)
{
    struct cohort_entry *entry = find(cohorts, cohort);
    if (entry && entry->id != 0) {
        *ret_id = entry->id;
        return OK;
    }
    int64_t id = 0;
    enum status status = cohort_insert(db, cohort, &id, err);
    if (status == OK && !entry) {
        status = add(cohorts, cohort, id, &entry, err);
    }
    if (status != OK) {
        return status;
    }
    entry->id = id;
    entry->next = cohorts->provisional;
    cohorts->provisional = entry;
    *ret_id = id;
    return OK;
}

void cohorts_commit(struct cohorts *cohorts)
{
    cohorts->provisional = NULL;
}

void cohorts_roll_back(struct cohorts *cohorts)
{
    for (; cohorts->provisional; cohorts->provisional = cohorts->provisional->next) {
        cohorts->provisional->id = 0;
    }
}
