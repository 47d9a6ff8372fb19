/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_HASH_H
#define WSLOAD_SIPP_HASH_H
/* FNV-1a, 64 bits: for tables of our own Call-IDs, not against anybody who means harm. */
#include <stdint.h>
#include "codec/span.h"

static inline uint64_t
sipp_hash(struct span s)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (uint8_t)s.at[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

#endif
