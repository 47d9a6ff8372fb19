/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing stage: the input is a conversation of two flows and a third. Each step is one byte
 * that says what happens, and, for a message, two bytes of length and its bytes. Each message
 * comes to one fate; what is forwarded or answered is a SIP message again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "codec/ws_frame.h"
#include "engine/route.h"

#define SLOTS 4
#define SECOND UINT64_C(1000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[SHARED_KEY_LEN] = "an unpredictable key of 32 bytes";

struct bench {
	struct settings settings;
	struct stats stats;
	struct shared *shared;
	struct route *route;
	struct message *m;
	uint64_t now_ns;
	uint32_t generation[SLOTS];
	bool open[SLOTS];
};

static void
event(struct bench *b, uint32_t slot)
{
	b->m->kind = b->open[slot] ? MESSAGE_FLOW_CLOSED : MESSAGE_FLOW_OPENED;
	b->generation[slot] += !b->open[slot];
	b->open[slot] = !b->open[slot];
	b->m->from = (struct flow){ slot, b->generation[slot] };
	b->m->peer = (struct message_peer){ .address = "192.0.2.1",
					    .port = (uint16_t)(4711 + slot),
					    .secure = slot & 1 };
	route_message(b->route, b->m, b->now_ns);
	assert(b->m->action == MESSAGE_UNDECIDED);
}

/* What goes out parses, whatever came in. */
static void
check_output(const struct message *m)
{
	static struct sip_msg again;
	char *text = malloc(m->out_len + 1);
	size_t len = 0;
	enum sip_error error;

	assert(text && m->pieces_len <= SIP_PIECES_MAX);
	for (uint32_t i = 0; i < m->pieces_len; i++) {
		memcpy(text + len, m->pieces[i].at, m->pieces[i].len);
		len += m->pieces[i].len;
	}
	assert(len == m->out_len);
	error = sip_msg_parse(&again, text, len);
	if (m->action == MESSAGE_FORWARD) {
		/* of the Vias only the topmost, ours, was looked into in a response */
		assert(error == SIP_OK);
		error = sip_msg_check(&again);
		assert(error == SIP_OK || (error == SIP_ERROR_VIA && !again.request));
		assert(again.request == m->sip.request && again.body.len == m->sip.body.len);
	} else {
		/* an answer to a faulty request holds its faulty fields: only the shape is ours */
		assert(m->sip_error || error == SIP_OK);
		assert(len > 12 && memcmp(text, "SIP/2.0 ", 8) == 0);
	}
	free(text);
}

static void
check_decision(const struct bench *b)
{
	const struct message *m = b->m;

	switch (m->action) {
	case MESSAGE_FORWARD:
		assert(b->open[m->to.slot] && m->to.tag == b->generation[m->to.slot]);
		check_output(m);
		break;
	case MESSAGE_REPLY:
		assert(flow_equal(m->to, m->from) && m->sip.request &&
		       m->sip.method != SIP_METHOD_ACK);
		check_output(m);
		break;
	default:
		assert(m->action == MESSAGE_DROP && m->fate < FATE_COUNT && m->pieces_len == 0);
	}
}

static void
message(struct bench *b, uint32_t slot, const uint8_t *bytes, size_t len)
{
	struct message *m = b->m;

	m->kind = MESSAGE_DATA;
	m->from = (struct flow){ slot, b->generation[slot] };
	m->opcode = WS_OP_BINARY;
	m->bytes = malloc(len + !len); /* a block of its own, so that a byte too far is seen */
	assert(m->bytes);
	memcpy(m->bytes, bytes, len);
	m->len = (uint32_t)len;
	m->has_sip = true;
	m->sip_error = (uint8_t)sip_msg_parse(&m->sip, (const char *)m->bytes, len);
	route_message(b->route, m, b->now_ns);
	check_decision(b);
	if (m->action == MESSAGE_FORWARD && len % 3 == 0) {
		route_undeliverable(b->route, m, b->now_ns);
		check_decision(b);
	}
	free(m->out_heap);
	free(m->bytes);
	m->out_heap = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench b = { .now_ns = 1000 * SECOND };

	settings_init(&b.settings);
	b.settings.contacts_max = 3;
	b.settings.bindings_max = 6;
	if (size && data[0] & 0x80)
		memcpy(b.settings.routing_domains, "example.org", sizeof("example.org"));
	route_thread_begin();
	b.shared = shared_new(&b.settings, key, 1, SLOTS, 1);
	assert(b.shared);
	b.route = route_new(&b.settings, "cap.example.org", b.shared, 0, &b.stats);
	b.m = calloc(1, sizeof(*b.m));
	assert(b.route && b.m);
	event(&b, 1);
	event(&b, 2);
	while (size >= 3) {
		uint8_t what = data[0] & 0x7F;
		size_t len = (size_t)data[1] << 8 | data[2];

		data += 3;
		size -= 3;
		if (what == 0x7F) {
			event(&b, (uint32_t)(len % SLOTS));
			continue;
		}
		if (what == 0x7E) {
			b.now_ns += len * SECOND / 8;
			route_expire(b.route, b.now_ns);
			continue;
		}
		if (len > size)
			len = size;
		message(&b, what % SLOTS, data, len);
		data += len;
		size -= len;
	}
	free(b.m);
	route_free(b.route);
	shared_free(b.shared);
	route_thread_end();
	assert(b.stats.bindings == 0);
	return 0;
}
