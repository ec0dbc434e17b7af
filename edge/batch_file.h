/* SPDX-License-Identifier: Apache-2.0 */
/* batch_file: the bytes of one file of the queue; queue.h draws them. Blocks. */
#ifndef MUSTER_EDGE_BATCH_FILE_H
#define MUSTER_EDGE_BATCH_FILE_H

#include "edge/queue.h"

/* Writes the file durably, replacing what is there. */
enum status batch_file_write(const char *path, const struct queue_head *head,
                             const void *payload, size_t len, struct err *err) MUST_USE;

/* Reads and checks all of it; ret_payload may be NULL. ERR_QUEUE_CORRUPT when a byte is
 * wrong, missing or too many. */
enum status batch_file_read(const char *path, struct queue_head *ret_head,
                            struct buf *ret_payload, struct err *err) MUST_USE;

/* Reads the head and compares the file's size with it, without the digest. */
enum status batch_file_peek(const char *path, struct queue_head *ret_head,
                            uint64_t *ret_bytes, struct err *err) MUST_USE;

#endif
