/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_OPERATION_H
#define WSLOAD_OPERATION_H
/* Operations: starting them, knowing the messages that belong to them, ending them. */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "tools/wsload/exchange.h"

struct worker;
struct client;
struct op;

/* What is sent: the template with its digits; and what no template can know. */
struct operation_request {
	const struct exchange *exchange;
	struct template_digits digits;
	struct span start_line; /* in place of the template's, with its CRLF; or empty */
	struct span fields;     /* whole header lines, behind the start line */
	struct span more_fields;
};

/* All operations of the client are free; does it start any at all? */
void operation_init(struct worker *w, struct client *c);
bool operation_starts(const struct worker *w, const struct client *c);

/* Start one that was meant to start at start_ns. The client has a free operation. */
void operation_begin(struct worker *w, struct client *c, uint64_t start_ns);

/* For operations that are a connection's whole life: it has opened; both sides said Close. */
void operation_opened(struct worker *w, struct client *c);
void operation_closed(struct worker *w, struct client *c);

/* Of the message that has this number. */
struct template_digits operation_digits(const struct worker *w, const struct client *c,
					const struct exchange *x, const struct exchange_id *id);

/* False: no memory, and the client was abandoned. */
bool operation_send(struct worker *w, struct client *c, const struct operation_request *r);

/*
 * The request was refused with w->msg. True: by a challenge, and it is on its way once more, with
 * credentials.
 */
bool operation_is_retried(struct worker *w, struct client *c, const struct exchange_id *id);

/*
 * The number names an operation of this client that is under way; otherwise what it is was
 * counted: late, a duplicate, or misrouted.
 */
bool operation_is_awaited(struct worker *w, const struct client *c, const struct exchange_id *id);

/* Does it belong to the time that is measured? */
bool operation_is_measured(const struct worker *w, const struct op *op);

/* It is done: count it, and in a closed loop start the next. */
void operation_finish(struct worker *w, struct client *c, uint16_t entry);

/* The message w->msg is wrong in this field. The first one is kept, so that it can be looked at. */
void operation_note(struct worker *w, const char *field);
void operation_count_wrong(struct worker *w, const char *field);

/* Count what is under way for longer than the time-out, or all of it, as lost. */
void operation_expire(struct worker *w, struct client *c, bool all);

#endif
