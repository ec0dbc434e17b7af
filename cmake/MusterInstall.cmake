# SPDX-License-Identifier: Apache-2.0
# What other programs and packages get: libmuster_nn and libmuster_edge, shared and static, their
# headers, a CMake package, .pc files; the programs with their documents.
include(CMakePackageConfigHelpers)
option(MUSTER_INSTALL "rules of installation; off under sanitizers" ON)
if(MUSTER_SANITIZE OR MUSTER_COVERAGE OR MUSTER_FUZZ OR NOT TARGET muster_edge)
  return()
endif()
include(MusterLibrary)

muster_library(nn nn)
muster_library(edge edge format tuf base)
target_link_libraries(muster_edge_shared PUBLIC muster_nn_shared PRIVATE Threads::Threads
  PkgConfig::jansson PkgConfig::libcurl PkgConfig::libsodium PkgConfig::libcrypto PkgConfig::libzstd
  PkgConfig::zlib)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/muster)
install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/muster" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(EXPORT muster NAMESPACE muster:: FILE muster-targets.cmake DESTINATION ${package} COMPONENT dev)
configure_package_config_file("${local}/muster-config.cmake.in" "${CMAKE_BINARY_DIR}/lib/muster-config.cmake"
  INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/lib/muster-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/lib/muster-config.cmake" "${CMAKE_BINARY_DIR}/lib/muster-config-version.cmake"
  DESTINATION ${package} COMPONENT dev)

install(TARGETS musterd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
install(TARGETS muster RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT cli)
install(TARGETS muster-agent RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT agent)
foreach(component server cli agent lib dev)
  install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/muster
    COMPONENT ${component})
endforeach()
