/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_ACCEPT_H
#define RING_ACCEPT_H
/*
 * Accepting. With ordinary descriptors: one request per listener, multishot while there is plenty
 * of room. With direct ones: several requests of one connection each, since only such a request can
 * tell the peer's address. The other way to it, a descriptor made for the moment, getpeername() and
 * close(), costs a request and two system calls more for each connection (0.8 us here).
 *
 * No slot free: the ring stops accepting, and connections wait in the kernel's backlog until a slot
 * is free. That loses least: a peer that can be served a moment later is served, where closing it
 * at once would send it away. So there are never more direct accepts in flight than free slots
 * (with its table full the kernel closes what it has accepted). A multishot accept would take the
 * whole backlog in one go, so near the limit connections are accepted one by one; only what an
 * accept already had in its hands when the slots ran out is shed.
 *
 * No descriptor free (EMFILE, ENFILE): waiting would not help who waits, and the kernel refuses
 * again at once. So one descriptor is held in reserve: it is closed, the next connection accepted
 * with it and closed (a clear answer), then the reserve is opened again. If even that fails,
 * accepting pauses until a slot is closed or for 100 ms.
 */
#include <stdbool.h>
#include <stdint.h>

#include "ring/uring.h"

struct ring;

#define ACCEPT_LISTENERS_MAX 64u

/* Per listener, with direct descriptors; and of all listeners together. */
#define ACCEPT_DIRECT_REQUESTS 16u
#define ACCEPT_DIRECT_REQUESTS_MAX 32u

struct accept_request {
	bool out;  /* in flight */
	bool many; /* ... multishot */
	bool canceled;
	socklen_t peer_len;
	struct sockaddr_storage peer; /* direct: the kernel's answer */
};

struct accept_listener {
	int fd;
	bool stopped;
	uint32_t out; /* requests in flight */
	struct accept_request *requests;
};

/* The connection that `accepted` is being called for; no peer: none. */
struct accept_guest {
	uint32_t slot, listener;
	const struct sockaddr_storage *peer;
};

struct acceptor {
	struct accept_listener listeners[ACCEPT_LISTENERS_MAX];
	uint32_t count;
	uint32_t next;            /* the listener that is armed first */
	uint32_t per_listener;    /* requests */
	uint32_t singles;         /* single accepts in flight that were not canceled */
	int reserve_fd;           /* -1: used up */
	uint64_t paused_until_ns; /* 0: not paused */
	struct accept_guest guest;
	bool cautious; /* since the last pause none was accepted */
};

/* 0 or -errno. */
int accept_open(struct ring *r);
void accept_close(struct ring *r);

/* Number of the listener, or -errno. */
int accept_listen(struct ring *r, int fd);

/* Stop all listeners that there are. */
void accept_stop(struct ring *r);

/* Make the requests that are missing, as far as there is room. */
void accept_reconcile(struct ring *r);

/* Call `accepted` for this slot. */
void accept_announce(struct ring *r, uint32_t slot, uint32_t listener,
		     const struct sockaddr_storage *peer);

/* A connection that another ring accepted; `file` is a descriptor, or an index of our table. */
void accept_arrived(struct ring *r, uint32_t listener, const struct sockaddr_storage *peer,
		    int file, bool direct);

/* When accept_reconcile() is to be called again though nothing happened; UINT64_MAX: never. */
uint64_t accept_due_ns(const struct ring *r);

/* A slot, and with it a descriptor, was freed. */
void accept_slot_freed(struct ring *r);

void accept_completed(struct ring *r, const struct uring_cqe *cqe);

#endif
