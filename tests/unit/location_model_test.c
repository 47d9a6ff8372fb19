/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The location table against a naive one, an array that is searched from end to end: the same
 * random changes to both, the same questions. With one home and with several.
 */
#include "tests/unit/location_bed.h"

static struct bed b;

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
	uint64_t born;   /* the same of the contact, refreshes aside */
};

static struct model model[MODEL_MAX];
static uint64_t
	bound_ns[AORS]; /* when it lost its last binding; 0: never had one; UINT64_MAX: has one */
static uint64_t order, born;

/* The last URI is what all the addresses-of-record may have as contact. */
static const char *
contact_of(int aor, int uri)
{
	static char out[64];

	if (uri == URIS - 1)
		return "sip:all@shared.invalid";
	snprintf(out, sizeof(out), "sip:c%d@a%d.invalid", uri, aor);
	return out;
}

static uint64_t
serial_in(uint32_t slot)
{
	struct flows_entry entry;

	return bed_flow(&b, slot, &entry)->serial;
}

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
		bound_ns[aor] = b.now;
}

static void
model_bind(const struct model *want)
{
	struct model *m = model_match(want->aor, want->uri, want->instance);
	uint64_t serial = serial_in(want->slot);
	bool keep = m && m->serial == serial && m->q == want->q;
	bool same = m && m->uri == want->uri;
	uint64_t new_order = keep ? m->order : ++order, new_born = same ? m->born : ++born;

	for (int i = 0; !m; i++)
		if (!model[i].in)
			m = &model[i];
	*m = *want;
	m->in = true;
	m->serial = serial;
	m->order = new_order;
	m->born = new_born;
	bound_ns[want->aor] = UINT64_MAX;
}

static const char *
model_pick(int aor)
{
	const struct model *best = NULL;

	for (int i = 0; i < MODEL_MAX; i++) {
		const struct model *m = &model[i];

		if (!m->in || m->aor != aor || m->expires_ns <= b.now ||
		    serial_in(m->slot) != m->serial)
			continue;
		if (!best || m->q > best->q || (m->q == best->q && m->order > best->order))
			best = m;
	}
	if (best)
		return contact_of(aor, best->uri);
	if (bound_ns[aor] == UINT64_MAX)
		return "480";
	return bound_ns[aor] && bound_ns[aor] + BED_MEMORY_S * BED_SECOND > b.now ? "480" : "404";
}

/* Slot of the binding that has this contact; -1: nobody has it. */
static int
model_by_contact(int aor, int uri)
{
	const struct model *oldest = NULL;

	for (int i = 0; i < MODEL_MAX; i++) {
		const struct model *m = &model[i];

		if (!m->in || m->expires_ns <= b.now || m->uri != uri ||
		    (uri != URIS - 1 && m->aor != aor))
			continue;
		if (!oldest || m->born < oldest->born)
			oldest = m;
	}
	return oldest ? (int)oldest->slot : -1;
}

/* What is due goes at the second that follows, in both. */
static void
model_expire(void)
{
	for (int i = 0; i < MODEL_MAX; i++) {
		if (model[i].in && model[i].expires_ns <= b.now / BED_SECOND * BED_SECOND) {
			model[i].in = false;
			model_settle(model[i].aor);
		}
	}
	bed_expire(&b);
}

static void
random_step(void)
{
	static const char *const instances[] = { NULL, "\"<urn:1>\"", "\"<urn:2>\"" };
	struct model m = {
		.aor = (int)(bed_random(&b) % AORS),
		.uri = (int)(bed_random(&b) % URIS),
		.instance = (int)(bed_random(&b) % 3),
		.slot = (uint32_t)(bed_random(&b) % BED_SLOTS),
		.q = (uint16_t)(bed_random(&b) % 3 * 500),
		.expires_ns = b.now + (1 + bed_random(&b) % 200) * BED_SECOND,
	};
	char aor[32], uri[64];
	struct bed_want w = { aor,    uri, instances[m.instance], (uint32_t)m.instance,
			      m.slot, m.q, m.expires_ns };
	const struct location_binding *found;
	struct model *old;

	snprintf(aor, sizeof(aor), "sip:u%d@h", m.aor);
	snprintf(uri, sizeof(uri), "%s", contact_of(m.aor, m.uri));
	switch (bed_random(&b) % 16) {
	case 0: /* a connection comes back */
		bed_reopen(&b, m.slot);
		break;
	case 1:
	case 2:
		b.now += bed_random(&b) % (20 * BED_SECOND);
		model_expire();
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		old = model_match(m.aor, m.uri, m.instance);
		assert_int_equal(bed_take_out(&b, &w), old != NULL);
		if (old) {
			old->in = false;
			model_settle(m.aor);
		}
		break;
	default:
		bed_put_in(&b, &w);
		model_bind(&m);
	}
	assert_string_equal(bed_pick(&b, aor), model_pick(m.aor));
	found = bed_by_contact(&b, uri);
	assert_int_equal(found ? (int)found->slot : -1, model_by_contact(m.aor, m.uri));
}

static uint64_t
aors_len(void)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < b.l.homes_len; i++)
		n += b.l.homes[i].aors.len;
	return n;
}

static void
run(uint32_t homes)
{
	uint64_t n;

	bed_init(&b, homes, 50 * homes); /* nobody is forgotten before his time */
	memset(model, 0, sizeof(model));
	memset(bound_ns, 0, sizeof(bound_ns));
	for (int step = 0; step < 60000; step++) {
		random_step();
		n = 0;
		for (int i = 0; i < MODEL_MAX; i++)
			n += model[i].in;
		assert_int_equal(location_bindings(&b.l), n);
		assert_int_equal(b.stats.bindings, n);
	}
	b.now += 1000 * BED_SECOND;
	bed_expire(&b);
	assert_int_equal(location_bindings(&b.l), 0);
	b.now += BED_MEMORY_S * BED_SECOND;
	bed_expire(&b);
	assert_int_equal(aors_len(), 0);
	for (uint32_t i = 0; i < homes; i++)
		assert_int_equal(b.l.homes[i].contacts.len, 0);
	bed_fini(&b);
}

static void
one_home(void **state)
{
	(void)state;
	run(1);
}

static void
several_homes(void **state)
{
	(void)state;
	run(5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_home),
		cmocka_unit_test(several_homes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
