/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What real browsers and libraries sent: their handshakes are accepted, their frames hold the
 * very messages that were captured next to them, and what a server sent them reads as a client.
 * Skipped where the captures are not at hand (see tests/CMakeLists.txt).
 */
#include <dirent.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/ws_client.h"
#include "codec/ws_close.h"
#include "codec/ws_handshake.h"
#include "codec/ws_reader.h"
#include "tests/feed.h"

#define BYTES_MAX (1u << 16)
#define FILES_MAX 64

struct file {
	uint8_t bytes[BYTES_MAX];
	size_t len;
};

static char directory[1024]; /* of the captures */

static bool
captures_are_here(void)
{
	const char *shared = getenv("SIPRING_SHARED_DATA");
	DIR *there;

	snprintf(directory, sizeof(directory), "%s/captures",
		 shared ? shared : SIPRING_SOURCE_DIR "/../shared/data");
	there = opendir(directory);
	if (there)
		closedir(there);
	return there != NULL;
}

static void
read_file(const char *where, const char *name, struct file *f)
{
	char path[2048];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", where, name);
	in = fopen(path, "rb");
	assert_non_null(in);
	f->len = fread(f->bytes, 1, sizeof(f->bytes), in);
	fclose(in);
	assert_in_range(f->len, 1, sizeof(f->bytes) - 1);
}

static int
list(const char *where, const char *pattern, struct dirent ***names)
{
	struct dirent **all;
	int n = scandir(where, &all, NULL, alphasort), kept = 0;

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (fnmatch(pattern, all[i]->d_name, 0) == 0)
			all[kept++] = all[i];
		else
			free(all[i]);
	}
	*names = all;
	return kept;
}

static void
list_free(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static const struct ws_handshake_policy policy = {
	.protocol = { "sip", 3 },
	.protocol_required = true,
	.header_bytes = 8192,
	.target_bytes = 2048,
};

struct attempt {
	struct ws_handshake out;
	int result;
};

static bool
attempt_grow(void *arg, char *in, size_t len, size_t seen)
{
	struct attempt *a = arg;

	a->result = ws_handshake_parse(in, len, seen, &policy, &a->out);
	return a->result == 0;
}

static struct file capture, message;

static void
attempt_end(void *arg)
{
	assert_int_equal(((struct attempt *)arg)->result, capture.len);
}

static void
handshakes_are_accepted(void **state)
{
	char wire[1100];
	struct dirent **names;
	int n;

	(void)state;
	snprintf(wire, sizeof(wire), "%s/wire", directory);
	n = list(wire, "handshake-*.http", &names);
	assert_true(n >= 8);
	for (int i = 0; i < n; i++) {
		struct attempt a;
		const struct feed_user user = { .arg = &a, .grow = attempt_grow,
						.end = attempt_end };

		read_file(wire, names[i]->d_name, &capture);
		feed_growing(capture.bytes, capture.len, &user);
		assert_true(ws_handshake_parse((const char *)capture.bytes, capture.len, 0,
					       &policy, &a.out) > 0);
		assert_true(span_equal(a.out.protocol, SPAN("sip")));
	}
	list_free(names, n);
}

/* ---- whole connections ---- */

struct replay {
	struct ws_reader reader;
	struct dirent **names; /* the messages there must be, or NULL: any */
	int names_len, next;
	uint8_t bytes[BYTES_MAX];
	size_t len;
	bool closed;
};

static void
replay_data(struct replay *r, const struct ws_event *ev)
{
	assert_false(r->closed);
	assert_int_equal(ev->opcode, WS_OP_TEXT);
	assert_int_equal(ev->first, r->len == 0);
	memcpy(r->bytes + r->len, ev->bytes, ev->len);
	r->len += ev->len;
	if (!ev->last)
		return;
	if (r->names) {
		assert_true(r->next < r->names_len);
		read_file(directory, r->names[r->next]->d_name, &message);
		assert_int_equal(r->len, message.len);
		assert_memory_equal(r->bytes, message.bytes, r->len);
	}
	r->next++;
	r->len = 0;
}

static void
replay_close(struct replay *r, const struct ws_event *ev)
{
	struct ws_close close;

	memcpy(r->bytes + r->len, ev->bytes, ev->len);
	r->len += ev->len;
	if (!ev->last)
		return;
	assert_int_equal(ws_close_parse(r->bytes, r->len, &close), WS_OK);
	r->closed = true;
}

static void
replay_piece(struct replay *r, uint8_t *bytes, size_t len)
{
	const struct ws_limits limits = { .message_bytes = 16384, .fragments = 1 };

	for (size_t at = 0; at < len;) {
		struct ws_event ev;

		at += ws_reader_next(&r->reader, &limits, bytes + at, len - at, &ev);
		assert_int_not_equal(ev.type, WS_EVENT_ERROR);
		if (ev.type == WS_EVENT_DATA)
			replay_data(r, &ev);
		else if (ev.type == WS_EVENT_CLOSE)
			replay_close(r, &ev);
	}
}

/* Frames of capture.bytes from `at`, in pieces of `chop` bytes. */
static void
replay(struct replay *r, size_t at, size_t chop, enum ws_role role)
{
	ws_reader_init(&r->reader, role, false);
	r->next = 0;
	r->len = 0;
	r->closed = false;
	for (; at < capture.len; at += chop) {
		size_t n = capture.len - at < chop ? capture.len - at : chop;

		replay_piece(r, feed_guarded(capture.bytes + at, n), n);
	}
	assert_true(ws_reader_idle(&r->reader));
	assert_true(r->closed);
}

static const size_t chops[] = { 1, 2, 3, 5, 14, 100, 1460, BYTES_MAX };

static void
clients_sent_these_messages(void **state)
{
	static const char *const sides[][2] = { { "jssip-3.13.8", "alice" },
						{ "jssip-3.13.8", "bob" },
						{ "sipjs-0.21.2", "alice" },
						{ "sipjs-0.21.2", "bob" } };

	(void)state;
	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		static struct replay r;
		struct ws_handshake hs;
		char name[256];
		int head;

		snprintf(name, sizeof(name), "wire/%s-%s.client-to-server.bin", sides[i][0],
			 sides[i][1]);
		read_file(directory, name, &capture);
		head = ws_handshake_parse((const char *)capture.bytes, capture.len, 0, &policy,
					  &hs);
		assert_true(head > 0);
		snprintf(name, sizeof(name), "%s-plain-[0-9][0-9]-%s-*.sip", sides[i][0],
			 sides[i][1]);
		r.names_len = list(directory, name, &r.names);
		assert_true(r.names_len > 10);
		for (size_t c = 0; c < sizeof(chops) / sizeof(chops[0]); c++) {
			replay(&r, (size_t)head, chops[c], WS_SERVER);
			assert_int_equal(r.next, r.names_len);
		}
		list_free(r.names, r.names_len);
	}
}

static void
servers_answers_read_as_a_client(void **state)
{
	struct dirent **names;
	char wire[1100];
	int n;

	(void)state;
	snprintf(wire, sizeof(wire), "%s/wire", directory);
	n = list(wire, "*.server-to-client.bin", &names);
	assert_int_equal(n, 4);
	for (int i = 0; i < n; i++) {
		struct ws_client_request request = { .protocols = SPAN("sip"),
						     .header_bytes = 8192 };
		static struct replay r;
		struct ws_client_answer out;
		struct ws_handshake hs;
		char name[300];
		char key[24];
		int head;

		/* The key is in what the client sent. */
		snprintf(name, sizeof(name), "%.*s.client-to-server.bin",
			 (int)(strstr(names[i]->d_name, ".server") - names[i]->d_name),
			 names[i]->d_name);
		read_file(wire, name, &capture);
		assert_true(ws_handshake_parse((const char *)capture.bytes, capture.len, 0,
					       &policy, &hs) > 0);
		memcpy(key, hs.key.at, sizeof(key));
		request.key = span_of(key, sizeof(key));
		read_file(wire, names[i]->d_name, &capture);
		head = ws_client_parse((const char *)capture.bytes, capture.len, 0, &request, &out);
		assert_true(head > 0);
		for (size_t c = 0; c < sizeof(chops) / sizeof(chops[0]); c++) {
			replay(&r, (size_t)head, chops[c], WS_CLIENT);
			assert_true(r.next > 10);
		}
		key[0] ^= 1; /* of another connection */
		assert_int_equal(ws_client_parse((const char *)capture.bytes, capture.len, 0,
						 &request, &out),
				 -WS_CLIENT_ACCEPT);
	}
	list_free(names, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshakes_are_accepted),
		cmocka_unit_test(clients_sent_these_messages),
		cmocka_unit_test(servers_answers_read_as_a_client),
	};

	if (!captures_are_here()) {
		printf("SKIP: no captures in %s\n", directory);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
