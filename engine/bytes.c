/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/bytes.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t
class_bytes(uint32_t class)
{
	return (size_t)BYTES_SMALLEST << (2 * class);
}

/* The class that holds `size` bytes; BYTES_CLASSES: none does. */
static uint32_t
class_of(size_t size)
{
	uint32_t class = 0;

	while (class < BYTES_CLASSES && class_bytes(class) < size)
		class ++;
	return class;
}

void
bytes_init(struct bytes_pool *p, size_t bytes_max)
{
	memset(p, 0, sizeof(*p));
	p->bytes_max = bytes_max;
	for (uint32_t class = 0; class < BYTES_CLASSES; class ++)
		pool_init(&p->classes[class], class_bytes(class), UINT32_MAX);
}

void
bytes_fini(struct bytes_pool *p)
{
	assert(p->used == 0 && p->used_bytes == 0);
	for (uint32_t class = 0; class < BYTES_CLASSES; class ++)
		pool_fini(&p->classes[class]);
}

void *
bytes_alloc(struct bytes_pool *p, size_t *size)
{
	uint32_t class = class_of(*size);
	size_t whole = class < BYTES_CLASSES ? class_bytes(class) : *size;
	void *buffer;

	if (whole > p->bytes_max - p->used_bytes)
		return NULL;
	buffer = class < BYTES_CLASSES ? pool_take(&p->classes[class]) : malloc(whole);
	if (!buffer)
		return NULL;
	p->used++;
	p->used_bytes += whole;
	*size = whole;
	return buffer;
}

void *
bytes_alloc_pinned(struct bytes_pool *p, size_t *size)
{
	const struct bytes_pinned *pinned = p->pinned;
	void *buffer = NULL;

	if (pinned && *size >= pinned->from && *size <= pinned->each &&
	    pinned->each <= p->bytes_max - p->used_bytes)
		buffer = pinned->take(pinned->arg);
	if (!buffer)
		return bytes_alloc(p, size);
	p->used++;
	p->used_bytes += pinned->each;
	*size = pinned->each;
	return buffer;
}

void
bytes_free(struct bytes_pool *p, void *buffer, size_t size)
{
	uint32_t class = class_of(size);

	if (!buffer)
		return;
	assert(p->used > 0 && p->used_bytes >= size);
	p->used--;
	p->used_bytes -= size;
	if (p->pinned && p->pinned->owns(p->pinned->arg, buffer)) {
		p->pinned->give(p->pinned->arg, buffer);
		return;
	}
	if (class < BYTES_CLASSES) {
		assert(size == class_bytes(class));
		pool_give(&p->classes[class], buffer);
	} else {
		free(buffer);
	}
}

void
bytes_trim(struct bytes_pool *p)
{
	for (uint32_t class = 0; class < BYTES_CLASSES; class ++)
		pool_trim(&p->classes[class]);
}

bool
bytes_is_spare(const struct bytes_pool *p)
{
	for (uint32_t class = 0; class < BYTES_CLASSES; class ++)
		if (pool_is_spare(&p->classes[class]))
			return true;
	return false;
}

size_t
bytes_held(const struct bytes_pool *p)
{
	size_t held = 0;
	size_t used = 0;

	for (uint32_t class = 0; class < BYTES_CLASSES; class ++) {
		held += pool_bytes_held(&p->classes[class]);
		used += p->classes[class].used * class_bytes(class);
	}
	return held + (p->used_bytes - used); /* the rest are the large ones */
}
