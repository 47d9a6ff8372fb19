/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIP_SAME_H
#define TESTS_SIP_SAME_H
/*
 * Do two readings of the same octets say the same? For what reads SIP a second way: views have to
 * lie at the same place, not only to be equal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "codec/sip_essentials.h"
#include "codec/sip_msg.h"

static inline bool
sip_same_span(struct span a, struct span b)
{
	return a.len == b.len && a.at == b.at;
}

static inline bool
sip_same_uri(const struct sip_uri *a, const struct sip_uri *b)
{
	return a->kind == b->kind && sip_same_span(a->text, b->text) &&
	       sip_same_span(a->scheme, b->scheme) && sip_same_span(a->user, b->user) &&
	       sip_same_span(a->password, b->password) && sip_same_span(a->host, b->host) &&
	       sip_same_span(a->params, b->params) && sip_same_span(a->headers, b->headers) &&
	       a->port == b->port && a->has_user == b->has_user;
}

static inline bool
sip_same_addr(const struct sip_addr *a, const struct sip_addr *b)
{
	return sip_same_uri(&a->uri, &b->uri) && sip_same_span(a->display, b->display) &&
	       sip_same_span(a->uri_text, b->uri_text) && sip_same_span(a->params, b->params) &&
	       sip_same_span(a->tag, b->tag) && a->bracketed == b->bracketed &&
	       a->star == b->star && a->has_tag == b->has_tag;
}

static inline bool
sip_same_via(const struct sip_via *a, const struct sip_via *b)
{
	return sip_same_span(a->protocol, b->protocol) && sip_same_span(a->version, b->version) &&
	       sip_same_span(a->transport, b->transport) && sip_same_span(a->sent_by, b->sent_by) &&
	       sip_same_span(a->host, b->host) && sip_same_span(a->params, b->params) &&
	       sip_same_span(a->branch, b->branch) && sip_same_span(a->received, b->received) &&
	       sip_same_span(a->rport, b->rport) && a->port == b->port &&
	       a->has_rport == b->has_rport;
}

/* Only a request has a URI. */
static inline bool
sip_same_essentials(const struct sip_essentials *a, const struct sip_essentials *b, bool request)
{
	return sip_same_span(a->via_text, b->via_text) && sip_same_via(&a->via, &b->via) &&
	       (!request || sip_same_uri(&a->uri, &b->uri)) && sip_same_addr(&a->from, &b->from) &&
	       sip_same_addr(&a->to, &b->to) && a->cseq.number == b->cseq.number &&
	       sip_same_span(a->cseq.method, b->cseq.method) && a->hops == b->hops;
}

/* Of the last block of the map the octets of the head count only. */
static inline bool
sip_same_map(const struct sip_msg *a, const struct sip_msg *b)
{
	uint32_t head_len = a->fields_end + 2;

	for (uint32_t i = 0; i < head_len; i++) {
		uint64_t bit = UINT64_C(1) << i % SCAN_BLOCK;

		if ((a->map.stop[i / SCAN_BLOCK] ^ b->map.stop[i / SCAN_BLOCK]) & bit ||
		    (a->map.mark[i / SCAN_BLOCK] ^ b->map.mark[i / SCAN_BLOCK]) & bit)
			return false;
	}
	return true;
}

static inline bool
sip_same_index(const struct sip_msg *a, const struct sip_msg *b)
{
	return a->base == b->base && a->len == b->len && a->surplus == b->surplus &&
	       a->request == b->request && a->method == b->method && a->status == b->status &&
	       memcmp(&a->method_name, &b->method_name,
		      offsetof(struct sip_msg, fields_len) -
			      offsetof(struct sip_msg, method_name)) == 0 &&
	       a->fields_len == b->fields_len &&
	       memcmp(a->first, b->first, sizeof(a->first)) == 0 &&
	       memcmp(a->last, b->last, sizeof(a->last)) == 0 &&
	       memcmp(a->fields, b->fields, a->fields_len * sizeof(a->fields[0])) == 0 &&
	       a->mapped && b->mapped && sip_same_map(a, b);
}

#endif
