/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_FLOW_H
#define ENGINE_FLOW_H
/*
 * A flow is one connection during its life (RFC 5626 §2): loop, slot, and the slot's generation, so
 * that a late message or a stale token can never reach the next owner of the slot.
 */
#include <stdbool.h>
#include <stdint.h>

struct flow {
	uint32_t slot;
	uint32_t tag; /* loop in the top 8 bits, generation (1..2^24-1, never 0) in the lower 24 */
};

/* What a flow's messages travel in. */
enum flow_transport { FLOW_WS, FLOW_UDP, FLOW_TCP, FLOW_TRANSPORTS };

#define FLOW_NONE ((struct flow){ 0, 0 })

static inline bool
flow_is_none(struct flow f)
{
	return f.tag == 0;
}

static inline bool
flow_equal(struct flow a, struct flow b)
{
	return a.slot == b.slot && a.tag == b.tag;
}

static inline uint32_t
flow_loop(struct flow f)
{
	return f.tag >> 24;
}

#endif
