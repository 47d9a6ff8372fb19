/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are compared with known layouts. Byte 0 says how many edits follow, three bytes
 * each: where (two bytes), and what octet is put there. The rest is a message, of which a shape is
 * learned. It and what each edit makes of it are looked up: what a shape delivers is what the
 * parsers say of the same octets. What no shape fits may be learned as well.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "codec/sip_shape.h"
#include "tests/sip_same.h"

#define EDITS_MAX 63
#define EDIT_LEN 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_shapes table;

/* Letters and digits, which shapes let by, then what parsers look for. Others are themselves. */
static const char likely[64] = "0123456789abcdefABCDEFghxyzGHXYZ"
			       "\r\n \t\"\\<>,;:=@?&%/[].-+*()'~!$#_";

/* Empty, without writing all of it: behind a length of 0 nothing is read. */
static void
forget(void)
{
	memset(&table, 0, offsetof(struct sip_shapes, sets));
	for (unsigned set = 0; set < SIP_SHAPE_SETS; set++)
		for (unsigned way = 0; way < SIP_SHAPE_WAYS; way++)
			table.sets[set][way].len = 0;
}

static void
check_twins(struct span text)
{
	for (unsigned set = 0; set < SIP_SHAPE_SETS; set++) {
		for (unsigned way = 0; way < SIP_SHAPE_WAYS; way++) {
			const struct sip_shape *s = &table.sets[set][way];

			if (s->len == text.len)
				assert(sip_shape_fits(s, text.at) ==
				       sip_shape_fits_scalar(s, text.at));
		}
	}
}

static void
look_up(struct span text)
{
	static struct sip_msg fast, slow;
	static struct sip_essentials fast_head, slow_head;
	bool hit;

	check_twins(text);
	memset(&fast, 0xA5, sizeof(fast));
	memset(&fast_head, 0xA5, sizeof(fast_head));
	hit = sip_shape_find(&table, text.at, text.len, &fast, &fast_head);
	if (sip_msg_parse(&slow, text.at, text.len) != SIP_OK) {
		assert(!hit);
		return;
	}
	if (!hit) {
		sip_shape_missed(&table, &slow);
		return;
	}
	assert(sip_essentials_read(&slow, &slow_head) == SIP_OK);
	assert(sip_same_index(&fast, &slow));
	assert(sip_same_essentials(&fast_head, &slow_head, slow.request));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t edits = size ? data[0] % (EDITS_MAX + 1) : 0, len;
	const uint8_t *edit = data + 1;
	char *text;

	if (size <= 1 + edits * EDIT_LEN)
		return 0;
	len = size - 1 - edits * EDIT_LEN;
	text = malloc(len);
	assert(text);
	memcpy(text, edit + edits * EDIT_LEN, len);
	forget();
	/* missed, missed again and learned, found */
	for (unsigned i = 0; i < 3; i++)
		look_up(span_of(text, len));
	for (; edits > 0; edits--, edit += EDIT_LEN) {
		uint8_t octet = edit[2];

		text[((size_t)edit[0] << 8 | edit[1]) % len] =
			octet < sizeof(likely) ? likely[octet] : (char)octet;
		look_up(span_of(text, len));
	}
	free(text);
	return 0;
}
