/* SPDX-License-Identifier: Apache-2.0 */
/* bench_minute MODEL IMAGES PHASE PER_S COUNT: the report of one node-minute as a
 * summary: infers COUNT pictures (every 20th, from PHASE on, as a node of the demo does)
 * at PER_S a second, measures each inference, counts it as a node counts it
 * (edge/interval) and prints the report that a node would send, before it is compressed.
 * The clock of the minute begins with the first picture; only its length is 60 s whatever
 * PER_S is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <muster/nn.h>

#include "base/arena.h"
#include "base/clock.h"
#include "edge/certainty.h"
#include "edge/interval.h"
#include "format/image.h"
#include "format/report.h"

enum { NODES = 20, CLASSES_MAX = 1000, MINUTE_MS = 60000 };

struct minute {
    struct muster_nn_model *model;
    struct muster_nn_context *context;
    struct image_set images;
    struct interval *interval;
    size_t classes;
    size_t last_class;
};

_Noreturn static void give_up(const char *what)
{
    (void)fprintf(stderr, "bench_minute: %s\n", what);
    exit(1);
}

static void minute_open(struct minute *minute, const char *model, const char *images)
{
    const struct detail detail = {.mode = DETAIL_SUMMARY, .every = 1, .interval_s = 60};
    struct muster_nn_error error = {0};
    if (muster_nn_open(model, NULL, &minute->model, &error) != MUSTER_NN_OK ||
        muster_nn_context_new(minute->model, &minute->context, &error) != MUSTER_NN_OK) {
        give_up(error.detail);
    }
    minute->classes = muster_nn_class_count(minute->model);
    if (image_set_read(images, &minute->images, NULL) != OK) {
        give_up("cannot read the pictures");
    }
    (void)muster_nn_output(minute->context, 0, &minute->classes);
    minute->interval = interval_new(&detail);
    if (!minute->interval || minute->classes < 1 || minute->classes > CLASSES_MAX) {
        give_up("no memory, or no classes");
    }
}

static void infer(struct minute *minute, size_t picture, float *ret_probabilities)
{
    struct muster_nn_error error = {0};
    struct muster_nn_image image = {.pixels = image_at(&minute->images, picture),
                                    .width = minute->images.width,
                                    .height = minute->images.height,
                                    .colour = MUSTER_NN_GREY};
    if (muster_nn_set_image(minute->context, 0, 0, &image, &error) != MUSTER_NN_OK ||
        muster_nn_run(minute->context, &error) != MUSTER_NN_OK ||
        muster_nn_probabilities(minute->context, 0, 0, ret_probabilities, minute->classes,
                                &error) != MUSTER_NN_OK) {
        give_up(error.detail);
    }
}

static void count_one(struct minute *minute, size_t picture, bool first)
{
    static float probabilities[CLASSES_MAX];
    struct certainty certainty;
    int64_t from_us = clock_mono_us();
    infer(minute, picture, probabilities);
    int64_t took_us = clock_mono_us() - from_us;
    size_t best = 0;
    for (size_t i = 1; i < minute->classes; i++) {
        best = probabilities[i] > probabilities[best] ? i : best;
    }
    bool known = certainty_of(probabilities, minute->classes, &certainty);
    double confidence = (double)probabilities[best];
    struct interval_event event = {.at_ms = clock_mono_ms(),
                                   .class_index = (uint16_t)best,
                                   .confidence =
                                       report_confidence(confidence > 1 ? 1 : confidence),
                                   .latency_us = (uint32_t)took_us,
                                   .changed = !first && best != minute->last_class,
                                   .certainty = known ? &certainty : NULL};
    if (interval_add(minute->interval, &event, NULL) != OK) {
        give_up("no memory");
    }
    minute->last_class = best;
}

/* With numbers in the places that the load generator writes over. */
static void print_report(const struct minute *minute)
{
    BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
    ARENA_AUTO arena = ARENA_INIT(1 << 20);
    struct summary summary;
    if (interval_summary(minute->interval, &arena, &summary, NULL) != OK) {
        give_up("no memory");
    }
    int64_t now_ms = clock_wall_ms();
    summary.from_ms = now_ms - now_ms % MINUTE_MS - MINUTE_MS;
    summary.to_ms = summary.from_ms + MINUTE_MS;
    struct report report = {.stream = now_ms,
                            .seq = 1000000001,
                            .sent_ms = now_ms,
                            .model = "fashion",
                            .summary = &summary,
                            .health = {.present = HEALTH_CPU_PCT | HEALTH_RSS_BYTES |
                                                  HEALTH_QUEUED | HEALTH_REJECTED |
                                                  HEALTH_INFERRED | HEALTH_STATE,
                                       .cpu_pct = 12.5,
                                       .rss_bytes = 4100096,
                                       .inferred = 40210,
                                       .state = "ok"}};
    report_encode(&report, &body);
    if (buf_status(&body, NULL) != OK) {
        give_up("the report is too large");
    }
    (void)printf("%.*s", (int)body.len, body.data);
}

int main(int argc, char **argv)
{
    static struct minute minute;
    size_t phase = argc == 6 ? strtoul(argv[3], NULL, 10) : NODES;
    double per_s = argc == 6 ? strtod(argv[4], NULL) : 0;
    size_t count = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;
    if (phase >= NODES || !(per_s > 0) || count < 1) {
        (void)fprintf(stderr, "usage: bench_minute MODEL IMAGES PHASE PER_S COUNT\n");
        return 2;
    }
    minute_open(&minute, argv[1], argv[2]);
    int64_t began_us = clock_mono_us();
    for (size_t i = 0; i < count; i++) {
        int64_t due_us = began_us + (int64_t)((double)i * 1e6 / per_s);
        int64_t wait_us = due_us - clock_mono_us();
        if (wait_us > 0) {
            (void)usleep((unsigned)wait_us);
        }
        count_one(&minute, (phase + i * NODES) % minute.images.count, i == 0);
    }
    print_report(&minute);
    interval_free(minute.interval);
    muster_nn_context_free(minute.context);
    muster_nn_close(minute.model);
    image_set_release(&minute.images);
    return 0;
}
