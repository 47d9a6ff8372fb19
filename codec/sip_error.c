/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include "codec/sip_msg.h"

static const struct {
	int status;
	const char *words;
} errors[SIP_ERROR_COUNT] = {
#define SIP_ERROR(symbol, status, words) [SIP_ERROR_##symbol] = { (status), (words) },
#include "codec/sip_error.def"
#undef SIP_ERROR
};

int
sip_error_status(enum sip_error error)
{
	assert(error > SIP_OK && error < SIP_ERROR_COUNT);
	return errors[error].status;
}

const char *
sip_error_words(enum sip_error error)
{
	assert(error > SIP_OK && error < SIP_ERROR_COUNT);
	return errors[error].words;
}
