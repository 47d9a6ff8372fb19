/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The location table under threads: each home's router binds, refreshes, unbinds and expires, and
 * all of them, with others that only read, look up everything all the time. What a reader finds
 * must be whole: the binding of the one that was asked for, with the texts that go together.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/location_home.h"

#define SECOND UINT64_C(1000000000)
#define WRITERS 3
#define READERS 2
#define AORS 600
#define WRITER_STEPS 30000
#define SLOTS 16

struct thread {
	pthread_t id;
	uint32_t index; /* home, of a writer */
	uint64_t seed, found, missed;
	uint64_t now;
	struct stats stats;
};

static struct location l;
static struct flows flows;
static struct location_key keys[AORS];
static _Atomic uint32_t writers_left;

static uint64_t
random_next(struct thread *t)
{
	t->seed ^= t->seed << 13;
	t->seed ^= t->seed >> 7;
	t->seed ^= t->seed << 17;
	return t->seed;
}

static void
key_of(const char *text, struct sip_uri *uri, struct location_key *key)
{
	assert_int_equal(sip_uri_parse(span_of(text, strlen(text)), uri), SIP_OK);
	assert_true(location_key_of(&l, uri, key));
}

/* The contact says whose it is. A third of them also have one that all share. */
static struct location_binding *
binding_of(struct thread *t, uint32_t aor)
{
	char text[128];
	struct flows_entry entry;
	struct sip_uri parsed;
	uint32_t slot = (uint32_t)(random_next(t) % SLOTS);
	int n = random_next(t) % 3 ?
			snprintf(text, sizeof(text), "<sip:c@a%u.invalid>;slot=%u", aor, slot) :
			snprintf(text, sizeof(text), "<sip:all@shared.invalid>;slot=%u", slot);
	struct location_contact c = {
		.contact = span_of(text, (size_t)n),
		.uri = span_of(text + 1, strcspn(text, ">") - 1),
		.parsed = &parsed,
		.q = (uint16_t)(random_next(t) % 2 * 500),
		.expires_ns = t->now + (1 + random_next(t) % 20) * SECOND,
		.flow = flows_get(&flows, (struct flow){ slot, 1 }, &entry),
	};
	struct location_binding *b;

	assert_int_equal(sip_uri_parse(c.uri, &parsed), SIP_OK);
	b = location_binding_new(&l, &c);
	assert_non_null(b);
	return b;
}

static void
change(struct thread *t, struct location_home *h, uint32_t aor)
{
	struct location_aor *at = location_home_take(h, &keys[aor]);
	struct location_binding *b;

	assert_non_null(at);
	if (random_next(t) % 3 == 0) {
		if (location_first(at))
			location_home_unbind(h, location_first(at));
	} else {
		b = binding_of(t, aor);
		assert_true(location_home_reserve(h, 1));
		location_home_bind(h, at, b, location_match(at, b));
	}
	location_home_settle(h, at, t->now);
}

/* The slot in the text is the one beside it: one binding, not halves of two. */
static void
check_whole(const struct location_binding *b)
{
	char text[128];
	const char *at;

	assert_true(b->contact_len < sizeof(text));
	memcpy(text, location_contact_text(b).at, b->contact_len);
	text[b->contact_len] = '\0';
	at = strstr(text, ";slot=");
	assert_non_null(at);
	assert_int_equal(strtoul(at + 6, NULL, 10), b->slot);
}

static void
look(struct thread *t, uint32_t aor)
{
	const struct location_aor *at = location_aor_find(&l, &keys[aor], t->now);
	const struct location_binding *b;
	struct flows_entry flow;
	char own[64];

	b = at ? location_pick(at, &flows, false, t->now, &flow) : NULL;
	if (!b) {
		t->missed++;
		return;
	}
	t->found++;
	assert_int_equal(flow.flow.slot, b->slot);
	check_whole(b);
	snprintf(own, sizeof(own), "sip:c@a%u.invalid", aor);
	assert_true(span_equal(location_target(b), span_of(own, strlen(own))) ||
		    span_equal(location_target(b), SPAN("sip:all@shared.invalid")));
}

static void
look_by_contact(struct thread *t, uint32_t aor)
{
	const struct location_binding *b;
	struct location_key key;
	struct sip_uri uri;
	char text[64] = "sip:all@shared.invalid";

	if (aor % 4)
		snprintf(text, sizeof(text), "sip:c@a%u.invalid", aor);
	key_of(text, &uri, &key);
	b = location_find_contact(&l, &key, &uri, t->now);
	if (!b)
		return;
	check_whole(b);
	assert_true(span_equal(location_target(b), span_of(text, strlen(text))));
}

static void
read_some(struct thread *t)
{
	rcu_enter();
	for (int i = 0; i < 4; i++)
		look(t, (uint32_t)(random_next(t) % AORS));
	look_by_contact(t, (uint32_t)(random_next(t) % AORS));
	rcu_leave();
}

static void *
writer(void *arg)
{
	struct thread *t = arg;
	struct location_home *h = &l.homes[t->index];

	rcu_thread_begin();
	for (uint32_t step = 0; step < WRITER_STEPS; step++) {
		uint32_t aor = (uint32_t)(random_next(t) % AORS);

		if (location_home_of(&l, &keys[aor]) == t->index)
			change(t, h, aor);
		if (step % 64 == 0) {
			t->now += SECOND / 2;
			location_home_expire(h, t->now, 20);
		}
		if (step % 8 == 0)
			read_some(t);
	}
	rcu_thread_end();
	atomic_fetch_sub(&writers_left, 1);
	return NULL;
}

static void *
reader(void *arg)
{
	struct thread *t = arg;

	rcu_thread_begin();
	while (atomic_load(&writers_left))
		read_some(t);
	rcu_thread_end();
	return NULL;
}

static void
tables_init(void)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "stress";
	static const struct token_key token_key;

	assert_true(flows_init(&flows, 1, SLOTS, &token_key));
	assert_true(location_init(&l, key, WRITERS, 3 * SECOND, 60));
	for (uint32_t i = 0; i < SLOTS; i++)
		flows_open(&flows, (struct flow){ i, 1 }, false);
	for (uint32_t i = 0; i < AORS; i++) {
		struct sip_uri uri;
		char text[64];

		snprintf(text, sizeof(text), "sip:user%u@example.org", i);
		key_of(text, &uri, &keys[i]);
	}
}

static void
stress(void **state)
{
	static struct thread threads[WRITERS + READERS];
	uint64_t found = 0, missed = 0;

	(void)state;
	tables_init();
	atomic_store(&writers_left, WRITERS);
	for (uint32_t i = 0; i < WRITERS + READERS; i++) {
		struct thread *t = &threads[i];

		t->index = i;
		t->seed = 88172645463325252 + i;
		t->now = 1000 * SECOND;
		if (i < WRITERS)
			l.homes[i].stats = &t->stats;
		assert_int_equal(pthread_create(&t->id, NULL, i < WRITERS ? writer : reader, t), 0);
	}
	for (uint32_t i = 0; i < WRITERS + READERS; i++) {
		pthread_join(threads[i].id, NULL);
		found += threads[i].found;
		missed += threads[i].missed;
	}
	print_message("%lu found, %lu missed\n", (unsigned long)found, (unsigned long)missed);
	assert_true(found > 1000 && missed > 1000);
	for (uint32_t i = 0; i < WRITERS; i++) {
		assert_int_equal(threads[i].stats.bindings, l.homes[i].bindings);
		location_home_clear(&l.homes[i]);
		assert_int_equal(threads[i].stats.bindings, 0);
		assert_int_equal(l.homes[i].contacts.len, 0);
	}
	location_fini(&l);
	flows_fini(&flows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stress) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
