/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include "codec/sip_msg.h"

static const struct span names[SIP_METHOD_COUNT] = {
#define SIP_METHOD(symbol) [SIP_METHOD_##symbol] = { #symbol, sizeof(#symbol) - 1 },
#include "codec/sip_method.def"
#undef SIP_METHOD
};

/* No two of the methods share length and first letter: see sip_field.c about such tables. */
#define SLOTS 32
#define SLOT(len, first) ((11 * (unsigned)(len) + (first)) % SLOTS)

static const uint8_t slots[SLOTS] = {
	[SLOT(6, 'I')] = SIP_METHOD_INVITE,
	[SLOT(3, 'A')] = SIP_METHOD_ACK,
	[SLOT(3, 'B')] = SIP_METHOD_BYE,
	[SLOT(6, 'C')] = SIP_METHOD_CANCEL,
	[SLOT(8, 'R')] = SIP_METHOD_REGISTER,
	[SLOT(7, 'O')] = SIP_METHOD_OPTIONS,
	[SLOT(7, 'M')] = SIP_METHOD_MESSAGE,
	[SLOT(4, 'I')] = SIP_METHOD_INFO,
	[SLOT(6, 'U')] = SIP_METHOD_UPDATE,
	[SLOT(5, 'P')] = SIP_METHOD_PRACK,
	[SLOT(9, 'S')] = SIP_METHOD_SUBSCRIBE,
	[SLOT(6, 'N')] = SIP_METHOD_NOTIFY,
	[SLOT(5, 'R')] = SIP_METHOD_REFER,
	[SLOT(7, 'P')] = SIP_METHOD_PUBLISH,
};

enum sip_method
sip_method_lookup(struct span name)
{
	enum sip_method method;

	if (!name.len)
		return SIP_METHOD_OTHER;
	method = slots[SLOT(name.len, (unsigned char)name.at[0])];
	return span_equal(name, names[method]) ? method : SIP_METHOD_OTHER;
}

struct span
sip_method_name(enum sip_method method)
{
	assert(method > SIP_METHOD_OTHER && method < SIP_METHOD_COUNT);
	return names[method];
}
