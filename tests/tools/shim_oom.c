/* SPDX-License-Identifier: Apache-2.0 */
/* shim_oom: for LD_PRELOAD. Memory runs out at one place of the program.
 *
 * A place is a call stack of an allocation: the innermost DEPTH return addresses, each
 * relative to its object file, so that a number means the same in every run, whatever
 * the threads do meanwhile.
 *
 *   OOM_LIST=FILE  append the number of every place when it is first reached
 *   OOM_FAIL=HEX   the allocations of this place fail
 *   OOM_SKIP=N     but not the first N of them (0)
 *   OOM_TIMES=N    and only N of them (1)
 *
 * A failure says "shim_oom: HEX" on stderr. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 10, OWN_FRAMES = 3, PLACES = 1 << 16, HEX_DIGITS = 16 };

/* glibc's own names for what is replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static int list_fd = -1;
static uint64_t wanted;
static _Atomic int64_t skip, times;
static _Atomic uint64_t places[PLACES]; /* open addressing; 0: free */
static atomic_bool ready;
static __thread bool inside __attribute__((tls_model("initial-exec")));

static int64_t number_of(const char *name, int64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoll(text, NULL, 10) : fallback;
}

__attribute__((constructor)) static void start(void)
{
    void *frames[DEPTH];
    inside = true;
    (void)backtrace(frames, DEPTH); /* loads the unwinder, which allocates */
    const char *list = getenv("OOM_LIST");
    const char *fail = getenv("OOM_FAIL");
    list_fd = list ? open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    wanted = fail ? strtoull(fail, NULL, 16) : 0;
    atomic_store(&skip, number_of("OOM_SKIP", 0));
    atomic_store(&times, number_of("OOM_TIMES", 1));
    inside = false;
    atomic_store(&ready, list_fd >= 0 || wanted != 0);
}

/* Not inlined: the number of own frames is fixed. */
__attribute__((noinline)) static uint64_t place_of_caller(void)
{
    void *frames[DEPTH + OWN_FRAMES];
    int count = backtrace(frames, DEPTH + OWN_FRAMES);
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = OWN_FRAMES; i < count; i++) {
        struct dl_find_object object;
        uintptr_t address = (uintptr_t)frames[i];
        if (_dl_find_object(frames[i], &object) == 0) {
            address -= (uintptr_t)object.dlfo_map_start;
        }
        hash = (hash ^ address) * UINT64_C(1099511628211);
    }
    return hash | 1;
}

static void write_line(int fd, const char *before, uint64_t place)
{
    static const char digits[] = "0123456789abcdef";
    char line[64];
    size_t len = strlen(before);
    memcpy(line, before, len);
    for (int i = HEX_DIGITS - 1; i >= 0; i--) {
        line[len++] = digits[place >> (4 * i) & 15];
    }
    line[len++] = '\n';
    ssize_t written = write(fd, line, len);
    (void)written;
}

static void list(uint64_t place)
{
    for (uint64_t i = place; i - place < PLACES; i++) {
        _Atomic uint64_t *slot = &places[i % PLACES];
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(slot, &there, place)) {
            write_line(list_fd, "", place);
            return;
        }
        if (there == place) {
            return;
        }
    }
}

__attribute__((noinline)) static bool fails(void)
{
    if (!atomic_load(&ready) || inside) {
        return false;
    }
    inside = true;
    int saved = errno;
    uint64_t place = place_of_caller();
    if (list_fd >= 0) {
        list(place);
    }
    bool failing = place == wanted && atomic_fetch_sub(&skip, 1) <= 0 &&
                   atomic_fetch_sub(&times, 1) > 0;
    if (failing) {
        write_line(STDERR_FILENO, "shim_oom: ", place);
    }
    errno = failing ? ENOMEM : saved;
    inside = false;
    return failing;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = fails() ? NULL : __libc_memalign(alignment, size);
    if (!memory) {
        return ENOMEM;
    }
    *ret_memory = memory;
    return 0;
}
