/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/file_state.h"

#include <sys/stat.h>

/* FNV-1a: what has changed by itself, not what somebody wants to look unchanged. */
static void
mix(uint64_t *state, uint64_t value)
{
	for (int i = 0; i < 8; i++) {
		*state ^= value >> (8 * i) & 0xFF;
		*state *= UINT64_C(0x100000001B3);
	}
}

void
file_state_add(uint64_t *state, const char *name)
{
	struct stat st;

	if (stat(name, &st)) { /* the link's target, not the link */
		mix(state, 0);
		return;
	}
	mix(state, st.st_dev);
	mix(state, st.st_ino);
	mix(state, (uint64_t)st.st_size);
	mix(state, (uint64_t)st.st_mtim.tv_sec);
	mix(state, (uint64_t)st.st_mtim.tv_nsec);
	mix(state, (uint64_t)st.st_ctim.tv_sec);
	mix(state, (uint64_t)st.st_ctim.tv_nsec);
}
