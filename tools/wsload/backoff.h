/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_BACKOFF_H
#define WSLOAD_BACKOFF_H
/*
 * How long a client waits before it connects again. With n failures in a row since its connection
 * broke (0 at first):
 *   fixed        BASE
 *   linear       BASE * (n + 1), at most MAX
 *   exponential  anything from 0 to BASE * 2^n, at most MAX ("full jitter")
 *   rfc5626      anything from a half to the whole of BASE * 2^n, at most MAX (RFC 5626 §4.5)
 */
#include <stdbool.h>
#include <stdint.h>
#include "engine/random.h"

enum backoff_law { BACKOFF_FIXED, BACKOFF_LINEAR, BACKOFF_EXPONENTIAL, BACKOFF_RFC5626 };

struct backoff {
	enum backoff_law law;
	uint64_t base_ns, max_ns;
};

/* "LAW", "LAW:BASE" or "LAW:BASE:MAX". False: none of these. */
bool backoff_parse(struct backoff *b, const char *text);

const char *backoff_name(enum backoff_law law);

uint64_t backoff_ns(const struct backoff *b, uint32_t failures, struct random *random);

#endif
