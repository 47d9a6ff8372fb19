/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of mode embed: what they say, and what may become of them. Each has exactly one fate;
 * engine_bed checks that after every turn.
 */
#include "tests/unit/embed_bed.h"

#include <stdio.h>
#include <string.h>

static struct embed_bed *const bed = &embed_bed;
static struct sipring_message *kept[8];
static uint32_t kept_len;
static sipring_connection target;
static bool result;

static void
assert_text(struct sipring_text text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.at, expected, text.len);
}

/* ---- what a message says ---- */

static void
look_at_request(struct sipring_message *m)
{
	struct sipring_field field = { 0 };
	struct sipring_address to;
	char tag[SIPRING_TAG_SIZE];
	unsigned n = 0;

	assert_true(sipring_message_connection(m) == bed->connection);
	assert_true(sipring_message_is_text(m));
	assert_null(sipring_message_fault(m));
	assert_true(sipring_message_is_request(m));
	assert_int_equal(sipring_message_method(m), SIPRING_MESSAGE);
	assert_text(sipring_message_method_name(m), "MESSAGE");
	assert_int_equal(sipring_message_status(m), 0);
	assert_text(sipring_message_uri(m), "sip:bob@example.com");
	assert_text(sipring_message_body(m), "hello");
	assert_text(sipring_message_value(m, "from"), "<sip:alice@example.com>;tag=1928");
	assert_text(sipring_message_value(m, "t"), "\"Bob\" <sip:bob@example.com>");
	assert_null(sipring_message_value(m, "Contact").at);
	assert_null(sipring_message_value(m, "X-Not-There").at);
	assert_true(sipring_message_field(m, "X-OF-MY-OWN", &field));
	assert_text(field.name, "X-Of-My-Own");
	assert_text(field.value, "first");
	assert_true(sipring_message_field(m, "X-OF-MY-OWN", &field));
	assert_text(field.value, "second");
	assert_false(sipring_message_field(m, "X-OF-MY-OWN", &field));
	for (field = (struct sipring_field){ 0 }; sipring_message_field(m, NULL, &field); n++)
		assert_int_equal(field.next, n + 1);
	assert_int_equal(n, 11);
	assert_true(sipring_address(sipring_message_value(m, "To"), &to));
	assert_text(to.display, "\"Bob\"");
	assert_text(to.uri, "sip:bob@example.com");
	assert_int_equal(to.tag.len, 0);
	assert_false(sipring_address(sipring_message_value(m, "Contact"), &to));
	sipring_message_tag(m, tag);
	assert_int_equal(strlen(tag), SIPRING_TAG_SIZE - 1);
	result = true;
}

static void
look_at_response(struct sipring_message *m)
{
	assert_false(sipring_message_is_request(m));
	assert_int_equal(sipring_message_status(m), 486);
	assert_int_equal(sipring_message_method(m), SIPRING_INVITE);
	assert_text(sipring_message_method_name(m), "INVITE");
	assert_null(sipring_message_uri(m).at);
	assert_non_null(sipring_message_fault(m)); /* no To */
	assert_int_equal(sipring_message_body(m).len, 0);
	assert_false(sipring_reply(m, 200, NULL, NULL, NULL));
	result = true;
}

static void
look_at_garbage(struct sipring_message *m)
{
	assert_non_null(sipring_message_fault(m));
	assert_false(sipring_message_is_request(m));
	assert_int_equal(sipring_message_method(m), SIPRING_OTHER);
	assert_int_equal(sipring_message_method_name(m).len, 0);
	assert_int_equal(sipring_message_status(m), 0);
	assert_null(sipring_message_body(m).at);
	assert_null(sipring_message_value(m, "To").at);
	assert_text(sipring_message_bytes(m), "nonsense");
	sipring_edit_insert(m, "Via: x\r\n");
	assert_false(sipring_forward(m, bed->connection));
	result = true;
}

static void
messages_are_read(void **state)
{
	(void)state;
	embed_bed_open(NULL);
	embed_bed_connect(0);
	assert_false(bed->outgoing);
	assert_string_equal(bed->address, "127.0.0.1");
	bed->on_message = look_at_request;
	embed_bed_request(0, "MESSAGE");
	embed_bed_until(result);
	assert_int_equal(EMBED_BED_COUNT(dropped_undecided), 1);
	result = false;
	bed->on_message = look_at_response;
	embed_bed_say(0, "SIP/2.0 486 Busy\r\nCSeq: 7 INVITE\r\n\r\n");
	embed_bed_until(result);
	result = false;
	bed->on_message = look_at_garbage;
	embed_bed_say(0, "nonsense");
	embed_bed_until(result);
	result = false;
	assert_int_equal(EMBED_BED_COUNT(dropped_internal), 2);
	embed_bed_finish();
	assert_int_equal(bed->closed, 1);
	assert_int_equal(bed->end.why, SIPRING_WE_CLOSED);
	assert_int_equal(bed->end.code, WS_CLOSE_GOING_AWAY);
	assert_false(bed->end.again);
}

/* ---- replies ---- */

static char tag_told[SIPRING_TAG_SIZE];

static void
reply_whole(struct sipring_message *m)
{
	sipring_message_tag(m, tag_told);
	result = sipring_reply(m, 480, "Gone Fishing", "Content-Type: text/plain\r\nX-A: b\r\n",
			       "tomorrow");
}

static void
replies_are_whole(void **state)
{
	char expected[2048], to[128];
	const char *call_id, *end;

	(void)state;
	embed_bed_open(NULL);
	embed_bed_connect(0);
	bed->on_message = reply_whole;
	call_id = strstr(embed_bed_request(0, "INVITE"), "Call-ID");
	embed_bed_until(bed->heard[0][0]);
	assert_true(result);
	end = strstr(call_id, "X-Of");
	assert_memory_equal(bed->heard[0], "SIP/2.0 480 Gone Fishing\r\n", 26);
	snprintf(to, sizeof(to), "To: \"Bob\" <sip:bob@example.com>;tag=%s\r\n", tag_told);
	assert_non_null(strstr(bed->heard[0], to));
	snprintf(expected, sizeof(expected), "%.*s", (int)(end - call_id), call_id);
	assert_non_null(strstr(bed->heard[0], expected));
	assert_non_null(strstr(bed->heard[0], ";received=127.0.0.1"));
	assert_non_null(strstr(bed->heard[0], ";rport="));
	assert_non_null(strstr(bed->heard[0], "X-A: b\r\nContent-Length: 8\r\n\r\ntomorrow"));
	assert_int_equal(EMBED_BED_COUNT(answered), 1);
	embed_bed_finish();
}

static void
reply_badly(struct sipring_message *m)
{
	static const struct {
		const char *reason, *fields;
	} bad[] = {
		{ "two\r\nlines", NULL },   { "a\nb", NULL },         { NULL, "X: no end" },
		{ NULL, "X: lf only\n" },   { NULL, "no colon\r\n" }, { NULL, "X: y\r\n\r\n" },
		{ NULL, " folded: y\r\n" }, { NULL, "X: a\rb\r\n" },  { NULL, ": y\r\n" },
		{ NULL, "\r\n" },
	};
	static unsigned n;

	result = sipring_reply(m, 200, bad[n].reason, bad[n].fields, NULL);
	assert_false(result);
	result = ++n == sizeof(bad) / sizeof(bad[0]);
}

/* What an application takes from elsewhere cannot break out of its line. */
static void
replies_are_not_split(void **state)
{
	(void)state;
	result = false;
	embed_bed_open(NULL);
	embed_bed_connect(0);
	bed->on_message = reply_badly;
	while (!result) {
		uint32_t before = bed->messages;

		embed_bed_request(0, "OPTIONS");
		embed_bed_until(bed->messages > before);
	}
	embed_bed_finish();
	assert_int_equal(bed->peers[0].messages, 0);
}

static void
reply_ok(struct sipring_message *m)
{
	result = sipring_reply(m, 200, NULL, NULL, NULL);
}

static void
ack_is_not_answered(void **state)
{
	(void)state;
	result = true;
	embed_bed_open(NULL);
	embed_bed_connect(0);
	bed->on_message = reply_ok;
	embed_bed_request(0, "ACK");
	embed_bed_until(bed->messages == 1);
	assert_false(result);
	embed_bed_finish();
	assert_int_equal(bed->peers[0].messages, 0);
}

/* ---- forwarding ---- */

static void
forward(struct sipring_message *m)
{
	result = sipring_forward(m, target);
}

static void
forwards_are_exact(void **state)
{
	const char *sent;

	(void)state;
	embed_bed_open(NULL);
	target = embed_bed_connect(1);
	embed_bed_connect(0);
	bed->on_message = forward;
	sent = embed_bed_request(0, "MESSAGE");
	embed_bed_until(bed->heard[1][0]);
	assert_true(result);
	assert_string_equal(bed->heard[1], sent);
	embed_bed_until(EMBED_BED_COUNT(delivered) == 1);
	embed_bed_finish();
}

static void
edit_as_a_proxy(struct sipring_message *m)
{
	sipring_edit_insert(m, "Via: SIP/2.0/WS me.invalid;branch=z9hG4bKmine\r\n"
			       "Record-Route: <sip:me.invalid;lr>\r\n");
	assert_true(sipring_edit_remove(m, "Route"));
	assert_true(sipring_edit_remove(m, "X-Of-My-Own"));
	assert_false(sipring_edit_remove(m, "Contact"));
	sipring_edit_set(m, "Max-Forwards", "69");
	sipring_edit_set(m, "X-New", "new");
	sipring_edit_uri(m, "sip:bob@192.0.2.7:5060;transport=ws");
	assert_text(sipring_message_value(m, "Max-Forwards"), "70");
	result = sipring_forward(m, target);
}

static void
forwards_are_edited(void **state)
{
	(void)state;
	embed_bed_open(NULL);
	target = embed_bed_connect(1);
	embed_bed_connect(0);
	bed->on_message = edit_as_a_proxy;
	embed_bed_request(0, "MESSAGE");
	embed_bed_until(bed->heard[1][0]);
	assert_true(result);
	assert_non_null(
		strstr(bed->heard[1],
		       "MESSAGE sip:bob@192.0.2.7:5060;transport=ws SIP/2.0\r\nVia: SIP/2.0/WS "
		       "me.invalid;branch=z9hG4bKmine\r\n"
		       "Record-Route: <sip:me.invalid;lr>\r\nv: SIP/2.0/WS peer0.invalid;"));
	assert_non_null(strstr(bed->heard[1], "\r\nMax-Forwards: 69\r\n"));
	assert_non_null(strstr(bed->heard[1], "\r\nx-of-my-own: second\r\n"));
	assert_null(strstr(bed->heard[1], "first"));
	assert_non_null(strstr(bed->heard[1], "\r\nRoute: <sip:two;lr>\r\n"));
	assert_non_null(strstr(bed->heard[1], "\r\nX-New: new\r\n\r\nhello"));
	embed_bed_finish();
}

static void
edit_too_much(struct sipring_message *m)
{
	static unsigned n;

	switch (n++) {
	case 0:
		for (int i = 0; i < 30; i++)
			sipring_edit_insert(m, "X: y\r\n");
		break;
	case 1:
		for (int i = 0; i < 3; i++) {
			char value[1000];

			memset(value, 'v', sizeof(value));
			value[sizeof(value) - 1] = '\0';
			sipring_edit_set(m, "X-Long", value);
		}
		break;
	case 2:
		sipring_edit_set(m, "X\r\n", "y");
		break;
	case 3:
		sipring_edit_set(m, "X", "y\r\nZ: a");
		break;
	case 4:
		sipring_edit_uri(m, "sip:a b");
		break;
	case 5:
		sipring_edit_insert(m, "\r\n");
		break;
	default:
		result = sipring_forward(m, target);
		return;
	}
	assert_false(sipring_forward(m, target));
}

static void
broken_edits_are_dropped(void **state)
{
	(void)state;
	result = false;
	embed_bed_open(NULL);
	target = embed_bed_connect(1);
	embed_bed_connect(0);
	bed->on_message = edit_too_much;
	for (int i = 0; i < 7; i++) {
		embed_bed_request(0, "MESSAGE");
		embed_bed_until(bed->messages == (uint32_t)i + 1);
	}
	assert_true(result);
	embed_bed_until(bed->heard[1][0]);
	assert_int_equal(EMBED_BED_COUNT(dropped_internal), 6);
	assert_int_equal(bed->peers[1].messages, 1);
	embed_bed_finish();
}

/* ---- the target is gone ---- */

static void
forward_or_answer(struct sipring_message *m)
{
	if (bed->undelivered)
		assert_true(sipring_reply(m, 404, NULL, NULL, NULL));
	else
		forward(m);
}

static void
undelivered_is_asked(void **state)
{
	(void)state;
	for (int asks = 0; asks < 2; asks++) {
		if (asks)
			embed_bed_open_undelivered(NULL);
		else
			embed_bed_open(NULL);
		target = embed_bed_connect(1);
		embed_bed_connect(0);
		bed->on_message = forward_or_answer;
		ws_peer_reset(&bed->peers[1]);
		embed_bed_until(bed->closed == 1);
		assert_true(bed->closed_connection == target);
		assert_int_equal(bed->end.why, SIPRING_RESET);
		embed_bed_request(0, "MESSAGE");
		embed_bed_until(bed->heard[0][0]);
		assert_int_equal(bed->undelivered, asks);
		assert_memory_equal(bed->heard[0], asks ? "SIP/2.0 404" : "SIP/2.0 480", 11);
		embed_bed_finish();
	}
}

/* ---- keeping ---- */

static void
keep(struct sipring_message *m)
{
	kept[kept_len] = sipring_keep(m);
	assert_non_null(kept[kept_len]);
	kept_len++;
}

static void
decide_kept(void *arg)
{
	(void)arg;
	look_at_request(kept[0]);
	assert_ptr_equal(sipring_keep(kept[0]), kept[0]);
	assert_true(sipring_reply(kept[0], 200, NULL, NULL, NULL));
	sipring_edit_set(kept[1], "Max-Forwards", "1");
	assert_true(sipring_forward(kept[1], target));
	sipring_drop(kept[2]);
	/* kept[3] is dropped after the end of the engine */
}

static void
kept_are_decided_later(void **state)
{
	(void)state;
	result = false;
	kept_len = 0;
	embed_bed_open(NULL);
	target = embed_bed_connect(1);
	embed_bed_connect(0);
	bed->on_message = keep;
	for (int i = 0; i < 4; i++)
		embed_bed_request(0, "MESSAGE");
	embed_bed_until(kept_len == 4);
	embed_bed_until(EMBED_BED_COUNT(kept) == 4);
	assert_int_equal(stats_unaccounted(&bed->engine.loop.stats), 0);
	assert_true(sipring_post(&bed->sipring, 0, decide_kept, NULL));
	embed_bed_until(bed->heard[0][0] && bed->heard[1][0]);
	assert_true(result);
	assert_memory_equal(bed->heard[0], "SIP/2.0 200 OK", 14);
	assert_non_null(strstr(bed->heard[0], ";received=127.0.0.1"));
	assert_non_null(strstr(bed->heard[1], "\r\nMax-Forwards: 1\r\n"));
	embed_bed_until(EMBED_BED_COUNT(orders_sent) == 2);
	embed_bed_finish();
	sipring_drop(kept[3]);
}

static void
answer_kept(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < kept_len; i++)
		assert_true(sipring_reply(kept[i], 200, NULL, NULL, NULL));
	kept_len = 0;
}

/* The connection is not held up by them, and what is said to it later does not reach the next. */
static void
kept_outlive_their_connection(void **state)
{
	(void)state;
	kept_len = 0;
	embed_bed_open(NULL);
	embed_bed_connect(0);
	bed->on_message = keep;
	for (int i = 0; i < 3; i++)
		embed_bed_request(0, "MESSAGE");
	embed_bed_until(kept_len == 3);
	ws_peer_say_close(&bed->peers[0], WS_CLOSE_NORMAL);
	embed_bed_until(bed->closed == 1);
	assert_int_equal(bed->end.why, SIPRING_PEER_CLOSED);
	assert_int_equal(bed->end.code, WS_CLOSE_NORMAL);
	ws_peer_close(&bed->peers[0]);
	embed_bed_until(EMBED_BED_COUNT(connections) == 0);
	embed_bed_connect(1);
	assert_true(sipring_post(&bed->sipring, 0, answer_kept, NULL));
	embed_bed_until(EMBED_BED_COUNT(orders_dropped) == 3);
	assert_int_equal(bed->peers[1].messages, 0);
	embed_bed_finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_read),
		cmocka_unit_test(replies_are_whole),
		cmocka_unit_test(replies_are_not_split),
		cmocka_unit_test(ack_is_not_answered),
		cmocka_unit_test(forwards_are_exact),
		cmocka_unit_test(forwards_are_edited),
		cmocka_unit_test(broken_edits_are_dropped),
		cmocka_unit_test(undelivered_is_asked),
		cmocka_unit_test(kept_are_decided_later),
		cmocka_unit_test(kept_outlive_their_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
