/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: what a peer wrote cannot leave its line, lines are bounded and whole, budgets hold and
 * what they suppress is summed up, and a stderr that nobody reads stops nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "engine/clock.h"
#include "engine/log.h"

/* stderr goes into a pipe; what came out of it is in `text`. */
static int saved_stderr, reader;
static char text[1 << 20];
static size_t text_len;

static int
capture(void **state)
{
	int ends[2];

	(void)state;
	if (pipe(ends) != 0)
		return -1;
	saved_stderr = dup(STDERR_FILENO);
	reader = ends[0];
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	fcntl(reader, F_SETFL, O_NONBLOCK);
	text_len = 0;
	text[0] = '\0';
	return 0;
}

static int
release(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(reader);
	return 0;
}

/* Everything that is in the pipe now. */
static void
drain(void)
{
	ssize_t n;

	while ((n = read(reader, text + text_len, sizeof(text) - 1 - text_len)) > 0)
		text_len += (size_t)n;
	text[text_len] = '\0';
}

/* Until `wanted` has come; looks at each byte once or twice. */
static void
wait_for(const char *wanted)
{
	struct pollfd p = { .fd = reader, .events = POLLIN };
	size_t seen = 0, overlap = strlen(wanted);

	for (;;) {
		drain();
		if (strstr(text + (seen > overlap ? seen - overlap : 0), wanted))
			return;
		seen = text_len;
		if (poll(&p, 1, 20000) <= 0)
			fail_msg("'%s' did not come: %s", wanted, text);
	}
}

static size_t
lines_with(const char *words)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, words)); at++)
		n++;
	return n;
}

/* Sum of what the lines `suppressed` tell. */
static size_t
suppressed(void)
{
	size_t sum = 0;

	for (const char *at = text; (at = strstr(at, "warn suppressed lines=")); at++)
		sum += strtoul(at + strlen("warn suppressed lines="), NULL, 10);
	return sum;
}

static void
check_lines(void)
{
	const char *at = text;

	assert_true(text_len == 0 || text[text_len - 1] == '\n');
	while (*at) {
		size_t len = strcspn(at, "\n");

		assert_true(len < LOG_LINE_MAX);
		if (strncmp(at, "sipring: ", 9) != 0)
			fail_msg("not a whole line: %.*s", (int)len, at);
		for (size_t i = 0; i < len; i++)
			assert_in_range(at[i], ' ', '~');
		at += len + 1;
	}
}

static void
bytes_of_a_peer_stay_in_their_quotes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *shown;
	} cases[] = {
		{ "", 0, "\"\"" },
		{ "abc", 3, "\"abc\"" },
		{ "a\nb\r\n", 5, "\"a\\x0Ab\\x0D\\x0A\"" },
		{ "\" x=\"", 5, "\"\\\" x=\\\"\"" },
		{ "\\x41", 4, "\"\\\\x41\"" },
		{ "\0\x1b[31m", 6, "\"\\x00\\x1B[31m\"" },
		{ "\x7f\x80\xff", 3, "\"\\x7F\\x80\\xFF\"" },
		{ "%s%n", 4, "\"%s%n\"" },
	};
	char bytes[LOG_TEXT_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(LOG_TEXT(cases[i].bytes, cases[i].len), cases[i].shown);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(strlen(LOG_TEXT(bytes, LOG_TEXT_BYTES)), 4 * LOG_TEXT_BYTES + 2);
	assert_string_equal(LOG_TEXT(bytes, LOG_TEXT_BYTES + 1) + 4 * LOG_TEXT_BYTES + 1, "\"...");
}

static void
a_line_is_bounded_and_one(void **state)
{
	static char endless[4 * LOG_LINE_MAX];
	char *first;

	(void)state;
	memset(endless, 'x', sizeof(endless) - 1);
	assert_int_equal(log_init(LOG_DEBUG, 1000), 0);
	log_line(LOG_WARN, "long", "text=%s", endless);
	log_line(LOG_ERROR, "broken", "text=%s", "a\nsipring: info forged\x1b\xc3\xa4");
	log_line(LOG_INFO, "bare", "%s", "");
	log_fini();
	drain();
	check_lines();
	first = strchr(text, '\n');
	assert_non_null(first);
	assert_int_equal(first - text, LOG_LINE_MAX - 1);
	assert_memory_equal(text, "sipring: warn long text=xxx", 27);
	assert_memory_equal(first - 4, "x...", 4);
	assert_non_null(strstr(text, "\nsipring: error broken text=a?sipring: info forged???\n"));
	assert_non_null(strstr(text, "\nsipring: info bare \n"));
}

static void
each_length_around_the_bound_is_whole(void **state)
{
	(void)state;
	assert_int_equal(log_init(LOG_INFO, 1000), 0);
	for (int len = LOG_LINE_MAX - 40; len < LOG_LINE_MAX + 10; len++)
		log_line(LOG_INFO, "len", "%0*d", len, 0);
	log_fini();
	drain();
	check_lines();
	assert_int_equal(lines_with("sipring: info len 0"), 50);
	assert_int_equal(lines_with("...\n"),
			 50 - (40 - strlen("sipring: info len ")));
}

static void
lesser_levels_are_not_made(void **state)
{
	(void)state;
	for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
		assert_int_equal(log_init((enum log_level)level, 10), 0);
		for (int k = LOG_ERROR; k <= LOG_DEBUG; k++) {
			assert_int_equal(log_enabled((enum log_level)k), k <= level);
			log_line((enum log_level)k, "level", "max=%d this=%d", level, k);
		}
		log_fini();
	}
	drain();
	check_lines();
	assert_int_equal(lines_with("sipring: error level "), 4);
	assert_int_equal(lines_with("sipring: warn level "), 3);
	assert_int_equal(lines_with("sipring: info level "), 2);
	assert_int_equal(lines_with("sipring: debug level "), 1);
}

static void
works_before_and_after(void **state)
{
	(void)state;
	log_line(LOG_ERROR, "start", "cause=%d", 1);
	drain();
	check_lines();
	assert_int_equal(lines_with("start cause=1\n"), 1); /* at once: no thread wrote it */
	assert_int_equal(log_init(LOG_INFO, 1), 0);
	log_fini();
	log_fini();
	log_line(LOG_ERROR, "end", "cause=%d", 2);
	drain();
	assert_int_equal(lines_with("end cause=2\n"), 1);
}

/* Two engines of one process: the log is there until the last one ends. */
static void
several_share_one(void **state)
{
	(void)state;
	assert_int_equal(log_init(LOG_INFO, 10), 0);
	assert_int_equal(log_init(LOG_DEBUG, 10), 0);
	assert_false(log_enabled(LOG_DEBUG)); /* the first one's level */
	log_fini();
	log_line(LOG_INFO, "shared", "n=%d", 1);
	log_line(LOG_DEBUG, "shared", "n=%d", 2);
	log_fini();
	drain();
	check_lines();
	assert_int_equal(lines_with("info shared n=1\n"), 1);
	assert_int_equal(lines_with("n=2"), 0);
}

static void
each_reason_has_its_budget(void **state)
{
	size_t made;

	(void)state;
	assert_int_equal(log_init(LOG_INFO, 10), 0);
	for (int i = 0; i < 1000; i++)
		log_line(LOG_INFO, "noisy", "n=%d", i);
	log_line(LOG_INFO, "quiet", "n=%d", 1);
	wait_for("lines="); /* within a second, without another line */
	log_fini();
	drain();
	check_lines();
	made = lines_with("info noisy n=");
	assert_in_range(made, 10, 12); /* the loop itself takes a moment */
	assert_int_equal(lines_with("info quiet n=1\n"), 1);
	assert_int_equal(suppressed(), 1000 - made);
	assert_non_null(strstr(text, " cause=log_rate reason=noisy\n"));
}

static void
the_rest_is_summed_up_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(log_init(LOG_INFO, 1), 0);
	for (int i = 0; i < 5; i++)
		log_line(LOG_INFO, "noisy", "n=%d", i);
	log_fini();
	drain();
	assert_int_equal(lines_with("info noisy n="), 1);
	assert_non_null(strstr(text, "suppressed lines=4 cause=log_rate reason=noisy\n"));
}

static void
more_reasons_than_buckets(void **state)
{
	enum { REASONS = 1000 };
	static char reasons[REASONS][32];

	(void)state;
	assert_int_equal(log_init(LOG_INFO, 100000), 0);
	for (int i = 0; i < REASONS; i++) {
		snprintf(reasons[i], sizeof(reasons[i]), "reason%03d", i);
		log_line(LOG_INFO, reasons[i], "n=%d", i);
		wait_for(reasons[i]);
	}
	log_fini();
	drain();
	check_lines();
	assert_int_equal(lines_with("sipring: info reason"), REASONS);
}

/* Nobody reads: callers go on, and the number that was lost follows. */
static void
a_full_pipe_stops_nobody(void **state)
{
	enum { LINES = 20000 };
	size_t made;
	uint64_t begin = clock_now_ns();

	(void)state;
	assert_int_equal(log_init(LOG_INFO, 100000), 0);
	for (int i = 0; i < LINES; i++)
		log_line(LOG_INFO, "flood", "n=%d text=%0200d", i, 0);
	assert_true(clock_now_ns() - begin < 10 * CLOCK_NS_PER_S);
	wait_for("cause=log_full");
	log_fini();
	drain();
	check_lines();
	made = lines_with("info flood n=");
	assert_true(made < LINES);
	assert_int_equal(suppressed(), LINES - made);
}

/* stderr's reader ends: no signal kills the process. */
static void
a_broken_pipe_kills_nobody(void **state)
{
	(void)state;
	assert_int_equal(log_init(LOG_INFO, 100), 0);
	log_line(LOG_INFO, "before", "n=%d", 1);
	wait_for("before");
	close(reader);
	for (int i = 0; i < 10; i++)
		log_line(LOG_INFO, "after", "n=%d", i);
	log_fini();
	reader = open("/dev/null", O_RDONLY);
}

/* Several threads at once: every line whole, each once, those of one thread in their order. */
#define WRITERS 4
#define WRITES 2000

static void *
write_many(void *arg)
{
	int writer = *(int *)arg;

	for (int i = 0; i < WRITES; i++)
		log_line(LOG_INFO, "many", "writer=%d n=%d.", writer, i);
	return NULL;
}

static void *
read_all(void *arg)
{
	wait_for("info all_done");
	return arg;
}

static void
threads_do_not_mix_their_lines(void **state)
{
	static int numbers[WRITERS];
	pthread_t writers[WRITERS], reading;
	size_t made = 0;
	int last[WRITERS];

	(void)state;
	assert_int_equal(log_init(LOG_INFO, 100000), 0);
	assert_int_equal(pthread_create(&reading, NULL, read_all, NULL), 0);
	for (int i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		last[i] = -1;
		assert_int_equal(pthread_create(&writers[i], NULL, write_many, &numbers[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(writers[i], NULL), 0);
	log_fini();
	log_line(LOG_INFO, "all_done", "n=%d", 1);
	assert_int_equal(pthread_join(reading, NULL), 0);
	drain();
	check_lines();
	for (const char *at = text; (at = strstr(at, "info many ")); at++, made++) {
		int writer, n;

		assert_int_equal(sscanf(at, "info many writer=%d n=%d.", &writer, &n), 2);
		assert_in_range(writer, 0, WRITERS - 1);
		assert_true(n > last[writer]);
		last[writer] = n;
	}
	assert_int_equal(made + suppressed(), WRITERS * WRITES);
}

/* The last test: a writer that is stuck for good is left behind. */
static void
a_stuck_stderr_does_not_stop_the_end(void **state)
{
	uint64_t begin;

	(void)state;
	assert_int_equal(log_init(LOG_INFO, 100000), 0);
	for (int i = 0; i < 2000; i++)
		log_line(LOG_INFO, "flood", "text=%0400d", i);
	begin = clock_now_ns();
	log_fini();
	assert_true(clock_now_ns() - begin < 10 * CLOCK_NS_PER_S);
	log_line(LOG_INFO, "late", "n=%d", 1); /* does not wait either */
	wait_for(
		"cause=log_full"); /* the last that the writer writes when it can go on after all */
	check_lines();
}

int
main(void)
{
#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, release)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_of_a_peer_stay_in_their_quotes),
		CAPTURED(a_line_is_bounded_and_one),
		CAPTURED(each_length_around_the_bound_is_whole),
		CAPTURED(lesser_levels_are_not_made),
		CAPTURED(works_before_and_after),
		CAPTURED(several_share_one),
		CAPTURED(each_reason_has_its_budget),
		CAPTURED(the_rest_is_summed_up_at_the_end),
		CAPTURED(more_reasons_than_buckets),
		CAPTURED(a_full_pipe_stops_nobody),
		CAPTURED(a_broken_pipe_kills_nobody),
		CAPTURED(threads_do_not_mix_their_lines),
		CAPTURED(a_stuck_stderr_does_not_stop_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
