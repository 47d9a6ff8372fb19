/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_PIECES_H
#define ENGINE_PIECES_H
/*
 * Bytes that wait to be joined with more: a request head, a fragmented message, a control payload,
 * input that may not be read yet. Memory only while there is something. The loop's thread only.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "engine/bytes.h"
#include "engine/stats.h"

struct pieces {
	uint32_t len, cap;
	uint8_t *bytes; /* from a bytes_pool; NULL: nothing */
};

/*
 * Append. `more` is what is known to follow: room for it is made ahead, but only as much again as
 * has really come, so that a length in a header alone costs no memory. False: out of memory.
 */
bool pieces_add(struct bytes_pool *pool, struct stats *stats, struct pieces *p, struct span bytes,
		uint64_t more);

/* Room for at least `more` bytes behind what there is. False: out of memory. */
bool pieces_reserve(struct bytes_pool *pool, struct stats *stats, struct pieces *p, size_t more);

void pieces_free(struct bytes_pool *pool, struct stats *stats, struct pieces *p);

#endif
