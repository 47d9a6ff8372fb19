/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "bench/bench.h"
#include "bench/messages.h"
#include "codec/ws_reader.h"

/* All events of a buffer; returns the messages that ended in it. */
static unsigned
read_all(struct ws_reader *r, uint8_t *bytes, size_t len)
{
	static const struct ws_limits limits = { .message_bytes = 65536, .fragments = 1024 };
	struct ws_event event;
	unsigned messages = 0;

	while (len) {
		size_t taken = ws_reader_next(r, &limits, bytes, len, &event);

		bytes += taken;
		len -= taken;
		messages += event.type == WS_EVENT_DATA && event.last;
	}
	return messages;
}

/* As many SIP messages as the argument says in one receive buffer. */
BENCH(ws_read, 1, 16)
{
	size_t count = bench_arg(b), frame_len, len = 0;
	uint8_t *frame = messages_frame(messages_message(), &frame_len);
	uint8_t *bytes = malloc(count * frame_len);
	struct ws_reader reader;
	uint64_t rounds = 0, messages = 0;

	if (!bytes)
		abort();
	for (size_t i = 0; i < count; i++, len += frame_len)
		memcpy(bytes + len, frame, frame_len);
	ws_reader_init(&reader, WS_SERVER, false);
	while (bench_next(b)) {
		messages += read_all(&reader, bytes, len);
		rounds++;
	}
	free(bytes);
	free(frame);
	if (messages != rounds * count)
		bench_fail(b, "messages got lost");
	bench_bytes(b, len);
	bench_items(b, count);
}
