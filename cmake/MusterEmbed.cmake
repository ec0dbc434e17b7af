# SPDX-License-Identifier: Apache-2.0
# muster_embed(TARGET SYMBOL FILE): FILE's bytes become `const unsigned char SYMBOL[]` and
# `const size_t SYMBOL_len` (declared by the user of it); the data are assembled with .incbin.
function(muster_embed target symbol file)
  get_filename_component(abs "${file}" ABSOLUTE)
  set(out "${CMAKE_BINARY_DIR}/generated/embed_${symbol}.S")
  file(CONFIGURE OUTPUT "${out}" @ONLY CONTENT [[
.section .rodata
.global @symbol@
.type @symbol@, @object
.balign 16
@symbol@:
.incbin "@abs@"
.L@symbol@_end:
.byte 0
.balign 8
.global @symbol@_len
.type @symbol@_len, @object
@symbol@_len:
.quad .L@symbol@_end - @symbol@
.section .note.GNU-stack,"",%progbits
]])
  set_source_files_properties("${out}" PROPERTIES OBJECT_DEPENDS "${abs}")
  target_sources(${target} PRIVATE "${out}")
endfunction()
