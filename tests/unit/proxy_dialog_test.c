/* SPDX-License-Identifier: Apache-2.0 */
/* The stateless proxy inside dialogs: tokens, Route, strict routing, flows that are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

#define TOKEN 26
#define TOKEN_PATTERN "~~~~~~~~~~~~~~~~~~~~~~~~~~" /* 26 characters that stand for any token */

static struct routing r;

/* The token behind the n-th `before` in what went out. */
static const char *
token_at(const char *before, int n, char out[TOKEN + 1])
{
	const char *at = r.out;

	for (int i = 0; i <= n; i++) {
		at = strstr(at, before);
		assert_non_null(at);
		at += strlen(before);
	}
	memcpy(out, at, TOKEN);
	out[TOKEN] = '\0';
	return out;
}

/* Compare with lines (LF); '~' x 26 matches any token, '#' x 16 any branch. */
static void
assert_out(const char *lines)
{
	const char *o = r.out;

	for (const char *l = lines; *l; l++) {
		if (*l == '\n') {
			assert_int_equal(*o, '\r');
			o++;
		}
		if (strncmp(l, TOKEN_PATTERN, TOKEN) == 0) {
			l += TOKEN - 1;
			o += TOKEN;
			continue;
		}
		if (*l == '#') {
			assert_true((*o >= '0' && *o <= '9') || (*o >= 'a' && *o <= 'f'));
			o++;
			continue;
		}
		if (*l != *o)
			fail_msg("differs at '%.40s', wanted '%.40s' in:\n%s", o, l, r.out);
		o++;
	}
	assert_int_equal(*o, '\0');
}

static void
invite(const char *branch, const char *extra)
{
	routing_say(&r, 1,
		    "INVITE sip:bob@example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS alice.invalid;branch=%s\n"
		    "Max-Forwards: 70\n"
		    "To: <sip:bob@example.org>\n"
		    "From: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: call\n"
		    "CSeq: 7 INVITE\n"
		    "%s"
		    "\n",
		    branch, extra);
}

/* What a callee answers, with the Vias and Record-Routes that it was sent. */
static void
response(uint32_t from, int status, const char *vias)
{
	routing_say(&r, from,
		    "SIP/2.0 %d Whatever\n"
		    "%s"
		    "To: <sip:bob@example.org>;tag=b\nFrom: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: call\nCSeq: 7 INVITE\n\n",
		    status, vias);
}

/* A request inside the dialog between alice (1) and bob (2). */
static void
in_dialog(uint32_t from, const char *uri, const char *routes)
{
	routing_say(&r, from,
		    "INFO %s SIP/2.0\n"
		    "%s"
		    "Via: SIP/2.0/WS x.invalid;branch=z9hG4bKi\n"
		    "Max-Forwards: 70\n"
		    "To: <sip:bob@example.org>;tag=b\nFrom: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: call\nCSeq: 8 INFO\n\n",
		    uri, routes);
}

struct dialog {
	char alice[TOKEN + 1], bob[TOKEN + 1];
};

static struct dialog
dialog_make(void)
{
	struct dialog d;

	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	invite("z9hG4bKabc", "");
	assert_int_equal(routing_target(&r), 2);
	token_at("Record-Route: <sip:", 0, d.bob);
	token_at("Record-Route: <sip:", 1, d.alice);
	return d;
}

static const char *
routes_of(const char *first, const char *second)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "Route: <sip:%s@cap.example.org;transport=ws;lr>\n"
		 "Route: <sip:%s@cap.example.org;transport=ws;lr>\n",
		 first, second);
	return text;
}

/* O-07, P-10: from either side by the tokens; nothing of alice needs to be registered. */
static void
dialog_by_tokens(void **state)
{
	struct dialog d = dialog_make();

	(void)state;
	in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", routes_of(d.alice, d.bob));
	assert_int_equal(routing_target(&r), 2);
	assert_out("INFO sip:c-bob@bob.invalid;transport=ws SIP/2.0\n"
		   "Via: SIP/2.0/WS cap.example.org;branch=z9hG4bK################"
		   ";flow=" TOKEN_PATTERN "\n"
		   "Via: SIP/2.0/WS x.invalid;branch=z9hG4bKi;received=192.0.2.1\n"
		   "Max-Forwards: 69\n"
		   "To: <sip:bob@example.org>;tag=b\nFrom: <sip:alice@example.org>;tag=a\n"
		   "Call-ID: call\nCSeq: 8 INFO\n\n");
	in_dialog(2, "sip:whatever@alice.invalid;transport=ws", routes_of(d.bob, d.alice));
	assert_int_equal(routing_target(&r), 1);
	assert_true(strncmp(r.out, "INFO sip:whatever@alice.invalid;transport=ws SIP/2.0\r\n",
			    54) == 0);
	assert_null(strstr(r.out, "Route:"));
	/* one line with a comma */
	char joined[512];

	snprintf(joined, sizeof(joined),
		 "Route: <sip:%s@cap.example.org;lr>, <sip:%s@cap.example.org;lr>\n", d.bob,
		 d.alice);
	in_dialog(2, "sip:whatever@alice.invalid", joined);
	assert_int_equal(routing_target(&r), 1);
	assert_null(strstr(r.out, "Route:"));
}

/* O-05: tampered 403. O-06: flow gone 430, unless its client is back with the same contact. */
static void
dialog_with_bad_tokens(void **state)
{
	struct dialog d = dialog_make();
	char bad[TOKEN + 1];

	(void)state;
	for (int i = 0; i < TOKEN; i++) {
		memcpy(bad, d.bob, sizeof(bad));
		bad[i] = bad[i] == 'Q' ? 'R' : 'Q';
		in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", routes_of(d.alice, bad));
		assert_int_equal(routing_status(&r), 403);
		in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", routes_of(bad, d.bob));
		assert_int_equal(routing_status(&r), 403);
	}
	routing_close(&r, 2);
	in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", routes_of(d.alice, d.bob));
	assert_int_equal(routing_status(&r), 430);
	routing_open(&r, 2, "192.0.2.99", 1); /* somebody else in the same slot */
	in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", routes_of(d.alice, d.bob));
	assert_int_equal(routing_status(&r), 430);
	routing_open(&r, 5, "192.0.2.5", 1);
	assert_int_equal(routing_register(&r, 5, "bob", 2), 200);
	in_dialog(1, "sip:c-bob@bob.invalid;transport=ws;ob", routes_of(d.alice, d.bob));
	assert_int_equal(routing_target(&r), 5);
	in_dialog(1, "sip:c-other@bob.invalid;transport=ws", routes_of(d.alice, d.bob));
	assert_int_equal(routing_status(&r), 430);
	/*
	 * alice on a new connection: her own old token is stale, bob's new one is not in the
	 * dialog
	 */
	routing_open(&r, 6, "192.0.2.6", 1);
	in_dialog(6, "sip:c-bob@bob.invalid;transport=ws", routes_of(d.alice, d.bob));
	assert_int_equal(routing_target(&r), 5);
}

/* P-10: a strict router puts our URI into the request line and the real one last. */
static void
strict_routing(void **state)
{
	struct dialog d = dialog_make();
	char uri[128], routes[512];

	(void)state;
	snprintf(uri, sizeof(uri), "sip:%s@cap.example.org;transport=ws;lr", d.alice);
	snprintf(routes, sizeof(routes),
		 "Route: <sip:%s@cap.example.org;transport=ws;lr>, <sip:c-bob@bob.invalid;x=y>\n",
		 d.bob);
	in_dialog(1, uri, routes);
	assert_int_equal(routing_target(&r), 2);
	assert_true(strncmp(r.out, "INFO sip:c-bob@bob.invalid;x=y SIP/2.0\r\n", 40) == 0);
	assert_null(strstr(r.out, "Route:"));
	uri[20] = uri[20] == 'Q' ? 'R' : 'Q';
	in_dialog(1, uri, routes);
	assert_int_equal(routing_status(&r), 403);
	snprintf(uri, sizeof(uri), "sip:%s@cap.example.org", d.alice);
	in_dialog(1, uri, "Route: <tel:123>\n");
	assert_int_equal(routing_status(&r), 416);
	in_dialog(1, uri, ""); /* nobody is called like this */
	assert_int_equal(routing_status(&r), 404);
}

static void
both_ends_on_one_connection(void **state)
{
	char token[TOKEN + 1];

	(void)state;
	assert_int_equal(routing_register(&r, 1, "bob", 1), 200);
	invite("z9hG4bKabc", "");
	assert_int_equal(routing_target(&r), 1);
	token_at("Record-Route: <sip:", 0, token);
	in_dialog(1, "sip:anything@alice.invalid", routes_of(token, token));
	assert_int_equal(routing_target(&r), 1);
}

/* A Route that is not ours cannot be followed: 403; one that cannot be read: 400. */
static void
foreign_routes(void **state)
{
	static const struct {
		const char *route;
		int status;
	} rows[] = {
		{ "Route: <sip:edge.example.net;lr>\n", 403 },
		{ "Route: <sip:cap.example.net;lr>\n", 403 },
		{ "Route: <sip:cap.example.org;lr>\nRoute: <sip:edge.example.net;lr>\n", 403 },
		{ "Route: <sip:cap.example.org;lr>, <sip:edge.example.net;lr>\n", 403 },
		{ "Route: <sip:example.org>\n", 403 }, /* strict: no lr, no token */
		{ "Route: <sip:user@cap.example.org;lr>\n",
		  403 }, /* ours, but not a token that we made */
		{ "Route: <tel:+1>\n", 403 },
		{ "Route: <sip:cap.example.org;lr\n", 400 },
		{ "Route: \"cap\n", 400 },
	};

	(void)state;
	routing_fini(&r);
	routing_prepare(&r);
	snprintf(r.settings.routing_domains, SETTINGS_TEXT_MAX,
		 "example.org, Sip.Example.COM:5080");
	routing_start(&r);
	routing_open(&r, 1, "192.0.2.1", 4711);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in_dialog(1, "sip:bob@example.org", rows[i].route);
		if (routing_status(&r) != rows[i].status)
			fail_msg("%s: %d", rows[i].route, routing_status(&r));
		/* whatever was remembered of ours that came in between */
		in_dialog(1, "sip:bob@example.org", "Route: <sip:cap.example.org;lr>\n");
		assert_int_equal(routing_status(&r), 404);
	}
}

/* Which Request-URIs are looked up, and what is said when nobody is there. */
static void
targets(void **state)
{
	static const struct {
		const char *uri;
		int status; /* or 0: forwarded to bob */
	} rows[] = {
		{ "sip:bob@example.org", 0 },
		{ "sip:%62ob@EXAMPLE.org:5060;user=phone", 0 },
		{ "sip:Bob@example.org", 404 }, /* user parts mind their case */
		{ "sip:bob@sip.example.com:5080", 404 },
		{ "sip:bob@sip.example.com:5081", 404 },
		{ "sip:bob@example.net", 404 },
		{ "sip:c-bob@bob.invalid;transport=ws", 0 },
		{ "sip:c-bob@bob.invalid;transport=ws;ob", 0 },
		{ "sip:c-bob@bob.invalid", 480 },
		{ "sip:other@bob.invalid", 480 },
		{ "sip:bob.invalid", 480 },
		{ "sips:bob@example.org", 416 }, /* S-17 */
		{ "tel:+1234", 416 },
		{ "mailto:bob@example.org", 416 },
		{ "sip:bob@example.org?subject=x", 400 },
	};

	(void)state;
	routing_fini(&r);
	routing_prepare(&r);
	snprintf(r.settings.routing_domains, SETTINGS_TEXT_MAX,
		 "example.org, Sip.Example.COM:5080");
	routing_start(&r);
	routing_open(&r, 1, "192.0.2.1", 4711);
	routing_open(&r, 2, "192.0.2.2", 4712);
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		routing_say(&r, 1,
			    "FROB %s SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n"
			    "To: <sip:bob@example.org>\nFrom: <sip:alice@example.org>;tag=a\n"
			    "Call-ID: t\nCSeq: 1 FROB\n\n",
			    rows[i].uri);
		if (routing_status(&r) != rows[i].status ||
		    (rows[i].status == 0 && routing_target(&r) != 2))
			fail_msg("%s: %d", rows[i].uri, routing_status(&r));
	}
	/* S-20: registered, but its flow is gone */
	routing_close(&r, 2);
	invite("z9hG4bK5", "");
	assert_int_equal(routing_status(&r), 480);
	in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", "");
	assert_int_equal(routing_status(&r), 480);
}

/* The target closed between decision and delivery. */
static void
undeliverable(void **state)
{
	struct dialog d = dialog_make();
	char vias[512];

	(void)state;
	invite("z9hG4bKabc", "");
	route_undeliverable(r.route, r.m, r.now_ns);
	routing_collect(&r);
	assert_int_equal(routing_status(&r), 480);
	in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", routes_of(d.alice, d.bob));
	route_undeliverable(r.route, r.m, r.now_ns);
	routing_collect(&r);
	assert_int_equal(routing_status(&r), 430);
	snprintf(vias, sizeof(vias),
		 "Via: SIP/2.0/WS cap.example.org;flow=%s\nVia: SIP/2.0/WS a.invalid\n", d.alice);
	response(2, 200, vias);
	assert_int_equal(routing_target(&r), 1);
	route_undeliverable(r.route, r.m, r.now_ns);
	assert_int_equal(r.m->action, MESSAGE_DROP);
	assert_int_equal(r.m->fate, FATE_dropped_flow_gone);
}

/*
 * As many Route and Via lines as there is room for in a message: an answer or a forward, never a
 * fault of ours.
 */
static void
many_fields(void **state)
{
	static char routes[16384];
	struct dialog d = dialog_make();
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(routes + len, sizeof(routes) - len,
					"Route: <sip:%s@cap.example.org;lr>\n", d.bob);
	in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", routes);
	assert_int_equal(routing_target(&r), 2);
	assert_null(strstr(r.out, "Route:"));
	/*
	 * not next to each other: more edits than an editor takes is our limit, said to the
	 * sender
	 */
	len = 0;
	for (int i = 0; i < 40; i++)
		len += (size_t)snprintf(routes + len, sizeof(routes) - len,
					"Route: <sip:%s@cap.example.org;lr>\nX-Y: z\n", d.bob);
	in_dialog(1, "sip:c-bob@bob.invalid;transport=ws", routes);
	assert_int_equal(routing_status(&r), 500);
	/* an answer longer than the scratch: in a block of its own */
	len = 0;
	for (int i = 0; i < 60; i++)
		len += (size_t)snprintf(
			routes + len, sizeof(routes) - len,
			"Via: SIP/2.0/WS a-rather-long-name-%d.invalid;branch=z9hG4bKlong%d\n", i,
			i);
	routing_say(&r, 1,
		    "MESSAGE sip:nobody@example.org SIP/2.0\n%s"
		    "To: <sip:nobody@example.org>\nFrom: <sip:a@b.c>;tag=1\nCall-ID: x\n"
		    "CSeq: 1 MESSAGE\n\n",
		    routes);
	assert_int_equal(routing_status(&r), 404);
	assert_non_null(r.m->out_heap);
	assert_non_null(strstr(r.out, "a-rather-long-name-59.invalid"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTING_TEST(foreign_routes, routing_setup),
		ROUTING_TEST(dialog_with_bad_tokens, routing_setup),
		ROUTING_TEST(targets, routing_setup),
		ROUTING_TEST(dialog_by_tokens, routing_setup),
		ROUTING_TEST(strict_routing, routing_setup),
		ROUTING_TEST(both_ends_on_one_connection, routing_setup),
		ROUTING_TEST(undeliverable, routing_setup),
		ROUTING_TEST(many_fields, routing_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
