/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a connection's life: what must hold for every path through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/conn_fsm.h"

static bool
has(enum conn_state state, enum conn_event event)
{
	return conn_fsm_cell(state, event).action != CONN_DO_MISSING;
}

/* A state in which the peer may vanish, or time may run out, must say what then. */
static void
test_nothing_is_stuck(void **state)
{
	(void)state;
	for (int s = CONN_CONNECTING; s < CONN_DEAD; s++) {
		assert_true(has(s, CONN_EV_GOING_AWAY));
		assert_true(has(s, CONN_EV_ABANDONED));
		if (s != CONN_HALF) /* its stream has ended already */
			assert_true(has(s, CONN_EV_PEER_ERROR));
		if (s != CONN_HALF && s != CONN_CONNECTING) /* or has not begun */
			assert_true(has(s, CONN_EV_PEER_END));
		/* these have timers of their own, but no end by themselves */
		if (s != CONN_OPEN && s != CONN_CORE)
			assert_true(has(s, CONN_EV_TIMEOUT));
	}
	assert_true(has(CONN_DEAD, CONN_EV_CLOSED));
	assert_int_equal(conn_fsm_cell(CONN_DEAD, CONN_EV_CLOSED).next, CONN_FREE);
}

/* Life goes one way: no event leads back to an earlier state, but for the end. */
static void
test_one_way(void **state)
{
	(void)state;
	for (int s = CONN_CONNECTING; s < CONN_DEAD; s++)
		for (int e = 0; e < CONN_EVENT_COUNT; e++)
			if (has(s, e))
				assert_true(conn_fsm_cell(s, e).next >= s);
}

/*
 * Time running out or the end of patience closes within one more deadline: it leads to FLUSHING or
 * DEAD.
 */
static void
test_timeouts_end_it(void **state)
{
	(void)state;
	for (int s = CONN_CONNECTING; s < CONN_DEAD; s++) {
		if (has(s, CONN_EV_TIMEOUT)) {
			int next = conn_fsm_cell(s, CONN_EV_TIMEOUT).next;

			assert_true(next == CONN_DEAD ||
				    (s == CONN_UPGRADE && next == CONN_FLUSHING));
		}
		assert_int_equal(conn_fsm_cell(s, CONN_EV_ABANDONED).next, CONN_DEAD);
	}
}

/* W-C-08: before the handshake is done there is an HTTP answer, never a Close frame. */
static void
test_no_close_before_open(void **state)
{
	(void)state;
	for (int s = CONN_FREE; s < CONN_OPEN; s++)
		for (int e = 0; e < CONN_EVENT_COUNT; e++) {
			int action = conn_fsm_cell(s, e).action;

			assert_true(action != CONN_DO_fail && action != CONN_DO_say_close &&
				    action != CONN_DO_answer_close);
		}
}

/* W-C-01, W-C-02: a Close is written on leaving OPEN, and never again after it. */
static void
test_one_close(void **state)
{
	(void)state;
	for (int s = CONN_CLOSING; s < CONN_STATE_COUNT; s++)
		for (int e = 0; e < CONN_EVENT_COUNT; e++) {
			int action = conn_fsm_cell(s, e).action;

			assert_true(action != CONN_DO_fail && action != CONN_DO_say_close &&
				    action != CONN_DO_answer_close);
		}
	assert_int_equal(conn_fsm_cell(CONN_OPEN, CONN_EV_PEER_CLOSE).action, CONN_DO_answer_close);
	assert_int_equal(conn_fsm_cell(CONN_OPEN, CONN_EV_FAILED).action, CONN_DO_fail);
}

static void
test_names(void **state)
{
	(void)state;
	for (int s = 0; s < CONN_STATE_COUNT; s++)
		assert_non_null(conn_fsm_state_name(s));
	for (int e = 0; e < CONN_EVENT_COUNT; e++)
		assert_non_null(conn_fsm_event_name(e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_stuck),
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_timeouts_end_it),
		cmocka_unit_test(test_no_close_before_open),
		cmocka_unit_test(test_one_close),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("conn_fsm", tests, NULL, NULL);
}
