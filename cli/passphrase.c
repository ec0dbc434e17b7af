/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passphrase.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <termios.h>
#include <unistd.h>

enum { INTERRUPT = 3, END = 4 };

void passphrase_wipe(struct passphrase *passphrase)
{
    explicit_bzero(passphrase, sizeof *passphrase);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

#define FD_AUTO __attribute__((cleanup(close_fd))) int

/* One line of at most PASSPHRASE_BYTES - 1 characters, byte for byte so that nothing of
 * it stays in a buffer of stdio. */
static enum status read_line(int fd, struct passphrase *ret_passphrase, struct err *err)
{
    size_t len = 0;
    for (;;) {
        char c = 0;
        ssize_t got = read(fd, &c, 1);
        if (got < 0) {
            return err_set_errno(err, "could not read the passphrase");
        }
        if (c == INTERRUPT || c == END) {
            return err_set(err, ERR_KEY_PASSPHRASE, "no passphrase was given");
        }
        if (got == 0 || c == '\n' || c == '\r') {
            ret_passphrase->text[len] = '\0';
            break;
        }
        if (len + 1 == PASSPHRASE_BYTES) {
            return err_set(err, ERR_KEY_PASSPHRASE, "the passphrase is over %d bytes",
                           PASSPHRASE_BYTES - 1);
        }
        ret_passphrase->text[len++] = c;
    }
    return len > 0 ? OK : err_set(err, ERR_KEY_PASSPHRASE, "the passphrase is empty");
}

static void say(int fd, const char *text)
{
    ssize_t written = write(fd, text, strlen(text));
    (void)written;
}

/* Signals are off while echo is, so that an interrupt cannot leave the terminal mute. */
static enum status prompt(int fd, const char *question, struct passphrase *ret_passphrase,
                          struct err *err)
{
    struct termios before;
    if (tcgetattr(fd, &before) != 0) {
        return err_set_errno(err, "could not ask on the terminal");
    }
    struct termios mute = before;
    mute.c_lflag &= (tcflag_t) ~(ECHO | ISIG);
    (void)tcsetattr(fd, TCSAFLUSH, &mute);
    say(fd, question);
    enum status status = read_line(fd, ret_passphrase, err);
    say(fd, "\n");
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    return status;
}

static enum status ask(bool confirm, struct passphrase *ret_passphrase, struct err *err)
{
    FD_AUTO fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return err_set(err, ERR_USAGE,
                       "no terminal to ask for the passphrase: give --passphrase-file");
    }
    enum status status = prompt(fd, "passphrase: ", ret_passphrase, err);
    if (status != OK || !confirm) {
        return status;
    }
    PASSPHRASE_AUTO again;
    status = prompt(fd, "once more: ", &again, err);
    if (status == OK && strcmp(again.text, ret_passphrase->text) != 0) {
        return err_set(err, ERR_KEY_PASSPHRASE, "the two passphrases differ");
    }
    return status;
}

enum status passphrase_read(const char *file, bool confirm,
                            struct passphrase *ret_passphrase, struct err *err)
{
    if (file) {
        FD_AUTO fd = open(file, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? err_set_errno(err, "could not open '%s'", file)
                      : read_line(fd, ret_passphrase, err);
    }
    const char *text = getenv("MUSTER_PASSPHRASE");
    if (!text) {
        return ask(confirm, ret_passphrase, err);
    }
    size_t len = strlen(text);
    if (len == 0 || len >= PASSPHRASE_BYTES) {
        return err_set(err, ERR_KEY_PASSPHRASE,
                       "MUSTER_PASSPHRASE has %zu bytes, 1 to %d expected", len,
                       PASSPHRASE_BYTES - 1);
    }
    memcpy(ret_passphrase->text, text, len + 1);
    return OK;
}
