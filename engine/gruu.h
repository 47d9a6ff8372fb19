/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_GRUU_H
#define ENGINE_GRUU_H
/*
 * Globally routable user agent URIs, RFC 5627: names of one instance of an address-of-record.
 *
 * The public one is the address-of-record with gr=INSTANCE. A temporary one has as its user one
 * block under a cipher: which address-of-record, which instance and Call-ID of its registration,
 * and the CSeq that it was made for. So there are as many as there are REGISTERs, nobody can tell
 * whose they are, nothing is kept for them, and they all end with the registration or its Call-ID.
 */
#include "engine/inbound.h"

#define GRUU_KEY_LEN 16
#define GRUU_TEXT_MAX 1200 /* what gruu_write() writes at most */

/*
 * Make the cipher of a router, in both directions: to fetch one for each GRUU would cost as much as
 * all else of a REGISTER. All routers of a process have the same key. False: no memory.
 */
bool gruu_init(struct stage *s, const uint8_t key[GRUU_KEY_LEN]);
void gruu_fini(struct stage *s);

/*
 * Contact parameters pub-gruu and temp-gruu of a binding, for the answer to this REGISTER; nothing
 * for a binding without instance, or with one that cannot stand in a URI.
 */
void gruu_write(const struct inbound *in, const struct location_binding *b, struct writer *w);

/* Is it one? *gr is what it names; empty: it is temporary. */
bool gruu_read(const struct sip_uri *uri, struct span *gr);

/*
 * The binding that such a Request-URI in our domains means, most preferred flow first, and its
 * flow. Returns 0 or the status: 404, 480. `key`: of the URI.
 */
int gruu_find(const struct inbound *in, const struct location_key *key, struct span gr,
	      const struct location_binding **b, struct flows_entry *flow);

#endif
