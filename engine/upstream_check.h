/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_UPSTREAM_CHECK_H
#define ENGINE_UPSTREAM_CHECK_H
/*
 * Does a server of the SIP core answer? Asked by OPTIONS as soon as there is a connection to it and
 * then every edge.check_interval; it is in use (group.h) while it answers with anything but 503.
 * Who does not answer twice is out of use; a stream is then closed and made anew, so that a
 * half-open one is noticed. The loop's thread only.
 */
#include "codec/span.h"
#include "engine/conn.h"

struct upstream;

#define UPSTREAM_CHECK_ID 32 /* hex digits of the Call-ID */

/* Of one upstream. */
struct upstream_check {
	uint64_t due_ns; /* of the next OPTIONS, or of an answer; UINT64_MAX: none */
	uint32_t number; /* of the OPTIONS: CSeq */
	uint32_t lost;   /* in a row */
	bool pending;    /* an answer is due */
	bool in_use;
	char id[UPSTREAM_CHECK_ID];
};

/* Its connection is there. */
void upstream_check_begin(struct loop *l, struct upstream *u);

/* It is not there any more. */
void upstream_check_end(struct loop *l, struct upstream *u);

/* check.due_ns has come. */
void upstream_check_fired(struct loop *l, struct conn *c);

/* Is this message an answer to one of ours? Then it is dealt with. */
bool upstream_check_answer(struct loop *l, struct conn *c, struct span message);

#endif
