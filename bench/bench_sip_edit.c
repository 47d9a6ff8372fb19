/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "bench/bench.h"
#include "bench/messages.h"
#include "codec/sip_edit.h"

/* What a stateless proxy does to a request: Route off, Via and Record-Route on, one hop less. */
static void
note_edits(struct sip_edit *e, const struct sip_msg *msg)
{
	const struct sip_field *hops = sip_msg_field(msg, SIP_FIELD_MAX_FORWARDS);
	struct sip_value_iter route = { 0 };

	sip_edit_init(e, msg);
	sip_edit_insert_before(e, sip_msg_field(msg, SIP_FIELD_VIA),
			       SPAN("Via: SIP/2.0/WS 192.0.2.10:8080;"
				    "branch=z9hG4bK0c1d2e3f40516273.8a9bacbdcedfe0f1\r\n"));
	sip_edit_insert_before(e, NULL,
			       SPAN("Record-Route: <sip:0a1b2c3d4e5f@192.0.2.10:8080;"
				    "transport=ws;lr>\r\n"));
	sip_edit_splice(e, hops->value_off, hops->value_len, SPAN("68"));
	if (sip_value_next(msg, SIP_FIELD_ROUTE, &route))
		sip_edit_remove_value(e, &route);
}

/* Into a send buffer; returns the length, 0 when an edit failed. */
static size_t
write_pieces(const struct sip_edit *e, char *out)
{
	struct span pieces[SIP_PIECES_MAX];
	size_t len;
	int n = sip_edit_gather(e, pieces, &len);

	if (n < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		memcpy(out, pieces[i].at, pieces[i].len);
		out += pieces[i].len;
	}
	return len;
}

static void
forward(struct bench *b, struct span text)
{
	static struct sip_edit edit;
	static char out[8192];
	struct sip_msg msg;
	size_t len = 0;

	if (sip_msg_parse(&msg, text.at, text.len) != SIP_OK) {
		bench_fail(b, "message was refused");
		return;
	}
	while (bench_next(b)) {
		note_edits(&edit, &msg);
		len = write_pieces(&edit, out);
		bench_use(out);
	}
	if (len == 0)
		bench_fail(b, "edit failed");
	bench_bytes(b, len);
	bench_items(b, 1);
}

BENCH(forward_message)
{
	forward(b, messages_message());
}

BENCH(forward_invite)
{
	forward(b, messages_invite());
}
