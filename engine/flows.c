/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flows.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>

bool
flows_init(struct flows *f, uint32_t slots_max, const struct token_key *key)
{
	assert(slots_max > 0);
	/* calloc: pages of slots that are never used are never touched */
	*f = (struct flows){ .slots_max = slots_max, .key = *key };
	f->entries = calloc(slots_max, sizeof(*f->entries));
	return f->entries != NULL;
}

void
flows_fini(struct flows *f)
{
	free(f->entries);
	OPENSSL_cleanse(f, sizeof(*f));
}

void
flows_open(struct flows *f, struct flow flow, const struct message_peer *peer)
{
	struct flows_entry *e = &f->entries[flow.slot];

	assert(flow.slot < f->slots_max && !flow_is_none(flow));
	e->serial = 0;
	if (!token_make(&f->key, flow, e->token))
		return;
	e->serial = ++f->serial;
	e->flow = flow;
	e->peer = *peer;
}

void
flows_close(struct flows *f, struct flow flow)
{
	assert(flow.slot < f->slots_max);
	if (flows_get(f, flow))
		f->entries[flow.slot].serial = 0;
}

enum flows_verdict
flows_verify(const struct flows *f, struct span token, const struct flows_entry **entry)
{
	const struct flows_entry *e;
	struct flow flow;

	if (!token_read(token, &flow))
		return FLOWS_TOKEN_NONE;
	e = flows_get(f, flow);
	if (e && CRYPTO_memcmp(e->token, token.at, TOKEN_LEN) == 0) {
		*entry = e;
		return FLOWS_TOKEN_OPEN;
	}
	/* Of the slot's present flow there is only one right token, and this is not it. */
	if (e || !token_check(&f->key, token, flow))
		return FLOWS_TOKEN_FORGED;
	return FLOWS_TOKEN_STALE;
}
