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

	token_make(&key, TOKEN_KEY_ID, flow, token);
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
	token_make(&key, TOKEN_KEY_ID, new, token);
	token[TOKEN_LEN - 1] = token[TOKEN_LEN - 1] == 'A' ? 'B' : 'A';
	assert_int_equal(flows_verify(&f, span_of(token, TOKEN_LEN), &e), FLOWS_TOKEN_FORGED);
	/* the generation wrapped: the same name for another flow, but not the same serial number */
	flows_close(&f, new);
	flows_open(&f, old, false);
	assert_non_null(flows_get(&f, old, &e));
	assert_null(flows_by_serial(&f, 3, serial, &e));
}

/* O-16: a token keeps its key for the life of its flow, and is known for what it was long after. */
static void
rotation(void **state)
{
	struct flow first = { 1, 1 }, second = { 2, 1 };
	struct flows_entry e, again;

	(void)state;
	flows_open(&f, first, false);
	flows_set_epoch(&f, 1);
	flows_open(&f, second, false);
	assert_non_null(flows_get(&f, first, &again));
	assert_int_equal(again.token[0], 'a');
	assert_non_null(flows_get(&f, second, &e));
	assert_int_equal(e.token[0], 'b');
	assert_int_equal(flows_verify(&f, flows_token(&again), &e), FLOWS_TOKEN_OPEN);
	flows_close(&f, first);
	for (uint32_t epoch = 1; epoch <= 26; epoch++) {
		flows_set_epoch(&f, epoch);
		assert_int_equal(flows_verify(&f, flows_token(&again), &e),
				 epoch < 26 ? FLOWS_TOKEN_STALE : FLOWS_TOKEN_FORGED);
	}
	again.token[0] = 'b'; /* the letter alone does not do */
	assert_int_equal(flows_verify(&f, flows_token(&again), &e), FLOWS_TOKEN_FORGED);
	again.token[0] = 'z'; /* of a time that was not yet */
	flows_set_epoch(&f, 1);
	assert_int_equal(flows_verify(&f, flows_token(&again), &e), FLOWS_TOKEN_FORGED);
}

/* Mode edge: a flow of the core is none of a client's. */
static void
core(void **state)
{
	struct flow flow = { 1, 1 };
	struct flows_entry e, open;

	(void)state;
	flows_open_core(&f, flow, false);
	assert_non_null(flows_get(&f, flow, &e));
	assert_true(flows_is_core(&e));
	assert_int_equal(flows_verify(&f, flows_token(&e), &open), FLOWS_TOKEN_OPEN);
	e.token[0] = TOKEN_KEY_ID;
	assert_int_equal(flows_verify(&f, flows_token(&e), &open), FLOWS_TOKEN_FORGED);
	flows_close(&f, flow);
	assert_int_equal(flows_verify(&f, flows_token(&e), &open), FLOWS_TOKEN_FORGED);
	e.token[0] = TOKEN_CORE_ID;
	assert_int_equal(flows_verify(&f, flows_token(&e), &open), FLOWS_TOKEN_STALE);
	flows_open(&f, flow, false);
	assert_non_null(flows_get(&f, flow, &e));
	assert_false(flows_is_core(&e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_open, setup, teardown),
		cmocka_unit_test_setup_teardown(generations, setup, teardown),
		cmocka_unit_test_setup_teardown(rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(core, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
