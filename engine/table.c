/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * A word: 0, nothing was ever here, no run goes further; 1, something was; else 16 bits of the
 * hash, above those that choose the place, over 48 bits of the node's address. With hints each is
 * followed by one.
 */
#define EMPTY 0
#define LEFT 1
#define ADDRESS_BITS 48
#define ADDRESS_MASK ((UINT64_C(1) << ADDRESS_BITS) - 1)
#define TAG_SHIFT 32 /* in the hash */

#define LARGE_PAGE ((uintptr_t)2 << 20)

static uint64_t
tag_of(uint64_t hash)
{
	return hash >> TAG_SHIFT << ADDRESS_BITS;
}

static uint64_t
word_of(const struct table_node *node)
{
	assert(((uintptr_t)node & ~ADDRESS_MASK) == 0);
	return tag_of(node->hash) | (uintptr_t)node;
}

static struct table_node *
node_of(uint64_t word)
{
	return (struct table_node *)(uintptr_t)(word & ADDRESS_MASK);
}

/* ---- reading ---- */

/*
 * The acquires pair with the releases of put(), table_replace() and table_reserve(): what the word
 * or the pointer leads to was written before.
 */
static struct table_node *
search(struct table_cursor *c)
{
	const struct table_array *a = c->array;
	uint64_t tag = tag_of(c->hash);

	for (;;) {
		const _Atomic uint64_t *at = &a->words[(size_t)(c->at & a->mask) * c->stride];
		uint64_t word = atomic_load_explicit(at, memory_order_acquire);
		struct table_node *node = node_of(word);

		if (word == EMPTY)
			return NULL;
		c->at++;
		if ((word ^ tag) >> ADDRESS_BITS || word == LEFT)
			continue;
		if (c->stride == 2) {
			const char *hint = (const char *)(uintptr_t)atomic_load_explicit(
				at + 1, memory_order_relaxed);

			__builtin_prefetch(hint);
			__builtin_prefetch(hint + 64);
		}
		if (node->hash == c->hash)
			return node;
	}
}

struct table_node *
table_next(struct table_cursor *c)
{
	struct table_node *node = search(c);

	if (!node && c->older) {
		c->array = c->older;
		c->older = NULL;
		c->at = (uint32_t)c->hash;
		node = search(c);
	}
	return node;
}

/*
 * `older` is read before the search in the new array: if it is NULL all had moved, and if it is
 * not, what has not moved yet is still there.
 */
struct table_node *
table_first(const struct table *t, uint64_t hash, struct table_cursor *c)
{
	c->array = atomic_load_explicit(&t->now, memory_order_acquire);
	c->older = atomic_load_explicit(&c->array->older, memory_order_acquire);
	c->hash = hash;
	c->at = (uint32_t)hash;
	c->stride = t->stride;
	return table_next(c);
}

/* ---- writing ---- */

/* The writer's own looks are relaxed: nobody else writes. */
static uint64_t
load(const struct table_array *a, size_t i)
{
	return atomic_load_explicit(&a->words[i], memory_order_relaxed);
}

static void
store(struct table_array *a, size_t i, uint64_t word)
{
	atomic_store_explicit(&a->words[i], word, memory_order_release);
}

static struct table_array *
now_of(const struct table *t)
{
	return atomic_load_explicit(&t->now, memory_order_relaxed);
}

static struct table_array *
older_of(const struct table *t)
{
	return atomic_load_explicit(&now_of(t)->older, memory_order_relaxed);
}

/*
 * Large pages where there is room for them: on a virtual machine it is the walk through the page
 * tables that makes a miss dear (measured: 495 ns without, 147 ns with). A wish; nothing depends
 * on it.
 */
static void
wish_large_pages(void *block, size_t size)
{
	uintptr_t begin = ((uintptr_t)block + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
	uintptr_t end = ((uintptr_t)block + size) & ~(LARGE_PAGE - 1);

	if (begin < end)
		(void)madvise((char *)block + (begin - (uintptr_t)block), end - begin,
			      MADV_HUGEPAGE);
}

static struct table_array *
array_new(uint32_t len, uint32_t stride)
{
	size_t size = sizeof(struct table_array) + sizeof(uint64_t) * len * stride;
	/* calloc: of a large array no page is touched before it is used */
	struct table_array *a = calloc(1, size);

	if (!a)
		return NULL;
	wish_large_pages(a, size);
	a->mask = len - 1;
	return a;
}

bool
table_init(struct table *t, bool hints, struct rcu_grave *grave)
{
	struct table_array *a;

	*t = (struct table){ .grave = grave, .stride = hints ? 2 : 1 };
	a = array_new(1u << TABLE_FIRST_BITS, t->stride);
	atomic_init(&t->now, a);
	return a != NULL;
}

void
table_fini(struct table *t)
{
	assert(t->len == 0);
	free(older_of(t));
	free(now_of(t));
	memset(t, 0, sizeof(*t));
}

static void
put(struct table *t, struct table_array *a, uint64_t word, uint64_t hint)
{
	uint32_t at = (uint32_t)node_of(word)->hash & a->mask;
	uint64_t was;

	while ((was = load(a, (size_t)at * t->stride)) > LEFT)
		at = (at + 1) & a->mask;
	a->used += was == EMPTY;
	if (t->stride == 2)
		atomic_store_explicit(&a->words[(size_t)at * 2 + 1], hint, memory_order_relaxed);
	store(a, (size_t)at * t->stride, word);
}

/* Words of the older array, from where it stopped; what is done stays there for its readers. */
static void
move(struct table *t, uint32_t steps)
{
	struct table_array *now = now_of(t), *older = older_of(t);

	if (!older)
		return;
	for (; steps && t->moved <= older->mask; steps--, t->moved++) {
		size_t i = (size_t)t->moved * t->stride;

		if (load(older, i) > LEFT)
			put(t, now, load(older, i), t->stride == 2 ? load(older, i + 1) : 0);
	}
	if (t->moved <= older->mask)
		return;
	/* release: who sees this sees all that has moved */
	atomic_store_explicit(&now->older, NULL, memory_order_release);
	rcu_retire(t->grave, older);
}

static bool
has_room(const struct table_array *a, uint32_t n, uint32_t eighths)
{
	return (uint64_t)a->used + n <= ((uint64_t)a->mask + 1) * eighths / 8;
}

/*
 * Runs are short while 5 of 8 words are used. What is left of nodes that are gone counts too, so
 * the next array may be of the same length, or half of it. Half of the 5/8 that it allows are full
 * at most when all has moved: TABLE_MOVE_STEPS make that happen long before it is full itself.
 */
static uint32_t
next_len(const struct table *t, const struct table_array *a, uint32_t n)
{
	uint64_t len = ((uint64_t)a->mask + 1) / 2;

	while (len < (1u << TABLE_FIRST_BITS) || len * 5 / 16 < t->len || len * 5 / 8 < t->len + n)
		len *= 2;
	return len <= UINT64_C(1) << 31 ? (uint32_t)len : 0;
}

bool
table_reserve(struct table *t, uint32_t n)
{
	struct table_array *a = now_of(t), *next;
	uint32_t len;

	if (has_room(a, n, 5))
		return true;
	move(t, UINT32_MAX); /* only where n is large beside the table */
	if (has_room(a, n, 5))
		return true;
	len = next_len(t, a, n);
	next = len ? array_new(len, t->stride) : NULL;
	if (!next)
		return has_room(a, n, 7);
	atomic_init(&next->older, a);
	t->moved = 0;
	atomic_store_explicit(&t->now, next, memory_order_release);
	return true;
}

void
table_insert(struct table *t, struct table_node *node, uint64_t hash)
{
	node->hash = hash;
	assert(has_room(now_of(t), 1, 7));
	put(t, now_of(t), word_of(node), 0);
	t->len++;
	move(t, TABLE_MOVE_STEPS);
}

/* Where the node stands; false: not in this array. */
static bool
place_of(const struct table *t, const struct table_array *a, const struct table_node *node,
	 uint32_t *at)
{
	uint64_t word = word_of(node), is;

	*at = (uint32_t)node->hash & a->mask;
	while ((is = load(a, (size_t)*at * t->stride)) != word) {
		if (is == EMPTY)
			return false;
		*at = (*at + 1) & a->mask;
	}
	return true;
}

/* Where a run ends behind the node, the run becomes shorter: no reader goes past there anyway. */
static void
take(struct table *t, struct table_array *a, uint32_t at)
{
	if (load(a, (size_t)((at + 1) & a->mask) * t->stride) != EMPTY) {
		store(a, (size_t)at * t->stride, LEFT);
		return;
	}
	do {
		store(a, (size_t)at * t->stride, EMPTY);
		a->used--;
		at = (at - 1) & a->mask;
	} while (load(a, (size_t)at * t->stride) == LEFT);
}

void
table_remove(struct table *t, struct table_node *node)
{
	struct table_array *older = older_of(t);
	uint32_t at;
	bool found = false;

	if (place_of(t, now_of(t), node, &at)) {
		take(t, now_of(t), at);
		found = true;
	}
	if (older && place_of(t, older, node, &at)) {
		store(older, (size_t)at * t->stride, LEFT);
		found = true;
	}
	assert(found && t->len > 0);
	(void)found;
	t->len--;
}

void
table_replace(struct table *t, struct table_node *node, struct table_node *with)
{
	struct table_array *older = older_of(t);
	uint32_t at;

	with->hash = node->hash;
	if (place_of(t, now_of(t), node, &at))
		store(now_of(t), (size_t)at * t->stride, word_of(with));
	if (older && place_of(t, older, node, &at))
		store(older, (size_t)at * t->stride, word_of(with));
}

void
table_hint(struct table *t, const struct table_node *node, const void *next)
{
	struct table_array *a = now_of(t);
	uint32_t at;

	assert(t->stride == 2);
	if (!place_of(t, a, node, &at)) {
		a = older_of(t);
		if (!a || !place_of(t, a, node, &at))
			return;
	}
	atomic_store_explicit(&a->words[(size_t)at * 2 + 1], (uintptr_t)next, memory_order_relaxed);
}

struct table_node *
table_any(const struct table *t, uint64_t *at)
{
	const struct table_array *now = now_of(t), *older = older_of(t);
	uint64_t first_len = (uint64_t)now->mask + 1, len = first_len;

	if (older)
		len += (uint64_t)older->mask + 1;
	for (; *at < len; ++*at) {
		uint64_t word = *at < first_len ? load(now, *at * t->stride) :
						  load(older, (*at - first_len) * t->stride);

		if (word > LEFT)
			return node_of(word);
	}
	return NULL;
}
