/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's reading of an answer. Input: a byte that says what was asked, a byte that decides
 * the cuts, the answer. The verdict must not depend on the cuts, and an answer that opens the
 * connection agrees on nothing that was not asked.
 */
#include <assert.h>
#include <stdlib.h>
#include "codec/ws_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_open(const struct ws_client_request *request, const struct ws_client_answer *out)
{
	assert(out->status == 101 && out->fields_len >= 3);
	assert((out->protocol.len != 0) == (request->protocols.len != 0));
	assert(request->extensions.len || out->extensions.len == 0);
	if (out->protocol.len)
		assert(span_equal(out->protocol, SPAN("sip")) ||
		       span_equal(out->protocol, SPAN("msrp")));
}

static int
parse_in_pieces(const char *in, size_t len, uint8_t cuts, const struct ws_client_request *request)
{
	uint32_t state = cuts * 2654435761u + 1;
	struct ws_client_answer out;
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
		n = ws_client_parse(in, next, seen, request, &out);
		seen = next;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ws_client_request request = { .host = SPAN("example.org"), .port = 80,
					     .key = SPAN("dGhlIHNhbXBsZSBub25jZQ=="),
					     .header_bytes = 1024 };
	struct ws_client_answer out;
	char *in;
	int n, whole;

	if (size < 3)
		return 0;
	if (data[0] & 1)
		request.protocols = SPAN("sip, msrp");
	if (data[0] & 2)
		request.extensions = SPAN("permessage-deflate; client_max_window_bits");
	size -= 2;
	in = malloc(size + 1);
	assert(in);
	memcpy(in, data + 2, size);
	in[size] = '\n';
	n = ws_client_parse(in, size, 0, &request, &out);
	assert(n <= (int)size && n > -WS_CLIENT_ERROR_COUNT);
	if (n > 0)
		check_open(&request, &out);
	/* What is wrong in a line is told when it is whole, if not sooner: so end it. More bytes
	 * do not change a verdict. */
	whole = ws_client_parse(in, size + 1, 0, &request, &out);
	assert(n == 0 || n == whole);
	assert(parse_in_pieces(in, size + 1, data[1], &request) == whole);
	free(in);
	return 0;
}
