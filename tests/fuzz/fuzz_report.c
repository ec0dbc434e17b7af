/* SPDX-License-Identifier: Apache-2.0 */
/* Report decoder: judged as by jansson, and what it accepts survives encode and decode.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/format/report_differs.h"
#include "tests/unit/format/summary_difference.h"

enum { ARENA_BYTES = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_up(const char *why)
{
    (void)fprintf(stderr, "fuzz_report: %s\n", why);
    abort();
}

static void check_round_trip(const struct report *report)
{
    BUF_AUTO one = BUF_INIT(REPORT_BYTES_MAX);
    BUF_AUTO two = BUF_INIT(REPORT_BYTES_MAX);
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct report back = {0};
    report_encode(report, &one);
    if (one.failed) {
        return; /* 17 digits for a short number may pass the limit */
    }
    if (report_decode(one.data, one.len, &arena, &back, NULL) != OK) {
        give_up("cannot read what it wrote");
    }
    report_encode(&back, &two);
    if (two.len != one.len || memcmp(one.data, two.data, one.len) != 0) {
        give_up("the round trip changes a report");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct oracle_rows rows;
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct report report = {0};
    struct err err = {0};
    if (size > REPORT_BYTES_MAX) {
        return 0;
    }
    enum status status = report_decode((const char *)data, size, &arena, &report, &err);
    enum verdict wanted = oracle_judge((const char *)data, size, &rows);
    if (status != err.status) {
        give_up("status and error differ");
    }
    if ((status == OK) != (wanted == VERDICT_ACCEPT) && wanted != VERDICT_UNSURE) {
        give_up("accepted by one, refused by the other");
    }
    if (status != OK && (status_http(status) == 400) != (wanted == VERDICT_SYNTAX)) {
        give_up("syntax and meaning are confused");
    }
    if (status == OK && wanted == VERDICT_ACCEPT &&
        summary_differs(report.summary, &rows.summary)) {
        give_up("a summary has other values");
    }
    if (wanted == VERDICT_ACCEPT &&
        report_differs((const char *)data, size, &report, &rows)) {
        give_up("another value than jansson's");
    }
    if (status == OK) {
        check_round_trip(&report);
    }
    return 0;
}
