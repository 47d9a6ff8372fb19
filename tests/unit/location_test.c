/* SPDX-License-Identifier: Apache-2.0 */
/* The location table against a naive one (an array, searched from end to end), and at size. */
#include <malloc.h>
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
#define START (1000 * SECOND)
#define MEMORY_S 100
#define SLOTS 8

static const uint8_t key[SIPHASH_KEY_LEN];
static const struct token_key token_key;
static struct location l;
static struct location_home *home;
static struct flows flows;
static struct stats stats;
static uint32_t generation[SLOTS]; /* of the flow in each slot */
static uint64_t now;
static uint64_t seed = 88172645463325252;

static uint64_t
random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int
setup(void **state)
{
	(void)state;
	memset(&stats, 0, sizeof(stats));
	now = START;
	if (!flows_init(&flows, 1, SLOTS, &token_key) ||
	    !location_init(&l, key, 1, MEMORY_S * SECOND, 50))
		return -1;
	home = &l.homes[0];
	home->stats = &stats;
	for (uint32_t i = 0; i < SLOTS; i++) {
		generation[i] = 1;
		flows_open(&flows, (struct flow){ i, 1 });
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	location_home_clear(home);
	location_fini(&l);
	flows_fini(&flows);
	assert_int_equal(stats.bindings, 0);
	return 0;
}

static bool
key_of(const char *uri, struct location_key *out)
{
	struct sip_uri parsed;

	assert_int_equal(sip_uri_parse(span_of(uri, strlen(uri)), &parsed), SIP_OK);
	return location_key_of(&l, &parsed, out);
}

static const struct flows_entry *
flow_in(uint32_t slot, struct flows_entry *out)
{
	return flows_get(&flows, (struct flow){ slot, generation[slot] }, out);
}

static uint64_t
serial_in(uint32_t slot)
{
	struct flows_entry entry;

	return flow_in(slot, &entry)->serial;
}

struct want {
	const char *aor, *uri, *instance;
	uint32_t reg_id, slot;
	uint16_t q;
	uint64_t expires_ns;
};

static struct location_binding *
binding_of(const struct want *w)
{
	char text[256];
	struct flows_entry entry;
	int n = snprintf(text, sizeof(text), "<%s>%s%s", w->uri,
			 w->instance ? ";+sip.instance=" : "", w->instance ? w->instance : "");
	struct location_contact c = {
		.contact = span_of(text, (size_t)n),
		.uri = span_of(text + 1, strlen(w->uri)),
		.reg_id = w->reg_id,
		.q = w->q,
		.expires_ns = w->expires_ns,
		.flow = flow_in(w->slot, &entry),
	};

	if (w->instance)
		c.instance = span_of(text + n - strlen(w->instance), strlen(w->instance));
	return location_binding_new(&l, &c);
}

static void
put_in(const struct want *w)
{
	struct location_binding *b = binding_of(w);
	struct location_aor *aor;
	struct location_key k;

	assert_non_null(b);
	assert_true(key_of(w->aor, &k));
	aor = location_home_take(home, &k);
	assert_non_null(aor);
	assert_true(location_home_reserve(home, 1));
	location_home_bind(home, aor, b, location_match(aor, b));
	location_home_settle(home, aor, now);
}

/* False: it was not there. */
static bool
take_out(const struct want *w)
{
	struct location_binding *b = binding_of(w), *old;
	struct location_aor *aor;
	struct location_key k;

	assert_true(key_of(w->aor, &k));
	aor = location_aor_find(&l, &k, now);
	old = aor ? location_match(aor, b) : NULL;
	location_binding_free(b);
	if (!old)
		return false;
	location_home_unbind(home, old);
	location_home_settle(home, aor, now);
	return true;
}

/* "404", "480", or the URI that a request for `aor` goes to. */
static const char *
pick(const char *aor_uri)
{
	static char out[256];
	struct flows_entry flow;
	const struct location_binding *b;
	struct location_aor *aor;
	struct location_key k;

	aor = key_of(aor_uri, &k) ? location_aor_find(&l, &k, now) : NULL;
	if (!aor)
		return "404";
	b = location_pick(aor, &flows, now, &flow);
	if (!b)
		return "480";
	snprintf(out, sizeof(out), "%.*s", (int)location_target(b).len, location_target(b).at);
	return out;
}

static void
expire_all(void)
{
	while (location_home_expire(home, now, 100) <= now)
		;
}

/* ---- keys ---- */

static void
keys(void **state)
{
	static const struct {
		const char *uri, *text;
	} rows[] = {
		{ "sip:alice@Example.ORG", "alice@example.org" },
		{ "sips:%61lice@example.org:5080;x=y", "alice@example.org" },
		{ "sip:Alice:secret@example.org", "Alice@example.org" },
		{ "sip:a%40b@example.org", "a@b@example.org" },
		{ "sip:example.org", "@example.org" },
		{ "sip:user;par=u%40example.net@example.com",
		  "user;par=u@example.net@example.com" },
	};
	char longest[600] = "sip:";
	struct location_key k;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(key_of(rows[i].uri, &k));
		assert_int_equal(k.len, strlen(rows[i].text));
		assert_memory_equal(k.text, rows[i].text, k.len);
	}
	assert_true(key_of("sip:nul%00@h", &k)); /* RFC 4475 §3.1.1.4 */
	assert_int_equal(k.len, 6);
	memset(longest + 4, 'u', LOCATION_KEY_MAX - 2);
	memcpy(longest + 4 + LOCATION_KEY_MAX - 2, "@h", 3);
	assert_true(key_of(longest, &k));
	memcpy(longest + 4 + LOCATION_KEY_MAX - 2, "@hh", 4);
	assert_false(key_of(longest, &k));
}

/* ---- contacts ---- */

static const struct location_binding *
by_contact(const char *uri)
{
	struct sip_uri parsed;
	struct location_key k;

	assert_int_equal(sip_uri_parse(span_of(uri, strlen(uri)), &parsed), SIP_OK);
	assert_true(location_key_of(&l, &parsed, &k));
	return location_find_contact(&l, &k, &parsed, now);
}

/*
 * Who copies a contact comes after its owner, also after the owner's refresh; the index outlives
 * all of them.
 */
static void
twins(void **state)
{
	static const char uri[] = "sip:c@x.invalid;transport=ws";
	char aor[64];

	(void)state;
	assert_null(by_contact(uri));
	put_in(&(struct want){ "sip:owner@h", uri, NULL, 0, 1, 1000, now + 60 * SECOND });
	for (int i = 0; i < 100; i++) {
		snprintf(aor, sizeof(aor), "sip:copy%d@h", i);
		put_in(&(struct want){ aor, uri, NULL, 0, 2, 1000, now + 90 * SECOND });
	}
	assert_int_equal(home->contacts.len, 1);
	put_in(&(struct want){ "sip:owner@h", uri, NULL, 0, 3, 1000, now + 60 * SECOND });
	assert_int_equal(by_contact(uri)->slot, 3);
	assert_int_equal(by_contact("sip:c@X.invalid;ob;transport=ws")->slot, 3);
	assert_null(by_contact("sip:c@x.invalid;transport=tcp"));
	assert_null(by_contact("sip:c@x.invalid:81;transport=ws"));
	now += 60 * SECOND;
	assert_int_equal(by_contact(uri)->slot, 2); /* has run out, though it is still there */
	expire_all();
	assert_int_equal(by_contact(uri)->slot, 2);
	for (int i = 99; i >= 0; i--) {
		snprintf(aor, sizeof(aor), "sip:copy%d@h", i);
		assert_non_null(by_contact(uri));
		assert_true(take_out(&(struct want){ aor, uri, NULL, 0, 2, 1000, 0 }));
	}
	assert_null(by_contact(uri));
	assert_int_equal(home->contacts.len, 0);
}

/* ---- memory of those who were here ---- */

static void
remembered(void **state)
{
	struct want w;
	char aor[64];

	(void)state;
	for (int i = 0; i < 60; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@h", i);
		w = (struct want){ aor, "sip:c@x.invalid", NULL, 0, 1, 1000, now + 60 * SECOND };
		put_in(&w);
		assert_true(take_out(&w));
	}
	assert_int_equal(home->remembered, 50); /* bounded: the oldest ten are forgotten */
	assert_string_equal(pick("sip:u9@h"), "404");
	assert_string_equal(pick("sip:u10@h"), "480");
	now += MEMORY_S * SECOND - 1;
	assert_string_equal(pick("sip:u10@h"), "480");
	assert_int_equal(location_home_expire(home, now, 100), now + 1);
	now++;
	assert_string_equal(pick("sip:u10@h"), "404");
	w.aor = "sip:u10@h";
	w.expires_ns = now + 60 * SECOND;
	put_in(&w);
	assert_string_equal(pick("sip:u10@h"), "sip:c@x.invalid");
	assert_int_equal(home->remembered, 49);
	assert_int_equal(location_home_expire(home, now, 9), home->oldest->forget_ns);
	assert_int_equal(home->remembered, 40);
	expire_all();
	assert_int_equal(home->remembered, 0);
	assert_int_equal(home->aors.len, 1);
}

/* ---- against a model ---- */

#define AORS 40
#define URIS 5
#define MODEL_MAX (AORS * URIS * 3)

struct model {
	bool in;
	int aor, uri, instance; /* instance 0: none, else the reg-id too */
	uint32_t slot;
	uint16_t q;
	uint64_t expires_ns;
	uint64_t serial; /* of the flow */
	uint64_t order;  /* higher: bound later */
};

static struct model model[MODEL_MAX];
static uint64_t
	bound_ns[AORS]; /* when it lost its last binding; 0: never had one; UINT64_MAX: has one */
static uint64_t order;

static struct model *
model_match(int aor, int uri, int instance)
{
	for (int i = 0; i < MODEL_MAX; i++)
		if (model[i].in && model[i].aor == aor &&
		    (instance || model[i].instance ? instance == model[i].instance :
						     uri == model[i].uri))
			return &model[i];
	return NULL;
}

static void
model_settle(int aor)
{
	for (int i = 0; i < MODEL_MAX; i++)
		if (model[i].in && model[i].aor == aor)
			return;
	if (bound_ns[aor] == UINT64_MAX)
		bound_ns[aor] = now;
}

static void
model_bind(const struct model *want)
{
	struct model *m = model_match(want->aor, want->uri, want->instance);
	uint64_t serial = serial_in(want->slot);
	bool keep = m && m->serial == serial && m->q == want->q;

	for (int i = 0; !m; i++)
		if (!model[i].in)
			m = &model[i];
	*m = (struct model){
		true,    want->aor,        want->uri, want->instance,           want->slot,
		want->q, want->expires_ns, serial,    keep ? m->order : ++order
	};
	bound_ns[want->aor] = UINT64_MAX;
}

static const char *
model_pick(int aor)
{
	static char out[64];
	const struct model *best = NULL;

	for (int i = 0; i < MODEL_MAX; i++) {
		const struct model *m = &model[i];

		if (!m->in || m->aor != aor || m->expires_ns <= now ||
		    serial_in(m->slot) != m->serial)
			continue;
		if (!best || m->q > best->q || (m->q == best->q && m->order > best->order))
			best = m;
	}
	if (best)
		snprintf(out, sizeof(out), "sip:c%d@a%d.invalid", best->uri, aor);
	else if (bound_ns[aor] == UINT64_MAX)
		return "480";
	else
		return bound_ns[aor] && bound_ns[aor] + MEMORY_S * SECOND > now ? "480" : "404";
	return out;
}

/* What is due goes at the second that follows, in both. */
static void
model_expire(void)
{
	for (int i = 0; i < MODEL_MAX; i++) {
		if (model[i].in && model[i].expires_ns <= now / SECOND * SECOND) {
			model[i].in = false;
			model_settle(model[i].aor);
		}
	}
	expire_all();
}

static void
random_step(void)
{
	static const char *const instances[] = { NULL, "\"<urn:1>\"", "\"<urn:2>\"" };
	struct model m = {
		.aor = (int)(random_next() % AORS),
		.uri = (int)(random_next() % URIS),
		.instance = (int)(random_next() % 3),
		.slot = (uint32_t)(random_next() % SLOTS),
		.q = (uint16_t)(random_next() % 3 * 500),
		.expires_ns = now + (1 + random_next() % 200) * SECOND,
	};
	char aor[32], uri[64];
	struct want w = { aor,    uri, instances[m.instance], (uint32_t)m.instance,
			  m.slot, m.q, m.expires_ns };
	struct model *old;

	snprintf(aor, sizeof(aor), "sip:u%d@h", m.aor);
	snprintf(uri, sizeof(uri), "sip:c%d@a%d.invalid", m.uri, m.aor);
	switch (random_next() % 16) {
	case 0: /* a connection comes back */
		flows_close(&flows, (struct flow){ m.slot, generation[m.slot] });
		flows_open(&flows, (struct flow){ m.slot, ++generation[m.slot] });
		break;
	case 1:
	case 2:
		now += random_next() % (20 * SECOND);
		model_expire();
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		old = model_match(m.aor, m.uri, m.instance);
		assert_int_equal(take_out(&w), old != NULL);
		if (old) {
			old->in = false;
			model_settle(m.aor);
		}
		break;
	default:
		put_in(&w);
		model_bind(&m);
	}
	assert_string_equal(pick(aor), model_pick(m.aor));
}

static void
against_model(void **state)
{
	uint64_t n;

	(void)state;
	for (int step = 0; step < 60000; step++) {
		random_step();
		n = 0;
		for (int i = 0; i < MODEL_MAX; i++)
			n += model[i].in;
		assert_int_equal(location_bindings(&l), n);
		assert_int_equal(stats.bindings, n);
	}
	now += 1000 * SECOND;
	expire_all();
	assert_int_equal(location_bindings(&l), 0);
	assert_int_equal(home->aors.len, home->remembered);
	now += MEMORY_S * SECOND;
	expire_all();
	assert_int_equal(home->aors.len, 0);
	assert_int_equal(home->contacts.len, 0);
}

/* ---- at size ---- */

#define MANY 150000

/* Memory per binding, and that they go in the order of their seconds. */
static void
many(void **state)
{
	size_t before = mallinfo2().uordblks, used;
	uint64_t left = MANY;
	char aor[64], uri[64];
	struct want w = { aor, uri, NULL, 0, 0, 1000, 0 };

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(aor, sizeof(aor), "sip:user%u@example.org", i);
		snprintf(uri, sizeof(uri), "sip:c%u@h%u.invalid;transport=ws", i, i);
		w.slot = i % SLOTS;
		w.expires_ns = now + (60 + random_next() % 3600) * SECOND;
		put_in(&w);
	}
	used = (mallinfo2().uordblks - before) / MANY;
	if (before) { /* a sanitizer's malloc does not say */
		print_message("%zu bytes per binding, all texts included\n", used);
		assert_in_range(used, 100, 600);
	}
	for (uint32_t i = 0; i < MANY; i += 1001) {
		snprintf(aor, sizeof(aor), "sip:user%u@example.org", i);
		assert_true(strncmp(pick(aor), "sip:c", 5) == 0);
	}
	for (uint64_t s = 0; s <= 3660; s++) {
		now = START + s * SECOND;
		while (location_home_expire(home, now, 64) <= now) {
			assert_true(left - location_bindings(&l) <= 64);
			left = location_bindings(&l);
		}
		left = location_bindings(&l); /* some 42 fewer in each second */
		assert_true(s < 60 ? left == MANY : left <= MANY - (s - 60) * 30);
	}
	assert_int_equal(location_bindings(&l), 0);
}

static int
register_thread(void **state)
{
	(void)state;
	rcu_thread_begin();
	return 0;
}

static int
unregister_thread(void **state)
{
	(void)state;
	rcu_thread_end();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys, setup, teardown),
		cmocka_unit_test_setup_teardown(twins, setup, teardown),
		cmocka_unit_test_setup_teardown(remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(against_model, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, register_thread, unregister_thread);
}
