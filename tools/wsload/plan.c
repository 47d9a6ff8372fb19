/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "tools/wsload/client_tls.h"
#include "tools/wsload/sipp_plan.h"

#define MESSAGE_MAX (UINT64_C(1) << 24) /* that a server may send */
#define BODY_ID_LEN 21u                 /* and a space */

/* Text that is easily told apart from any other of another length. */
static char *
make_filler(uint32_t len)
{
	char *text = malloc((size_t)len + 1);

	for (uint32_t i = 0; text && i < len; i++)
		text[i] = (char)('a' + (i + i / 26) % 26);
	if (text)
		text[len] = '\0';
	return text;
}

static const char *
init_kind(struct plan *p, enum scenario_kind kind, const struct template_word *words)
{
	struct scenario_text text = p->options.sipp.file ? sipp_plan_register() :
							   scenario_request(kind);
	struct exchange *x = &p->requests[kind];
	const char *wrong;

	if (kind == SCENARIO_ECHO)
		return exchange_init_raw(x, text.head, words);
	wrong = exchange_init(x, text.head, text.body, words);
	x->from_peer = kind == SCENARIO_MESSAGE || kind == SCENARIO_CALL;
	if (kind != SCENARIO_CALL)
		return wrong;
	x->answer_body = span_of(text.body, strlen(text.body));
	if (!wrong)
		wrong = exchange_init(&p->ack, scenario_ack_head(), "", words);
	if (!wrong)
		wrong = exchange_init(&p->bye, scenario_bye_head(), "", words);
	p->ack.from_peer = p->bye.from_peer = true;
	return wrong;
}

static const char *
init_requests(struct plan *p)
{
	const struct options *o = &p->options;
	char *filler = make_filler(o->size > BODY_ID_LEN ? o->size - BODY_ID_LEN : 1);
	char *raw_filler =
		make_filler(o->size > EXCHANGE_RAW_ID_LEN ? o->size - EXCHANGE_RAW_ID_LEN : 0);
	const struct template_word words[] = { { "domain", o->domain },
					       { "run", p->run },
					       { "transport", o->secure ? "WSS" : "WS" },
					       { "service", o->sipp.service },
					       { "filler", filler },
					       { "raw_filler", raw_filler },
					       { NULL, NULL } };
	const char *wrong = filler && raw_filler ? NULL : "out of memory";

	for (int i = 0; !wrong && i < SCENARIO_KINDS; i++)
		if (o->scenario->mixes ? o->mix[i] > 0 : (int)o->scenario->kind == i)
			wrong = init_kind(p, (enum scenario_kind)i, words);
	if (!wrong && o->scenario->registers && !p->requests[SCENARIO_REGISTER].request.bytes)
		wrong = init_kind(p, SCENARIO_REGISTER, words);
	free(filler);
	free(raw_filler);
	return wrong;
}

const char *
plan_init(struct plan *p, const struct options *options)
{
	uint32_t random;
	const char *wrong;

	*p = (struct plan){ .options = *options, .limits = { .message_bytes = MESSAGE_MAX } };
	if (getrandom(&random, sizeof(random), 0) != sizeof(random) ||
	    getrandom(&p->token_key, sizeof(p->token_key), 0) != sizeof(p->token_key))
		return "no random numbers";
	template_digits_client(p->run, random);
	wrong = options->secure ? client_tls_context(options, &p->tls) : NULL;
	if (!wrong)
		wrong = init_requests(p);
	if (wrong)
		plan_fini(p);
	return wrong;
}

const struct exchange *
plan_exchange(const struct plan *p, uint8_t method)
{
	switch (method) {
	case SIP_METHOD_ACK:
		return p->ack.request.bytes ? &p->ack : NULL;
	case SIP_METHOD_BYE:
		return p->bye.request.bytes ? &p->bye : NULL;
	default:
		break;
	}
	for (int i = 0; i < SCENARIO_KINDS; i++)
		if (p->requests[i].request.bytes && p->requests[i].method == method)
			return &p->requests[i];
	return NULL;
}

void
plan_fini(struct plan *p)
{
	SSL_CTX_free(p->tls);
	exchange_fini(&p->ack);
	exchange_fini(&p->bye);
	for (int i = 0; i < SCENARIO_KINDS; i++)
		exchange_fini(&p->requests[i]);
}
