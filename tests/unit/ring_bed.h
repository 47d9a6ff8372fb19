/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_RING_BED_H
#define TESTS_UNIT_RING_BED_H
/*
 * A small server on a ring, for the ring's tests: it echoes, collects or ignores, and
 * asserts with every event that the ring keeps the promises of ring.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ring/ring.h"
#include "tests/unit/ring_peer.h"

#define BED_MS UINT64_C(1000000)
#define BED_S UINT64_C(1000000000)
#define BED_LEASES_MAX 64

struct bed_conn {
	bool open, closing, has_ended;
	bool connecting;
	int connected; /* result of `connected` */
	bool keep;     /* do not close when the peer is done */
	int ended;     /* result of `ended` */
	int sent;      /* latest result of `sent` */
	uint32_t sents;
	uint8_t *flying; /* bytes of the send in flight */
	uint32_t in_flight;
	uint8_t *out; /* to be sent after those */
	size_t out_len, out_size;
	uint8_t *in; /* collected */
	size_t in_len, in_size;
};

struct bed {
	struct ring *ring;
	struct ring_config config;
	int listener; /* descriptor */
	struct bed_conn *conns;
	bool echo, collect;
	bool finishing;
	bool closes_on_error; /* a slot whose send failed is closed */
	uint64_t send_timeout_ns;
	uint32_t opened, closed, woken;
	uint32_t connected;     /* events, whatever their result */
	uint32_t last;          /* the slot accepted last */
	uint32_t leases_wanted; /* hold so many leases, the oldest goes first */
	uint16_t leases[BED_LEASES_MAX];
	uint32_t leases_held;
	uint16_t leased;                                   /* buffer of the latest `received` */
	void (*on_received)(struct bed *b, uint32_t slot); /* after the usual */
	void (*on_accepted)(struct bed *b, uint32_t slot);
	void (*on_connected)(struct bed *b, uint32_t slot);
	void (*on_sent)(struct bed *b, uint32_t slot);
	void *test; /* the test's own */
};

/*
 * What most tests need: slots enough for a multishot accept, 64 buffers of 4096 bytes,
 * try-then-arm, everything on but for the features (bits, as a number) in RING_BED_DISABLE.
 */
struct ring_config bed_config(void);

/* Begins a world, opens the ring, listens. Fails the test if that does not work. */
void bed_open(struct bed *b, const struct ring_config *config, bool small_sockets);

/* In a world with this seed, where there is one. */
void bed_open_seeded(struct bed *b, const struct ring_config *config, uint64_t seed);

/* The same, but the ring does not accept before bed_accept(). */
void bed_open_deaf(struct bed *b, const struct ring_config *config, bool small_sockets);
void bed_accept(struct bed *b);

/* Closes what is open, waits for it, asserts that nothing is left, ends the world. */
void bed_finish(struct bed *b);

void bed_turn(struct bed *b);

/* Turns until the condition holds. */
#define bed_until(b, condition)                                                                    \
	do {                                                                                       \
		for (uint32_t bed_turns = 0; !(condition); bed_turns++) {                          \
			if (bed_turns > 200000)                                                    \
				fail_msg("never: %s", #condition);                                 \
			bed_turn(b);                                                               \
		}                                                                                  \
	} while (0)

/* A connected client; bed.last is its slot. */
int bed_connect(struct bed *b);

/* Begin to connect; the slot. The address must stay. */
uint32_t bed_dial(struct bed *b, const struct sockaddr_in *to);

/* Queue bytes for the slot, and send them when the way is free. */
void bed_send(struct bed *b, uint32_t slot, const void *bytes, size_t len);
void bed_close(struct bed *b, uint32_t slot, bool abort);

/* Byte `at` of the stream with this number. */
uint8_t bed_byte(uint32_t stream, size_t at);
void bed_fill(uint32_t stream, size_t at, uint8_t *bytes, size_t len);
void bed_check(uint32_t stream, size_t at, const uint8_t *bytes, size_t len);

/* Write and read in step with turns until `len` bytes of the stream went there and back. */
void bed_round_trip(struct bed *b, int peer, uint32_t stream, size_t len);

/* Read until the stream of the peer ends; 0 or -errno. */
int bed_read_to_end(struct bed *b, int peer);

/* main() of a test of the ring: exit code 77 and a message if the kernel refuses io_uring. */
int bed_skips(void);

#endif
