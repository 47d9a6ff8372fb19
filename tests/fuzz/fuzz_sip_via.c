/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Via value alone; and, when no octet of it ends a line, as the topmost one of a request: then
 * the index finds the same value, the check says the same, and an answer carries it with our
 * parameters in it.
 */
#include <assert.h>
#include <stdint.h>
#include "codec/sip_msg.h"
#include "codec/sip_reply.h"
#include "codec/sip_via.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 8192

static struct sip_msg msg, answer;

static bool
parse_first(const struct sip_msg *m, struct sip_via *via, struct span *value)
{
	struct sip_value_iter it = { 0 };

	if (!sip_value_next(m, SIP_FIELD_VIA, &it))
		return false;
	*value = it.value;
	return sip_via_parse(it.value, via) == SIP_OK;
}

static void
check_answer(const struct sip_via *sent)
{
	static char out[2 * TEXT_MAX];
	struct writer w = writer_over(out, sizeof(out));
	const struct sip_reply reply = {
		.status = 200, .via_params = SPAN(";received=2001:db8::1;rport=4711")
	};
	struct sip_via via;
	struct span value;

	assert(sip_reply_write(&w, &msg, &reply));
	assert(sip_msg_parse(&answer, out, w.len) == SIP_OK);
	assert(sip_msg_check(&answer) == SIP_OK);
	assert(parse_first(&answer, &via, &value));
	assert(span_equal(via.received, SPAN("2001:db8::1")));
	assert(span_equal(via.rport, SPAN("4711")));
	assert(span_equal(via.branch, sent->branch) && span_equal(via.sent_by, sent->sent_by));
}

static void
check_in_message(struct span text, bool good)
{
	static char bytes[TEXT_MAX + 512];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct sip_via via;
	struct span value;

	writer_put(&w, SPAN("OPTIONS sip:b@c SIP/2.0\r\nVia:"));
	writer_put(&w, text);
	writer_put(&w, SPAN("\r\nf: sip:a@b;tag=1\r\nt: sip:c@d\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n"
			    "Via: SIP/2.0/WS last\r\n\r\n"));
	assert(!w.full && sip_msg_parse(&msg, bytes, w.len) == SIP_OK);
	if (!parse_first(&msg, &via, &value)) {
		assert(sip_msg_check(&msg) == SIP_ERROR_VIA);
		return;
	}
	/* A comma outside of quotes ends the first value; else the text is the value. */
	if (good && !memchr(text.at, ',', text.len))
		assert(span_equal(value, span_trim(text)));
	if (sip_msg_check(&msg) == SIP_OK)
		check_answer(&via);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	struct sip_via via;
	bool good = sip_via_parse(text, &via) == SIP_OK;

	if (size && size <= TEXT_MAX && !memchr(data, '\r', size) && !memchr(data, '\n', size))
		check_in_message(text, good);
	return 0;
}
