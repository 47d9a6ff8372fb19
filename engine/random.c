/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/random.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

void
random_take(struct random *r, void *out, size_t len)
{
	assert(len <= RANDOM_BULK);
	if (r->left < len) {
		/*
		 * Does not wait once the system is up, and is whole: the engine has drawn its keys
		 * with the waiting form before any loop runs.
		 */
		ssize_t n = getrandom(r->bytes, RANDOM_BULK, GRND_NONBLOCK);

		assert(n == RANDOM_BULK);
		r->left = RANDOM_BULK;
	}
	r->left -= (uint32_t)len;
	memcpy(out, r->bytes + r->left, len);
	memset(r->bytes + r->left, 0, len); /* a key is nobody's a second time */
}

uint64_t
random_below(struct random *r, uint64_t n)
{
	uint64_t v;

	random_take(r, &v, sizeof(v));
	return n ? v % n : 0; /* the bias is below n / 2^64 */
}
