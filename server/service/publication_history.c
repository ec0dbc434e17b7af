/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/publication_history.h"

#include <string.h>

#include "base/digest.h"
#include "server/service/publication_files.h"

enum { RECORD_BYTES_MAX = 64 * 1024 * 1024 };

/* ---- writing ---- */

static enum status add_role(const struct publication *publication,
                            struct publication_record *record, const char *role,
                            const struct tuf_envelope *envelope, struct err *err)
{
    BUF_AUTO data = BUF_INIT(TUF_LIMITS_DEFAULT.targets_bytes);
    struct publication_role_row row = {
        .role = role,
        .delegated = record->role_count >= TUF_ROLE_COUNT - 1,
        .version = envelope->version,
        .expires_ms = envelope->expires_ms,
    };
    enum status status =
        publication_read(publication, role, envelope->version, &data, err);
    if (status == OK) {
        status = sha256_of(data.data ? data.data : "", data.len, row.sha256, err);
    }
    if (status == OK) {
        record->roles[record->role_count++] = row;
    }
    return status;
}

enum status publication_record_make(const struct publication *publication,
                                    struct publication_record *record, struct err *err)
{
    const struct trusted_set *set = &record->live->set;
    const struct {
        enum tuf_role role;
        const struct tuf_envelope *envelope;
    } top[] = {{TUF_ROLE_ROOT, &set->root->envelope},
               {TUF_ROLE_SNAPSHOT, &set->snapshot->envelope},
               {TUF_ROLE_TARGETS, &set->targets->envelope}};
    record->arena = (struct arena){.max = RECORD_BYTES_MAX};
    record->roles = arena_array(&record->arena, TUF_ROLE_COUNT + set->delegated_count,
                                sizeof *record->roles);
    enum status status =
        record->roles ? OK : err_set(err, ERR_NO_MEMORY, "no memory for the history");
    for (size_t i = 0; status == OK && i < sizeof top / sizeof top[0]; i++) {
        status = add_role(publication, record, tuf_role_name(top[i].role),
                          top[i].envelope, err);
    }
    for (size_t i = 0; status == OK && i < set->delegated_count; i++) {
        status = add_role(publication, record, set->delegated[i].name,
                          &set->delegated[i].targets->envelope, err);
    }
    return status;
}

void publication_record_release(struct publication_record *record)
{
    arena_release(&record->arena);
}

static bool same_target(const struct target_row *row, const struct tuf_target *target)
{
    return row->length == target->length &&
           memcmp(row->sha256, target->hashes.sha256, sizeof row->sha256) == 0;
}

/* Two sorted lists side by side: what is listed in the database and what shall be. */
struct merge {
    const struct tuf_targets *listing;
    size_t at;
    struct arena *arena;
    bool *stays;       /* for each target of the listing */
    const char **gone; /* paths */
    size_t gone_count, gone_room;
};

static enum status add_gone(struct merge *merge, const char *path, struct err *err)
{
    if (merge->gone_count == merge->gone_room) {
        size_t room = merge->gone_room > 0 ? 2 * merge->gone_room : 64;
        const char **gone = arena_array(merge->arena, room, sizeof *gone);
        if (!gone) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the history");
        }
        if (merge->gone_count > 0) {
            memcpy(gone, merge->gone, merge->gone_count * sizeof *gone);
        }
        merge->gone = gone;
        merge->gone_room = room;
    }
    merge->gone[merge->gone_count] = arena_strdup(merge->arena, path);
    return merge->gone[merge->gone_count++]
               ? OK
               : err_set(err, ERR_NO_MEMORY, "no memory for the history");
}

static enum status merge_row(void *context, const struct target_row *row, struct err *err)
{
    struct merge *merge = context;
    const struct tuf_targets *listing = merge->listing;
    while (merge->at < listing->count &&
           strcmp(listing->targets[merge->at].path, row->path) < 0) {
        merge->at++;
    }
    if (merge->at < listing->count &&
        strcmp(listing->targets[merge->at].path, row->path) == 0 &&
        same_target(row, &listing->targets[merge->at])) {
        merge->stays[merge->at] = true;
        return OK;
    }
    return add_gone(merge, row->path, err);
}

static enum status write_targets(struct publication_record *record, int64_t id,
                                 struct db *db, struct err *err)
{
    const struct tuf_targets *listing = &record->live->listing;
    struct merge merge = {.listing = listing, .arena = &record->arena};
    merge.stays = arena_array(&record->arena, listing->count + 1, sizeof *merge.stays);
    if (!merge.stays) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the history");
    }
    memset(merge.stays, 0, (listing->count + 1) * sizeof *merge.stays);
    enum status status = target_rows_listed(db, merge_row, &merge, err);
    for (size_t i = 0; status == OK && i < merge.gone_count; i++) {
        status = target_row_unlist(db, id, merge.gone[i], err);
    }
    for (size_t i = 0; status == OK && i < listing->count; i++) {
        const struct tuf_target *target = &listing->targets[i];
        struct target_row row = {.path = target->path, .length = target->length};
        memcpy(row.sha256, target->hashes.sha256, sizeof row.sha256);
        status = merge.stays[i] ? OK : target_row_list(db, id, &row, err);
    }
    return status;
}

enum status publication_record_write(struct publication_record *record, struct db *db,
                                     struct err *err)
{
    const struct trusted_set *set = &record->live->set;
    struct publication_row row = {
        .published_ms = record->at_ms,
        .published_by = record->actor,
        .root_version = set->root->envelope.version,
        .snapshot_version = set->snapshot->envelope.version,
        .targets_version = set->targets->envelope.version,
    };
    int64_t id = 0;
    enum status status = publication_row_insert(db, &row, &id, err);
    for (size_t i = 0; status == OK && i < record->role_count; i++) {
        record->roles[i].publication_id = id;
        status = publication_role_insert(db, &record->roles[i], err);
    }
    return status == OK ? write_targets(record, id, db, err) : status;
}

/* ---- reading ---- */

/* Rows of one kind on their way into an arena. */
struct collection {
    struct arena *arena;
    struct history_item *items;
    size_t count, room;
};

static enum status no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "too much history for one answer");
}

static enum status take_publication(void *context, const struct publication_row *row,
                                    struct err *err)
{
    struct collection *all = context;
    if (all->count == all->room) {
        return no_memory(err);
    }
    struct history_item *item = &all->items[all->count++];
    *item = (struct history_item){.row = *row};
    item->row.published_by = arena_strdup(all->arena, row->published_by);
    return item->row.published_by ? OK : no_memory(err);
}

/* Rows that belong to the item which is read now. */
struct filling {
    struct arena *arena;
    struct history_item *item;
    size_t room;
};

static enum status take_role(void *context, const struct publication_role_row *row,
                             struct err *err)
{
    struct filling *filling = context;
    struct history_item *item = filling->item;
    if (item->role_count == filling->room) {
        size_t room = filling->room > 0 ? 2 * filling->room : 8;
        struct publication_role_row *roles =
            arena_array(filling->arena, room, sizeof *roles);
        if (!roles) {
            return no_memory(err);
        }
        if (item->role_count > 0) {
            memcpy(roles, item->roles, item->role_count * sizeof *roles);
        }
        item->roles = roles;
        filling->room = room;
    }
    struct publication_role_row *role = &item->roles[item->role_count++];
    *role = *row;
    role->role = arena_strdup(filling->arena, row->role);
    return role->role ? OK : no_memory(err);
}

struct target_list {
    struct arena *arena;
    struct target_row *rows;
    size_t count;
};

static enum status take_target(void *context, const struct target_row *row,
                               struct err *err)
{
    struct target_list *list = context;
    struct target_row *target = &list->rows[list->count++];
    *target = *row;
    target->path = arena_strdup(list->arena, row->path);
    return target->path ? OK : no_memory(err);
}

static enum status read_targets(struct db *db, struct history_item *item, bool came,
                                struct arena *arena, struct err *err)
{
    int64_t changed = came ? item->row.listed : item->row.unlisted;
    struct target_change change = {
        .id = item->row.id,
        .came = came,
        .limit = changed < HISTORY_TARGETS_MAX ? changed : HISTORY_TARGETS_MAX};
    struct target_list list = {
        .arena = arena,
        .rows = arena_array(arena, (size_t)change.limit + 1, sizeof *list.rows)};
    if (!list.rows) {
        return no_memory(err);
    }
    enum status status = target_rows_changed(db, &change, take_target, &list, err);
    *(came ? &item->came : &item->went) = list.rows;
    *(came ? &item->came_count : &item->went_count) = list.count;
    return status;
}

enum status publication_history(struct db *db, const struct history_page *page,
                                struct arena *arena, struct history_item **ret_items,
                                size_t *ret_count, struct err *err)
{
    struct collection all = {.arena = arena,
                             .items =
                                 arena_array(arena, page->limit + 1, sizeof *all.items),
                             .room = page->limit + 1};
    if (!all.items) {
        return no_memory(err);
    }
    enum status status = publication_rows_page(db, page->before_id, (int64_t)page->limit,
                                               take_publication, &all, err);
    for (size_t i = 0; status == OK && i < all.count; i++) {
        struct filling filling = {.arena = arena, .item = &all.items[i]};
        status = publication_role_rows(db, all.items[i].row.id, take_role, &filling, err);
        if (status == OK) {
            status = read_targets(db, &all.items[i], true, arena, err);
        }
        if (status == OK) {
            status = read_targets(db, &all.items[i], false, arena, err);
        }
    }
    if (status == OK) {
        *ret_items = all.items;
        *ret_count = all.count;
    }
    return status;
}
