/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOG_H
#define ENGINE_LOG_H
/*
 * The log: lines on stderr, `sipring: <level> <reason> key=value ...`, each written with one
 * write(2).
 *
 * A caller never waits: it formats its line into a slot of a bounded lock-free ring, and a
 * thread of the log's own writes it. (Looking with poll() before a write does not do: another
 * process that shares the pipe may fill it in between, and a regular file always looks
 * writable.) When nobody reads stderr the ring fills up, further lines are counted, and the
 * number follows when it moves again.
 *
 * Each reason has a budget of lines per second; what is above it is counted and summed up in a line
 * `suppressed` within a second.
 */
#include <stddef.h>
#include <stdint.h>

/* The order is that of the choices of the setting log_level. */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

#define LOG_LINE_MAX 512 /* bytes of a line with its newline; what is longer ends in "..." */

/*
 * Start the writer, with all signals blocked in it. Lines less important than `level` are not
 * made; of one reason at most `rate` lines per second (and as many at once) are. Returns 0 or
 * -errno. Before log_init() and after log_fini() a line is written by its caller, at once. Several
 * engines of a process have one log: the first call sets it up, while no other thread logs; each
 * further call only counts.
 */
int log_init(enum log_level level, uint32_t rate);

/*
 * Once per log_init(); the last one writes what is left; when nobody reads, it gives up after half
 * a second. Not while another thread of the same engine logs.
 */
void log_fini(void);

/*
 * One line. `reason` is the event's name, a string literal: its address is the key of the rate
 * limit. The text is `key=value ...`, without a newline. Bytes of a peer go in through
 * LOG_TEXT() only. Any thread; never waits, never fails.
 */
void log_line(enum log_level level, const char *reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Would a line of this level be made? For arguments that cost something. */
int log_enabled(enum log_level level);

#define LOG_TEXT_BYTES 64 /* of a peer's text that are shown */

struct log_text {
	char text[4 * LOG_TEXT_BYTES + sizeof("\"...\"")];
};

/* Bytes of a peer, quoted, escaped (\xNN, \", \\) and cut: printable ASCII whatever they are. */
struct log_text log_text(const void *bytes, size_t len);

/* For an argument of log_line(): lives to the end of the statement. */
#define LOG_TEXT(bytes, len) (log_text((bytes), (len)).text)

#endif
