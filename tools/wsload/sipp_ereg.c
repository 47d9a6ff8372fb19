/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_ereg.h"

#include <stdlib.h>
#include <string.h>
#include "tools/wsload/sipp_header.h"

/*
 * The header's value; or, where no header has this name, what follows the text at the beginning
 * of a line, with which scenarios reach lines of SDP ("m=audio ").
 */
static struct span
find_header(struct span message, const struct sipp_ereg *x)
{
	struct span name = span_of(x->header, strlen(x->header));
	struct sipp_header h = { 0 };
	uint32_t n = x->occurrence;

	while (n && !x->start_line && sipp_header_next(message, name, &h))
		n--;
	if (n == 0)
		return h.value;
	h = (struct sipp_header){ 0 };
	n = x->occurrence;
	while (n && sipp_header_line(message, name, x->any_case, &h))
		n--;
	return n ? span_of(NULL, 0) : h.value;
}

/* False: there is nothing to look into. */
static bool
put_subject(struct sipp_call *c, const struct sipp_action *a, struct sipp_text *out)
{
	struct span message = sipp_text_span(&c->received), found = message;
	size_t head;

	switch (a->ereg->search) {
	case SIPP_IN_HEADER:
		found = find_header(message, a->ereg);
		break;
	case SIPP_IN_BODY:
		head = sipp_header_end(message);
		found = head ? span_of(message.at + head, message.len - head) : span_of(NULL, 0);
		break;
	case SIPP_IN_VARIABLE:
		sipp_text_put(out, SPAN(""));
		sipp_value_put(sipp_call_value(c, a->variable), out);
		return true;
	case SIPP_IN_MESSAGE:
		break;
	}
	sipp_text_put(out, found);
	return found.at != NULL;
}

static bool
assign_to(struct sipp_call *c, const struct sipp_ereg *x, const char *subject,
	  const regmatch_t *matches)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < x->targets_len; i++) {
		struct sipp_value *v = sipp_call_value(c, x->targets[i]);
		const regmatch_t *m = matches ? &matches[i] : NULL;

		if (m && m->rm_so >= 0) {
			ok = sipp_value_text(
				v, SIPP_MATCH,
				span_of(subject + m->rm_so, (size_t)(m->rm_eo - m->rm_so)));
		} else {
			sipp_value_clear(v);
			v->kind = SIPP_MATCH;
		}
	}
	return ok;
}

bool
sipp_ereg_run(struct sipp_call *c, const struct sipp_action *a)
{
	const struct sipp_ereg *x = a->ereg;
	regmatch_t matches[SIPP_EREG_VARIABLES];
	struct sipp_text subject = { 0 };
	bool found, ok;

	found = put_subject(c, a, &subject) && !subject.failed &&
		regexec(&x->regex, subject.at, SIPP_EREG_VARIABLES, matches, 0) == 0;
	ok = !subject.failed && assign_to(c, x, subject.at, found ? matches : NULL);
	sipp_text_free(&subject);
	if (!ok) {
		sipp_call_fail(c, TALLY_call_failed, "out of memory", true);
		return false;
	}
	if ((x->check && !found) || (x->check_inverse && found)) {
		sipp_call_fail(c, TALLY_call_mismatch,
			       found ? "a message matches check_it_inverse" :
				       "a message does not match check_it",
			       false);
		return false;
	}
	return true;
}
