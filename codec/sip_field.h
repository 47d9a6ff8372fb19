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

/* Each with its colon, and octets behind it up to one length. */
extern const char sip_field_names[SIP_FIELD_COUNT][24];

/*
 * The field whose long name, of at most 15 letters, is all that stands in front of the first
 * colon of the 16 octets at line; `len`, over 1, is the length of that. An LF stands in front of
 * the line. SIP_FIELD_OTHER: look closer.
 */
static inline enum sip_field_id
sip_field_at(const char *line, unsigned len)
{
	uint32_t tail;
	uint8_t id;

	memcpy(&tail, line + len - 3, sizeof(tail)); /* ends with the colon */
	id = sip_field_slots[SIP_FIELD_SLOT(len, le32toh(tail) | 0x20202020)];

	return scan_same_name16(line, sip_field_names[id], len + 1) ? id : SIP_FIELD_OTHER;
}

#endif
