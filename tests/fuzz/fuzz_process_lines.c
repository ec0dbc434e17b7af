/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a process as lines, however its writes fall. Bytes of an input: the
 * longest line that is taken, in 16 bytes; the size of the writes; then the output. Every
 * line comes once, in order, until the first one that is too long. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS = 2, LIMIT_STEP = 16, OUTPUT_MAX = 32 * 1024 };

struct expected {
    const char *at, *end;
    size_t limit; /* of a line with its end */
};

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Takes what is there; false at the end of the output or an error. */
static bool take(struct process *process, struct expected *expected)
{
    const char *line = NULL;
    size_t len = 0;
    struct err err = {0};
    enum status status = process_receive(process, 0, &line, &len, &err);
    for (; status == OK; status = process_receive(process, 0, &line, &len, &err)) {
        check(len < (size_t)(expected->end - expected->at) && len < expected->limit);
        check(memcmp(line, expected->at, len) == 0 && expected->at[len] == '\n');
        expected->at += len + 1;
    }
    size_t left = (size_t)(expected->end - expected->at);
    const char *end = memchr(expected->at, '\n', left);
    bool too_long =
        end ? (size_t)(end - expected->at) >= expected->limit : left >= expected->limit;
    check(status != ERR_RUNNER_PROTOCOL || too_long);
    check(status != ERR_RUNNER_FAILED || !end);
    return status == ERR_UNAVAILABLE;
}

static void feed(struct process *process, int in, const uint8_t *data, size_t size)
{
    struct expected expected = {(const char *)data + NUMBERS, (const char *)data + size,
                                process->lines.max};
    size_t slice = (size_t)data[1] * data[1] + 1;
    bool goes_on = true;
    for (size_t at = NUMBERS; at < size && goes_on; at += slice) {
        size_t left = size - at, len = left < slice ? left : slice;
        check(write(in, data + at, len) == (ssize_t)len);
        goes_on = take(process, &expected);
    }
    close(in);
    while (goes_on) {
        goes_on = take(process, &expected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    if (size < NUMBERS || size > OUTPUT_MAX || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return 0;
    }
    struct process process = {
        .in = -1, .out = ends[0], .lines = BUF_INIT(((size_t)data[0] + 1) * LIMIT_STEP)};
    feed(&process, ends[1], data, size);
    process_kill(&process);
    return 0;
}
