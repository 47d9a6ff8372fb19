/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/conn_fsm.h"

#include <assert.h>

static const struct conn_cell cells[CONN_STATE_COUNT][CONN_EVENT_COUNT] = {
#define CELL(state, event, action, next)                                                           \
	[CONN_##state][CONN_EV_##event] = { CONN_DO_##action, CONN_##next },
#include "engine/conn_fsm.def"
#undef CELL
};

struct conn_cell
conn_fsm_cell(enum conn_state state, enum conn_event event)
{
	assert(state < CONN_STATE_COUNT && event < CONN_EVENT_COUNT);
	return cells[state][event];
}

const char *
conn_fsm_state_name(enum conn_state state)
{
	static const char *const names[CONN_STATE_COUNT] = {
		"free", "connecting", "tls_out",  "asking", "tls",      "upgrade", "open",
		"core", "closing",    "flushing", "half",   "draining", "dead",
	};

	assert(state < CONN_STATE_COUNT);
	return names[state];
}

const char *
conn_fsm_event_name(enum conn_event event)
{
	static const char *const names[CONN_EVENT_COUNT] = {
		"accepted",      "accepted_tls",   "dialed",      "accepted_core", "connected",
		"connected_tls", "connected_core", "secured",     "secured_core",  "upgraded",
		"refused",       "failed",         "peer_close",  "going_away",    "tls_end",
		"peer_end",      "peer_error",     "send_failed", "sent_all",      "timeout",
		"abandoned",     "closed",
	};

	assert(event < CONN_EVENT_COUNT);
	return names[event];
}
