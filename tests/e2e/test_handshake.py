# SPDX-License-Identifier: Apache-2.0
"""Opening handshakes over real sockets: what must fail, what must succeed, W-S-01..18."""

import re
import time
import unittest

import harness
import tls
from ws import DEADLINE, TEXT, Ws, WsError, frame

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3; 16 octets
HOST = (b"Host", b"127.0.0.1")
GOOD = [
    HOST,
    (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade"),
    (b"Sec-WebSocket-Key", KEY),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Protocol", b"sip"),
    (b"Origin", b"http://example.org"),
]


def head(start=b"GET / HTTP/1.1", fields=None, eol=b"\r\n", end=None, **change):
    """A handshake with fields changed: underscores stand for dashes; None drops, a list repeats."""
    change = {k.replace("_", "-").lower().encode(): v for k, v in change.items()}
    lines = [start]
    for name, value in (GOOD if fields is None else fields):
        new = change.pop(name.lower(), value)
        for one in new if isinstance(new, list) else [new]:
            if one is not None:
                lines.append(name + b": " + one)
    lines += [k + b": " + v for k, v in change.items()]
    return eol.join(lines) + (eol * 2 if end is None else end)


def plus(*lines, start=b"GET / HTTP/1.1"):
    """A good handshake with raw lines added after Host."""
    good = head(start)
    at = good.index(b"Upgrade:")
    return good[:at] + b"".join(x + b"\r\n" for x in lines) + good[at:]


# name -> (octets, status)
REFUSED = {
    # W-S-01: method and version
    "POST": (head(b"POST / HTTP/1.1"), 405),
    "HEAD": (head(b"HEAD / HTTP/1.1"), 405),
    "OPTIONS *": (head(b"OPTIONS * HTTP/1.1"), 405),
    "get in lower case": (head(b"get / HTTP/1.1"), 405),
    "CONNECT": (head(b"CONNECT 127.0.0.1:80 HTTP/1.1"), 405),
    "HTTP/1.0": (head(b"GET / HTTP/1.0"), 505),
    "HTTP/0.9 with a version": (head(b"GET / HTTP/0.9"), 505),
    "HTTP/2.0 in words": (head(b"GET / HTTP/2.0"), 505),
    "no version": (head(b"GET /"), 505),
    "version in lower case": (head(b"GET / http/1.1"), 400),
    "HTTP/1": (head(b"GET / HTTP/1"), 400),
    "HTTP/1.1x": (head(b"GET / HTTP/1.1x"), 400),
    "HTTP/11.1": (head(b"GET / HTTP/11.1"), 400),
    "another protocol's version": (head(b"GET / SIP/2.0"), 400),
    "two spaces before the target": (head(b"GET  / HTTP/1.1"), 400),
    "two spaces after the target": (head(b"GET /  HTTP/1.1"), 400),
    "tab as separator": (head(b"GET\t/\tHTTP/1.1"), 400),
    "space at the end of the request line": (head(b"GET / HTTP/1.1 "), 400),
    "space in front": (head(b" GET / HTTP/1.1"), 400),
    "four words": (head(b"GET / x HTTP/1.1"), 400),
    # W-S-07: target
    "target without slash": (head(b"GET chat HTTP/1.1"), 400),
    "target with a fragment": (head(b"GET /a#b HTTP/1.1"), 400),
    "control octet in the target": (head(b"GET /a\x01b HTTP/1.1"), 400),
    "NUL in the target": (head(b"GET /\0 HTTP/1.1"), 400),
    "octet above 127 in the target": (head(b"GET /\xc3\xa4 HTTP/1.1"), 400),
    "bad escape in the target": (head(b"GET /%zz HTTP/1.1"), 400),
    "asterisk": (head(b"GET * HTTP/1.1"), 400),
    "target of 2049 octets": (head(b"GET /" + b"a" * 2048 + b" HTTP/1.1"), 414),
    "target of 7000 octets": (head(b"GET /" + b"a" * 6999 + b" HTTP/1.1"), 414),
    # W-S-02, W-S-07: Host
    "no Host": (head(host=None), 400),
    "two Hosts": (head(host=[b"a.example", b"b.example"]), 400),
    "two equal Hosts": (head(host=[b"a.example", b"a.example"]), 400),
    "Host with a space": (head(host=b"a b"), 400),
    "Host with a path": (head(host=b"a/b"), 400),
    "Host with user": (head(host=b"u@a"), 400),
    "Host with a port of letters": (head(host=b"a:http"), 400),
    "Host with a port over 65535": (head(host=b"a:65536"), 400),
    "Host with an open bracket": (head(host=b"[::1"), 400),
    "Host with a comma list": (head(host=b"a.example, b.example"), 400),
    # W-S-03: Upgrade
    "no Upgrade": (head(upgrade=None), 426),
    "empty Upgrade": (head(upgrade=b""), 426),
    "Upgrade: websockets": (head(upgrade=b"websockets"), 426),
    "Upgrade: xwebsocket": (head(upgrade=b"xwebsocket"), 426),
    "Upgrade: web socket": (head(upgrade=b"web socket"), 400),
    "Upgrade: h2c": (head(upgrade=b"h2c"), 426),
    "Upgrade: quoted": (head(upgrade=b'"websocket"'), 400),
    # W-S-04: Connection
    "no Connection": (head(connection=None), 400),
    "Connection: keep-alive": (head(connection=b"keep-alive"), 400),
    "Connection: Upgraded": (head(connection=b"Upgraded"), 400),
    "Connection: No-Upgrade": (head(connection=b"No-Upgrade"), 400),
    "Connection: keep-alive Upgrade": (head(connection=b"keep-alive Upgrade"), 400),
    # W-S-05: key
    "no key": (head(sec_websocket_key=None), 400),
    "empty key": (head(sec_websocket_key=b""), 400),
    "two keys": (head(sec_websocket_key=[KEY, b"AAAAAAAAAAAAAAAAAAAAAA=="]), 400),
    "two equal keys": (head(sec_websocket_key=[KEY, KEY]), 400),
    "key of 15 octets": (head(sec_websocket_key=b"AAAAAAAAAAAAAAAAAAAA"), 400),
    "key of 17 octets": (head(sec_websocket_key=b"AAAAAAAAAAAAAAAAAAAAAAA="), 400),
    "key of 18 octets": (head(sec_websocket_key=b"A" * 24), 400),
    "key without padding": (head(sec_websocket_key=KEY[:-2]), 400),
    "key with one =": (head(sec_websocket_key=KEY[:-1]), 400),
    "key with three =": (head(sec_websocket_key=KEY + b"="), 400),
    "key in the URL alphabet": (head(sec_websocket_key=b"____AAAAAAAAAAAAAAAAAA=="), 400),
    "key with a space inside": (head(sec_websocket_key=KEY[:8] + b" " + KEY[9:]), 400),
    "key with a comma list": (head(sec_websocket_key=KEY + b", " + KEY), 400),
    # W-S-06: version
    "no version field": (head(sec_websocket_version=None), 400),
    "version 8": (head(sec_websocket_version=b"8"), 426),
    "version 7": (head(sec_websocket_version=b"7"), 426),
    "version 0": (head(sec_websocket_version=b"0"), 426),
    "version 14": (head(sec_websocket_version=b"14"), 426),
    "version 130": (head(sec_websocket_version=b"130"), 426),
    "version 013": (head(sec_websocket_version=b"013"), 426),
    "version 13, 8": (head(sec_websocket_version=b"13, 8"), 426),
    "version thirteen": (head(sec_websocket_version=b"thirteen"), 426),
    "empty version": (head(sec_websocket_version=b""), 426),
    "two versions": (head(sec_websocket_version=[b"13", b"8"]), 400),
    # W-S-07: header syntax
    "bare LF everywhere": (head(eol=b"\n"), 400),
    "one bare LF": (plus(b"X: y\nZ: w"), 400),
    "bare CR in a value": (plus(b"X: y\rz"), 400),
    "NUL in a value": (plus(b"X: y\0z"), 400),
    "control octet in a value": (plus(b"X: y\x07z"), 400),
    "DEL in a value": (plus(b"X: y\x7fz"), 400),
    "folded line": (plus(b"X: y\r\n z"), 400),
    "folded line with tab": (plus(b"X: y\r\n\tz"), 400),
    "folded first line": (head(b"GET / HTTP/1.1\r\n X: y"), 400),
    "space before the colon": (plus(b"X : y"), 400),
    "tab before the colon": (plus(b"X\t: y"), 400),
    "no colon": (plus(b"nothing here"), 400),
    "empty name": (plus(b": value"), 400),
    "name with a space": (plus(b"X Y: z"), 400),
    "name with a control octet": (plus(b"X\x02: z"), 400),
    "name with an octet above 127": (plus(b"X\xfc: z"), 400),
    "name with parentheses": (plus(b"X(1): z"), 400),
    "body": (head(content_length=b"5") + b"hello", 400),
    "chunked body": (head(transfer_encoding=b"chunked") + b"0\r\n\r\n", 400),
    "negative Content-Length": (head(content_length=b"-1"), 400),
    "Content-Length: 0, 0": (head(content_length=b"0, 0"), 400),
    "two Content-Lengths of 0": (plus(b"Content-Length: 0\r\nContent-Length: 0"), 400),
    # W-S-08: Origin (require_origin=1)
    "no Origin": (head(origin=None), 400),
    "two Origins": (head(origin=[b"http://a", b"http://b"]), 400),
    # S-01, W-S-10: subprotocol
    "no subprotocol": (head(sec_websocket_protocol=None), 400),
    "empty subprotocol": (head(sec_websocket_protocol=b""), 400),
    "another subprotocol": (head(sec_websocket_protocol=b"chat"), 400),
    "subprotocols that only contain the word": (head(sec_websocket_protocol=b"sips, xsip, sip.1"),
                                                400),
    "SIP in capitals": (head(sec_websocket_protocol=b"SIP"), 400),
    "subprotocols separated by spaces": (head(sec_websocket_protocol=b"chat sip"), 400),
    "quoted subprotocol": (head(sec_websocket_protocol=b'"sip"'), 400),
    "subprotocol with a slash": (head(sec_websocket_protocol=b"a/b, sip"), 400),
    # W-S-11: extensions
    "extension without a name": (head(sec_websocket_extensions=b";a=b"), 400),
    "extension with an open quote": (head(sec_websocket_extensions=b'x; a="b'), 400),
    "extension with a quoted non-token": (head(sec_websocket_extensions=b'x; a="b c"'), 400),
    # W-S-16: sizes
    "8193 octets of head": (plus(b"X: " + b"a" * 8000), 431),
    "16 KB of head": (plus(b"X: " + b"a" * 16000), 431),
    "100 KB of head": (plus(b"X: " + b"a" * 100000), 431),
    "65 fields": (plus(*[b"X-%d: y" % i for i in range(58)]), 431),
    "500 fields": (plus(*[b"X-%d: y" % i for i in range(500)]), 431),
    # not HTTP at all
    "TLS ClientHello": (bytes.fromhex("16030100a5010000a10303") + bytes(200), 400),
    "SSH banner": (b"SSH-2.0-OpenSSH_9.2\r\n", 400),
    "a SIP request": (b"OPTIONS sip:a@b SIP/2.0\r\n\r\n", 405),
    "an empty request line that never ends": (b"\0" * 64, 400),
}

DEFLATE = b"permessage-deflate; client_max_window_bits"
# name -> (octets, agreed subprotocol)
ACCEPTED = {
    "plain": (head(), "sip"),
    "names in lower case": (head(fields=[(n.lower(), v) for n, v in GOOD]), "sip"),
    "names in capitals": (head(fields=[(n.upper(), v) for n, v in GOOD]), "sip"),
    "fields in reverse order": (head(fields=GOOD[::-1]), "sip"),
    "Upgrade: WebSocket": (head(upgrade=b"WebSocket"), "sip"),
    "Upgrade: WEBSOCKET": (head(upgrade=b"WEBSOCKET"), "sip"),
    "Upgrade as a list": (head(upgrade=b"h2c, websocket"), "sip"),
    "Upgrade in two fields": (head(upgrade=[b"h2c", b"websocket"]), "sip"),
    "Connection: keep-alive, Upgrade": (head(connection=b"keep-alive, Upgrade"), "sip"),
    "Connection: Upgrade,keep-alive": (head(connection=b"Upgrade,keep-alive"), "sip"),
    "Connection: uPGRADE": (head(connection=b"uPGRADE"), "sip"),
    "Connection in two fields": (head(connection=[b"keep-alive", b"Upgrade"]), "sip"),
    "Connection with empty elements": (head(connection=b", ,Upgrade,"), "sip"),
    "no space after the colons": (head().replace(b": ", b":"), "sip"),
    "much space before values": (head().replace(b": ", b":  \t "), "sip"),
    "much space after values": (head().replace(b"\r\nOrigin", b" \t \r\nOrigin"), "sip"),
    "protocol list": (head(sec_websocket_protocol=b"chat, sip"), "sip"),
    "protocol list without spaces": (head(sec_websocket_protocol=b"sip,msrp,chat"), "sip"),
    "protocols in several fields": (head(sec_websocket_protocol=[b"chat", b"msrp, sip"]), "sip"),
    "path and query": (head(b"GET /ws/sip?a=1&b=%20 HTTP/1.1"), "sip"),
    "absolute target": (head(b"GET http://127.0.0.1/x?y HTTP/1.1"), "sip"),
    "target of 2048 octets": (head(b"GET /" + b"a" * 2047 + b" HTTP/1.1"), "sip"),
    "head of 8000 octets": (plus(b"X: " + b"a" * (8000 - len(head()) - 5)), "sip"),
    "64 fields": (plus(*[b"X-%d: y" % i for i in range(57)]), "sip"),
    "unknown and odd fields": (plus(b"X-Empty:", b"!#$%&'*+-.^_`|~: odd name", b"X: \xff\xfe"),
                               "sip"),
    "deflate offered": (head(sec_websocket_extensions=DEFLATE), "sip"),
    "unknown extension": (head(sec_websocket_extensions=b'x-own; p="q", y; z=1'), "sip"),
    "Content-Length: 0": (head(content_length=b"0"), "sip"),
    "Host in IPv6": (head(host=b"[::1]:8080"), "sip"),
    "Host with port": (head(host=b"sip.example.org:443"), "sip"),
    "Origin null": (head(origin=b"null"), "sip"),
    "HTTP/1.1 with cookies": (plus(b"Cookie: a=b; c=d", b"Cookie: e=f"), "sip"),
    "an empty line in front": (b"\r\n" + head(), "sip"),
}


# What the answer to a refused handshake says beside that it is the end (W-S-01, W-S-06).
ASKED = {405: {"allow": ["GET"]},
         426: {"connection": ["close, Upgrade"], "upgrade": ["websocket"],
               "sec-websocket-version": ["13"]}}


class Refused(harness.E2E):
    settings = {"require_origin": "1"}

    def check(self, octets, status, chop=None):
        client = self.tcp()
        client.send(octets, chop=chop)
        got = Ws.answer(client)
        self.assertEqual(got.status, status, got.body)
        wanted = {"connection": ["close"], "content-type": ["text/plain"],
                  "content-length": [str(len(got.body))]} | ASKED.get(status, {})
        self.assertEqual(got.fields, wanted, "W-S-16: these and no others")
        client.expect_end(clean=False)
        client.close()

    def test_table_is_big_enough(self):
        self.assertGreaterEqual(len(REFUSED), 60)
        self.assertGreaterEqual(len(ACCEPTED), 20)

    def test_refused(self):
        for name, (octets, status) in REFUSED.items():
            with self.subTest(name):
                with self.daemon.counted(handshakes_refused=1, handshakes_done=0):
                    self.check(octets, status)

    def test_refused_in_pieces(self):
        """One octet per segment, where the answer does not overtake the request."""
        for name, (octets, status) in REFUSED.items():
            if len(octets) < 1000:
                with self.subTest(name):
                    self.check(octets, status, chop=1)

    def test_slow_head_is_ended_in_time(self):
        for part in (b"", b"G", b"GET / HTTP/1.1\r\nHos", head()[:-1]):
            with self.subTest(part=part[:20]):
                daemon = self.slow_daemon()
                with daemon.counted(handshake_timeouts=1, handshakes_done=0):
                    begun = time.monotonic()
                    client = self.keep(Ws(daemon.port, upgrade=False))
                    client.send(part)
                    if client.fill(1):
                        self.assertEqual(client.answer().status, 408)
                    client.expect_end(clean=False)
                    self.assertGreater(time.monotonic() - begun, 0.25)

    def test_dripping_head_is_ended_in_time(self):
        """The deadline is for the whole head: an octet now and then does not move it."""
        daemon = self.slow_daemon()
        client = self.keep(Ws(daemon.port, upgrade=False))
        with daemon.counted(handshake_timeouts=1):
            end = time.monotonic() + DEADLINE
            octets = iter(plus(b"X: " + b"a" * 4000))
            while client.send(bytes([next(octets)])) and time.monotonic() < end:
                try:
                    client.fill(1, within=0.02)
                except WsError:
                    continue
                break
            self.assertLess(time.monotonic(), end)

    def slow_daemon(self):
        if not hasattr(type(self), "slow"):
            type(self).slow = harness.Daemon(settings={"handshake_timeout": 300}).start()
        return self.slow

    @classmethod
    def tearDownClass(cls):
        try:
            if hasattr(cls, "slow"):
                cls.slow.stop()
        finally:
            if hasattr(cls, "slow"):
                cls.slow.kill()
            super().tearDownClass()


class Accepted(harness.E2E):
    settings = {"require_origin": "1"}

    def check(self, octets, chop=None, key=KEY, protocol="sip", daemon=None):
        client = self.keep(Ws((daemon or self.daemon).port, upgrade=False))
        client.send(octets, chop=chop)
        client.expect_101(key, protocol)
        client.send_frame(0x9, b"works")
        client.expect_pong(b"works")
        client.hang_up()

    def test_accepted(self):
        for name, (octets, protocol) in ACCEPTED.items():
            with self.subTest(name):
                with self.daemon.counted(handshakes_done=1, handshakes_refused=0):
                    self.check(octets, protocol=protocol)

    def test_accepted_in_pieces(self):
        for name, (octets, protocol) in ACCEPTED.items():
            with self.subTest(name):
                self.check(octets, chop=1, protocol=protocol)

    def test_key_with_stray_bits(self):
        """W-S-05: the grammar allows bits in the last character that no octet uses."""
        key = b"AAAAAAAAAAAAAAAAAAAAAB=="
        self.check(head(sec_websocket_key=key), key=key)

    def test_every_split(self):
        octets = head()
        for at in range(1, len(octets)):
            with self.subTest(at):
                client = self.ws(upgrade=False)
                client.send(octets[:at])
                client.send(octets[at:])
                client.expect_101(KEY)
                client.hang_up()

    def test_rfc_example(self):
        """RFC 6455 1.3: the accept value of the sample nonce."""
        client = self.ws(upgrade=False)
        client.send(head())
        self.assertEqual(client.expect_101(KEY).one("sec-websocket-accept"),
                         "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        client.hang_up()

    def test_frame_in_the_same_segment(self):
        """W-S-15: the client should wait, but what it sent early is not lost."""
        for chop in (None, 1, 100):
            with self.subTest(chop=chop):
                client = self.ws(upgrade=False)
                client.send(head() + frame(0x9, b"one") + frame(TEXT, b"\r\n\r\n")
                            + frame(0x9, b"two"), chop=chop)
                client.expect_101(KEY)
                client.expect_pong(b"one")
                self.assertEqual(client.next_message()[1], b"\r\n")
                client.expect_pong(b"two")
                client.hang_up()

    def test_captured(self):
        """The handshakes of real clients, whole and octet by octet."""
        folder = harness.data_or_skip("captures", "wire")
        with_origin, without = 0, 0
        free = harness.Daemon(settings={"require_origin": "0"}).start()
        self.addCleanup(free.kill)
        for path in sorted(folder.glob("handshake-*.http")):
            octets = path.read_bytes()
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", octets).group(1)
            for chop in (None, 1):
                with self.subTest(path.name, chop=chop):
                    self.check(octets, chop, key, daemon=free)
                    if b"\r\nOrigin:" in octets:
                        with_origin += 1
                        self.check(octets, chop, key)
                    else:
                        without += 1
                        client = self.ws(upgrade=False)
                        client.send(octets, chop=chop)
                        self.assertEqual(client.answer().status, 400)
                        client.expect_end(clean=False)
        self.assertTrue(with_origin and without)
        free.stop()


class Policy(unittest.TestCase):
    """Settings that change the verdict."""

    def daemon(self, **kw):
        daemon = harness.Daemon(**kw).start()
        self.addCleanup(daemon.kill)
        return daemon

    def status(self, daemon, octets):
        client = Ws(daemon.port, upgrade=False)
        client.send(octets)
        got = client.answer()
        if got.status == 101:
            client.hang_up()
        client.close()
        return got

    def test_origin_is_required_by_default(self):
        daemon = self.daemon()
        self.assertEqual(self.status(daemon, head(origin=None)).status, 400)
        self.assertEqual(self.status(daemon, head()).status, 101)
        daemon.wait_quiet()
        daemon.stop()

    def test_origin_can_be_optional(self):
        daemon = self.daemon(settings={"require_origin": "0"})
        self.assertEqual(self.status(daemon, head(origin=None)).status, 101)
        daemon.stop()

    def test_echo_takes_any_subprotocol_and_none(self):
        daemon = self.daemon(routing="echo")
        for offered in (None, b"chat", b"chat, sip", b"sip"):
            with self.subTest(offered):
                got = self.status(daemon, head(sec_websocket_protocol=offered, origin=None))
                agreed = offered and offered.split(b",")[0].decode()
                self.assertEqual((got.status, got.one("sec-websocket-protocol")), (101, agreed))
        daemon.stop()

    def test_limits_are_settings(self):
        daemon = self.daemon(settings={"handshake_bytes": 512, "handshake_target_bytes": 64})
        self.assertEqual(self.status(daemon, head()).status, 101)
        self.assertEqual(self.status(daemon, plus(b"X: " + b"a" * 400)).status, 431)
        self.assertEqual(self.status(daemon, head(b"GET /" + b"a" * 64 + b" HTTP/1.1")).status, 414)
        daemon.stop()

    @unittest.skipIf(tls.EVERYWHERE, "nobody shakes hands with a newcomer that waits")
    def test_too_many_connections(self):
        """W-S-18: over max_connections a newcomer waits, or is told so; never one too many."""
        daemon = self.daemon(settings={"max_connections": 2})
        held = [Ws(daemon.port), Ws(daemon.port)]
        extra = Ws(daemon.port, upgrade=False)
        extra.send(head())
        self.assertEqual(daemon.counters()["connections"], 2)
        held[0].send_frame(0x9, b"undisturbed")
        held[0].expect_pong(b"undisturbed")
        held[1].hang_up()
        self.assertIn(extra.answer().status, (101, 503))
        extra.close()
        held[0].hang_up()
        daemon.wait_quiet()
        self.assertEqual(self.status(daemon, head()).status, 101)
        daemon.wait_quiet()
        daemon.stop()

    def test_ipv6(self):
        daemon = self.daemon(listen=("ws:[::1]:0", "ws:127.0.0.1:0"))
        self.assertEqual(len(daemon.ports), 2)
        Ws(daemon.ports[0], host="::1").hang_up()
        Ws(daemon.ports[1]).hang_up()
        daemon.stop()


if __name__ == "__main__":
    harness.main()
