/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/report/valid/<case>/body.json decodes to what `expect` says, the report
 * encoded again; …/invalid/<case>/body.json is refused as `expect` says: HTTP status,
 * code and JSON pointer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "format/report.h"

enum { ARENA_BYTES = 1024 * 1024, CASES_MIN = 20 };

static void read_part(const char *area, const char *name, const char *part,
                      struct buf *ret_data)
{
    char path[PATH_MAX];
    struct err err = {0};
    (void)snprintf(path, sizeof path, VECTORS_DIR "/report/%s/%s/%s", area, name, part);
    if (file_read(path, ret_data, &err) != OK) {
        fail_msg("%s", err.detail);
    }
}

/* What came of a body, in the form of `expect`. */
static void describe(const struct buf *body, struct buf *ret_text)
{
    ARENA_AUTO arena = ARENA_INIT(ARENA_BYTES);
    struct report report = {0};
    struct err err = {0};
    enum status status = report_decode(body->data, body->len, &arena, &report, &err);
    if (status == OK) {
        report_encode(&report, ret_text);
    } else {
        buf_addf(ret_text, "%d %s %s", status_http(status), status_name(status),
                 err.pointer);
    }
    buf_addc(ret_text, '\n');
}

static int run_cases(const char *area)
{
    char folder[PATH_MAX];
    int cases = 0;
    int failed = 0;
    (void)snprintf(folder, sizeof folder, VECTORS_DIR "/report/%s", area);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        BUF_AUTO body = BUF_INIT(REPORT_BYTES_MAX);
        BUF_AUTO expect = BUF_INIT(REPORT_BYTES_MAX);
        BUF_AUTO found = BUF_INIT(REPORT_BYTES_MAX);
        read_part(area, entry->d_name, "body.json", &body);
        read_part(area, entry->d_name, "expect", &expect);
        describe(&body, &found);
        if (strcmp(found.data, expect.data) != 0) {
            print_error("%s/%s: expected %sfound %s", area, entry->d_name, expect.data,
                        found.data);
            failed++;
        }
        cases++;
    }
    (void)closedir(dir);
    assert_int_equal(failed, 0);
    return cases;
}

static void valid_reports_decode_to_what_is_written_beside_them(void **state)
{
    (void)state;
    assert_true(run_cases("valid") >= CASES_MIN / 2);
}

static void invalid_reports_are_refused_for_the_reason_written_beside_them(void **state)
{
    (void)state;
    assert_true(run_cases("invalid") >= CASES_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_reports_decode_to_what_is_written_beside_them),
        cmocka_unit_test(invalid_reports_are_refused_for_the_reason_written_beside_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
