/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { EVENTS_MAX = 64, OPEN_AT_ONCE = 64, REQUEST_BYTES_MAX = 1 << 20 };

/* ---- Usage ---- */

/* User and system time of /proc/PID/stat: fields 14 and 15, counted behind the name. */
static double process_cpu_s(pid_t pid)
{
    char path[64];
    char text[1024];
    unsigned long long user = 0;
    unsigned long long system_time = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(text, sizeof text, file)) {
        die("process %d is gone", (int)pid);
    }
    (void)fclose(file);
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 14; field++) {
        at = strchr(at + 1, ' ');
    }
    if (!at || sscanf(at, "%llu %llu", &user, &system_time) != 2) {
        die("cannot read %s", path);
    }
    return (double)(user + system_time) / (double)sysconf(_SC_CLK_TCK);
}

/* Bytes that the process caused to be written to disk; 0 where that is not told. */
static int64_t process_written_bytes(pid_t pid)
{
    char path[64];
    char line[128];
    long long bytes = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        (void)sscanf(line, "write_bytes: %lld", &bytes);
    }
    if (file) {
        (void)fclose(file);
    }
    return bytes;
}

static struct usage server_usage(const struct load_options *options)
{
    struct usage usage = {0};
    for (unsigned i = 0; i < options->server_pid_count; i++) {
        usage.cpu_s += process_cpu_s(options->server_pids[i]);
        usage.written_bytes += process_written_bytes(options->server_pids[i]);
    }
    return usage;
}

static double own_cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- Connections ---- */

int client_socket(const struct load_options *options, unsigned index)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("socket: %s", strerrorname_np(errno));
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (options->sources > 0) {
        struct sockaddr_in from = {.sin_family = AF_INET,
                                   .sin_addr.s_addr =
                                       htonl(0x7F000002U + index % options->sources)};
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, (const struct sockaddr *)&from, sizeof from) != 0) {
            die("bind: %s", strerrorname_np(errno));
        }
    }
    if (connect(fd, (const struct sockaddr *)&options->to, sizeof options->to) != 0 &&
        errno != EINPROGRESS) {
        die("connect: %s", strerrorname_np(errno));
    }
    return fd;
}

static void watch(struct client *client, struct exchange *exchange, int operation)
{
    struct epoll_event event = {.data.ptr = exchange,
                                .events =
                                    exchange->wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN};
    if (epoll_ctl(client->epoll_fd, operation, exchange->fd, &event) != 0) {
        die("epoll_ctl: %s", strerrorname_np(errno));
    }
}

static void exchange_open(struct client *client, struct exchange *exchange)
{
    exchange->fd = client_socket(client->options, exchange->index);
    exchange->wants_out = false;
    watch(client, exchange, EPOLL_CTL_ADD);
}

static void exchange_reopen(struct client *client, struct exchange *exchange)
{
    (void)close(exchange->fd);
    client->result.reconnects++;
    exchange_open(client, exchange);
}

static void exchange_send(struct client *client, struct exchange *exchange)
{
    const struct buf *request = &exchange->request;
    while (exchange->sent < request->len) {
        ssize_t count = send(exchange->fd, request->data + exchange->sent,
                             request->len - exchange->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            break; /* no room, or an end that recv will tell */
        }
        exchange->sent += (size_t)count;
    }
    bool wants_out = exchange->sent < request->len;
    exchange->state = wants_out ? EXCHANGE_SENDING : EXCHANGE_READING;
    if (wants_out != exchange->wants_out) {
        exchange->wants_out = wants_out;
        watch(client, exchange, EPOLL_CTL_MOD);
    }
}

/* The next request on this connection; at the end of the work the next connection's. */
static void exchange_begin(struct client *client, struct exchange *exchange,
                           struct work *work)
{
    if (client->ending || !work->next(work, exchange)) {
        client->active--;
        exchange->state = EXCHANGE_RESTING;
        exchange->due_us = INT64_MAX;
        return;
    }
    if (buf_status(&exchange->request, NULL) != OK) {
        die("a request is larger than %d bytes", REQUEST_BYTES_MAX);
    }
    exchange->sent = 0;
    exchange->received = 0;
    exchange->began_us = clock_mono_us();
    exchange_send(client, exchange);
}

static void open_more(struct client *client, struct work *work)
{
    while (!client->ending && client->opened < client->count &&
           client->active < OPEN_AT_ONCE + (client->end_us ? client->count : 0)) {
        struct exchange *exchange = &client->exchanges[client->opened++];
        client->active++;
        exchange_open(client, exchange);
        exchange_begin(client, exchange, work);
    }
}

/* ---- Answers ---- */

/* The value of a header field in lower case with its colon, or NULL. */
static const char *field_find(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = head; at && at + len < end;
         at = memchr(at, '\n', (size_t)(end - at))) {
        at += *at == '\n';
        if (at + len < end && strncasecmp(at, name, len) == 0) {
            return at + len;
        }
    }
    return NULL;
}

/* Whether a whole answer has arrived. */
static bool answer_complete(const struct exchange *exchange, struct answer *ret_answer)
{
    const char *text = exchange->answer;
    const char *end = memmem(text, exchange->received, "\r\n\r\n", 4);
    if (!end || exchange->received < 12) {
        return false;
    }
    end += 4;
    const char *length = field_find(text, end, "content-length:");
    if (!length && field_find(text, end, "transfer-encoding:")) {
        die("chunked answers are not understood: %.*s", (int)(end - text), text);
    }
    *ret_answer = (struct answer){.status = (int)strtol(text + 9, NULL, 10), .body = end};
    bool bodiless = ret_answer->status == 304 || ret_answer->status == 204;
    ret_answer->len = length && !bodiless ? strtoul(length, NULL, 10) : 0;
    if (ret_answer->len > sizeof exchange->answer - (size_t)(end - text)) {
        die("an answer of %zu bytes is too long", ret_answer->len);
    }
    return exchange->received >= (size_t)(end - text) + ret_answer->len;
}

static void tell_failure(struct client *client, const struct answer *answer)
{
    if (client->result.failed++ == 0) {
        (void)fprintf(stderr, "bench_load: status %d: %.*s\n", answer->status,
                      (int)(answer->len < 300 ? answer->len : 300), answer->body);
    }
}

static void count_answer(struct client *client, const struct exchange *exchange)
{
    struct load_result *result = &client->result;
    result->answered++;
    if (!client->in_window) {
        return;
    }
    int64_t took_us = client->now_us - exchange->began_us;
    result->window_answered++;
    result->bytes_sent += (int64_t)exchange->request.len;
    result->latency[histogram_latency_bucket((uint32_t)took_us)]++;
    if (took_us > result->latency_max_us) {
        result->latency_max_us = took_us;
    }
}

/* Where a rate is asked for, a connection rests until its next turn. */
static void exchange_next(struct client *client, struct exchange *exchange,
                          struct work *work)
{
    double rate = client->options->rate;
    if (rate > 0 && client->end_us) {
        exchange->due_us += (int64_t)(1e6 * client->count / rate);
        if (exchange->due_us < client->now_us - 1000000) {
            exchange->due_us = client->now_us; /* hopelessly behind: do not burst */
        }
        if (exchange->due_us > client->now_us && !client->ending) {
            exchange->state = EXCHANGE_RESTING;
            return;
        }
    }
    exchange_begin(client, exchange, work);
}

static void exchange_read(struct client *client, struct exchange *exchange,
                          struct work *work)
{
    ssize_t count = recv(exchange->fd, exchange->answer + exchange->received,
                         sizeof exchange->answer - exchange->received, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        bool idle = exchange->state == EXCHANGE_RESTING;
        exchange_reopen(client, exchange);
        if (!idle) {
            tell_failure(client,
                         &(struct answer){.body = "connection closed", .len = 17});
            exchange_next(client, exchange, work);
        }
        return;
    }
    exchange->received += (size_t)count;
    struct answer answer;
    if (!answer_complete(exchange, &answer)) {
        return;
    }
    client->now_us = clock_mono_us();
    if (work->accept(work, exchange, &answer)) {
        count_answer(client, exchange);
    } else {
        tell_failure(client, &answer);
    }
    bool closing = field_find(exchange->answer, answer.body, "connection: close") != NULL;
    exchange->received = 0;
    if (closing) {
        exchange_reopen(client, exchange);
    }
    exchange_next(client, exchange, work);
}

/* ---- The run ---- */

static void window_move(struct client *client)
{
    client->now_us = clock_mono_us();
    if (client->end_us == 0 || client->ending) {
        return;
    }
    if (!client->in_window && client->now_us >= client->warm_us) {
        client->in_window = true;
        client->warm_us = client->now_us;
        client->server_before = server_usage(client->options);
        client->own_before_s = own_cpu_s();
    }
    if (client->now_us < client->end_us) {
        return;
    }
    struct load_result *result = &client->result;
    struct usage after = server_usage(client->options);
    result->window_s = (double)(client->now_us - client->warm_us) / 1e6;
    result->server.cpu_s = after.cpu_s - client->server_before.cpu_s;
    result->server.written_bytes =
        after.written_bytes - client->server_before.written_bytes;
    result->own_cpu_s = own_cpu_s() - client->own_before_s;
    client->in_window = false;
    client->ending = true;
}

/* Those whose turn has come; at the end, all that rest are done. */
static void wake_resting(struct client *client, struct work *work)
{
    for (unsigned i = 0; i < client->opened; i++) {
        struct exchange *exchange = &client->exchanges[i];
        if (exchange->state == EXCHANGE_RESTING && exchange->due_us != INT64_MAX &&
            (client->ending || exchange->due_us <= client->now_us)) {
            exchange_begin(client, exchange, work);
        }
    }
}

void client_init(struct client *client, const struct load_options *options,
                 unsigned connections)
{
    *client = (struct client){.options = options, .count = connections};
    client->exchanges = must_calloc(connections, sizeof *client->exchanges);
    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < connections; i++) {
        client->exchanges[i].index = i;
        client->exchanges[i].fd = -1;
        client->exchanges[i].request = BUF_INIT(REQUEST_BYTES_MAX);
    }
}

void client_release(struct client *client)
{
    for (unsigned i = 0; i < client->count; i++) {
        if (client->exchanges[i].fd >= 0) {
            (void)close(client->exchanges[i].fd);
        }
        buf_release(&client->exchanges[i].request);
    }
    (void)close(client->epoll_fd);
    free(client->exchanges);
}

void client_run(struct client *client, struct work *work, double warm_s, double seconds)
{
    struct epoll_event events[EVENTS_MAX];
    bool paced = client->options->rate > 0 && seconds > 0;
    client->now_us = clock_mono_us();
    client->warm_us = client->now_us + (int64_t)(warm_s * 1e6);
    client->end_us = seconds > 0 ? client->warm_us + (int64_t)(seconds * 1e6) : 0;
    for (unsigned i = 0; i < client->count && paced; i++) {
        client->exchanges[i].due_us =
            client->now_us + (int64_t)(1e6 * i / client->options->rate);
    }
    open_more(client, work);
    while (client->active > 0) {
        int count = epoll_wait(client->epoll_fd, events, EVENTS_MAX, paced ? 1 : 100);
        window_move(client);
        for (int i = 0; i < count; i++) {
            struct exchange *exchange = events[i].data.ptr;
            if (exchange->state == EXCHANGE_SENDING && (events[i].events & EPOLLOUT)) {
                exchange_send(client, exchange);
            }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                exchange_read(client, exchange, work);
            }
        }
        if (paced) {
            wake_resting(client, work);
        }
        open_more(client, work);
    }
}

/* ---- Telling ---- */

int64_t client_percentile_us(const struct load_result *result, double rank)
{
    int64_t wanted = (int64_t)(rank * (double)result->window_answered + 0.5);
    int64_t seen = 0;
    for (unsigned bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
        seen += result->latency[bucket];
        if (seen >= wanted && seen > 0) {
            return histogram_latency_middle(bucket);
        }
    }
    return 0;
}

void client_print(const struct client *client, const struct work *work)
{
    const struct load_result *result = &client->result;
    double units = (double)(result->window_answered * work->units);
    double seconds = result->window_s > 0 ? result->window_s : 1;
    (void)printf(
        "{\"mode\":\"%s\",\"connections\":%u,\"seconds\":%.3f,\"answers_per_s\":%.1f,"
        "\"rate\":%.0f,\"server_cpu_s_per_million\":%.4f,\"server_cpu_us_per_answer\":%."
        "3f,"
        "\"server_written_bytes\":%lld,\"sent_bytes\":%lld,\"p50_us\":%lld,\"p90_us\":%"
        "lld,"
        "\"p99_us\":%lld,\"max_us\":%lld,\"loader_cpu\":%.2f,\"answered\":%lld,"
        "\"acknowledged\":%lld,\"body_bytes\":%.1f,\"failed\":%lld,\"reconnects\":%lld}"
        "\n",
        client->options->mode, client->count, result->window_s,
        (double)result->window_answered / seconds, units / seconds,
        units > 0 ? result->server.cpu_s / units * 1e6 : 0,
        result->window_answered > 0
            ? result->server.cpu_s / (double)result->window_answered * 1e6
            : 0,
        (long long)result->server.written_bytes, (long long)result->bytes_sent,
        (long long)client_percentile_us(result, 0.5),
        (long long)client_percentile_us(result, 0.9),
        (long long)client_percentile_us(result, 0.99), (long long)result->latency_max_us,
        result->own_cpu_s / seconds, (long long)result->answered,
        (long long)(result->answered * work->units),
        work->bodies > 0 ? (double)work->body_bytes / (double)work->bodies : 0.0,
        (long long)result->failed, (long long)result->reconnects);
}
