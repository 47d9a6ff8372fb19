/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_authentication.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/sipp_header.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

#define FIELD_MAX 2048u

bool
sipp_authentication_take(struct sipp_call *c, struct span message, bool proxy)
{
	struct sipp_header h = { 0 };
	struct digest_challenge challenge;

	while (sipp_header_next(
		message, proxy ? SPAN("Proxy-Authenticate") : SPAN("WWW-Authenticate"), &h)) {
		if (!digest_read(&challenge, h.value))
			continue;
		if (!c->challenge)
			c->challenge = malloc(sizeof(*c->challenge));
		if (!c->challenge)
			return false;
		*c->challenge = challenge;
		c->proxy_challenge = proxy;
		c->nonce_count = 0;
		return true;
	}
	return false;
}

/* Method and Request-URI of the request that is being written. */
static bool
read_start(struct span message, struct span *method, struct span *uri)
{
	const char *line_end = message.len ? memchr(message.at, '\r', message.len) : NULL;
	const char *space =
		line_end ? memchr(message.at, ' ', (size_t)(line_end - message.at)) : NULL;
	const char *end = space ? memchr(space + 1, ' ', (size_t)(line_end - space) - 1) : NULL;

	if (!end)
		return false;
	*method = span_of(message.at, (size_t)(space - message.at));
	*uri = span_of(space + 1, (size_t)(end - space) - 1);
	return true;
}

bool
sipp_authentication_put(struct sipp_call *c, struct sipp_text *out, const char *user,
			const char *password)
{
	const struct sipp_options *o = c->run->options;
	char text[FIELD_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct digest_use use = { .nc = ++c->nonce_count };
	uint64_t random;

	if (!c->challenge || !read_start(sipp_text_span(out), &use.method, &use.uri)) {
		sipp_call_fail(c, TALLY_call_failed,
			       "[authentication] without a challenge that can be answered", false);
		return false;
	}
	if (!user)
		user = o->user ? o->user : o->service;
	if (!password)
		password = o->password;
	use.user = span_of(user, strlen(user));
	use.password = span_of(password, strlen(password));
	random_take(&c->run->worker->random, &random, sizeof(random));
	snprintf(use.cnonce, sizeof(use.cnonce), "%016llx", (unsigned long long)random);
	writer_put(&w,
		   c->proxy_challenge ? SPAN("Proxy-Authorization: ") : SPAN("Authorization: "));
	if (!digest_write(&w, c->challenge, &use) || w.full) {
		sipp_call_fail(c, TALLY_call_failed, "[authentication] is too long", false);
		return false;
	}
	sipp_text_put(out, writer_text(&w));
	return true;
}
