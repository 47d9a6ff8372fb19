# SPDX-License-Identifier: Apache-2.0

# sipring_layer(name SOURCES file... [LIBS library...])
#
# A layer: one static library of hand-listed files. LIBS is what it may use.
# Includes are written from the source root.
function(sipring_layer name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
	add_library(${name} STATIC ${arg_SOURCES})
	target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE sipring_warnings PUBLIC ${arg_LIBS})
	# Position-independent, yet calls inside stay direct: only SIPRING_API is visible.
	set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET hidden)
endfunction()
