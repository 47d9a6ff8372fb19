/* SPDX-License-Identifier: Apache-2.0 */
/* The router's table of flows: O-04 - O-06. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "engine/flows.h"

#define SLOTS 8

static const struct token_key key = { "a key" };
static struct flows f;

static int
setup(void **state)
{
	(void)state;
	return flows_init(&f, 1, SLOTS, &key) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	flows_fini(&f);
	return 0;
}

static enum flows_verdict
verdict_of(struct flow flow)
{
	struct flows_entry e;
	char token[TOKEN_LEN];
	enum flows_verdict v;

	token_make(&key, flow, token);
	v = flows_verify(&f, span_of(token, TOKEN_LEN), &e);
	if (v == FLOWS_TOKEN_OPEN) {
		assert_true(flow_equal(e.flow, flow));
		assert_memory_equal(e.token, token, TOKEN_LEN);
	}
	return v;
}

static void
nothing_open(void **state)
{
	struct flows_entry e;

	(void)state;
	for (uint32_t slot = 0; slot < SLOTS + 2; slot++) {
		assert_null(flows_get(&f, (struct flow){ slot, 1 }, &e));
		assert_null(flows_get(&f, (struct flow){ slot, 0 }, &e));
		assert_int_equal(verdict_of((struct flow){ slot, 1 }), FLOWS_TOKEN_STALE);
	}
	assert_null(flows_get(&f, (struct flow){ UINT32_MAX, 1 }, &e));
	assert_null(flows_by_serial(&f, UINT32_MAX, 1, &e));
	assert_int_equal(flows_verify(&f, SPAN(""), &e), FLOWS_TOKEN_NONE);
	assert_int_equal(flows_verify(&f, SPAN("alice"), &e), FLOWS_TOKEN_NONE);
	assert_int_equal(flows_verify(&f, SPAN("aAAAAAAAAAAAAAAAAAAAAAAAAA"), &e),
			 FLOWS_TOKEN_FORGED);
	flows_close(&f, (struct flow){ 3, 1 });
}

static void
generations(void **state)
{
	struct flow old = { 3, 7 }, new = { 3, 8 };
	struct flows_entry e;
	uint64_t serial;
	char token[TOKEN_LEN];

	(void)state;
	flows_open(&f, old, false);
	assert_int_equal(verdict_of(old), FLOWS_TOKEN_OPEN);
	serial = flows_get(&f, old, &e)->serial;
	flows_close(&f, new); /* not the slot's */
	assert_non_null(flows_get(&f, old, &e));
	flows_close(&f, old);
	assert_null(flows_get(&f, old, &e));
	assert_null(flows_by_serial(&f, 3, serial, &e));
	assert_int_equal(verdict_of(old), FLOWS_TOKEN_STALE);
	flows_open(&f, new, false);
	assert_int_equal(verdict_of(old), FLOWS_TOKEN_STALE);
	assert_int_equal(verdict_of(new), FLOWS_TOKEN_OPEN);
	/* a made-up token of the open flow */
	token_make(&key, new, token);
	token[TOKEN_LEN - 1] = token[TOKEN_LEN - 1] == 'A' ? 'B' : 'A';
	assert_int_equal(flows_verify(&f, span_of(token, TOKEN_LEN), &e), FLOWS_TOKEN_FORGED);
	/* the generation wrapped: the same name for another flow, but not the same serial number */
	flows_close(&f, new);
	flows_open(&f, old, false);
	assert_non_null(flows_get(&f, old, &e));
	assert_null(flows_by_serial(&f, 3, serial, &e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_open, setup, teardown),
		cmocka_unit_test_setup_teardown(generations, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
