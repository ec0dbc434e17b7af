/* SPDX-License-Identifier: Apache-2.0 */
/* static_files: the dashboard's files as the build put them into the program.
 *
 * cmake/MusterStatic.cmake makes the table: of what static/ bundles where there are node
 * and npm, of static/none.c, one page that says what is missing, where there are not. The
 * file "index.html" is the page; api/page.c serves it at / and the others below /static/.
 * Everything is constant and lives as long as the program. */
#ifndef MUSTER_SERVER_HTTP_STATIC_FILES_H
#define MUSTER_SERVER_HTTP_STATIC_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct static_file {
    const char *name;         /* one path segment: "app-3f2a9c41.js" */
    const char *content_type; /* "text/javascript; charset=utf-8" */
    const char *etag;         /* without quotes: a digest of the plain bytes */
    const uint8_t *gzip;      /* NULL: it is not smaller that way */
    size_t gzip_bytes;
    const uint8_t *plain;
    size_t plain_bytes;
    bool immutable; /* its name changes with its bytes */
};

extern const struct static_file static_files[];
extern const size_t static_files_count;

#endif
