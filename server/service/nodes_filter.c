/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes_filter.h"

#include <string.h>

#include "server/service/artifacts.h"
#include "server/service/nodes_memory.h"

enum { RUNS_MAX = 4096 }; /* that are remembered */

enum status nodes_filter_open(struct nodes_filter *filter, struct nodes *nodes,
                              struct artifacts *artifacts, struct arena *arena,
                              struct err *err)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    size_t count = HASH_COUNT(nodes->running);
    (void)pthread_rwlock_unlock(&nodes->lock);
    filter->run_count = count < RUNS_MAX ? count : RUNS_MAX;
    filter->runs = arena_array(arena, filter->run_count + 1, sizeof *filter->runs);
    filter->artifacts = artifacts;
    return filter->runs ? OK : err_set(err, ERR_NO_MEMORY, "no memory for a filter");
}

static struct nodes_filter_run look_up(const struct nodes_filter *filter,
                                       const struct node_running *running)
{
    struct artifact_info info;
    bool published = artifacts_find(filter->artifacts, running->key.artifact, &info);
    bool version =
        !filter->version || (published && strcmp(info.version, filter->version) == 0);
    bool model = !filter->model || strcmp(running->key.model, filter->model) == 0;
    return (struct nodes_filter_run){
        .known = true, .wanted = version && model, .seq = published ? info.seq : 0};
}

struct nodes_filter_run nodes_filter_run_of(struct nodes_filter *filter,
                                            const struct node_running *running)
{
    if (running->number >= filter->run_count) {
        return look_up(filter, running);
    }
    struct nodes_filter_run *run = &filter->runs[running->number];
    if (!run->known) {
        *run = look_up(filter, running);
    }
    return *run;
}

static bool wants_run(struct nodes_filter *filter, const struct node *node)
{
    const struct node_running *running = atomic_load(&node->running);
    return running && nodes_filter_run_of(filter, running).wanted;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool starts_with(const char *name, const char *text)
{
    while (*text && lower(*name) == lower(*text)) {
        name++;
        text++;
    }
    return *text == '\0';
}

static bool contains(const char *name, const char *text)
{
    for (; *name; name++) {
        if (starts_with(name, text)) {
            return true;
        }
    }
    return *text == '\0';
}

bool nodes_filter_wants(struct nodes_filter *filter, const struct node *node)
{
    if (filter->has_state && node->state != filter->state) {
        return false;
    }
    if (filter->has_contact &&
        (node->state != NODE_ACTIVE ||
         node_contact_of(&filter->limits, atomic_load(&node->last_seen_ms),
                         filter->now_ms) != filter->contact)) {
        return false;
    }
    return (!(filter->model || filter->version) || wants_run(filter, node)) &&
           (!filter->text || contains(node->name, filter->text)) &&
           (!filter->selector || node_matches(node, filter->selector));
}
