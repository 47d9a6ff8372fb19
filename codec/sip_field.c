/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_field.h"

#include <assert.h>
#include <string.h>

static const struct span names[SIP_FIELD_COUNT] = {
#define SIP_FIELD(symbol, name, compact, list, single)                                             \
	[SIP_FIELD_##symbol] = { (name), sizeof(name) - 1 },
#include "codec/sip_field.def"
#undef SIP_FIELD
};

static const bool lists[SIP_FIELD_COUNT] = {
#define SIP_FIELD(symbol, name, compact, list, single) [SIP_FIELD_##symbol] = (list),
#include "codec/sip_field.def"
#undef SIP_FIELD
};

/*
 * The case bit of letters, which alone have 0x40 set, unlike hyphens; all bits behind the colon. Of
 * a longer name the slot may be found, but its 16 octets hold no colon: it is not the same.
 */
#define AT(name, i) (name)[(i) < sizeof(name) ? (i) : 0]
#define FOLD(name, i)                                                                              \
	(char)((i) >= sizeof(name) ? 0xFF : (i) == sizeof(name) - 1 ? 0 : (AT(name, i) & 0x40) >> 1)
#define FOLDED(name, i)                                                                            \
	(char)((i) >= sizeof(name)     ? 0xFF :                                                    \
	       (i) == sizeof(name) - 1 ? ':' :                                                     \
					 AT(name, i) | FOLD(name, i))
#define FOUR(each, name, i) each(name, i), each(name, i + 1), each(name, i + 2), each(name, i + 3)
#define SIXTEEN(each, name)                                                                        \
	FOUR(each, name, 0), FOUR(each, name, 4), FOUR(each, name, 8), FOUR(each, name, 12)

const struct sip_field_name16 sip_field_names16[SIP_FIELD_COUNT] = {
	[SIP_FIELD_OTHER] = { .folded = { ':' } },
#define SIP_FIELD(symbol, name, compact, list, single)                                             \
	[SIP_FIELD_##symbol] = { { SIXTEEN(FOLD, name) }, { SIXTEEN(FOLDED, name) } },
#include "codec/sip_field.def"
#undef SIP_FIELD
};

#define SLOT(len, a, b, c) SIP_FIELD_SLOT(len, SIP_FIELD_TAIL(a, b, c))

const uint8_t sip_field_slots[SIP_FIELD_SLOTS] = {
	[SLOT(3, 'v', 'i', 'a')] = SIP_FIELD_VIA,
	[SLOT(12, 'r', 'd', 's')] = SIP_FIELD_MAX_FORWARDS,
	[SLOT(4, 'r', 'o', 'm')] = SIP_FIELD_FROM,
	[SLOT(2, '\n' | 0x20, 't', 'o')] = SIP_FIELD_TO,
	[SLOT(7, '-', 'i', 'd')] = SIP_FIELD_CALL_ID,
	[SLOT(4, 's', 'e', 'q')] = SIP_FIELD_CSEQ,
	[SLOT(7, 'a', 'c', 't')] = SIP_FIELD_CONTACT,
	[SLOT(5, 'u', 't', 'e')] = SIP_FIELD_ROUTE,
	[SLOT(12, 'u', 't', 'e')] = SIP_FIELD_RECORD_ROUTE,
	[SLOT(4, 'a', 't', 'h')] = SIP_FIELD_PATH,
	[SLOT(13, 'u', 't', 'e')] = SIP_FIELD_SERVICE_ROUTE,
	[SLOT(14, 'g', 't', 'h')] = SIP_FIELD_CONTENT_LENGTH,
	[SLOT(12, 'y', 'p', 'e')] = SIP_FIELD_CONTENT_TYPE,
	[SLOT(16, 'i', 'n', 'g')] = SIP_FIELD_CONTENT_ENCODING,
	[SLOT(7, 'r', 'e', 's')] = SIP_FIELD_EXPIRES,
	[SLOT(11, 'r', 'e', 's')] = SIP_FIELD_MIN_EXPIRES,
	[SLOT(7, 'i', 'r', 'e')] = SIP_FIELD_REQUIRE,
	[SLOT(13, 'i', 'r', 'e')] = SIP_FIELD_PROXY_REQUIRE,
	[SLOT(9, 't', 'e', 'd')] = SIP_FIELD_SUPPORTED,
	[SLOT(11, 't', 'e', 'd')] = SIP_FIELD_UNSUPPORTED,
	[SLOT(5, 'l', 'o', 'w')] = SIP_FIELD_ALLOW,
	[SLOT(13, 'i', 'o', 'n')] = SIP_FIELD_AUTHORIZATION,
	[SLOT(19, 'i', 'o', 'n')] = SIP_FIELD_PROXY_AUTHORIZATION,
	[SLOT(16, 'a', 't', 'e')] = SIP_FIELD_WWW_AUTHENTICATE,
	[SLOT(18, 'a', 't', 'e')] = SIP_FIELD_PROXY_AUTHENTICATE,
	[SLOT(5, 'e', 'n', 't')] = SIP_FIELD_EVENT,
	[SLOT(12, 'n', 't', 's')] = SIP_FIELD_ALLOW_EVENTS,
	[SLOT(7, 'e', 'c', 't')] = SIP_FIELD_SUBJECT,
	[SLOT(8, '-', 't', 'o')] = SIP_FIELD_REFER_TO,
	[SLOT(11, '-', 'b', 'y')] = SIP_FIELD_REFERRED_BY,
	[SLOT(15, 'r', 'e', 's')] = SIP_FIELD_SESSION_EXPIRES,
	[SLOT(10, 'm', 'e', 'r')] = SIP_FIELD_FLOW_TIMER,
	[SLOT(11, 't', 'e', 'r')] = SIP_FIELD_RETRY_AFTER,
	[SLOT(9, 'a', 'm', 'p')] = SIP_FIELD_TIMESTAMP,
};

/* A field without a compact form gets a case that no letter reaches. */
static enum sip_field_id
compact_lookup(char letter)
{
	switch (letter | 0x20) {
#define SIP_FIELD(symbol, name, compact, list, single)                                             \
	case (compact) ? (compact):                                                                \
		0x100 + SIP_FIELD_##symbol : return SIP_FIELD_##symbol;
#include "codec/sip_field.def"
#undef SIP_FIELD
	}
	return SIP_FIELD_OTHER;
}

/*
 * The same letters in any case? 0x40 is set in a name's letters and not in its
 * hyphens, so only letters lose their case bit.
 */
static bool
same64(const char *a, const char *name)
{
	uint64_t x, y, fold;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, name, sizeof(y));
	fold = (y & 0x4040404040404040) >> 1;
	return (x | fold) == (y | fold);
}

static bool
same32(const char *a, const char *name)
{
	uint32_t x, y, fold;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, name, sizeof(y));
	fold = (y & 0x40404040) >> 1;
	return (x | fold) == (y | fold);
}

static bool
same16(const char *a, const char *name)
{
	uint16_t x, y;
	unsigned fold;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, name, sizeof(y));
	fold = (y & 0x4040u) >> 1;
	return (x | fold) == (y | fold);
}

/* Words that overlap where the length is no multiple of theirs. */
static bool
same_name(const char *a, struct span name)
{
	assert(name.len >= 2 && name.len <= 24);
	if (name.len >= 8)
		return same64(a, name.at) && same64(a + name.len - 8, name.at + name.len - 8) &&
		       (name.len <= 16 || same64(a + 8, name.at + 8));
	if (name.len >= 4)
		return same32(a, name.at) && same32(a + name.len - 4, name.at + name.len - 4);
	return same16(a, name.at) && same16(a + name.len - 2, name.at + name.len - 2);
}

enum sip_field_id
sip_field_lookup(struct span name)
{
	enum sip_field_id id;
	const char *end;

	if (name.len <= 1)
		return name.len ? compact_lookup(name.at[0]) : SIP_FIELD_OTHER;
	end = name.at + name.len;
	id = sip_field_slots[SLOT(name.len, (name.len > 2 ? end[-3] : '\n') | 0x20, end[-2] | 0x20,
				  end[-1] | 0x20)];
	if (names[id].len != name.len || !same_name(name.at, names[id]))
		return SIP_FIELD_OTHER;
	return id;
}

struct span
sip_field_name(enum sip_field_id id)
{
	assert(id > SIP_FIELD_OTHER && id < SIP_FIELD_COUNT);
	return names[id];
}

bool
sip_field_is_list(enum sip_field_id id)
{
	assert(id < SIP_FIELD_COUNT);
	return lists[id];
}
