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
 * By itself it is what the daemon is: a registrar and proxy. With sipring_embed() the messages come
 * to the application instead; that is the second half of this file, and docs/embedding.md.
 *
 * An engine belongs to the thread that made it; only the functions that say so may be called from
 * elsewhere. Texts that are `const char *` are UTF-8 and NUL-terminated. A call that breaks a rule
 * of its own making (a NULL that is not allowed, a message decided twice) is an assertion failure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
 * Set all that a YAML file says (docs/settings.md); settings that are not in it stay as they are.
 * Wrong: sipring_error() is "FILE:LINE: what", and the engine is good for sipring_free() only.
 * Before sipring_start().
 */
SIPRING_API enum sipring_result sipring_read(struct sipring *s, const char *path);

/*
 * Listen on "ws:IP[:PORT]" or "wss:IP[:PORT]"; port 0: any free one. Before
 * sipring_start(); may be called again for more.
 */
SIPRING_API enum sipring_result sipring_listen(struct sipring *s, const char *where);

/*
 * Keep a connection to "sip:IP[:PORT];transport=ws", or "sips:" with TLS, made again
 * whenever it is lost. Mode echo: what comes from there goes back there. Before sipring_start();
 * may be called again for more.
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
 * Read certificates, keys, CAs, revocation lists and ticket keys again: new connections get the new
 * ones, those that are open keep theirs; and the file of users: they are in force at once. A file
 * that is not good changes nothing. Reads files: not in a hurry.
 */
SIPRING_API enum sipring_result sipring_reload(struct sipring *s);

/*
 * Is it time for sipring_reload(): has one of those files changed? Also warns in the log of
 * certificates that expire. To be asked every sipring_check_interval_s() seconds; 0: never.
 */
SIPRING_API bool sipring_is_stale(struct sipring *s);
SIPRING_API unsigned sipring_check_interval_s(const struct sipring *s);

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

/* ======== mode embed: the application decides ======== */

/*
 * One connection. It never comes to mean another peer: once the connection is gone, what is sent
 * to it is dropped and counted. That of sipring_connect() lasts over reconnections. 0: none.
 */
typedef uint64_t sipring_connection;

/* One message that came in. Opaque; who owns it when is said at sipring_handlers. */
struct sipring_message;

/* Text inside of a message: not NUL-terminated; lives as long as the message is undecided. */
struct sipring_text {
	const char *at; /* NULL: there is none */
	size_t len;
};

/* Only during the call of opened(). */
struct sipring_peer {
	const char *address; /* numeric, IPv6 without brackets */
	unsigned port;
	bool outgoing; /* sipring_connect() made it: we are the WebSocket client */
};

enum sipring_why {
	SIPRING_PEER_CLOSED, /* the peer's Close, with its code (1005: it had none) */
	SIPRING_PEER_ENDED,  /* the peer ended the stream without Close */
	SIPRING_PEER_BROKE,  /* the peer broke a rule or a limit; `code` is what we told it */
	SIPRING_WE_CLOSED,   /* sipring_close(), a drain, a peer idle or silent; `code` is ours */
	SIPRING_SEND_FAILED, /* the peer does not read: ws_send_timeout, ws_send_queue */
	SIPRING_RESET,       /* the stream ended with an error, or was given up by us */
	SIPRING_NOT_OPENED,  /* an outgoing one that did not come about */
};

struct sipring_end {
	enum sipring_why why;
	unsigned code; /* of the Close frame, RFC 6455 §7.4; 0: there was none */
	bool again;    /* sipring_connect() goes on trying; else its connection is over for good */
};

/*
 * What the engine calls. All calls come on a router's thread, none of them may block, and they may
 * begin before sipring_start() returns. A connection belongs to one router for its life, so its
 * calls come one at a time; those of different routers come at the same time. How many there are is
 * a setting: as many as `loops` (one per processor), each on its loop's thread; or routing_threads,
 * each with a thread of its own. With loops = 1, or routing_threads = 1, there is one, and nothing
 * ever runs beside a handler.
 *
 * opened() comes first, then messages, then closed(), for each connection; closed() alone for an
 * attempt of sipring_connect() that failed. After sipring_close(), messages that were on their way
 * may still come before closed(). Where there was no memory to tell of an end, it is told when the
 * slot gets its next owner; of an outgoing connection only by opened() coming again.
 *
 * A message belongs to the application from the call of message() to its decision: exactly one of
 * sipring_reply(), sipring_forward(), sipring_drop(), which take it, whatever they return. What is
 * left undecided when the handler returns is dropped and counted; sipring_keep() keeps it longer.
 *
 * undelivered(): the connection that a message was forwarded to was gone. The message is the
 * application's again, as it came (without edits), with the same duties. NULL: a request is
 * answered 480, anything else dropped.
 *
 * Any of them may be NULL. Counters: messages_received is the sum of all fates also in this mode.
 */
struct sipring_handlers {
	void (*opened)(void *arg, sipring_connection connection, const struct sipring_peer *peer);
	void (*message)(void *arg, struct sipring_message *m);
	void (*undelivered)(void *arg, struct sipring_message *m, sipring_connection target);
	void (*closed)(void *arg, sipring_connection connection, const struct sipring_end *end);
};

/*
 * Set routing.mode = embed: messages go to these handlers. `handlers` is copied. Without
 * sipring_listen() nothing is listened on: a client. Before sipring_start(), once.
 */
SIPRING_API enum sipring_result sipring_embed(struct sipring *s,
					      const struct sipring_handlers *handlers, void *arg);

/* ---- what a message says; while it is undecided, by one thread at a time ---- */

/* In the order of codec/sip_method.def; more may be added at the end. */
enum sipring_method {
	SIPRING_OTHER, /* any method not in this list */
	SIPRING_INVITE,
	SIPRING_ACK,
	SIPRING_BYE,
	SIPRING_CANCEL,
	SIPRING_REGISTER,
	SIPRING_OPTIONS,
	SIPRING_MESSAGE,
	SIPRING_INFO,
	SIPRING_UPDATE,
	SIPRING_PRACK,
	SIPRING_SUBSCRIBE,
	SIPRING_NOTIFY,
	SIPRING_REFER,
	SIPRING_PUBLISH,
};

/* The whole payload as it came; CRLF keep-alives (RFC 5626 §3.5.1) never get here. */
SIPRING_API struct sipring_text sipring_message_bytes(const struct sipring_message *m);
SIPRING_API bool sipring_message_is_text(const struct sipring_message *m); /* TEXT, not BINARY */
SIPRING_API sipring_connection sipring_message_connection(const struct sipring_message *m);

/*
 * What is wrong with it as a SIP message (RFC 3261 §16.3 step 1, §8.1.1: To, From, CSeq, Call-ID,
 * topmost Via, Max-Forwards, Request-URI), in a few words fit for a reason phrase; NULL: nothing.
 * Of a faulty message the functions below give what could be told apart; sipring_reply() works. On
 * the router's thread.
 */
SIPRING_API const char *sipring_message_fault(struct sipring_message *m);

SIPRING_API bool sipring_message_is_request(const struct sipring_message *m);

/* Of a response: what it answers, by its CSeq; no name where that is SIPRING_OTHER. */
SIPRING_API enum sipring_method sipring_message_method(const struct sipring_message *m);
SIPRING_API struct sipring_text sipring_message_method_name(const struct sipring_message *m);
SIPRING_API unsigned sipring_message_status(const struct sipring_message *m); /* request: 0 */
SIPRING_API struct sipring_text sipring_message_uri(const struct sipring_message *m);
SIPRING_API struct sipring_text sipring_message_body(const struct sipring_message *m);

/*
 * Header fields by name, one line at a time, in order; any case, compact forms too (§7.3.3). NULL:
 * all. Begin with a struct that is all zero:
 *
 *     struct sipring_field via = { 0 };
 *     while (sipring_message_field(m, "Via", &via))
 *             use(via.value);
 *
 * Values are trimmed; folds inside stay, lists are not taken apart. False: no more.
 */
struct sipring_field {
	struct sipring_text name, value;
	unsigned next; /* private */
};
SIPRING_API bool sipring_message_field(const struct sipring_message *m, const char *name,
				       struct sipring_field *field);

/* The value of the first such line; {NULL, 0}: there is none. */
SIPRING_API struct sipring_text sipring_message_value(const struct sipring_message *m,
						      const char *name);

/*
 * Take a From, To or Contact value apart (RFC 3261 §20.10, §25). The texts are parts of `value`.
 * False: it is none.
 */
struct sipring_address {
	struct sipring_text display; /* with its quotes; may be empty */
	struct sipring_text uri;     /* without angle brackets */
	struct sipring_text tag;     /* may be empty */
};
SIPRING_API bool sipring_address(struct sipring_text value, struct sipring_address *address);

/*
 * The tag that sipring_reply() writes into To, NUL-terminated: the same for each answer to a
 * request, to its retransmissions, and to its CANCEL and ACK (§8.2.7, §17.1.1.3). On the router's
 * thread.
 */
#define SIPRING_TAG_SIZE 17
SIPRING_API void sipring_message_tag(struct sipring_message *m, char tag[SIPRING_TAG_SIZE]);

/* ---- what becomes of a message; on the router's thread, each takes the message ---- */

/*
 * Answer a request on its connection, RFC 3261 §8.2.6 and §18.2.2: Via (with received and rport),
 * From, To (with tag), Call-ID and CSeq are copied, Content-Length is written. `reason` NULL: the
 * usual phrase. `fields`: whole header lines, each with CRLF, or NULL; among them Content-Type with
 * a `body`, which may be NULL. False: not answered but dropped, because it is an ACK or no request,
 * has no Via, or the arguments would make a broken message.
 */
SIPRING_API bool sipring_reply(struct sipring_message *m, unsigned status, const char *reason,
			       const char *fields, const char *body);

/*
 * Send it on to another connection, byte for byte but for the edits made before. False: the edits
 * did not fit (24 of them, 2 KB of text), and it was dropped. That the target is gone is told by
 * undelivered(); for a message that was kept only by orders_dropped.
 */
SIPRING_API bool sipring_forward(struct sipring_message *m, sipring_connection target);

/* Nothing comes of it: it was taken in. Of a kept message: any thread, also after the end. */
SIPRING_API void sipring_drop(struct sipring_message *m);

/*
 * Keep it beyond the handler: a copy (some 7 KB and its bytes) that the application owns; `m` is
 * decided with it, and the connection is not held up. Its decision, on the thread of its
 * connection's router (sipring_post()), frees it. NULL: out of memory; m is undecided as before. A
 * message that is kept already is returned as it is.
 */
SIPRING_API struct sipring_message *sipring_keep(struct sipring_message *m);

/*
 * Edits for sipring_forward(), as a proxy makes them (§16.6, §16.7); the accessors show the message
 * without them. Texts are copied. Each value or line may be edited once.
 *   insert: whole header lines, each with CRLF, in front of all others: Via, Record-Route.
 *   remove: the topmost value of a list field (Via, Route), or the first line of another.
 *           False: there is none.
 *   set:    the value of the first such line, or a new line: Max-Forwards.
 *   set_uri: the Request-URI.
 */
SIPRING_API void sipring_edit_insert(struct sipring_message *m, const char *lines);
SIPRING_API bool sipring_edit_remove(struct sipring_message *m, const char *name);
SIPRING_API void sipring_edit_set(struct sipring_message *m, const char *name, const char *value);
SIPRING_API void sipring_edit_uri(struct sipring_message *m, const char *uri);

/*
 * ---- orders; any thread, from sipring_start() to sipring_free() ----
 *
 * They are carried out later, in the order in which one thread gives them, and in a handler also in
 * order with its decisions. False (0): no memory, queue_messages of them are waiting already (not
 * in handlers), or the engine has ended.
 */

/*
 * Send these bytes as one message, TEXT if they are UTF-8, else BINARY; they are copied. Counted as
 * an order, then as orders_sent or orders_dropped. At most 16 MiB.
 */
SIPRING_API bool sipring_send(struct sipring *s, sipring_connection target, const void *bytes,
			      size_t len);

/*
 * Close with this code, which must be one that may be sent (RFC 6455 §7.4; 1000 says all is well),
 * and reason (at most 123 bytes; NULL: none). What was sent before is flushed. An outgoing
 * connection is not made again.
 */
SIPRING_API bool sipring_close(struct sipring *s, sipring_connection connection, unsigned code,
			       const char *reason);

/*
 * Connect to "sip:IP[:PORT];transport=ws", subprotocol sip (RFC 7118 §4), and again whenever it is
 * lost (ws_reconnect_first, ws_reconnect_max), until sipring_close(). opened() and closed() come
 * each time, with the connection that is returned. 0: also when the URI is not of this form.
 *
 * "sips:IP[:PORT];transport=ws;name=HOST" is wss:, HOST (or else the address) is verified. For it a
 * client domain must have been set up before the start: tls.ca_list=[client]FILE, or
 * tls.verify_cert=[client]1 for the system's CAs; tls.certificate=[client]FILE is ours.
 */
SIPRING_API sipring_connection sipring_connect(struct sipring *s, const char *uri);

/* Call fn(arg) on the router's thread of this connection (0: of any). */
SIPRING_API bool sipring_post(struct sipring *s, sipring_connection connection, void (*fn)(void *),
			      void *arg);

/* ---- timers; on the router's thread only ---- */

/*
 * Call fn(arg) on this thread after so many milliseconds, once. The timer is gone when it is called
 * or cancelled; those that are left at the end of the engine are never called. NULL: out of memory.
 */
struct sipring_timer; /* opaque */
SIPRING_API struct sipring_timer *sipring_after(struct sipring *s, unsigned ms, void (*fn)(void *),
						void *arg);
SIPRING_API void sipring_cancel(struct sipring_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
