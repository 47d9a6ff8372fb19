/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sendq.h"

#include <assert.h>
#include <string.h>
#include "codec/ws_mask.h"

static struct sendq_chunk *
chunk_new(struct bytes_pool *pool, struct stats *stats, uint32_t want)
{
	size_t size = sizeof(struct sendq_chunk) + want;
	struct sendq_chunk *chunk = bytes_alloc_pinned(pool, &size);

	if (!chunk)
		return NULL;
	stats_add(&stats->send_buffers, 1);
	size -= sizeof(*chunk);
	*chunk = (struct sendq_chunk){ .cap = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size };
	return chunk;
}

static void
chunk_free(struct bytes_pool *pool, struct stats *stats, struct sendq_chunk *chunk)
{
	stats_sub(&stats->send_buffers, 1);
	bytes_free(pool, chunk, sizeof(*chunk) + chunk->cap);
}

/* May bytes be added to the last chunk? */
static bool
tail_is_open(const struct sendq *q)
{
	return q->tail && !q->tail->sealed && !(q->head_in_flight && q->tail == q->head);
}

static struct sendq_chunk **
link_of(struct sendq *q, const struct sendq_chunk *chunk)
{
	struct sendq_chunk **link = &q->head;

	while (*link != chunk)
		link = &(*link)->next;
	return link;
}

/* Move a chunk into a larger one, so that the turn's bytes stay contiguous. */
static bool
chunk_grow(struct sendq *q, struct bytes_pool *pool, struct stats *stats, struct sendq_chunk *old,
	   uint32_t want)
{
	struct sendq_chunk *grown = chunk_new(pool, stats, want);
	uint32_t cap;

	if (!grown)
		return false;
	cap = grown->cap;
	memcpy(grown, old, sizeof(*old) + old->len);
	grown->cap = cap;
	*link_of(q, old) = grown;
	if (q->tail == old)
		q->tail = grown;
	chunk_free(pool, stats, old);
	return true;
}

static bool
tail_add(struct sendq *q, struct bytes_pool *pool, struct stats *stats, uint32_t want)
{
	struct sendq_chunk *chunk = chunk_new(pool, stats, want);

	if (!chunk)
		return false;
	if (q->tail)
		q->tail->next = chunk;
	else
		q->head = chunk;
	q->tail = chunk;
	return true;
}

static uint32_t
at_most_max(size_t len)
{
	return len < SENDQ_CHUNK_MAX ? (uint32_t)len : SENDQ_CHUNK_MAX;
}

/* Make room for at least one byte of `len` at the end. */
static bool
tail_room(struct sendq *q, struct bytes_pool *pool, struct stats *stats, size_t len)
{
	uint32_t want;

	if (tail_is_open(q)) {
		struct sendq_chunk *tail = q->tail;

		if (tail->cap - tail->len >= len || tail->cap >= SENDQ_CHUNK_MAX / 2)
			return tail->len < tail->cap || tail_add(q, pool, stats, at_most_max(len));
		want = tail->cap * 4;
		if (want - tail->len < len)
			want = tail->len + at_most_max(len);
		return chunk_grow(q, pool, stats, tail, at_most_max(want));
	}
	return tail_add(q, pool, stats, at_most_max(len));
}

bool
sendq_put_masked(struct sendq *q, struct bytes_pool *pool, struct stats *stats, struct span bytes,
		 struct sendq_mask *mask)
{
	while (bytes.len) {
		struct sendq_chunk *tail = q->tail;
		size_t n;

		if (!tail_is_open(q) || tail->cap - tail->len < bytes.len) {
			if (!tail_room(q, pool, stats, bytes.len))
				return false;
			tail = q->tail;
		}
		n = tail->cap - tail->len;
		if (n > bytes.len)
			n = bytes.len;
		memcpy(tail->bytes + tail->len, bytes.at, n);
		if (mask) {
			ws_mask_apply(tail->bytes + tail->len, n, mask->key, mask->phase);
			mask->phase = (uint8_t)((mask->phase + n) & 3);
		}
		tail->len += (uint32_t)n;
		q->queued += (uint32_t)n;
		bytes.at += n;
		bytes.len -= n;
	}
	return true;
}

bool
sendq_put(struct sendq *q, struct bytes_pool *pool, struct stats *stats, struct span bytes)
{
	return sendq_put_masked(q, pool, stats, bytes, NULL);
}

uint8_t *
sendq_extend(struct sendq *q, struct bytes_pool *pool, struct stats *stats, size_t len)
{
	uint8_t *at;

	if (!tail_is_open(q) || q->tail->cap - q->tail->len < len) {
		if (len > SENDQ_CHUNK_MAX || !tail_room(q, pool, stats, len) ||
		    q->tail->cap - q->tail->len < len)
			return NULL;
	}
	at = q->tail->bytes + q->tail->len;
	q->tail->len += (uint32_t)len;
	q->queued += (uint32_t)len;
	return at;
}

static void
tail_drop(struct sendq *q, struct bytes_pool *pool, struct stats *stats)
{
	struct sendq_chunk *old = q->tail, **link = link_of(q, old);

	assert(!old->relayed && !old->answered && !old->ordered);
	q->tail = NULL;
	for (struct sendq_chunk *chunk = q->head; chunk != old; chunk = chunk->next)
		q->tail = chunk;
	*link = NULL;
	chunk_free(pool, stats, old);
}

void
sendq_cut(struct sendq *q, struct bytes_pool *pool, struct stats *stats, uint32_t queued)
{
	while (q->queued > queued) {
		uint32_t n = q->queued - queued;

		assert(tail_is_open(q));
		if (n > q->tail->len)
			n = q->tail->len;
		q->tail->len -= n;
		q->queued -= n;
		if (q->tail->len == 0)
			tail_drop(q, pool, stats);
	}
}

void
sendq_account(struct sendq *q, enum sendq_account what)
{
	assert(q->tail);
	if (what == SENDQ_RELAYED)
		q->tail->relayed++;
	else if (what == SENDQ_ANSWERED)
		q->tail->answered++;
	else if (what == SENDQ_ORDERED)
		q->tail->ordered++;
}

struct sendq_chunk *
sendq_take(struct sendq *q)
{
	assert(!q->head_in_flight);
	q->head_in_flight = q->head != NULL;
	return q->head;
}

static struct sendq_chunk *
head_pop(struct sendq *q)
{
	struct sendq_chunk *chunk = q->head;

	q->head = chunk->next;
	if (!q->head)
		q->tail = NULL;
	q->queued -= chunk->len;
	return chunk;
}

void
sendq_sent(struct sendq *q, struct bytes_pool *pool, struct stats *stats)
{
	struct sendq_chunk *chunk;

	assert(q->head_in_flight);
	q->head_in_flight = false;
	chunk = head_pop(q);
	stats_fate(stats, FATE_delivered, chunk->relayed);
	stats_fate(stats, FATE_answered, chunk->answered);
	stats_add(&stats->orders_sent, chunk->ordered);
	chunk_free(pool, stats, chunk);
}

static void
drop(struct bytes_pool *pool, struct stats *stats, struct sendq_chunk *chunk)
{
	stats_fate(stats, FATE_dropped_target_closed, chunk->relayed);
	stats_fate(stats, FATE_dropped_sender_closed, chunk->answered);
	stats_add(&stats->orders_dropped, chunk->ordered);
	chunk_free(pool, stats, chunk);
}

void
sendq_drop(struct sendq *q, struct bytes_pool *pool, struct stats *stats)
{
	assert(!q->head_in_flight);
	while (q->head)
		drop(pool, stats, head_pop(q));
	assert(q->queued == 0);
}

/* ---- TLS ---- */

/* The last sealed chunk that may be added to, or NULL. */
static struct sendq_chunk *
sealed_open(const struct sendq *q)
{
	struct sendq_chunk *chunk = q->head, *open = NULL;

	for (; chunk && chunk->sealed; chunk = chunk->next)
		open = chunk;
	return open == q->head && q->head_in_flight ? NULL : open;
}

struct sendq_chunk *
sendq_unsealed(const struct sendq *q)
{
	struct sendq_chunk *chunk = q->head;

	while (chunk && chunk->sealed)
		chunk = chunk->next;
	return chunk;
}

bool
sendq_seal_room(struct sendq *q, struct bytes_pool *pool, struct stats *stats, size_t len)
{
	struct sendq_chunk *open = sealed_open(q), *chunk, **link;

	if (open && open->cap - open->len >= len)
		return true;
	if (open)
		return chunk_grow(q, pool, stats, open, open->len + (uint32_t)len);
	chunk = chunk_new(pool, stats, (uint32_t)len);
	if (!chunk)
		return false;
	chunk->sealed = true;
	chunk->next = sendq_unsealed(q);
	link = link_of(q, chunk->next);
	*link = chunk;
	if (!chunk->next)
		q->tail = chunk;
	return true;
}

bool
sendq_put_sealed(struct sendq *q, struct bytes_pool *pool, struct stats *stats, struct span bytes)
{
	struct sendq_chunk *chunk;

	if (!sendq_seal_room(q, pool, stats, bytes.len))
		return false;
	chunk = sealed_open(q);
	memcpy(chunk->bytes + chunk->len, bytes.at, bytes.len);
	chunk->len += (uint32_t)bytes.len;
	q->queued += (uint32_t)bytes.len;
	return true;
}

void
sendq_unsealed_done(struct sendq *q, struct bytes_pool *pool, struct stats *stats)
{
	struct sendq_chunk *done = sendq_unsealed(q), *sealed = sealed_open(q);

	assert(done && sealed);
	sealed->relayed += done->relayed;
	sealed->answered += done->answered;
	sealed->ordered += done->ordered;
	sealed->next = done->next;
	if (q->tail == done)
		q->tail = sealed;
	q->queued -= done->len;
	chunk_free(pool, stats, done);
}

void
sendq_drop_unsealed(struct sendq *q, struct bytes_pool *pool, struct stats *stats)
{
	struct sendq_chunk *chunk = sendq_unsealed(q);

	if (!chunk)
		return;
	*link_of(q, chunk) = NULL;
	q->tail = q->head;
	while (q->tail && q->tail->next)
		q->tail = q->tail->next;
	while (chunk) {
		struct sendq_chunk *next = chunk->next;

		q->queued -= chunk->len;
		drop(pool, stats, chunk);
		chunk = next;
	}
}
