/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows under threads: each loop's router opens and closes its own without pause, and looks at
 * those of the others. An answer is a flow that was open, with its own token and serial number,
 * or none: never a mixture of two.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "engine/flows.h"

#define LOOPS 3
#define SLOTS 4
#define GENERATIONS 5000u /* of each slot */

static const struct token_key key = { "a key" };
static struct flows f;
static _Atomic uint32_t opened[LOOPS][SLOTS]; /* the generation */

struct thread {
	pthread_t id;
	uint32_t loop;
	uint64_t open, gone;
};

static struct flow
flow_of(uint32_t loop, uint32_t slot, uint32_t generation)
{
	return (struct flow){ slot, loop << 24 | generation };
}

static void
look(struct thread *t, uint32_t loop, uint32_t slot)
{
	struct flow flow = flow_of(loop, slot, atomic_load(&opened[loop][slot]));
	struct flows_entry e, again;
	char token[TOKEN_LEN];

	if (flow_is_none(flow) || !flows_get(&f, flow, &e)) {
		t->gone++;
		return;
	}
	t->open++;
	assert_true(flow_equal(e.flow, flow));
	assert_true(token_make(&key, TOKEN_KEY_ID, flow, token));
	assert_memory_equal(e.token, token, TOKEN_LEN);
	assert_int_equal(e.serial >> 56, loop);
	if (flows_by_serial(&f, slot, e.serial, &again)) {
		assert_true(flow_equal(again.flow, flow));
		assert_memory_equal(again.token, token, TOKEN_LEN);
	}
	/* open, or gone meanwhile: but ours */
	assert_in_range(flows_verify(&f, span_of(token, TOKEN_LEN), &again), FLOWS_TOKEN_STALE,
			FLOWS_TOKEN_OPEN);
}

static void *
router(void *arg)
{
	struct thread *t = arg;

	for (uint32_t g = 1; g <= GENERATIONS; g++) {
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			struct flow flow = flow_of(t->loop, slot, g);
			struct flows_entry e;
			uint64_t before = f.loops[t->loop].serial;

			flows_open(&f, flow, false);
			assert_non_null(flows_get(&f, flow, &e));
			assert_true(e.serial == ((uint64_t)t->loop << 56 | (before + 1)));
			atomic_store(&opened[t->loop][slot], g);
		}
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			look(t, (t->loop + 1) % LOOPS, slot);
			if (g % 3)
				flows_close(&f, flow_of(t->loop, slot, g));
		}
	}
	return NULL;
}

static void
stress(void **state)
{
	struct thread threads[LOOPS];
	uint64_t open = 0, gone = 0;

	(void)state;
	assert_true(flows_init(&f, LOOPS, SLOTS, &key));
	for (uint32_t i = 0; i < LOOPS; i++) {
		threads[i] = (struct thread){ .loop = i };
		assert_int_equal(pthread_create(&threads[i].id, NULL, router, &threads[i]), 0);
	}
	for (uint32_t i = 0; i < LOOPS; i++) {
		pthread_join(threads[i].id, NULL);
		open += threads[i].open;
		gone += threads[i].gone;
	}
	print_message("%lu open, %lu gone\n", (unsigned long)open, (unsigned long)gone);
	assert_int_equal(open + gone, LOOPS * SLOTS * GENERATIONS);
	assert_true(open > 0 && gone > 0);
	flows_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stress) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
