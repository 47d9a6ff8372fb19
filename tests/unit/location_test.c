/* SPDX-License-Identifier: Apache-2.0 */
/* The location table: keys, contacts that several have, and those who were here. */
#include "tests/unit/location_bed.h"

static struct bed b;

static int
setup(void **state)
{
	(void)state;
	bed_init(&b, 1, 50);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bed_fini(&b);
	return 0;
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
		assert_true(bed_key(&b, rows[i].uri, &k));
		assert_int_equal(k.len, strlen(rows[i].text));
		assert_memory_equal(k.text, rows[i].text, k.len);
	}
	assert_true(bed_key(&b, "sip:nul%00@h", &k)); /* RFC 4475 §3.1.1.4 */
	assert_int_equal(k.len, 6);
	memset(longest + 4, 'u', LOCATION_KEY_MAX - 2);
	memcpy(longest + 4 + LOCATION_KEY_MAX - 2, "@h", 3);
	assert_true(bed_key(&b, longest, &k));
	memcpy(longest + 4 + LOCATION_KEY_MAX - 2, "@hh", 4);
	assert_false(bed_key(&b, longest, &k));
}

/* ---- contacts ---- */

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
	assert_null(bed_by_contact(&b, uri));
	bed_put_in(&b, &(struct bed_want){ "sip:owner@h", uri, NULL, 0, 1, 1000,
					   b.now + 60 * BED_SECOND });
	for (int i = 0; i < 100; i++) {
		snprintf(aor, sizeof(aor), "sip:copy%d@h", i);
		bed_put_in(&b, &(struct bed_want){ aor, uri, NULL, 0, 2, 1000,
						   b.now + 90 * BED_SECOND });
	}
	assert_int_equal(b.l.homes[0].contacts.len, 1);
	bed_put_in(&b, &(struct bed_want){ "sip:owner@h", uri, NULL, 0, 3, 1000,
					   b.now + 60 * BED_SECOND });
	assert_int_equal(bed_by_contact(&b, uri)->slot, 3);
	assert_int_equal(bed_by_contact(&b, "sip:c@X.invalid;ob;transport=ws")->slot, 3);
	assert_null(bed_by_contact(&b, "sip:c@x.invalid;transport=tcp"));
	assert_null(bed_by_contact(&b, "sip:c@x.invalid:81;transport=ws"));
	b.now += 60 * BED_SECOND;
	assert_int_equal(bed_by_contact(&b, uri)->slot,
			 2); /* has run out, though it is still there */
	bed_expire(&b);
	assert_int_equal(bed_by_contact(&b, uri)->slot, 2);
	for (int i = 99; i >= 0; i--) {
		snprintf(aor, sizeof(aor), "sip:copy%d@h", i);
		assert_non_null(bed_by_contact(&b, uri));
		assert_true(bed_take_out(&b, &(struct bed_want){ aor, uri, NULL, 0, 2, 1000, 0 }));
	}
	assert_null(bed_by_contact(&b, uri));
	assert_int_equal(b.l.homes[0].contacts.len, 0);
}

/* The oldest wins also where its copies live in other homes. */
static void
twins_in_homes(void **state)
{
	static const char uri[] = "sip:c@x.invalid;transport=ws";
	char aor[64];

	(void)state;
	bed_init(&b, 7, 50);
	bed_put_in(&b, &(struct bed_want){ "sip:owner@h", uri, NULL, 0, 1, 1000,
					   b.now + 60 * BED_SECOND });
	for (int i = 0; i < 100; i++) {
		snprintf(aor, sizeof(aor), "sip:copy%d@h", i);
		bed_put_in(&b, &(struct bed_want){ aor, uri, NULL, 0, 2 + (uint32_t)(i > 0), 1000,
						   b.now + 90 * BED_SECOND });
	}
	for (int i = 0; i < 7; i++)
		assert_int_equal(b.l.homes[i].contacts.len, 1);
	bed_put_in(&b, &(struct bed_want){ "sip:owner@h", uri, NULL, 0, 4, 1000,
					   b.now + 60 * BED_SECOND });
	assert_int_equal(bed_by_contact(&b, uri)->slot, 4);
	b.now += 60 * BED_SECOND;
	assert_int_equal(bed_by_contact(&b, uri)->slot, 2);
	bed_expire(&b);
	assert_int_equal(bed_by_contact(&b, uri)->slot, 2);
	bed_fini(&b);
}

/* ---- memory of those who were here ---- */

static void
remembered(void **state)
{
	struct bed_want w;
	char aor[64];

	(void)state;
	for (int i = 0; i < 60; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@h", i);
		w = (struct bed_want){ aor,  "sip:c@x.invalid",      NULL, 0, 1,
				       1000, b.now + 60 * BED_SECOND };
		bed_put_in(&b, &w);
		assert_true(bed_take_out(&b, &w));
	}
	assert_int_equal(b.l.homes[0].remembered, 50); /* bounded: the oldest ten are forgotten */
	assert_string_equal(bed_pick(&b, "sip:u9@h"), "404");
	assert_string_equal(bed_pick(&b, "sip:u10@h"), "480");
	b.now += BED_MEMORY_S * BED_SECOND - 1;
	assert_string_equal(bed_pick(&b, "sip:u10@h"), "480");
	assert_int_equal(location_home_expire(&b.l.homes[0], b.now, 100), b.now + 1);
	b.now++;
	assert_string_equal(bed_pick(&b, "sip:u10@h"), "404");
	w.aor = "sip:u10@h";
	w.expires_ns = b.now + 60 * BED_SECOND;
	bed_put_in(&b, &w);
	assert_string_equal(bed_pick(&b, "sip:u10@h"), "sip:c@x.invalid");
	assert_int_equal(b.l.homes[0].remembered, 49);
	assert_int_equal(location_home_expire(&b.l.homes[0], b.now, 9),
			 b.l.homes[0].oldest->forget_ns);
	assert_int_equal(b.l.homes[0].remembered, 40);
	bed_expire(&b);
	assert_int_equal(b.l.homes[0].remembered, 0);
	assert_int_equal(b.l.homes[0].aors.len, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys, setup, teardown),
		cmocka_unit_test_setup_teardown(twins, setup, teardown),
		cmocka_unit_test(twins_in_homes),
		cmocka_unit_test_setup_teardown(remembered, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
