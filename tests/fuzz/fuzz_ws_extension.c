/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sec-WebSocket-Extensions: the list, and the agreement on permessage-deflate in both roles. What
 * our server answers to an offer of our client's, our client accepts; terms are always within
 * their ranges.
 */
#include <stdint.h>
#include <stdlib.h>

#include "codec/ws_deflate_offer.h"
#include "codec/ws_extension.h"
#include "codec/ws_inflate.h"
#include "codec/ws_deflate.h"

static void
check(int holds)
{
	if (!holds)
		abort();
}

static void
check_terms(const struct ws_deflate_terms *t)
{
	if (!t->agreed)
		return;
	check(t->send_bits == 0 ||
	      (t->send_bits >= WS_DEFLATE_BITS_MIN && t->send_bits <= WS_DEFLATE_BITS_MAX));
	check(t->recv_bits >= WS_INFLATE_BITS_MIN && t->recv_bits <= WS_INFLATE_BITS_MAX);
}

static struct ws_deflate_policy
policy_of(uint8_t byte)
{
	return (struct ws_deflate_policy){ .enabled = true,
					   .send_takeover = byte & 1,
					   .recv_takeover = byte & 2,
					   .send_bits = (uint8_t)(9 + (byte >> 2) % 7),
					   .recv_bits = (uint8_t)(9 + (byte >> 5) % 7) };
}

static struct http_field
field_of(struct span value)
{
	return (struct http_field){ .name = SPAN("Sec-WebSocket-Extensions"), .value = value };
}

static void
agree_with_ourselves(const struct ws_deflate_policy *client, const struct ws_deflate_policy *server)
{
	char offer[WS_DEFLATE_OFFER_LEN], answer[WS_DEFLATE_OFFER_LEN];
	struct writer o = writer_over(offer, sizeof(offer)),
		      a = writer_over(answer, sizeof(answer));
	struct ws_deflate_terms ct, st;
	struct http_field field;

	ws_deflate_offer_write(client, &o);
	check(!o.full);
	field = field_of(writer_text(&o));
	ws_deflate_offer_answer(server, &field, 1, &a, &st);
	check(!a.full && st.agreed == (a.len > 0));
	field = field_of(writer_text(&a));
	check(ws_deflate_offer_accept(client, &field, a.len > 0, &ct) == WS_CLIENT_OK);
	check(ct.agreed == st.agreed);
	check_terms(&ct);
	check_terms(&st);
	check(!st.agreed ||
	      (ct.send_takeover <= st.recv_takeover && st.send_takeover <= ct.recv_takeover));
	check(!st.agreed || (ct.send_bits <= st.recv_bits && st.send_bits <= ct.recv_bits));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char answer[WS_DEFLATE_OFFER_LEN];
	struct writer w = writer_over(answer, sizeof(answer));
	struct ws_deflate_policy a, b;
	struct ws_deflate_terms terms;
	struct http_field field;
	struct span value;

	if (size < 2)
		return 0;
	a = policy_of(data[0]);
	b = policy_of(data[1]);
	agree_with_ourselves(&a, &b);
	value = span_of(data + 2, size - 2);
	if (ws_extension_count(value) < 0)
		return 0; /* the handshake refuses such a value before anybody looks at it */
	field = field_of(value);
	ws_deflate_offer_answer(&a, &field, 1, &w, &terms);
	check(!w.full && terms.agreed == (w.len > 0));
	check_terms(&terms);
	if (ws_deflate_offer_accept(&a, &field, 1, &terms) == WS_CLIENT_OK)
		check_terms(&terms);
	return 0;
}
