/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/node_contact.h"

#include <string.h>

static const char *const CONTACT_NAMES[] = {[CONTACT_CURRENT] = "current",
                                            [CONTACT_LATE] = "late",
                                            [CONTACT_SILENT] = "silent",
                                            [CONTACT_NEVER] = "never"};

const char *node_contact_name(enum node_contact contact)
{
    return CONTACT_NAMES[contact];
}

bool node_contact_parse(const char *text, enum node_contact *ret_contact)
{
    for (int i = 0; i < CONTACT_COUNT; i++) {
        if (strcmp(text, CONTACT_NAMES[i]) == 0) {
            *ret_contact = (enum node_contact)i;
            return true;
        }
    }
    return false;
}

struct contact_limits contact_limits_of(int64_t poll_s)
{
    enum { POLLS_CURRENT = 3, POLLS_LATE = 20 };
    return (struct contact_limits){.current_ms = poll_s * 1000 * POLLS_CURRENT,
                                   .late_ms = poll_s * 1000 * POLLS_LATE};
}

enum node_contact node_contact_of(const struct contact_limits *limits,
                                  int64_t last_seen_ms, int64_t now_ms)
{
    int64_t since_ms = now_ms - last_seen_ms;
    return last_seen_ms == 0                ? CONTACT_NEVER
           : since_ms <= limits->current_ms ? CONTACT_CURRENT
           : since_ms <= limits->late_ms    ? CONTACT_LATE
                                            : CONTACT_SILENT;
}
