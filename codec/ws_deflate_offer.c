/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_deflate_offer.h"
#include <assert.h>
#include "codec/ws_deflate.h"
#include "codec/ws_extension.h"
#include "codec/ws_inflate.h"

#define OFFER_NAME SPAN("permessage-deflate")

/* The parameters of one offer or answer, by the table below. */
enum offer_param {
	OFFER_SERVER_NO_CONTEXT,
	OFFER_CLIENT_NO_CONTEXT,
	OFFER_SERVER_BITS,
	OFFER_CLIENT_BITS,
	OFFER_PARAMS
};

#define OFFER_PRESENT 1 /* named, without a value: below all window sizes */
#define OFFER_BITS_ALL 15

/* By parameter: 0 if not named, else OFFER_PRESENT or the window's bits. */
struct offer {
	uint8_t params[OFFER_PARAMS];
};

enum offer_value { OFFER_VALUE_NONE, OFFER_VALUE_BITS, OFFER_VALUE_MAY };

static const struct {
	struct span name;
	enum offer_value value[2]; /* by who writes: enum ws_role */
} offer_params[OFFER_PARAMS] = {
#define OFFER_ROW(param, text, server, client)                                                     \
	[OFFER_##param] = {                                                                        \
		{ text, sizeof(text) - 1 },                                                        \
		{ [WS_SERVER] = OFFER_VALUE_##server, [WS_CLIENT] = OFFER_VALUE_##client }         \
	}
	OFFER_ROW(SERVER_NO_CONTEXT, "server_no_context_takeover", NONE, NONE), /* §7.1.1.1 */
	OFFER_ROW(CLIENT_NO_CONTEXT, "client_no_context_takeover", NONE, NONE), /* §7.1.1.2 */
	OFFER_ROW(SERVER_BITS, "server_max_window_bits", BITS, BITS),           /* §7.1.2.1 */
	OFFER_ROW(CLIENT_BITS, "client_max_window_bits", BITS, MAY),            /* §7.1.2.2 */
#undef OFFER_ROW
};

/* ---- reading ---- */

/* 8 to 15, without leading zeros: §7.1.2. 0: it is not. */
static uint8_t
offer_bits(struct span value)
{
	if (value.len == 1 && (value.at[0] == '8' || value.at[0] == '9'))
		return (uint8_t)(value.at[0] - '0');
	if (value.len == 2 && value.at[0] == '1' && value.at[1] >= '0' && value.at[1] <= '5')
		return (uint8_t)(10 + value.at[1] - '0');
	return 0;
}

static bool
offer_read_param(const struct ws_extension_param *param, enum ws_role writer, struct offer *out)
{
	for (size_t i = 0; i < OFFER_PARAMS; i++) {
		enum offer_value value = offer_params[i].value[writer];

		if (!span_equal(param->name, offer_params[i].name))
			continue;
		if (out->params[i])
			return false;
		if (value == (param->has_value ? OFFER_VALUE_NONE : OFFER_VALUE_BITS))
			return false;
		out->params[i] = param->has_value ? offer_bits(param->value) : OFFER_PRESENT;
		return out->params[i] != 0;
	}
	return false;
}

/* Z-01: no unknown parameter, none twice, none with a value that is not its own (§7.1). */
static bool
offer_read(struct span params, enum ws_role writer, struct offer *out)
{
	struct ws_extension_param param;
	enum ws_extension_read read;

	*out = (struct offer){ 0 };
	while ((read = ws_extension_param(&params, &param)) == WS_EXTENSION_NEXT)
		if (!offer_read_param(&param, writer, out))
			return false;
	return read == WS_EXTENSION_END;
}

/* All permessage-deflate of a field section, one after the other. */
struct offer_walk {
	const struct http_field *fields;
	size_t fields_len;
	struct span rest; /* of the field in front of `fields` */
};

static bool
offer_next(struct offer_walk *walk, struct ws_extension *out)
{
	for (;;) {
		while (ws_extension_next(&walk->rest, out) == WS_EXTENSION_NEXT)
			if (span_equal(out->name, OFFER_NAME))
				return true;
		do {
			if (walk->fields_len == 0)
				return false;
			walk->rest = walk->fields->value;
			walk->fields++;
			walk->fields_len--;
		} while (!span_equal_nocase(walk->fields[-1].name,
					    SPAN("Sec-WebSocket-Extensions")));
	}
}

/* ---- writing ---- */

static void
offer_write(struct writer *w, const struct offer *offer)
{
	writer_put(w, OFFER_NAME);
	for (size_t i = 0; i < OFFER_PARAMS; i++) {
		if (!offer->params[i])
			continue;
		writer_put(w, SPAN("; "));
		writer_put(w, offer_params[i].name);
		if (offer->params[i] == OFFER_PRESENT)
			continue;
		writer_put(w, SPAN("="));
		writer_put_decimal(w, offer->params[i]);
	}
}

/* ---- the server ---- */

static uint8_t
offer_least(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

/* The largest window that a parameter, named or not, lets be used. */
static uint8_t
offer_window(const struct offer *offer, enum offer_param param)
{
	return offer->params[param] > OFFER_PRESENT ? offer->params[param] : OFFER_BITS_ALL;
}

/* Answer one offer. False: decline it. */
static bool
offer_decide(const struct ws_deflate_policy *policy, const struct offer *offer,
	     struct offer *answer)
{
	uint8_t client = offer_window(offer, OFFER_CLIENT_BITS);

	*answer = *offer;
	/*
	 * Z-03: zlib has no raw window of 8 bits, and that its window of 9 does not reach back
	 * further than 8 would is nowhere promised: the client may offer something else.
	 */
	if (offer->params[OFFER_SERVER_BITS]) {
		if (offer->params[OFFER_SERVER_BITS] < WS_DEFLATE_BITS_MIN)
			return false;
		answer->params[OFFER_SERVER_BITS] =
			offer_least(offer->params[OFFER_SERVER_BITS], policy->send_bits);
	}
	/*
	 * §7.1.2.2: not to be answered if not offered, and not above what was offered. An 8 is
	 * fine: this window is the client's, ours for it may be larger.
	 */
	if (offer->params[OFFER_CLIENT_BITS]) {
		client = offer_least(client, policy->recv_bits);
		answer->params[OFFER_CLIENT_BITS] = client < OFFER_BITS_ALL ? client : 0;
	}
	/* Both may be answered without having been offered: §7.1.1. */
	if (!policy->send_takeover)
		answer->params[OFFER_SERVER_NO_CONTEXT] = OFFER_PRESENT;
	/* A client that cannot be held to our window is held to no context: that costs nothing. */
	if (!policy->recv_takeover || client > policy->recv_bits)
		answer->params[OFFER_CLIENT_NO_CONTEXT] = OFFER_PRESENT;
	return true;
}

static void
offer_check_policy(const struct ws_deflate_policy *policy)
{
	assert(policy->send_bits >= WS_DEFLATE_BITS_MIN &&
	       policy->send_bits <= WS_DEFLATE_BITS_MAX);
	assert(policy->recv_bits >= WS_DEFLATE_BITS_MIN &&
	       policy->recv_bits <= WS_DEFLATE_BITS_MAX);
}

/*
 * What an answer means for one side. A window of 8 for us is one that zlib cannot keep to (Z-03):
 * then nothing is compressed, which is always allowed (§6). One of 8 for the peer is read with
 * 9: zlib peers of old said 8 and used 9.
 */
static struct ws_deflate_terms
offer_terms(const struct ws_deflate_policy *policy, const struct offer *answer, enum ws_role role)
{
	bool client = role == WS_CLIENT;
	enum offer_param send_bits = client ? OFFER_CLIENT_BITS : OFFER_SERVER_BITS;
	enum offer_param recv_bits = client ? OFFER_SERVER_BITS : OFFER_CLIENT_BITS;
	enum offer_param send_not = client ? OFFER_CLIENT_NO_CONTEXT : OFFER_SERVER_NO_CONTEXT;
	enum offer_param recv_not = client ? OFFER_SERVER_NO_CONTEXT : OFFER_CLIENT_NO_CONTEXT;
	struct ws_deflate_terms terms = {
		.agreed = true,
		.send_takeover = policy->send_takeover && !answer->params[send_not],
		.recv_takeover = !answer->params[recv_not],
		.send_bits = offer_least(offer_window(answer, send_bits), policy->send_bits),
		.recv_bits = offer_window(answer, recv_bits),
	};

	if (terms.send_bits < WS_DEFLATE_BITS_MIN)
		terms.send_bits = 0;
	if (terms.recv_bits < WS_DEFLATE_BITS_MIN)
		terms.recv_bits = WS_DEFLATE_BITS_MIN;
	return terms;
}

void
ws_deflate_offer_answer(const struct ws_deflate_policy *policy, const struct http_field *fields,
			size_t fields_len, struct writer *value, struct ws_deflate_terms *out)
{
	struct offer_walk walk = { .fields = fields, .fields_len = fields_len };
	struct ws_extension extension;
	struct offer offer, answer;

	*out = (struct ws_deflate_terms){ 0 };
	if (!policy->enabled)
		return;
	offer_check_policy(policy);
	while (offer_next(&walk, &extension)) {
		if (!offer_read(extension.params, WS_CLIENT, &offer) ||
		    !offer_decide(policy, &offer, &answer))
			continue;
		offer_write(value, &answer);
		*out = offer_terms(policy, &answer, WS_SERVER);
		return;
	}
}

/* ---- the client ---- */

static struct offer
offer_make(const struct ws_deflate_policy *policy)
{
	struct offer offer = { 0 };

	offer_check_policy(policy);
	if (!policy->recv_takeover)
		offer.params[OFFER_SERVER_NO_CONTEXT] = OFFER_PRESENT;
	if (!policy->send_takeover)
		offer.params[OFFER_CLIENT_NO_CONTEXT] = OFFER_PRESENT;
	if (policy->recv_bits < OFFER_BITS_ALL)
		offer.params[OFFER_SERVER_BITS] = policy->recv_bits;
	offer.params[OFFER_CLIENT_BITS] =
		policy->send_bits < OFFER_BITS_ALL ? policy->send_bits : OFFER_PRESENT;
	return offer;
}

void
ws_deflate_offer_write(const struct ws_deflate_policy *policy, struct writer *value)
{
	struct offer offer;

	if (!policy->enabled)
		return;
	offer = offer_make(policy);
	offer_write(value, &offer);
}

/*
 * §7.1: what was asked of the server must be in its answer, windows within those offered. Both
 * no_context_takeover and the server's own window it may answer unasked.
 */
static bool
offer_is_answered(const struct offer *offer, const struct offer *answer)
{
	if (offer->params[OFFER_SERVER_NO_CONTEXT] && !answer->params[OFFER_SERVER_NO_CONTEXT])
		return false;
	if (offer->params[OFFER_SERVER_BITS] && !answer->params[OFFER_SERVER_BITS])
		return false;
	if (answer->params[OFFER_CLIENT_BITS] && !offer->params[OFFER_CLIENT_BITS])
		return false;
	return offer_window(answer, OFFER_SERVER_BITS) <= offer_window(offer, OFFER_SERVER_BITS) &&
	       (!answer->params[OFFER_CLIENT_BITS] ||
		answer->params[OFFER_CLIENT_BITS] <= offer_window(offer, OFFER_CLIENT_BITS));
}

enum ws_client_error
ws_deflate_offer_accept(const struct ws_deflate_policy *policy, const struct http_field *fields,
			size_t fields_len, struct ws_deflate_terms *out)
{
	struct offer_walk walk = { .fields = fields, .fields_len = fields_len };
	struct ws_extension extension;
	struct offer offer, answer;

	*out = (struct ws_deflate_terms){ 0 };
	if (!offer_next(&walk, &extension))
		return WS_CLIENT_OK;
	if (!policy->enabled)
		return WS_CLIENT_DEFLATE;
	offer = offer_make(policy);
	if (!offer_read(extension.params, WS_SERVER, &answer) ||
	    !offer_is_answered(&offer, &answer))
		return WS_CLIENT_DEFLATE;
	if (offer_next(&walk, &extension)) /* two would want RSV1: §5 */
		return WS_CLIENT_DEFLATE;
	*out = offer_terms(policy, &answer, WS_CLIENT);
	return WS_CLIENT_OK;
}
