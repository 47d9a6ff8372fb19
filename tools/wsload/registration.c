/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/registration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/digest.h"
#include "tools/wsload/worker.h"

#define FIELD_MAX 1536u
#define ATTEMPTS 3u /* one without credentials, one with, one with a nonce that is not stale */

/* What a client keeps once it was challenged. */
struct client_auth {
	struct digest_challenge challenge;
	uint32_t nc;
};

/* "Authorization: ..." for the next REGISTER; empty: nobody has asked for it. */
static struct span
put_authorization(struct worker *w, struct client *c, char text[FIELD_MAX])
{
	const struct options *o = &w->plan->options;
	struct writer out = writer_over(text, FIELD_MAX);
	char user[16], uri[OPTIONS_TEXT_MAX + 8];
	struct digest_use use = { .password = span_of(o->password, strlen(o->password)),
				  .method = SPAN("REGISTER") };
	uint64_t random;

	if (!c->auth)
		return span_of(NULL, 0);
	snprintf(user, sizeof(user), "w%08x", c->number);
	snprintf(uri, sizeof(uri), "sip:%s", o->domain);
	random_take(&w->random, &random, sizeof(random));
	snprintf(use.cnonce, sizeof(use.cnonce), "%016llx", (unsigned long long)random);
	use.user = o->user[0] ? span_of(o->user, strlen(o->user)) : span_of(user, strlen(user));
	use.uri = span_of(uri, strlen(uri));
	use.nc = ++c->auth->nc;
	writer_put(&out, SPAN("Authorization: "));
	if (!digest_write(&out, &c->auth->challenge, &use))
		return span_of(NULL, 0);
	writer_put(&out, SPAN("\r\n"));
	return out.full ? span_of(NULL, 0) : writer_text(&out);
}

static void
send_first(struct worker *w, struct client *c, uint32_t attempt)
{
	const struct exchange *x = &w->plan->registration;
	char text[FIELD_MAX];

	operation_send(w, c,
		       &(struct operation_request){
			       .exchange = x,
			       .digits = operation_digits(c, x, CLIENT_REGISTER_ENTRY, attempt),
			       .fields = put_authorization(w, c, text) });
}

void
registration_begin(struct worker *w, struct client *c)
{
	send_first(w, c, 0);
}

void
registration_refresh(struct worker *w, struct client *c, struct operation_request *r)
{
	char text[FIELD_MAX];

	r->fields = put_authorization(w, c, text);
	operation_send(w, c, r);
}

/* The first challenge in w->msg that can be answered becomes the client's. */
static bool
take_challenge(struct worker *w, struct client *c)
{
	const struct sip_field *f = sip_msg_field(&w->msg, SIP_FIELD_WWW_AUTHENTICATE);
	struct digest_challenge challenge;

	if (w->msg.status != 401 || !w->plan->options.password[0])
		return false;
	while (f && !digest_read(&challenge, sip_field_value(&w->msg, f)))
		f = sip_msg_next(&w->msg, f);
	if (!f)
		return false;
	if (!c->auth)
		c->auth = calloc(1, sizeof(*c->auth));
	if (!c->auth)
		return false;
	*c->auth = (struct client_auth){ .challenge = challenge };
	tally_count(&w->tally, TALLY_challenges, 1);
	return true;
}

void
registration_take(struct worker *w, struct client *c, uint32_t serial)
{
	const struct exchange *x = &w->plan->registration;
	struct template_digits digits = operation_digits(c, x, CLIENT_REGISTER_ENTRY, serial);
	const char *wrong;

	if (c->state != CLIENT_REGISTERING) {
		tally_count(&w->tally, TALLY_duplicates, 1);
		return;
	}
	if (w->msg.status < 200)
		return;
	template_write(&x->request, &digits, w->scratch);
	wrong = exchange_check_response(x, &w->msg, w->scratch, &digits);
	if (wrong && serial + 1 < ATTEMPTS && strcmp(wrong, "status") == 0 &&
	    take_challenge(w, c)) {
		send_first(w, c, serial + 1);
		return;
	}
	if (wrong) {
		operation_note(w, wrong);
		tally_count(&w->tally, TALLY_register_failed, 1);
		client_abandon(w, c);
		return;
	}
	tally_time(&w->tally, TALLY_TIME_register, w->now_ns - c->since_ns);
	tally_count(&w->tally, TALLY_registered, 1);
	c->state = CLIENT_OPEN;
	worker_opened(w, c);
}

bool
registration_is_challenged(struct worker *w, struct client *c, uint16_t entry)
{
	const struct exchange *x = &w->plan->request;
	struct op *op = &c->ops[entry];
	struct operation_request r = { .exchange = x };

	if (x->method != SIP_METHOD_REGISTER || op->step + 2u > ATTEMPTS || !take_challenge(w, c))
		return false;
	op->step++;
	op->serial++;
	r.digits = operation_digits(c, x, entry, op->serial);
	registration_refresh(w, c, &r);
	return true;
}
