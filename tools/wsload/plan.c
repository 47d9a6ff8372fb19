/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "tools/wsload/client_tls.h"

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
init_raw(struct plan *p)
{
	uint32_t more = p->options.size > (uint32_t)EXCHANGE_RAW_ID_LEN ?
				p->options.size - (uint32_t)EXCHANGE_RAW_ID_LEN :
				0;
	char *filler = make_filler(more), *text;
	const char *wrong = "out of memory";

	text = filler ? malloc(more + sizeof("{client}{op}")) : NULL;
	if (text) {
		memcpy(text, "{client}{op}", sizeof("{client}{op}") - 1);
		memcpy(text + sizeof("{client}{op}") - 1, filler, (size_t)more + 1);
		wrong = exchange_init_raw(&p->request, text);
	}
	free(text);
	free(filler);
	return wrong;
}

static const char *
init_sip(struct plan *p)
{
	const struct options *o = &p->options;
	const struct scenario *s = o->scenario;
	char *filler = make_filler(o->size > BODY_ID_LEN ? o->size - BODY_ID_LEN : 1);
	const struct template_word words[] = { { "domain", o->domain },
					       { "run", p->run },
					       { "transport", "WS" },
					       { "filler", filler },
					       { NULL, NULL } };
	const char *wrong;

	if (!filler)
		return "out of memory";
	wrong = exchange_init(&p->request, s->head, s->body ? s->body : "", words);
	p->request.from_peer = s->pairs;
	if (!wrong && s->registers)
		wrong = exchange_init(&p->registration, scenario_register_head(), "", words);
	if (!wrong && s->calls)
		wrong = exchange_init(&p->ack, scenario_ack_head(), "", words);
	if (!wrong && s->calls)
		wrong = exchange_init(&p->bye, scenario_bye_head(), "", words);
	if (s->calls)
		p->request.answer_body = span_of(s->body, strlen(s->body));
	p->bye.from_peer = true;
	free(filler);
	return wrong;
}

const char *
plan_init(struct plan *p, const struct options *options)
{
	uint32_t random;
	const char *wrong;

	*p = (struct plan){ .options = *options, .limits = { .message_bytes = MESSAGE_MAX } };
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return "no random numbers";
	template_digits_client(p->run, random);
	if (options->secure && !(p->tls = client_tls_context()))
		return "out of memory";
	wrong = options->scenario->head ? init_sip(p) : init_raw(p);
	if (wrong)
		plan_fini(p);
	return wrong;
}

const struct exchange *
plan_exchange(const struct plan *p, uint8_t method)
{
	const struct exchange *const all[] = { &p->request, &p->registration, &p->ack, &p->bye };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i]->request.bytes && all[i]->method == method)
			return all[i];
	return NULL;
}

void
plan_fini(struct plan *p)
{
	SSL_CTX_free(p->tls);
	exchange_fini(&p->ack);
	exchange_fini(&p->bye);
	exchange_fini(&p->request);
	exchange_fini(&p->registration);
}
