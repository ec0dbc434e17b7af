/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/api/metrics_fleet.h"
#include "server/service/fleet.h"

enum { MANY = METRICS_VERSIONS_MAX + 7 };

/* What the fleet is said to run, in `out`. */
static const char *text(const struct fleet_version *versions, size_t count,
                        int64_t beyond, struct buf *out)
{
    struct fleet_view fleet = {
        .versions = versions, .version_count = count, .other_versions = beyond};
    metrics_add_fleet(out, &fleet);
    buf_addc(out, '\0');
    assert_false(out->failed);
    return (const char *)out->data;
}

static size_t lines(const char *text, const char *start)
{
    size_t count = 0;
    for (const char *at = strstr(text, start); at; at = strstr(at + 1, start)) {
        count++;
    }
    return count;
}

static void every_version_has_its_nodes(void **state)
{
    (void)state;
    BUF_AUTO out = BUF_INIT(65536);
    const struct fleet_version versions[] = {
        {.model = "fashion", .version = "1.1.0", .variant = "int8", .nodes = 41},
        {.model = "fashion", .version = "1.0.0", .variant = "fp32", .nodes = 20},
    };
    const char *found = text(versions, 2, 0, &out);
    assert_non_null(strstr(
        found, "\nmuster_running_nodes{model=\"fashion\",version=\"1.1.0\",variant="
               "\"int8\"} 41\nmuster_running_nodes{model=\"fashion\",version=\"1.0.0\","
               "variant=\"fp32\"} 20\n"));
    assert_int_equal(lines(found, "\"other\""), 0);
}

static void artifacts_that_were_never_published_share_a_sample(void **state)
{
    (void)state;
    BUF_AUTO out = BUF_INIT(65536);
    const struct fleet_version versions[] = {
        {.model = "own", .artifact = {1}, .nodes = 3},
        {.model = "own", .artifact = {2}, .nodes = 2},
    };
    assert_non_null(strstr(text(versions, 2, 0, &out),
                           "\nmuster_running_nodes{model=\"own\",version=\"unpublished\","
                           "variant=\"\"} 5\n"));
    assert_int_equal(lines((const char *)out.data, "\nmuster_running_nodes{"), 1);
}

static void samples_are_bounded_and_lose_no_node(void **state)
{
    (void)state;
    BUF_AUTO out = BUF_INIT(65536);
    static struct fleet_version versions[MANY];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(versions[i].model, sizeof versions[i].model, "model-%d", i);
        (void)snprintf(versions[i].version, sizeof versions[i].version, "1.0.0");
        versions[i].nodes = 2;
    }
    const char *found = text(versions, MANY, 100, &out);
    assert_int_equal(lines(found, "\nmuster_running_nodes{"), METRICS_VERSIONS_MAX + 1);
    assert_non_null(strstr(found, "{model=\"other\",version=\"other\",variant=\"other\"} "
                                  "114\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_has_its_nodes),
        cmocka_unit_test(artifacts_that_were_never_published_share_a_sample),
        cmocka_unit_test(samples_are_bounded_and_lose_no_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
