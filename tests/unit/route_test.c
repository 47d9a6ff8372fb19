/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole routing stage with what real clients send, and with the torture messages of RFC 4475.
 * The data is not in the tree: SIPRING_SHARED_DATA, or ../shared/data beside the sources.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

#define FILE_MAX 65536
#define BRANCHES_MAX 64

static struct routing r;

/* ---- files ---- */

static const char *
shared(const char *directory)
{
	static char path[1024];
	const char *data = getenv("SIPRING_SHARED_DATA");

	snprintf(path, sizeof(path), "%s/%s", data ? data : SIPRING_SOURCE_DIR "/../shared/data",
		 directory);
	return path;
}

/* All of a file, or skip the test. */
static size_t
load(const char *directory, const char *name, char *out)
{
	char path[2048];
	FILE *f;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", shared(directory), name);
	f = fopen(path, "rb");
	if (!f) {
		print_message("SKIP: no %s\n", path);
		skip();
	}
	len = fread(out, 1, FILE_MAX, f);
	fclose(f);
	assert_in_range(len, 1, FILE_MAX - 1);
	return len;
}

/* ---- captures ---- */

/* The Via that we put on a request, to be found again by the branch of its sender. */
static struct {
	char branch[64];
	char via[256];
} sent[BRANCHES_MAX];
static unsigned sent_len;

static const char *
line_end(const char *at)
{
	const char *end = strstr(at, "\r\n");

	assert_non_null(end);
	return end + 2;
}

static bool
starts(const char *line, const char *name)
{
	return strncmp(line, name, strlen(name)) == 0;
}

/*
 * What must arrive unchanged: all but the request line, Via, Route, Record-Route and Max-
 * Forwards.
 */
static size_t
unchanged_part(const char *text, size_t len, char *out)
{
	const char *at = line_end(text), *end = text + len;
	size_t out_len = 0;

	while (at < end && *at != '\r') {
		const char *next = line_end(at);

		if (!starts(at, "Via:") && !starts(at, "Route:") && !starts(at, "Record-Route:") &&
		    !starts(at, "Max-Forwards:")) {
			memcpy(out + out_len, at, (size_t)(next - at));
			out_len += (size_t)(next - at);
		}
		at = next;
	}
	memcpy(out + out_len, at, (size_t)(end - at));
	return out_len + (size_t)(end - at);
}

static void
copy_branch(const char *via, char out[64])
{
	const char *branch = strstr(via, ";branch=");
	size_t n;

	assert_non_null(branch);
	n = strcspn(branch + 8, ";\r,");
	assert_in_range(n, 1, 63);
	memcpy(out, branch + 8, n);
	out[n] = '\0';
}

static void
check_request(const char *text, size_t len, uint32_t other)
{
	static char before[FILE_MAX], after[FILE_MAX];
	const char *via = strstr(r.out, "\r\nVia: ") + 2, *second = line_end(via);
	char branch[64];
	size_t n;
	unsigned hops, hops_before;

	assert_int_equal(routing_target(&r), other);
	assert_true(starts(via, "Via: SIP/2.0/WS " ROUTING_HOST ";branch=z9hG4bK"));
	if (starts(second, "Record-Route:"))
		second = line_end(line_end(second));
	assert_true(starts(second, "Via: ") || strstr(second, "\r\nVia: "));
	copy_branch(strstr(text, "Via: "), branch);
	assert_true(sent_len < BRANCHES_MAX);
	snprintf(sent[sent_len].branch, sizeof(sent[0].branch), "%s", branch);
	snprintf(sent[sent_len].via, sizeof(sent[0].via), "%.*s", (int)(line_end(via) - via), via);
	sent_len++;

	n = unchanged_part(text, len, before);
	assert_int_equal(unchanged_part(r.out, r.out_len, after), n);
	assert_memory_equal(before, after, n);
	assert_null(strstr(r.out, "\r\nRoute: "));
	assert_int_equal(sscanf(strstr(text, "Max-Forwards: "), "Max-Forwards: %u", &hops_before),
			 1);
	assert_int_equal(sscanf(strstr(r.out, "Max-Forwards: "), "Max-Forwards: %u", &hops), 1);
	assert_int_equal(hops, hops_before - 1);
	assert_int_equal(r.m->out_opcode, WS_OP_TEXT);
}

/* A captured response has the capture server's Via on top: it becomes the one that we put there. */
static void
check_response(const char *text, size_t len, uint32_t from, uint32_t other)
{
	static char ours[FILE_MAX + 256];
	const char *top = strstr(text, "\r\nVia: ") + 2, *rest = line_end(top), *via = NULL;
	char branch[64];
	size_t head = (size_t)(top - text), tail = len - (size_t)(rest - text);

	copy_branch(rest, branch);
	for (unsigned i = 0; i < sent_len; i++)
		if (strcmp(sent[i].branch, branch) == 0)
			via = sent[i].via;
	assert_non_null(via);
	memcpy(ours, text, head);
	memcpy(ours + head, via, strlen(via));
	memcpy(ours + head + strlen(via), rest, tail);
	routing_send(&r, from, ours, head + strlen(via) + tail);
	assert_int_equal(routing_target(&r), other);
	/* without that Via, and nothing else */
	assert_int_equal(r.out_len, head + tail);
	assert_memory_equal(r.out, text, head);
	assert_memory_equal(r.out + head, rest, tail);
	/* as it was captured it is none of ours */
	routing_send(&r, from, text, len);
	assert_int_equal(r.m->action, MESSAGE_DROP);
	assert_int_equal(r.m->fate, FATE_dropped_response_unknown);
}

/* What a request that is not forwarded is answered. 0: it is forwarded. */
static int
wanted_status(const char *text)
{
	if (starts(text, "REGISTER "))
		return 200;
	if (starts(text, "OPTIONS sip:example.org "))
		return 200;
	if (starts(text, "OPTIONS sip:example.org@") || strstr(text, " sip:nobody@"))
		return 404;
	return 0;
}

static unsigned
replay_file(const char *name)
{
	static char text[FILE_MAX], first[FILE_MAX];
	size_t len = load("captures", name, text);
	uint32_t from = strstr(name, "-alice-") ? 1 : 2;
	int status = wanted_status(text);

	text[len] = '\0';
	if (strcmp(text, "\r\n\r\n") == 0)
		return 0; /* keep-alives are the loop's */
	if (starts(text, "SIP/2.0")) {
		check_response(text, len, from, 3 - from);
		return 1;
	}
	routing_send(&r, from, text, len);
	if (status) {
		if (routing_status(&r) != status)
			fail_msg("%s: %d\n%s", name, routing_status(&r), r.out);
		return 1;
	}
	if (r.m->action != MESSAGE_FORWARD)
		fail_msg("%s: not forwarded:\n%s", name, r.out);
	check_request(text, len, 3 - from);
	/* P-05: the same bytes again give the same bytes */
	memcpy(first, r.out, r.out_len + 1);
	routing_send(&r, from, text, len);
	assert_string_equal(r.out, first);
	return 1;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
replay(const char *prefix, unsigned messages)
{
	struct dirent **names;
	int n = scandir(shared("captures"), &names, NULL, by_name);
	unsigned done = 0;

	if (n < 0) {
		print_message("SKIP: no %s\n", shared("captures"));
		skip();
	}
	sent_len = 0;
	routing_init(&r);
	for (int i = 0; i < n; i++) {
		if (starts(names[i]->d_name, prefix))
			done += replay_file(names[i]->d_name);
		free(names[i]);
	}
	free(names);
	assert_int_equal(done, messages);
	assert_int_equal(r.stats.bindings, 0); /* both have unregistered */
	routing_fini(&r);
}

static void
captures_jssip(void **state)
{
	(void)state;
	replay("jssip-3.13.8-plain-", 47);
	replay("jssip-3.13.8-digest-", 20);
	replay("jssip-3.13.8-video-", 11);
}

static void
captures_sipjs(void **state)
{
	(void)state;
	replay("sipjs-0.21.2-plain-", 44);
	replay("sipjs-0.21.2-digest-", 19);
	replay("sipjs-0.21.2-video-", 12);
}

/* ---- RFC 4475 ---- */

#define DROPPED(fate) (-(int)FATE_##fate - 1)

/*
 * What each message gets here, where nobody is registered and every domain is ours: one of the
 * outcomes that the README of the data allows a proxy or, for a REGISTER, a registrar.
 */
static const struct {
	const char *file;
	int outcome; /* status, or DROPPED(fate) */
} torture[] = {
	{ "wsinv.dat", 404 },
	{ "intmeth.dat", 404 },
	{ "esc01.dat", 404 },
	{ "escnull.dat", 200 },
	{ "esc02.dat", 501 },
	{ "lwsdisp.dat", 404 },
	{ "longreq.dat", 404 },
	{ "dblreq.dat", 200 },
	{ "semiuri.dat", 404 },
	{ "transports.dat", 404 },
	{ "mpart01.dat", 403 },
	{ "badinv01.dat", 400 },
	{ "clerr.dat", 400 },
	{ "ncl.dat", 400 },
	{ "scalar02.dat", 400 },
	{ "quotbal.dat", 400 },
	{ "ltgtruri.dat", 400 },
	{ "lwsruri.dat", 400 },
	{ "lwsstart.dat", 400 },
	{ "trws.dat", 400 },
	{ "escruri.dat", 400 },
	{ "baddate.dat", 404 },
	{ "regbadct.dat", 400 },
	{ "badaspec.dat", 400 },
	{ "baddn.dat", 400 },
	{ "badvers.dat", 505 },
	{ "mismatch01.dat", 400 },
	{ "mismatch02.dat", 400 },
	{ "badbranch.dat", 404 },
	{ "insuf.dat", 400 },
	{ "unkscm.dat", 416 },
	{ "novelsc.dat", 416 },
	{ "unksm2.dat", 400 },
	{ "bext01.dat", 420 },
	{ "invut.dat", 404 },
	{ "regaut01.dat", 200 },
	{ "multi01.dat", 400 },
	{ "mcl01.dat", 400 },
	{ "zeromf.dat", 483 },
	{ "cparam01.dat", 200 },
	{ "cparam02.dat", 200 },
	{ "regescrt.dat", 200 },
	{ "sdp01.dat", 404 },
	{ "inv2543.dat", 404 },
	{ "unreason.dat", DROPPED(dropped_response_unknown) },
	{ "noreason.dat", DROPPED(dropped_response_unknown) },
	{ "scalarlg.dat", DROPPED(dropped_malformed) },
	{ "bigcode.dat", DROPPED(dropped_malformed) },
	{ "bcast.dat", DROPPED(dropped_response_unknown) },
};

static int
outcome(void)
{
	return r.m->action == MESSAGE_DROP ? -(int)r.m->fate - 1 : routing_status(&r);
}

static void
rfc4475(void **state)
{
	static char text[FILE_MAX], first[FILE_MAX];
	unsigned wrong = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(torture) / sizeof(torture[0]); i++) {
		size_t len = load("rfc4475", torture[i].file, text);

		routing_init(&r);
		routing_send_opcode(&r, 3, text, len, WS_OP_BINARY);
		if (outcome() != torture[i].outcome) {
			print_message("%s: %d, wanted %d: %.60s\n", torture[i].file, outcome(),
				      torture[i].outcome, r.out);
			wrong++;
		}
		/* P-12: and the same again */
		memcpy(first, r.out, r.out_len + 1);
		routing_send_opcode(&r, 3, text, len, WS_OP_BINARY);
		assert_int_equal(outcome(), torture[i].outcome);
		assert_string_equal(r.out, first);
		routing_fini(&r);
	}
	assert_int_equal(wrong, 0);
}

/*
 * §3.3.12 - §3.3.14: what is a parameter of the contact, and what of its URI; §3.1.1.4: %00 is a
 * character.
 */
static void
rfc4475_registered(void **state)
{
	static const struct {
		const char *file, *line;
	} rows[] = {
		{ "cparam01.dat",
		  "Contact: <sip:+19725552222@gw1.example.net>;unknownparam;expires=3600" },
		{ "cparam02.dat",
		  "Contact: <sip:+19725552222@gw1.example.net;unknownparam>;expires=3600" },
		{ "regescrt.dat",
		  "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires=3600" },
		{ "escnull.dat", "Contact: <sip:%00@host5.example.com>;expires=3600" },
		{ "escnull.dat", "Contact: <sip:%00%00@host5.example.com>;expires=3600" },
	};
	static char text[FILE_MAX];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = load("rfc4475", rows[i].file, text);

		routing_init(&r);
		routing_send(&r, 3, text, len);
		if (!routing_has_line(&r, rows[i].line))
			fail_msg("%s: no '%s' in\n%s", rows[i].file, rows[i].line, r.out);
		routing_fini(&r);
	}
}

/* ---- the rest ---- */

static void
malformed(void **state)
{
	static const struct {
		const char *text;
		int outcome;
	} rows[] = {
		{ "\r\n", DROPPED(dropped_malformed) },
		{ "hello", DROPPED(dropped_malformed) },
		{ "MESSAGE", DROPPED(dropped_malformed) },
		{ "MESSAGE sip:a@b.c SIP/2.0\r\n\r\n",
		  DROPPED(dropped_malformed) }, /* no Via to copy */
		{ "MESSAGE sip:a@b.c SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\n\r\n", 400 },
		{ "MESSAGE sip:a@b.c SIP/3.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\n\r\n", 505 },
		{ "ACK sip:a@b.c SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\n\r\n",
		  DROPPED(dropped_malformed) },
		{ "SIP/2.0 200 OK\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\n\r\n",
		  DROPPED(dropped_malformed) },
	};

	(void)state;
	routing_init(&r);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		routing_send(&r, 1, rows[i].text, strlen(rows[i].text));
		if (outcome() != rows[i].outcome)
			fail_msg("row %u: %d\n%s", i, outcome(), r.out);
	}
	routing_fini(&r);
}

/*
 * Nothing comes from a flow that is closed, so it is one that there was no memory for: see
 * route_memory_test.
 */
static void
unknown_flow(void **state)
{
	(void)state;
	routing_init(&r);
	routing_close(&r, 1);
	assert_int_equal(routing_register(&r, 1, "alice", 1), 503);
	assert_int_equal(r.stats.bindings, 0);
	routing_say(&r, 1,
		    "SIP/2.0 200 OK\nVia: SIP/2.0/WS x\nTo: <sip:a@b.c>\nFrom: <sip:a@b.c>\n"
		    "Call-ID: x\nCSeq: 1 INFO\n\n");
	assert_int_equal(outcome(), DROPPED(dropped_overload));
	routing_fini(&r);
}

static void
echo(void **state)
{
	static const char bytes[] = "\0\377 any bytes";

	(void)state;
	routing_prepare(&r);
	r.settings.mode = SETTINGS_MODE_ECHO;
	routing_start(&r);
	routing_open(&r, 1, "192.0.2.1", 4711);
	for (uint8_t opcode = WS_OP_TEXT; opcode <= WS_OP_BINARY; opcode++) {
		routing_send_opcode(&r, 1, bytes, sizeof(bytes), opcode);
		assert_int_equal(r.m->action, MESSAGE_REPLY);
		assert_int_equal(r.m->out_opcode, opcode);
		assert_int_equal(r.out_len, sizeof(bytes));
		assert_memory_equal(r.out, bytes, sizeof(bytes));
	}
	routing_send(&r, 1, "", 0); /* an empty message is a message */
	assert_int_equal(r.m->action, MESSAGE_REPLY);
	assert_int_equal(r.out_len, 0);
	assert_int_equal(route_expire(r.route, r.now_ns), UINT64_MAX);
	route_undeliverable(r.route, r.m, r.now_ns);
	assert_int_equal(outcome(), DROPPED(dropped_sender_closed));
	routing_close(&r, 1);
	routing_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed),      cmocka_unit_test(unknown_flow),
		cmocka_unit_test(rfc4475),        cmocka_unit_test(rfc4475_registered),
		cmocka_unit_test(captures_jssip), cmocka_unit_test(captures_sipjs),
		cmocka_unit_test(echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
