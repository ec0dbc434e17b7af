/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>

int cli_fail(const struct err *err)
{
    (void)fprintf(stderr, "muster: %s (%s)\n", err->detail, status_name(err->status));
    if (err->status == ERR_USAGE) {
        return CLI_USAGE;
    }
    return err->status == ERR_NET_STATUS ? CLI_REFUSED : CLI_FAILED;
}
