/* SPDX-License-Identifier: Apache-2.0 */
#include "server/supervisor.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The whole number of an environment variable; 0 without one. */
static int64_t number_of(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    if (!text || !isdigit((unsigned char)text[0])) {
        return 0;
    }
    long long number = strtoll(text, &end, 10);
    return *end == '\0' ? number : 0;
}

static bool set_address(struct supervisor *supervisor, const char *name)
{
    struct sockaddr_un *address = &supervisor->address;
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 ||
        len >= sizeof address->sun_path) {
        return false;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, len);
    if (name[0] == '@') {
        address->sun_path[0] = '\0';
    }
    supervisor->address_bytes =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    return true;
}

enum status supervisor_open(struct supervisor *supervisor, struct err *err)
{
    *supervisor = (struct supervisor){.fd = -1};
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name || !name[0]) {
        return OK;
    }
    if (!set_address(supervisor, name)) {
        return err_set(err, ERR_CONFIG, "NOTIFY_SOCKET is not a socket's name: '%.80s'",
                       name);
    }
    supervisor->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (supervisor->fd < 0) {
        return err_set_errno(err, "cannot make a socket for '%.80s'", name);
    }
    int64_t pid = number_of("WATCHDOG_PID");
    if (pid == 0 || pid == getpid()) {
        supervisor->watchdog_ms = number_of("WATCHDOG_USEC") / 1000;
    }
    return OK;
}

void supervisor_close(struct supervisor *supervisor)
{
    if (supervisor->fd >= 0) {
        (void)close(supervisor->fd);
    }
    supervisor->fd = -1;
}

void supervisor_tell(const struct supervisor *supervisor, const char *message)
{
    if (supervisor->fd >= 0) {
        (void)sendto(
            supervisor->fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
            (const struct sockaddr *)&supervisor->address, supervisor->address_bytes);
    }
}
