/* SPDX-License-Identifier: Apache-2.0 */
/* fixture_folder: temporary folders for tests: made, copied as a crash would leave them,
 * removed. Failing any of it fails the test. */
#ifndef MUSTER_TESTS_UNIT_EDGE_FIXTURE_FOLDER_H
#define MUSTER_TESTS_UNIT_EDGE_FIXTURE_FOLDER_H

enum { FOLDER_BYTES = 512 };

/* A new folder in memory (/dev/shm) where there is such, else below $TMPDIR or /tmp. */
void folder_make(char ret_path[static FOLDER_BYTES]);

/* Removes it with everything in it. */
void folder_remove(const char *path);

/* Copies everything, regular files and folders only. */
void folder_copy(const char *from, const char *to);

/* How many regular files lie in it (not below it). */
int folder_count(const char *path);

#endif
