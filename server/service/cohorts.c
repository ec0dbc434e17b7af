/* SPDX-License-Identifier: Apache-2.0 */
#define HASH_NONFATAL_OOM 1

#include "server/service/cohorts.h"

#include <stdlib.h>
#include <uthash.h>

struct cohort_entry {
    struct cohort cohort;
    int64_t id;
    struct cohort_entry *next; /* of the provisional ones */
    UT_hash_handle hh;
};

static enum status add(struct cohorts *cohorts, const struct cohort *cohort, int64_t id,
                       struct cohort_entry **ret_entry, struct err *err)
{
    struct cohort_entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a cohort");
    }
    entry->cohort = *cohort;
    entry->id = id;
    HASH_ADD(hh, cohorts->table, cohort, sizeof entry->cohort, entry);
    if (!entry->hh.tbl) {
        free(entry);
        return err_set(err, ERR_NO_MEMORY, "no memory for a cohort");
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

void cohorts_release(struct cohorts *cohorts)
{
    struct cohort_entry *entry = NULL;
    struct cohort_entry *next = NULL;
    HASH_ITER(hh, cohorts->table, entry, next)
    {
        HASH_DEL(cohorts->table, entry);
        free(entry);
    }
    *cohorts = (struct cohorts){0};
}

enum status cohorts_resolve(struct cohorts *cohorts, struct db *db,
                            const struct cohort *cohort, int64_t *ret_id, struct err *err)
{
    struct cohort_entry *entry = NULL;
    HASH_FIND(hh, cohorts->table, cohort, sizeof *cohort, entry);
    if (entry) {
        *ret_id = entry->id;
        return OK;
    }
    int64_t id = 0;
    enum status status = cohort_insert(db, cohort, &id, err);
    if (status == OK) {
        status = add(cohorts, cohort, id, &entry, err);
    }
    if (status != OK) {
        return status;
    }
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
    while (cohorts->provisional) {
        struct cohort_entry *entry = cohorts->provisional;
        cohorts->provisional = entry->next;
        HASH_DEL(cohorts->table, entry);
        free(entry);
    }
}
