/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_DIRECT_H
#define RING_DIRECT_H
/*
 * Direct descriptors: sockets that live in the ring's own fixed-file table and are no open files of
 * the process. The limit of open files holds for each table, not for all of them together, so
 * several rings in one process hold more connections than it may have descriptors.
 *
 * Where the kernel lacks anything of it (6.8 has all) or refuses the table, the ring uses ordinary
 * descriptors; and so does a single slot whose socket the table did not take.
 */
#include "ring/state.h"

/*
 * Entries beside those of the slots: for accepts in flight whose slots went to connects meanwhile,
 * and for connections that come from other rings when all slots are taken.
 */
#define DIRECT_ENTRIES_SPARE 64u

/* Make the table and try all that is done with it. The feature is on afterwards, or off. */
void direct_open(struct ring *r);

/* Bring the socket of a slot that is to connect into the table: one SQE. */
void direct_install(struct ring *r, struct slot *s);
void direct_install_completed(struct ring *r, const struct uring_cqe *cqe);

/* SQE of the slot's socket: set after the preparation, which clears it. */
static inline void
direct_aim(struct io_uring_sqe *sqe, const struct slot *s)
{
	if (s->flags & SLOT_DIRECT)
		sqe->flags |= IOSQE_FIXED_FILE;
}

/* close() of the slot's socket will send a RST: at most one SQE, linked to the next. */
void direct_linger_zero(struct ring *r, const struct slot *s);

#endif
