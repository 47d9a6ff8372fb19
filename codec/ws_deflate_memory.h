/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_DEFLATE_MEMORY_H
#define CODEC_WS_DEFLATE_MEMORY_H
/*
 * Where the memory of compression comes from: the caller, who sets two bounds. zlib takes it in
 * a few blocks when a state is opened, and never later; a block that would pass a bound, or that
 * the caller's alloc() refuses, is refused.
 */
#include <stdatomic.h>
#include <stddef.h>

#define ZLIB_CONST /* zlib.h: bytes that are only read are const */
#include <zlib.h>

/* A bound that many share; threads may. */
struct ws_deflate_budget {
	size_t cap; /* bytes; 0: no limit */
	atomic_size_t held;
};

/* Memory of one connection, or of what a loop's connections share. One thread at a time. */
struct ws_deflate_memory {
	void *(*alloc)(void *arg, size_t len); /* aligned as malloc()'s; NULL: refused */
	void (*release)(void *arg, void *block, size_t len);
	void *arg;
	struct ws_deflate_budget *budget; /* of the process; NULL: none */
	size_t cap;                       /* bytes held at once; 0: no limit */
	size_t held;
};

/* zlib's zalloc and zfree, with a struct ws_deflate_memory behind `memory`. */
void *ws_deflate_memory_take(void *memory, unsigned items, unsigned size);
void ws_deflate_memory_give(void *memory, void *block);

#endif
