/* SPDX-License-Identifier: Apache-2.0 */
#include "server/heartbeat.h"

#include "server/store/store.h"

static enum status run(struct job *job, void *scope)
{
    (void)job;
    (void)scope;
    return OK;
}

static void done(struct job *job, enum status status, const struct err *err)
{
    (void)status;
    (void)err;
    struct heartbeat *heartbeat = (struct heartbeat *)job;
    atomic_store(&heartbeat->waiting, false);
}

void heartbeat_start(struct heartbeat *heartbeat, struct store *store)
{
    *heartbeat = (struct heartbeat){.store = store};
    (void)heartbeat_look(heartbeat);
}

bool heartbeat_look(struct heartbeat *heartbeat)
{
    struct store_counters counters;
    store_counters_read(heartbeat->store, &counters);
    uint64_t ended = counters.groups + counters.commit_failures;
    bool moved = ended != heartbeat->ended;
    heartbeat->ended = ended;
    if (!atomic_exchange(&heartbeat->waiting, true)) {
        /* With a savepoint it goes before reports. A full queue has work enough. */
        heartbeat->job = (struct job){.run = run, .done = done, .savepoint = true};
        if (store_submit(heartbeat->store, JOB_WRITER, &heartbeat->job, NULL) != OK) {
            atomic_store(&heartbeat->waiting, false);
        }
    }
    return moved;
}
