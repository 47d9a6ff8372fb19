/* SPDX-License-Identifier: Apache-2.0 */
/* SIP messages in a byte stream: every vector whole, byte by byte, and at every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/sip_stream.h"
#include "tests/feed.h"

#define MAX 4096u

/* What the stream said, as text: messages in brackets, '^' a ping, '.' a blank. */
struct told {
	struct sip_stream stream;
	const char *wanted;
	char kept[2 * MAX]; /* bytes of what is not whole */
	size_t kept_len;
	char text[4 * MAX];
	size_t len;
	bool over;
};

static void
tell(struct told *t, const void *bytes, size_t len)
{
	assert_true(t->len + len < sizeof(t->text));
	memcpy(t->text + t->len, bytes, len);
	t->len += len;
	t->text[t->len] = '\0';
}

static void
begin(void *arg)
{
	struct told *t = arg;

	t->stream = (struct sip_stream){ 0 };
	t->kept_len = t->len = 0;
	t->text[0] = '\0';
	t->over = false;
}

static bool
step(struct told *t)
{
	char *guarded = malloc(t->kept_len + 1);
	uint32_t used = 0;
	enum sip_stream_event event;

	memcpy(guarded, t->kept, t->kept_len);
	event = sip_stream_next(&t->stream, guarded, t->kept_len, MAX, &used);
	if (event == SIP_STREAM_MESSAGE) {
		tell(t, "[", 1);
		tell(t, guarded, used);
		tell(t, "]", 1);
	} else if (event == SIP_STREAM_PING) {
		tell(t, "^", 1);
	} else if (event == SIP_STREAM_BLANK) {
		tell(t, ".", 1);
	} else if (event != SIP_STREAM_MORE) {
		const char *fault = event == SIP_STREAM_TOO_BIG ? "too big" : "broken";

		tell(t, fault, strlen(fault));
		t->over = true;
	}
	free(guarded);
	memmove(t->kept, t->kept + used, t->kept_len - used);
	t->kept_len -= used;
	return event != SIP_STREAM_MORE && !t->over && t->kept_len;
}

static void
piece(void *arg, uint8_t *bytes, size_t len)
{
	struct told *t = arg;

	if (t->over)
		return;
	assert_true(t->kept_len + len <= sizeof(t->kept));
	memcpy(t->kept + t->kept_len, bytes, len);
	t->kept_len += len;
	while (step(t))
		;
}

static void
end(void *arg)
{
	struct told *t = arg;

	if (strcmp(t->text, t->wanted))
		fail_msg("%s: '%s', not '%s'", feed_way(), t->text, t->wanted);
}

static void
check(const char *bytes, const char *wanted)
{
	static struct told t;
	struct feed_user user = { .arg = &t, .begin = begin, .piece = piece, .end = end };

	t.wanted = wanted;
	feed_pieces(bytes, strlen(bytes), &user);
}

#define ONE "OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"
#define TWO "SIP/2.0 200 OK\r\nl : 5\r\n\r\nhello"
#define FOLDED "SIP/2.0 200 OK\r\nSubject: a\r\n l: 9\r\ncontent-LENGTH:\r\n\t 3 \r\n\r\n\r\n\r"

static void
messages(void **state)
{
	(void)state;
	check(ONE, "[" ONE "]");
	check(TWO ONE, "[" TWO "][" ONE "]");
	check(ONE TWO FOLDED ONE, "[" ONE "][" TWO "][" FOLDED "][" ONE "]");
	check("SIP/2.0 200 OK\r\nl: 6\r\n\r\nhello", "");
	check("SIP/2.0 200 OK\r\nl: 2\r\nContent-Length: 2\r\n\r\nab" ONE,
	      "[SIP/2.0 200 OK\r\nl: 2\r\nContent-Length: 2\r\n\r\nab][" ONE "]");
}

static void
keepalives(void **state)
{
	(void)state;
	check("\r\n\r\n", "^");
	check("\r\n\r\n\r\n\r\n" ONE "\r\n\r\n", "^^[" ONE "]^");
	check("\r\n" ONE, ".[" ONE "]");
	check(ONE "\r\n" TWO, "[" ONE "].[" TWO "]");
	check("\r\n", ""); /* it may be half a ping */
}

static void
faults(void **state)
{
	(void)state;
	check("SIP/2.0 200 OK\r\nSubject: x\r\n\r\n", "broken");
	check("SIP/2.0 200 OK\r\nl: \r\n\r\n", "broken");
	check("SIP/2.0 200 OK\r\nl: -1\r\n\r\n", "broken");
	check("SIP/2.0 200 OK\r\nl: 1x\r\n\r\n", "broken");
	check("SIP/2.0 200 OK\r\nl: 99999999999999999999\r\n\r\n", "broken");
	check("SIP/2.0 200 OK\r\nl: 1\r\nContent-Length: 2\r\n\r\n", "broken");
	check("SIP/2.0 200 OK\r\nl: 4095\r\n\r\n", "too big");
	check("\rX", "broken");
	check("\r\n\rX", "broken");
}

/* A head without end: as soon as it is longer than allowed. */
static void
endless(void **state)
{
	struct sip_stream s = { 0 };
	static char text[MAX + 1];
	uint32_t used;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(sip_stream_next(&s, text, MAX, MAX, &used), SIP_STREAM_MORE);
	assert_int_equal(sip_stream_next(&s, text, MAX + 1, MAX, &used), SIP_STREAM_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(keepalives),
		cmocka_unit_test(faults),
		cmocka_unit_test(endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
