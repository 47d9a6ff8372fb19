/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/location_home.h"

#include <assert.h>
#include <stdlib.h>

#define SECOND_NS UINT64_C(1000000000)

#define owner_of(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Loads of what only this thread writes are relaxed; stores release what they lead to. */
#define own(link) atomic_load_explicit(link, memory_order_relaxed)
#define publish(link, to) atomic_store_explicit(link, to, memory_order_release)

bool
location_home_init(struct location_home *h, struct location *l)
{
	*h = (struct location_home){ .location = l };
	rcu_grave_init(&h->grave);
	calendar_init(&h->calendar, 0);
	if (!table_init(&h->aors, true, &h->grave))
		return false;
	if (!table_init(&h->contacts, false, &h->grave)) {
		table_fini(&h->aors);
		return false;
	}
	return true;
}

/* ---- addresses-of-record without bindings ---- */

static void
remembered_add(struct location_home *h, struct location_aor *aor)
{
	/* all are remembered for the same time, so the list is in the order of forget_ns */
	aor->state = LOCATION_AOR_REMEMBERED;
	aor->newer = NULL;
	aor->older = h->newest;
	*(h->newest ? &h->newest->newer : &h->oldest) = aor;
	h->newest = aor;
	h->remembered++;
}

static void
remembered_remove(struct location_home *h, struct location_aor *aor)
{
	assert(h->remembered > 0 && aor->state == LOCATION_AOR_REMEMBERED);
	aor->state = LOCATION_AOR_BOUND;
	*(aor->older ? &aor->older->newer : &h->oldest) = aor->newer;
	*(aor->newer ? &aor->newer->older : &h->newest) = aor->older;
	h->remembered--;
}

static void
aor_remove(struct location_home *h, struct location_aor *aor)
{
	assert(!own(&aor->first) && aor->bindings == 0);
	assert(aor->state != LOCATION_AOR_REMEMBERED);
	table_remove(&h->aors, &aor->node);
}

static void
forget_oldest(struct location_home *h)
{
	struct location_aor *aor = h->oldest;

	remembered_remove(h, aor);
	aor_remove(h, aor);
	rcu_retire(&h->grave, aor);
}

void
location_home_settle(struct location_home *h, struct location_aor *aor, uint64_t now_ns)
{
	const struct location *l = h->location;

	if (own(&aor->first) || aor->state == LOCATION_AOR_REMEMBERED)
		return;
	if (aor->state == LOCATION_AOR_NEW || l->memory_ns == 0 || l->remembered_max == 0) {
		aor_remove(h, aor);
		rcu_retire(&h->grave, aor);
		return;
	}
	if (h->remembered == l->remembered_max)
		forget_oldest(h);
	atomic_store_explicit(&aor->forget_ns, now_ns + l->memory_ns, memory_order_relaxed);
	remembered_add(h, aor);
}

static struct location_aor *
aor_lookup(const struct location_home *h, const struct location_key *key)
{
	struct table_cursor c;

	for (struct table_node *n = table_first(&h->aors, key->hash, &c); n; n = table_next(&c)) {
		struct location_aor *aor = owner_of(n, struct location_aor, node);

		if (aor->len == key->len && memcmp(aor->text, key->text, key->len) == 0)
			return aor;
	}
	return NULL;
}

struct location_aor *
location_home_take(struct location_home *h, const struct location_key *key)
{
	struct location_aor *aor = aor_lookup(h, key);

	assert(h == &h->location->homes[location_home_of(h->location, key)]);
	if (aor)
		return aor;
	if (!table_reserve(&h->aors, 1))
		return NULL;
	aor = malloc(sizeof(*aor) + key->len);
	if (!aor)
		return NULL;
	*aor = (struct location_aor){ .len = (uint16_t)key->len, .state = LOCATION_AOR_NEW };
	memcpy(aor->text, key->text, key->len);
	table_insert(&h->aors, &aor->node, key->hash);
	return aor;
}

/* ---- bindings ---- */

bool
location_home_reserve(struct location_home *h, uint32_t n)
{
	return table_reserve(&h->contacts, n);
}

/*
 * At the end of the ring of its twins; or right behind `old`, whose place and age it gets when that
 * goes.
 */
static void
contact_add(struct location_home *h, struct location_binding *b, struct location_binding *old)
{
	struct table_cursor c;
	struct table_node *n = table_first(&h->contacts, b->by_contact.hash, &c);
	struct location_binding *behind, *next;

	b->indexed = !n;
	if (old && old->by_contact.hash != b->by_contact.hash)
		old = NULL;
	/* relaxed: any order will do for what happens at once */
	b->born = old ? old->born :
			atomic_fetch_add_explicit(&h->location->born, 1, memory_order_relaxed) + 1;
	b->twin_prev = b;
	atomic_init(&b->twin_next, b);
	if (!n) {
		table_insert(&h->contacts, &b->by_contact, b->by_contact.hash);
		return;
	}
	behind = old ? old : owner_of(n, struct location_binding, by_contact)->twin_prev;
	next = own(&behind->twin_next);
	b->twin_prev = behind;
	atomic_init(&b->twin_next, next);
	next->twin_prev = b;
	publish(&behind->twin_next, b);
}

static void
contact_remove(struct location_home *h, struct location_binding *b)
{
	struct location_binding *next = own(&b->twin_next);

	if (b->indexed && next == b) {
		table_remove(&h->contacts, &b->by_contact);
	} else if (b->indexed) {
		next->indexed = true;
		table_replace(&h->contacts, &b->by_contact, &next->by_contact);
	}
	publish(&b->twin_prev->twin_next, next);
	next->twin_prev = b->twin_prev;
}

/* What points to b, or to the place before which there is b; NULL: what the last one points to. */
static struct location_binding *_Atomic *
link_to(struct location_aor *aor, const struct location_binding *b)
{
	struct location_binding *_Atomic *link = &aor->first;

	while (own(link) != b)
		link = &own(link)->next;
	return link;
}

/* Readers of the address-of-record go on to its first binding. */
static void
hint(struct location_home *h, const struct location_aor *aor)
{
	table_hint(&h->aors, &aor->node, own(&aor->first));
}

static void
count(struct location_home *h, int64_t n)
{
	atomic_store_explicit(&h->bindings, own(&h->bindings) + (uint64_t)n, memory_order_relaxed);
	if (h->stats)
		stats_add(&h->stats->bindings, (uint64_t)n);
}

static void
binding_remove(struct location_home *h, struct location_binding *b)
{
	assert(b->aor && b->aor->bindings > 0);
	contact_remove(h, b);
	publish(link_to(b->aor, b), own(&b->next));
	if (b->expiry.link)
		calendar_remove(&b->expiry);
	b->aor->bindings--;
	count(h, -1);
}

void
location_home_unbind(struct location_home *h, struct location_binding *b)
{
	struct location_aor *aor = b->aor;

	binding_remove(h, b);
	if (own(&aor->first))
		hint(h, aor);
	rcu_retire(&h->grave, b);
}

void
location_home_bind(struct location_home *h, struct location_aor *aor, struct location_binding *b,
		   struct location_binding *old)
{
	struct location_binding *before = own(&aor->first);
	struct location_binding *_Atomic *link;

	assert(!b->aor && b->expires_ns > 0);
	if (aor->state == LOCATION_AOR_REMEMBERED)
		remembered_remove(h, aor);
	aor->state = LOCATION_AOR_BOUND;
	if (old && old->serial == b->serial && old->q == b->q)
		before = old;
	else
		while (before && before->q > b->q)
			before = own(&before->next);
	b->aor = aor;
	aor->bindings++;
	count(h, 1);
	contact_add(h, b, old);
	calendar_add(&h->calendar, &b->expiry,
		     (uint32_t)((b->expires_ns + SECOND_NS - 1) / SECOND_NS));
	link = link_to(aor, before);
	atomic_init(&b->next, before);
	publish(link, b);
	/* who finds no binding in between takes it for one that lost its last */
	atomic_store_explicit(&aor->forget_ns, LOCATION_NEVER, memory_order_relaxed);
	if (link == &aor->first)
		hint(h, aor);
	if (old)
		location_home_unbind(h, old);
}

/* ---- the end of things ---- */

uint64_t
location_home_expire(struct location_home *h, uint64_t now_ns, uint32_t work)
{
	uint32_t now_s = (uint32_t)(now_ns / SECOND_NS), next;
	struct calendar_entry *e;
	uint64_t next_ns;

	while ((e = calendar_pop(&h->calendar, now_s, &work))) {
		struct location_binding *b = owner_of(e, struct location_binding, expiry);
		struct location_aor *aor = b->aor;

		location_home_unbind(h, b);
		location_home_settle(h, aor, now_ns);
	}
	for (; work && h->oldest && own(&h->oldest->forget_ns) <= now_ns; work--)
		forget_oldest(h);
	next = calendar_next(&h->calendar);
	next_ns = next == UINT32_MAX ? LOCATION_NEVER : next * SECOND_NS;
	if (h->oldest && own(&h->oldest->forget_ns) < next_ns)
		next_ns = own(&h->oldest->forget_ns);
	return next_ns;
}

/* Nobody reads any more, so nothing has to be retired. */
void
location_home_clear(struct location_home *h)
{
	struct table_node *n;
	uint64_t at = 0;

	while ((n = table_any(&h->aors, &at))) {
		struct location_aor *aor = owner_of(n, struct location_aor, node);

		if (aor->state == LOCATION_AOR_REMEMBERED)
			remembered_remove(h, aor);
		while (own(&aor->first)) {
			struct location_binding *b = own(&aor->first);

			binding_remove(h, b);
			free(b);
		}
		aor_remove(h, aor);
		free(aor);
	}
}

void
location_home_fini(struct location_home *h)
{
	rcu_grave_fini(&h->grave);
	table_fini(&h->aors);
	table_fini(&h->contacts);
}
