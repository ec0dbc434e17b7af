/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/load_hold.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/load_client.h"
#include "tests/bench/load_fleet.h"

enum { SLOW_STEP_MS = 100 };

/* Waits `timeout_ms` (-1: for ever) and says whether stdin has ended. */
static bool stdin_ended(int timeout_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char c;
    return poll(&input, 1, timeout_ms) > 0 && read(STDIN_FILENO, &c, 1) == 0;
}

/* ---- Idle ---- */

struct idle_work {
    struct work work; /* first */
    const struct load_options *options;
    struct fleet fleet; /* empty without --fleet */
};

static bool idle_next(struct work *work, struct exchange *exchange)
{
    struct idle_work *idle = (struct idle_work *)work;
    if (exchange->context) {
        return false;
    }
    exchange->context = work;
    buf_addf(&exchange->request, "GET %s HTTP/1.1\r\nHost: %s\r\n", idle->options->path,
             idle->options->host);
    if (idle->fleet.count > 0) {
        buf_addf(&exchange->request, "Authorization: Bearer %s\r\n",
                 idle->fleet.nodes[exchange->index % idle->fleet.count].token);
    }
    buf_addstr(&exchange->request, "\r\n");
    return true;
}

static bool idle_accept(struct work *work, struct exchange *exchange,
                        const struct answer *answer)
{
    (void)work;
    (void)exchange;
    return answer->status == 200 || answer->status == 401;
}

static bool is_open(int fd)
{
    char c;
    ssize_t count = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return count > 0 || (count < 0 && errno == EAGAIN);
}

static unsigned count_open(const struct client *client)
{
    unsigned open = 0;
    for (unsigned i = 0; i < client->count; i++) {
        open += is_open(client->exchanges[i].fd);
    }
    return open;
}

bool hold_idle(const struct load_options *options)
{
    struct idle_work idle = {.work = {.next = idle_next, .accept = idle_accept},
                             .options = options};
    struct client client;
    if (options->fleet) {
        fleet_login(&idle.fleet, options);
    }
    client_init(&client, options, options->connections);
    client_run(&client, &idle.work, 0, 0);
    (void)printf("{\"mode\":\"idle\",\"open\":%u,\"failed\":%lld}\n", count_open(&client),
                 (long long)client.result.failed);
    (void)fflush(stdout);
    while (!stdin_ended(-1)) {
    }
    unsigned open = count_open(&client);
    (void)printf("{\"mode\":\"idle\",\"open_at_end\":%u}\n", open);
    bool good = client.result.failed == 0 && open == client.count;
    fleet_release(&idle.fleet);
    client_release(&client);
    return good;
}

/* ---- Slow ---- */

struct slow {
    int fd;
    size_t sent;
};

struct slow_set {
    const struct load_options *options;
    struct slow *slows;
    char requests[2][512]; /* even connections, odd connections */
    size_t at_once[2];     /* what is sent without delay */
    int64_t reopened, bytes;
};

static void slow_requests(struct slow_set *set)
{
    (void)snprintf(set->requests[0], sizeof set->requests[0],
                   "GET /v1/assignment HTTP/1.1\r\nHost: %s\r\nX-Slow: %0200d\r\n\r\n",
                   set->options->host, 0);
    set->at_once[0] = 1;
    int head = snprintf(set->requests[1], sizeof set->requests[1],
                        "POST /v1/enroll HTTP/1.1\r\nHost: %s\r\nContent-Type: "
                        "application/json\r\nContent-Length: 300\r\n\r\n",
                        set->options->host);
    set->at_once[1] = (size_t)head;
    (void)snprintf(set->requests[1] + head, sizeof set->requests[1] - (size_t)head,
                   "{\"token\":\"%0289d", 0);
}

/* Sends what is due; an ended or finished connection is opened again. */
static void slow_step(struct slow_set *set, unsigned index)
{
    struct slow *slow = &set->slows[index];
    const char *request = set->requests[index % 2];
    size_t left = strlen(request) - slow->sent;
    size_t due = slow->sent == 0 ? set->at_once[index % 2] : 1;
    if (left == 0 || (slow->sent > 0 && !is_open(slow->fd))) {
        (void)close(slow->fd);
        *slow = (struct slow){.fd = client_socket(set->options, index)};
        set->reopened++;
        return;
    }
    ssize_t count = send(slow->fd, request + slow->sent, due < left ? due : left,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
        slow->sent += (size_t)count;
        set->bytes += count;
    } else if (count < 0 && errno != EAGAIN) {
        slow->sent = strlen(request);
    }
}

bool hold_slow(const struct load_options *options)
{
    enum { SLICES = 20 };
    struct slow_set set = {.options = options};
    slow_requests(&set);
    set.slows = must_calloc(options->connections, sizeof *set.slows);
    for (unsigned i = 0; i < options->connections; i++) {
        set.slows[i].fd = client_socket(options, i);
        slow_step(&set, i);
        if (i % 64 == 63) {
            (void)usleep(2000); /* the other side's queue of new connections is short */
        }
    }
    (void)printf("{\"mode\":\"slow\",\"open\":%u}\n", options->connections);
    (void)fflush(stdout);
    /* Not all at the same moment: a slice of them at a time. */
    for (unsigned slice = 0; !stdin_ended(SLOW_STEP_MS / SLICES); slice++) {
        for (unsigned i = slice % SLICES; i < options->connections; i += SLICES) {
            slow_step(&set, i);
        }
    }
    (void)printf("{\"mode\":\"slow\",\"reopened\":%lld,\"bytes\":%lld}\n",
                 (long long)set.reopened, (long long)set.bytes);
    for (unsigned i = 0; i < options->connections; i++) {
        (void)close(set.slows[i].fd);
    }
    free(set.slows);
    return true;
}
