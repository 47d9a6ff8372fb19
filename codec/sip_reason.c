/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include "codec/sip_reply.h"

/* §8.1.3.2: an unknown code is treated as the x00 of its class. */
static struct span
class_phrase(int status)
{
	static const struct span phrases[] = {
		{ "Provisional", 11 },    { "Success", 7 },      { "Redirection", 11 },
		{ "Request Failure", 15 }, { "Server Failure", 14 }, { "Global Failure", 14 },
	};

	return phrases[status / 100 - 1];
}

struct span
sip_reason_phrase(int status)
{
	assert(status >= 100 && status <= 699);
	switch (status) {
#define SIP_REASON(code, phrase) \
	case (code):             \
		return SPAN(phrase);
#include "codec/sip_reason.def"
#undef SIP_REASON
	}
	return class_phrase(status);
}
