/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/location.h"

#include <assert.h>
#include <stdlib.h>

#define SECOND_NS UINT64_C(1000000000)
#define TWINS_SEEN_MAX                                                                             \
	16 /* a ring may be as long as somebody likes who registers one contact everywhere */

#define owner_of(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

_Static_assert(sizeof(struct location_binding) <= 184, "a million of them");

bool
location_init(struct location *l, const uint8_t key[SIPHASH_KEY_LEN], uint64_t memory_ns,
	      uint64_t remembered_max, struct stats *stats)
{
	*l = (struct location){
		.key = siphash_key_of(key),
		.memory_ns = memory_ns,
		.remembered_max = remembered_max,
		.stats = stats,
	};
	calendar_init(&l->calendar, 0);
	if (!table_init(&l->aors))
		return false;
	if (!table_init(&l->contacts)) {
		table_fini(&l->aors);
		return false;
	}
	return true;
}

/* ---- keys ---- */

/* Eight letters to lower case; octets over 0x7F stay. */
static uint64_t
lower8(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t low = x & 0x7F * ones, over_z = low + (0x7F - 'Z') * ones;
	uint64_t from_a = low + (0x80 - 'A') * ones;

	return x | (((from_a ^ over_z) & ~x & 0x80 * ones) >> 2);
}

static void
host_write(char *to, struct span host)
{
	size_t i = 0;
	uint64_t x;

	for (; i + 8 <= host.len; i += 8) {
		memcpy(&x, host.at + i, 8);
		x = lower8(x);
		memcpy(to + i, &x, 8);
	}
	for (; i < host.len; i++)
		to[i] = span_lower(host.at[i]);
}

bool
location_key_of(const struct location *l, const struct sip_uri *uri, struct location_key *key)
{
	size_t len;

	if (uri->user.len + 1 + uri->host.len > LOCATION_KEY_MAX)
		return false;
	len = sip_unescape(uri->user, key->text);
	key->text[len++] = '@';
	host_write(key->text + len, uri->host);
	len += uri->host.len;
	key->len = (uint32_t)len;
	key->hash = siphash(&l->key, span_of(key->text, len));
	return true;
}

/* ---- addresses-of-record without bindings ---- */

static void
remembered_add(struct location *l, struct location_aor *aor)
{
	/* all are remembered for the same time, so the list is in the order of forget_ns */
	aor->state = LOCATION_AOR_REMEMBERED;
	aor->newer = NULL;
	aor->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = aor;
	l->newest = aor;
	l->remembered++;
}

static void
remembered_remove(struct location *l, struct location_aor *aor)
{
	assert(l->remembered > 0 && aor->state == LOCATION_AOR_REMEMBERED);
	aor->state = LOCATION_AOR_BOUND;
	*(aor->older ? &aor->older->newer : &l->oldest) = aor->newer;
	*(aor->newer ? &aor->newer->older : &l->newest) = aor->older;
	l->remembered--;
}

static void
aor_free(struct location *l, struct location_aor *aor)
{
	assert(!aor->first && aor->bindings == 0 && aor->state != LOCATION_AOR_REMEMBERED);
	table_remove(&l->aors, &aor->node);
	free(aor);
}

static void
forget_oldest(struct location *l)
{
	struct location_aor *aor = l->oldest;

	remembered_remove(l, aor);
	aor_free(l, aor);
}

void
location_aor_settle(struct location *l, struct location_aor *aor, uint64_t now_ns)
{
	if (aor->first || aor->state == LOCATION_AOR_REMEMBERED)
		return;
	if (aor->state == LOCATION_AOR_NEW || l->memory_ns == 0 || l->remembered_max == 0) {
		aor_free(l, aor);
		return;
	}
	if (l->remembered == l->remembered_max)
		forget_oldest(l);
	aor->forget_ns = now_ns + l->memory_ns;
	remembered_add(l, aor);
}

static struct location_aor *
aor_lookup(const struct location *l, const struct location_key *key)
{
	for (struct table_node *n = table_first(&l->aors, key->hash); n; n = table_next(n)) {
		struct location_aor *aor = owner_of(n, struct location_aor, node);

		if (aor->len == key->len && memcmp(aor->text, key->text, key->len) == 0)
			return aor;
	}
	return NULL;
}

struct location_aor *
location_aor_find(struct location *l, const struct location_key *key, uint64_t now_ns)
{
	struct location_aor *aor = aor_lookup(l, key);

	return aor && (aor->first || aor->forget_ns > now_ns) ? aor : NULL;
}

struct location_aor *
location_aor_take(struct location *l, const struct location_key *key)
{
	struct location_aor *aor = aor_lookup(l, key);

	if (aor)
		return aor;
	aor = malloc(sizeof(*aor) + key->len);
	if (!aor)
		return NULL;
	*aor = (struct location_aor){ .len = (uint16_t)key->len, .state = LOCATION_AOR_NEW };
	memcpy(aor->text, key->text, key->len);
	table_insert(&l->aors, &aor->node, key->hash);
	return aor;
}

/* ---- bindings ---- */

static struct sip_uri
uri_of(const struct location_binding *b)
{
	struct sip_uri uri;
	enum sip_error error = sip_uri_parse(location_uri(b), &uri);

	assert(error == SIP_OK); /* it was parsed before it was stored */
	(void)error;
	return uri;
}

struct location_binding *
location_binding_new(const struct location *l, const struct location_contact *c)
{
	struct location_binding *b;
	struct location_key key;
	struct sip_uri uri;
	bool has_key;

	assert(c->contact.len <= LOCATION_TEXT_MAX && c->path.len <= LOCATION_TEXT_MAX);
	assert(c->uri.at >= c->contact.at && c->uri.len <= c->contact.len);
	b = malloc(sizeof(*b) + c->contact.len + c->path.len);
	if (!b)
		return NULL;
	*b = (struct location_binding){
		.expires_ns = c->expires_ns,
		.serial = c->flow->serial,
		.slot = c->flow->flow.slot,
		.call_id = c->call_id,
		.cseq = c->cseq,
		.reg_id =
			c->instance.len ? c->reg_id : 0, /* RFC 5626 §6: reg-id alone is ignored */
		.q = c->q,
		.uri_off = (uint16_t)(c->uri.at - c->contact.at),
		.uri_len = (uint16_t)c->uri.len,
		.instance_len = (uint16_t)c->instance.len,
		.contact_len = (uint16_t)c->contact.len,
		.path_len = (uint16_t)c->path.len,
	};
	if (c->instance.len)
		b->instance_off = (uint16_t)(c->instance.at - c->contact.at);
	memcpy(b->text, c->contact.at, c->contact.len);
	if (c->path.len)
		memcpy(b->text + c->contact.len, c->path.at, c->path.len);
	uri = uri_of(b);
	has_key = location_key_of(l, &uri, &key);
	assert(has_key);
	(void)has_key;
	b->by_contact.hash = key.hash;
	b->target_len =
		(uint16_t)(uri.headers.len ? uri.headers.at - 1 - location_uri(b).at : b->uri_len);
	return b;
}

void
location_binding_free(struct location_binding *b)
{
	assert(!b->aor);
	free(b);
}

static struct span
instance_of(const struct location_binding *b)
{
	return span_of(b->text + b->instance_off, b->instance_len);
}

struct location_binding *
location_match(const struct location_aor *aor, const struct location_binding *b)
{
	for (struct location_binding *old = aor->first; old; old = old->next) {
		struct sip_uri uri, other;

		if (b->reg_id || old->reg_id) {
			/* an outbound binding and another never replace each other */
			if (b->reg_id == old->reg_id &&
			    span_equal(instance_of(b), instance_of(old)))
				return old;
			continue;
		}
		if (old->by_contact.hash != b->by_contact.hash)
			continue;
		uri = uri_of(b);
		other = uri_of(old);
		if (sip_uri_equal(&uri, &other))
			return old;
	}
	return NULL;
}

/*
 * At the end of the ring of its twins; or right behind `old`, whose place it gets when that goes.
 */
static void
contact_add(struct location *l, struct location_binding *b, struct location_binding *old)
{
	struct table_node *n = table_first(&l->contacts, b->by_contact.hash);
	struct location_binding *behind;

	b->twin_next = b->twin_prev = b;
	if (!n) {
		table_insert(&l->contacts, &b->by_contact, b->by_contact.hash);
		return;
	}
	behind = owner_of(n, struct location_binding, by_contact)->twin_prev;
	if (old && old->by_contact.hash == b->by_contact.hash)
		behind = old;
	b->twin_prev = behind;
	b->twin_next = behind->twin_next;
	b->twin_next->twin_prev = b;
	behind->twin_next = b;
}

static void
contact_remove(struct location *l, struct location_binding *b)
{
	if (b->by_contact.link) {
		if (b->twin_next == b)
			table_remove(&l->contacts, &b->by_contact);
		else
			table_replace(&b->by_contact, &b->twin_next->by_contact);
	}
	b->twin_prev->twin_next = b->twin_next;
	b->twin_next->twin_prev = b->twin_prev;
}

static void
list_insert(struct location_aor *aor, struct location_binding *b, struct location_binding *before)
{
	struct location_binding *prev = NULL;

	if (before)
		prev = before->prev;
	else
		for (struct location_binding *i = aor->first; i; i = i->next)
			prev = i;
	b->next = before;
	b->prev = prev;
	*(prev ? &prev->next : &aor->first) = b;
	if (before)
		before->prev = b;
}

static void
list_remove(struct location_binding *b)
{
	*(b->prev ? &b->prev->next : &b->aor->first) = b->next;
	if (b->next)
		b->next->prev = b->prev;
}

void
location_unbind(struct location *l, struct location_binding *b)
{
	assert(b->aor && b->aor->bindings > 0);
	contact_remove(l, b);
	list_remove(b);
	if (b->expiry.link)
		calendar_remove(&b->expiry);
	b->aor->bindings--;
	l->bindings--;
	if (l->stats)
		stats_sub(&l->stats->bindings, 1);
	free(b);
}

void
location_bind(struct location *l, struct location_aor *aor, struct location_binding *b,
	      struct location_binding *old)
{
	struct location_binding *before = aor->first;

	assert(!b->aor && b->expires_ns > 0);
	if (aor->state == LOCATION_AOR_REMEMBERED)
		remembered_remove(l, aor);
	aor->state = LOCATION_AOR_BOUND;
	if (old && old->serial == b->serial && old->q == b->q)
		before = old;
	else
		while (before && before->q > b->q)
			before = before->next;
	list_insert(aor, b, before);
	b->aor = aor;
	aor->bindings++;
	l->bindings++;
	if (l->stats)
		stats_add(&l->stats->bindings, 1);
	contact_add(l, b, old);
	calendar_add(&l->calendar, &b->expiry,
		     (uint32_t)((b->expires_ns + SECOND_NS - 1) / SECOND_NS));
	if (old)
		location_unbind(l, old);
}

const struct location_binding *
location_pick(const struct location_aor *aor, const struct flows *flows, uint64_t now_ns,
	      struct flows_entry *entry)
{
	for (const struct location_binding *b = aor->first; b; b = b->next)
		if (b->expires_ns > now_ns && flows_by_serial(flows, b->slot, b->serial, entry))
			return b;
	return NULL;
}

const struct location_binding *
location_find_contact(const struct location *l, const struct location_key *key,
		      const struct sip_uri *uri, uint64_t now_ns)
{
	struct table_node *n = table_first(&l->contacts, key->hash);
	const struct location_binding *oldest, *b;

	if (!n)
		return NULL;
	b = oldest = owner_of(n, struct location_binding, by_contact);
	for (unsigned seen = 0; seen < TWINS_SEEN_MAX; seen++) {
		struct sip_uri other = uri_of(b);

		if (b->expires_ns > now_ns && sip_uri_equal(uri, &other))
			return b;
		b = b->twin_next;
		if (b == oldest)
			break;
	}
	return NULL;
}

/* ---- the end of things ---- */

uint64_t
location_expire(struct location *l, uint64_t now_ns, uint32_t work)
{
	uint32_t now_s = (uint32_t)(now_ns / SECOND_NS), next;
	struct calendar_entry *e;
	uint64_t next_ns;

	while ((e = calendar_pop(&l->calendar, now_s, &work))) {
		struct location_binding *b = owner_of(e, struct location_binding, expiry);
		struct location_aor *aor = b->aor;

		location_unbind(l, b);
		location_aor_settle(l, aor, now_ns);
	}
	for (; work && l->oldest && l->oldest->forget_ns <= now_ns; work--)
		forget_oldest(l);
	next = calendar_next(&l->calendar);
	next_ns = next == UINT32_MAX ? LOCATION_NEVER : next * SECOND_NS;
	if (l->oldest && l->oldest->forget_ns < next_ns)
		next_ns = l->oldest->forget_ns;
	return next_ns;
}

void
location_fini(struct location *l)
{
	struct table_node *n;
	uint32_t bucket = 0;

	while ((n = table_any(&l->aors, &bucket))) {
		struct location_aor *aor = owner_of(n, struct location_aor, node);

		if (aor->state == LOCATION_AOR_REMEMBERED)
			remembered_remove(l, aor);
		while (aor->first)
			location_unbind(l, aor->first);
		aor_free(l, aor);
	}
	table_fini(&l->aors);
	table_fini(&l->contacts);
}
