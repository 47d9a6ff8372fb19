/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/shared.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>
#include "engine/clock.h"

#define SECOND_NS UINT64_C(1000000000)

/* One key per purpose, so that what one of them shows says nothing about the others. */
struct keys {
	struct token_key flow, nonce;
	uint8_t branch[SIPHASH_KEY_LEN], tag[SIPHASH_KEY_LEN], table[SIPHASH_KEY_LEN],
		source[SIPHASH_KEY_LEN], gruu[SIPHASH_KEY_LEN];
};

static bool
keys_derive(struct keys *k, const uint8_t key[SHARED_KEY_LEN])
{
	struct token_key master;
	bool ok;

	_Static_assert(SHARED_KEY_LEN == TOKEN_KEY_LEN, "one kind of key");
	memcpy(master.bytes, key, SHARED_KEY_LEN);
	ok = token_derive(&master, "flow", k->flow.bytes, sizeof(k->flow.bytes)) &&
	     token_derive(&master, "nonce", k->nonce.bytes, sizeof(k->nonce.bytes)) &&
	     token_derive(&master, "branch", k->branch, sizeof(k->branch)) &&
	     token_derive(&master, "tag", k->tag, sizeof(k->tag)) &&
	     token_derive(&master, "gruu", k->gruu, sizeof(k->gruu)) &&
	     token_derive(&master, "source", k->source, sizeof(k->source)) &&
	     token_derive(&master, "table", k->table, sizeof(k->table));
	OPENSSL_cleanse(&master, sizeof(master));
	return ok;
}

static uint64_t
wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

struct shared *
shared_new(const struct settings *settings, const uint8_t key[SHARED_KEY_LEN], uint32_t loops,
	   uint32_t slots_max, uint32_t routers)
{
	struct shared *s = aligned_alloc(_Alignof(struct shared), sizeof(*s));
	struct keys k;
	bool flows = false, group = false, ok = false;

	if (!s)
		return NULL;
	s->epoch_ns = *settings->token_secret ? wall_ns() - clock_now_ns() : 0;
	s->auth = NULL;
	s->sources = NULL;
	if (keys_derive(&k, key)) {
		s->branch_key = siphash_key_of(k.branch);
		s->tag_key = siphash_key_of(k.tag);
		memcpy(s->gruu_key, k.gruu, sizeof(s->gruu_key));
		flows = flows_init(&s->flows, loops, slots_max, &k.flow);
		group = flows && group_init(&s->group, settings, loops);
		if (settings->auth_users[0])
			s->auth = auth_new(&k.nonce, loops, slots_max);
		if (settings->routing_source_rate)
			s->sources = sources_new(k.source);
		ok = group && (s->auth || !settings->auth_users[0]) &&
		     (s->sources || !settings->routing_source_rate) &&
		     location_init(&s->location, k.table, routers,
				   settings->aor_memory_s * SECOND_NS, settings->bindings_max);
	}
	OPENSSL_cleanse(&k, sizeof(k));
	if (ok)
		return s;
	sources_free(s->sources);
	auth_free(s->auth);
	if (group)
		group_fini(&s->group);
	if (flows)
		flows_fini(&s->flows);
	free(s);
	return NULL;
}

void
shared_free(struct shared *s)
{
	if (!s)
		return;
	sources_free(s->sources);
	auth_free(s->auth);
	location_fini(&s->location);
	group_fini(&s->group);
	flows_fini(&s->flows);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}
