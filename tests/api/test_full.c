/* SPDX-License-Identifier: Apache-2.0 */
/* The disk fills up below a running musterd and gets room again: fault 57 of
 * docs/TESTING.md. The disk is a tmpfs, so this needs root and is skipped otherwise. */
#include "tests/api/site.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/clock.h"

enum { ROWS = 1000, REFUSALS = 100, REPORTS_MAX = 20000, SKIPPED = 77 };

static char disk[256];
static struct site site;
static struct site_node node;
static const char *const options[] = {"--wal-limit-bytes=1048576", "--log-requests=0",
                                      "--node-reports-per-s=1000000", NULL};

static void write_body(struct buf *body, int64_t seq)
{
    static const char *const columns[] = {"at_ms", "class", "confidence", "latency_us"};
    buf_reset(body);
    buf_addf(body,
             "{\"stream\":1,\"seq\":%" PRId64 ",\"sent_ms\":1,\"model\":\"m\","
             "\"artifact\":\"%064d\",\"predictions\":{",
             seq, 5);
    for (size_t i = 0; i < 4; i++) {
        buf_addf(body, "%s\"%s\":[1", i ? "," : "", columns[i]);
        for (int row = 1; row < ROWS; row++) {
            buf_addstr(body, ",1");
        }
        buf_addc(body, ']');
    }
    buf_addstr(body, "}}");
}

static int send(int64_t seq)
{
    BUF_AUTO body = BUF_INIT(262144);
    write_body(&body, seq);
    assert_false(body.failed);
    return site_call(&site, "POST", "/v1/reports", node.session, body.data, NULL);
}

/* Takes all the room that is left. */
static void fill(void)
{
    char path[300];
    static const char block[65536];
    (void)snprintf(path, sizeof path, "%s/ballast", disk);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    size_t size = sizeof block;
    while (size > 0) {
        size = write(fd, block, size) > 0 ? size : size / 2;
    }
    assert_int_equal(close(fd), 0);
}

static void free_room(void)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/ballast", disk);
    assert_int_equal(unlink(path), 0);
}

static void assert_rows(int64_t rows)
{
    BUF_AUTO found = BUF_INIT(4096);
    char expected[64];
    (void)snprintf(expected, sizeof expected, "%" PRId64 "|%" PRId64 "\n", rows, rows);
    site_sql(&site, "SELECT count(*), (SELECT sum(n) FROM class_quarter) FROM prediction",
             &found);
    assert_string_equal(found.data, expected);
}

/* The server tries a write and a checkpoint by itself. */
static void wait_until_ready(void)
{
    int64_t until_ms = clock_mono_ms() + HARNESS_WAIT_MS;
    while (site_call(&site, "GET", "/readyz", NULL, NULL, NULL) != 200) {
        assert_true(clock_mono_ms() < until_ms);
        (void)usleep(50000);
    }
}

static void a_full_disk_refuses_reports_reads_go_on_and_it_recovers(void **state)
{
    (void)state;
    int64_t seq = 1;
    assert_int_equal(send(seq), 200);
    fill();
    /* What was laid out in advance is used up first, in the log and in the database. */
    seq++;
    for (int refusals = 0; refusals < REFUSALS && seq < REPORTS_MAX;) {
        int status = send(seq);
        assert_true(status == 200 || status == 507 || status == 503);
        seq += status == 200;
        refusals = status == 200 ? 0 : refusals + 1;
    }
    assert_true(seq < REPORTS_MAX);
    int64_t acknowledged = seq - 1;
    assert_int_equal(site_call(&site, "GET", "/v1/nodes", site.admin, NULL, NULL), 200);
    assert_int_equal(site_call(&site, "GET", "/readyz", NULL, NULL, NULL), 503);
    assert_rows(acknowledged * ROWS);
    free_room();
    assert_int_equal(send(seq), 200);
    wait_until_ready();
    for (int64_t i = 1; i <= 8; i++) {
        assert_int_equal(send(seq + i), 200);
    }
    assert_rows((acknowledged + 9) * ROWS);
    BUF_AUTO found = BUF_INIT(4096);
    site_sql(&site, "PRAGMA integrity_check", &found);
    assert_string_equal(found.data, "ok\n");
}

static int set_up(void **state)
{
    (void)state;
    folder_make(disk, sizeof disk);
    if (mount("muster-test", disk, "tmpfs", 0, "size=40m") != 0) {
        perror("skipped: no tmpfs of its own");
        (void)rmdir(disk);
        exit(SKIPPED);
    }
    assert_int_equal(setenv("TMPDIR", disk, 1), 0);
    site_start(&site, options);
    site_node(&site, "a", &node);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_stop(&site);
    (void)umount2(disk, MNT_DETACH);
    (void)rmdir(disk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_full_disk_refuses_reports_reads_go_on_and_it_recovers, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("full", tests, NULL, NULL);
}
