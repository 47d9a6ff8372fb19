# SPDX-License-Identifier: Apache-2.0
"""The client role: what it asks, what it answers, how it frames.

Duties W-L-03 to W-L-07, W-L-10, W-L-11. Framing is judged by the same cases as the server role
(test_framing), the frames unmasked as a server's are.
"""

import base64

import harness
import test_framing
from client import Client, sent
from test_framing import b as binary_back
from test_framing import fails, p, t
from ws import BINARY, CLOSE, CONT, PING, TEXT, close_body, frame, mask_bytes
from ws_server import Server

BIG = {"ws_max_message": test_framing.MAX, "ws_send_queue": 4 * test_framing.MAX}


def as_server(octets):
    """Masked frames, one or several, as a server would send them; the rest stays as it is."""
    out = b""
    while octets:
        n, head = octets[1] & 0x7F, 2
        if n >= 126:
            head = 4 if n == 126 else 10
            n = int.from_bytes(octets[2:head], "big")
        key = octets[head:head + 4]
        body = octets[head + 4:head + 4 + n]
        out += octets[:1] + bytes([octets[1] & 0x7F]) + octets[2:head] + mask_bytes(body, key)
        octets = octets[head + 4 + n:]
    return out


class Asking(Client):
    def check_request(self, got, host, resource="/", protocols=None):
        self.assertEqual(got.line, f"GET {resource} HTTP/1.1")
        self.assertEqual(got.one("host"), host)
        self.assertEqual(got.one("upgrade").lower(), "websocket")
        self.assertEqual(got.one("connection").lower(), "upgrade")
        self.assertEqual(got.one("sec-websocket-version"), "13")
        key = got.one("sec-websocket-key")
        self.assertEqual(len(base64.b64decode(key, validate=True)), 16)
        self.assertEqual(got.one("sec-websocket-protocol"), protocols)
        known = {"host", "upgrade", "connection", "sec-websocket-version", "sec-websocket-key",
                 "sec-websocket-protocol", "sec-websocket-extensions"}
        self.assertLessEqual(set(got.fields), known)
        return key

    def test_request(self):
        """W-L-03 to W-L-07 (W-L-06: version 13); no protocol is asked for unless it is set."""
        self.start()
        keys = set()
        for _ in range(20):
            peer = self.server.accept()
            got = peer.request()
            keys.add(self.check_request(got, f"127.0.0.1:{self.server.port}"))
            self.assertIsNone(got.one("sec-websocket-extensions"))
            peer.close()
        self.assertEqual(len(keys), 20, "the key is fresh each time (W-L-04)")
        peer = self.server.accept()
        peer.request()
        self.quiet(peer, 0.1)
        peer.close()
        self.stop()

    def test_resource_and_protocols(self):
        self.start(ws_resource="/ws/sip?edge=1&x=%20", ws_subprotocols="sip")
        peer = self.server.accept()
        self.check_request(peer.request(), f"127.0.0.1:{self.server.port}", "/ws/sip?edge=1&x=%20",
                           "sip")
        peer.send(peer.good_answer(b"Sec-WebSocket-Protocol: sip"))
        self.serves(peer)
        self.farewell(peer)
        self.stop()

    def test_one_of_several_protocols(self):
        self.start(ws_subprotocols="sip, msrp")
        for protocol in (b"msrp", b"sip"):
            peer = self.server.accept()
            got = peer.request().one("sec-websocket-protocol")
            self.assertEqual([x.strip() for x in got.split(",")], ["sip", "msrp"])
            peer.send(peer.good_answer(b"Sec-WebSocket-Protocol: " + protocol))
            self.serves(peer)
            self.farewell(peer)
        self.stop()

    def test_ipv6(self):
        try:
            server = Server(host="::1")
        except OSError:
            self.skipTest("SKIP: no IPv6 on loopback")
        self.start(f"sip:[::1]:{server.port};transport=ws", server=server)
        peer = server.accept()
        self.check_request(peer.request(), f"[::1]:{server.port}")
        peer.send(peer.good_answer())
        self.serves(peer)
        self.farewell(peer)
        self.stop()


class Framing(Client):
    """Families 1 to 7 against the client role."""

    def setUp(self):
        super().setUp()
        self.keys = []

    def run_case(self, octets, wanted, how, chop=None):
        peer = self.server.upgraded()
        if how == "burst":
            peer.send(b"".join(octets), chop=chop)
        else:
            for one in octets:
                if not peer.send(one):
                    break
        test_framing.Framing.events(self, peer, wanted)
        self.keys += peer.keys
        peer.close()

    def family(self, *families):
        self.start(**BIG)
        for name, (octets, wanted) in {k: v for x in families for k, v in x.items()}.items():
            octets = [as_server(x) for x in octets]
            size = sum(map(len, octets))
            with self.subTest(name, how="whole"):
                self.run_case(octets, wanted, "frames")
            with self.subTest(name, how="burst of 997"):
                self.run_case(octets, wanted, "burst", 997)
            if size <= 300:
                with self.subTest(name, how="octet by octet"):
                    self.run_case(octets, wanted, "burst", 1)
        self.keys_differ()
        self.stop()

    def keys_differ(self):
        """W-L-10: of n keys drawn at random from 2^32, next to none comes twice."""
        self.assertGreater(len(self.keys), 20)
        self.assertGreaterEqual(len(set(self.keys)), len(self.keys) - 3)
        self.assertNotIn(bytes(4), self.keys)

    def test_1_lengths(self):
        cases = test_framing.lengths()
        self.family({k: v for k, v in cases.items() if not k.startswith("1.5")})

    def test_2_pings(self):
        self.family(test_framing.pings())

    def test_3_4_reserved_bits_and_opcodes(self):
        self.family(test_framing.reserved())

    def test_5_fragments(self):
        self.family(test_framing.fragments())

    def test_6_utf8(self):
        self.family(test_framing.utf8())

    def test_7_closes(self):
        self.family(test_framing.closes())

    def test_masked_frames(self):
        """W-L-11: a server never masks; told by the header, before the payload is there."""
        self.start()
        for octets in (frame(TEXT, b"masked"), frame(TEXT, b""), frame(PING, b"x"),
                       frame(TEXT, b"x", key=bytes(4)), frame(BINARY, b"x" * 70000)[:10],
                       frame(CLOSE, close_body(1000)), frame(TEXT, b"masked")[:2]):
            with self.subTest(octets[:12].hex()), self.daemon.counted(closed_protocol_error=1):
                self.run_case([octets], [fails(1002)], "frames")
        self.run_case([sent(TEXT, b"x"), frame(TEXT, b"y")], [t(b"x"), fails(1002)], "frames")
        self.run_case([sent(TEXT, b"x", fin=False), frame(CONT, b"y")], [fails(1002)], "frames")
        self.stop()

    def test_every_split(self):
        self.start()
        octets = (sent(TEXT, "\u00e4\U0001f4de".encode(), fin=False) + sent(PING, b"p")
                  + sent(CONT, b"!") + sent(BINARY, bytes(130)) + sent(CLOSE, close_body(1000)))
        wanted = [p(b"p"), t("\u00e4\U0001f4de!".encode()), binary_back(bytes(130)),
                  ("close", 1000)]
        for at in range(1, len(octets)):
            with self.subTest(at):
                self.run_case([octets[:at], octets[at:]], wanted, "frames")
        self.stop()

    def test_fail_fast(self):
        """Bad UTF-8 is told before its frame is complete."""
        self.start()
        for bad in (b"\xed\xa0", b"\xff", b"\xf4\x90"):
            for chop in (None, 1):
                octets = sent(TEXT, b"good " + bad + b" and more")[:2 + 5 + len(bad)]
                self.run_case([octets], [fails(1007)], "burst", chop)
        self.stop()

    def test_long_messages_are_masked_right(self):
        """Every length modulo 4 and over several send buffers, in the phase of the key."""
        self.start(**BIG)
        peer = self.server.upgraded()
        for n in (*range(20), 4095, 4096, 4097, 16383, 16384, 65535, 65536, 1000003):
            payload = (bytes(range(256)) * (n // 256 + 1))[:n]
            peer.send(sent(BINARY, payload))
            got = peer.next_message()
            self.assertTrue(got == (BINARY, payload), n)
        self.keys = peer.keys
        self.keys_differ()
        self.farewell(peer)
        self.stop()


if __name__ == "__main__":
    harness.main()
