# SPDX-License-Identifier: Apache-2.0
# Debian packages, by `cpack` in the build folder: musterd, muster, muster-agent, libmuster0 and
# libmuster-dev. Dependencies come from dpkg-shlibdeps; deploy/debian has the maintainer scripts.
if(NOT MUSTER_SOVERSION MATCHES "^[0-9]+$")
  return()
endif()
set(made "${CMAKE_BINARY_DIR}/package")
find_program(GZIP gzip)

# muster_document(COMPONENT PACKAGE): copyright and changelog, as Debian wants them.
function(muster_document component package)
  set(folder "${made}/${package}")
  file(CONFIGURE OUTPUT "${folder}/changelog" @ONLY CONTENT
"muster (@PROJECT_VERSION@) unstable; urgency=medium

  * CHANGELOG.md in the source tells what changed.

 -- muster <muster@example.org>  Thu, 01 Jan 2026 00:00:00 +0000
")
  file(CONFIGURE OUTPUT "${folder}/copyright" @ONLY CONTENT
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: muster

Files: *
Copyright: 2026 the authors of muster
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
")
  if(GZIP)
    execute_process(COMMAND ${GZIP} -9nf "${folder}/changelog")
    install(FILES "${folder}/changelog.gz" "${folder}/copyright"
      DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
  endif()
endfunction()

# muster_manual(COMPONENT PROGRAM): its manual page and completions, made from its --help.
function(muster_manual component program)
  set(folder "${CMAKE_BINARY_DIR}/manual")
  set(script "${CMAKE_SOURCE_DIR}/cmake/install/manual.sh")
  add_custom_command(OUTPUT "${folder}/${program}.1.gz" "${folder}/${program}.bash"
    COMMAND "${script}" $<TARGET_FILE:${program}> ${PROJECT_VERSION} "${folder}"
    DEPENDS ${program} "${script}" VERBATIM)
  add_custom_target(manual_${program} ALL DEPENDS "${folder}/${program}.1.gz")
  install(FILES "${folder}/${program}.1.gz" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${component})
  install(FILES "${folder}/${program}.bash" RENAME ${program}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT ${component})
endfunction()

muster_document(server musterd)
muster_document(cli muster)
muster_document(agent muster-agent)
muster_document(lib libmuster${MUSTER_SOVERSION})
muster_document(dev libmuster-dev)
muster_manual(server musterd)
muster_manual(cli muster)
muster_manual(agent muster-agent)

set(deploy "${CMAKE_SOURCE_DIR}/deploy")
install(FILES "${deploy}/systemd/musterd.service" "${deploy}/systemd/musterd-backup.service"
  "${deploy}/systemd/musterd-backup.timer" DESTINATION lib/systemd/system COMPONENT server)
install(FILES "${deploy}/systemd/muster-agent.service" DESTINATION lib/systemd/system COMPONENT agent)
install(FILES "${deploy}/musterd.conf" DESTINATION ${CMAKE_INSTALL_DATADIR}/muster COMPONENT server)
install(FILES "${deploy}/agent.env" DESTINATION ${CMAKE_INSTALL_DATADIR}/muster COMPONENT agent)
install(DIRECTORY "${deploy}/prometheus" "${deploy}/grafana" DESTINATION ${CMAKE_INSTALL_DATADIR}/muster COMPONENT server)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME muster)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "muster <muster@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL server cli agent lib dev)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_BINARY_DIR}/lib")
set(CPACK_DEBIAN_PACKAGE_SECTION net)

# muster_package(COMPONENT NAME SUMMARY TEXT)
macro(muster_package component name summary text)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${text}")
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${text}")
endmacro()
muster_package(server musterd "server of a fleet of edge nodes"
  "Keeps every acknowledged prediction in one SQLite file, aggregates them, holds\nsigned model versions and tells each node which one to run.")
muster_package(cli muster "command line of a fleet of edge nodes"
  "Keys, signed repositories, models, nodes, deployments and queries.")
muster_package(agent muster-agent "edge node that runs signed models"
  "Infers on the spot, reports what it predicted, and takes new signed versions.")
muster_package(lib libmuster${MUSTER_SOVERSION} "client and CNN runtime of muster"
  "The libraries libmuster_edge and libmuster_nn, for programs that are a node.")
muster_package(dev libmuster-dev "client and CNN runtime of muster (development)"
  "Headers, static libraries, a CMake package and pkg-config files.")
set(CPACK_DEBIAN_LIB_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
  "libmuster${MUSTER_SOVERSION} (= ${PROJECT_VERSION}), libjansson-dev, libcurl4-openssl-dev, libsodium-dev, libssl-dev, libzstd-dev, zlib1g-dev")
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS adduser)
foreach(component server agent)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${deploy}/debian/${component}/postinst"
    "${deploy}/debian/${component}/prerm" "${deploy}/debian/${component}/postrm")
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_STRICT_PERMISSION ON)
endforeach()
configure_file("${deploy}/debian/lib/shlibs.in" "${made}/shlibs" @ONLY)
set(CPACK_DEBIAN_LIB_PACKAGE_CONTROL_EXTRA "${made}/shlibs" "${deploy}/debian/lib/triggers")
include(CPack)
