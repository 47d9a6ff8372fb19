/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_FILE_STATE_H
#define ENGINE_FILE_STATE_H
/*
 * A number that changes when one of some files does. They are looked at, not subscribed to: a link
 * that is turned over in another directory counts as well as a new file. Not on a loop's thread.
 */
#include <stdint.h>

#define FILE_STATE_EMPTY UINT64_C(0xCBF29CE484222325)

/* Add a file, which may be absent, to *state. */
void file_state_add(uint64_t *state, const char *name);

#endif
