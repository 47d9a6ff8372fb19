/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The location table at size: from the key of an address-of-record to the flow of the binding that
 * a request for it goes to, for random ones among as many as the argument says: at a million
 * nothing of it is in a cache. And what a binding takes in memory, all indexes included and its
 * texts aside.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/bench.h"
#include "engine/location_home.h"

#define NOW_NS (1000 * UINT64_C(1000000000))
#define SLOTS 4096
#define USER_DIGITS 7

struct table_bed {
	struct location l;
	struct flows flows;
	uint64_t seed;
	size_t texts; /* bytes */
};

static uint64_t
random_next(struct table_bed *bed)
{
	bed->seed ^= bed->seed << 13;
	bed->seed ^= bed->seed >> 7;
	bed->seed ^= bed->seed << 17;
	return bed->seed;
}

static void
key_of(const struct table_bed *bed, uint64_t user, struct location_key *key)
{
	char text[64];
	struct sip_uri uri;
	int n = snprintf(text, sizeof(text), "sip:user%0*lu@example.org", USER_DIGITS,
			 (unsigned long)user);

	if (sip_uri_parse(span_of(text, (size_t)n), &uri) != SIP_OK ||
	    !location_key_of(&bed->l, &uri, key))
		abort();
}

static void
bind_user(struct table_bed *bed, uint64_t user)
{
	static const char uri[] = "sip:c%lu@df7jal23ls0d.invalid;transport=ws";
	struct location_home *h = bed->l.homes;
	struct location_binding *b;
	struct location_aor *aor;
	struct location_key key;
	struct flows_entry entry;
	struct sip_uri parsed;
	char text[160];
	int uri_len, n;

	text[0] = '<';
	uri_len = snprintf(text + 1, sizeof(text) - 1, uri, (unsigned long)user);
	n = 1 + uri_len;
	n += snprintf(text + n, sizeof(text) - (size_t)n,
		      ">;+sip.instance=\"<urn:uuid:0c8e5a1f-7b32-4d96-a0e4-%012lx>\";reg-id=1",
		      (unsigned long)user);
	if (sip_uri_parse(span_of(text + 1, (size_t)uri_len), &parsed) != SIP_OK)
		abort();
	b = location_binding_new(
		&bed->l,
		&(struct location_contact){
			.contact = span_of(text, (size_t)n),
			.uri = span_of(text + 1, (size_t)uri_len),
			.parsed = &parsed,
			.q = 1000,
			.expires_ns =
				NOW_NS + (600 + random_next(bed) % 3000) * UINT64_C(1000000000),
			.flow = flows_get(&bed->flows, (struct flow){ (uint32_t)(user % SLOTS), 1 },
					  &entry),
		});
	key_of(bed, user, &key);
	aor = location_home_take(h, &key);
	if (!b || !aor || !location_home_reserve(h, 1))
		abort();
	location_home_bind(h, aor, b, NULL);
	bed->texts += (size_t)n + key.len;
}

static void
bed_init(struct table_bed *bed, uint64_t users)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "the same key";
	static const struct token_key token_key;

	rcu_thread_begin();
	bed->seed = 88172645463325252;
	bed->texts = 0;
	if (!flows_init(&bed->flows, 1, SLOTS, &token_key) || !location_init(&bed->l, key, 1, 0, 0))
		abort();
	for (uint32_t i = 0; i < SLOTS; i++)
		flows_open(&bed->flows, (struct flow){ i, 1 }, false);
	for (uint64_t i = 0; i < users; i++)
		bind_user(bed, i);
}

static void
bed_fini(struct table_bed *bed)
{
	location_home_clear(bed->l.homes);
	location_fini(&bed->l);
	flows_fini(&bed->flows);
	rcu_thread_end();
}

static size_t
heap_used(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* The flow's slot; SLOTS: there is none. */
static uint32_t
look_up(const struct table_bed *bed, const struct location_key *key)
{
	const struct location_aor *aor;
	struct flows_entry flow;
	uint32_t slot = SLOTS;

	rcu_enter();
	aor = location_aor_find(&bed->l, key, NOW_NS);
	if (aor && location_pick(aor, &bed->flows, false, NOW_NS, &flow))
		slot = flow.flow.slot;
	rcu_leave();
	return slot;
}

static void
digits_write(char *at, uint64_t n)
{
	for (int i = USER_DIGITS - 1; i >= 0; i--, n /= 10)
		at[i] = (char)('0' + n % 10);
}

/* Each round is another address-of-record, from its URI as a request has it. */
BENCH(location_lookup, 1000, 100000, 1000000)
{
	struct table_bed bed;
	size_t users = bench_arg(b), before = heap_used(), used;
	char text[] = "sip:user0000000@example.org";
	struct location_key key;
	struct sip_uri uri;
	bool right = true;

	bed_init(&bed, users);
	used = heap_used() - before - bed.texts;
	if (sip_uri_parse(SPAN(text), &uri) != SIP_OK)
		abort();
	while (bench_next(b)) {
		uint32_t slot;

		digits_write(text + strlen("sip:user"), random_next(&bed) % users);
		right &= location_key_of(&bed.l, &uri, &key);
		slot = look_up(&bed, &key);
		right &= slot < SLOTS;
	}
	if (!right)
		bench_fail(b, "not found");
	bench_items(b, 1);
	bench_figure(b, "bytes_beside_texts", (double)used / (double)users);
	bed_fini(&bed);
}
