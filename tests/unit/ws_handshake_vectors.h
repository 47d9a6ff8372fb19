/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_WS_HANDSHAKE_VECTORS_H
#define TESTS_UNIT_WS_HANDSHAKE_VECTORS_H
/*
 * Opening handshakes and what the server must make of them, when it wants the subprotocol "sip"
 * and a target of at most 100 bytes.
 */
#include <stddef.h>
#include "codec/ws_handshake.h"

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: example.org\r\n"
#define UPG "Upgrade: websocket\r\n"
#define CONN "Connection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VER "Sec-WebSocket-Version: 13\r\n"
#define SIP "Sec-WebSocket-Protocol: sip\r\n"
#define ALL HOST UPG CONN KEY VER SIP
#define END "\r\n"

/* ---- requests that are refused ---- */

static const struct refused {
	const char *text;
	size_t len;
	enum ws_handshake_error error;
	size_t at; /* bytes after which it is told; 0: not looked at */
} refused[] = {
#define NO(error, text) { text, sizeof(text) - 1, WS_HANDSHAKE_##error, 0 }
#define NO_AT(error, at, text) { text, sizeof(text) - 1, WS_HANDSHAKE_##error, at }
	/* what is no HTTP, at the byte that rules it out */
	NO_AT(NOT_HTTP, 1, "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"), /* TLS ClientHello */
	NO_AT(NOT_HTTP, 5, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
	NO_AT(NOT_HTTP, 1, "\x00\x00\x00\x00"),
	NO_AT(NOT_HTTP, 1, "\x10\x0C\x00\x04MQTT"),
	NO_AT(NOT_HTTP, 1, "\xFF\xFE"),
	NO_AT(NOT_HTTP, 1, "\x80\x05"),
	NO_AT(NOT_HTTP, 1, " " GET ALL END),
	NO_AT(NOT_HTTP, 1, "\n" GET ALL END),
	NO_AT(NOT_HTTP, 3, "GE\x00 / HTTP/1.1\r\n"),
	NO_AT(NOT_HTTP, 4, "GET\t/ HTTP/1.1\r\n" ALL END),
	NO_AT(NOT_HTTP, 4, "GET\r\n" ALL END),
	NO_AT(NOT_HTTP, 2, "\rGET / HTTP/1.1\r\n" ALL END),
	NO_AT(NOT_HTTP, 3, "\r\n\r\n" GET ALL END), /* one empty line, not two: RFC 9112 §2.2 */
	NO_AT(NOT_HTTP, 25, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
	NO_AT(NOT_HTTP, 8, "GET / HXTP/1.1\r\n" ALL END),
	NO_AT(NOT_HTTP, 7, "GET / http/1.1\r\n" ALL END),
	NO_AT(NOT_HTTP, 11, "GET / HTTPS/1.1\r\n" ALL END),
	NO_AT(NOT_HTTP, 13, "GET / HTTP/1,1\r\n" ALL END),
	NO_AT(NOT_HTTP, 15, "GET / HTTP/1.1\n" ALL END), /* bare LF */
	NO_AT(NOT_HTTP, 15, "GET / HTTP/1.1 \r\n" ALL END),
	NO_AT(NOT_HTTP, 15, "GET / HTTP/1.10\r\n" ALL END),
	NO_AT(NOT_HTTP, 16, "GET / HTTP/1.1\r\r\n" ALL END),
	/* W-S-01: method and version */
	NO_AT(METHOD, 5, "POST / HTTP/1.1\r\n" ALL END),
	NO_AT(METHOD, 8, "OPTIONS * HTTP/1.1\r\n" ALL END),
	NO_AT(METHOD, 4, "get / HTTP/1.1\r\n" ALL END),
	NO_AT(METHOD, 4, "Get / HTTP/1.1\r\n" ALL END),
	NO_AT(METHOD, 5, "GETX / HTTP/1.1\r\n" ALL END),
	NO_AT(METHOD, 3, "GE / HTTP/1.1\r\n" ALL END),
	NO_AT(METHOD, 8, "CONNECT example.org:443 HTTP/1.1\r\n" ALL END),
	NO_AT(METHOD, 4, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	NO_AT(METHOD, 5, "HELO example.org\r\n"),
	NO_AT(HTTP_VERSION, 14, "GET / HTTP/1.0\r\n" ALL END),
	NO_AT(HTTP_VERSION, 12, "GET / HTTP/2.0\r\n" ALL END),
	NO_AT(HTTP_VERSION, 12, "GET / HTTP/0.9\r\n" ALL END),
	NO_AT(HTTP_VERSION, 6, "GET /\r\n"),
	/* W-S-07: the target */
	NO_AT(TARGET, 5, "GET  / HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 5, "GET * HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 5, "GET example.org HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 5, "GET ws://example.org/ HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 9, "GET httpx://example.org/ HTTP/1.1\r\n" ALL END),
	NO(TARGET, "GET http HTTP/1.1\r\n" ALL END),
	NO(TARGET, "GET http:// HTTP/1.1\r\n" ALL END),
	NO(TARGET, "GET http:///path HTTP/1.1\r\n" ALL END),
	NO(TARGET, "GET http://user@example.org/ HTTP/1.1\r\n" ALL END),
	NO(TARGET, "GET http://[::1/ HTTP/1.1\r\n" ALL END),
	NO(TARGET, "GET http://example.org/[a] HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 7, "GET /a#fragment HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 6, "GET /\x00 HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 6, "GET /\xC3\xA9 HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 7, "GET /%zz HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 8, "GET /%4 HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 6, "GET /\"quoted\" HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 6, "GET /\\ HTTP/1.1\r\n" ALL END),
	NO_AT(TARGET, 6, "GET /\tHTTP/1.1\r\n" ALL END),
	/* W-S-07: field lines */
	NO(FIELD_SYNTAX, GET " " ALL END), /* white space before the first field */
	NO(FIELD_SYNTAX, GET "\tX: y\r\n" ALL END),
	NO(FIELD_SYNTAX, GET HOST " folded\r\n" UPG CONN KEY VER SIP END),
	NO(FIELD_SYNTAX, GET "X-Long: a,\r\n\tb\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "Host : example.org\r\n" UPG CONN KEY VER SIP END),
	NO(FIELD_SYNTAX, GET "Host\t: example.org\r\n" UPG CONN KEY VER SIP END),
	NO(FIELD_SYNTAX, GET ": no name\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "no colon\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "token\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "X(y): z\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "X\xE9: z\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "Host: example.org\n" UPG CONN KEY VER SIP END), /* bare LF */
	NO(FIELD_SYNTAX, GET "Host: example.org\r" UPG CONN KEY VER SIP END), /* bare CR */
	NO(FIELD_SYNTAX, GET ALL "\n"),
	NO(FIELD_SYNTAX, GET ALL "\rX"),
	NO(FIELD_SYNTAX, GET "X: a\x00" "b\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "X\x00: a\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "X: a\x01\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "X: a\x7F\r\n" ALL END),
	NO(FIELD_SYNTAX, GET "X: a\x0B" "b\r\n" ALL END),
	/* W-S-02: Host */
	NO(HOST_MISSING, GET UPG CONN KEY VER SIP END),
	NO(HOST_TWICE, GET HOST HOST UPG CONN KEY VER SIP END),
	NO(HOST_TWICE, GET HOST "HOST: other.example.org\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host:\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: a b\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: a, b\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: http://example.org/\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: user@example.org\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: example.org:65536\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: example.org:80a\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: :80\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: ::1\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: [::1\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: [::1]80\r\n" UPG CONN KEY VER SIP END),
	NO(HOST_SYNTAX, GET "Host: [1:2:3]\r\n" UPG CONN KEY VER SIP END),
	/* W-S-03: Upgrade */
	NO(UPGRADE_MISSING, GET HOST END),
	NO(UPGRADE_MISSING, GET HOST CONN KEY VER SIP END),
	NO(UPGRADE_MISSING, GET HOST "Upgrade: websockets\r\n" CONN KEY VER SIP END),
	NO(UPGRADE_MISSING, GET HOST "Upgrade: notwebsocket\r\n" CONN KEY VER SIP END),
	NO(UPGRADE_MISSING, GET HOST "Upgrade: web-socket\r\n" CONN KEY VER SIP END),
	NO(UPGRADE_MISSING, GET HOST "Upgrade: websocket/13\r\n" CONN KEY VER SIP END),
	NO(UPGRADE_MISSING, GET HOST "Upgrade: h2c\r\n" CONN KEY VER SIP END),
	NO(UPGRADE_MISSING, GET HOST "Upgrade:\r\n" CONN KEY VER SIP END),
	NO(FIELD_SYNTAX, GET HOST "Upgrade: web socket\r\n" CONN KEY VER SIP END),
	NO(FIELD_SYNTAX, GET HOST "Upgrade: \"websocket\"\r\n" CONN KEY VER SIP END),
	NO(FIELD_SYNTAX, GET HOST "Upgrade: websocket; q=1\r\n" CONN KEY VER SIP END),
	/* W-S-04: Connection */
	NO(CONNECTION_MISSING, GET HOST UPG KEY VER SIP END),
	NO(CONNECTION_MISSING, GET HOST UPG "Connection: keep-alive\r\n" KEY VER SIP END),
	NO(CONNECTION_MISSING, GET HOST UPG "Connection: Upgrades\r\n" KEY VER SIP END),
	NO(CONNECTION_MISSING, GET HOST UPG "Connection: no-upgrade\r\n" KEY VER SIP END),
	NO(CONNECTION_MISSING, GET HOST UPG "Connection: upgrade-insecure\r\n" KEY VER SIP END),
	NO(FIELD_SYNTAX, GET HOST UPG "Connection: keep-alive Upgrade\r\n" KEY VER SIP END),
	NO(FIELD_SYNTAX, GET HOST UPG "Connection: Upgrade/1\r\n" KEY VER SIP END),
	/* W-S-05: the key */
#define WITH_KEY(key) GET HOST UPG CONN "Sec-WebSocket-Key: " key "\r\n" VER SIP END
	NO(KEY_MISSING, GET HOST UPG CONN VER SIP END),
	NO(KEY_TWICE, GET HOST UPG CONN KEY KEY VER SIP END),
	NO(KEY_SYNTAX, WITH_KEY("")),
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25jZQ=")),
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25jZQ")),
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25jZQ===")),
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25jZWE=")), /* 17 bytes */
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25jZWFi")), /* 18 bytes */
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25j")),     /* 15 bytes */
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25j-_==")), /* another alphabet */
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25jZ-==")),
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25jZ===")),
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub2 jZQ==")),
	NO(KEY_SYNTAX, WITH_KEY("dGhl=HNhbXBsZSBub25jZQ==")),
	NO(KEY_SYNTAX, WITH_KEY("dGhlIHNhbXBsZSBub25jZQ==, x")),
	/* W-S-06: the version */
#define WITH_VERSION(version) \
	GET HOST UPG CONN KEY "Sec-WebSocket-Version: " version "\r\n" SIP END
	NO(VERSION_MISSING, GET HOST UPG CONN KEY SIP END),
	NO(VERSION_TWICE, GET HOST UPG CONN KEY VER VER SIP END),
	NO(VERSION, WITH_VERSION("8")),
	NO(VERSION, WITH_VERSION("14")),
	NO(VERSION, WITH_VERSION("13, 8")),
	NO(VERSION, WITH_VERSION("013")),
	NO(VERSION, WITH_VERSION("1 3")),
	NO(VERSION, WITH_VERSION("")),
	NO(VERSION, WITH_VERSION("thirteen")),
	/* S-01, W-S-10: the subprotocol */
#define WITH_PROTOCOL(value) \
	GET HOST UPG CONN KEY VER "Sec-WebSocket-Protocol: " value "\r\n" END
	NO(PROTOCOL_MISSING, GET HOST UPG CONN KEY VER END),
	NO(PROTOCOL_MISSING, WITH_PROTOCOL("sips")),
	NO(PROTOCOL_MISSING, WITH_PROTOCOL("xsip, msrp")),
	NO(PROTOCOL_MISSING, WITH_PROTOCOL("SIP")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL("")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL(" , ,")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL("sip msrp")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL("sip;q=1")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL("\"sip\"")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL("sip, sip")),
	NO(PROTOCOL_SYNTAX, GET HOST UPG CONN KEY VER SIP SIP END),
	/* W-S-11: the grammar of extensions */
#define WITH_EXTENSION(value) GET ALL "Sec-WebSocket-Extensions: " value "\r\n" END
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("a b")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("; x")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("a; =1")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("a; x=")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("a; x=\"1")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("a; x=\"b c\"")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("a;")),
	/* W-S-07: one Origin, and no body */
	NO(ORIGIN_TWICE, GET ALL "Origin: http://a\r\nOrigin: http://b\r\n" END),
	NO(BODY, GET ALL "Content-Length: 5\r\n" END "hello"),
	NO(BODY, GET ALL "Content-Length: 00001\r\n" END),
	NO(BODY, GET ALL "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n"),
	NO(BODY, GET ALL "Transfer-Encoding: identity\r\n" END),
	NO(FIELD_SYNTAX, GET ALL "Content-Length:\r\n" END),
	NO(FIELD_SYNTAX, GET ALL "Content-Length: +0\r\n" END),
	NO(FIELD_SYNTAX, GET ALL "Content-Length: 0, 0\r\n" END),
	NO(FIELD_SYNTAX, GET ALL "Content-Length: -1\r\n" END),
	NO(LENGTH_TWICE, GET ALL "Content-Length: 0\r\nContent-Length: 0\r\n" END),
	NO(LENGTH_TWICE, GET ALL "Content-Length: 0\r\ncontent-length: 5\r\n" END),
#undef NO
#undef NO_AT
};

/* ---- requests that are good ---- */

static const struct accepted {
	const char *text;
	size_t len;
	const char *path, *query, *host;
} accepted[] = {
#define YES(path, query, host, text) { text, sizeof(text) - 1, path, query, host }
	YES("/", "", "example.org", GET ALL END),
	YES("/", "", "example.org", GET SIP VER KEY CONN UPG HOST END),
	YES("/", "", "example.org", "\r\n" GET ALL END), /* RFC 9112 §2.2 */
	YES("/", "", "example.org", "GET / HTTP/1.2\r\n" ALL END),
	YES("/ws/sip", "", "example.org", "GET /ws/sip HTTP/1.1\r\n" ALL END),
	YES("/a", "b=c&d=%2F/?", "example.org", "GET /a?b=c&d=%2F/? HTTP/1.1\r\n" ALL END),
	YES("/", "", "example.org", "GET /? HTTP/1.1\r\n" ALL END),
	YES("//x", "", "example.org", "GET //x HTTP/1.1\r\n" ALL END),
	YES("/p", "", "a.example:81", "GET http://a.example:81/p HTTP/1.1\r\n" ALL END),
	YES("/", "", "a.example", "GET HTTP://a.example HTTP/1.1\r\n" ALL END),
	YES("/", "q", "[::1]:8080", "GET https://[::1]:8080?q HTTP/1.1\r\n" ALL END),
#define WITH_HOST(host) YES("/", "", host, GET "Host: " host "\r\n" UPG CONN KEY VER SIP END)
	WITH_HOST("127.0.0.1:8080"),
	WITH_HOST("[::1]"),
	WITH_HOST("[2001:db8::1]:443"),
	WITH_HOST("[::ffff:192.0.2.1]:80"),
	WITH_HOST("example.org:"),
	WITH_HOST("x_y-z.example"),
#define WITH(fields) YES("/", "", "example.org", GET fields END)
	WITH("HOST:example.org\r\nUPGRADE:WEBSOCKET\r\nCONNECTION:UPGRADE\r\n"
	     "sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\r\nSEC-WEBSOCKET-VERSION:13\r\n"
	     "sec-websocket-protocol:sip\r\n"),
	WITH("Host: \t example.org \t\r\n" UPG CONN KEY VER SIP),
	WITH(HOST "Upgrade: h2c, WebSocket\r\n" CONN KEY VER SIP),
	WITH(HOST "Upgrade: h2c\r\n" UPG CONN KEY VER SIP),
	WITH(HOST "Upgrade: TLS/1.0 , ,websocket\r\n" CONN KEY VER SIP),
	WITH(HOST UPG "Connection: keep-alive, Upgrade\r\n" KEY VER SIP),
	WITH(HOST UPG "Connection: keep-alive\r\nConnection: ,upgrade,\r\n" KEY VER SIP),
	WITH(HOST UPG CONN KEY VER "Sec-WebSocket-Protocol: msrp, sip\r\n"),
	WITH(HOST UPG CONN KEY VER "Sec-WebSocket-Protocol: msrp\r\n" SIP),
	WITH(HOST UPG CONN KEY VER "Sec-WebSocket-Protocol: ,sip,,xmpp\r\n"),
	WITH(HOST UPG CONN "Sec-WebSocket-Key:\tdGhlIHNhbXBsZSBub25jZQ==  \r\n" VER SIP),
	WITH(ALL "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
	WITH(ALL "Sec-WebSocket-Extensions: a ;x = \"1\" , b\r\n"
		 "Sec-WebSocket-Extensions: c; d=e\r\n"),
	WITH(ALL "Content-Length: 0\r\n"),
	WITH(ALL "Origin: http://example.org\r\n"),
	WITH(ALL "Origin: null\r\n"),
	WITH(ALL "Empty:\r\nX: obs\xE9text\r\nX-!#$%&'*+.^_`|~: y\r\n"),
#undef YES
};

#endif
