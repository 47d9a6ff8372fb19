/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_TLS_H
#define ENGINE_CONN_TLS_H
/*
 * TLS between the ring and a connection: ciphertext of a lease to plaintext in the same lease, the
 * send queue to records, handshakes each in its turn. conn.tls is NULL on a plain connection, and
 * until the first byte of a handshake.
 *
 * The loop's thread only, but for conn_tls_offer().
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "engine/tls_conn.h"
#include "engine/tls_set.h"
#include "ring/ring.h"

struct conn;
struct loop;

/* What a loop has for it. */
struct conn_tls_loop {
	struct tls_io io;
	struct loop *loop;
	struct conn *conn;   /* whose operation is under way, */
	bool put;            /* and it has put something to be sent */
	struct tls_set *set; /* NULL: no TLS in the settings */
	_Atomic(struct tls_set *)
		offered;                /* by another thread; the loop takes it in its next turn */
	uint32_t steps_left;            /* handshake steps of this turn */
	uint32_t waiting, waiting_last; /* connections whose handshake waits for its turn */
	uint64_t untrimmed; /* handshakes since conn_tls_trim() gave back what they leave */
	uint8_t *scratch;   /* plaintext of a record that began in another lease */
};

/* `set` may be NULL. False: no memory. */
bool conn_tls_init(struct loop *l, struct tls_set *set);
void conn_tls_fini(struct loop *l);

/* Any thread: from its next turn on the loop's new handshakes use this set. Then wake it. */
void conn_tls_offer(struct conn_tls_loop *tls, struct tls_set *set);

/*
 * At the end of a turn: take what is offered; go on with handshakes that wait. True: that may have
 * left something to be sent.
 */
bool conn_tls_turn(struct loop *l);
bool conn_tls_waits(const struct loop *l); /* for nothing but its turn */

/*
 * The loop is silent: give the kernel back what many handshakes at once have left in the heap (some
 * 14 KB each, in holes between what their connections keep).
 */
void conn_tls_trim(struct loop *l);

/* The ring has bytes for it. */
void conn_tls_received(struct loop *l, struct conn *c, const struct ring_lease *lease);

/* Tell a client that speaks HTTP without TLS what it should speak. */
void conn_tls_refuse_http(struct loop *l, struct conn *c);

/* Our connection to an upstream is there: say hello. False: no memory. */
bool conn_tls_connect(struct loop *l, struct conn *c);

/*
 * Before a flush: encrypt what goes out next; behind the last bytes there will be, a close_notify.
 * False: no memory, and the stream is broken.
 */
bool conn_tls_seal(struct loop *l, struct conn *c);

/* Has the close_notify still to be sent? */
bool conn_tls_wants_close(const struct conn *c);

void conn_tls_free(struct conn *c);

#endif
