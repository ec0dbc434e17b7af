/* SPDX-License-Identifier: Apache-2.0 */
/* boots: what is known of the time in each boot of the device, kept on disk.
 *
 *   <state>/boots   {"boots":[{"id","known","anchor_ms","low_ms","last_ms"},…]}, oldest
 * first
 *
 * Predictions are kept in monotonic time, which begins anew with every boot. A boot's
 * *anchor* (true time − monotonic time) turns it into true time.
 *
 * It is exact, whenever the batch is sent, where it was learnt from the server in that
 * boot or NTP kept the wall clock. Else it lies between two bounds, because boots follow
 * one another and each lasted at least until the latest monotonic time on disk
 * (`last_ms`, at most 5 minutes old). With A(k) the anchor of boot k if known, else its
 * bound on the same side:
 *
 *     low(k)  = A(k−1) + last(k−1)
 *     high(k) = A(k+1) − last(k)
 *
 * The estimate is the device's wall clock as it was in that boot, moved into the bounds.
 * So a clock that kept time (RTC) is believed where it is possible, one that stood still
 * while the power was off (fake-hwclock) is at least at the end of the boot before, and
 * 1970 becomes that end too. What is wrong is less than high − low: all the time that the
 * device was off between the two known times, and at most 5 minutes for each boot. A node
 * that was off for less than an hour in all lands in the right hour or the one beside it;
 * a wider doubt is told (`doubt_ms`).
 *
 * A known time that contradicts another (the server's own clock was stepped) leaves no
 * room between the bounds: then `high`, the newer word, counts.
 * Where the system has no boot id nothing is kept and nothing is known of other runs.
 * Belongs to the stepping thread; boots_save blocks for an fsync. */
#ifndef MUSTER_EDGE_BOOTS_H
#define MUSTER_EDGE_BOOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edge/env.h"

enum {
    BOOT_ID_BYTES = 40, /* 36 characters and NULs */
    BOOTS_MAX = 128,    /* beyond it the oldest is forgotten; its bound lives on */
    BOOTS_SAVE_MS = 300000,
};

struct boot {
    char id[BOOT_ID_BYTES];
    bool known;        /* the anchor is the server's or NTP's, not a guess */
    int64_t anchor_ms; /* time − monotonic time */
    int64_t low_ms;    /* the true anchor is not below; INT64_MIN: nothing known */
    int64_t last_ms;   /* monotonic: it lasted until here at least */
};

struct boots {
    char path[EDGE_PATH_BYTES];   /* "": nothing is kept */
    struct boot items[BOOTS_MAX]; /* oldest first; the last one is this boot */
    size_t count;
    struct boot saved;   /* this boot as it is on disk */
    int64_t next_try_ms; /* monotonic: after a save that failed */
};

/* What is known of a boot's anchor. */
struct boot_time {
    int64_t anchor_ms; /* the best estimate */
    int64_t doubt_ms;  /* how far it may be off; 0: exact; INT64_MAX: no bound */
};

/* Reads the file (a missing or damaged one is empty) and begins or continues the boot
 * `id`, "" where there is none; boots_note tells its anchor. ERR_LIMIT for a long path.
 */
enum status boots_open(struct boots *boots, const char *state_folder, const char *id,
                       struct err *err) MUST_USE;

/* Notes this boot's anchor as it is known now, and that the boot lasts. */
void boots_note(struct boots *boots, bool known, int64_t anchor_ms, int64_t now_mono_ms);

/* In how many ms a save is due; 0: now. It is when the boot is new, the server's time
 * became known, the anchor moved by more than a second, or BOOTS_SAVE_MS have passed. */
int64_t boots_wait_ms(const struct boots *boots, int64_t now_mono_ms);

/* Writes the file. */
enum status boots_save(struct boots *boots, int64_t now_mono_ms,
                       struct err *err) MUST_USE;

/* The time of a boot; false when it is "" or not among those kept. */
bool boots_find(const struct boots *boots, const char *id, struct boot_time *ret_time);

/* Not below this can this boot's anchor be; INT64_MIN: nothing known. */
int64_t boots_low_ms(const struct boots *boots);

#endif
