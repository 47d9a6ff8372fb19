/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include "codec/ws_frame.h"

static const struct {
	uint16_t close_code;
	const char *words;
} ws_errors[WS_ERROR_COUNT] = {
#define WS_ERROR(symbol, code, words, duty) [WS_ERROR_##symbol] = { code, words },
#include "codec/ws_error.def"
#undef WS_ERROR
};

uint16_t
ws_error_close_code(enum ws_error error)
{
	assert(error > WS_OK && error < WS_ERROR_COUNT);
	return ws_errors[error].close_code;
}

const char *
ws_error_words(enum ws_error error)
{
	assert(error > WS_OK && error < WS_ERROR_COUNT);
	return ws_errors[error].words;
}
