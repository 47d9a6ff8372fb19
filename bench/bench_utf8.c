/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "bench/bench.h"
#include "codec/utf8.h"

/* `unit` over and over, only whole ones, padded with ASCII. */
static uint8_t *
text_of(const char *unit, size_t len)
{
	size_t unit_len = strlen(unit);
	uint8_t *text = malloc(len);

	if (!text)
		abort();
	memset(text, '.', len);
	for (size_t i = 0; i + unit_len <= len; i += unit_len)
		memcpy(text + i, unit, unit_len);
	return text;
}

static void
check_with(struct bench *b, const char *unit, bool (*feed)(struct utf8 *, const uint8_t *, size_t))
{
	size_t len = bench_arg(b);
	uint8_t *text = text_of(unit, len);
	struct utf8 state = { 0 };
	bool valid = true;

	while (bench_next(b)) {
		valid &= feed(&state, text, len);
		bench_use(text);
	}
	free(text);
	if (!valid)
		bench_fail(b, "text was refused");
	bench_bytes(b, len);
}

/* Mostly ASCII with two-, three- and four-byte characters in it. */
static const char mixed[] = "Gr\xc3\xbc\xc3\x9f"
			    "e an alle: \xe2\x82\xac 5, \xf0\x9f\x93\x9e? ";

BENCH(utf8_ascii, 64, 500, 4096, 65536)
{
	check_with(b, "plain ASCII ", utf8_feed);
}

BENCH(utf8_ascii_scalar, 64, 500, 4096, 65536)
{
	check_with(b, "plain ASCII ", utf8_feed_scalar);
}

BENCH(utf8_mixed, 64, 500, 4096, 65536)
{
	check_with(b, mixed, utf8_feed);
}

BENCH(utf8_mixed_scalar, 64, 500, 4096, 65536)
{
	check_with(b, mixed, utf8_feed_scalar);
}
