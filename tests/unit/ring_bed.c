/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
grow(uint8_t **bytes, size_t *size, size_t len)
{
	if (len <= *size)
		return;
	*size = len * 2;
	*bytes = realloc(*bytes, *size);
	assert_non_null(*bytes);
}

static void
send_next(struct bed *b, uint32_t slot)
{
	struct bed_conn *c = &b->conns[slot];

	if (c->closing || c->connecting || ring_sending(b->ring, slot))
		return;
	if (c->out_len > 0) {
		c->flying = c->out;
		c->in_flight = (uint32_t)c->out_len;
		c->out = NULL;
		c->out_len = c->out_size = 0;
		ring_send(b->ring, slot, c->flying, c->in_flight,
			  (uint32_t)(b->send_timeout_ns / 1000));
		return;
	}
	if (c->has_ended && !c->keep)
		bed_close(b, slot, false);
}

void
bed_send(struct bed *b, uint32_t slot, const void *bytes, size_t len)
{
	struct bed_conn *c = &b->conns[slot];

	grow(&c->out, &c->out_size, c->out_len + len);
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
	send_next(b, slot);
}

void
bed_close(struct bed *b, uint32_t slot, bool abort)
{
	b->conns[slot].closing = true;
	ring_close(b->ring, slot, abort);
}

static void
on_accepted(void *arg, uint32_t slot, uint32_t listener, const struct sockaddr_storage *peer)
{
	struct bed *b = arg;

	assert_true(slot < b->config.slots_max);
	assert_false(b->conns[slot].open);
	assert_int_equal(listener, 0);
	assert_int_equal(peer->ss_family, AF_INET);
	assert_true(((const struct sockaddr_in *)peer)->sin_port != 0);
	b->conns[slot] = (struct bed_conn){ .open = true };
	b->opened++;
	b->last = slot;
	if (b->finishing) /* accepted before the kernel heard of the stop */
		bed_close(b, slot, true);
	else if (b->on_accepted != NULL)
		b->on_accepted(b, slot);
}

uint32_t
bed_dial(struct bed *b, const struct sockaddr_in *to)
{
	uint32_t slot;
	int result = ring_connect(b->ring, peer_socket(b->opened % 2), (const struct sockaddr *)to,
				  sizeof(*to), &slot);

	assert_int_equal(result, 0);
	assert_true(slot < b->config.slots_max && !b->conns[slot].open);
	b->conns[slot] = (struct bed_conn){ .open = true, .connecting = true };
	b->opened++;
	return slot;
}

static void
on_connected(void *arg, uint32_t slot, int result)
{
	struct bed *b = arg;
	struct bed_conn *c = &b->conns[slot];

	assert_true(c->open && c->connecting && !c->closing && result <= 0);
	c->connecting = false;
	c->connected = result;
	b->connected++;
	if (b->on_connected != NULL)
		b->on_connected(b, slot);
	if (result < 0 && b->closes_on_error && !c->closing)
		bed_close(b, slot, false);
	else if (result == 0)
		send_next(b, slot);
}

static void
hold(struct bed *b, uint16_t buffer)
{
	if (b->leases_wanted == 0)
		return;
	if (b->leases_held == b->leases_wanted) {
		ring_lease_drop(b->ring, b->leases[0]);
		memmove(b->leases, b->leases + 1, (--b->leases_held) * sizeof(b->leases[0]));
	}
	ring_lease_hold(b->ring, buffer);
	b->leases[b->leases_held++] = buffer;
}

static void
on_received(void *arg, uint32_t slot, const struct ring_lease *lease)
{
	struct bed *b = arg;
	struct bed_conn *c = &b->conns[slot];

	assert_true(c->open && !c->closing && !c->has_ended && !c->connecting);
	assert_true(lease->len > 0 && lease->len <= b->config.buffer_bytes);
	hold(b, lease->buffer);
	b->leased = lease->buffer;
	if (b->collect) {
		grow(&c->in, &c->in_size, c->in_len + lease->len);
		memcpy(c->in + c->in_len, lease->bytes, lease->len);
	}
	c->in_len += lease->len;
	if (b->echo)
		bed_send(b, slot, lease->bytes, lease->len);
	memset(lease->bytes, 0xdd, lease->len); /* may be written */
	if (b->on_received != NULL)
		b->on_received(b, slot);
}

static void
on_ended(void *arg, uint32_t slot, int result)
{
	struct bed *b = arg;
	struct bed_conn *c = &b->conns[slot];

	assert_true(c->open && !c->closing && !c->has_ended && !c->connecting && result <= 0);
	assert_int_equal(c->connected, 0);
	c->has_ended = true;
	c->ended = result;
	send_next(b, slot);
}

static void
on_sent(void *arg, uint32_t slot, int result)
{
	struct bed *b = arg;
	struct bed_conn *c = &b->conns[slot];

	assert_true(c->open && c->in_flight > 0 && !ring_sending(b->ring, slot) && result <= 0);
	c->sents++;
	c->sent = result;
	free(c->flying);
	c->flying = NULL;
	c->in_flight = 0;
	if (result < 0 && b->closes_on_error && !c->closing)
		bed_close(b, slot, true);
	if (b->on_sent != NULL)
		b->on_sent(b, slot);
	if (result == 0)
		send_next(b, slot);
}

static void
on_closed(void *arg, uint32_t slot)
{
	struct bed *b = arg;
	struct bed_conn *c = &b->conns[slot];

	assert_true(c->open && c->closing);
	assert_int_equal(c->in_flight, 0);
	free(c->out);
	free(c->in);
	c->out = c->in = NULL;
	c->open = false;
	b->closed++;
}

static void
on_woken(void *arg)
{
	struct bed *b = arg;

	b->woken++;
}

static const struct ring_handlers handlers = {
	.accepted = on_accepted,
	.received = on_received,
	.ended = on_ended,
	.sent = on_sent,
	.closed = on_closed,
	.connected = on_connected,
	.woken = on_woken,
};

struct ring_config
bed_config(void)
{
	const char *disable = getenv("RING_BED_DISABLE");

	return (struct ring_config){
		.slots_max = 2000,
		.sq_entries = 64,
		.buffers = 64,
		.buffer_bytes = 4096,
		.spin_ns = 20000,
		.disable = disable != NULL ? (uint32_t)strtoul(disable, NULL, 0) : 0,
	};
}

static void
open_ring(struct bed *b, const struct ring_config *config, uint64_t seed)
{
	const char *error;
	int result;

	*b = (struct bed){ .config = *config,
			   .send_timeout_ns = 10 * BED_S,
			   .closes_on_error = true };
	peer_begin(seed);
	result = ring_open(&b->ring, config, &handlers, b, &error);
	if (result < 0)
		fail_msg("ring_open: %s", error);
	b->conns = calloc(config->slots_max, sizeof(b->conns[0]));
	assert_non_null(b->conns);
}

void
bed_open_deaf(struct bed *b, const struct ring_config *config, bool small_sockets)
{
	open_ring(b, config, 1);
	b->listener = peer_listen(small_sockets);
}

void
bed_open_seeded(struct bed *b, const struct ring_config *config, uint64_t seed)
{
	open_ring(b, config, seed);
	b->listener = peer_listen(false);
	bed_accept(b);
}

void
bed_accept(struct bed *b)
{
	assert_int_equal(ring_listen(b->ring, b->listener), 0);
	bed_turn(b);
}

void
bed_open(struct bed *b, const struct ring_config *config, bool small_sockets)
{
	bed_open_deaf(b, config, small_sockets);
	bed_accept(b);
}

void
bed_turn(struct bed *b)
{
	assert_int_equal(ring_turn(b->ring, BED_MS), 0);
}

void
bed_finish(struct bed *b)
{
	b->finishing = true;
	ring_listen_stop(b->ring);
	for (uint32_t i = 0; i < b->config.slots_max; i++)
		if (b->conns[i].open && !b->conns[i].closing)
			bed_close(b, i, true);
	while (b->leases_held > 0)
		ring_lease_drop(b->ring, b->leases[--b->leases_held]);
	bed_turn(b);
	bed_until(b, ring_slots_used(b->ring) == 0);
	assert_int_equal(ring_requests_out(b->ring), 0);
	assert_int_equal(ring_buffers_out(b->ring), 0);
	assert_int_equal(b->opened, b->closed);
	ring_fini(b->ring);
	peer_unlisten(b->listener);
	free(b->conns);
	peer_end();
}

int
bed_connect(struct bed *b)
{
	uint32_t opened = b->opened;
	int peer = peer_connect(b->listener, false);

	assert_true(peer >= 0);
	bed_until(b, b->opened > opened);
	return peer;
}

uint8_t
bed_byte(uint32_t stream, size_t at)
{
	return (uint8_t)((at * 31 + (at >> 8) * 7 + stream * 101) & 0xff);
}

void
bed_fill(uint32_t stream, size_t at, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = bed_byte(stream, at + i);
}

void
bed_check(uint32_t stream, size_t at, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != bed_byte(stream, at + i))
			fail_msg("stream %u is wrong at byte %zu", stream, at + i);
}

void
bed_round_trip(struct bed *b, int peer, uint32_t stream, size_t len)
{
	uint8_t piece[65536];
	size_t written = 0, seen = 0;

	while (seen < len) {
		int n;

		if (written < len) {
			size_t want = len - written < sizeof(piece) ? len - written : sizeof(piece);

			bed_fill(stream, written, piece, want);
			n = peer_write(peer, piece, want);
			assert_true(n > 0 || n == -EAGAIN);
			written += n > 0 ? (size_t)n : 0;
		}
		bed_turn(b);
		while ((n = peer_read(peer, piece, sizeof(piece))) > 0) {
			bed_check(stream, seen, piece, (size_t)n);
			seen += (size_t)n;
		}
		assert_int_equal(n, -EAGAIN);
	}
	assert_int_equal(seen, len);
}

int
bed_read_to_end(struct bed *b, int peer)
{
	uint8_t piece[4096];
	int n = -EAGAIN;

	bed_until(b, (n = peer_read(peer, piece, sizeof(piece))) <= 0 && n != -EAGAIN);
	return n;
}

int
bed_skips(void)
{
	const struct ring_config config = bed_config();
	struct ring *r;
	const char *error;
	int result;

	peer_begin(1);
	result = ring_open(&r, &config, &handlers, NULL, &error);
	if (result == -ENOSYS || result == -EPERM) {
		printf("SKIP: %s\n", error);
		return 77;
	}
	if (result == 0)
		ring_fini(r);
	peer_end();
	return 0;
}
