/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"
#include "bench/messages.h"
#include "codec/sip_msg.h"

static void
index_text(struct bench *b, struct span text)
{
	struct sip_msg msg;
	enum sip_error error = SIP_OK;

	while (bench_next(b)) {
		error |= sip_msg_parse(&msg, text.at, text.len);
		bench_use(&msg);
	}
	if (error != SIP_OK)
		bench_fail(b, "message was refused");
	bench_bytes(b, text.len);
	bench_items(b, 1);
}

BENCH(sip_index_message)
{
	index_text(b, messages_message());
}

BENCH(sip_index_invite)
{
	index_text(b, messages_invite());
}

BENCH(sip_check_message)
{
	struct span text = messages_message();
	struct sip_msg msg;
	enum sip_error error = sip_msg_parse(&msg, text.at, text.len);

	while (bench_next(b)) {
		error |= sip_msg_check(&msg);
		bench_use(&msg);
	}
	if (error != SIP_OK)
		bench_fail(b, "message was refused");
	bench_items(b, 1);
}
