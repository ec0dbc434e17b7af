/* SPDX-License-Identifier: Apache-2.0 */
/* reporter: nodes that report as fast as they are acknowledged, and write down what was.
 *
 * Each node is a thread with one report in flight. It enrols, gets a session and sends
 * report after report; whatever goes wrong (no connection, a broken one, 408, 429, 5xx)
 * it sends the same bytes again after a pause, as a client must. A line of the ack file
 * is that of docs/PROTOCOL.md: node, stream, seq, rows, first_id, duplicate. What a row
 * says follows from its place, so that a judge sees rows that went to a wrong report:
 *
 *   class = (seq + row) % 10    latency_us = seq % 1000000 * 2000 + row
 *
 * Ends after --reports of each node, or on SIGTERM once what is in flight is
 * acknowledged. The last line tells the counts; exit status 1 when an answer made no
 * sense or a report was not acknowledged within --patience-s. For tests only. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"

enum { NODES_MAX = 256, ANSWER_BYTES_MAX = 65536, BODY_BYTES_MAX = 1048576 };
enum { RECEIVE_S = 20, PAUSE_MS = 20, POLL_EVERY = 16 };

struct options {
    uint16_t port;
    const char *token;
    const char *acks;
    const char *name;
    int nodes;
    int rows;
    int64_t reports; /* of each node; 0: until SIGTERM */
    int64_t pause_ms;
    int64_t patience_ms;
};

struct node {
    pthread_t thread;
    int number;
    int fd; /* -1: no connection */
    int64_t id;
    char server_id[33];
    char session[128];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    int64_t stream, seq;
    struct buf answer; /* head and body of the last one, NUL-terminated */
};

static struct options options = {
    .name = "reporter", .nodes = 4, .rows = 100, .patience_ms = 120000};
static struct node nodes[NODES_MAX];
static int acks_fd = -1;
static atomic_bool stopping, bad;
static _Atomic uint64_t acked, rows_acked, duplicates, unavailable, full, limited, broken,
    renewed;

static void on_term(int number)
{
    (void)number;
    atomic_store(&stopping, true);
}

static void complain(const struct node *node, const char *what, int status)
{
    atomic_store(&bad, true);
    (void)fprintf(stderr, "reporter: node %d seq %" PRId64 ": %s (%d) %.300s\n",
                  node->number, node->seq, what, status,
                  node->answer.data ? node->answer.data : "");
}

/* ---- one request ----------------------------------------------------------------------
 */

static void hang_up(struct node *node)
{
    if (node->fd >= 0) {
        (void)close(node->fd);
    }
    node->fd = -1;
}

static bool dial(struct node *node)
{
    if (node->fd >= 0) {
        return true;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval wait = {.tv_sec = RECEIVE_S};
    int on = 1;
    node->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (node->fd < 0 ||
        connect(node->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        hang_up(node);
        return false;
    }
    (void)setsockopt(node->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(node->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* Whether the whole answer is there, by its Content-Length (an absent one is 0). */
static bool is_whole(const struct buf *answer)
{
    const char *end = answer->len ? strstr(answer->data, "\r\n\r\n") : NULL;
    if (!end) {
        return false;
    }
    const char *length = strcasestr(answer->data, "\r\nContent-Length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    bool is_empty = strncmp(answer->data + 9, "304", 3) == 0;
    return answer->len >= (size_t)(end + 4 - answer->data) + (is_empty ? 0 : body);
}

/* The answer's status, or 0 where there was none. */
static int receive(struct node *node)
{
    buf_reset(&node->answer);
    while (!is_whole(&node->answer)) {
        char *into = buf_reserve(&node->answer, 4096);
        ssize_t got = into ? recv(node->fd, into, 4095, 0) : -1;
        if (got <= 0) {
            return 0;
        }
        into[got] = '\0';
        node->answer.len += (size_t)got;
    }
    if (strcasestr(node->answer.data, "\r\nConnection: close")) {
        hang_up(node);
    }
    return (int)strtol(node->answer.data + 9, NULL, 10);
}

static int ask(struct node *node, const char *method, const char *target,
               const struct buf *body)
{
    BUF_AUTO head = BUF_INIT(4096);
    buf_addf(&head, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, target);
    if (node->session[0]) {
        buf_addf(&head, "Authorization: Bearer %s\r\n", node->session);
    }
    if (body) {
        buf_addf(&head, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                 body->len);
    }
    buf_addstr(&head, "\r\n");
    buf_reset(&node->answer);
    if (!dial(node)) {
        return 0;
    }
    bool sent = send_all(node->fd, head.data, head.len) &&
                (!body || send_all(node->fd, body->data, body->len));
    int status =
        receive(node); /* an early answer may come though the rest was not sent */
    if (!sent || status == 0) {
        hang_up(node);
    }
    return status;
}

/* The text or number of member `name`; false when there is none. */
static bool member(const struct node *node, const char *name, char *ret_text, size_t size)
{
    char quoted[64];
    (void)snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *at = node->answer.data ? strstr(node->answer.data, quoted) : NULL;
    if (!at) {
        return false;
    }
    at += strlen(quoted);
    bool is_text = *at == '"';
    at += is_text;
    size_t len = strcspn(at, is_text ? "\"" : ",}]");
    if (len >= size) {
        return false;
    }
    memcpy(ret_text, at, len);
    ret_text[len] = '\0';
    return true;
}

static int64_t member_int(const struct node *node, const char *name)
{
    char text[32];
    return member(node, name, text, sizeof text) ? strtoll(text, NULL, 10) : -1;
}

static bool has_code(const struct node *node, const char *code)
{
    char text[64];
    return member(node, "code", text, sizeof text) && strcmp(text, code) == 0;
}

/* Whether a client sends the same once more after this; counts why. */
static bool is_for_later(int status)
{
    (void)atomic_fetch_add(status == 0     ? &broken
                           : status == 507 ? &full
                           : status == 429 ? &limited
                                           : &unavailable,
                           1);
    return status == 0 || status == 408 || status == 429 || status >= 500;
}

static void pause_a_while(void)
{
    (void)usleep(PAUSE_MS * 1000);
}

/* ---- a node ---------------------------------------------------------------------------
 */

static bool enroll(struct node *node)
{
    BUF_AUTO body = BUF_INIT(4096);
    char key[2 * crypto_sign_PUBLICKEYBYTES + 1];
    (void)crypto_sign_keypair(node->public_key, node->secret_key);
    hex_encode(node->public_key, sizeof node->public_key, key);
    buf_addf(&body,
             "{\"token\":\"%s\",\"name\":\"%s-%d-%d\",\"public_key\":\"%s\","
             "\"facts\":{\"arch\":\"x86_64\",\"cores\":2,\"ram_bytes\":2147483648}}",
             options.token, options.name, (int)getpid(), node->number, key);
    int64_t until_ms = clock_mono_ms() + options.patience_ms;
    int status = 0;
    while ((status = ask(node, "POST", "/v1/enroll", &body)) != 200) {
        if (!is_for_later(status) || clock_mono_ms() > until_ms) {
            complain(node, "not enrolled", status);
            return false;
        }
        pause_a_while();
    }
    node->id = member_int(node, "node_id");
    return node->id > 0 &&
           member(node, "server_id", node->server_id, sizeof node->server_id);
}

static void write_session(const struct node *node, struct buf *body)
{
    uint8_t nonce[16];
    uint8_t signature[crypto_sign_BYTES];
    char nonce_text[33];
    char signature_text[2 * crypto_sign_BYTES + 1];
    char message[256];
    int64_t at_ms = clock_wall_ms();
    randombytes_buf(nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, nonce_text);
    int len = snprintf(message, sizeof message,
                       "muster-session-v1\n%s\n%" PRId64 "\n%" PRId64 "\n%s\n",
                       node->server_id, node->id, at_ms, nonce_text);
    (void)crypto_sign_detached(signature, NULL, (const uint8_t *)message,
                               (unsigned long long)len, node->secret_key);
    hex_encode(signature, sizeof signature, signature_text);
    buf_reset(body);
    buf_addf(body,
             "{\"node_id\":%" PRId64 ",\"at_ms\":%" PRId64
             ",\"nonce\":\"%s\",\"signature\":\"%s\"}",
             node->id, at_ms, nonce_text, signature_text);
}

static bool renew_session(struct node *node)
{
    BUF_AUTO body = BUF_INIT(4096);
    int64_t until_ms = clock_mono_ms() + options.patience_ms;
    node->session[0] = '\0';
    (void)atomic_fetch_add(&renewed, 1);
    for (;;) {
        write_session(node, &body);
        int status = ask(node, "POST", "/v1/session", &body);
        if (status == 200) {
            return member(node, "token", node->session, sizeof node->session);
        }
        /* Signed before the server started: the next one is not. */
        bool is_early = status == 401 && has_code(node, "session.clock");
        if ((!is_early && !is_for_later(status)) || clock_mono_ms() > until_ms) {
            complain(node, "no session", status);
            return false;
        }
        pause_a_while();
    }
}

static void add_column(struct buf *body, const char *name, const struct node *node)
{
    int64_t now_ms = clock_wall_ms();
    buf_addf(body, "\"%s\":[", name);
    for (int64_t row = 0; row < options.rows; row++) {
        if (row > 0) {
            buf_addc(body, ',');
        }
        switch (name[0]) {
        case 'a': /* at_ms */
            buf_addi(body, now_ms - options.rows + row);
            break;
        case 'l': /* latency_us */
            buf_addi(body, node->seq % 1000000 * 2000 + row);
            break;
        case 'c': /* class, confidence */
            if (name[1] == 'l') {
                buf_addi(body, (node->seq + row) % 10);
            } else {
                buf_addf(body, "0.%04d",
                         (int)((node->seq * 7919 + row * 104729) % 10000));
            }
            break;
        }
    }
    buf_addc(body, ']');
}

static void write_report(const struct node *node, struct buf *body)
{
    static const char *const columns[] = {"at_ms", "class", "confidence", "latency_us"};
    buf_reset(body);
    buf_addf(body,
             "{\"stream\":%" PRId64 ",\"seq\":%" PRId64 ",\"sent_ms\":%" PRId64
             ",\"dropped\":0,\"model\":\"reporter\",\"artifact\":\"%064d\","
             "\"predictions\":{",
             node->stream, node->seq, clock_wall_ms(), 7);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (i > 0) {
            buf_addc(body, ',');
        }
        add_column(body, columns[i], node);
    }
    buf_addstr(body, "},\"health\":{\"queued\":0,\"state\":\"ok\"}}");
}

static bool note_ack(struct node *node)
{
    char line[160];
    char duplicate[8] = "";
    int64_t rows = member_int(node, "rows");
    (void)member(node, "duplicate", duplicate, sizeof duplicate);
    bool is_duplicate = strcmp(duplicate, "true") == 0;
    int len = snprintf(line, sizeof line,
                       "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d\n",
                       node->id, node->stream, node->seq, rows,
                       member_int(node, "first_id"), is_duplicate);
    if (rows != options.rows || write(acks_fd, line, (size_t)len) != len) {
        complain(node, "the acknowledgement is not of this report", 200);
        return false;
    }
    (void)atomic_fetch_add(&acked, 1);
    (void)atomic_fetch_add(&rows_acked, (uint64_t)rows);
    (void)atomic_fetch_add(&duplicates, is_duplicate);
    return true;
}

/* Sends one report until it is acknowledged. */
static bool deliver(struct node *node, const struct buf *body)
{
    int64_t until_ms = clock_mono_ms() + options.patience_ms;
    for (;;) {
        int status = ask(node, "POST", "/v1/reports", body);
        if (status == 200) {
            return note_ack(node);
        }
        if (status == 401) {
            if (!renew_session(node)) {
                return false;
            }
            continue;
        }
        if (!is_for_later(status) || clock_mono_ms() > until_ms) {
            complain(node, "not acknowledged", status);
            return false;
        }
        pause_a_while();
    }
}

/* Asks what to run; only an answer without sense is a failure. */
static bool poll_assignment(struct node *node)
{
    int status = ask(node, "GET", "/v1/assignment", NULL);
    if (status == 200 || status == 304 || status == 401 || is_for_later(status)) {
        return true;
    }
    complain(node, "no assignment", status);
    return false;
}

static void *node_main(void *argument)
{
    struct node *node = argument;
    BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    node->fd = -1;
    node->answer = BUF_INIT(ANSWER_BYTES_MAX);
    node->stream = clock_wall_ms() / 1000;
    bool going = enroll(node) && renew_session(node);
    while (going && !atomic_load(&stopping) &&
           (options.reports == 0 || node->seq < options.reports)) {
        node->seq++;
        write_report(node, &body);
        going = !body.failed && deliver(node, &body);
        if (going && node->seq % POLL_EVERY == 1) {
            going = poll_assignment(node);
        }
        if (options.pause_ms > 0) {
            (void)usleep((useconds_t)(options.pause_ms * 1000));
        }
    }
    hang_up(node);
    buf_release(&node->answer);
    return NULL;
}

/* ---- the program ----------------------------------------------------------------------
 */

static const struct option flags[] = {
    {"port", required_argument, NULL, 'p'},
    {"token", required_argument, NULL, 't'},
    {"acks", required_argument, NULL, 'a'},
    {"nodes", required_argument, NULL, 'n'},
    {"rows", required_argument, NULL, 'r'},
    {"reports", required_argument, NULL, 'k'},
    {"pause-ms", required_argument, NULL, 'w'},
    {"patience-s", required_argument, NULL, 'g'},
    {"name", required_argument, NULL, 'm'},
    {NULL, 0, NULL, 0},
};

static bool take_option(int flag, const char *value)
{
    int64_t number = strtoll(value, NULL, 10);
    switch (flag) {
    case 'p':
        options.port = (uint16_t)number;
        return number > 0 && number < 65536;
    case 't':
        options.token = value;
        return true;
    case 'a':
        options.acks = value;
        return true;
    case 'm':
        options.name = value;
        return true;
    case 'n':
        options.nodes = (int)number;
        return number > 0 && number <= NODES_MAX;
    case 'r':
        options.rows = (int)number;
        return number > 0 && number <= 2000;
    case 'k':
        options.reports = number;
        return number > 0;
    case 'w':
        options.pause_ms = number;
        return number >= 0;
    case 'g':
        options.patience_ms = number * 1000;
        return number > 0;
    default:
        return false;
    }
}

static int usage(void)
{
    (void)fputs("usage: reporter --port N --token T --acks FILE [--nodes N] [--rows N]\n"
                "                [--reports N] [--pause-ms N] [--patience-s N] [--name "
                "NAME]\n",
                stderr);
    return 2;
}

static void print_counts(void)
{
    (void)printf("reporter: acked=%" PRIu64 " rows=%" PRIu64 " duplicates=%" PRIu64
                 " unavailable=%" PRIu64 " full=%" PRIu64 " limited=%" PRIu64
                 " broken=%" PRIu64 " sessions=%" PRIu64 "\n",
                 acked, rows_acked, duplicates, unavailable, full, limited, broken,
                 renewed);
}

int main(int argc, char **argv)
{
    int flag = 0;
    while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
        if (flag == '?' || !take_option(flag, optarg)) {
            return usage();
        }
    }
    if (!options.port || !options.token || !options.acks || sodium_init() < 0) {
        return usage();
    }
    acks_fd = open(options.acks, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (acks_fd < 0) {
        perror(options.acks);
        return 1;
    }
    (void)signal(SIGTERM, on_term);
    (void)signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < options.nodes; i++) {
        nodes[i].number = i;
        if (pthread_create(&nodes[i].thread, NULL, node_main, &nodes[i]) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < options.nodes; i++) {
        (void)pthread_join(nodes[i].thread, NULL);
    }
    print_counts();
    return atomic_load(&bad) ? 1 : 0;
}
