/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_RING_H
#define RING_RING_H
/*
 * One io_uring and the sockets on it: accept, connect, receive, send, close, doorbell. Knows bytes
 * and slots, no protocol. The whole face of the layer.
 *
 * Threads: a ring belongs to the thread that called ring_open(); every function here but
 * ring_wake() may be called on that thread only, also from inside a handler. Of the two rings of
 * ring_wake_peer() and ring_hand_over() it is the first that belongs to the calling thread.
 *
 * A connection is a slot: an index below slots_max. It comes with ring_handlers.accepted or
 * ring_connect() and is gone after ring_handlers.closed; in between nobody else gets it.
 * Internally every request carries the slot's generation, so a completion that comes late can
 * never reach the next owner of the slot.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct ring; /* opaque */

enum ring_send_guard {
	/* A send that would wait goes out again with a linked timeout: costs nothing else. */
	RING_GUARD_TRY_THEN_ARM,
	RING_GUARD_ALWAYS, /* every send is linked to its timeout; about +0.7 us per send */
};

/*
 * What the kernel offers beyond 6.1; a bit set in ring_config.disable switches it off
 * (SIPRING_DISABLE).
 */
#define RING_FEATURE_LIST(X)                                                                       \
	X(DEFER_TASKRUN, "defer_taskrun")                                                          \
	X(NO_SQARRAY, "no_sqarray")                                                                \
	X(RING_FD, "ring_fd")                                                                      \
	X(SPIN, "spin")                                                                            \
	X(DIRECT, "direct")                                                                        \
	X(RECV_CREDIT, "recv_credit")                                                              \
	X(SEND_ZC, "send_zc")

enum ring_feature {
#define X(symbol, name) RING_FEATURE_##symbol,
	RING_FEATURE_LIST(X)
#undef X
		RING_FEATURE_COUNT
};

struct ring_config {
	/*
	 * Connections at once. Without DIRECT each is a descriptor of the process, and
	 * RLIMIT_NOFILE bounds all of them together. With it they live in a table of the ring's
	 * own, of slots_max + 64 entries: RLIMIT_NOFILE bounds each table, so several rings hold
	 * more. A table that the kernel refuses is done without; see ring_features().
	 */
	uint32_t slots_max;
	uint32_t sq_entries;   /* power of two */
	uint32_t buffers;      /* receive buffers in the pool; power of two */
	uint32_t buffer_bytes; /* size of each */
	/*
	 * Buffers with bytes of one slot that may be held; then it is not received from until half
	 * of them are back (receive_holds). Whole pieces may exceed it by what was on its way. So
	 * nobody may hold a lease until more bytes of the same slot come. 0: an eighth of the pool,
	 * at least 2.
	 */
	uint32_t buffers_per_slot;
	uint32_t spin_ns; /* longest adaptive spin before sleeping; 0: never */
	enum ring_send_guard send_guard;
	/*
	 * Sends of at least so many bytes out of a buffer of ring_pinned_take() go without a copy
	 * (SEND_ZC). 0, or refused by the kernel (see ring_features()): none do, and there are no
	 * such buffers.
	 */
	uint32_t send_zc;
	uint32_t disable; /* 1u << enum ring_feature */
};

/* A received piece of a stream: bytes in a buffer of the pool. */
struct ring_lease {
	uint8_t *bytes; /* may be written (unmasking in place) */
	uint32_t len;
	uint16_t buffer; /* give to ring_lease_hold() / ring_lease_drop() */
};

struct ring_handlers {
	/*
	 * A peer connected. `listener` is what ring_listen() returned; for a connection that
	 * another ring handed over, there. Receiving has begun.
	 */
	void (*accepted)(void *arg, uint32_t slot, uint32_t listener,
			 const struct sockaddr_storage *peer);
	/*
	 * Bytes came. The ring holds one reference to the lease during the call; who
	 * wants the bytes longer calls ring_lease_hold().
	 */
	void (*received)(void *arg, uint32_t slot, const struct ring_lease *lease);
	/*
	 * The stream ended: 0 for an orderly end (FIN), else -errno. No more `received` for this
	 * slot.
	 */
	void (*ended)(void *arg, uint32_t slot, int result);
	/*
	 * The send of ring_send() is over: 0 when all bytes were taken by the kernel (also when
	 * ring_close() was called meanwhile), -ETIME when the time ran out (a part may be on the
	 * wire), -ECANCELED when ring_close() cut it short, else -errno. The buffer is the caller's
	 * again.
	 */
	void (*sent)(void *arg, uint32_t slot, int result);
	/*
	 * The kernel has forgotten the socket: the last event of the slot, which is free already.
	 */
	void (*closed)(void *arg, uint32_t slot);
	/*
	 * A connect of ring_connect() is over: 0, and receiving has begun; or -errno, and all that
	 * is left to do with the slot is ring_close(). NULL where nobody connects.
	 */
	void (*connected)(void *arg, uint32_t slot, int result);
	/* Somebody called ring_wake(). Several calls may be one event. */
	void (*woken)(void *arg);
	/*
	 * What the user has to do besides the ring; both may be NULL. has_mail: asked while the
	 * ring spins; true ends the spin and the wait. may_sleep: asked once before the thread
	 * sleeps: from then on whoever has something for it must call ring_wake(); false: there is
	 * something already, do not sleep.
	 */
	bool (*has_mail)(void *arg);
	bool (*may_sleep)(void *arg);
};

/* Counters of the ring's own: read on the ring's thread, or relaxed from any other. */
#define RING_COUNTER_LIST(X)                                                                       \
	X(turns)                                                                                   \
	X(enters)                                                                                  \
	X(spins_won)                                                                               \
	X(completions)                                                                             \
	X(stale_completions) X(cq_overflows) X(connects) X(connect_errors) X(accepts)              \
		X(accept_errors) X(accept_pauses) X(accept_shed) X(handed_over) X(handed_in)       \
			X(handover_errors) X(receives) X(receive_rearms) X(receive_holds)          \
				X(buffer_famines) X(sends) X(sends_short) X(sends_guarded)         \
					X(sends_timed_out) X(sends_zc) X(datagrams_sent)           \
						X(datagrams_unsent) X(bytes_in) X(bytes_out)
struct ring_counters {
#define X(name) uint64_t name;
	RING_COUNTER_LIST(X)
#undef X
};

/*
 * Set up the ring. Returns 0 or -errno; then *error (static or thread-local text, never
 * NULL) names the likely cause and the cure: kernel older than 6.1, kernel.io_uring_disabled,
 * a seccomp profile, RLIMIT_MEMLOCK, ...
 */
int ring_open(struct ring **out, const struct ring_config *config,
	      const struct ring_handlers *handlers, void *arg, const char **error);

/* All slots must be closed. Frees everything. */
void ring_fini(struct ring *r);

/* Bit set of enum ring_feature in use. */
uint32_t ring_features(const struct ring *r);

/*
 * Accept on a listening socket: blocking, the caller's, open until ring_fini(). At most 64 of them.
 * Options such as TCP_NODELAY are inherited from it. Returns its listener number >= 0, or -errno.
 *
 * All slots taken: connections wait in the backlog until one is free; those that the kernel had
 * handed over already are closed (accept_shed). Out of descriptors (EMFILE, ENFILE): the next
 * connection is closed at once with a descriptor held in reserve (accept_shed). When even that does
 * not work, or out of memory (ENOMEM, ENOBUFS): no accepting until something was closed, or for 100
 * ms (accept_pauses). Never a busy loop, never a stop for good.
 */
int ring_listen(struct ring *r, int fd);

/*
 * Stop accepting on all listeners, for good; connections that wait in the backlog are not touched.
 * A few more `accepted` may come: what was on its way.
 */
void ring_listen_stop(struct ring *r);

/*
 * One turn: submit all that was asked for since the last turn, wait for completions (at most
 * wait_ns; UINT64_MAX: for ever; 0: do not wait), take in all that there are, call the handlers,
 * one by one, in the order of the completions. Returns early when a signal comes. 0, or -errno when
 * the ring is unusable.
 */
int ring_turn(struct ring *r, uint64_t wait_ns);

/* Monotonic clock as read once after the wait of this turn. */
uint64_t ring_now_ns(const struct ring *r);

/* One more user of the buffer; the last ring_lease_drop() gives it back to the kernel. */
void ring_lease_hold(struct ring *r, uint16_t buffer);
void ring_lease_drop(struct ring *r, uint16_t buffer);

/*
 * For a time without traffic: give the memory of receive buffers back to the system, unless one is
 * leased.
 */
void ring_trim(struct ring *r);

/* Does any slot wait for buffers to be given back? */
bool ring_is_starved(const struct ring *r);

/*
 * Connect a stream socket (made, and bound if need be, by the caller); `connected` tells how it
 * went. 0: *slot is its slot, and the socket is the ring's; -ENOBUFS: no slot is free, and the
 * socket is still the caller's. The address must stay until `connected` or `closed`. Before
 * `connected` nothing may be sent. ring_close() ends a connect that takes too long; then there is
 * no `connected`, only `closed`.
 */
int ring_connect(struct ring *r, int fd, const struct sockaddr *address, socklen_t len,
		 uint32_t *slot);

/*
 * Take a connected datagram socket: receiving begins. Each `received` is one datagram, cut where it
 * is longer than a buffer; empty ones are not told. What the network says of a datagram that could
 * not be delivered (-ECONNREFUSED and the like) comes as `ended`. No ring_send() and no
 * ring_shutdown_write() on such a slot. 0: *slot is its slot, and the socket is the ring's;
 * -ENOBUFS: no slot is free, and the socket is still the caller's.
 */
int ring_datagrams(struct ring *r, int fd, uint32_t *slot);

/*
 * Send the pieces as one datagram, now and without waiting; they are the caller's again. 0: the
 * kernel has it; or -errno, and it is lost: -EAGAIN: its buffer is full; -EMSGSIZE; -ECONNREFUSED
 * and the like: what the network said of an earlier one. Not after ring_close().
 */
int ring_send_datagram(struct ring *r, uint32_t slot, const struct iovec *pieces,
		       uint32_t pieces_len);

/*
 * Stop and go on receiving on a slot (back-pressure). After ring_receive_pause() a
 * few more `received` may come: what was on its way.
 */
void ring_receive_pause(struct ring *r, uint32_t slot);
void ring_receive_resume(struct ring *r, uint32_t slot);

/*
 * Send bytes[0..len). One send in flight per slot: the next only after `sent`. The bytes must stay
 * until then. A peer that reads nothing (to be exact: less than 16 KB) for timeout_us while bytes
 * wait ends the send with -ETIME. Not after ring_close(); len is not 0.
 */
void ring_send(struct ring *r, uint32_t slot, const void *bytes, uint32_t len, uint32_t timeout_us);

/*
 * A buffer of RING_PINNED_BYTES that ring_send() can send from without a copy; NULL: none is free.
 * It may be given back as soon as `sent` was called; the ring waits for the kernel's notification
 * (the peer has acknowledged the bytes) before it is free again. A ring has RING_PINNED_COUNT of
 * them: peers that never acknowledge cost others a copy, nothing else.
 */
#define RING_PINNED_BYTES 131072u
#define RING_PINNED_COUNT 32u
void *ring_pinned_take(struct ring *r);
bool ring_pinned_owns(const struct ring *r, const void *byte);
void ring_pinned_give(struct ring *r, void *buffer);

/* Pinned buffers that are not free. */
uint32_t ring_pinned_out(const struct ring *r);

/* Was `sent` not called yet for the latest ring_send()? */
bool ring_sending(const struct ring *r, uint32_t slot);

/* FIN to the peer; receiving goes on (W-C-04). Not while a send is in flight. */
void ring_shutdown_write(struct ring *r, uint32_t slot);

/*
 * Cancel what is in flight, close the socket, then `closed`. With `abort` the peer gets a RST
 * (without it too, as ever with TCP, if it sent bytes that nobody took). No `received` and no
 * `ended` after it. Never calls a handler from inside. Asking twice is harmless; the second time
 * may add `abort`.
 */
void ring_close(struct ring *r, uint32_t slot, bool abort);

/*
 * Doorbell: make the ring's thread return from ring_turn()'s wait and call `woken`. Any thread;
 * async-signal-safe.
 */
void ring_wake(struct ring *r);

/*
 * The same from the thread of another ring, without a system call of its own: the message leaves
 * with the next turn of `from`.
 */
void ring_wake_peer(struct ring *from, struct ring *to);

/*
 * Give a connection to another ring. Only inside `accepted`, before anything else was done with the
 * slot. 0: the slot is gone for the caller, and `to` calls `accepted` on its own thread; if `to`
 * has no slot left by then, it closes the connection (its accept_shed). If the kernel refuses in
 * between, `from` calls `accepted` once more (handover_errors). Errors, with which nothing has
 * changed: -EBUSY: `to` takes none since its ring_listen_stop(), or 32 are on their way to it;
 * -EALREADY: it came from another ring itself, or this is the second call; -EOPNOTSUPP: only
 * `from` has direct descriptors; -ENOMEM.
 *
 * Connections on their way count as used slots of both rings. So a ring ends well when it is turned
 * after ring_listen_stop() until ring_slots_used() is 0; before its ring_fini() nobody may call
 * this or ring_wake_peer() for it any more, and who did has made a turn since.
 */
int ring_hand_over(struct ring *from, uint32_t slot, struct ring *to);

/* Connections that are on their way to this ring. Any thread. */
uint32_t ring_guests(const struct ring *r);

/*
 * Connections that are not closed yet; buffers out of the pool (leases held); requests in flight
 * for connections (not the ring's own: accepts, doorbell). For tests and for the end.
 */
uint32_t ring_slots_used(const struct ring *r);
uint32_t ring_buffers_out(const struct ring *r);
uint32_t ring_requests_out(const struct ring *r);

const struct ring_counters *ring_counters(const struct ring *r);

#endif
