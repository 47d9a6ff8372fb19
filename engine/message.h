/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_MESSAGE_H
#define ENGINE_MESSAGE_H
/*
 * The block that carries one message all the way: loop -> router -> loop, and back to the pool of
 * the loop that made it. Whoever holds the pointer owns the block; pushing it into a queue hands
 * it over.
 *
 * Where its bytes are: in a leased receive buffer (the common case: nothing was copied), or in a
 * heap block of its own (put together from several pieces, or crossing threads). The routing stage
 * does not care.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "codec/sip_edit.h"
#include "codec/sip_essentials.h"
#include "codec/sip_msg.h"
#include "codec/sip_shape.h"
#include "engine/flow.h"
#include "engine/stats.h"

enum message_kind {
	MESSAGE_DATA,          /* a whole WebSocket message */
	MESSAGE_FLOW_OPENED,   /* a connection finished its handshake: `from`, `peer` */
	MESSAGE_FLOW_CLOSED,   /* it is gone; nothing from it follows */
	MESSAGE_UNDELIVERABLE, /* forwarded, but the target is gone: see route_undeliverable() */
	/* orders of the application, order.h: no message that came in */
	MESSAGE_SEND,    /* pieces go to `to` */
	MESSAGE_CLOSE,   /* close `to`: `code`, and the reason in `bytes` */
	MESSAGE_CONNECT, /* connect `to` the server in `bytes`, a struct settings_upstream */
};

/* Where the peer of a connection is, as text, once per connection. */
struct message_peer {
	char address[46]; /* numeric, without brackets */
	uint16_t port;
	bool secure;       /* over TLS, and its handshake is done */
	bool core;         /* mode edge: the SIP core, not a client */
	uint8_t transport; /* enum flow_transport */
};

/* What the routing stage decided. */
enum message_action {
	MESSAGE_UNDECIDED,
	MESSAGE_FORWARD, /* pieces go to `to`; fate delivered, or dropped_* when it is gone */
	MESSAGE_REPLY,   /* pieces go back to `from`; fate answered */
	MESSAGE_DROP,    /* `fate` says why */
};

struct message {
	struct message *next; /* free list, or chain of the owner */
	struct flow from;
	struct message_peer peer; /* of `from` */
	uint8_t kind;             /* enum message_kind */
	uint8_t opcode;           /* WS_OP_TEXT or WS_OP_BINARY, as it came */
	uint8_t action;           /* enum message_action */
	uint8_t fate;             /* enum stats_fate, with MESSAGE_DROP */
	uint8_t out_opcode;       /* as it goes out */
	bool has_sip;             /* sip is filled (modes other than echo) */
	uint8_t sip_error;        /* enum sip_error of sip_msg_parse() */
	bool has_head;            /* head is filled: sip came of a shape */
	bool leased;              /* bytes lie in receive buffer `buffer` */
	uint16_t buffer;
	uint16_t loop;     /* owner */
	uint8_t listener;  /* that the connection came to */
	uint8_t rank;      /* enum rank, from the routing stage on */
	bool over_rate;    /* its connection has sent more than routing.connection_rate allows */
	uint64_t since_ns; /* when it came in; 0: not known */
	/* MESSAGE_FLOW_CLOSED, and `code` of MESSAGE_CLOSE too */
	uint16_t code;    /* of the Close frame, or 0 */
	uint8_t why;      /* enum conn_event that ended it */
	bool again;       /* it was made by MESSAGE_CONNECT, and will be made again */
	struct flow dial; /* `from` was made by MESSAGE_CONNECT: its lasting name; or FLOW_NONE */
	uint8_t *bytes;
	uint32_t len;
	uint8_t *heap;     /* the loop's block that `bytes` lie in; NULL if leased */
	uint32_t heap_cap; /* its size */
	uint8_t *out_heap; /* a long answer's, malloc()ed by the routing stage; or NULL */
	struct flow to;
	uint32_t pieces_len;
	uint32_t out_len; /* sum of the pieces */
	struct span pieces[SIP_PIECES_MAX];
	struct sip_edit edit; /* its scratch holds generated text, of replies too */
	struct sip_msg sip;
	struct sip_essentials head; /* before any decision */
};

/*
 * Index the SIP message in m->bytes: fill sip, sip_error and, where a shape fits, head. True: one
 * did. On the thread that the shapes belong to.
 */
bool message_read(struct message *m, struct sip_shapes *shapes);

#endif
