/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/embed_bed.h"

#include <stdio.h>
#include <string.h>

struct embed_bed embed_bed;

/* ---- the application ---- */

static void
on_opened(void *arg, sipring_connection connection, const struct sipring_peer *peer)
{
	struct embed_bed *b = arg;

	b->opened++;
	b->connection = connection;
	b->outgoing = peer->outgoing;
	snprintf(b->address, sizeof(b->address), "%s", peer->address);
	assert_true(peer->port > 0);
	if (b->on_opened)
		b->on_opened(connection);
}

static void
on_message(void *arg, struct sipring_message *m)
{
	struct embed_bed *b = arg;

	b->messages++;
	if (b->on_message)
		b->on_message(m);
}

static void
on_undelivered(void *arg, struct sipring_message *m, sipring_connection target)
{
	struct embed_bed *b = arg;

	(void)target;
	b->undelivered++;
	b->on_message(m);
}

static void
on_closed(void *arg, sipring_connection connection, const struct sipring_end *end)
{
	struct embed_bed *b = arg;

	b->closed++;
	b->closed_connection = connection;
	b->end = *end;
	if (b->on_closed)
		b->on_closed(connection);
}

/* ---- the peers ---- */

static void
hear(struct ws_peer *p, char *text, size_t len)
{
	assert_true(len < sizeof(embed_bed.heard[0]));
	memcpy(embed_bed.heard[p->number], text, len);
	embed_bed.heard[p->number][len] = '\0';
}

static void
open_bed(const char *const *settings, bool undelivered)
{
	const struct sipring_handlers handlers = { on_opened, on_message,
						   undelivered ? on_undelivered : NULL, on_closed };
	const char *all[16] = { "routing.mode=embed", "ws_ping_interval=0" };
	int n = 2;

	memset(&embed_bed, 0, sizeof(embed_bed));
	for (uint32_t i = 0; i < EMBED_PEERS; i++) {
		embed_bed.peers[i].end = -1;
		embed_bed.peers[i].number = i;
		embed_bed.peers[i].on_message = hear;
	}
	while (settings && *settings)
		all[n++] = *settings++;
	engine_bed_embed(&embed_bed.sipring, &handlers, &embed_bed);
	engine_bed_open(&embed_bed.engine, 1, 4, all);
}

void
embed_bed_open(const char *const *settings)
{
	open_bed(settings, false);
}

void
embed_bed_open_undelivered(const char *const *settings)
{
	open_bed(settings, true);
}

void
embed_bed_turn(void)
{
	for (int i = 0; i < EMBED_PEERS; i++)
		ws_peer_write(&embed_bed.peers[i], SIZE_MAX);
	engine_bed_turn(&embed_bed.engine, ENGINE_BED_MS);
	for (int i = 0; i < EMBED_PEERS; i++)
		if (!embed_bed.peers[i].deaf)
			ws_peer_read(&embed_bed.peers[i], SIZE_MAX);
}

void
embed_bed_pass(uint64_t ms)
{
	uint64_t until_ns = uring_sim_now_ns() + ms * ENGINE_BED_MS;

	while (uring_sim_now_ns() < until_ns)
		embed_bed_turn();
}

sipring_connection
embed_bed_connect(uint32_t n)
{
	uint32_t before = embed_bed.opened;

	ws_peer_connect(&embed_bed.peers[n], embed_bed.engine.listener);
	embed_bed_until(embed_bed.opened > before && embed_bed.peers[n].open);
	return embed_bed.connection;
}

void
embed_bed_say(uint32_t n, const char *text)
{
	ws_peer_say(&embed_bed.peers[n], text, strlen(text));
}

const char *
embed_bed_request(uint32_t n, const char *method)
{
	static char text[1024];
	static unsigned serial;

	snprintf(text, sizeof(text),
		 "%s sip:bob@example.com SIP/2.0\r\n"
		 "v: SIP/2.0/WS peer%u.invalid;branch=z9hG4bK%u;rport\r\n"
		 "Max-Forwards: 70\r\n"
		 "To: \"Bob\" <sip:bob@example.com>\r\n"
		 "From: <sip:alice@example.com>;tag=1928\r\n"
		 "Call-ID: %u@peer.invalid\r\n"
		 "CSeq: %u %s\r\n"
		 "X-Of-My-Own: first\r\n"
		 "x-of-my-own: second\r\n"
		 "Route: <sip:one;lr>, <sip:two;lr>\r\n"
		 "Content-Type: text/plain\r\n"
		 "Content-Length: 5\r\n\r\nhello",
		 method, n, serial, serial, serial + 1, method);
	serial++;
	embed_bed_say(n, text);
	return text;
}

void
embed_bed_finish(void)
{
	loop_tell(&embed_bed.engine.loop, LOOP_DRAIN);
	embed_bed_until(loop_is_drained(&embed_bed.engine.loop));
	for (int i = 0; i < EMBED_PEERS; i++)
		ws_peer_close(&embed_bed.peers[i]);
	engine_bed_end(&embed_bed.engine);
}
