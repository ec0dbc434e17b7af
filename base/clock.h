/* SPDX-License-Identifier: Apache-2.0 */
/* clock: wall time in milliseconds since the epoch and monotonic time.
 *
 * `int64_t` milliseconds is the one time type of the project. Tests shift the wall clock
 * with clock_shift_wall; nothing else may. */
#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"

enum { RFC3339_BYTES = 21 };

/* Milliseconds since 1970-01-01T00:00:00Z, CLOCK_REALTIME plus the test shift. */
int64_t clock_wall_ms(void);

/* Monotonic time that never jumps; only differences mean something. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* The same, but it goes on while the machine sleeps (CLOCK_BOOTTIME). */
int64_t clock_boot_ms(void);

/* Adds `delta_ms` to what clock_wall_ms returns, process-wide. For tests. */
void clock_shift_wall(int64_t delta_ms);

/* "YYYY-MM-DDTHH:MM:SSZ" of a time in [0, 9999-12-31]; outside it the nearest end. */
void clock_format_utc(int64_t at_ms, char ret_text[static RFC3339_BYTES]);

/* The reverse, exactly that form. ERR_INVALID_ARGUMENT for anything else. */
enum status clock_parse_utc(const char *text, int64_t *ret_at_ms,
                            struct err *err) MUST_USE;

#endif
