/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/scenario.h"

#include <string.h>

#define VIA "Via: SIP/2.0/{transport} {token}.invalid;branch=z9hG4bK{run}{client}{op}{try}\r\n"
#define AOR "<sip:w{client}@{domain}>"
#define CONTACT "Contact: <sip:w{client}@{token}.invalid;transport=ws>"

static const char options_head[] = "OPTIONS sip:{domain} SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
				   "To: <sip:{domain}>\r\n"
				   "From: " AOR ";tag=f{client}\r\n"
				   "Call-ID: {client}{op}@{run}\r\n"
				   "CSeq: {try} OPTIONS\r\n"
				   "Accept: application/sdp\r\n"
				   "User-Agent: wsload\r\n"
				   "Content-Length: {length}\r\n\r\n";

/* All of a client's REGISTERs have one Call-ID, and CSeq counts them (RFC 3261 §10.2). */
static const char register_head[] = "REGISTER sip:{domain} SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
				    "To: " AOR "\r\n"
				    "From: " AOR ";tag=r{client}\r\n"
				    "Call-ID: {client}@{run}\r\n"
				    "CSeq: {cseq} REGISTER\r\n" CONTACT ";expires=3600\r\n"
				    "Supported: path\r\n"
				    "User-Agent: wsload\r\n"
				    "Content-Length: {length}\r\n\r\n";

static const char message_head[] =
	"MESSAGE sip:w{peer}@{domain} SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
	"To: <sip:w{peer}@{domain}>\r\n"
	"From: " AOR ";tag=f{client}\r\n"
	"Call-ID: {client}{op}@{run}\r\n"
	"CSeq: {try} MESSAGE\r\n"
	"Content-Type: text/plain\r\n"
	"User-Agent: wsload\r\n"
	"Content-Length: {length}\r\n\r\n";

/* What a browser offers for a call with sound: Chromium's, with addresses and keys made up. */
static const char sdp[] =
	"v=0\r\n"
	"o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n"
	"s=-\r\n"
	"t=0 0\r\n"
	"a=group:BUNDLE 0\r\n"
	"a=extmap-allow-mixed\r\n"
	"a=msid-semantic: WMS 7c1f9a52-4a0e-4f6c-9d3e-0c5b2f1a8e77\r\n"
	"m=audio 54609 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
	"c=IN IP4 192.0.2.17\r\n"
	"a=rtcp:9 IN IP4 0.0.0.0\r\n"
	"a=candidate:2999745851 1 udp 2122260223 192.0.2.17 54609 typ host generation 0"
	" network-id 1 network-cost 10\r\n"
	"a=candidate:842163049 1 udp 1686052607 198.51.100.9 54609 typ srflx raddr 192.0.2.17"
	" rport 54609 generation 0 network-id 1 network-cost 10\r\n"
	"a=candidate:4233069003 1 tcp 1518280447 192.0.2.17 9 typ host tcptype active"
	" generation 0 network-id 1 network-cost 10\r\n"
	"a=ice-ufrag:q4Xz\r\n"
	"a=ice-pwd:Lh2kWc9Vf0TnYs7PbGd3RmEj\r\n"
	"a=ice-options:trickle\r\n"
	"a=fingerprint:sha-256 5B:0C:2E:91:47:D3:A8:6F:10:B4:7D:E2:39:C5:88:1A:F6:04:9B:73:"
	"2D:EE:51:C0:A7:38:64:9F:1B:D2:06:85\r\n"
	"a=setup:actpass\r\n"
	"a=mid:0\r\n"
	"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
	"a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
	"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
	"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
	"a=sendrecv\r\n"
	"a=msid:7c1f9a52-4a0e-4f6c-9d3e-0c5b2f1a8e77 2b8e61d4-93c7-4d15-8f02-6a7e5c4b3d90\r\n"
	"a=rtcp-mux\r\n"
	"a=rtpmap:111 opus/48000/2\r\n"
	"a=rtcp-fb:111 transport-cc\r\n"
	"a=fmtp:111 minptime=10;useinbandfec=1\r\n"
	"a=rtpmap:63 red/48000/2\r\n"
	"a=fmtp:63 111/111\r\n"
	"a=rtpmap:9 G722/8000\r\n"
	"a=rtpmap:0 PCMU/8000\r\n"
	"a=rtpmap:8 PCMA/8000\r\n"
	"a=rtpmap:13 CN/8000\r\n"
	"a=rtpmap:110 telephone-event/48000\r\n"
	"a=rtpmap:126 telephone-event/8000\r\n"
	"a=ssrc:2734610518 cname:Jm5rTq8VxZ0aLw2d\r\n"
	"a=ssrc:2734610518 msid:7c1f9a52-4a0e-4f6c-9d3e-0c5b2f1a8e77"
	" 2b8e61d4-93c7-4d15-8f02-6a7e5c4b3d90\r\n";

static const char invite_head[] =
	"INVITE sip:w{peer}@{domain} SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
	"To: <sip:w{peer}@{domain}>\r\n"
	"From: " AOR ";tag=f{client}\r\n"
	"Call-ID: {client}{op}@{run}\r\n"
	"CSeq: {try} INVITE\r\n" CONTACT "\r\n"
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE\r\n"
	"Supported: outbound\r\n"
	"Content-Type: application/sdp\r\n"
	"User-Agent: wsload\r\n"
	"Content-Length: {length}\r\n\r\n";

/*
 * The tag is that of the partner; the start line is replaced by one with its Contact. BYE counts
 * on from beyond every INVITE (RFC 3261 §12.2.1.1).
 */
#define IN_DIALOG(method, number, letter)                                                          \
	method " sip:w{peer}@{peer_token}.invalid;transport=ws SIP/2.0\r\n"                        \
	       "Via: SIP/2.0/{transport} {token}.invalid;branch=z9hG4bK" letter                    \
	       "{run}{client}{op}{try}\r\n"                                                        \
	       "Max-Forwards: 70\r\n"                                                              \
	       "To: <sip:w{peer}@{domain}>;tag={peer}\r\n"                                         \
	       "From: " AOR ";tag=f{client}\r\n"                                                   \
	       "Call-ID: {client}{op}@{run}\r\n"                                                   \
	       "CSeq: " number " " method "\r\n"                                                   \
	       "User-Agent: wsload\r\n"                                                            \
	       "Content-Length: {length}\r\n\r\n"

static const char ack_head[] = IN_DIALOG("ACK", "{try}", "a");
static const char bye_head[] = IN_DIALOG("BYE", "1{try}", "b");

static const struct {
	const char *name;
	struct scenario_text text;
} requests[SCENARIO_KINDS] = {
	[SCENARIO_OPTIONS] = { "options", { options_head, "" } },
	[SCENARIO_REGISTER] = { "register", { register_head, "" } },
	[SCENARIO_MESSAGE] = { "message", { message_head, "{client}{op} {filler}" } },
	[SCENARIO_CALL] = { "call", { invite_head, sdp } },
	[SCENARIO_ECHO] = { "echo", { "{client}{op}{raw_filler}", "" } },
};

static const struct scenario scenarios[] = {
	{ .name = "options",
	  .about = "OPTIONS to the server and its 200",
	  .kind = SCENARIO_OPTIONS },
	{ .name = "register",
	  .about = "register, then refresh it",
	  .kind = SCENARIO_REGISTER,
	  .registers = true,
	  .serial = true },
	{ .name = "message",
	  .about = "MESSAGE from one registered client to another and its 200 back",
	  .kind = SCENARIO_MESSAGE,
	  .registers = true,
	  .pairs = true },
	{ .name = "call",
	  .about = "INVITE, 180, 200, ACK, BYE, 200 between registered clients",
	  .kind = SCENARIO_CALL,
	  .registers = true,
	  .pairs = true },
	{ .name = "mixed",
	  .about = "all of these at once, by the weights of --mix",
	  .registers = true,
	  .pairs = true,
	  .mixes = true },
	{ .name = "churn",
	  .about = "connect, upgrade, OPTIONS and its 200, Close both ways",
	  .kind = SCENARIO_OPTIONS,
	  .churns = true,
	  .serial = true },
	{ .name = "storm",
	  .about = "all connections of registered clients break at once; all come back, by "
		   "--backoff",
	  .kind = SCENARIO_REGISTER,
	  .registers = true,
	  .serial = true,
	  .storms = true },
	{ .name = "idle",
	  .about = "connections that do nothing",
	  .kind = SCENARIO_OPTIONS,
	  .idles = true },
	{ .name = "hold",
	  .about = "registered connections, held for the warm-up; then one OPTIONS of each",
	  .kind = SCENARIO_OPTIONS,
	  .registers = true,
	  .once = true,
	  .serial = true },
	{ .name = "echo",
	  .about = "WebSocket messages that come back, for servers without SIP",
	  .kind = SCENARIO_ECHO },
};

#define SCENARIOS (sizeof(scenarios) / sizeof(*scenarios))

const struct scenario *
scenario_find(const char *name)
{
	for (size_t i = 0; i < SCENARIOS; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	return NULL;
}

const struct scenario *
scenario_at(unsigned i)
{
	return i < SCENARIOS ? &scenarios[i] : NULL;
}

const char *
scenario_kind_name(enum scenario_kind kind)
{
	return requests[kind].name;
}

struct scenario_text
scenario_request(enum scenario_kind kind)
{
	return requests[kind].text;
}

const char *
scenario_ack_head(void)
{
	return ack_head;
}

const char *
scenario_bye_head(void)
{
	return bye_head;
}
