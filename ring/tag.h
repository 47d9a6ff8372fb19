/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_TAG_H
#define RING_TAG_H
/*
 * What a request carries in user_data: operation (8 bits), generation (24), slot (32).
 */
#include <stdint.h>

enum tag_op {
	TAG_NONE, /* 0 is never ours */
	TAG_RECEIVE,
	TAG_SEND,
	TAG_CLOSE,
	TAG_GUARD,  /* link timeout of a send: all it could tell, the send tells */
	TAG_CANCEL, /* likewise: the canceled request answers for itself */
	TAG_LINGER, /* likewise: the close it is linked to */
	TAG_ACCEPT, /* slot: number of the listener; generation: of the request */
	TAG_BELL,
	TAG_PROBE,
	TAG_CONNECT,
	TAG_INSTALL, /* a socket into the fixed-file table */
	TAG_SHUT,
	TAG_WAKE,    /* to another ring, failed; slot: descriptor of its bell */
	TAG_WOKEN,   /* by another ring */
	TAG_HANDED,  /* a connection, to another ring */
	TAG_ARRIVED, /* ... here; below the operation there is a pointer */
	TAG_PINNED,  /* a send without a copy; slot: number of the pinned buffer */
	TAG_OP_COUNT
};

#define TAG_GENERATION_MAX 0xffffffu

static inline uint64_t
tag_make(enum tag_op op, uint32_t generation, uint32_t slot)
{
	return (uint64_t)op << 56 | (uint64_t)(generation & TAG_GENERATION_MAX) << 32 | slot;
}

static inline enum tag_op
tag_op(uint64_t tag)
{
	return (enum tag_op)(tag >> 56);
}

static inline uint32_t
tag_generation(uint64_t tag)
{
	return (uint32_t)(tag >> 32) & TAG_GENERATION_MAX;
}

static inline uint32_t
tag_slot(uint64_t tag)
{
	return (uint32_t)tag;
}

#endif
