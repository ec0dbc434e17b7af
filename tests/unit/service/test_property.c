/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a database through ingest with a random fleet (late and early clocks, duplicates,
 * out of order, restarts) and compares every answer of analytics and every view with
 * brute force over the raw rows and the predictions behind summaries. MUSTER_SEED repeats
 * a run. */
#include "server/service/analytics.h"

#include <inttypes.h>

#include "tests/unit/service/property_summaries.h"

enum { REPORTS = 500, QUERIES = 60 };

static enum status compare_rows(void *context, struct db *db, struct err *err)
{
    struct world *world = context;
    DB_ONCE stmt = NULL;
    enum status status = db_prepare_once(db, world->sql, &stmt, err);
    bool row = true;
    while (status == OK && row) {
        status = db_step(db, stmt, &row, err);
        if (status == OK && row) {
            world->rows++;
            world->total += world->row(world, stmt);
        }
    }
    return status;
}

/* On the test's own thread, so that an assertion may end the test. */
static void check_view(struct world *world, const char *sql,
                       int64_t (*row)(struct world *, sqlite3_stmt *), int64_t total)
{
    char path[PATH_MAX + 16];
    struct db *db = NULL;
    struct err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", world->fleet.fixture->folder,
                   STORE_FILE_NAME);
    assert_int_equal(db_open(path, false, false, &db, &err), OK);
    world->sql = sql;
    world->row = row;
    world->rows = 0;
    world->total = 0;
    if (compare_rows(world, db, &err) != OK) {
        fail_msg("%s: %s", sql, err.detail);
    }
    db_close(db);
    if (world->total != total) {
        fail_msg("%s: %" PRId64 " instead of %" PRId64, sql, world->total, total);
    }
}

/* The sums over raw rows of a bucket of time, a cohort and, unless -1, a value. */
struct sums {
    int64_t n, confidence, latency_us, implausible, artifact;
};

struct key {
    int64_t start_ms, width_ms, cohort_id, class_index, bin, middle_us, node_id;
};

static struct sums sum_of(const struct world *world, const struct key *key)
{
    struct sums sums = {0};
    for (int i = 0; i < world->all_count; i++) {
        const struct raw *raw = &world->raw[i];
        if (raw->counted && start_of(raw->counted_ms, key->width_ms) == key->start_ms &&
            raw->cohort_id == key->cohort_id &&
            (key->class_index < 0 || raw->class_index == key->class_index) &&
            (key->bin < 0 || bin_of(raw->confidence) == key->bin) &&
            (key->middle_us < 0 || middle_of(raw->latency_us) == key->middle_us) &&
            (key->node_id < 0 || raw->node_id == key->node_id)) {
            sums.n++;
            sums.confidence += raw->confidence;
            sums.latency_us += raw->latency_sum_us;
            sums.implausible += !raw->plausible;
            sums.artifact = raw->artifact;
        }
    }
    return sums;
}

static struct key key_of(sqlite3_stmt *stmt, int64_t width_ms)
{
    return (struct key){.start_ms = db_column_int(stmt, 0),
                        .cohort_id = db_column_int(stmt, 1),
                        .width_ms = width_ms,
                        .class_index = -1,
                        .bin = -1,
                        .middle_us = -1,
                        .node_id = -1};
}

static int64_t row_of_class(struct world *world, sqlite3_stmt *stmt, int64_t width_ms)
{
    struct key key = key_of(stmt, width_ms);
    key.class_index = db_column_int(stmt, 5);
    struct sums sums = sum_of(world, &key);
    assert_true(is_artifact(stmt, 2, sums.artifact));
    assert_string_equal(db_column_text(stmt, 6), sums.artifact != 1     ? ""
                                                 : key.class_index == 0 ? "zero"
                                                 : key.class_index == 1 ? "one"
                                                                        : "");
    assert_int_equal(db_column_int(stmt, 7), sums.n);
    assert_true(width_ms == MINUTE_MS || db_column_int(stmt, 8) == sums.confidence);
    return sums.n;
}

static int64_t row_of_class_minute(struct world *world, sqlite3_stmt *stmt)
{
    return row_of_class(world, stmt, MINUTE_MS);
}

static int64_t row_of_class_quarter(struct world *world, sqlite3_stmt *stmt)
{
    return row_of_class(world, stmt, QUARTER_MS);
}

static int64_t row_of_confidence(struct world *world, sqlite3_stmt *stmt)
{
    struct key key = key_of(stmt, QUARTER_MS);
    key.bin = db_column_int(stmt, 5);
    struct sums sums = sum_of(world, &key);
    assert_true(is_artifact(stmt, 2, sums.artifact));
    assert_int_equal(db_column_int(stmt, 6), key.bin * 5); /* lower edge, per cent */
    assert_int_equal(db_column_int(stmt, 7), key.bin * 5 + 5);
    assert_int_equal(db_column_int(stmt, 8), sums.n);
    assert_int_equal(db_column_int(stmt, 9), sums.confidence);
    return sums.n;
}

static int64_t row_of_latency(struct world *world, sqlite3_stmt *stmt)
{
    struct key key = key_of(stmt, QUARTER_MS);
    key.middle_us = db_column_int(stmt, 5);
    struct sums sums = sum_of(world, &key);
    assert_true(is_artifact(stmt, 2, sums.artifact));
    assert_int_equal(db_column_int(stmt, 6), sums.n);
    assert_int_equal(db_column_int(stmt, 7), sums.latency_us);
    return sums.n;
}

static int64_t row_of_percentiles(struct world *world, sqlite3_stmt *stmt)
{
    static int64_t sorted[RAW_MAX];
    int count = 0;
    for (int i = 0; i < world->all_count; i++) {
        const struct raw *raw = &world->raw[i];
        if (raw->counted &&
            start_of(raw->counted_ms, QUARTER_MS) == db_column_int(stmt, 0) &&
            is_artifact(stmt, 1, raw->artifact)) {
            sorted[count++] = raw->latency_us;
        }
    }
    qsort(sorted, (size_t)count, sizeof sorted[0], compare_int64);
    static const int percents[] = {50, 90, 95, 99, 100};
    assert_int_equal(db_column_int(stmt, 4), count);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(db_column_int(stmt, 5 + i),
                         percentile_of(sorted, count, percents[i]));
    }
    return count;
}

/* Reports of a node and artifact that were received in [from, to). */
static int64_t reports_of(const struct world *world, sqlite3_stmt *stmt, int64_t from_ms,
                          int64_t to_ms, int64_t *ret_dropped)
{
    int64_t reports = 0;
    *ret_dropped = 0;
    for (int i = 0; i < world->fleet.count; i++) {
        const struct sent *sent = &world->fleet.sent[i];
        int64_t received_ms = sent->first_id / 4096;
        if (sent->accepted && sent->node_id == db_column_int(stmt, 5) &&
            is_artifact(stmt, 2, sent->report.artifact[0]) && received_ms >= from_ms &&
            received_ms < to_ms) {
            reports++;
            *ret_dropped += sent->report.dropped;
        }
    }
    return reports;
}

static int64_t row_of_node_hour(struct world *world, sqlite3_stmt *stmt)
{
    struct key key = key_of(stmt, HOUR_MS);
    key.node_id = db_column_int(stmt, 5);
    struct sums sums = sum_of(world, &key);
    int64_t dropped = 0;
    int64_t reports =
        reports_of(world, stmt, key.start_ms, key.start_ms + HOUR_MS, &dropped);
    assert_int_equal(db_column_int(stmt, 6), sums.n);
    assert_int_equal(db_column_int(stmt, 7), sums.implausible);
    assert_int_equal(db_column_int(stmt, 8), reports);
    assert_int_equal(db_column_int(stmt, 9), dropped);
    assert_int_equal(db_column_is_null(stmt, 10), sums.n == 0);
    double n = sums.n ? (double)sums.n : 1;
    assert_true(fabs(db_column_double(stmt, 10) - (double)sums.confidence / n / 1e4) <
                1e-9);
    assert_true(fabs(db_column_double(stmt, 11) - (double)sums.latency_us / n) < 1e-3);
    return sums.n;
}

static int64_t row_of_history(struct world *world, sqlite3_stmt *stmt)
{
    int64_t predictions = 0;
    int64_t first_ms = INT64_MAX;
    int64_t last_ms = 0;
    int64_t dropped = 0;
    for (int i = 0; i < world->fleet.count; i++) {
        const struct sent *sent = &world->fleet.sent[i];
        if (sent->accepted && sent->node_id == db_column_int(stmt, 5) &&
            is_artifact(stmt, 2, sent->report.artifact[0])) {
            const struct summary *summary = sent->report.summary;
            int64_t rows = summary ? 0 : (int64_t)sent->report.rows;
            int64_t last = (sent->first_id + (rows ? rows - 1 : 0)) / 4096;
            predictions += summary ? summary->n : rows;
            first_ms =
                sent->first_id / 4096 < first_ms ? sent->first_id / 4096 : first_ms;
            last_ms = last > last_ms ? last : last_ms;
        }
    }
    assert_int_equal(db_column_int(stmt, 6), first_ms);
    assert_int_equal(db_column_int(stmt, 7), last_ms);
    assert_int_equal(db_column_int(stmt, 8), predictions);
    assert_int_equal(db_column_int(stmt, 9),
                     reports_of(world, stmt, 0, INT64_MAX, &dropped));
    return predictions;
}

static int64_t row_of_health(struct world *world, sqlite3_stmt *stmt)
{
    const struct sent *newest = NULL;
    const struct sent *healthy = NULL;
    int64_t reports = 0;
    int64_t predictions = 0;
    int64_t dropped = 0;
    for (int i = 0; i < world->fleet.count; i++) {
        const struct sent *sent = &world->fleet.sent[i];
        if (sent->accepted && sent->node_id == db_column_int(stmt, 5)) {
            newest = !newest || sent->first_id > newest->first_id ? sent : newest;
            bool tells = sent->report.health.present != 0;
            healthy = tells && (!healthy || sent->first_id > healthy->first_id) ? sent
                                                                                : healthy;
            reports++;
            predictions += predictions_of(&sent->report);
            dropped += sent->report.dropped;
        }
    }
    assert_non_null(newest);
    assert_true(is_artifact(stmt, 2, newest->report.artifact[0]));
    assert_int_equal(db_column_int(stmt, 0), newest->first_id / 4096);
    assert_int_equal(db_column_int(stmt, 6), newest->report.below_floor);
    assert_int_equal(db_column_int(stmt, 7), reports);
    assert_int_equal(db_column_int(stmt, 8), predictions);
    assert_int_equal(db_column_int(stmt, 9), dropped);
    assert_int_equal(db_column_int(stmt, 10), healthy ? healthy->first_id / 4096 : 0);
    assert_int_equal(db_column_int(stmt, 11),
                     healthy ? healthy->report.health.queued : 0);
    return predictions;
}

/* What was counted under it has its artifact. */
static int64_t row_of_cohort(struct world *world, sqlite3_stmt *stmt)
{
    int64_t n = 0;
    for (int i = 0; i < world->all_count; i++) {
        if (world->raw[i].cohort_id == db_column_int(stmt, 0)) {
            assert_true(is_artifact(stmt, 2, world->raw[i].artifact));
            n += world->raw[i].counted;
        }
    }
    return n;
}

static void check_summary_views(struct world *world)
{
    int64_t summaries = 0;
    int64_t told = 0;
    int64_t sure = 0;
    for (int i = 0; i < world->fleet.count; i++) {
        const struct sent *sent = &world->fleet.sent[i];
        summaries += sent->accepted && sent->report.summary;
        told += sent->accepted && sent->report.summary ? sent->report.summary->n : 0;
    }
    for (int i = 0; i < world->all_count; i++) {
        sure += world->raw[i].entropy_bin >= 0;
    }
    assert_true(summaries > 20 && sure > 100);
    check_view(world,
               "SELECT first_id, node_id, model, version, artifact, from_ms, to_ms, "
               "plausible, counted_ms, mode, every, rows, n, changes, "
               "round(mean_confidence * n * 10000), round(mean_latency_us * n) "
               "FROM v_summary",
               row_of_summary, summaries);
    check_view(world,
               "SELECT first_id, class, n, confidence_sum, counted_ms "
               "FROM v_summary_class",
               row_of_summary_class, told);
    check_view(world,
               "SELECT first_id, bin, n, confidence_sum, round(lower * 100), "
               "round(upper * 100) FROM v_summary_confidence",
               row_of_summary_confidence, told);
    check_view(world,
               "SELECT first_id, middle_us, n, latency_sum_us FROM v_summary_latency",
               row_of_summary_latency, told);
    check_view(world, "SELECT quarter_ms, cohort_id, bin, n FROM v_entropy_quarter",
               row_of_entropy, sure);
    check_view(world, "SELECT quarter_ms, cohort_id, bin, n FROM v_margin_quarter",
               row_of_margin, sure);
}

static void check_views(struct world *world)
{
    int64_t all = 0;
    for (int i = 0; i < world->all_count; i++) {
        all += world->raw[i].counted;
    }
    int64_t samples = 0;
    int64_t reports = 0;
    for (int i = 0; i < world->raw_count; i++) {
        samples += world->raw[i].has_sample;
    }
    for (int i = 0; i < world->fleet.count; i++) {
        reports += world->fleet.sent[i].accepted;
    }
#define KEY " cohort_id, model, version, artifact, "
    check_view(world, "SELECT cohort_id, arm, model, version, artifact FROM v_cohort",
               row_of_cohort, all);
    check_view(world, "SELECT minute_ms," KEY "class, class_name, n FROM v_class_minute",
               row_of_class_minute, all);
    check_view(world,
               "SELECT quarter_ms," KEY "class, class_name, n, confidence_sum "
               "FROM v_class_quarter",
               row_of_class_quarter, all);
    check_view(world,
               "SELECT quarter_ms," KEY "bin, round(lower * 100), round(upper * 100), n, "
               "confidence_sum FROM v_confidence_quarter",
               row_of_confidence, all);
    check_view(world,
               "SELECT quarter_ms," KEY "middle_us, n, latency_sum_us "
               "FROM v_latency_quarter",
               row_of_latency, all);
    check_view(world, "SELECT * FROM v_latency_percentiles", row_of_percentiles, all);
    check_view(world,
               "SELECT hour_ms," KEY "node_id, n, implausible, reports, dropped, "
               "mean_confidence, mean_latency_us FROM v_node_hour",
               row_of_node_hour, all);
    check_view(world,
               "SELECT 0, 0, model, version, artifact, node_id, first_received_ms, "
               "last_received_ms, predictions, reports FROM v_node_version_history",
               row_of_history, all);
    check_view(world,
               "SELECT report_ms," KEY "node_id, below_floor, reports, predictions, "
               "dropped, health_ms, queued FROM v_node_health",
               row_of_health, all);
    check_view(world,
               "SELECT id, node_id, model, version, artifact, received_ms, at_ms, "
               "counted_ms, plausible, class, round(confidence * 10000), counted, "
               "weight FROM v_predictions",
               row_of_predictions, world->raw_count);
    check_view(world,
               "SELECT id, node_id, model, version, artifact, sample, class, at_ms, "
               "reason, probability FROM v_samples",
               row_of_samples, samples);
    check_view(world,
               "SELECT first_id, node_id, model, version, artifact, stream, seq, rows, "
               "known, mode, predictions FROM v_reports",
               row_of_reports, reports);
#undef KEY
    check_summary_views(world);
}

typedef enum status analytics_function(struct db *db, const struct analytics_query *query,
                                       struct arena *arena,
                                       struct analytics_result *ret_result,
                                       struct err *err);

/* One question to analytics. */
struct ask {
    analytics_function *function;
    struct analytics_query query;
    struct arena arena;
    struct analytics_result result;
};

static enum status ask_run(void *context, struct db *db, struct err *err)
{
    struct ask *ask = context;
    return ask->function(db, &ask->query, &ask->arena, &ask->result, err);
}

/* Whether a raw row belongs to the answer's range and filter, and to a group's artifact
 * (0: every one). */
static bool is_counted(const struct ask *ask, const struct raw *raw, int64_t artifact)
{
    char text[65];
    artifact_text(raw->artifact, text);
    const struct analytics_query *query = &ask->query;
    return raw->counted && raw->counted_ms >= ask->result.from_ms &&
           raw->counted_ms < ask->result.to_ms &&
           (!query->model || strcmp(query->model, "fashion") == 0) &&
           (!query->version || same_text(query->version, version_of(raw->artifact))) &&
           (!query->artifact || same_text(query->artifact, text)) &&
           (artifact == 0 || raw->artifact == artifact);
}

enum { CLASSES = FLEET_CLASSES };

static void check_steps(const struct world *world, const struct ask *ask,
                        const struct analytics_group *group, int64_t artifact)
{
    size_t steps = ask->result.steps;
    int64_t *n = calloc(steps * CLASSES, sizeof *n);
    int64_t total = 0;
    for (int i = 0; i < world->all_count; i++) {
        const struct raw *raw = &world->raw[i];
        if (is_counted(ask, raw, artifact)) {
            int64_t step =
                (raw->counted_ms - ask->result.from_ms) / (ask->result.step_s * 1000);
            assert_in_range(step, 0, steps - 1);
            bool by_class = ask->function == analytics_classes;
            n[(by_class ? raw->class_index : 0) * (int64_t)steps + step]++;
            total++;
        }
    }
    assert_int_equal(group->total, total);
    if (ask->function == analytics_volume) {
        assert_memory_equal(group->n, n, steps * sizeof *n);
    }
    int64_t in_classes = 0;
    for (size_t i = 0; i < group->classes.count; i++) {
        const struct class_count *item = group->classes.classes[i];
        assert_true(i == 0 ||
                    group->classes.classes[i - 1]->class_index < item->class_index);
        assert_memory_equal(item->n, n + item->class_index * (int64_t)steps,
                            steps * sizeof *n);
        in_classes += item->total;
    }
    assert_int_equal(in_classes, ask->function == analytics_classes ? total : 0);
    free(n);
}

static void check_histograms(const struct world *world, const struct ask *ask,
                             const struct analytics_group *group, int64_t artifact)
{
    static int64_t sorted[RAW_MAX];
    int64_t bins[CONFIDENCE_BINS] = {0};
    int64_t confidence = 0;
    int count = 0;
    for (int i = 0; i < world->all_count; i++) {
        const struct raw *raw = &world->raw[i];
        if (is_counted(ask, raw, artifact)) {
            bins[bin_of(raw->confidence)]++;
            confidence += raw->confidence;
            sorted[count++] = raw->latency_us;
        }
    }
    assert_int_equal(group->total, count);
    if (ask->function == analytics_confidence) {
        assert_memory_equal(group->n, bins, sizeof bins);
        assert_int_equal(group->confidence_sum, confidence);
    } else if (count > 0) {
        qsort(sorted, (size_t)count, sizeof sorted[0], compare_int64);
        assert_int_equal(group->p50_us, percentile_of(sorted, count, 50));
        assert_int_equal(group->p90_us, percentile_of(sorted, count, 90));
        assert_int_equal(group->p95_us, percentile_of(sorted, count, 95));
        assert_int_equal(group->p99_us, percentile_of(sorted, count, 99));
        assert_int_equal(group->max_us, percentile_of(sorted, count, 100));
    }
}

static void check_answer(const struct world *world, const struct ask *ask)
{
    static const int64_t order[] = {9, 1, 2}; /* by seq: unknown, 1, 3 */
    bool steps = ask->function == analytics_volume || ask->function == analytics_classes;
    size_t group = 0;
    for (size_t i = 0; i < (ask->query.by_version ? 3 : 1); i++) {
        int64_t artifact = ask->query.by_version ? order[i] : 0;
        int64_t rows = 0;
        for (int j = 0; j < world->all_count; j++) {
            rows += is_counted(ask, &world->raw[j], artifact);
        }
        if (artifact != 0 && rows == 0) {
            continue;
        }
        assert_true(group < ask->result.group_count);
        const struct analytics_group *answer = ask->result.groups[group++];
        assert_true(same_text(answer->version, artifact ? version_of(artifact) : NULL));
        (steps ? check_steps : check_histograms)(world, ask, answer, artifact);
    }
    assert_int_equal(group, ask->result.group_count);
}

static struct analytics_query random_query(struct fleet *fleet)
{
    static const int64_t steps_s[] = {60, 300, 900, 3600, 86400};
    static const char *const versions[] = {NULL, NULL, "1.0.0", "1.1.1", "1.1.0"};
    static const char *const models[] = {NULL, "fashion", "fashion", "other"};
    static char artifact[65];
    artifact_text(fleet_random(fleet, 2) ? 9 : 2, artifact);
    int64_t now_ms = clock_wall_ms();
    bool long_ago = fleet_random(fleet, 5) == 0;
    int64_t span_ms = long_ago ? INT64_C(430) * 86400000 : 5 * HOUR_MS;
    int64_t from_ms = now_ms - fleet_random(fleet, span_ms);
    return (struct analytics_query){
        .from_ms = from_ms,
        .to_ms = from_ms + 1 + fleet_random(fleet, span_ms),
        .step_s = steps_s[long_ago ? 4 : fleet_random(fleet, 5)],
        .model = models[fleet_random(fleet, 4)],
        .version = versions[fleet_random(fleet, 5)],
        .artifact = fleet_random(fleet, 4) == 0 ? artifact : NULL,
        .by_version = fleet_random(fleet, 2),
    };
}

static void check_analytics(struct world *world)
{
    static analytics_function *const functions[] = {
        analytics_volume, analytics_classes, analytics_confidence, analytics_latency};
    for (int i = 0; i < QUERIES; i++) {
        struct ask ask = {.function = functions[i % 4],
                          .query = random_query(&world->fleet),
                          .arena = ARENA_INIT(64 << 20)};
        struct err err = {0};
        struct store *store = world->fleet.fixture->store;
        if (store_call(store, JOB_READER, ask_run, &ask, &err) != OK) {
            fail_msg("%s", err.detail);
        }
        check_answer(world, &ask);
        arena_release(&ask.arena);
    }
}

static void every_answer_and_view_equals_brute_force_over_raw_rows(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct fleet *fleet = &world->fleet;
    const char *seed = getenv("MUSTER_SEED");
    int64_t shifted_ms = 0;
    fleet->fixture = *state;
    fleet->random = seed ? strtoull(seed, NULL, 10) : 20260101;
    print_message("MUSTER_SEED=%" PRIu64 "\n", fleet->random);
    world_publish(world);
    while (fleet->count < REPORTS) {
        send_group(fleet);
        if (fleet_random(fleet, 12) == 0) {
            restart(fleet, &shifted_ms);
        }
    }
    assert_true(fleet->duplicates > 10 && fleet->refused > 10);
    struct err err = {0};
    assert_int_equal(
        store_call(fleet->fixture->store, JOB_READER, world_load, world, &err), OK);
    check_raw(world);
    world_tell(world);
    check_views(world);
    check_analytics(world);
    clock_shift_wall(-shifted_ms);
    for (int i = 0; i < fleet->count; i++) {
        fleet_free(&fleet->sent[i]);
    }
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_answer_and_view_equals_brute_force_over_raw_rows, fixture_set_up,
            fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
