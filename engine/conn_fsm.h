/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_FSM_H
#define ENGINE_CONN_FSM_H
/* The life of a connection as a table (conn_fsm.def): what happens in which state. Pure. */
#include <stdint.h>

enum conn_state {
	CONN_FREE,
	CONN_CONNECTING,
	CONN_TLS_OUT,
	CONN_ASKING,
	CONN_TLS,
	CONN_UPGRADE,
	CONN_OPEN,
	CONN_CORE,
	CONN_CLOSING,
	CONN_FLUSHING,
	CONN_HALF,
	CONN_DRAINING,
	CONN_DEAD,
	CONN_STATE_COUNT
};

enum conn_event {
	CONN_EV_ACCEPTED,
	CONN_EV_ACCEPTED_TLS, /* the same, by a wss: listener */
	CONN_EV_DIALED,       /* we have begun to connect */
	CONN_EV_ACCEPTED_CORE, /* by the listener for the SIP core; or a datagram socket was made */
	CONN_EV_CONNECTED,
	CONN_EV_CONNECTED_TLS, /* the same, where TLS comes first */
	CONN_EV_CONNECTED_CORE, /* the same, where SIP comes first */
	CONN_EV_SECURED,        /* the TLS handshake is done */
	CONN_EV_SECURED_CORE,   /* the same, where SIP comes next */
	CONN_EV_UPGRADED,      /* the opening handshake is good */
	CONN_EV_REFUSED,       /* it is not */
	CONN_EV_FAILED,        /* the peer broke a rule or a limit */
	CONN_EV_PEER_CLOSE,    /* a good Close frame came */
	CONN_EV_GOING_AWAY,    /* we want to close: shutdown, idle */
	CONN_EV_TLS_END,       /* close_notify, an alert, or TLS that is broken: no more to read */
	CONN_EV_PEER_END,      /* FIN */
	CONN_EV_PEER_ERROR,    /* reset, or the network gave up */
	CONN_EV_SEND_FAILED,   /* timed out, too much queued, or an error */
	CONN_EV_SENT_ALL,      /* the last bytes that there will be were sent */
	CONN_EV_TIMEOUT,       /* the deadline of the state has passed */
	CONN_EV_ABANDONED,     /* the drain's time is up: no more patience */
	CONN_EV_CLOSED,        /* the kernel has forgotten the socket */
	CONN_EVENT_COUNT
};

enum conn_action {
	CONN_DO_MISSING, /* no such cell */
	CONN_DO_nothing,
	CONN_DO_arm_handshake,
	CONN_DO_arm_tls,
	CONN_DO_arm_connect,
	CONN_DO_hello,
	CONN_DO_ask,
	CONN_DO_give_up,
	CONN_DO_decline,
	CONN_DO_decline_tls,
	CONN_DO_refuse_clear,
	CONN_DO_tls_late,
	CONN_DO_open,
	CONN_DO_open_core,
	CONN_DO_refuse,
	CONN_DO_refuse_late,
	CONN_DO_refuse_draining,
	CONN_DO_fail,
	CONN_DO_answer_close,
	CONN_DO_say_close,
	CONN_DO_finish,
	CONN_DO_shutdown_write,
	CONN_DO_kill,
	CONN_DO_kill_late,
	CONN_DO_kill_abort,
	CONN_DO_release,
	CONN_ACTION_COUNT
};

struct conn_cell {
	uint8_t action; /* enum conn_action */
	uint8_t next;   /* enum conn_state */
};

/* The cell of a state and an event; action CONN_DO_MISSING where there is none. */
struct conn_cell conn_fsm_cell(enum conn_state state, enum conn_event event);

const char *conn_fsm_state_name(enum conn_state state);
const char *conn_fsm_event_name(enum conn_event event);

#endif
