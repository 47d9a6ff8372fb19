/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_RANDOM_H
#define ENGINE_RANDOM_H
/*
 * Unpredictable bytes from the kernel, drawn in bulk: masking keys (RFC 6455 §10.3), handshake
 * keys, delays. One thread per struct.
 */
#include <stddef.h>
#include <stdint.h>

#define RANDOM_BULK 1024u

struct random {
	uint32_t left;
	uint8_t bytes[RANDOM_BULK];
};

/* All zero is a good start. `len` is at most RANDOM_BULK. */
void random_take(struct random *r, void *out, size_t len);

/* A number below n. */
uint64_t random_below(struct random *r, uint64_t n);

#endif
