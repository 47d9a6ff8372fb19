/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine_party.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "codec/ws_frame.h"
#include "tests/e2e/load_daemon.h"
#include "tests/e2e/load_sip.h"
#include "tests/sim/uring_sim.h"

enum { USERS_MAX = 2000, SERIALS_MAX = 20000, OUT_MAX = 12000 };

struct entry {
	uint32_t from, to;
	bool to_registered; /* and knew it, when this was said */
	uint8_t delivered, answered;
	int status;
};

static bool echo_mode;
static uint32_t users, serials;
static struct entry ledger[SERIALS_MAX];

/* The last serial that went from one party to another, and that was answered. */
static struct {
	uint32_t from, to, delivered, answered;
} pairs[USERS_MAX * 4];
static uint32_t pairs_len;

/* What e2e/load_sip.c says of a wrong message. */
void
load_fail(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fail_msg("%s", text);
	abort();
}

/* -- hearing -- */

static uint32_t
in_order(uint32_t *last, uint32_t serial)
{
	assert_true(serial > *last);
	return *last = serial;
}

static uint32_t
pair_of(uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < pairs_len; i++)
		if (pairs[i].from == from && pairs[i].to == to)
			return i;
	assert_true(pairs_len < USERS_MAX * 4);
	pairs[pairs_len].from = from;
	pairs[pairs_len].to = to;
	pairs[pairs_len].delivered = pairs[pairs_len].answered = 0;
	return pairs_len++;
}

static void
on_request(struct engine_party *p, const struct load_sip *sip)
{
	struct entry *e = &ledger[sip->serial];
	char answer[LOAD_SIP_MAX];

	assert_true(sip->serial > 0 && sip->serial <= serials);
	assert_int_equal(e->to, p->user);
	assert_int_equal(++e->delivered, 1);
	in_order(&pairs[pair_of(e->from, e->to)].delivered, (uint32_t)sip->serial);
	load_sip_check_message(sip, e->from, e->to);
	if (!p->said_close)
		ws_peer_say(&p->ws, answer, load_sip_ok(answer, sip, p->user));
}

static void
on_answer(struct engine_party *p, const struct load_sip *sip)
{
	struct entry *e = &ledger[sip->serial];

	if (sip->is_register) {
		assert_int_equal(sip->serial, p->user);
		assert_true(sip->status == 200 || sip->status == 503);
		p->registered |= sip->status == 200;
		p->registering = false;
		return;
	}
	assert_true(sip->serial > 0 && sip->serial <= serials);
	assert_int_equal(e->from, p->user);
	assert_int_equal(++e->answered, 1);
	e->status = sip->status;
	if (sip->status == 200) {
		assert_int_equal(e->delivered, 1);
		in_order(&pairs[pair_of(e->from, e->to)].answered, (uint32_t)sip->serial);
		load_sip_check_response(sip, e->from, e->to);
	} else if (sip->status != 404 && sip->status != 480 && sip->status != 503) {
		fail_msg("serial %u: answered %d", (unsigned)sip->serial, sip->status);
	}
}

static size_t
echo_text(uint32_t user, uint32_t number, char *out)
{
	uint32_t n = (user * 2654435761u ^ number * 40503u) >> 7;
	size_t len = 20 + n % (n % 5 == 0 ? 5000 : 300);

	memset(out, 'a' + (int)(n % 26), len);
	len = len > 8000 ? 8000 : len;
	memset(out + 20 - 1, ' ', 1);
	snprintf(out, 20, "%u %u", user, number);
	return len;
}

static void
on_message(struct ws_peer *ws, char *text, size_t len)
{
	struct engine_party *p = ws->test;
	char expected[LOAD_SIP_MAX];
	struct load_sip sip;

	if (echo_mode) {
		assert_true(p->heard < p->said);
		assert_int_equal(echo_text(p->user, p->heard++, expected), len);
		assert_memory_equal(text, expected, len);
		return;
	}
	if (len == 2) {
		assert_memory_equal(text, "\r\n", 2); /* of a keep-alive */
		return;
	}
	load_sip_parse(&sip, text, len);
	(sip.status ? on_answer : on_request)(p, &sip);
}

/* -- life -- */

void
engine_party_begin(struct engine_party *parties, int count, bool echo)
{
	echo_mode = echo;
	users = serials = pairs_len = 0;
	memset(parties, 0, (size_t)count * sizeof(parties[0]));
	for (int i = 0; i < count; i++)
		parties[i].ws.end = -1;
}

void
engine_party_end(struct engine_party *parties, int count)
{
	for (int i = 0; i < count; i++) {
		parties[i].ws.end = -1; /* ended with its world */
		ws_peer_close(&parties[i].ws);
	}
}

static void
prepare(struct engine_party *p)
{
	p->ws.test = p;
	p->ws.on_message = on_message;
}

static void
arrived(struct engine_party *p)
{
	p->user = p->ws.number = ++users;
	assert_true(users < USERS_MAX);
	p->honest = true;
	p->registering = p->registered = p->said_close = false;
	p->said = p->heard = 0;
	p->ws.deaf = uring_sim_random(12) == 0;
	p->ws.dumb = uring_sim_random(12) == 0;
	p->ws.cuts = uring_sim_random(2);
}

void
engine_party_connect(struct engine_party *p, int listener, bool properly)
{
	static const char *const openings[] = {
		"",
		"GET / HTTP/1.1\r\nHost: x\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01",
		"INVITE sip:x SIP/2.0\r\n\r\n",
	};

	prepare(p);
	if (properly) {
		ws_peer_connect(&p->ws, listener);
	} else {
		const char *opening = openings[uring_sim_random(5)];

		ws_peer_connect_mute(&p->ws, listener);
		ws_peer_put(&p->ws, opening, strlen(opening));
	}
	arrived(p);
}

bool
engine_party_accept(struct engine_party *p, int listener)
{
	prepare(p);
	if (!ws_peer_accept(&p->ws, listener))
		return false;
	arrived(p);
	return true;
}

void
engine_party_vanish(struct engine_party *p, bool reset)
{
	(reset ? ws_peer_reset : ws_peer_close)(&p->ws);
	p->honest = false;
}

void
engine_party_manners(struct engine_party *p)
{
	if (!ws_peer_is_there(&p->ws))
		return;
	if (p->ws.close_seen && !p->said_close)
		engine_party_say_close(p);
	if (p->ws.server && p->ws.close_seen && p->ws.out.len == 0)
		ws_peer_finish(&p->ws); /* a server does so first, a client waits for it */
	if (p->ws.has_ended)
		engine_party_vanish(p, false);
}

/* -- saying -- */

static bool
may_speak(const struct engine_party *p)
{
	return p->ws.open && !p->said_close && !p->ws.finished && p->ws.out.len < OUT_MAX;
}

bool
engine_party_is_sound(const struct engine_party *p)
{
	return ws_peer_is_there(&p->ws) && p->honest && p->ws.open && !p->said_close &&
	       !p->ws.finished && !p->ws.close_seen && !p->ws.has_ended;
}

static void
say_message(struct engine_party *p, const struct engine_party *to)
{
	char text[LOAD_SIP_MAX];
	uint32_t user = to->user;

	if (serials + 1 >= SERIALS_MAX)
		return;
	if (uring_sim_random(10) == 0) /* somebody who is gone, or never was */
		user = 1 + uring_sim_random(users + 2);
	ledger[++serials] = (struct entry){
		.from = p->user,
		.to = user,
		.to_registered = user == to->user && to->registered && engine_party_is_sound(to),
	};
	ws_peer_say(&p->ws, text,
		    load_sip_message(text, p->user, user, serials,
				     uring_sim_random(uring_sim_random(4) ? 300 : 5000)));
}

void
engine_party_talk(struct engine_party *p, const struct engine_party *to)
{
	char text[LOAD_SIP_MAX];

	if (!may_speak(p))
		return;
	if (echo_mode) {
		ws_peer_say(&p->ws, text, echo_text(p->user, p->said++, text));
	} else if (!p->registered) {
		if (!p->registering)
			ws_peer_say(&p->ws, text, load_sip_register(text, p->user, 1, 300));
		p->registering = true;
	} else if (to->user > 0) {
		say_message(p, to);
	}
}

void
engine_party_odd(struct engine_party *p)
{
	if (!may_speak(p))
		return;
	switch (uring_sim_random(echo_mode ? 2 : 6)) {
	case 0:
		ws_peer_frame(&p->ws, WS_OP_PING, true, "ping", 4);
		break;
	case 1:
		ws_peer_frame(&p->ws, WS_OP_PONG, true, "pong", 4);
		break;
	case 2:
		ws_peer_say(&p->ws, "\r\n\r\n", 4);
		break;
	case 3:
		ws_peer_say(&p->ws, "\r\n", 2);
		break;
	case 4:
		ws_peer_say(&p->ws, "", 0);
		break;
	default:
		ws_peer_say(&p->ws, "hello", 5);
	}
}

void
engine_party_sin(struct engine_party *p)
{
	static const char big[9000];

	if (!may_speak(p))
		return;
	p->honest = false;
	switch (uring_sim_random(4)) {
	case 0:
		ws_peer_put(&p->ws, "\x83\x00", 2); /* no such opcode */
		break;
	case 1:
		ws_peer_frame(&p->ws, WS_OP_TEXT, true, "\xff", 1);
		break;
	case 2:
		ws_peer_frame(&p->ws, WS_OP_CONTINUATION, true, "x", 1);
		break;
	default:
		ws_peer_frame(&p->ws, WS_OP_BINARY, true, big, sizeof(big));
	}
}

void
engine_party_say_close(struct engine_party *p)
{
	if (!may_speak(p))
		return;
	p->said_close = true;
	ws_peer_say_close(&p->ws, WS_CLOSE_NORMAL);
}

/* -- the audit -- */

static const struct engine_party *
sound_party(const struct engine_party *parties, int count, uint32_t user)
{
	for (int i = 0; i < count; i++)
		if (parties[i].user == user && engine_party_is_sound(&parties[i]))
			return &parties[i];
	return NULL;
}

void
engine_party_audit(const struct engine_party *parties, int count, uint64_t refused_max)
{
	uint64_t refused = 0;

	for (int i = 0; echo_mode && i < count; i++)
		if (engine_party_is_sound(&parties[i]))
			assert_int_equal(parties[i].heard, parties[i].said);
	for (uint32_t serial = 1; serial <= serials; serial++) {
		const struct entry *e = &ledger[serial];

		if (!e->to_registered || sound_party(parties, count, e->from) == NULL ||
		    sound_party(parties, count, e->to) == NULL)
			continue;
		if (e->delivered == 0 && e->answered == 1 && e->status == 480 &&
		    refused++ < refused_max)
			continue;
		if (e->delivered != 1 || e->answered != 1 || e->status != 200)
			fail_msg("serial %u from %u to %u: delivered %u, answered %u (%d)", serial,
				 e->from, e->to, e->delivered, e->answered, e->status);
	}
}
