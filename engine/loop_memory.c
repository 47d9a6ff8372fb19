/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop_memory.h"

#include "engine/conn_tls.h"
#include "engine/log.h"
#include "engine/loop.h"

/* ---- to send from without a copy ---- */

static void *
pinned_take(void *arg)
{
	struct loop *l = arg;

	return ring_pinned_take(l->ring);
}

static bool
pinned_owns(void *arg, const void *buffer)
{
	const struct loop *l = arg;

	return ring_pinned_owns(l->ring, buffer);
}

static void
pinned_give(void *arg, void *buffer)
{
	struct loop *l = arg;

	ring_pinned_give(l->ring, buffer);
}

void
loop_memory_open(struct loop *l)
{
	if (!l->settings->send_zc)
		return;
	if (!(ring_features(l->ring) & 1u << RING_FEATURE_SEND_ZC)) {
		log_line(LOG_WARN, "send_zc_refused",
			 "loop=%u; the kernel lacks it, or RLIMIT_MEMLOCK is too small: all is "
			 "sent with a copy",
			 l->index);
		return;
	}
	l->pinned = (struct bytes_pinned){
		.take = pinned_take,
		.owns = pinned_owns,
		.give = pinned_give,
		.arg = l,
		.each = RING_PINNED_BYTES,
		.from = l->settings->send_zc,
	};
	l->bytes.pinned = &l->pinned;
}

/* ---- giving it back ---- */

static void
trim_pools(struct loop *l)
{
	pool_trim(&l->messages);
	bytes_trim(&l->bytes);
}

void
loop_memory_trim(struct loop *l)
{
	if (l->now_ns >= l->pools_trim_ns) {
		l->pools_trim_ns = l->now_ns + LOOP_MEMORY_REST_NS;
		trim_pools(l);
	}
	if (l->trim_ns && l->now_ns >= l->trim_ns) {
		l->trim_ns = 0;
		ring_trim(l->ring);
		conn_tls_trim(l);
		trim_pools(l);
		trim_pools(l);
	} else if (!l->trim_ns && (pool_is_spare(&l->messages) || bytes_is_spare(&l->bytes))) {
		l->trim_ns = l->now_ns + LOOP_MEMORY_REST_NS;
	}
}
