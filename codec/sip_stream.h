/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_STREAM_H
#define CODEC_SIP_STREAM_H
/*
 * SIP messages in a byte stream (TCP, TLS): where each one ends, RFC 3261 §18.3; and the
 * keep-alives between them, RFC 5626 §3.5.1. Says where things are, copies nothing, and does not
 * look into a message but for its Content-Length.
 *
 * The caller keeps the bytes of an unfinished message and gives them again with more behind them.
 * Any thread, one at a time.
 */
#include <stddef.h>
#include <stdint.h>

enum sip_stream_event {
	SIP_STREAM_MORE,    /* the message is not whole; give it again with more */
	SIP_STREAM_MESSAGE, /* a whole message of *used bytes */
	SIP_STREAM_PING,    /* CRLFCRLF: answer with one CRLF */
	SIP_STREAM_BLANK,   /* CRLF: a pong, or an empty line in front of a message (§7.5) */
	SIP_STREAM_TOO_BIG, /* head or whole message longer than allowed */
	SIP_STREAM_BROKEN,  /* no Content-Length, or none that is a number: no end can be found */
};

/* Of one stream; all zero at its beginning and after each event but MORE. */
struct sip_stream {
	uint32_t seen; /* bytes that hold no end of a head */
	uint32_t need; /* bytes of the whole message; 0: its head is not whole */
};

/*
 * What is at the beginning of bytes[0..len)? No message is longer than `max`. After TOO_BIG and
 * BROKEN the stream is of no use any more.
 */
enum sip_stream_event sip_stream_next(struct sip_stream *s, const char *bytes, size_t len,
				      uint32_t max, uint32_t *used);

#endif
