/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_BUFRING_H
#define RING_BUFRING_H
/*
 * The pool of receive buffers: the kernel takes one from the provided-buffer ring when bytes
 * come, we lease it out by reference counts, and give it back when nobody uses it.
 * Buffers given back reach the kernel together, with bufring_publish().
 *
 * The kernel owns a buffer on the ring: under AddressSanitizer it is poisoned there,
 * and of a leased buffer only the received bytes are accessible.
 */
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "ring/uring.h"

#define BUFRING_GROUP 0

struct bufring {
	struct io_uring_buf_ring *ring; /* shared with the kernel */
	uint8_t *bytes;
	uint16_t *references; /* per buffer; 0: the kernel's, or on its way there */
	uint32_t entries;     /* power of two */
	uint32_t buffer_bytes;
	uint32_t out;        /* not with the kernel */
	uint16_t tail;       /* of the ring, free-running; published later */
	uint64_t given_back; /* in all */
};

/* 0 or -errno. */
int bufring_init(struct bufring *b, struct uring *u, uint32_t entries, uint32_t buffer_bytes);

/* After uring_close(). */
void bufring_fini(struct bufring *b);

/* The kernel took this buffer for us and put `len` bytes in it: one reference. */
void bufring_take(struct bufring *b, uint16_t buffer, uint32_t len);
void bufring_hold(struct bufring *b, uint16_t buffer);
/* True: it was the last reference, and the buffer goes back. */
bool bufring_drop(struct bufring *b, uint16_t buffer);

/*
 * Give the memory back to the system while no buffer is in use: each has held bytes once. It comes
 * back page by page, as buffers are filled.
 */
void bufring_trim(struct bufring *b);

/* Let the kernel see what was given back. */
void bufring_publish(struct bufring *b);

static inline uint8_t *
bufring_bytes(const struct bufring *b, uint16_t buffer)
{
	return b->bytes + (size_t)buffer * b->buffer_bytes;
}

/* Buffers the kernel may take, as far as its completions have been seen. */
static inline uint32_t
bufring_available(const struct bufring *b)
{
	return b->entries - b->out;
}

#endif
