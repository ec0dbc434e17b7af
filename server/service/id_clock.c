/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/id_clock.h"

#include "base/clock.h"

enum { SLEW_DIVISOR = 10 };

void id_clock_init(struct id_clock *clock)
{
    clock->shown_us = clock_wall_ms() * 1000;
    clock->mono_us = clock_mono_us();
}

int64_t id_clock_now(struct id_clock *clock)
{
    int64_t mono_us = clock_mono_us();
    int64_t elapsed_us = mono_us - clock->mono_us;
    int64_t behind_us = clock_wall_ms() * 1000 - (clock->shown_us + elapsed_us);
    int64_t most_us = elapsed_us / SLEW_DIVISOR;
    int64_t step_us = behind_us > most_us    ? most_us
                      : behind_us < -most_us ? -most_us
                                             : behind_us;
    clock->mono_us = mono_us;
    clock->shown_us += elapsed_us + step_us;
    return clock->shown_us / 1000;
}
