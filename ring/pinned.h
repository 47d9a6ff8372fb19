/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_PINNED_H
#define RING_PINNED_H
/*
 * Buffers that are registered with the kernel, to send from without a copy (SEND_ZC).
 *
 * The kernel reads such a buffer until the peer has acknowledged the bytes. It says so by a second
 * completion, the notification; who put the bytes there may have given the buffer back long before.
 * So a buffer has references: one of its user, and one of each request until its notification. It
 * is taken again only when all are gone. Their number is fixed, so what peers that never
 * acknowledge can hold is bounded; without a free one, bytes are sent from elsewhere, with a copy.
 */
#include <stdbool.h>
#include <stdint.h>

#include "ring/uring.h"

#define PINNED_NONE UINT32_MAX

struct pinned_buffer {
	uint64_t owner; /* tag of the send that its requests belong to */
	uint32_t references;
	uint32_t next_free;
};

struct pinned {
	uint8_t *bytes; /* NULL: none are registered */
	struct pinned_buffer *buffers;
	uint32_t count, each; /* buffers, and bytes of one */
	uint32_t free;        /* first of those that are free, or PINNED_NONE */
	uint32_t out;         /* not free */
};

/* 0 or -errno; then there are none. -ENOMEM: RLIMIT_MEMLOCK, too. */
int pinned_init(struct pinned *p, struct uring *u, uint32_t count, uint32_t each);

/* After uring_close(): what the kernel still sends keeps its pages. */
void pinned_fini(struct pinned *p);

/* A free buffer, with the reference of its user; NULL: none is. */
void *pinned_take(struct pinned *p);

/* The buffer that the byte lies in, or PINNED_NONE. */
uint32_t pinned_index(const struct pinned *p, const void *byte);

void pinned_hold(struct pinned *p, uint32_t index);
void pinned_drop(struct pinned *p, uint32_t index);

#endif
