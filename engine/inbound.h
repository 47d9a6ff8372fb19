/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_INBOUND_H
#define ENGINE_INBOUND_H
/* One message while the routing stage looks at it. */
#include "codec/sip_essentials.h"
#include "engine/message.h"
#include "engine/stage.h"

#define INBOUND_TAG_LEN 16 /* hex digits of branches and tags */

/* One message with what was read from it. Lives on the stack of route_message(). */
struct inbound {
	struct stage *stage;
	struct message *m;
	const struct flows_entry *from; /* NULL: not known */
	struct flows_entry from_entry;  /* room for it */
	uint64_t now_ns;
	/* Of the message. Of a faulty one only `via_text`, and `via` if has_via. */
	const struct sip_essentials *head;
	const struct sip_uri *uri; /* of the request line, or what takes its place: */
	struct sip_uri restored;   /* ... see proxy_route_read() */
	bool has_via;
	bool whole; /* all of head was read: the message has no fault */
};

/*
 * Read what a decision needs. `error` is what sip_msg_parse() said; returns it, or what is wrong
 * with a message that it accepted. A faulty one is read as far as it goes: for an answer.
 */
enum sip_error inbound_init(struct inbound *in, struct stage *stage, struct message *m,
			    uint64_t now_ns, enum sip_error error);

/* The topmost Via value as sip_value_next() gave it. Of a message without fault. */
struct sip_value_iter inbound_top_via(const struct inbound *in);

/*
 * Our branch for this request (P-04), and our tag in To for every answer to it (P-12): the same for
 * its retransmissions, its CANCEL and the ACK to its non-2xx final response, from its own flow and
 * from no other. Requests only.
 */
void inbound_branch(const struct inbound *in, char out[INBOUND_TAG_LEN]);
void inbound_tag(const struct inbound *in, char out[INBOUND_TAG_LEN]);

/*
 * The parameters that are due in the client's Via (T-07, R-01): ";received=..." and "rport=...".
 * rport: true when the client asked for it.
 */
struct inbound_via_params {
	bool received;
	bool rport;
};
struct inbound_via_params inbound_via_params(const struct inbound *in);

#endif
