/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIPRING_H
#define SIPRING_H
/*
 * libsipring: a SIP-over-WebSocket transport engine (RFC 6455, RFC 7118) on io_uring.
 *
 *     struct sipring *s = sipring_new();
 *     sipring_listen(s, "ws:127.0.0.1:8080");
 *     if (sipring_start(s) != SIPRING_OK)
 *             fprintf(stderr, "%s\n", sipring_error(s));
 *     ...
 *     sipring_drain(s);
 *     sipring_wait(s);
 *     sipring_free(s);
 *
 * An engine belongs to the thread that made it; only the functions that say so may be called from
 * elsewhere. Texts are UTF-8 and NUL-terminated.
 */
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIPRING_API __attribute__((visibility("default")))

struct sipring; /* opaque */

enum sipring_result {
	SIPRING_OK = 0,
	SIPRING_RUNTIME = 1, /* the machine said no: sipring_error() names cause and cure */
	SIPRING_USAGE = 2,   /* a setting is unknown, of the wrong type or impossible */
};

/* "0.1.0" */
SIPRING_API const char *sipring_version(void);

/* A new engine with all settings at their defaults; NULL: out of memory. */
SIPRING_API struct sipring *sipring_new(void);

/* Before sipring_start() or after sipring_wait(). NULL is harmless. */
SIPRING_API void sipring_free(struct sipring *s);

/*
 * What went wrong in the last call that returned other than SIPRING_OK; lives until the next call.
 */
SIPRING_API const char *sipring_error(const struct sipring *s);

/* Set one setting, "name=value"; `sipring --print-config` lists them. Before sipring_start(). */
SIPRING_API enum sipring_result sipring_set(struct sipring *s, const char *assignment);

/*
 * Listen on "ws:IP[:PORT]"; port 0: any free one. Before sipring_start(); may be called again for
 * more.
 */
SIPRING_API enum sipring_result sipring_listen(struct sipring *s, const char *where);

/*
 * Keep a connection to "sip:IP[:PORT];transport=ws", made again whenever it is lost. Mode echo:
 * what comes from there goes back there. Before sipring_start(); may be called again for more.
 */
SIPRING_API enum sipring_result sipring_upstream(struct sipring *s, const char *uri);

/*
 * Check the settings as a whole, without starting anything. No setting may be changed afterwards.
 */
SIPRING_API enum sipring_result sipring_check(struct sipring *s);

/*
 * Bind, start the threads, accept. Returns when connections are accepted, or with the reason why
 * not.
 */
SIPRING_API enum sipring_result sipring_start(struct sipring *s);

/*
 * URL of listener `i` ("ws://127.0.0.1:8080", with the port really bound), NULL past the last.
 * After sipring_start().
 */
SIPRING_API const char *sipring_url(const struct sipring *s, unsigned i);

/* How many connections there can be at once. After sipring_start(). */
SIPRING_API unsigned sipring_connections_max(const struct sipring *s);

/*
 * Stop accepting, send Close 1001 to everybody, flush, end; at the latest after drain_timeout. A
 * second call ends without patience. Returns at once. Any thread; async-signal-safe.
 */
SIPRING_API void sipring_drain(struct sipring *s);

/*
 * A descriptor that becomes readable when the engine has ended: for poll(). Not to be read or
 * closed.
 */
SIPRING_API int sipring_ended_fd(const struct sipring *s);

/* Wait until the engine has ended. SIPRING_RUNTIME when it ended by itself with an error. */
SIPRING_API enum sipring_result sipring_wait(struct sipring *s);

/*
 * All counters as one JSON object on one line, without newline, into out[0..cap); returns its
 * length, or 0 when it does not fit (8 KB do). Any thread, between sipring_start() and
 * sipring_free().
 */
SIPRING_API size_t sipring_counters(const struct sipring *s, char *out, size_t cap);

/* All settings in force, one a line, to a stdio stream. */
SIPRING_API void sipring_print_settings(const struct sipring *s, FILE *out);

/* The table of all settings, their units, defaults, ranges and meanings, in Markdown. */
SIPRING_API void sipring_print_table(FILE *out);

#ifdef __cplusplus
}
#endif

#endif
