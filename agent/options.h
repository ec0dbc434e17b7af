/* SPDX-License-Identifier: Apache-2.0 */
/* options: the command line of muster-agent. Texts borrow from argv and environment. */
#ifndef MUSTER_AGENT_OPTIONS_H
#define MUSTER_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <muster/edge.h>

#include "agent/external.h"
#include "agent/source.h"

enum { AGENT_LABELS_MAX = 16, AGENT_LABEL_BYTES = 128 };

struct agent_options {
    struct muster_client_options client;
    struct muster_client_label labels[AGENT_LABELS_MAX];
    char label_texts[AGENT_LABELS_MAX]
                    [AGENT_LABEL_BYTES]; /* keys and values behind NUL */
    const char *source;
    struct source_part part;
    double rate;           /* images a second, 0: as fast as possible */
    int64_t passes;        /* over all images, then end; 0: for ever */
    bool once_per_version; /* each image once under each version */
    int64_t versions;      /* with it: end after so many; 0: for ever */
    const char *runner_format;
    struct external_rules external; /* runner processes */
    bool help, version;
};

/* Reads argv, then MUSTER_SERVER and MUSTER_ENROLMENT where an option is missing.
 * ERR_USAGE.
 */
enum status options_read(int argc, char **argv, struct agent_options *ret_options,
                         struct err *err) MUST_USE;

/* The help text. Static. */
const char *options_help(void);

#endif
