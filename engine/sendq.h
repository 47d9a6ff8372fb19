/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SENDQ_H
#define ENGINE_SENDQ_H
/*
 * What one connection still has to send: a chain of chunks, each contiguous, each going
 * out with one send. All that one turn of the loop produces for a connection is gathered
 * into one chunk (the one copy on the way of a message). A chunk that is in flight is not
 * touched. An idle connection has no chunk at all.
 *
 * A message is accounted in the chunk that holds its last byte: when that was taken by the
 * socket the message is delivered or answered; when the connection ends before, it is dropped.
 *
 * The loop's thread only.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "engine/pool.h"
#include "engine/stats.h"

struct sendq_chunk {
	struct sendq_chunk *next;
	uint32_t len; /* bytes filled */
	uint32_t cap;
	uint32_t relayed;  /* messages from elsewhere whose last byte is here */
	uint32_t answered; /* answers of ours whose last byte is here */
	uint32_t ordered;  /* what the application sent of itself, whose last byte is here */
	bool sealed; /* goes out as it is; false on a TLS connection: is yet to be encrypted */
	uint8_t bytes[];
};

/*
 * A chunk holds at most this much, and fills a buffer class with its head: bounds the copy when one
 * grows, and gives a slow but healthy reader ws_send_timeout for each of them.
 */
#define SENDQ_CHUNK_MAX (131072u - (uint32_t)sizeof(struct sendq_chunk))

enum sendq_account {
	SENDQ_NOTHING, /* control frames, HTTP, keep-alives */
	SENDQ_RELAYED,
	SENDQ_ANSWERED,
	SENDQ_ORDERED,
};

struct sendq {
	struct sendq_chunk *head, *tail;
	uint32_t queued; /* bytes in all chunks */
	bool head_in_flight;
};

/* Masking of the payload that is being put (client role, RFC 6455 §5.3). */
struct sendq_mask {
	uint8_t key[4];
	uint8_t phase; /* index in the key of the next byte */
};

/* Put bytes at the end. False: out of memory; then part of it may be in: see sendq_cut(). */
bool sendq_put(struct sendq *q, struct bytes_pool *pool, struct stats *stats, struct span bytes);

/* The same, masked on the way. `mask` NULL: not masked. */
bool sendq_put_masked(struct sendq *q, struct bytes_pool *pool, struct stats *stats,
		      struct span bytes, struct sendq_mask *mask);

/*
 * `len` bytes more at the end, in one piece, for the caller to fill at once. NULL: there is no such
 * piece, or no memory; sendq_put() may still find room in parts.
 */
uint8_t *sendq_extend(struct sendq *q, struct bytes_pool *pool, struct stats *stats, size_t len);

/* Take back what was put last, until so many bytes are queued; none of it may be in flight. */
void sendq_cut(struct sendq *q, struct bytes_pool *pool, struct stats *stats, uint32_t queued);

/* The last byte put so far ends a message. */
void sendq_account(struct sendq *q, enum sendq_account what);

/*
 * TLS: what is sealed goes before all that is not, and behind all that was sealed before, as the
 * records are numbered in the order of their making. Room for `len` bytes in one piece is made
 * ahead. False: out of memory.
 */
bool sendq_seal_room(struct sendq *q, struct bytes_pool *pool, struct stats *stats, size_t len);
bool sendq_put_sealed(struct sendq *q, struct bytes_pool *pool, struct stats *stats,
		      struct span bytes);

/* The first chunk that is not sealed, or NULL. */
struct sendq_chunk *sendq_unsealed(const struct sendq *q);

/* It was put again, sealed: its messages are counted there now, and it is freed. */
void sendq_unsealed_done(struct sendq *q, struct bytes_pool *pool, struct stats *stats);

/* It never will be: dropped, and counted so. */
void sendq_drop_unsealed(struct sendq *q, struct bytes_pool *pool, struct stats *stats);

/* The next chunk to send, or NULL; marks it as in flight. */
struct sendq_chunk *sendq_take(struct sendq *q);

/* The chunk in flight was sent whole: count its messages, free it. */
void sendq_sent(struct sendq *q, struct bytes_pool *pool, struct stats *stats);

/*
 * The connection is over: everything not sent is dropped, and counted so. No chunk may be in
 * flight.
 */
void sendq_drop(struct sendq *q, struct bytes_pool *pool, struct stats *stats);

static inline bool
sendq_empty(const struct sendq *q)
{
	return q->head == NULL;
}

#endif
