/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SIP_DATA_H
#define TESTS_UNIT_SIP_DATA_H
/*
 * The captures and corpora that are not in the tree: in the directory that the environment variable
 * SIPRING_SHARED_DATA names, else in ../shared/data beside the source tree.
 */
#include <stddef.h>
#include <stdint.h>
#include "codec/span.h"

/* Path of a file or folder in there; good until the next call. */
const char *sip_data_path(const char *folder, const char *file);

/* Says SKIP and why on stdout, and returns false, when the folder is not there. */
bool sip_data_present(const char *folder);

/* The file's octets in memory of its own, which the caller frees; at == NULL: no such file. */
struct span sip_data_read(const char *path);

/*
 * Calls each() for every file below the folder but README.md and index.json, in no certain
 * order; `text` is good during the call only. Returns how many there were.
 */
size_t sip_data_each(const char *folder,
		     void (*each)(void *arg, const char *path, struct span text), void *arg);

#endif
