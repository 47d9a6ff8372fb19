/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/bad.h"

#include <stdio.h>
#include <string.h>
#include "engine/clock.h"

/* ---- for the cases ---- */

int
bad_timeout_ms(const struct bad_peer *p)
{
	return (int)(p->plan->options.timeout_ns / CLOCK_NS_PER_MS);
}

void
bad_say(char got[BAD_GOT_MAX], const struct bad_peer *p, enum bad_end end)
{
	static const char *const words[] = {
		[BAD_SILENCE] = "no reaction",
		[BAD_MESSAGE] = "another message",
		[BAD_PONG] = "a Pong",
		[BAD_CLOSE] = "Close",
		[BAD_HTTP] = "HTTP",
		[BAD_ENDED] = "disconnected",
		[BAD_BROKEN] = "a broken frame",
	};

	if (end == BAD_CLOSE || end == BAD_HTTP)
		snprintf(got, BAD_GOT_MAX, "%s %d", words[end], p->code);
	else
		snprintf(got, BAD_GOT_MAX, "%s", words[end]);
}

bool
bad_expect_close(struct bad_peer *p, int code, char got[BAD_GOT_MAX])
{
	enum bad_end end = bad_peer_await(p, bad_timeout_ms(p));

	bad_say(got, p, end);
	return end == BAD_CLOSE && p->code == code;
}

bool
bad_expect_answer(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	enum bad_end end = bad_peer_await_answer(p, bad_timeout_ms(p));

	if (end == BAD_MESSAGE)
		snprintf(got, BAD_GOT_MAX, "answered with 200");
	else if (end == BAD_BROKEN)
		snprintf(got, BAD_GOT_MAX, "not answered as it should be");
	else
		bad_say(got, p, end);
	return end == BAD_MESSAGE;
}

bool
bad_expect_end(struct bad_peer *p, int timeout_ms, char got[BAD_GOT_MAX])
{
	enum bad_end end;

	/* What comes is HTTP, if anything: any bytes count as a word of farewell. */
	do
		end = bad_peer_await(p, timeout_ms);
	while (end == BAD_MESSAGE || end == BAD_PONG || end == BAD_BROKEN || end == BAD_CLOSE);
	bad_say(got, p, end);
	return end == BAD_ENDED;
}

/* ---- running them ---- */

static bool
is_in(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += len)
		if ((at == list || at[-1] == ',') && (!at[len] || at[len] == ','))
			return true;
	return strcmp(list, "all") == 0;
}

bool
bad_is_list(const char *list)
{
	size_t known = 0;

	if (strcmp(list, "all") == 0)
		return true;
	for (const struct bad_case *c = bad_cases; c->name; c++)
		if (is_in(list, c->name))
			known += strlen(c->name) + 1;
	return known == strlen(list) + 1;
}

/* Nobody else must notice: a new connection, an OPTIONS, its answer. */
static bool
serves_others(const struct plan *plan)
{
	static struct bad_peer control;
	static char request[EXCHANGE_BYTES_MAX];
	bool ok = bad_peer_connect(&control, plan, 0);
	size_t len;

	if (!ok)
		return false;
	ok = bad_peer_upgrade(&control) == BAD_HTTP && control.code == 101;
	len = bad_peer_options(&control, request);
	ok = ok && bad_peer_text(&control, request, len) &&
	     bad_peer_await_answer(&control, bad_timeout_ms(&control)) == BAD_MESSAGE;
	bad_peer_close(&control);
	return ok;
}

static bool
run_case(const struct plan *plan, const struct bad_case *c, char got[BAD_GOT_MAX])
{
	static struct bad_peer peer;
	enum bad_end end = BAD_HTTP;
	bool as_expected;

	snprintf(got, BAD_GOT_MAX, "no connection");
	if (!bad_peer_connect(&peer, plan, c->receive_bytes))
		return false;
	if (!c->raw) {
		end = bad_peer_upgrade(&peer);
		bad_say(got, &peer, end);
	}
	as_expected = c->raw || (end == BAD_HTTP && peer.code == 101);
	if (as_expected) {
		snprintf(got, BAD_GOT_MAX, "disconnected");
		as_expected = c->run(&peer, got);
	}
	bad_peer_close(&peer);
	if (serves_others(plan))
		return as_expected;
	snprintf(got, BAD_GOT_MAX, "others are not served any more");
	return false;
}

bool
bad_run(const struct plan *plan, FILE *out)
{
	const struct options *o = &plan->options;
	FILE *table = o->json ? stderr : out;
	unsigned done = 0, errors = 0;

	if (o->json)
		fputs("{\"scenario\":\"bad\",\"cases\":[", out);
	for (const struct bad_case *c = bad_cases; c->name; c++) {
		char got[BAD_GOT_MAX];
		bool ok;

		if (!is_in(o->bad, c->name))
			continue;
		ok = run_case(plan, c, got);
		errors += !ok;
		fprintf(table, "%-4s %-15s %s: expected %s, got %s\n", ok ? "ok" : "BAD", c->name,
			c->about, c->expected, got);
		if (o->json)
			fprintf(out,
				"%s{\"name\":\"%s\",\"expected\":\"%s\",\"got\":\"%s\","
				"\"as_expected\":%s}",
				done ? "," : "", c->name, c->expected, got, ok ? "true" : "false");
		done++;
	}
	if (o->json)
		fprintf(out, "],\"operations\":%u,\"errors\":%u}\n", done, errors);
	fprintf(table, "%u of %u as expected\n", done - errors, done);
	return errors == 0;
}
