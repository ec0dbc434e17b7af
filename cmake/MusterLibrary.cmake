# SPDX-License-Identifier: Apache-2.0
# The libraries for other programs. docs/COMPATIBILITY.md says what SOVERSION means.
include(GNUInstallDirs)
set(MUSTER_SOVERSION 0)
set(local "${CMAKE_SOURCE_DIR}/cmake/install")

# muster_library(NAME LAYER...): libmuster_NAME.so and .a of the objects of those layers. Only
# muster_… leaves either of them.
function(muster_library name)
  set(archives "")
  foreach(layer ${ARGN})
    list(APPEND archives $<TARGET_FILE:muster_${layer}>)
    list(APPEND layers muster_${layer})
  endforeach()
  set(whole -Wl,--whole-archive ${archives} -Wl,--no-whole-archive)
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/lib/${name}.c" CONTENT "")
  add_library(muster_${name}_shared SHARED "${CMAKE_BINARY_DIR}/lib/${name}.c")
  add_dependencies(muster_${name}_shared ${layers})
  set_target_properties(muster_${name}_shared PROPERTIES
    OUTPUT_NAME muster_${name} EXPORT_NAME ${name} LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION} SOVERSION ${MUSTER_SOVERSION}
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib"
    LINK_DEPENDS "${local}/muster.map;${archives}")
  target_link_options(muster_${name}_shared PRIVATE
    ${whole} -Wl,--version-script=${local}/muster.map -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)
  target_link_libraries(muster_${name}_shared PRIVATE m)
  target_include_directories(muster_${name}_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # One object, so that what is hidden in it can be made local.
  set(archive "${CMAKE_BINARY_DIR}/lib/libmuster_${name}.a")
  add_custom_command(OUTPUT "${archive}"
    COMMAND ${CMAKE_COMMAND} -E make_directory "${CMAKE_BINARY_DIR}/lib"
    COMMAND ${CMAKE_COMMAND} -E rm -f "${archive}"
    COMMAND ${CMAKE_LINKER} -r -o muster_${name}.o --whole-archive ${archives}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden muster_${name}.o
    COMMAND ${CMAKE_AR} rcsD "${archive}" muster_${name}.o
    DEPENDS ${layers} ${archives} WORKING_DIRECTORY "${CMAKE_BINARY_DIR}" COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(muster_${name}_archive ALL DEPENDS "${archive}")
  install(TARGETS muster_${name}_shared EXPORT muster
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT lib NAMELINK_COMPONENT dev)
  install(FILES "${archive}" DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
  configure_file("${local}/muster-${name}.pc.in" "${CMAKE_BINARY_DIR}/lib/muster-${name}.pc" @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/lib/muster-${name}.pc"
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()
