/* SPDX-License-Identifier: Apache-2.0 */
/* bench_ingest FOLDER REPORTS ROWS CLIENTS: admits REPORTS reports of ROWS rows through
 * ingest and the writer, CLIENTS of them waiting at any time, from 1,000 nodes; prints
 * rates, processor time and the counts that it read back. A FOLDER that has a database is
 * added to. The peer, the same rows in plain SQLite, is bench_store.sh's. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "server/service/ingest.h"
#include "server/store/reports.h"
#include "server/store/store.h"

enum { NODES = 1000, CLIENTS_MAX = 512 };

struct bench {
    struct store *store;
    struct ingest *ingest;
    struct report columns;
    int64_t stream;  /* of all nodes: newer than any before */
    int64_t reports; /* to be sent */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int64_t sent, done, failed;
};

struct client {
    struct job job; /* first */
    struct bench *bench;
    struct report report;
    int64_t node_id;
    struct ack ack;
};

static bool find_artifact(void *context, const uint8_t sha256[static 32],
                          struct ingest_artifact *ret_artifact)
{
    (void)context;
    (void)sha256;
    *ret_artifact = (struct ingest_artifact){.model = "fashion", .classes = 10};
    return true;
}

static void cohort_labels(void *context, int64_t node_id,
                          char ret_labels[INGEST_LABELS][INGEST_LABEL_BYTES])
{
    (void)context;
    (void)node_id;
    memset(ret_labels, 0, (size_t)INGEST_LABELS * INGEST_LABEL_BYTES);
}

static void submit(struct client *client, int64_t number)
{
    client->report = client->bench->columns;
    client->report.stream = client->bench->stream;
    client->report.seq = number / NODES + 1;
    client->report.body_hash = (uint32_t)number;
    client->node_id = number % NODES + 1;
    struct err err = {0};
    if (store_submit(client->bench->store, JOB_WRITER, &client->job, &err) != OK) {
        (void)fprintf(stderr, "bench_ingest: %s\n", err.detail);
        exit(1);
    }
}

static enum status run(struct job *job, void *scope)
{
    struct client *client = (struct client *)job;
    return ingest_apply(client->bench->ingest, scope, client->node_id, &client->report,
                        &client->ack, NULL);
}

static void done(struct job *job, enum status status, const struct err *err)
{
    struct client *client = (struct client *)job;
    struct bench *bench = client->bench;
    (void)err;
    (void)pthread_mutex_lock(&bench->lock);
    bench->done++;
    bench->failed += status != OK;
    int64_t number = bench->sent < bench->reports ? bench->sent++ : -1;
    (void)pthread_cond_signal(&bench->wake);
    (void)pthread_mutex_unlock(&bench->lock);
    if (number >= 0) {
        submit(client, number);
    }
}

static void fill(struct report *report, size_t rows)
{
    int64_t now_ms = clock_wall_ms();
    *report = (struct report){.model = "fashion", .artifact = {1}, .rows = rows};
    report->at_ms = calloc(rows, sizeof *report->at_ms);
    report->class_index = calloc(rows, sizeof *report->class_index);
    report->confidence = calloc(rows, sizeof *report->confidence);
    report->latency_us = calloc(rows, sizeof *report->latency_us);
    for (size_t i = 0; i < rows; i++) {
        report->at_ms[i] = now_ms - (int64_t)(rows - i) * 33;
        report->class_index[i] = (uint16_t)(i * 7 % 10);
        report->confidence[i] = (uint16_t)(i * 7919 % 10001);
        report->latency_us[i] = (uint32_t)(1000 + i * 7919 % 800);
    }
}

static void release(struct report *report)
{
    free(report->at_ms);
    free(report->class_index);
    free(report->confidence);
    free(report->latency_us);
}

static double cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static enum status open_all(struct bench *bench, const char *folder, struct err *err)
{
    struct ingest_sources sources = {.find_artifact = find_artifact,
                                     .cohort_labels = cohort_labels};
    struct store_options options = store_options_default(folder);
    bench->stream = clock_wall_ms();
    struct err exists = {0};
    enum status status = store_create(folder, &exists);
    if (status != OK && status != ERR_EXISTS) {
        return err_set(err, status, "%s", exists.detail);
    }
    status = store_open(&options, &bench->store, err);
    return status == OK ? ingest_open(bench->store, &sources, &bench->ingest, err)
                        : status;
}

static void measure(struct bench *bench, size_t rows, int64_t count)
{
    static struct client clients[CLIENTS_MAX];
    bench->sent = count;
    int64_t began_us = clock_mono_us();
    double cpu_before_s = cpu_s();
    for (int64_t i = 0; i < count; i++) {
        clients[i] = (struct client){.job = {.run = run, .done = done}, .bench = bench};
        submit(&clients[i], i);
    }
    (void)pthread_mutex_lock(&bench->lock);
    while (bench->done < bench->reports) {
        (void)pthread_cond_wait(&bench->wake, &bench->lock);
    }
    (void)pthread_mutex_unlock(&bench->lock);
    double wall_s = (double)(clock_mono_us() - began_us) / 1e6;
    double predictions = (double)(bench->reports * (int64_t)rows);
    struct store_counters counters;
    struct ingest_counters admitted;
    store_counters_read(bench->store, &counters);
    ingest_counters_read(bench->ingest, &admitted);
    (void)printf("rate=%.0f/s cpu=%.3fs/M reports_a_group=%.1f commit=%.2fms "
                 "gate_closings=%llu failed=%lld stored=%llu of %.0f\n",
                 predictions / wall_s, (cpu_s() - cpu_before_s) / predictions * 1e6,
                 (double)counters.jobs / (double)counters.groups,
                 (double)counters.commit_us_total / (double)counters.groups / 1e3,
                 (unsigned long long)counters.gate_closings, (long long)bench->failed,
                 (unsigned long long)admitted.rows, predictions);
}

int main(int argc, char **argv)
{
    struct bench bench = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .wake = PTHREAD_COND_INITIALIZER};
    int64_t clients = argc == 5 ? strtoll(argv[4], NULL, 10) : 0;
    size_t rows = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    bench.reports = argc == 5 ? strtoll(argv[2], NULL, 10) : 0;
    if (clients < 1 || clients > CLIENTS_MAX || rows < 1 || rows > REPORT_ROWS_MAX ||
        bench.reports < clients) {
        (void)fprintf(stderr, "usage: bench_ingest FOLDER REPORTS ROWS CLIENTS\n");
        return 2;
    }
    struct err err = {0};
    fill(&bench.columns, rows);
    if (open_all(&bench, argv[1], &err) != OK) {
        (void)fprintf(stderr, "bench_ingest: %s\n", err.detail);
        return 1;
    }
    measure(&bench, rows, clients);
    store_close(bench.store);
    ingest_close(bench.ingest);
    release(&bench.columns);
    return bench.failed == 0 ? 0 : 1;
}
