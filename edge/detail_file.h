/* SPDX-License-Identifier: Apache-2.0 */
/* detail_file: the detail that the server asked for last, kept for the next start.
 *
 *   <state>/detail   {"model":"fashion","mode":"sampled","every":10,"interval_s":60}
 *
 * So a node that starts without its server goes on as it was told. All of it blocks. */
#ifndef MUSTER_EDGE_DETAIL_FILE_H
#define MUSTER_EDGE_DETAIL_FILE_H

#include <stdbool.h>

#include <jansson.h>

#include "edge/env.h"
#include "format/detail.h"

/* What is asked of a model's predictions. */
struct told_detail {
    char model[65]; /* "": nothing was told yet */
    struct detail detail;
};

/* Reads the object of an assignment; anything that this program does not understand, and
 * NULL, is full detail: what is not thinned out can be thinned out later. */
struct detail detail_from_json(const json_t *object);

/* "full", "sampled 1/10", "changes", "summary". */
void detail_text(const struct detail *detail, char ret_text[static 32]);

bool detail_same(const struct detail *a, const struct detail *b);

/* Reads the file; a missing or damaged one is full detail of no model. */
void detail_file_read(const char *state_folder, struct told_detail *ret_told);

/* Replaces the file. */
enum status detail_file_write(const char *state_folder, const struct told_detail *told,
                              struct err *err) MUST_USE;

#endif
