/* SPDX-License-Identifier: Apache-2.0 */
/* Datagram sockets on a ring: on the real kernel. */
#include "tests/unit/ring_bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Two connected UDP sockets on the loopback. */
static void
pair(int *ours, int *theirs)
{
	struct sockaddr_in a = { .sin_family = AF_INET }, b = a;
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = b.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*ours = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	*theirs = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*ours, (struct sockaddr *)&a, len), 0);
	assert_int_equal(bind(*theirs, (struct sockaddr *)&b, len), 0);
	assert_int_equal(getsockname(*ours, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(getsockname(*theirs, (struct sockaddr *)&b, &len), 0);
	assert_int_equal(connect(*ours, (struct sockaddr *)&b, len), 0);
	assert_int_equal(connect(*theirs, (struct sockaddr *)&a, len), 0);
}

static uint32_t
take(struct bed *b, int fd)
{
	uint32_t slot;

	assert_int_equal(ring_datagrams(b->ring, fd, &slot), 0);
	b->conns[slot] = (struct bed_conn){ .open = true, .keep = true };
	b->opened++;
	return slot;
}

/* Each datagram is one event; empty ones are none; the ring goes on after a long silence. */
static void
receives(void **state)
{
	struct ring_config config = bed_config();
	static char large[8000];
	uint64_t before;
	struct bed b;
	uint32_t slot;
	int ours, theirs;

	(void)state;
	bed_open_deaf(&b, &config, false);
	b.collect = true;
	pair(&ours, &theirs);
	slot = take(&b, ours);
	assert_int_equal(send(theirs, "one", 3, 0), 3);
	assert_int_equal(send(theirs, "", 0, 0), 0);
	assert_int_equal(send(theirs, "two", 3, 0), 3);
	bed_until(&b, b.conns[slot].in_len == 6);
	assert_memory_equal(b.conns[slot].in, "onetwo", 6);
	assert_int_equal(ring_counters(b.ring)->receives, 2);
	/* what is longer than a buffer is cut to it, and the next one is whole */
	before = ring_counters(b.ring)->receives;
	assert_int_equal(send(theirs, large, sizeof(large), 0), sizeof(large));
	assert_int_equal(send(theirs, "three", 5, 0), 5);
	bed_until(&b, ring_counters(b.ring)->receives == before + 2);
	assert_int_equal(b.conns[slot].in_len, 6 + config.buffer_bytes + 5);
	/* more than a share of the pool, a few at a time */
	for (uint32_t i = 0; i < 4 * config.buffers; i++) {
		before = ring_counters(b.ring)->receives;
		assert_int_equal(send(theirs, large, 3000, 0), 3000);
		bed_until(&b, ring_counters(b.ring)->receives == before + 1);
	}
	assert_false(b.conns[slot].has_ended);
	bed_close(&b, slot, false);
	bed_until(&b, b.closed == 1);
	close(theirs);
	bed_finish(&b);
}

static void
sends(void **state)
{
	char text[] = "INVITE |sip:|bob";
	struct iovec pieces[] = { { text, 7 }, { text + 8, 4 }, { text + 13, 3 } };
	struct ring_config config = bed_config();
	static char large[70000];
	struct iovec too_much = { large, sizeof(large) };
	char got[64];
	struct bed b;
	uint32_t slot;
	int ours, theirs;

	(void)state;
	bed_open_deaf(&b, &config, false);
	pair(&ours, &theirs);
	slot = take(&b, ours);
	assert_int_equal(ring_send_datagram(b.ring, slot, pieces, 3), 0);
	assert_int_equal(recv(theirs, got, sizeof(got), 0), 14);
	assert_memory_equal(got, "INVITE sip:bob", 14);
	assert_int_equal(ring_send_datagram(b.ring, slot, &too_much, 1), -EMSGSIZE);
	assert_int_equal(ring_counters(b.ring)->datagrams_sent, 1);
	assert_int_equal(ring_counters(b.ring)->datagrams_unsent, 1);
	close(theirs);
	bed_finish(&b);
}

/* Nobody is there any more: the receive ends with what ICMP said. */
static void
refused(void **state)
{
	struct ring_config config = bed_config();
	char text[] = "x";
	struct iovec piece = { text, 1 };
	struct bed b;
	uint32_t slot;
	int ours, theirs;

	(void)state;
	bed_open_deaf(&b, &config, false);
	pair(&ours, &theirs);
	slot = take(&b, ours);
	bed_turn(&b);
	close(theirs);
	assert_int_equal(ring_send_datagram(b.ring, slot, &piece, 1), 0);
	bed_until(&b, b.conns[slot].has_ended);
	assert_int_equal(b.conns[slot].ended, -ECONNREFUSED);
	bed_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receives),
		cmocka_unit_test(sends),
		cmocka_unit_test(refused),
	};

	if (bed_skips())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
