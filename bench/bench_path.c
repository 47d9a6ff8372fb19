/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole way of one message but for the sockets: from the octets of a masked frame as they were
 * received to the octets of the frame that goes out, in a buffer.
 */
#include <stdlib.h>
#include "bench/bench.h"
#include "bench/stage_bed.h"
#include "codec/sip_reply.h"
#include "codec/ws_reader.h"

#define OUT_BYTES 8192

struct path {
	struct stage_bed bed;
	struct ws_reader reader;
	struct ws_limits limits;
	uint8_t *frame;
	size_t frame_len;
	uint8_t out[OUT_BYTES];
	size_t out_len;
};

static void
frame_write(struct path *p)
{
	const struct message *m = p->bed.m;
	uint8_t *to = p->out;

	to += ws_frame_write_header(to, m->out_opcode, true, m->out_len, NULL);
	for (uint32_t i = 0; i < m->pieces_len; i++) {
		memcpy(to, m->pieces[i].at, m->pieces[i].len);
		to += m->pieces[i].len;
	}
	p->out_len = (size_t)(to - p->out);
}

static bool
frame_pass(struct path *p, struct flow from, enum message_action due)
{
	struct ws_event ev;

	ws_reader_next(&p->reader, &p->limits, p->frame, p->frame_len, &ev);
	if (ev.type != WS_EVENT_DATA || !ev.last ||
	    sip_keepalive(ev.bytes, ev.len) != SIP_KEEPALIVE_NOT ||
	    stage_bed_decide(&p->bed, from, span_of(ev.bytes, ev.len)) != due)
		return false;
	frame_write(p);
	bench_use(p->out);
	return true;
}

static bool
path_init(struct path *p)
{
	p->limits = (struct ws_limits){ .message_bytes = 65536, .fragments = 64 };
	ws_reader_init(&p->reader, WS_SERVER, false);
	return stage_bed_init(&p->bed);
}

static void
pass(struct bench *b, struct path *p, struct flow from, struct span text, enum message_action due)
{
	bool right = true;

	p->frame = messages_frame(text, &p->frame_len);
	while (bench_next(b))
		right &= frame_pass(p, from, due);
	if (!right)
		bench_fail(b, "message was refused");
	bench_bytes(b, text.len);
	bench_items(b, 1);
	free(p->frame);
	stage_bed_fini(&p->bed);
}

static void
run(struct bench *b, struct flow from, struct span text, enum message_action due)
{
	static struct path p;

	if (path_init(&p))
		pass(b, &p, from, text, due);
	else
		bench_fail(b, "REGISTER was refused");
}

/* As of a client that was never heard of before: nothing is learned. */
static void
run_new(struct bench *b, struct flow from, struct span text, enum message_action due)
{
	static struct path p;

	if (path_init(&p)) {
		p.bed.shapes->next = UINT64_MAX;
		pass(b, &p, from, text, due);
	} else {
		bench_fail(b, "REGISTER was refused");
	}
}

BENCH(path_options)
{
	run(b, stage_alice, messages_options(), MESSAGE_REPLY);
}

BENCH(path_register)
{
	run(b, stage_bob, messages_register(), MESSAGE_REPLY);
}

BENCH(path_message)
{
	run(b, stage_alice, messages_message(), MESSAGE_FORWARD);
}

BENCH(path_options_new)
{
	run_new(b, stage_alice, messages_options(), MESSAGE_REPLY);
}

BENCH(path_message_new)
{
	run_new(b, stage_alice, messages_message(), MESSAGE_FORWARD);
}

BENCH(path_invite)
{
	run(b, stage_alice, messages_invite(), MESSAGE_FORWARD);
}

/* bob's 200 to what he gets of alice's request. */
static bool
response_write(struct path *p, struct span request, struct writer *w)
{
	static char relayed[OUT_BYTES];
	struct writer all = writer_over(relayed, sizeof(relayed));
	struct sip_reply reply = {
		.status = 200,
		.to_tag = SPAN("h3k8s1v6b0"),
		.fields = SPAN("Supported: outbound\r\nUser-Agent: bench softphone 1.0\r\n"),
	};
	const struct message *m = p->bed.m;
	struct sip_msg sip;

	if (stage_bed_decide(&p->bed, stage_alice, request) != MESSAGE_FORWARD)
		return false;
	for (uint32_t i = 0; i < m->pieces_len; i++)
		writer_put(&all, m->pieces[i]);
	return sip_msg_parse(&sip, relayed, all.len) == SIP_OK && sip_reply_write(w, &sip, &reply);
}

BENCH(path_response)
{
	static struct path p;
	static char text[OUT_BYTES];
	struct writer w = writer_over(text, sizeof(text));

	if (path_init(&p) && response_write(&p, messages_message(), &w))
		pass(b, &p, stage_bob, writer_text(&w), MESSAGE_FORWARD);
	else
		bench_fail(b, "no response");
}
