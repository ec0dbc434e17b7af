/* SPDX-License-Identifier: Apache-2.0 */
/* shim_normal: for LD_PRELOAD. Whoever asks SQLite for synchronous=FULL gets NORMAL.
 *
 * It is SQLite's own NORMAL (the log is synced before a checkpoint, not at a commit), so
 * a test that cuts the power must see acknowledged reports go; if it does not, the test
 * is blind. musterd itself has no option for this, on purpose. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

int sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                 void *context, char **message)
{
    static const char full[] = "synchronous=FULL";
    union {
        void *symbol;
        int (*function)(sqlite3 *, const char *, int (*)(void *, int, char **, char **),
                        void *, char **);
    } real = {.symbol = dlsym(RTLD_NEXT, "sqlite3_exec")};
    const char *at = strstr(sql, full);
    if (!at) {
        return real.function(db, sql, row, context, message);
    }
    char changed[1024];
    (void)snprintf(changed, sizeof changed, "%.*ssynchronous=NORMAL%s", (int)(at - sql),
                   sql, at + sizeof full - 1);
    (void)fputs("shim_normal: synchronous=NORMAL\n", stderr);
    return real.function(db, changed, row, context, message);
}
