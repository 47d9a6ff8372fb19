/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_FIELD_H
#define CODEC_SIP_FIELD_H
/* The quick way from a header line to the id of its field; for sip_msg_parse(). */
#include <endian.h>
#include "codec/scan.h"
#include "codec/sip_msg.h"

/*
 * Where a name's id stands: by its last three letters in lower case (of "To" what stands there
 * for a line end and two) and its length. The factor was sought until no two names shared a
 * slot. A new name that does is told by the compiler (-Woverride-init); one that is forgotten in
 * the table, by a test.
 */
#define SIP_FIELD_SLOTS 128
#define SIP_FIELD_SLOT(len, tail) (((tail) + (uint32_t)(len)) * 0x7c9260ddu >> 25)
#define SIP_FIELD_TAIL(a, b, c)                                                                    \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)':' << 24)

extern const uint8_t sip_field_slots[SIP_FIELD_SLOTS];

#define SIP_FIELD_ROOM 16

/*
 * A name of at most 15 letters with its colon, to be compared with 16 octets at once: they are it
 * in any case of letters when (octets | fold) == folded.
 */
extern const struct sip_field_name16 {
	char fold[SIP_FIELD_ROOM], folded[SIP_FIELD_ROOM];
} sip_field_names16[SIP_FIELD_COUNT];

/*
 * sip_field_lookup() for the name line[0..len), of 2 octets or more, where SIP_FIELD_ROOM octets
 * may be read at line; an LF stands in front of it, and a colon behind the name.
 */
static inline enum sip_field_id
sip_field_at(const char *line, size_t len)
{
	const struct sip_field_name16 *name;
	uint32_t tail;
	uint8_t id;

	if (__builtin_expect(len >= SIP_FIELD_ROOM, 0))
		return sip_field_lookup(span_of(line, len));
	memcpy(&tail, line + len - 3, sizeof(tail)); /* ends with the colon */
	id = sip_field_slots[SIP_FIELD_SLOT(len, le32toh(tail) | 0x20202020)];
	name = &sip_field_names16[id];
	return scan_same16(line, name->fold, name->folded) ? id : SIP_FIELD_OTHER;
}

#endif
