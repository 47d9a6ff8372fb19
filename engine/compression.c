/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compression.h"

#include <assert.h>
#include <stdlib.h>

/* Room made at a time for what comes out; doubled by pieces_room(). */
#define CHUNK 2048u

#define MEM_LEVEL 8

static void *
block_alloc(void *arg, size_t len)
{
	(void)arg;
	return malloc(len);
}

static void
block_release(void *arg, void *block, size_t len)
{
	(void)arg;
	(void)len;
	free(block);
}

static void
compression_open(struct compression *c, const struct compression_loop *cl, size_t cap)
{
	c->memory = (struct ws_deflate_memory){
		.alloc = block_alloc, .release = block_release, .budget = cl->budget, .cap = cap
	};
	ws_inflate_init(&c->in, &c->memory);
	ws_deflate_init(&c->out, cl->level, MEM_LEVEL, &c->memory);
}

static void
compression_close(struct compression *c)
{
	ws_inflate_close(&c->in);
	ws_deflate_close(&c->out);
	assert(c->memory.held == 0);
}

void
compression_init(struct compression_loop *cl, const struct settings *s,
		 struct ws_deflate_budget *budget, struct bytes_pool *bytes, struct stats *stats)
{
	*cl = (struct compression_loop){
		.policy = { .enabled = s->permessage_deflate,
			    .send_takeover = s->deflate_takeover,
			    .recv_takeover = s->deflate_takeover,
			    .send_bits = (uint8_t)s->deflate_window_bits,
			    .recv_bits = (uint8_t)s->deflate_window_bits },
		.budget = budget,
		.connection_bytes = s->deflate_connection_memory,
		.inflated_max = s->ws_max_message,
		.min_bytes = s->deflate_min,
		.level = (uint8_t)s->deflate_level,
		.bytes = bytes,
		.stats = stats,
	};
	compression_open(&cl->shared, cl, 0);
}

void
compression_fini(struct compression_loop *cl)
{
	compression_close(&cl->shared);
}

bool
compression_agree(struct compression_loop *cl, struct compression_conn *c,
		  const struct ws_deflate_terms *terms)
{
	struct compression *own;

	c->terms = *terms;
	if (!terms->agreed || !(terms->send_takeover || terms->recv_takeover))
		return true;
	own = malloc(sizeof(*own));
	c->own = own;
	if (!own)
		return false;
	compression_open(own, cl, cl->connection_bytes);
	if (ws_inflate_open(&own->in, terms->recv_bits) == WS_OK &&
	    (!terms->send_bits || ws_deflate_open(&own->out, terms->send_bits) == WS_OK))
		return true;
	compression_end(cl, c);
	return false;
}

void
compression_end(struct compression_loop *cl, struct compression_conn *c)
{
	(void)cl;
	if (c->own) {
		compression_close(c->own);
		free(c->own);
	}
	*c = (struct compression_conn){ 0 };
}

/* Room for the next chunk, as a writer over it; cap 0: out of memory. */
static struct writer
room(struct compression_loop *cl, struct pieces *out, uint64_t left_max)
{
	uint64_t want = out->len > CHUNK ? out->len : CHUNK;

	if (want > left_max)
		want = left_max;
	if (out->len == out->cap && !pieces_reserve(cl->bytes, cl->stats, out, (size_t)want))
		return writer_over(NULL, 0);
	return writer_over(out->bytes + out->len, out->cap - out->len);
}

enum ws_error
compression_inflate(struct compression_loop *cl, struct compression_conn *c, struct span in,
		    bool text, struct pieces *out)
{
	struct ws_inflate *state = c->own ? &c->own->in : &cl->shared.in;
	enum ws_inflate_status status = WS_INFLATE_OUTPUT;

	if (state->bits == 0 && ws_inflate_open(state, WS_INFLATE_BITS_MAX) != WS_OK)
		return WS_ERROR_DEFLATE_MEMORY;
	ws_inflate_begin(state, text, c->terms.recv_takeover, cl->inflated_max);
	while (status == WS_INFLATE_OUTPUT) {
		/* One byte more than the limit, so that reaching it and going over it differ. */
		struct writer w = room(cl, out, cl->inflated_max + 1);

		if (w.cap == 0)
			return WS_ERROR_DEFLATE_MEMORY;
		status = ws_inflate_run(state, &in, true, &w);
		out->len += (uint32_t)w.len;
	}
	return status == WS_INFLATE_ERROR ? state->error : WS_OK;
}

/* All pieces through the state. False: `out` may not grow any more. */
static bool
deflate_pieces(struct compression_loop *cl, struct ws_deflate *state, const struct span *in,
	       size_t in_len, struct pieces *out, size_t out_max)
{
	for (size_t i = 0; i < in_len; i++) {
		struct span piece = in[i];
		enum ws_deflate_status status = WS_DEFLATE_OUTPUT;

		while (status == WS_DEFLATE_OUTPUT) {
			struct writer w;

			if (out->cap - out->len < WS_DEFLATE_ROOM_MIN &&
			    (out->len >= out_max ||
			     !pieces_reserve(cl->bytes, cl->stats, out, CHUNK)))
				return false;
			w = writer_over(out->bytes + out->len, out->cap - out->len);
			status = ws_deflate_run(state, &piece, i + 1 == in_len, &w);
			out->len += (uint32_t)w.len;
		}
	}
	return true;
}

enum compression_result
compression_deflate(struct compression_loop *cl, struct compression_conn *c, const struct span *in,
		    size_t in_len, struct pieces *out)
{
	struct ws_deflate *state = c->own ? &c->own->out : &cl->shared.out;
	size_t len = 0;

	for (size_t i = 0; i < in_len; i++)
		len += in[i].len;
	if (!c->terms.agreed || !c->terms.send_bits || len < cl->min_bytes || in_len == 0)
		return COMPRESSION_PLAIN;
	if (!c->own && ws_deflate_open(state, c->terms.send_bits) != WS_OK)
		return COMPRESSION_PLAIN;
	ws_deflate_begin(state, c->terms.send_takeover);
	/* With context the peer must see all that went in; without, only what got shorter. */
	if (deflate_pieces(cl, state, in, in_len, out, c->terms.send_takeover ? SIZE_MAX : len) &&
	    (c->terms.send_takeover || out->len < len))
		return COMPRESSION_DONE;
	return c->terms.send_takeover ? COMPRESSION_FAILED : COMPRESSION_PLAIN;
}
