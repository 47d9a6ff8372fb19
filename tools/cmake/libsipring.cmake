# SPDX-License-Identifier: Apache-2.0
# libsipring, shared and static, out of the layers' objects. Only sipring_* leaves it.

set(libsipring_objects
	$<TARGET_OBJECTS:codec> $<TARGET_OBJECTS:ring> $<TARGET_OBJECTS:engine>)
set(libsipring_map ${PROJECT_SOURCE_DIR}/engine/sipring.map)

add_library(libsipring SHARED ${libsipring_objects})
target_link_libraries(libsipring PRIVATE engine)
target_link_options(libsipring PRIVATE
	-Wl,--version-script=${libsipring_map} -Wl,--no-undefined)
set_target_properties(libsipring PROPERTIES
	OUTPUT_NAME sipring
	VERSION ${PROJECT_VERSION}
	SOVERSION ${PROJECT_VERSION_MAJOR}
	LINK_DEPENDS ${libsipring_map})

# A version script means nothing to an archive: join the objects and make the rest local.
set(libsipring_object ${PROJECT_BINARY_DIR}/lib/sipring.o)
add_custom_command(
	OUTPUT ${libsipring_object}
	COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${libsipring_object} ${libsipring_objects}
	COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=sipring_* ${libsipring_object}
	DEPENDS codec ring engine ${libsipring_objects}
	COMMAND_EXPAND_LISTS
	VERBATIM)
add_library(libsipring_static STATIC ${libsipring_object})
set_target_properties(libsipring_static PROPERTIES
	OUTPUT_NAME sipring
	LINKER_LANGUAGE C)

# Relative to the file itself, so that an installed tree may be moved.
file(RELATIVE_PATH libsipring_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(engine/libsipring.pc.in libsipring.pc @ONLY)

install(TARGETS libsipring libsipring_static)
install(FILES engine/sipring.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_BINARY_DIR}/libsipring.pc
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
