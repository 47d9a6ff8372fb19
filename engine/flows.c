/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flows.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>

/* The loop stands in the top bits of each serial number, so loops count for themselves. */
#define LOOP_SHIFT 56

/* Of a slot's head, from the bottom: the token's first characters, tag, secure. */
#define TAG_SHIFT 16
#define SECURE_SHIFT 48

_Static_assert(sizeof(struct flows_slot) == 40, "one per connection that could be");
_Static_assert(TOKEN_LEN == sizeof(uint16_t) + 3 * sizeof(uint64_t), "the head's and three words");

bool
flows_init(struct flows *f, uint32_t loops, uint32_t slots_max, const struct token_key *key)
{
	assert(slots_max > 0 && loops > 0 && loops <= FLOWS_LOOPS_MAX);
	*f = (struct flows){ .slots_max = slots_max, .key = *key };
	f->loops = calloc(loops, sizeof(*f->loops));
	if (!f->loops)
		return false;
	for (; f->loops_len < loops; f->loops_len++) {
		struct flows_loop *l = &f->loops[f->loops_len];

		l->key = *key;
		/* calloc: pages of slots that are never used are never touched */
		l->slots = calloc(slots_max, sizeof(*l->slots));
		if (!l->slots) {
			flows_fini(f);
			return false;
		}
	}
	return true;
}

void
flows_fini(struct flows *f)
{
	for (uint32_t i = 0; i < f->loops_len; i++)
		free(f->loops[i].slots);
	OPENSSL_cleanse(f->loops, f->loops_len * sizeof(*f->loops));
	free(f->loops);
	OPENSSL_cleanse(f, sizeof(*f));
}

static struct flows_slot *
slot_of(const struct flows *f, uint32_t loop, uint32_t slot)
{
	if (loop >= f->loops_len || slot >= f->slots_max)
		return NULL;
	return &f->loops[loop].slots[slot];
}

void
flows_set_epoch(struct flows *f, uint32_t epoch)
{
	atomic_store_explicit(&f->epoch, epoch, memory_order_relaxed);
}

static bool
key_renew(const struct flows *f, struct flows_loop *loop)
{
	uint32_t epoch = atomic_load_explicit(&f->epoch, memory_order_relaxed);

	if (loop->epoch == epoch)
		return true;
	if (!token_key_at(&f->key, epoch, &loop->key))
		return false; /* and again for the next flow */
	loop->epoch = epoch;
	return true;
}

static void
open_with(struct flows *f, struct flow flow, bool secure, char id)
{
	struct flows_slot *s = slot_of(f, flow_loop(flow), flow.slot);
	struct flows_loop *loop = &f->loops[flow_loop(flow)];
	char token[TOKEN_LEN];
	uint64_t words[3];
	uint16_t first;

	assert(s && !flow_is_none(flow));
	/*
	 * Relaxed: the releases below are behind it, so who reads one word of the new entry finds
	 * 0 or the new number afterwards, and takes the old flow for gone.
	 */
	atomic_store_explicit(&s->serial, 0, memory_order_relaxed);
	if (!key_renew(f, loop) ||
	    !token_make(&loop->key, (char)(id + loop->epoch % TOKEN_KEYS), flow, token))
		return;
	memcpy(&first, token, sizeof(first));
	memcpy(words, token + sizeof(first), sizeof(words));
	atomic_store_explicit(&s->head,
			      (uint64_t)secure << SECURE_SHIFT | (uint64_t)flow.tag << TAG_SHIFT |
				      first,
			      memory_order_release);
	for (int i = 0; i < 3; i++)
		atomic_store_explicit(&s->text[i], words[i], memory_order_release);
	atomic_store_explicit(&s->serial, (uint64_t)flow_loop(flow) << LOOP_SHIFT | ++loop->serial,
			      memory_order_release);
}

void
flows_open(struct flows *f, struct flow flow, bool secure)
{
	open_with(f, flow, secure, TOKEN_KEY_ID);
}

void
flows_open_core(struct flows *f, struct flow flow, bool secure)
{
	open_with(f, flow, secure, TOKEN_CORE_ID);
}

void
flows_close(struct flows *f, struct flow flow)
{
	struct flows_slot *s = slot_of(f, flow_loop(flow), flow.slot);

	assert(s);
	/* relaxed: we are the one who writes here */
	if ((uint32_t)(atomic_load_explicit(&s->head, memory_order_relaxed) >> TAG_SHIFT) ==
	    flow.tag)
		atomic_store_explicit(&s->serial, 0, memory_order_relaxed);
}

/*
 * The acquires pair with the releases of flows_open(): they keep the order of the reads, and the
 * last look at the number behind them all.
 */
static bool
copy(const struct flows_slot *s, uint32_t slot, struct flows_entry *out)
{
	uint64_t head, words[3];
	uint16_t first;

	out->serial = atomic_load_explicit(&s->serial, memory_order_acquire);
	head = atomic_load_explicit(&s->head, memory_order_acquire);
	for (int i = 0; i < 3; i++)
		words[i] = atomic_load_explicit(&s->text[i], memory_order_acquire);
	out->flow = (struct flow){ slot, (uint32_t)(head >> TAG_SHIFT) };
	out->secure = head >> SECURE_SHIFT & 1;
	first = (uint16_t)head;
	memcpy(out->token, &first, sizeof(first));
	memcpy(out->token + sizeof(first), words, sizeof(words));
	return out->serial && atomic_load_explicit(&s->serial, memory_order_relaxed) == out->serial;
}

const struct flows_entry *
flows_get(const struct flows *f, struct flow flow, struct flows_entry *out)
{
	const struct flows_slot *s = slot_of(f, flow_loop(flow), flow.slot);

	return s && copy(s, flow.slot, out) && out->flow.tag == flow.tag ? out : NULL;
}

const struct flows_entry *
flows_by_serial(const struct flows *f, uint32_t slot, uint64_t serial, struct flows_entry *out)
{
	const struct flows_slot *s = slot_of(f, (uint32_t)(serial >> LOOP_SHIFT), slot);

	return s && copy(s, slot, out) && out->serial == serial ? out : NULL;
}

/* By the key of its time: of a flow that is gone nothing else is known. */
static bool
is_ours(const struct flows *f, struct span token, struct flow flow)
{
	uint32_t now = atomic_load_explicit(&f->epoch, memory_order_relaxed), epoch;
	struct token_key key;
	bool ours = token_epoch(token, now, &epoch) && token_key_at(&f->key, epoch, &key) &&
		    token_check(&key, token, flow);

	OPENSSL_cleanse(&key, sizeof(key));
	return ours;
}

enum flows_verdict
flows_verify(const struct flows *f, struct span token, struct flows_entry *entry)
{
	struct flow flow;
	bool open;

	if (token.len != TOKEN_LEN)
		return FLOWS_TOKEN_NONE;
	flow = token_flow(token.at);
	open = flows_get(f, flow, entry);
	if (open && token_equal(entry->token, token.at))
		return FLOWS_TOKEN_OPEN;
	if (!token_read(token, &flow))
		return FLOWS_TOKEN_NONE;
	/* Of the slot's present flow there is only one right token, and this is not it. */
	if (open || !is_ours(f, token, flow))
		return FLOWS_TOKEN_FORGED;
	return FLOWS_TOKEN_STALE;
}
