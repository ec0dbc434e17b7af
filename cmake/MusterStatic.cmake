# SPDX-License-Identifier: Apache-2.0
# muster_static(TARGET): the table of server/http/static_files.h, linked into TARGET.
function(muster_static target)
  target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/static/none.c")
endfunction()
