/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTER: RFC 3261 §10.3, RFC 5626 §6 (O-*), RFC 3327 §5.3 (Pa-*). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

static struct routing r;
static unsigned cseq = 1; /* of the next REGISTER */

static void
start_again(void)
{
	routing_start(&r);
	routing_open(&r, 1, "192.0.2.1", 4711);
	routing_open(&r, 2, "192.0.2.2", 4712);
}

/* alice registers from `slot` with these fields, CSeq rising; returns the status. */
static int
alice(uint32_t slot, const char *fields)
{
	routing_say(&r, slot,
		    "REGISTER sip:example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK%u\n"
		    "To: \"Alice\" <sip:alice@example.org;x=y>\n"
		    "From: <sip:alice@example.org>;tag=1\n"
		    "Call-ID: one\n"
		    "CSeq: %u REGISTER\n"
		    "%s\n",
		    cseq, cseq, fields);
	cseq++;
	return routing_status(&r);
}

static unsigned
count(const char *what)
{
	unsigned n = 0;

	for (const char *at = r.out; (at = strstr(at, what)); at++)
		n++;
	return n;
}

#define contacts() count("\r\nContact: ")

static void
assert_line(const char *line)
{
	if (!routing_has_line(&r, line))
		fail_msg("no line '%s' in\n%s", line, r.out);
}

/* Where alice is reached now: a slot, or minus the status. */
static int
reach(const char *user)
{
	routing_say(
		&r, 3,
		"MESSAGE sip:%s@example.org SIP/2.0\nVia: SIP/2.0/WS c.invalid;branch=z9hG4bK1\n"
		"To: <sip:alice@example.org>\nFrom: <sip:c@example.org>;tag=1\n"
		"Call-ID: m\nCSeq: 1 MESSAGE\n\n",
		user);
	return r.m->action == MESSAGE_FORWARD ? (int)r.m->to.slot : -routing_status(&r);
}

/* What is refused, and that nothing is bound by it. */
static void
refused(void **state)
{
	static const struct {
		const char *fields;
		int status;
		const char *line; /* or NULL */
	} rows[] = {
		{ "Contact: <sip:a@b.invalid\n", 400, NULL },
		{ "Contact: <sip:a@b.invalid>, \"x\n", 400, NULL },
		{ "Contact: <mailto:a@example.org>\n", 400, NULL },
		{ "Contact: <tel:+123>\n", 400, NULL },
		{ "Contact: <sips:a@b.invalid>\n", 400, NULL }, /* S-17 */
		{ "Contact: <sip:a@b.invalid>;q=1.5\n", 400, NULL },
		{ "Contact: sip:a@b.invalid?x=y\n", 400, NULL },
		{ "Contact: *\n", 400, NULL },
		{ "Contact: *\nExpires: 1\n", 400, NULL },
		{ "Contact: *, <sip:a@b.invalid>\nExpires: 0\n", 400, NULL },
		{ "Contact: <sip:a@b.invalid>\nContact: *\nExpires: 0\n", 400, NULL },
		{ "Contact: *\nContact: *\nExpires: 0\n", 400, NULL },
		{ "Contact: <sip:a@b.invalid>;expires=59\n", 423, "Min-Expires: 60" },
		{ "Contact: <sip:a@b.invalid>\nExpires: 1\n", 423, "Min-Expires: 60" },
		/* all or nothing: the first one is right */
		{ "Contact: <sip:a@b.invalid>, <sip:b@b.invalid>;expires=5\n", 423, NULL },
		{ "Contact: <sip:a@b.invalid>, <mailto:x@y.z>\n", 400, NULL },
		{ "Contact: <sip:a@b.invalid>\nPath: <sip:edge.example.net;lr\n", 400, NULL },
		{ "Contact: <sip:a@b.invalid>\nPath: sip:edge.example.net\n", 400, NULL },
		{ "Contact: <sip:a@b.invalid>\nRequire: teleport, path\n", 420,
		  "Unsupported: teleport" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (alice(1, rows[i].fields) != rows[i].status)
			fail_msg("%s: %d", rows[i].fields, routing_status(&r));
		if (rows[i].line)
			assert_line(rows[i].line);
		assert_int_equal(r.stats.bindings, 0);
		assert_int_equal(reach("alice"), -404);
	}
	assert_int_equal(alice(1, ""), 200);
	assert_int_equal(contacts(), 0);
}

static void
refused_for_to(void **state)
{
	static const struct {
		const char *uri, *to;
		int status;
	} rows[] = {
		{ "sip:example.org", "<tel:+123>", 400 },
		{ "sip:example.org", "<sip:example.org>", 404 },
		{ "sip:example.org", "<sip:alice@example.net>", 404 },
		{ "sip:example.net", "<sip:alice@example.org>", 404 },
		{ "sip:other@example.net", "<sip:alice@example.org>", 404 },
		{ "sips:example.org", "<sips:alice@example.org>", 416 },
		{ "sip:example.org", "<sip:alice@example.org>", 200 },
		{ "sip:cap.example.org", "<sip:alice@EXAMPLE.org:5060>", 200 },
		{ "sip:alice@example.org", "<sips:alice@example.org>", 200 },
	};

	(void)state;
	routing_fini(&r);
	routing_prepare(&r);
	snprintf(r.settings.routing_domains, SETTINGS_TEXT_MAX, "example.org");
	start_again();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		routing_say(&r, 1,
			    "REGISTER %s SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n"
			    "To: %s\nFrom: <sip:alice@example.org>;tag=1\nCall-ID: one\n"
			    "CSeq: 1 REGISTER\n\n",
			    rows[i].uri, rows[i].to);
		if (routing_status(&r) != rows[i].status)
			fail_msg("%s %s: %d", rows[i].uri, rows[i].to, routing_status(&r));
	}
}

/* What is stored comes back, with what it has left. */
static void
bound(void **state)
{
	(void)state;
	assert_int_equal(alice(1,
			       "Contact: \"A, \\\"x\\\"\" <sip:a@b.invalid;transport=ws> ; q=0.5 ;"
			       "+sip.instance=\"<urn:x>\";expires=100;foo\n"),
			 200);
	assert_line("Contact: \"A, \\\"x\\\"\" <sip:a@b.invalid;transport=ws>;q=0.5;"
		    "+sip.instance=\"<urn:x>\";foo;expires=100");
	assert_line("Supported: path, outbound, gruu");
	assert_int_equal(count("Require:"), 0);
	r.now_ns += 30 * ROUTING_SECOND + ROUTING_SECOND / 2;
	assert_int_equal(alice(1, ""), 200); /* a query */
	assert_line("Contact: \"A, \\\"x\\\"\" <sip:a@b.invalid;transport=ws>;q=0.5;"
		    "+sip.instance=\"<urn:x>\";foo;expires=70");
	assert_int_equal(reach("alice"), 1);
	assert_int_equal(reach("%61lice"), 1);
	r.now_ns += 70 * ROUTING_SECOND; /* route_expire() was not called */
	assert_int_equal(reach("alice"), -480);
	assert_int_equal(alice(1, ""), 200);
	assert_int_equal(contacts(), 0);
}

/*
 * Expires: parameter before field before default; malformed as if absent; cut; an hour is never
 * too brief.
 */
static void
expiries(void **state)
{
	static const struct {
		const char *fields;
		unsigned expires;
	} rows[] = {
		{ "Contact: <sip:a@b.invalid>\n", 3600 },
		{ "Contact: <sip:a@b.invalid>\nExpires: 100\n", 100 },
		{ "Expires: 100\nContact: <sip:a@b.invalid>;expires=200\n", 200 },
		{ "Contact: <sip:a@b.invalid>;expires=nonsense\nExpires: 100\n", 3600 },
		{ "Contact: <sip:a@b.invalid>\nExpires: nonsense\n", 3600 },
		{ "Contact: <sip:a@b.invalid>;EXPIRES=99999999999999999999\n", 7200 },
		{ "m: <sip:a@b.invalid>;expires=60\n", 60 },
	};
	char line[128];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(alice(1, rows[i].fields), 200);
		assert_int_equal(contacts(), 1);
		snprintf(line, sizeof(line), "Contact: <sip:a@b.invalid>;expires=%u",
			 rows[i].expires);
		assert_line(line);
	}
	r.settings.expires_min_s = 5000;
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>;expires=3599\n"), 423);
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>;expires=3600\n"), 200);
}

static void
removed(void **state)
{
	(void)state;
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>, <sip:b@b.invalid>\nContact: "
				  "<sip:c@b.invalid>\n"),
			 200);
	assert_int_equal(contacts(), 3);
	assert_int_equal(r.stats.bindings, 3);
	assert_int_equal(alice(1, "Contact: <sip:b@B.invalid>;expires=0\n"), 200);
	assert_int_equal(contacts(), 2);
	assert_int_equal(count("<sip:b@"), 0);
	/* another one that was never there is no error; adding and removing in one request */
	assert_int_equal(alice(1, "Contact: <sip:x@b.invalid>;expires=0, <sip:d@b.invalid>, "
				  "<sip:a@b.invalid>;expires=0\n"),
			 200);
	assert_int_equal(contacts(), 2);
	assert_int_equal(alice(1, "Contact: *\nExpires: 0\n"), 200);
	assert_int_equal(contacts(), 0);
	assert_int_equal(r.stats.bindings, 0);
	assert_int_equal(reach("alice"), -480); /* seen, but away */
	assert_int_equal(reach("carol"), -404);
	assert_int_equal(alice(1, "Contact: *\nExpires: 0\n"), 200); /* again: nothing to do */
	r.now_ns += r.settings.aor_memory_s * ROUTING_SECOND;
	assert_int_equal(reach("alice"), -404); /* forgotten */
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>\n"), 200);
	assert_int_equal(reach("alice"), 1);
}

/* §10.3, 7: no request that was overtaken changes anything; the same one again is no harm. */
static void
ordered(void **state)
{
	(void)state;
	cseq = 10;
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>;expires=100\n"), 200);
	cseq = 9;
	assert_int_equal(alice(1, "Contact: <sip:new@b.invalid>, <sip:a@b.invalid>;expires=0\n"),
			 500);
	cseq = 9;
	assert_int_equal(alice(1, "Contact: *\nExpires: 0\n"), 500);
	cseq = 10;
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>;expires=100\n"), 200);
	assert_int_equal(contacts(), 1);
	cseq = 9; /* another contact: nothing was overtaken */
	assert_int_equal(alice(1, "Contact: <sip:other@b.invalid>\n"), 200);
	routing_say(
		&r, 1,
		"REGISTER sip:example.org SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n"
		"To: <sip:alice@example.org>\nFrom: <sip:alice@example.org>;tag=1\nCall-ID: two\n"
		"CSeq: 1 REGISTER\nContact: <sip:a@b.invalid>;expires=0\n\n");
	assert_int_equal(routing_status(&r), 200); /* another Call-ID: a client that began anew */
	assert_int_equal(contacts(), 1);
}

/* O-13: instance and reg-id name a binding, whatever its URI; without reg-id the URI does. */
static void
outbound(void **state)
{
#define OUTBOUND(uri, reg_id)                                                                      \
	"Contact: <sip:" uri ">;+sip.instance=\"<urn:uuid:1>\";reg-id=" reg_id                     \
	"\nSupported: path, outbound\n"
	(void)state;
	assert_int_equal(alice(1, OUTBOUND("a@b.invalid", "1")), 200);
	assert_line("Require: outbound"); /* O-09 */
	assert_int_equal(alice(2, OUTBOUND("new@c.invalid", "1")), 200);
	assert_int_equal(contacts(), 1);
	assert_int_equal(count("<sip:new@c.invalid>"), 1);
	assert_int_equal(reach("alice"), 2);
	assert_int_equal(alice(1, OUTBOUND("new@c.invalid", "2")), 200);
	assert_int_equal(contacts(), 2);
	assert_int_equal(alice(1, "Contact: <sip:new@c.invalid>;+sip.instance=\"<urn:uuid:1>\"\n"),
			 200);
	assert_int_equal(contacts(), 3); /* that one goes by its URI */
	assert_int_equal(alice(1, "Contact: <sip:new@c.invalid>;+sip.instance=\"<urn:uuid:2>\"\n"),
			 200);
	assert_int_equal(contacts(), 3);
	assert_int_equal(alice(1, "Contact: <sip:new@c.invalid>;reg-id=1\nSupported: outbound\n"),
			 200);
	assert_int_equal(contacts(), 3); /* reg-id alone counts for nothing */
	assert_int_equal(count("Require: outbound"), 0);
	assert_int_equal(
		alice(1,
		      "Contact: "
		      "<sip:none@c.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=2;expires=0\n"),
		200);
	assert_int_equal(contacts(), 2);
	/* through a first hop that does not take part: 439; one that does says ob */
	assert_int_equal(alice(1, "Via: SIP/2.0/UDP 10.0.0.1\n" OUTBOUND("a@b.invalid", "1")), 439);
	assert_int_equal(alice(1, "Via: SIP/2.0/UDP 10.0.0.1\nPath: <sip:p.example.net;lr>, "
				  "<sip:q.example.net;lr;ob>\n" OUTBOUND("a@b.invalid", "1")),
			 200);
	assert_int_equal(alice(1, "Via: SIP/2.0/UDP 10.0.0.1\nPath: <sip:q.example.net;lr;ob>, "
				  "<sip:p.example.net;lr>\n" OUTBOUND("a@b.invalid", "1")),
			 439);
}

/* Pa-03, Pa-04: echoed, stored, and preloaded as Route; what names ourselves is left out. */
static void
path(void **state)
{
	(void)state;
	assert_int_equal(alice(1, "Path: <sip:p1.example.net;lr>;x=\"y\"\nPath: "
				  "<sip:cap.example.org;lr>, <sip:p2.example.net;lr>\n"
				  "Contact: <sip:a@b.invalid>\n"),
			 200);
	assert_line("Path: <sip:p1.example.net;lr>;x=\"y\"");
	assert_line("Path: <sip:cap.example.org;lr>, <sip:p2.example.net;lr>");
	assert_int_equal(reach("alice"), 1);
	assert_line("Route: <sip:p1.example.net;lr>;x=\"y\", <sip:p2.example.net;lr>");
	assert_int_equal(count("Route:"), 1);
	/* a refresh without Path takes it away */
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>\n"), 200);
	assert_int_equal(reach("alice"), 1);
	assert_int_equal(count("Route:"), 0);
}

/*
 * By q, then who came last; a refresh does not change places (P-03); flows that are gone are
 * passed over (S-20).
 */
static void
preference(void **state)
{
	(void)state;
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>;q=0.5\n"), 200);
	assert_int_equal(alice(2, "Contact: <sip:b@b.invalid>;q=0.4\n"), 200);
	assert_int_equal(reach("alice"), 1);
	assert_int_equal(alice(2, "Contact: <sip:b@b.invalid>;q=0.5\n"), 200);
	assert_int_equal(reach("alice"), 2);
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>;q=0.5\n"), 200);
	assert_int_equal(reach("alice"), 2);
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>\n"), 200); /* q is 1 then */
	assert_int_equal(reach("alice"), 1);
	routing_close(&r, 1);
	assert_int_equal(reach("alice"), 2);
	routing_close(&r, 2);
	assert_int_equal(reach("alice"), -480);
	assert_int_equal(r.stats.bindings, 2); /* they stay until they run out */
	routing_open(&r, 1, "192.0.2.1", 1);
	assert_int_equal(reach("alice"), -480); /* the slot's next owner is somebody else */
	assert_int_equal(alice(1, "Contact: <sip:b@b.invalid>;q=0.1\n"), 200);
	assert_int_equal(reach("alice"), 1); /* moved to the new flow */
	assert_int_equal(r.stats.bindings, 2);
}

static void
limits(void **state)
{
	(void)state;
	routing_fini(&r);
	routing_prepare(&r);
	r.settings.contacts_max = 2;
	r.settings.bindings_max = 3;
	start_again();
	assert_int_equal(
		alice(1, "Contact: <sip:a@b.invalid>, <sip:b@b.invalid>, <sip:c@b.invalid>\n"),
		403);
	assert_int_equal(r.stats.bindings, 0);
	assert_int_equal(alice(1, "Contact: <sip:a@b.invalid>, <sip:b@b.invalid>\n"), 200);
	assert_int_equal(alice(1, "Contact: <sip:c@b.invalid>\n"), 403);
	assert_int_equal(alice(1, "Contact: <sip:b@b.invalid>\n"), 200);
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	assert_int_equal(routing_register(&r, 2, "carol", 1), 503);
	assert_line("Retry-After: 60");
	assert_int_equal(routing_register(&r, 2, "bob", 2), 200);
	assert_int_equal(alice(1, "Contact: <sip:b@b.invalid>;expires=0\n"), 200);
	assert_int_equal(routing_register(&r, 2, "carol", 2), 200);
	assert_int_equal(r.stats.bindings, 3);
}

/* Texts longer than we could ever put into a request, and answers longer than the scratch. */
static void
sizes(void **state)
{
	static char fields[65536], name[3000];
	size_t len = 0;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	snprintf(fields, sizeof(fields), "Contact: <sip:%.*s@b.invalid>\n", 513, name);
	assert_int_equal(alice(1, fields), 400);
	snprintf(fields, sizeof(fields), "Contact: <sip:a@b.invalid;%.*s>\n", 2048, name);
	assert_int_equal(alice(1, fields), 400);
	snprintf(fields, sizeof(fields),
		 "Contact: <sip:a@b.invalid>\nPath: <sip:p.example.net;lr;%.*s>\n", 2048, name);
	assert_int_equal(alice(1, fields), 400);
	snprintf(fields, sizeof(fields), "Contact: <sip:a@b.invalid>;p=%s%s\n", name, name);
	assert_int_equal(alice(1, fields), 400);
	snprintf(fields, sizeof(fields),
		 "Contact: <sip:a@b.invalid;%.*s>\nPath: <sip:p.example.net;lr;%.*s>\n", 800, name,
		 700, name);
	assert_int_equal(alice(1, fields), 200);
	assert_int_equal(reach("alice"), 1); /* what is accepted can be sent to */
	assert_int_equal(alice(1, "Contact: *\nExpires: 0\n"), 200);
	r.settings.contacts_max = 100;
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(fields + len, sizeof(fields) - len,
					"Contact: <sip:contact-%d@b.invalid>;x=%.*s\n", i, 200,
					name);
	assert_int_equal(alice(1, fields), 200);
	assert_int_equal(contacts(), 100);
	assert_non_null(r.m->out_heap);
	assert_int_equal(alice(1, "Contact: *\nExpires: 0\n"), 200);
	for (int i = 100; i < 120; i++)
		len += (size_t)snprintf(fields + len, sizeof(fields) - len,
					"Contact: <sip:contact-%d@b.invalid>\n", i);
	assert_int_equal(alice(1, fields), 403);
	assert_int_equal(r.stats.bindings, 0);
}

/*
 * route_expire() takes away what has run out, a bounded number per call, and says when to come
 * again.
 */
static void
expired(void **state)
{
	uint64_t next;
	unsigned calls = 0;
	char user[16];

	(void)state;
	assert_int_equal(routing_register(&r, 1, "early", 1), 200); /* 300 s */
	next = route_expire(r.route, r.now_ns);
	assert_true(next <= r.now_ns + 300 * ROUTING_SECOND);
	r.now_ns += ROUTING_SECOND / 2;
	for (int i = 0; i < 2000; i++) {
		snprintf(user, sizeof(user), "u%d", i);
		assert_int_equal(routing_register(&r, 2, user, 1), 200);
	}
	r.now_ns += 299 * ROUTING_SECOND;
	while (route_expire(r.route, r.now_ns) <= r.now_ns)
		;
	assert_int_equal(r.stats.bindings, 2001);
	r.now_ns += ROUTING_SECOND / 2;
	while (route_expire(r.route, r.now_ns) <= r.now_ns)
		;
	assert_int_equal(r.stats.bindings, 2000);
	r.now_ns += ROUTING_SECOND;
	while (r.stats.bindings) {
		uint64_t before = r.stats.bindings;

		next = route_expire(r.route, r.now_ns);
		assert_true(before - r.stats.bindings <= 256);
		assert_true(r.stats.bindings == 0 || next <= r.now_ns);
		calls++;
	}
	assert_in_range(calls, 8, 16);
	assert_int_equal(reach("u7"), -480);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTING_TEST(refused, routing_setup),
		ROUTING_TEST(refused_for_to, routing_setup),
		ROUTING_TEST(limits, routing_setup),
		ROUTING_TEST(sizes, routing_setup),
		ROUTING_TEST(ordered, routing_setup),
		ROUTING_TEST(bound, routing_setup),
		ROUTING_TEST(expiries, routing_setup),
		ROUTING_TEST(removed, routing_setup),
		ROUTING_TEST(outbound, routing_setup),
		ROUTING_TEST(path, routing_setup),
		ROUTING_TEST(preference, routing_setup),
		ROUTING_TEST(expired, routing_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
