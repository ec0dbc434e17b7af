/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "edge/env.h"

enum status state_lock(const char *folder, int *ret_fd, struct err *err)
{
    char path[EDGE_PATH_BYTES];
    enum status status = file_mkdirs(folder, 0700, err);
    if (status == OK) {
        status = env_join(folder, "lock", path, err);
    }
    if (status != OK) {
        return status;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set_errno(err, "could not open '%s'", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return err_set(err, ERR_BUSY, "another client holds the state folder '%s'",
                       folder);
    }
    *ret_fd = fd;
    return OK;
}
