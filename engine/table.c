/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS (1u << TABLE_FIRST_BITS)

/* Segment 0 has the first 2^6 buckets; segment k > 0 those from 2^(5+k) up to its double. */
static unsigned
segment_of(uint32_t bucket)
{
	return bucket < FIRST_BUCKETS ? 0 : 32 - TABLE_FIRST_BITS - (unsigned)__builtin_clz(bucket);
}

static struct table_node **
bucket_at(const struct table *t, uint32_t bucket)
{
	unsigned segment = segment_of(bucket);
	uint32_t first = segment ? FIRST_BUCKETS << (segment - 1) : 0;

	return &t->segments[segment][bucket - first];
}

static struct table_node **
bucket_of(const struct table *t, uint64_t hash)
{
	uint32_t bucket = (uint32_t)hash & t->mask;

	if (bucket < t->split)
		bucket = (uint32_t)hash & (t->mask * 2 + 1);
	return bucket_at(t, bucket);
}

static void
link_in(struct table_node **head, struct table_node *node)
{
	node->next = *head;
	node->link = head;
	if (node->next)
		node->next->link = &node->next;
	*head = node;
}

static void
link_out(struct table_node *node)
{
	*node->link = node->next;
	if (node->next)
		node->next->link = node->link;
}

bool
table_init(struct table *t)
{
	*t = (struct table){ .mask = FIRST_BUCKETS - 1 };
	t->segments[0] = calloc(FIRST_BUCKETS, sizeof(*t->segments[0]));
	return t->segments[0] != NULL;
}

void
table_fini(struct table *t)
{
	assert(t->len == 0);
	for (unsigned i = 0; i < TABLE_SEGMENTS; i++)
		free(t->segments[i]);
	*t = (struct table){ 0 };
}

/* Split the next bucket: half of its nodes, by one more bit of the hash, go to a new one. */
static void
grow(struct table *t)
{
	uint32_t bit = t->mask + 1, fresh = t->split + bit;
	unsigned segment = segment_of(fresh);
	struct table_node *node, *next;

	if (segment >= TABLE_SEGMENTS)
		return;
	if (!t->segments[segment])
		t->segments[segment] = calloc(bit, sizeof(*t->segments[segment]));
	if (!t->segments[segment])
		return;
	for (node = *bucket_at(t, t->split); node; node = next) {
		next = node->next;
		if (node->hash & bit) {
			link_out(node);
			link_in(bucket_at(t, fresh), node);
		}
	}
	if (++t->split == bit) {
		t->mask = t->mask * 2 + 1;
		t->split = 0;
	}
}

void
table_insert(struct table *t, struct table_node *node, uint64_t hash)
{
	node->hash = hash;
	link_in(bucket_of(t, hash), node);
	if (++t->len > (uint64_t)t->mask + 1 + t->split)
		grow(t);
}

void
table_remove(struct table *t, struct table_node *node)
{
	assert(t->len > 0 && *node->link == node);
	link_out(node);
	t->len--;
}

void
table_replace(struct table_node *node, struct table_node *with)
{
	assert(*node->link == node);
	*with = *node;
	*with->link = with;
	if (with->next)
		with->next->link = &with->next;
}

static struct table_node *
skip_to(struct table_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct table_node *
table_first(const struct table *t, uint64_t hash)
{
	return skip_to(*bucket_of(t, hash), hash);
}

struct table_node *
table_next(const struct table_node *node)
{
	return skip_to(node->next, node->hash);
}

struct table_node *
table_any(const struct table *t, uint32_t *bucket)
{
	for (; *bucket <= (uint64_t)t->mask + t->split; ++*bucket)
		if (*bucket_at(t, *bucket))
			return *bucket_at(t, *bucket);
	return NULL;
}
