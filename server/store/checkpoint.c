/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/checkpoint.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/store/db.h"
#include "server/store/threads.h"
#include "server/store/wal.h"

enum {
    PINNED_RETRY_US = 1000000,
    FAILED_RETRY_US = 500000,
    RESTART_WAIT_MS = 40,
};

static int frames_of(uint64_t bytes)
{
    return (int)(bytes / WAL_FRAME_BYTES);
}

static int limit_frames(const struct checkpoint *checkpoint)
{
    return frames_of(checkpoint->store->options.wal_limit_bytes);
}

/* The first pass is due at this many. */
static int step_frames(const struct checkpoint *checkpoint)
{
    return limit_frames(checkpoint) * 3 / 8;
}

/* What the writer copies itself. */
static int rest_frames(const struct checkpoint *checkpoint)
{
    return step_frames(checkpoint) / 16;
}

static int frames_now(const struct checkpoint *checkpoint)
{
    return checkpoint->store->writer->wal_frames;
}

static bool has_failed(const struct store *store)
{
    return atomic_load(&store->writer->disk->checkpoint_failed);
}

/* A failure is told once, and ends with the first checkpoint that works. */
static void note_checkpoint(struct store *store, bool failed_before,
                            const struct err *err)
{
    bool failed = has_failed(store);
    (void)pthread_mutex_lock(&store->lock);
    checkpoint_note_health(store);
    bool tell_lost = atomic_load(&store->writer->disk->lost) && !store->told_lost;
    store->told_lost = store->told_lost || tell_lost;
    (void)pthread_mutex_unlock(&store->lock);
    if (failed && !failed_before) {
        log_event(LOG_LEVEL_ERROR, "checkpoint_failed", log_text("detail", err->detail));
    } else if (failed_before && !failed) {
        log_event(LOG_LEVEL_INFO, "checkpoint_works_again",
                  log_text("file", STORE_FILE_NAME));
    }
    if (tell_lost && store->options.lost) {
        store->options.lost(store->options.lost_context);
    }
}

/* ---- the checkpointer ---------------------------------------------------------------
 */

static void run_pass(struct store *store)
{
    struct checkpointer *checkpointer = &store->checkpointer;
    struct err err = {0};
    int copied = 0;
    bool failed_before = has_failed(store);
    enum status status = wal_checkpoint(checkpointer->db, &copied, &err);
    note_checkpoint(store, failed_before, &err);
    (void)pthread_mutex_lock(&store->lock);
    checkpointer->running = false;
    checkpointer->finished = true;
    checkpointer->copied_frames = status == OK ? copied : 0;
    store->counters.checkpoints += status == OK;
    (void)pthread_cond_signal(&store->writer_wake);
    (void)pthread_mutex_unlock(&store->lock);
}

static void *checkpointer_main(void *argument)
{
    struct store *store = argument;
    struct checkpointer *checkpointer = &store->checkpointer;
    for (;;) {
        (void)pthread_mutex_lock(&store->lock);
        while (!checkpointer->wanted && !checkpointer->ending) {
            (void)pthread_cond_wait(&checkpointer->wake, &store->lock);
        }
        bool ending = checkpointer->ending;
        checkpointer->running = !ending;
        checkpointer->wanted = false;
        (void)pthread_mutex_unlock(&store->lock);
        if (ending) {
            return NULL;
        }
        run_pass(store);
    }
}

enum status checkpointer_start(struct store *store, struct err *err)
{
    struct checkpointer *checkpointer = &store->checkpointer;
    enum status status = db_open(store->path, true, false, &checkpointer->db, err);
    if (status != OK) {
        return status;
    }
    checkpointer->db->disk = store->writer->disk;
    int code = pthread_create(&checkpointer->thread, NULL, checkpointer_main, store);
    if (code != 0) {
        return err_set(err, ERR_NO_MEMORY, "could not start a thread (%d)", code);
    }
    checkpointer->started = true;
    return OK;
}

void checkpointer_stop(struct store *store)
{
    struct checkpointer *checkpointer = &store->checkpointer;
    (void)pthread_mutex_lock(&store->lock);
    checkpointer->ending = true;
    (void)pthread_cond_signal(&checkpointer->wake);
    (void)pthread_mutex_unlock(&store->lock);
    if (checkpointer->started) {
        (void)pthread_join(checkpointer->thread, NULL);
        checkpointer->started = false;
    }
    db_close(checkpointer->db);
    checkpointer->db = NULL;
}

/* ---- the writer's part --------------------------------------------------------------
 */

void checkpoint_init(struct checkpoint *checkpoint, struct store *store)
{
    *checkpoint = (struct checkpoint){.store = store};
    checkpoint->gate_frames = limit_frames(checkpoint);
    checkpoint->due_frames = step_frames(checkpoint);
}

static bool pass_is_on(const struct store *store)
{
    return store->checkpointer.wanted || store->checkpointer.running;
}

/* A pass would be in the way of beginning the file anew, too. */
static bool gate_is_clear(const struct store *store)
{
    return atomic_load(&store->gate_closed) && store->running_reads == 0 &&
           !pass_is_on(store);
}

void checkpoint_note_health(struct store *store)
{
    store->counters.healthy = !store->commit_failed && !has_failed(store);
}

int64_t checkpoint_due_us(const struct checkpoint *checkpoint)
{
    bool retries = checkpoint->pinned && !pass_is_on(checkpoint->store);
    return retries ? checkpoint->retry_us : INT64_MAX;
}

bool checkpoint_wants(const struct checkpoint *checkpoint, int64_t now_us)
{
    const struct store *store = checkpoint->store;
    return gate_is_clear(store) || store->checkpointer.finished ||
           now_us >= checkpoint_due_us(checkpoint);
}

static void set_gate(struct store *store, bool closed)
{
    (void)pthread_mutex_lock(&store->lock);
    store->counters.gate_closings += closed && !atomic_load(&store->gate_closed) ? 1 : 0;
    atomic_store(&store->gate_closed, closed);
    (void)pthread_cond_broadcast(&store->reader_wake);
    (void)pthread_mutex_unlock(&store->lock);
}

static void set_pinned(struct checkpoint *checkpoint, bool pinned)
{
    struct store *store = checkpoint->store;
    int frames = frames_now(checkpoint);
    (void)pthread_mutex_lock(&store->lock);
    store->counters.wal_pinned = pinned;
    store->counters.wal_bytes = (uint64_t)frames * WAL_FRAME_BYTES;
    (void)pthread_mutex_unlock(&store->lock);
    checkpoint->retry_us = clock_mono_us() + PINNED_RETRY_US;
    if (checkpoint->pinned != pinned) {
        log_event(pinned ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                  pinned ? "wal_pinned" : "wal_released", log_int("wal_frames", frames));
    }
    checkpoint->pinned = pinned;
}

/* The WAL begins anew: what it grew to while it was pinned is given back. */
static void wal_is_released(struct checkpoint *checkpoint)
{
    struct store *store = checkpoint->store;
    struct err err = {0};
    checkpoint->gate_frames = limit_frames(checkpoint);
    if (!checkpoint->pinned) {
        return;
    }
    bool failed_before = has_failed(store);
    db_discard(
        wal_shrink(store->writer, store->path, store->options.wal_limit_bytes, &err));
    note_checkpoint(store, failed_before, &err);
    set_pinned(checkpoint, false);
}

static void restart_wal(struct checkpoint *checkpoint)
{
    struct err err = {0};
    bool failed_before = has_failed(checkpoint->store);
    /* A backup reads in short slices (copy.h): worth a moment, once. */
    enum status status = wal_restart(checkpoint->store->writer,
                                     checkpoint->pinned ? 0 : RESTART_WAIT_MS, &err);
    note_checkpoint(checkpoint->store, failed_before, &err);
    if (status == OK) {
        wal_is_released(checkpoint);
        return;
    }
    /* Closing the gate again at once would not help. */
    checkpoint->gate_frames = frames_now(checkpoint) + limit_frames(checkpoint);
    if (status == ERR_UNAVAILABLE) {
        /* Somebody outside reads: everything goes on but the reuse of the WAL. */
        set_pinned(checkpoint, true);
        return;
    }
    checkpoint->retry_us = clock_mono_us() + PINNED_RETRY_US;
}

static void restart_behind_gate(struct checkpoint *checkpoint)
{
    restart_wal(checkpoint);
    checkpoint->due_frames = step_frames(checkpoint);
    checkpoint->copied_frames = 0;
    set_gate(checkpoint->store, false);
}

/* Whether it still is. Readers of our own may be in the way too: the gate is closed for
 * them once a commit has begun the file anew, so that the pin must have ended. */
static void retry_pinned(struct checkpoint *checkpoint)
{
    if (!checkpoint->pinned || clock_mono_us() < checkpoint->retry_us) {
        return;
    }
    if (frames_now(checkpoint) < step_frames(checkpoint)) {
        checkpoint->retry_us = clock_mono_us() + PINNED_RETRY_US;
        set_gate(checkpoint->store, true);
        return;
    }
    int gate_frames = checkpoint->gate_frames;
    restart_wal(checkpoint);
    if (checkpoint->pinned) {
        checkpoint->gate_frames = gate_frames;
    }
}

static void want_pass(struct store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->checkpointer.wanted = true;
    (void)pthread_cond_signal(&store->checkpointer.wake);
    (void)pthread_mutex_unlock(&store->lock);
}

static void copy_rest(struct checkpoint *checkpoint)
{
    struct err err = {0};
    int copied = 0;
    bool failed_before = has_failed(checkpoint->store);
    db_discard(wal_checkpoint(checkpoint->store->writer, &copied, &err));
    note_checkpoint(checkpoint->store, failed_before, &err);
}

/* Each pass leaves what was written meanwhile, which is less than it copied. */
static void follow_pass(struct checkpoint *checkpoint, int copied_frames)
{
    int left = frames_now(checkpoint) - copied_frames;
    bool gained = copied_frames > checkpoint->copied_frames;
    checkpoint->copied_frames = copied_frames;
    if (gained && left > rest_frames(checkpoint)) {
        want_pass(checkpoint->store);
        return;
    }
    if (gained && left > 0) {
        copy_rest(checkpoint);
    }
    /* Unless the next commit begins the file anew, somebody reads: later again. */
    checkpoint->due_frames = frames_now(checkpoint) + step_frames(checkpoint) / 4 + 1;
}

static void begin_pass(struct checkpoint *checkpoint)
{
    int frames = frames_now(checkpoint);
    if (frames < step_frames(checkpoint)) {
        checkpoint->due_frames = step_frames(checkpoint);
        checkpoint->gate_frames = limit_frames(checkpoint);
        checkpoint->copied_frames = 0;
    }
    int64_t now_us = clock_mono_us();
    bool again =
        has_failed(checkpoint->store) && now_us - checkpoint->pass_us > FAILED_RETRY_US;
    if (frames >= checkpoint->due_frames || again) {
        checkpoint->pass_us = now_us;
        want_pass(checkpoint->store);
    }
}

void checkpoint_look(struct checkpoint *checkpoint)
{
    struct store *store = checkpoint->store;
    (void)pthread_mutex_lock(&store->lock);
    /* At its limit the WAL grows no further for a pass that the disk keeps waiting. */
    while (atomic_load(&store->gate_closed) && pass_is_on(store)) {
        (void)pthread_cond_wait(&store->writer_wake, &store->lock);
    }
    bool on = pass_is_on(store);
    bool finished = store->checkpointer.finished;
    int copied = store->checkpointer.copied_frames;
    bool clear = gate_is_clear(store);
    store->checkpointer.finished = false;
    (void)pthread_mutex_unlock(&store->lock);
    if (clear) {
        restart_behind_gate(checkpoint);
    } else if (finished) {
        follow_pass(checkpoint, copied);
    } else if (!on) {
        retry_pinned(checkpoint);
        begin_pass(checkpoint);
    }
    if (frames_now(checkpoint) >= checkpoint->gate_frames &&
        !atomic_load(&store->gate_closed)) {
        set_gate(store, true);
    }
}
