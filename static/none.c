/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a build without node and npm. */
#include "server/http/static_files.h"

static const char page[] =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>muster</title>"
    "<meta name=\"viewport\" content=\"width=device-width\"></head><body>\n"
    "<h1>muster</h1>\n"
    "<p>This server runs, but it was built without its dashboard: node and npm were not"
    " found. Install them (script/setup does), build again and start it again.</p>\n"
    "<p>Until then the command line shows the same numbers: <code>muster server"
    " status</code>, <code>muster node list</code>, <code>muster query</code>. The"
    " interface is described in <a href=\"/v1/openapi.json\">/v1/openapi.json</a>.</p>\n"
    "</body></html>\n";

const struct static_file static_files[] = {
    {.name = "index.html",
     .content_type = "text/html; charset=utf-8",
     .etag = "none-1",
     .plain = (const uint8_t *)page,
     .plain_bytes = sizeof page - 1},
};
const size_t static_files_count = sizeof static_files / sizeof static_files[0];
