/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/messages.h"
#include <stdlib.h>
#include "codec/ws_frame.h"

static const char message_text[] =
	"MESSAGE sip:bob@example.com SIP/2.0\r\n"
	"Via: SIP/2.0/WS 8pk1qv4n0t2c.invalid;branch=z9hG4bK5610243\r\n"
	"Max-Forwards: 70\r\n"
	"To: <sip:bob@example.com>\r\n"
	"From: \"Alice\" <sip:alice@example.com>;tag=q7h2m0xk1d\r\n"
	"Call-ID: 3v8s0lq5m1r7c2pw9k4y\r\n"
	"CSeq: 4201 MESSAGE\r\n"
	"Route: <sip:192.0.2.10:8080;transport=ws;lr>\r\n"
	"Contact: <sip:alice@8pk1qv4n0t2c.invalid;transport=ws>\r\n"
	"Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY\r\n"
	"Supported: ice,replaces,outbound\r\n"
	"User-Agent: bench softphone 1.0\r\n"
	"Content-Type: text/plain\r\n"
	"Content-Length: 146\r\n"
	"\r\n"
	"Good morning Bob, the meeting has moved to three in the afternoon, in the small "
	"room on the second floor. Please bring the figures of last month.\n";

static const char invite_text[] =
	"INVITE sip:bob@example.com SIP/2.0\r\n"
	"Via: SIP/2.0/WS 8pk1qv4n0t2c.invalid;branch=z9hG4bK8732190\r\n"
	"Max-Forwards: 69\r\n"
	"To: <sip:bob@example.com>\r\n"
	"From: \"Alice\" <sip:alice@example.com>;tag=2n5v9c0z8x\r\n"
	"Call-ID: o6t1y9u2i8e7w3q0\r\n"
	"CSeq: 7614 INVITE\r\n"
	"Contact: <sip:alice@8pk1qv4n0t2c.invalid;transport=ws;ob>\r\n"
	"Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY\r\n"
	"Supported: timer,ice,replaces,outbound\r\n"
	"Session-Expires: 90\r\n"
	"User-Agent: bench softphone 1.0\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 2077\r\n"
	"\r\n"
	"v=0\r\n"
	"o=- 5190286410387761205 2 IN IP4 127.0.0.1\r\n"
	"s=-\r\n"
	"t=0 0\r\n"
	"a=group:BUNDLE 0\r\n"
	"a=extmap-allow-mixed\r\n"
	"a=msid-semantic: WMS 1f0c7d52-93be-4a08-b6a4-7c5e20d91f36\r\n"
	"m=audio 40112 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
	"c=IN IP4 192.0.2.33\r\n"
	"a=rtcp:9 IN IP4 0.0.0.0\r\n"
	"a=candidate:1467250027 1 udp 2122260223 192.0.2.33 40112 typ host generation 0 "
	"network-id 1 network-cost 10\r\n"
	"a=candidate:3817024471 1 udp 2122194687 198.51.100.7 51830 typ host generation 0 "
	"network-id 2 network-cost 50\r\n"
	"a=candidate:435653019 1 tcp 1518280447 192.0.2.33 9 typ host tcptype active "
	"generation 0 network-id 1 network-cost 10\r\n"
	"a=candidate:2999745851 1 udp 1686052607 203.0.113.90 61442 typ srflx raddr 192.0.2.33 "
	"rport 40112 generation 0 network-id 1 network-cost 10\r\n"
	"a=candidate:1094520331 1 udp 2122262783 2001:db8:5:1::33 58214 typ host generation 0 "
	"network-id 3 network-cost 10\r\n"
	"a=candidate:2160984117 1 tcp 1518283007 2001:db8:5:1::33 9 typ host tcptype active "
	"generation 0 network-id 3 network-cost 10\r\n"
	"a=candidate:3710852246 1 udp 41885695 203.0.113.5 55017 typ relay raddr 203.0.113.90 "
	"rport 61442 generation 0 network-id 1 network-cost 10\r\n"
	"a=ice-ufrag:Kw3T\r\n"
	"a=ice-pwd:p1Y7bQz0sLr5mXv9cGd2HfJn\r\n"
	"a=ice-options:trickle\r\n"
	"a=fingerprint:sha-256 5B:0E:91:7A:C4:2D:36:F8:1C:A9:60:4F:D7:83:B2:EE:19:75:"
	"0A:CB:54:98:3D:F1:26:87:BE:40:6C:D9:12:A3\r\n"
	"a=setup:actpass\r\n"
	"a=mid:0\r\n"
	"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
	"a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
	"a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
	"a=sendrecv\r\n"
	"a=msid:1f0c7d52-93be-4a08-b6a4-7c5e20d91f36 84e6a1c9-2b70-4d1f-9e35-c06b7f48d213\r\n"
	"a=rtcp-mux\r\n"
	"a=rtcp-rsize\r\n"
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
	"a=ssrc:2871930456 cname:Vt8qLw2ZsX5nRb1K\r\n"
	"a=ssrc:2871930456 msid:1f0c7d52-93be-4a08-b6a4-7c5e20d91f36 "
	"84e6a1c9-2b70-4d1f-9e35-c06b7f48d213\r\n";

static const char register_text[] =
	"REGISTER sip:example.com SIP/2.0\r\n"
	"Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK1930277\r\n"
	"Max-Forwards: 69\r\n"
	"To: <sip:bob@example.com>\r\n"
	"From: <sip:bob@example.com>;tag=v4x9p1s7d0\r\n"
	"Call-ID: 7n2k5h8d1f4s6a9q0w3e5r\r\n"
	"CSeq: 82 REGISTER\r\n"
	"Contact: <sip:bob@df7jal23ls0d.invalid;transport=ws>;"
	"+sip.instance=\"<urn:uuid:0c8e5a1f-7b32-4d96-a0e4-91f5d27b6c38>\";reg-id=1;expires=600\r\n"
	"Expires: 600\r\n"
	"Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY\r\n"
	"Supported: path,gruu,outbound\r\n"
	"User-Agent: bench softphone 1.0\r\n"
	"Content-Length: 0\r\n"
	"\r\n";

static const char options_text[] = "OPTIONS sip:example.com SIP/2.0\r\n"
				   "Via: SIP/2.0/WS 8pk1qv4n0t2c.invalid;branch=z9hG4bK7725098\r\n"
				   "Max-Forwards: 70\r\n"
				   "To: <sip:example.com>\r\n"
				   "From: <sip:alice@example.com>;tag=d8s2k4m6n1\r\n"
				   "Call-ID: 5b8m2n9c4x7z1l3k6j0h\r\n"
				   "CSeq: 17 OPTIONS\r\n"
				   "Content-Length: 0\r\n"
				   "\r\n";

struct span
messages_message(void)
{
	return SPAN(message_text);
}

struct span
messages_invite(void)
{
	return SPAN(invite_text);
}

struct span
messages_options(void)
{
	return SPAN(options_text);
}

struct span
messages_register(void)
{
	return SPAN(register_text);
}

uint8_t *
messages_frame(struct span text, size_t *len)
{
	static const uint8_t key[4] = { 0 };
	uint8_t *frame = malloc(WS_HEADER_MAX + text.len);
	size_t header;

	if (!frame)
		abort();
	header = ws_frame_write_header(frame, WS_OP_TEXT, true, text.len, key);
	memcpy(frame + header, text.at, text.len);
	*len = header + text.len;
	return frame;
}
