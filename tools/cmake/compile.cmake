# SPDX-License-Identifier: Apache-2.0
# How everything is compiled: dialect, warnings, optimisation, sanitizers.

if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# No NDEBUG: assertions stay on in Release.
foreach(lang C CXX)
	set(CMAKE_${lang}_FLAGS_RELEASE "-O2 -g")
	set(CMAKE_${lang}_FLAGS_DEBUG "-Og -g3")
endforeach()

add_library(sipring_warnings INTERFACE)
target_compile_options(sipring_warnings INTERFACE
	-Wall -Wextra -Wshadow -Wpointer-arith -Wwrite-strings -Wcast-qual -Wundef -Wvla
	-Wformat=2 -Wconversion -Wno-sign-conversion
	$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
	$<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
	$<$<C_COMPILER_ID:Clang>:-Wno-string-conversion> # assert(!"words")
	$<$<BOOL:${SIPRING_WERROR}>:-Werror>)

if(SIPRING_SANITIZE)
	add_compile_options(-fsanitize=${SIPRING_SANITIZE} -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=${SIPRING_SANITIZE})
endif()
if(SIPRING_FUZZ)
	# Coverage in the layers; the driver itself is linked into the fuzz targets only.
	add_compile_options(-fsanitize=fuzzer-no-link)
	add_link_options(-fsanitize=fuzzer-no-link)
endif()
