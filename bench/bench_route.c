/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing stage of mode registrar: from the text of a message in hand to its pieces ready to
 * be sent, index included. Two flows, each with a registered user.
 */
#include <stdlib.h>
#include "bench/bench.h"
#include "bench/messages.h"
#include "codec/ws_frame.h"
#include "engine/route.h"

#define NOW_NS (1000 * UINT64_C(1000000000))

struct stage_bed {
	struct settings settings;
	struct stats stats;
	struct shared *shared;
	struct route *route;
	struct message *m;
};

static const struct flow alice = { .slot = 1, .tag = 1 }, bob = { .slot = 2, .tag = 1 };

static const char register_bob[] =
	"REGISTER sip:example.com SIP/2.0\r\n"
	"Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK1930277\r\n"
	"Max-Forwards: 69\r\n"
	"To: <sip:bob@example.com>\r\n"
	"From: <sip:bob@example.com>;tag=v4x9p1s7d0\r\n"
	"Call-ID: 7n2k5h8d1f4s6a9q0w3e5r\r\n"
	"CSeq: 82 REGISTER\r\n"
	"Contact: <sip:bob@df7jal23ls0d.invalid;transport=ws>;"
	"+sip.instance=\"<urn:uuid:0c8e5a1f-7b32-4d96-a0e4-91f5d27b6c38>\";reg-id=1;expires=600\r\n"
	"Expires: 600\r\n"
	"Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY\r\n"
	"Supported: path,gruu,outbound\r\n"
	"User-Agent: bench softphone 1.0\r\n"
	"Content-Length: 0\r\n"
	"\r\n";

static const char options_text[] =
	"OPTIONS sip:example.com SIP/2.0\r\n"
	"Via: SIP/2.0/WS 8pk1qv4n0t2c.invalid;branch=z9hG4bK7725098\r\n"
	"Max-Forwards: 70\r\n"
	"To: <sip:example.com>\r\n"
	"From: <sip:alice@example.com>;tag=d8s2k4m6n1\r\n"
	"Call-ID: 5b8m2n9c4x7z1l3k6j0h\r\n"
	"CSeq: 17 OPTIONS\r\n"
	"Content-Length: 0\r\n"
	"\r\n";

static void
flow_open(struct stage_bed *bed, struct flow flow, const char *address)
{
	struct message *m = bed->m;

	m->kind = MESSAGE_FLOW_OPENED;
	m->from = flow;
	m->peer = (struct message_peer){ .port = 40000 };
	memcpy(m->peer.address, address, strlen(address));
	route_message(bed->route, m, NOW_NS);
}

/* What becomes of a message of this flow. */
static enum message_action
decide(struct stage_bed *bed, struct flow from, struct span text)
{
	struct message *m = bed->m;

	m->kind = MESSAGE_DATA;
	m->from = from;
	m->opcode = WS_OP_TEXT;
	m->sip_error = (uint8_t)sip_msg_parse(&m->sip, text.at, text.len);
	route_message(bed->route, m, NOW_NS);
	bench_use(m);
	return (enum message_action)m->action;
}

static bool
bed_init(struct stage_bed *bed)
{
	static const uint8_t key[SHARED_KEY_LEN] = "the same key in every benchmark";

	memset(&bed->stats, 0, sizeof(bed->stats));
	settings_init(&bed->settings);
	bed->settings.mode = SETTINGS_MODE_REGISTRAR;
	bed->m = calloc(1, sizeof(*bed->m));
	route_thread_begin();
	bed->shared = shared_new(&bed->settings, key, 1, 16, 1);
	if (!bed->m || !bed->shared)
		abort();
	bed->route = route_new(&bed->settings, "192.0.2.10:8080", bed->shared, 0, &bed->stats);
	if (!bed->route)
		abort();
	bed->m->has_sip = true;
	flow_open(bed, alice, "198.51.100.7");
	flow_open(bed, bob, "203.0.113.90");
	return decide(bed, bob, SPAN(register_bob)) == MESSAGE_REPLY;
}

static void
bed_fini(struct stage_bed *bed)
{
	route_free(bed->route);
	shared_free(bed->shared);
	route_thread_end();
	free(bed->m);
}

static void
run(struct bench *b, struct flow from, struct span text, enum message_action due)
{
	struct stage_bed bed;
	bool right = bed_init(&bed);

	while (bench_next(b))
		right &= decide(&bed, from, text) == due;
	if (!right)
		bench_fail(b, "message was refused");
	bench_bytes(b, text.len);
	bench_items(b, 1);
	bed_fini(&bed);
}

BENCH(relay_message)
{
	run(b, alice, messages_message(), MESSAGE_FORWARD);
}

BENCH(answer_options)
{
	run(b, alice, SPAN(options_text), MESSAGE_REPLY);
}

BENCH(refresh_register)
{
	run(b, bob, SPAN(register_bob), MESSAGE_REPLY);
}
