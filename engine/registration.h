/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_REGISTRATION_H
#define ENGINE_REGISTRATION_H
/* One REGISTER, read: what it asks for, before anything is done. Used by registrar.c only. */
#include "engine/inbound.h"

struct registration {
	struct inbound *in;
	struct location_key key;
	struct location_aor *aor;        /* NULL: nobody there */
	struct location_binding *wanted; /* in order of the request; expires_ns 0: remove */
	uint32_t wanted_len;
	bool wildcard;
	bool outbound; /* a contact asks for RFC 5626, and its client supports it */
	bool gruu;     /* RFC 5627: its client wants to know its GRUUs */
	uint64_t call_id;
	uint32_t cseq;
	uint32_t expires_s; /* Expires, or our default */
	bool has_expires;
	const char *reason; /* for the status that is returned */
	char path[LOCATION_TEXT_MAX];
	struct span path_text;
};

/*
 * Read all of a REGISTER; changes nothing. Returns 0, or the status to refuse it with and
 * r->reason. In either case registration_fini() is due.
 */
int registration_read(struct registration *r, struct inbound *in);
void registration_fini(struct registration *r); /* frees what is still wanted */

/* Sets r->reason; returns `status`. */
int registration_fault(struct registration *r, int status, const char *reason);

#endif
