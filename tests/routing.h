/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ROUTING_H
#define TESTS_ROUTING_H
/*
 * The routing stage on a bench: flows by number, a clock that stands still until it is told, one
 * message in, one text out. Each input lies against a guard page (feed.h). For one thread.
 *
 *     struct routing r;
 *     routing_init(&r);
 *     routing_send(&r, 1, text, len); r.m->action, r.out ...
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "codec/ws_frame.h"
#include "engine/route.h"
#include "tests/feed.h"

#define ROUTING_SLOTS 64
#define ROUTING_OUT_MAX (1 << 21)
#define ROUTING_HOST "cap.example.org"
#define ROUTING_CORE_HOST "192.0.2.100:5060" /* mode edge */
#define ROUTING_SECOND UINT64_C(1000000000)

struct routing {
	struct settings settings;
	struct stats stats;
	struct shared *shared;
	struct route *route;
	struct sip_shapes *shapes; /* so that what is sent again is read by its shape */
	struct message *m;
	uint64_t now_ns;
	uint64_t age_ns; /* how long the next message has waited */
	bool over_rate;  /* its connection has sent too much */
	uint32_t generation[ROUTING_SLOTS];
	struct message_peer peer[ROUTING_SLOTS];
	char *out; /* what went out, with a NUL behind it */
	size_t out_len;
};

#define ROUTING_TEXT_MAX 65536

static inline struct flow
routing_flow(const struct routing *r, uint32_t slot)
{
	return (struct flow){ slot, r->generation[slot] };
}

static inline void
routing_start(struct routing *r)
{
	static const uint8_t key[SHARED_KEY_LEN] = "an unpredictable key of 32 bytes";

	route_thread_begin();
	r->shared = shared_new(&r->settings, key, 1, ROUTING_SLOTS, 1);
	assert(r->shared);
	snprintf(r->shared->group.host, sizeof(r->shared->group.host), "%s", ROUTING_CORE_HOST);
	r->route = route_new(&r->settings, ROUTING_HOST, r->shared, 0, &r->stats);
	assert(r->route);
}

/* Settings are the defaults; change r->settings and call routing_start(). */
static inline void
routing_prepare(struct routing *r)
{
	memset(r, 0, sizeof(*r));
	settings_init(&r->settings);
	r->settings.mode = SETTINGS_MODE_REGISTRAR;
	r->now_ns = 1000 * ROUTING_SECOND;
	r->m = calloc(1, sizeof(*r->m));
	r->shapes = calloc(1, sizeof(*r->shapes));
	r->out = malloc(ROUTING_OUT_MAX);
	assert(r->m && r->shapes && r->out);
	for (uint32_t i = 0; i < ROUTING_SLOTS; i++)
		r->generation[i] = 1;
}

static inline void
routing_event(struct routing *r, uint32_t slot, enum message_kind kind)
{
	r->m->kind = (uint8_t)kind;
	r->m->from = routing_flow(r, slot);
	r->m->peer = r->peer[slot];
	route_message(r->route, r->m, r->now_ns);
	assert(r->m->action == MESSAGE_UNDECIDED);
}

static inline void
routing_open(struct routing *r, uint32_t slot, const char *address, uint16_t port)
{
	snprintf(r->peer[slot].address, sizeof(r->peer[slot].address), "%s", address);
	r->peer[slot].port = port;
	routing_event(r, slot, MESSAGE_FLOW_OPENED);
}

/* The slot's next owner is another flow. */
static inline void
routing_close(struct routing *r, uint32_t slot)
{
	routing_event(r, slot, MESSAGE_FLOW_CLOSED);
	r->generation[slot]++;
}

/* Flows 1 (alice) and 2 (bob), and 3 (somebody else). */
static inline void
routing_init(struct routing *r)
{
	routing_prepare(r);
	routing_start(r);
	routing_open(r, 1, "192.0.2.1", 4711);
	routing_open(r, 2, "192.0.2.2", 4712);
	routing_open(r, 3, "2001:db8::3", 4713);
}

static inline void
routing_fini(struct routing *r)
{
	route_free(r->route);
	shared_free(r->shared);
	route_thread_end();
	free(r->m->out_heap);
	free(r->shapes);
	free(r->m);
	free(r->out);
}

/* A test of cmocka whose state is `r`; its setup may be NULL. */
#define ROUTING_TEST(f, setup)                                                                     \
	cmocka_unit_test_prestate_setup_teardown(f, setup, routing_teardown, &r)

static inline int
routing_setup(void **state)
{
	routing_init(*state);
	return 0;
}

static inline int
routing_teardown(void **state)
{
	routing_fini(*state);
	return 0;
}

/* Put the pieces together, as the loop would. */
static inline void
routing_collect(struct routing *r)
{
	struct message *m = r->m;

	r->out_len = 0;
	if (m->action == MESSAGE_DROP)
		assert(m->pieces_len == 0 && m->fate < FATE_COUNT);
	for (uint32_t i = 0; i < m->pieces_len; i++) {
		assert(r->out_len + m->pieces[i].len < ROUTING_OUT_MAX);
		memcpy(r->out + r->out_len, m->pieces[i].at, m->pieces[i].len);
		r->out_len += m->pieces[i].len;
	}
	assert(r->out_len == m->out_len);
	r->out[r->out_len] = '\0';
}

static inline enum message_action
routing_send_opcode(struct routing *r, uint32_t slot, const char *text, size_t len, uint8_t opcode)
{
	struct message *m = r->m;

	/* as a block from the pool comes: with whatever was in it */
	free(m->out_heap);
	memset(m, 0xA5, sizeof(*m));
	m->out_heap = NULL;
	m->kind = MESSAGE_DATA;
	m->from = routing_flow(r, slot);
	m->peer = r->peer[slot];
	m->opcode = opcode;
	m->bytes = feed_guarded(text, len);
	m->len = (uint32_t)len;
	m->loop = 0;
	m->has_sip = r->settings.mode != SETTINGS_MODE_ECHO;
	m->has_head = false;
	m->listener = 0;
	m->over_rate = r->over_rate;
	m->since_ns = r->now_ns - r->age_ns;
	m->sip_error = 0;
	if (m->has_sip)
		(void)message_read(m, r->shapes);
	route_message(r->route, m, r->now_ns);
	assert(m->action == MESSAGE_FORWARD || m->action == MESSAGE_REPLY ||
	       m->action == MESSAGE_DROP);
	routing_collect(r);
	return m->action;
}

static inline enum message_action
routing_send(struct routing *r, uint32_t slot, const char *text, size_t len)
{
	return routing_send_opcode(r, slot, text, len, WS_OP_TEXT);
}

/* Text with LF alone at the end of each line, for tests that are read; CRLF is made of it. */
static inline enum message_action
__attribute__((format(printf, 3, 4)))
routing_say(struct routing *r, uint32_t slot, const char *format, ...)
{
	static char lines[ROUTING_TEXT_MAX], text[2 * ROUTING_TEXT_MAX];
	size_t len = 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(lines, sizeof(lines), format, args);
	va_end(args);
	assert(n > 0 && (size_t)n < sizeof(lines));
	for (int i = 0; i < n; i++) {
		if (lines[i] == '\n')
			text[len++] = '\r';
		text[len++] = lines[i];
	}
	return routing_send(r, slot, text, len);
}

/* The status of an answer of ours to the sender; 0: it was no answer. */
static inline int
routing_status(const struct routing *r)
{
	int status;

	if (r->m->action != MESSAGE_REPLY || !flow_equal(r->m->to, r->m->from))
		return 0;
	return sscanf(r->out, "SIP/2.0 %d ", &status) == 1 ? status : -1;
}

/* Which slot it was forwarded to; 0: none. */
static inline uint32_t
routing_target(const struct routing *r)
{
	if (r->m->action != MESSAGE_FORWARD)
		return 0;
	assert(flow_equal(r->m->to, routing_flow(r, r->m->to.slot)));
	return r->m->to.slot;
}

/* Does what went out hold this whole line (without its CRLF)? */
static inline bool
routing_has_line(const struct routing *r, const char *line)
{
	size_t len = strlen(line);
	const char *at = r->out;

	while ((at = strstr(at, line))) {
		if ((at == r->out || at[-1] == '\n') && at[len] == '\r')
			return true;
		at++;
	}
	return false;
}

/* Register a user with a contact user@<user>.invalid; returns the status. */
static inline int
routing_register(struct routing *r, uint32_t slot, const char *user, unsigned cseq)
{
	routing_say(r, slot,
		    "REGISTER sip:example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS %s.invalid;branch=z9hG4bKr%s%u\n"
		    "To: <sip:%s@example.org>\n"
		    "From: <sip:%s@example.org>;tag=1\n"
		    "Call-ID: register-%s\n"
		    "CSeq: %u REGISTER\n"
		    "Max-Forwards: 70\n"
		    "Contact: <sip:c-%s@%s.invalid;transport=ws>;expires=300\n"
		    "\n",
		    user, user, cseq, user, user, user, cseq, user, user);
	return routing_status(r);
}

#endif
