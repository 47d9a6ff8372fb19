/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_SLOT_H
#define RING_SLOT_H
/*
 * The connections of a ring: a fixed table, a free list through it, and FIFOs of slots.
 * A slot says what is wanted (flags) and what is in flight; slots where the two may
 * differ wait in a FIFO until the next submission.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring/tag.h"

#define SLOT_NONE UINT32_MAX

enum slot_flag {
	SLOT_USED = 1 << 0,
	SLOT_CLOSING = 1 << 1,          /* ring_close() was called */
	SLOT_ABORT = 1 << 2,            /* ... and the peer shall get a RST */
	SLOT_CLOSE_OUT = 1 << 3,        /* the close request is in flight */
	SLOT_PAUSED = 1 << 4,           /* nobody wants to receive */
	SLOT_ENDED = 1 << 5,            /* nothing more to receive */
	SLOT_STARVED = 1 << 6,          /* no buffer was left; in the starved FIFO */
	SLOT_RECEIVE_OUT = 1 << 7,      /* a receive is in flight */
	SLOT_RECEIVE_CANCELED = 1 << 8, /* ... and was canceled */
	SLOT_RECEIVED_BEFORE = 1 << 9,  /* this one is not the first */
	SLOT_SEND_CANCELED = 1 << 10,
	SLOT_CONNECTING = 1 << 11,  /* not connected yet */
	SLOT_CONNECT_OUT = 1 << 12, /* the connect request is in flight */
	SLOT_CONNECT_CANCELED = 1 << 13,
	SLOT_DIRECT = 1 << 14,      /* fd is an index of the fixed-file table */
	SLOT_INSTALL_OUT = 1 << 15, /* ... will be: the request is in flight */
	SLOT_SHUT_WANTED = 1 << 16, /* our FIN is to be sent */
	SLOT_SHUT_OUT = 1 << 17,    /* ... a request for it is in flight */
	SLOT_SHUT_SLOWLY = 1 << 18, /* ... by a request that needs no descriptor */
	SLOT_HANDING = 1 << 19,     /* on its way to another ring */
	SLOT_HAND_OUT = 1 << 20,    /* ... the message is in flight */
	SLOT_STAYS = 1 << 21,       /* came from another ring, or back: goes nowhere else */
	SLOT_HANDED = 1 << 22,      /* is there: our entry closes without a word */
	SLOT_GREEDY = 1 << 23,      /* has its share of the buffers out */
	SLOT_FED = 1 << 24,         /* starved: its next receive takes one buffer only */
	SLOT_DATAGRAM = 1 << 25,    /* no stream: each receive is a datagram */
	SLOT_SEND_PINNED = 1 << 26, /* the send in flight is one without a copy */
	/* Members of a FIFO: these belong to the index and survive its owner. */
	SLOT_IN_TODO = 1 << 30,
	SLOT_IN_STARVED = 1 << 29,
};
/* Besides sends. */
#define SLOT_REQUESTS_OUT                                                                          \
	(SLOT_CONNECT_OUT | SLOT_RECEIVE_OUT | SLOT_INSTALL_OUT | SLOT_SHUT_OUT | SLOT_HAND_OUT)
#define SLOT_FLAGS_OF_INDEX (SLOT_IN_TODO | SLOT_IN_STARVED)

enum slot_send {
	SLOT_SEND_NONE,
	SLOT_SEND_WANT_TRY,   /* to be submitted: not waiting, no timeout */
	SLOT_SEND_TRY,        /* in flight */
	SLOT_SEND_WANT_GUARD, /* to be submitted: waiting, with its linked timeout */
	SLOT_SEND_GUARD,      /* in flight */
};

struct slot {
	const uint8_t *send_bytes; /* what the kernel has not taken yet */
	uint64_t send_deadline_ns;
	union {
		uint32_t send_left;
		uint32_t next_free;
	};
	uint32_t generation;
	union {
		uint32_t send_timeout_us;
		int32_t install; /* before the connect: descriptor in, index of the table out */
	};
	int32_t fd;      /* or index of the fixed-file table: SLOT_DIRECT */
	uint32_t flags;  /* enum slot_flag */
	uint8_t send;    /* enum slot_send */
	uint16_t leases; /* buffers with bytes of this slot that are out */
};

/* With two FIFO entries: 48 bytes of ring memory per connection. */
static_assert(sizeof(struct slot) == 40, "struct slot has grown");

/* Each slot at most once, so the capacity of the table is enough. */
struct slot_fifo {
	uint32_t *slots;
	uint32_t head, count;
	uint32_t member; /* the flag of its members */
};

struct slot_table {
	struct slot *slots;
	uint32_t max, used;
	uint32_t free;  /* first of the given-back ones */
	uint32_t fresh; /* from here on never used: their pages are still untouched */
	struct slot_fifo todo, starved;
};

bool slot_table_init(struct slot_table *t, uint32_t max);
void slot_table_fini(struct slot_table *t);

/* A fresh slot for this socket, or SLOT_NONE when all are taken. */
uint32_t slot_take(struct slot_table *t, int fd);
void slot_give_back(struct slot_table *t, uint32_t index);

/* Put in unless it is in already. */
void slot_fifo_put(struct slot_table *t, struct slot_fifo *f, uint32_t index);

/* SLOT_NONE: empty. The slot may have another owner since it was put in, or none. */
uint32_t slot_fifo_take(struct slot_table *t, struct slot_fifo *f);

/* The used slot with this index. */
static inline struct slot *
slot_get(const struct slot_table *t, uint32_t index)
{
	assert(index < t->max && t->slots[index].flags & SLOT_USED);
	return &t->slots[index];
}

/* The slot that a completion belongs to, or NULL: it came too late. */
static inline struct slot *
slot_of_tag(const struct slot_table *t, uint64_t tag)
{
	struct slot *s;

	if (tag_slot(tag) >= t->max)
		return NULL;
	s = &t->slots[tag_slot(tag)];
	return s->flags & SLOT_USED && s->generation == tag_generation(tag) ? s : NULL;
}

static inline uint32_t
slot_index(const struct slot_table *t, const struct slot *s)
{
	return (uint32_t)(s - t->slots);
}

static inline uint64_t
slot_tag(const struct slot_table *t, const struct slot *s, enum tag_op op)
{
	return tag_make(op, s->generation, slot_index(t, s));
}

static inline bool
slot_is_sending(const struct slot *s)
{
	return s->send == SLOT_SEND_TRY || s->send == SLOT_SEND_GUARD;
}

#endif
