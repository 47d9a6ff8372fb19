/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/location.h"

#include <assert.h>
#include <stdlib.h>
#include "engine/location_home.h"

#define TWINS_SEEN_MAX                                                                             \
	16 /* a ring may be as long as somebody likes who registers one contact everywhere */

#define owner_of(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

_Static_assert(sizeof(struct location_binding) <= 128, "a million of them");
_Static_assert(sizeof(struct location_aor) <= 56, "a million of them");

bool
location_init(struct location *l, const uint8_t key[SIPHASH_KEY_LEN], uint32_t homes,
	      uint64_t memory_ns, uint64_t remembered_max)
{
	assert(homes > 0);
	*l = (struct location){
		.key = siphash_key_of(key),
		.memory_ns = memory_ns,
		.remembered_max = (remembered_max + homes - 1) / homes,
	};
	l->homes = aligned_alloc(LOCATION_LINE, homes * sizeof(*l->homes));
	if (!l->homes)
		return false;
	for (; l->homes_len < homes; l->homes_len++) {
		if (!location_home_init(&l->homes[l->homes_len], l)) {
			location_fini(l);
			return false;
		}
	}
	return true;
}

void
location_fini(struct location *l)
{
	for (uint32_t i = 0; i < l->homes_len; i++)
		location_home_fini(&l->homes[i]);
	free(l->homes);
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
	key->hash = siphash_1_3(&l->key, span_of(key->text, len));
	return true;
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
	has_key = location_key_of(l, c->parsed, &key);
	assert(has_key);
	(void)has_key;
	b->by_contact.hash = key.hash;
	b->target_len =
		(uint16_t)(c->parsed->headers.len ? c->parsed->headers.at - 1 - c->parsed->text.at :
						    b->uri_len);
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

/* The same text nearly always; then there is nothing to take apart. */
static bool
has_uri(const struct location_binding *b, const struct sip_uri *uri)
{
	struct sip_uri own;

	if (span_equal(location_uri(b), uri->text))
		return true;
	own = uri_of(b);
	return sip_uri_equal(uri, &own);
}

static bool
uris_equal(const struct location_binding *a, const struct location_binding *b)
{
	struct sip_uri uri;

	if (span_equal(location_uri(a), location_uri(b)))
		return true;
	uri = uri_of(a);
	return has_uri(b, &uri);
}

struct location_binding *
location_match(const struct location_aor *aor, const struct location_binding *b)
{
	for (struct location_binding *old = location_first(aor); old; old = location_next(old)) {
		if (b->reg_id || old->reg_id) {
			/* an outbound binding and another never replace each other */
			if (b->reg_id == old->reg_id &&
			    span_equal(instance_of(b), instance_of(old)))
				return old;
			continue;
		}
		if (old->by_contact.hash != b->by_contact.hash)
			continue;
		if (uris_equal(b, old))
			return old;
	}
	return NULL;
}

/* ---- finding ---- */

uint64_t
location_bindings(const struct location *l)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < l->homes_len; i++)
		n += atomic_load_explicit(&l->homes[i].bindings, memory_order_relaxed);
	return n;
}

struct location_aor *
location_aor_find(const struct location *l, const struct location_key *key, uint64_t now_ns)
{
	const struct location_home *h = &l->homes[location_home_of(l, key)];
	struct table_cursor c;

	for (struct table_node *n = table_first(&h->aors, key->hash, &c); n; n = table_next(&c)) {
		struct location_aor *aor = owner_of(n, struct location_aor, node);

		if (aor->len != key->len || memcmp(aor->text, key->text, key->len) != 0)
			continue;
		/* relaxed: which moment it is of does not matter */
		return location_first(aor) || atomic_load_explicit(&aor->forget_ns,
								   memory_order_relaxed) > now_ns ?
			       aor :
			       NULL;
	}
	return NULL;
}

const struct location_aor *
location_aor_by_hash(const struct location *l, uint64_t hash)
{
	struct location_key key = { .hash = hash };
	struct table_cursor c;
	struct table_node *n = table_first(&l->homes[location_home_of(l, &key)].aors, hash, &c);

	return n ? owner_of(n, struct location_aor, node) : NULL;
}

const struct location_binding *
location_pick(const struct location_aor *aor, const struct flows *flows, bool secure,
	      uint64_t now_ns, struct flows_entry *entry)
{
	for (const struct location_binding *b = location_first(aor); b; b = location_next(b))
		if (b->expires_ns > now_ns && flows_by_serial(flows, b->slot, b->serial, entry) &&
		    (entry->secure || !secure))
			return b;
	return NULL;
}

/* The oldest in one home. */
static const struct location_binding *
find_in(const struct location_home *h, const struct location_key *key, const struct sip_uri *uri,
	uint64_t now_ns)
{
	const struct location_binding *oldest, *b;
	struct table_cursor c;
	struct table_node *n = table_first(&h->contacts, key->hash, &c);

	if (!n)
		return NULL;
	b = oldest = owner_of(n, struct location_binding, by_contact);
	/* bounded also where the ring changes underneath and never comes back to its oldest */
	for (unsigned seen = 0; seen < TWINS_SEEN_MAX; seen++) {
		if (b->expires_ns > now_ns && has_uri(b, uri))
			return b;
		b = atomic_load_explicit(&b->twin_next, memory_order_acquire);
		if (b == oldest)
			break;
	}
	return NULL;
}

/*
 * A contact may be bound in any home. Looking into each costs a miss per router, all at once, and
 * is done for requests that neither a token nor an address-of-record brings on their way.
 */
const struct location_binding *
location_find_contact(const struct location *l, const struct location_key *key,
		      const struct sip_uri *uri, uint64_t now_ns)
{
	const struct location_binding *found = NULL;

	for (uint32_t i = 0; i < l->homes_len; i++) {
		const struct location_binding *b = find_in(&l->homes[i], key, uri, now_ns);

		if (b && (!found || b->born < found->born))
			found = b;
	}
	return found;
}
