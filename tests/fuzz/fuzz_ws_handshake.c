/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's reading of an opening handshake. Input: a byte of policy, a byte that decides the
 * cuts, the request. The verdict must not depend on the cuts, and what is accepted must be what
 * the answer is made of.
 */
#include <assert.h>
#include <stdlib.h>
#include "codec/ws_handshake.h"

#define FUZZ_HEADER_BYTES 1024
#define FUZZ_TARGET_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_inside(struct span part, const char *in, size_t len)
{
	return part.len == 0 || (part.at >= in && part.at + part.len <= in + len) ||
	       span_equal(part, SPAN("/"));
}

static void
check_accepted(const char *in, size_t len, const struct ws_handshake *hs)
{
	char text[FUZZ_HEADER_BYTES + 512];
	struct writer w = writer_over(text, sizeof(text));

	assert(len >= 4 && memcmp(in + len - 4, "\r\n\r\n", 4) == 0);
	assert(hs->key.len == 24 && hs->host.len && hs->path.len && hs->path.at[0] == '/');
	assert(hs->fields_len >= 5);
	assert(is_inside(hs->target, in, len) && is_inside(hs->path, in, len));
	assert(is_inside(hs->query, in, len) && is_inside(hs->host, in, len));
	assert(is_inside(hs->key, in, len) && is_inside(hs->protocol, in, len));
	assert(is_inside(hs->extensions, in, len) && is_inside(hs->origin, in, len));
	for (size_t i = 0; i < hs->fields_len; i++) {
		assert(hs->fields[i].name.len && is_inside(hs->fields[i].name, in, len));
		assert(is_inside(hs->fields[i].value, in, len));
	}
	ws_handshake_write_101(&w, hs->key, hs->protocol, SPAN(""));
	assert(!w.full);
}

static int
parse_in_pieces(const char *in, size_t len, uint8_t cuts, const struct ws_handshake_policy *policy)
{
	uint32_t state = cuts * 2654435761u + 1;
	struct ws_handshake hs;
	size_t seen = 0;
	int n = 0;

	while (n == 0 && seen < len) {
		size_t next = seen + 1;

		if (cuts) { /* 0: byte by byte */
			state = state * 1664525u + 1013904223u;
			next = seen + 1 + (state >> 24) % (2u * cuts);
		}
		if (next > len)
			next = len;
		n = ws_handshake_parse(in, next, seen, policy, &hs);
		seen = next;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ws_handshake_policy policy = { .header_bytes = FUZZ_HEADER_BYTES,
					      .target_bytes = FUZZ_TARGET_BYTES };
	struct ws_handshake hs;
	char *in;
	int n, whole;

	if (size < 3)
		return 0;
	policy.protocol = data[0] & 1 ? SPAN("") : SPAN("sip");
	policy.protocol_required = data[0] & 2;
	policy.require_origin = data[0] & 4;
	size -= 2;
	in = malloc(size + 1);
	assert(in);
	memcpy(in, data + 2, size);
	in[size] = '\n';
	n = ws_handshake_parse(in, size, 0, &policy, &hs);
	assert(n <= (int)size && n > -WS_HANDSHAKE_ERROR_COUNT);
	if (n > 0)
		check_accepted(in, (size_t)n, &hs);
	if (n < 0)
		assert(ws_handshake_status((enum ws_handshake_error)-n) >= 400);
	/* What is wrong in a line is told when it is whole, if not sooner: so end it. More bytes
	 * do not change a verdict. */
	whole = ws_handshake_parse(in, size + 1, 0, &policy, &hs);
	assert(n == 0 || n == whole);
	assert(parse_in_pieces(in, size + 1, data[1], &policy) == whole);
	free(in);
	return 0;
}
