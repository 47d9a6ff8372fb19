/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inbound.h"

#include <assert.h>
#include <endian.h>
#include "codec/sip_addr.h"
#include "codec/sip_cseq.h"

/*
 * Half of the digits at once: one nibble per byte, the first one lowest; those over 9 are 39
 * further on, at 'a'.
 */
static uint64_t
hex_of(uint32_t n)
{
	uint64_t x = __builtin_bswap32(n), over;

	x = (x | x << 16) & UINT64_C(0x0000FFFF0000FFFF);
	x = (x | x << 8) & UINT64_C(0x00FF00FF00FF00FF);
	x = (x >> 4 | x << 8) & UINT64_C(0x0F0F0F0F0F0F0F0F);
	over = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	return x + UINT64_C(0x3030303030303030) + over * 39;
}

static void
hex_write(uint64_t n, char out[INBOUND_TAG_LEN])
{
	uint64_t digits[2] = { htole64(hex_of((uint32_t)(n >> 32))), htole64(hex_of((uint32_t)n)) };

	_Static_assert(sizeof(digits) == INBOUND_TAG_LEN, "16 digits");
	memcpy(out, digits, sizeof(digits));
}

/*
 * Keyed hash of what a request has in common with its retransmissions, its CANCEL and the
 * ACK to its non-2xx final response.
 *
 * P-04, RFC 3261 §16.11: an unguessable branch with the magic cookie tells a transaction by
 * itself. For RFC 2543 clients the fields of §16.6 step 8 do, but for the tag in To: the ACK to our
 * or anybody's non-2xx response has one where its INVITE had none, and must get the same branch
 * (§17.1.1.3).
 *
 * The flow goes in with them: two clients may choose the same branch, and whoever saw another one's
 * cannot cancel its INVITE. It takes the place of sent-by, which anybody may write (§17.2.3).
 */
static uint64_t
identity_of(const struct inbound *in, const struct siphash_key *key)
{
	const struct sip_msg *sip = &in->m->sip;
	const struct span branch = in->head->via.branch;
	uint64_t flow = (uint64_t)in->m->from.slot << 32 | in->m->from.tag;
	struct siphash s;
	struct sip_addr from;
	struct sip_cseq cseq;

	if (in->has_via && sip_via_branch_is_rfc3261(branch))
		return siphash_behind(
			key, flow,
			span_of(branch.at + SIP_VIA_COOKIE_LEN, branch.len - SIP_VIA_COOKIE_LEN));
	siphash_init(&s, key);
	siphash_feed_field(&s, span_of(&flow, sizeof(flow)));
	siphash_feed_field(&s, in->head->via_text);
	siphash_feed_field(&s, sip_msg_value(sip, SIP_FIELD_CALL_ID));
	if (sip_msg_field(sip, SIP_FIELD_FROM) &&
	    sip_addr_parse(sip_msg_value(sip, SIP_FIELD_FROM), &from) == SIP_OK)
		siphash_feed_field(&s, sip_addr_tag(&from));
	if (sip_msg_field(sip, SIP_FIELD_CSEQ) &&
	    sip_cseq_parse(sip_msg_value(sip, SIP_FIELD_CSEQ), &cseq) == SIP_OK)
		siphash_feed_field(&s, span_of(&cseq.number, sizeof(cseq.number)));
	siphash_feed_field(&s, sip_msg_span(sip, sip->uri));
	return siphash_value(&s);
}

static void
read_via(struct inbound *in)
{
	struct sip_value_iter it = { 0 };

	in->m->head.via_text = (struct span){ "", 0 };
	if (!sip_value_next(&in->m->sip, SIP_FIELD_VIA, &it))
		return;
	in->m->head.via_text = it.value;
	in->has_via = sip_via_parse(it.value, &in->m->head.via) == SIP_OK;
}

enum sip_error
inbound_init(struct inbound *in, struct stage *stage, struct message *m, uint64_t now_ns,
	     enum sip_error error)
{
	in->stage = stage;
	in->m = m;
	in->now_ns = now_ns;
	in->from = flows_get(stage->flows, m->from, &in->from_entry);
	in->head = &m->head;
	in->uri = &m->head.uri;
	if (!m->has_head && error == SIP_OK)
		error = sip_essentials_read(&m->sip, &m->head);
	in->has_via = in->whole = error == SIP_OK;
	if (error != SIP_OK)
		read_via(in);
	return error;
}

/* Its line is the first one: sip_essentials_read() refuses an empty one in front of it. */
struct sip_value_iter
inbound_top_via(const struct inbound *in)
{
	const struct sip_msg *sip = &in->m->sip;

	assert(in->whole);
	return (struct sip_value_iter){
		.field = sip_msg_field(sip, SIP_FIELD_VIA),
		.pos = (uint32_t)(span_end(in->head->via_text) - sip->base),
		.value = in->head->via_text,
	};
}

/* With a key each, so that neither tells anything about the other. */
void
inbound_branch(const struct inbound *in, char out[INBOUND_TAG_LEN])
{
	hex_write(identity_of(in, &in->stage->branch_key), out);
}

void
inbound_tag(const struct inbound *in, char out[INBOUND_TAG_LEN])
{
	hex_write(identity_of(in, &in->stage->tag_key), out);
}

/*
 * Is this host, as a Via has it, the address that the peer really has? Other spellings of it
 * count as different.
 */
static bool
host_is_peer(struct span host, const struct message_peer *peer)
{
	if (host.len >= 2 && host.at[0] == '[')
		host = span_of(host.at + 1, host.len - 2);
	return host.len < sizeof(peer->address) && peer->address[host.len] == '\0' &&
	       span_equal_nocase(host, span_of(peer->address, host.len));
}

struct inbound_via_params
inbound_via_params(const struct inbound *in)
{
	struct inbound_via_params p = { false, false };

	if (!in->stage->settings->routing_received || !in->has_via || !in->from)
		return p;
	p.rport = in->head->via.has_rport && in->head->via.rport.len == 0;
	/*
	 * with rport always, even if equal. One that is there already only its receiver
	 * may have written, which is us (§18.2.1): it is replaced.
	 */
	p.received = p.rport || in->head->via.received.len ||
		     !host_is_peer(in->head->via.host, &in->m->peer);
	return p;
}
