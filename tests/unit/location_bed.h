/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_LOCATION_BED_H
#define TESTS_UNIT_LOCATION_BED_H
/*
 * A location table, the flows that its bindings came over, and a clock, for one thread that is the
 * router of all homes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/location_home.h"

#define BED_SECOND UINT64_C(1000000000)
#define BED_START (1000 * BED_SECOND)
#define BED_MEMORY_S 100
#define BED_SLOTS 8

struct bed {
	struct location l;
	struct flows flows;
	struct stats stats;
	uint64_t now;
	uint64_t seed;
	uint32_t generation[BED_SLOTS]; /* of the flow in each slot */
};

static inline uint64_t
bed_random(struct bed *b)
{
	b->seed ^= b->seed << 13;
	b->seed ^= b->seed >> 7;
	b->seed ^= b->seed << 17;
	return b->seed;
}

/* Of `remembered` addresses-of-record without bindings each home keeps its share. */
static inline void
bed_init(struct bed *b, uint32_t homes, uint64_t remembered)
{
	static const uint8_t key[SIPHASH_KEY_LEN];
	static const struct token_key token_key;

	rcu_thread_begin();
	memset(b, 0, sizeof(*b));
	b->now = BED_START;
	b->seed = 88172645463325252;
	assert_true(flows_init(&b->flows, 1, BED_SLOTS, &token_key));
	assert_true(location_init(&b->l, key, homes, BED_MEMORY_S * BED_SECOND, remembered));
	for (uint32_t i = 0; i < homes; i++)
		b->l.homes[i].stats = &b->stats;
	for (uint32_t i = 0; i < BED_SLOTS; i++) {
		b->generation[i] = 1;
		flows_open(&b->flows, (struct flow){ i, 1 }, false);
	}
}

static inline void
bed_fini(struct bed *b)
{
	for (uint32_t i = 0; i < b->l.homes_len; i++)
		location_home_clear(&b->l.homes[i]);
	location_fini(&b->l);
	flows_fini(&b->flows);
	assert_int_equal(b->stats.bindings, 0);
	rcu_thread_end();
}

static inline const struct flows_entry *
bed_flow(const struct bed *b, uint32_t slot, struct flows_entry *out)
{
	return flows_get(&b->flows, (struct flow){ slot, b->generation[slot] }, out);
}

/* The connection in this slot comes back as another. */
static inline void
bed_reopen(struct bed *b, uint32_t slot)
{
	flows_close(&b->flows, (struct flow){ slot, b->generation[slot] });
	flows_open(&b->flows, (struct flow){ slot, ++b->generation[slot] }, false);
}

static inline bool
bed_key(const struct bed *b, const char *uri, struct location_key *out)
{
	struct sip_uri parsed;

	assert_int_equal(sip_uri_parse(span_of(uri, strlen(uri)), &parsed), SIP_OK);
	return location_key_of(&b->l, &parsed, out);
}

static inline struct location_home *
bed_home(const struct bed *b, const struct location_key *aor)
{
	return &b->l.homes[location_home_of(&b->l, aor)];
}

struct bed_want {
	const char *aor, *uri, *instance;
	uint32_t reg_id, slot;
	uint16_t q;
	uint64_t expires_ns;
};

static inline struct location_binding *
bed_binding(const struct bed *b, const struct bed_want *w)
{
	char text[256];
	struct flows_entry entry;
	struct sip_uri parsed;
	int n = snprintf(text, sizeof(text), "<%s>%s%s", w->uri,
			 w->instance ? ";+sip.instance=" : "", w->instance ? w->instance : "");
	struct location_contact c = {
		.contact = span_of(text, (size_t)n),
		.uri = span_of(text + 1, strlen(w->uri)),
		.parsed = &parsed,
		.reg_id = w->reg_id,
		.q = w->q,
		.expires_ns = w->expires_ns,
		.flow = bed_flow(b, w->slot, &entry),
	};
	struct location_binding *made;

	assert_int_equal(sip_uri_parse(c.uri, &parsed), SIP_OK);
	if (w->instance)
		c.instance = span_of(text + n - strlen(w->instance), strlen(w->instance));
	made = location_binding_new(&b->l, &c);
	assert_non_null(made);
	return made;
}

static inline void
bed_put_in(struct bed *b, const struct bed_want *w)
{
	struct location_binding *made = bed_binding(b, w);
	struct location_home *h;
	struct location_aor *aor;
	struct location_key k;

	assert_true(bed_key(b, w->aor, &k));
	h = bed_home(b, &k);
	aor = location_home_take(h, &k);
	assert_non_null(aor);
	assert_true(location_home_reserve(h, 1));
	location_home_bind(h, aor, made, location_match(aor, made));
	location_home_settle(h, aor, b->now);
}

/* False: it was not there. */
static inline bool
bed_take_out(struct bed *b, const struct bed_want *w)
{
	struct location_binding *made = bed_binding(b, w), *old;
	struct location_aor *aor;
	struct location_key k;

	assert_true(bed_key(b, w->aor, &k));
	aor = location_aor_find(&b->l, &k, b->now);
	old = aor ? location_match(aor, made) : NULL;
	location_binding_free(made);
	if (!old)
		return false;
	location_home_unbind(bed_home(b, &k), old);
	location_home_settle(bed_home(b, &k), aor, b->now);
	return true;
}

/* "404", "480", or the URI that a request for `aor` goes to. */
static inline const char *
bed_pick(const struct bed *b, const char *aor_uri)
{
	static char out[256];
	struct flows_entry flow;
	const struct location_binding *found;
	struct location_aor *aor;
	struct location_key k;

	aor = bed_key(b, aor_uri, &k) ? location_aor_find(&b->l, &k, b->now) : NULL;
	if (!aor)
		return "404";
	found = location_pick(aor, &b->flows, false, b->now, &flow);
	if (!found)
		return "480";
	snprintf(out, sizeof(out), "%.*s", (int)location_target(found).len,
		 location_target(found).at);
	return out;
}

static inline const struct location_binding *
bed_by_contact(const struct bed *b, const char *uri)
{
	struct sip_uri parsed;
	struct location_key k;

	assert_int_equal(sip_uri_parse(span_of(uri, strlen(uri)), &parsed), SIP_OK);
	assert_true(location_key_of(&b->l, &parsed, &k));
	return location_find_contact(&b->l, &k, &parsed, b->now);
}

static inline void
bed_expire(struct bed *b)
{
	for (uint32_t i = 0; i < b->l.homes_len; i++)
		while (location_home_expire(&b->l.homes[i], b->now, 100) <= b->now)
			;
}

#endif
