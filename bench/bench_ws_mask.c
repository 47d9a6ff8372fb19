/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "bench/bench.h"
#include "codec/ws_mask.h"

#define PAYLOAD_OFF 8 /* a client's header of 2 + 2 + 4 bytes precedes the payload */

static void
mask_with(struct bench *b, bool (*apply)(uint8_t *, size_t, const uint8_t *, unsigned))
{
	static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };
	size_t len = bench_arg(b);
	uint8_t *bytes = malloc(PAYLOAD_OFF + len);

	if (!bytes)
		abort();
	memset(bytes, 'a', PAYLOAD_OFF + len);
	while (bench_next(b)) {
		apply(bytes + PAYLOAD_OFF, len, key, 0);
		bench_use(bytes);
	}
	free(bytes);
	bench_bytes(b, len);
}

BENCH(unmask, 64, 500, 4096, 65536)
{
	mask_with(b, ws_mask_apply);
}

BENCH(unmask_scalar, 64, 500, 4096, 65536)
{
	mask_with(b, ws_mask_apply_scalar);
}
