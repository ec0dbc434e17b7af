/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/table.h"

#include <signal.h>
#include <stddef.h>

#include "base/log.h"

static void (*ender)(void);

void table_on_fatal(void (*end)(void))
{
    ender = end;
}

void table_fatal(const char *detail)
{
    log_event(LOG_LEVEL_ERROR, "out_of_memory", log_text("detail", detail));
    if (ender) {
        ender();
    }
    for (;;) {
        (void)raise(SIGKILL); /* a program that set nothing, such as a test */
    }
}
