# SPDX-License-Identifier: Apache-2.0
# muster_static(TARGET): the table of server/http/static_files.h, linked into TARGET: what
# static/build.mjs bundles, or static/none.c where node or static/node_modules are not there.
function(muster_static target)
  set(folder "${CMAKE_SOURCE_DIR}/static")
  find_program(MUSTER_NODE NAMES node nodejs)
  if(NOT MUSTER_NODE OR NOT EXISTS "${folder}/node_modules/.package-lock.json")
    message(STATUS "No node, or no packages in static/: the server gets no dashboard (script/setup)")
    target_sources(${target} PRIVATE "${folder}/none.c")
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/src/*.js" "${folder}/src/*.jsx"
    "${folder}/style/*.css")
  set(table "${CMAKE_BINARY_DIR}/generated/static_files.c")
  add_custom_command(OUTPUT "${table}"
    COMMAND "${MUSTER_NODE}" "${folder}/build.mjs" "${table}"
    DEPENDS ${sources} "${folder}/build.mjs" "${folder}/index.html" "${folder}/icon.svg"
      "${folder}/package.json" "${folder}/node_modules/.package-lock.json"
    COMMENT "Bundling the dashboard" VERBATIM)
  target_sources(${target} PRIVATE "${table}")
endfunction()
