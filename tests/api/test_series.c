/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics over time, every point of them held against the rows and summaries that SQL
 * gives. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/histogram.h"
#include "tests/api/world.h"

static const int64_t HOUR_MS = 3600000;
static const int64_t DAY_MS = INT64_C(86400000);

enum { RAW_MAX = 4096, CLASSES = 2, PERCENTILES = 4 };

static struct world world;

/* Predictions that are alike; rows are one each. */
struct raw {
    int64_t at_ms, n, class_index, latency_us, version, node_id;
    char site[16];
};

static struct raw raw[RAW_MAX];
static int raw_count;

static const char raw_sql[] =
    "SELECT p.counted_ms, 1, p.class, p.latency_us, substr(c.version, 1, 1), p.node_id,"
    " c.label_1 FROM v_predictions AS p JOIN v_cohort AS c USING (cohort_id) WHERE"
    " p.counted UNION ALL SELECT s.counted_ms, s.n, s.class, l.middle_us,"
    " substr(c.version, 1, 1), s.node_id, c.label_1 FROM v_summary_class AS s JOIN"
    " v_summary_latency AS l USING (first_id) JOIN v_cohort AS c ON c.cohort_id ="
    " s.cohort_id ORDER BY 4";

static void read_raw(void)
{
    BUF_AUTO text = BUF_INIT(1 << 20);
    site_sql(&world.site, raw_sql, &text);
    raw_count = 0;
    for (char *line = text.data; line && *line; line = strchr(line, '\n') + 1) {
        struct raw *one = &raw[raw_count++];
        assert_true(raw_count < RAW_MAX);
        assert_int_equal(sscanf(line,
                                "%" SCNd64 "|%" SCNd64 "|%" SCNd64 "|%" SCNd64 "|%" SCNd64
                                "|%" SCNd64 "|%15[a-z]",
                                &one->at_ms, &one->n, &one->class_index, &one->latency_us,
                                &one->version, &one->node_id, one->site),
                         7);
    }
}

/* The last hour has rows and a summary, the days and months before it a few rows. */
static int start(void **state)
{
    (void)state;
    world_start(&world);
    const struct world_report reports[] = {
        {.node = 0, .version = 1, .rows = 200, .at_ms = world.begin_ms + 30000},
        {.node = 1, .version = 2, .rows = 100, .at_ms = world.begin_ms + 1800000},
        {.node = 2, .version = 2, .rows = 70, .at_ms = world.begin_ms + 1790000},
        {.node = 1, .version = 1, .rows = 90, .at_ms = world.begin_ms - 20 * HOUR_MS},
        {.node = 2, .version = 1, .rows = 40, .at_ms = world.begin_ms - 3 * DAY_MS},
        {.node = 0, .version = 2, .rows = 30, .at_ms = world.begin_ms - 40 * DAY_MS},
        {.node = 1, .version = 1, .rows = 20, .at_ms = world.begin_ms - 200 * DAY_MS},
    };
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        assert_int_equal(world_report(&world, &reports[i]), 200);
        assert_int_equal(world_repeat(&world, &reports[i]), 200);
    }
    assert_int_equal(world_summary(&world, 2, world.begin_ms + 120000), 200);
    read_raw();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    world_stop(&world);
    return 0;
}

/* What is asked: of the time from `before_ms` before the hour to its end. */
struct asked {
    const char *metric;
    int64_t before_ms;
    int width;
    const char *filter; /* more of the query */
    int64_t version;    /* what the filter lets through; 0 or NULL: all */
    int node;           /* 0: all, else number + 1 */
    const char *site;
};

static bool is_asked(const struct asked *asked, const struct raw *one)
{
    return (asked->version == 0 || one->version == asked->version) &&
           (asked->node == 0 || one->node_id == world.nodes[asked->node - 1].id) &&
           (!asked->site || strcmp(one->site, asked->site) == 0);
}

static json_t *series(const struct asked *asked)
{
    char target[400];
    char node[40] = "";
    if (asked->node > 0) {
        (void)snprintf(node, sizeof node, "&node=%" PRId64,
                       world.nodes[asked->node - 1].id);
    }
    (void)snprintf(target, sizeof target,
                   "/v1/series?metric=%s&from=%" PRId64 "&to=%" PRId64 "&width=%d%s%s",
                   asked->metric, world.begin_ms - asked->before_ms,
                   world.begin_ms + HOUR_MS, asked->width, asked->filter, node);
    return world_get(&world, target);
}

/* The answer's grid, and what the rows say of each of its steps. */
struct oracle {
    int64_t t0, step_ms, bucket_ms;
    size_t steps, per_step;
    int64_t *buckets; /* predictions of each bucket */
    int64_t *classes; /* of each class and step */
    int64_t total;
};

static void oracle_make(const struct asked *asked, const json_t *found,
                        struct oracle *oracle)
{
    *oracle = (struct oracle){.t0 = world_number(found, "t0"),
                              .step_ms = world_number(found, "step_ms"),
                              .bucket_ms = world_number(found, "bucket_ms")};
    oracle->steps =
        (size_t)((world_number(found, "to_ms") - oracle->t0) / oracle->step_ms);
    oracle->per_step = (size_t)(oracle->step_ms / oracle->bucket_ms);
    assert_int_equal(oracle->step_ms % oracle->bucket_ms, 0);
    assert_in_range(oracle->steps, 1, asked->width);
    assert_true(oracle->t0 <= world.begin_ms - asked->before_ms);
    assert_true(world_number(found, "to_ms") >= world.begin_ms + HOUR_MS);
    oracle->buckets = calloc(oracle->steps * oracle->per_step, sizeof(int64_t));
    oracle->classes = calloc(oracle->steps * CLASSES, sizeof(int64_t));
    for (int i = 0; i < raw_count; i++) {
        int64_t after_ms = raw[i].at_ms - oracle->t0;
        if (after_ms >= 0 && raw[i].at_ms < world_number(found, "to_ms") &&
            is_asked(asked, &raw[i])) {
            oracle->buckets[after_ms / oracle->bucket_ms] += raw[i].n;
            oracle->classes[raw[i].class_index * (int64_t)oracle->steps +
                            after_ms / oracle->step_ms] += raw[i].n;
            oracle->total += raw[i].n;
        }
    }
}

static void oracle_release(struct oracle *oracle)
{
    free(oracle->buckets);
    free(oracle->classes);
}

static const json_t *item(const json_t *found, const char *column, size_t i)
{
    const json_t *one = json_array_get(json_object_get(found, column), i);
    assert_non_null(one);
    return one;
}

static void assert_rate(const json_t *found, const char *column, size_t i, double wanted)
{
    double rate = json_number_value(item(found, column, i));
    assert_true(rate > wanted - 1e-6 - wanted * 1e-9);
    assert_true(rate < wanted + 1e-6 + wanted * 1e-9);
}

static void assert_volume(const struct oracle *oracle, const json_t *found, size_t i)
{
    const int64_t *buckets = oracle->buckets + i * oracle->per_step;
    double minute = 60000.0 / (double)oracle->bucket_ms;
    int64_t n = 0;
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (size_t k = 0; k < oracle->per_step; k++) {
        n += buckets[k];
        least = buckets[k] < least ? buckets[k] : least;
        most = buckets[k] > most ? buckets[k] : most;
    }
    if (n == 0) {
        assert_true(json_is_null(item(found, "min", i)));
        assert_true(json_is_null(item(found, "max", i)));
        assert_true(json_is_null(item(found, "mean", i)));
        return;
    }
    assert_rate(found, "min", i, (double)least * minute);
    assert_rate(found, "max", i, (double)most * minute);
    assert_rate(found, "mean", i, (double)n * minute / (double)oracle->per_step);
}

static void assert_classes(const struct oracle *oracle, const json_t *found, size_t i)
{
    static const char *const names[CLASSES] = {"a", "=b"};
    size_t index;
    const json_t *one;
    int64_t n = 0;
    json_array_foreach(json_object_get(found, "classes"), index, one)
    {
        size_t class_index = (size_t)world_number(one, "class");
        assert_string_equal(world_text(one, "name"), names[class_index]);
        assert_int_equal(json_integer_value(item(one, "n", i)),
                         oracle->classes[class_index * oracle->steps + i]);
        n += json_integer_value(item(one, "n", i));
    }
    assert_int_equal(json_integer_value(item(found, "n", i)), n);
}

/* The nearest rank among the rows (which are sorted by latency), as a bucket tells it. */
static int64_t percentile(const struct asked *asked, int64_t from_ms, int64_t to_ms,
                          int64_t rank)
{
    int64_t upto = 0;
    for (int i = 0; i < raw_count; i++) {
        if (raw[i].at_ms >= from_ms && raw[i].at_ms < to_ms && is_asked(asked, &raw[i])) {
            upto += raw[i].n;
        }
        if (upto >= rank) {
            return histogram_latency_middle(
                histogram_latency_bucket((uint32_t)raw[i].latency_us));
        }
    }
    fail_msg("there is no rank %" PRId64, rank);
    return 0;
}

static void assert_latency(const struct asked *asked, const struct oracle *oracle,
                           const json_t *found, size_t i)
{
    static const char *const names[PERCENTILES] = {"p50_us", "p90_us", "p99_us",
                                                   "max_us"};
    static const int percents[PERCENTILES] = {50, 90, 99, 100};
    int64_t n = json_integer_value(item(found, "n", i));
    int64_t from_ms = oracle->t0 + (int64_t)i * oracle->step_ms;
    for (int k = 0; k < PERCENTILES; k++) {
        const json_t *one = item(found, names[k], i);
        if (n == 0) {
            assert_true(json_is_null(one));
        } else {
            assert_int_equal(json_integer_value(one),
                             percentile(asked, from_ms, from_ms + oracle->step_ms,
                                        (n * percents[k] + 99) / 100));
        }
    }
}

/* Returns how many predictions were in it. */
static int64_t assert_series(const struct asked *asked)
{
    struct oracle oracle;
    json_t *found = series(asked);
    oracle_make(asked, found, &oracle);
    assert_string_equal(world_text(found, "metric"), asked->metric);
    assert_int_equal(world_number(found, "total"), oracle.total);
    assert_int_equal(json_array_size(json_object_get(found, "n")), oracle.steps);
    for (size_t i = 0; i < oracle.steps; i++) {
        assert_int_equal(json_integer_value(item(found, "n", i)),
                         oracle.classes[i] + oracle.classes[oracle.steps + i]);
        if (strcmp(asked->metric, "volume") == 0) {
            assert_volume(&oracle, found, i);
        } else if (strcmp(asked->metric, "classes") == 0) {
            assert_classes(&oracle, found, i);
        } else {
            assert_latency(asked, &oracle, found, i);
        }
    }
    oracle_release(&oracle);
    json_decref(found);
    return oracle.total;
}

static void every_point_is_that_of_the_rows(void **state)
{
    (void)state;
    static const char *const metrics[] = {"volume", "classes", "latency"};
    const int64_t before_ms[] = {0,           1234567,      20 * HOUR_MS, 4 * DAY_MS,
                                 45 * DAY_MS, 300 * DAY_MS, 3000 * DAY_MS};
    static const int widths[] = {16, 75, 800, 4000};
    for (size_t i = 0; i < 3 * 7 * 4; i++) {
        struct asked asked = {.metric = metrics[i % 3],
                              .before_ms = before_ms[i / 3 % 7],
                              .width = widths[i / 21],
                              .filter = ""};
        assert_true(assert_series(&asked) >= 2170);
    }
}

static void filters_choose_what_is_counted(void **state)
{
    (void)state;
    static const char second[] =
        "&artifact=0200000000000000000000000000000000000000000000000000000000000000";
    const struct {
        struct asked asked;
        int64_t total;
    } cases[] = {
        {{"volume", 0, 60, "&version=2.0.0&model=fashion", .version = 2}, 170},
        {{"volume", 45 * DAY_MS, 60, second, .version = 2}, 200},
        {{"classes", 45 * DAY_MS, 60, second, .version = 2}, 200},
        {{"latency", 45 * DAY_MS, 60, second, .version = 2}, 200},
        {{"volume", 0, 60, "&label.site=paris", .site = "paris"}, 1870},
        {{"latency", 4 * DAY_MS, 60, "&label.site=paris", .site = "paris"}, 1910},
        {{"classes", 0, 60, "&label.site=lyon&version=1.0.0", 1, .site = "lyon"}, 200},
        {{"volume", 0, 60, "&label.site=", .site = ""}, 0},
        {{"volume", 0, 60, "&model=other", .version = 9}, 0},
        {{"volume", 300 * DAY_MS, 800, .filter = "", .node = 2}, 210},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(assert_series(&cases[i].asked), cases[i].total);
    }
}

static void the_step_fits_the_width(void **state)
{
    (void)state;
    const struct {
        struct asked asked;
        int64_t bucket_min, step_min;
    } cases[] = {
        {{"volume", 0, 800, .filter = ""}, 1, 1},
        {{"volume", 0, 59, .filter = ""}, 1, 2},
        {{"volume", 0, 16, .filter = ""}, 1, 5},
        {{"volume", 25 * HOUR_MS, 4000, .filter = ""}, 1, 1},
        {{"volume", 25 * HOUR_MS + 60000, 4000, .filter = ""}, 15, 15},
        {{"latency", 0, 800, .filter = ""}, 15, 15},
        {{"classes", 30 * DAY_MS, 100, .filter = ""}, 15, 720},
        {{"volume", 0, 800, .filter = "", .node = 1}, 60, 60},
        {{"volume", 12000 * DAY_MS, 16, .filter = ""}, 15, 2 * 10080 * 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *found = series(&cases[i].asked);
        assert_int_equal(world_number(found, "bucket_ms"), cases[i].bucket_min * 60000);
        assert_int_equal(world_number(found, "step_ms"), cases[i].step_min * 60000);
        json_decref(found);
    }
}

static void all_of_time_has_an_answer(void **state)
{
    (void)state;
    static const char *const metrics[] = {"volume", "classes", "latency"};
    for (size_t i = 0; i < 3; i++) {
        char target[128];
        (void)snprintf(target, sizeof target,
                       "/v1/series?metric=%s&from=0&to=253402300799000&width=16",
                       metrics[i]);
        json_t *found = world_get(&world, target);
        assert_int_equal(world_number(found, "total"), 2350);
        json_decref(found);
    }
}

/* The body of an answer of CSV, after its headers. */
static void get_csv(const char *target, const char *headers, struct reply *reply)
{
    char found[128];
    assert_int_equal(
        http_send(
            world.site.server.port,
            &(struct call){.target = target, .token = world.viewer, .headers = headers},
            reply),
        200);
    assert_true(answer_header(&reply->answer, "Content-Type", found, sizeof found));
    assert_string_equal(found, "text/csv; charset=utf-8; header=present");
    assert_true(
        answer_header(&reply->answer, "Content-Disposition", found, sizeof found));
    assert_non_null(strstr(found, "attachment; filename=\"muster-"));
}

/* Appends what stands in a column, null as nothing. */
static void add_field(struct buf *text, const json_t *value)
{
    buf_addc(text, ',');
    if (json_is_integer(value)) {
        buf_addi(text, json_integer_value(value));
    } else if (!json_is_null(value)) {
        buf_addf(text, "%.10g", json_number_value(value));
    }
}

static void assert_csv_of_columns(const char *target, const char *header,
                                  const char *const *columns, int count)
{
    BUF_AUTO wanted = BUF_INIT(1 << 20);
    REPLY_AUTO reply = {0};
    json_t *found = world_get(&world, target);
    get_csv(target, "Accept: text/html;q=0.1, text/csv;q=0.9\r\n", &reply);
    buf_addf(&wanted, "%s\r\n", header);
    for (size_t i = 0; i < json_array_size(json_object_get(found, "n")); i++) {
        buf_addi(&wanted,
                 world_number(found, "t0") + (int64_t)i * world_number(found, "step_ms"));
        for (int k = 0; k < count; k++) {
            add_field(&wanted, item(found, columns[k], i));
        }
        buf_addstr(&wanted, "\r\n");
    }
    assert_string_equal(reply.answer.body, wanted.data);
    json_decref(found);
}

static void csv_has_the_rows_of_the_json(void **state)
{
    (void)state;
    static const char *const volume[] = {"n", "min", "max", "mean"};
    static const char *const latency[] = {"n", "p50_us", "p90_us", "p99_us", "max_us"};
    char target[128];
    (void)snprintf(target, sizeof target,
                   "/v1/series?from=%" PRId64 "&to=%" PRId64 "&width=50", world.begin_ms,
                   world.begin_ms + HOUR_MS);
    assert_csv_of_columns(target, "time_ms,n,min,max,mean", volume, 4);
    (void)snprintf(target, sizeof target,
                   "/v1/series?metric=latency&from=%" PRId64 "&to=%" PRId64,
                   world.begin_ms, world.begin_ms + HOUR_MS);
    assert_csv_of_columns(target, "time_ms,n,p50_us,p90_us,p99_us,max_us", latency, 5);
}

static void csv_keeps_formulas_from_spreadsheets(void **state)
{
    (void)state;
    static const char *const targets[] = {"series?metric=classes&", "analytics/classes?"};
    for (size_t i = 0; i < 2; i++) {
        REPLY_AUTO reply = {0};
        char target[160];
        char wanted[160];
        (void)snprintf(target, sizeof target,
                       "/v1/%sformat=csv&width=16&step=900&from=%" PRId64 "&to=%" PRId64,
                       targets[i], world.begin_ms, world.begin_ms + HOUR_MS);
        get_csv(target, NULL, &reply);
        (void)snprintf(wanted, sizeof wanted, "time_ms,class,name,n\r\n%" PRId64 ",0,a,",
                       world.begin_ms);
        assert_memory_equal(reply.answer.body, wanted, strlen(wanted));
        (void)snprintf(wanted, sizeof wanted, "%" PRId64 ",1,'=b,", world.begin_ms);
        assert_non_null(strstr(reply.answer.body, wanted));
        assert_null(strstr(reply.answer.body, ",=b"));
    }
}

/* Adds up the last field of each line that begins with `lead`. */
static int64_t sum_last(const char *csv, const char *lead)
{
    int64_t sum = 0;
    for (const char *line = strchr(csv, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\r');
        const char *last = end;
        while (last > line && last[-1] != ',') {
            last--;
        }
        if (strncmp(line, lead, strlen(lead)) == 0) {
            sum += strtoll(last, NULL, 10);
        }
    }
    return sum;
}

static void analytics_are_had_as_csv_too(void **state)
{
    (void)state;
    static const struct {
        const char *target, *header;
        int64_t sum; /* of the last column; -1: it is none of counts */
    } cases[] = {
        {"volume?", "time_ms,n\r\n", 2170},
        {"volume?group=version&", "model,version,artifact,time_ms,n\r\n", 2170},
        {"classes?", "time_ms,class,name,n\r\n", 2170},
        {"confidence?", "lower,upper,n\r\n0,0.05,", 2170},
        {"latency?", "total,p50_us,p90_us,p95_us,p99_us,max_us\r\n2170,", -1},
        {"latency?model=other&", "total,p50_us,p90_us,p95_us,p99_us,max_us\r\n0,,,,,\r\n",
         -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO reply = {0};
        char target[160];
        (void)snprintf(target, sizeof target,
                       "/v1/analytics/%sformat=csv&from=%" PRId64 "&to=%" PRId64,
                       cases[i].target, world.begin_ms, world.begin_ms + HOUR_MS);
        get_csv(target, NULL, &reply);
        assert_memory_equal(reply.answer.body, cases[i].header, strlen(cases[i].header));
        if (cases[i].sum >= 0) {
            assert_int_equal(sum_last(reply.answer.body, ""), cases[i].sum);
        }
        if (strstr(cases[i].target, "group")) {
            assert_int_equal(sum_last(reply.answer.body, "fashion,2.0.0,02000000"), 170);
        }
    }
}

static void a_format_beats_the_accept_header(void **state)
{
    (void)state;
    REPLY_AUTO reply = {0};
    char type[64];
    assert_int_equal(http_send(world.site.server.port,
                               &(struct call){.target = "/v1/series?format=json",
                                              .token = world.viewer,
                                              .headers = "Accept: text/csv\r\n"},
                               &reply),
                     200);
    assert_true(answer_header(&reply.answer, "Content-Type", type, sizeof type));
    assert_string_equal(type, "application/json");
}

static void what_cannot_be_asked_has_a_code_and_a_pointer(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"metric=noise", "invalid_argument", "?metric"},
        {"width=15", "json.range", "?width"},
        {"width=4001", "json.range", "?width"},
        {"width=wide", "json.range", "?width"},
        {"from=5&to=4", "json.range", "?to"},
        {"from=5&to=5", "json.range", "?to"},
        {"from=-1", "json.range", "?from"},
        {"artifact=x", "invalid_argument", "?artifact"},
        {"label.colour=red", "invalid_argument", "?label.colour"},
        {"node=0", "json.range", "?node"},
        {"metric=classes&node=1", "unsupported", "?node"},
        {"metric=latency&node=1", "unsupported", "?node"},
        {"format=xml", "invalid_argument", "?format"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO reply = {0};
        char target[128];
        (void)snprintf(target, sizeof target, "/v1/series?%s", cases[i][0]);
        assert_int_equal(
            site_call(&world.site, "GET", target, world.viewer, NULL, &reply), 422);
        assert_true(reply_has_code(&reply, cases[i][1]));
        assert_non_null(strstr(reply.answer.body, cases[i][2]));
    }
}

static void nobody_without_a_token_learns_anything(void **state)
{
    (void)state;
    assert_int_equal(site_call(&world.site, "GET", "/v1/series", NULL, NULL, NULL), 401);
    assert_int_equal(
        site_call(&world.site, "GET", "/v1/series", world.nodes[0].session, NULL, NULL),
        403);
}

/* Last: it deletes. */
static void deleted_minutes_are_told_by_quarter_hours(void **state)
{
    (void)state;
    const struct asked asked = {"volume", 0, 800, .filter = ""};
    char statement[200];
    (void)snprintf(statement, sizeof statement,
                   "DELETE FROM class_minute; UPDATE retention SET complete_from_ms = "
                   "%" PRId64 " WHERE kind = 'minutes'",
                   world.begin_ms + HOUR_MS);
    world_seed(&world, statement);
    json_t *found = series(&asked);
    assert_int_equal(world_number(found, "bucket_ms"), 900000);
    assert_int_equal(world_number(found, "complete_from_ms"), 0);
    json_decref(found);
    assert_int_equal(assert_series(&asked), 2170);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_that_of_the_rows),
        cmocka_unit_test(filters_choose_what_is_counted),
        cmocka_unit_test(the_step_fits_the_width),
        cmocka_unit_test(all_of_time_has_an_answer),
        cmocka_unit_test(csv_has_the_rows_of_the_json),
        cmocka_unit_test(csv_keeps_formulas_from_spreadsheets),
        cmocka_unit_test(analytics_are_had_as_csv_too),
        cmocka_unit_test(a_format_beats_the_accept_header),
        cmocka_unit_test(what_cannot_be_asked_has_a_code_and_a_pointer),
        cmocka_unit_test(nobody_without_a_token_learns_anything),
        cmocka_unit_test(deleted_minutes_are_told_by_quarter_hours),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
