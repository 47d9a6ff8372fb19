/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pieces.h"

void
pieces_free(struct bytes_pool *pool, struct stats *stats, struct pieces *p)
{
	if (p->bytes) {
		bytes_free(pool, p->bytes, p->cap);
		stats_sub(&stats->assemblies, 1);
	}
	*p = (struct pieces){ 0 };
}

static bool
grow(struct bytes_pool *pool, struct stats *stats, struct pieces *p, size_t want)
{
	size_t size = want > (size_t)p->cap * 2 ? want : (size_t)p->cap * 2;
	uint8_t *bytes = bytes_alloc(pool, &size);

	if (!bytes)
		return false;
	if (p->bytes) {
		memcpy(bytes, p->bytes, p->len);
		bytes_free(pool, p->bytes, p->cap);
	} else {
		stats_add(&stats->assemblies, 1);
	}
	p->bytes = bytes;
	p->cap = (uint32_t)size;
	return true;
}

bool
pieces_reserve(struct bytes_pool *pool, struct stats *stats, struct pieces *p, size_t more)
{
	size_t need = p->len + more;

	return need <= p->cap || (need <= UINT32_MAX / 2 && grow(pool, stats, p, need));
}

bool
pieces_add(struct bytes_pool *pool, struct stats *stats, struct pieces *p, struct span bytes,
	   uint64_t more)
{
	size_t need = p->len + bytes.len;

	if (need > p->cap &&
	    !pieces_reserve(pool, stats, p, bytes.len + (more < need ? (size_t)more : need)))
		return false;
	if (bytes.len)
		memcpy(p->bytes + p->len, bytes.at, bytes.len);
	p->len += (uint32_t)bytes.len;
	return true;
}
