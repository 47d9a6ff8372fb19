/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SIP_CHECK_H
#define TESTS_UNIT_SIP_CHECK_H
/* What the tests of the SIP half of codec/ have in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "codec/sip_msg.h"
#include "tests/feed.h"

/* Compares octets and shows both when they differ. */
#define check_span(got, want) check_span_at((got), (want), __FILE__, __LINE__)

static inline void
check_span_at(struct span got, const char *want, const char *file, int line)
{
	if (span_equal(got, span_of(want, strlen(want))))
		return;
	print_error("got  \"%.*s\"\nwant \"%s\"\n", (int)got.len, got.at, want);
	_fail(file, line);
}

static inline struct span
text_of_string(const char *s)
{
	return span_of(s, strlen(s));
}

/* The text against the guard page; good until the next feed_* call. */
static inline struct span
guarded(struct span text)
{
	return span_of(feed_guarded(text.at, text.len), text.len);
}

/* Is the view inside of the text, or empty? */
static inline bool
inside(struct span view, struct span text)
{
	return view.len == 0 || (view.at >= text.at && view.len <= text.len &&
				 (size_t)(view.at - text.at) <= text.len - view.len);
}

#endif
