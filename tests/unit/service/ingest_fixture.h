/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_fixture: a store with ingest in a temporary folder, and jobs that apply reports
 * as the server does. Artifact 0x01… is model "fashion" with 10 classes, 0x02… with 3;
 * others are unknown. Odd nodes have the label "lyon". */
#ifndef MUSTER_TESTS_UNIT_SERVICE_INGEST_FIXTURE_H
#define MUSTER_TESTS_UNIT_SERVICE_INGEST_FIXTURE_H

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include "server/service/ingest.h"
#include "server/store/store.h"
#include "tests/unit/store/folder.h"
#include "tests/unit/store/query.h"

struct ingest_fixture {
    char folder[PATH_MAX];
    struct store_options options;
    struct store *store;
    struct ingest *ingest;
    int reported; /* calls of the source's `reported` */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int done;
};

/* One report on its way through the writer. */
struct report_job {
    struct job job; /* first */
    struct ingest_fixture *fixture;
    int64_t node_id;
    const struct report *report;
    struct ack ack;
    struct err err;
    enum status status; /* as `done` was told */
};

static bool fixture_artifact(void *context, const uint8_t sha256[static 32],
                             struct ingest_artifact *ret_artifact)
{
    (void)context;
    if (sha256[0] != 1 && sha256[0] != 2) {
        return false;
    }
    *ret_artifact = (struct ingest_artifact){.classes = sha256[0] == 1 ? 10 : 3};
    memcpy(ret_artifact->model, "fashion", sizeof "fashion");
    return true;
}

static void fixture_labels(void *context, int64_t node_id,
                           char ret_labels[INGEST_LABELS][INGEST_LABEL_BYTES])
{
    (void)context;
    memset(ret_labels, 0, (size_t)INGEST_LABELS * INGEST_LABEL_BYTES);
    if (node_id % 2 == 1) {
        memcpy(ret_labels[0], "lyon", sizeof "lyon");
    }
}

static void fixture_reported(void *context, int64_t node_id, const struct report *report,
                             int64_t received_ms)
{
    struct ingest_fixture *fixture = context;
    assert(node_id > 0 && report->seq > 0 && received_ms > 0);
    fixture->reported++;
}

static inline void fixture_start(struct ingest_fixture *fixture)
{
    struct err err = {0};
    struct ingest_sources sources = {
        .context = fixture,
        .find_artifact = fixture_artifact,
        .cohort_labels = fixture_labels,
        .reported = fixture_reported,
    };
    if (store_open(&fixture->options, &fixture->store, &err) != OK ||
        ingest_open(fixture->store, &sources, &fixture->ingest, &err) != OK) {
        fail_msg("%s", err.detail);
    }
}

static inline void fixture_stop(struct ingest_fixture *fixture)
{
    store_close(fixture->store);
    ingest_close(fixture->ingest);
    fixture->store = NULL;
    fixture->ingest = NULL;
}

static inline int fixture_set_up(void **state)
{
    struct ingest_fixture *fixture = calloc(1, sizeof *fixture);
    (void)pthread_mutex_init(&fixture->lock, NULL);
    (void)pthread_cond_init(&fixture->wake, NULL);
    folder_make(fixture->folder);
    assert_int_equal(store_create(fixture->folder, NULL), OK);
    fixture->options = store_options_default(fixture->folder);
    fixture->options.wal_limit_bytes = 4 << 20;
    fixture->options.read_deadline_ms = 60000;
    fixture_start(fixture);
    *state = fixture;
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    struct ingest_fixture *fixture = *state;
    fixture_stop(fixture);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static enum status report_job_run(struct job *job, void *scope)
{
    struct report_job *r = (struct report_job *)job;
    return ingest_apply(r->fixture->ingest, scope, r->node_id, r->report, &r->ack,
                        &r->err);
}

static void report_job_done(struct job *job, enum status status, const struct err *err)
{
    struct report_job *r = (struct report_job *)job;
    (void)err;
    (void)pthread_mutex_lock(&r->fixture->lock);
    r->status = status;
    r->fixture->done++;
    (void)pthread_cond_signal(&r->fixture->wake);
    (void)pthread_mutex_unlock(&r->fixture->lock);
}

static inline struct report_job report_job(struct ingest_fixture *fixture,
                                           int64_t node_id, const struct report *report)
{
    return (struct report_job){
        .job = {.run = report_job_run, .done = report_job_done},
        .fixture = fixture,
        .node_id = node_id,
        .report = report,
    };
}

/* Submits all of them at once and waits until all are done. */
static inline void report_jobs_run(struct ingest_fixture *fixture,
                                   struct report_job *jobs, int count)
{
    fixture->done = 0;
    for (int i = 0; i < count; i++) {
        assert_int_equal(store_submit(fixture->store, JOB_WRITER, &jobs[i].job, NULL),
                         OK);
    }
    (void)pthread_mutex_lock(&fixture->lock);
    while (fixture->done < count) {
        (void)pthread_cond_wait(&fixture->wake, &fixture->lock);
    }
    (void)pthread_mutex_unlock(&fixture->lock);
}

#endif
