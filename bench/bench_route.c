/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing stage of mode registrar: from the text of a message in hand to its pieces ready to
 * be sent, index included.
 */
#include "bench/bench.h"
#include "bench/stage_bed.h"

static void
run(struct bench *b, struct flow from, struct span text, enum message_action due)
{
	struct stage_bed bed;
	bool right = stage_bed_init(&bed);

	while (bench_next(b))
		right &= stage_bed_decide(&bed, from, text) == due;
	if (!right)
		bench_fail(b, "message was refused");
	bench_bytes(b, text.len);
	bench_items(b, 1);
	stage_bed_fini(&bed);
}

BENCH(relay_message)
{
	run(b, stage_alice, messages_message(), MESSAGE_FORWARD);
}

BENCH(answer_options)
{
	run(b, stage_alice, messages_options(), MESSAGE_REPLY);
}

BENCH(refresh_register)
{
	run(b, stage_bob, messages_register(), MESSAGE_REPLY);
}
