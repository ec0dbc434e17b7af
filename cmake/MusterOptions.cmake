# SPDX-License-Identifier: Apache-2.0
# Options and the interface target `muster_flags` that every target of the project links:
# warnings, hardening and sanitizers are target properties, never global flags.
set(MUSTER_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined or thread")
option(MUSTER_FUZZ "build libFuzzer targets (needs clang)" OFF)
option(MUSTER_COVERAGE "instrument for gcov" OFF)
option(MUSTER_TESTS "build the tests (needs cmocka)" ON)
option(MUSTER_WERROR "treat warnings as errors (CI)" OFF)
option(MUSTER_NN_ONLY "the CNN runtime, the importer and their tests, without other libraries: cross builds" OFF)
option(MUSTER_NN_CORE "libmuster_nn alone with the core operators (docs/MNET.md section 5, 1 to 16), built for size" OFF)
if(MUSTER_NN_CORE)
  set(MUSTER_NN_ONLY ON)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_package(Threads REQUIRED)
if(NOT MUSTER_NN_ONLY)
  find_package(PkgConfig REQUIRED)
  foreach(pkg jansson libsodium libcrypto libzstd zlib libcurl sqlite3 libmicrohttpd inih cmocka)
    pkg_check_modules(${pkg} IMPORTED_TARGET ${pkg})
  endforeach()
endif()

add_library(muster_flags INTERFACE)
target_compile_features(muster_flags INTERFACE c_std_17)
target_compile_definitions(muster_flags INTERFACE _GNU_SOURCE MUSTER_VERSION="${PROJECT_VERSION}")
target_include_directories(muster_flags INTERFACE
  "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/include" "${CMAKE_BINARY_DIR}/generated")
target_compile_options(muster_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes
  -Wimplicit-fallthrough -Werror=implicit -Werror=incompatible-pointer-types
  -Werror=int-conversion -Werror=format-security -Wundef -Wpointer-arith
  -fstack-protector-strong -fno-strict-aliasing -fno-delete-null-pointer-checks)
# Statements of SQL are tables of texts over several lines: no comma is missing there.
target_compile_options(muster_flags INTERFACE $<$<C_COMPILER_ID:Clang>:-Wno-string-concatenation>)
target_link_options(muster_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
if(MUSTER_WERROR)
  target_compile_options(muster_flags INTERFACE -Werror)
endif()
if(MUSTER_SANITIZE)
  target_compile_options(muster_flags INTERFACE
    -fsanitize=${MUSTER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -Og -g1)
  target_link_options(muster_flags INTERFACE -fsanitize=${MUSTER_SANITIZE})
else()
  target_compile_options(muster_flags INTERFACE
    -fstack-clash-protection
    $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection=full>
    $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
endif()
if(MUSTER_FUZZ)
  target_compile_options(muster_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MUSTER_COVERAGE)
  target_compile_options(muster_flags INTERFACE --coverage -O0 -g)
  target_link_options(muster_flags INTERFACE --coverage)
endif()
# Asserts stay on in release: the server asserts its own programming errors.
set(CMAKE_C_FLAGS_RELEASE "-O2")
