# SPDX-License-Identifier: Apache-2.0
"""sipring as the server of clients of other makers: npm's ws, Debian's python3-websockets.

One class of cases, run by each client; `test_server_role.py Ws` or `Websockets` runs one of them.
"""

import os
import sys

import peer
from peer import harness

ROOMY = {"ws_max_message": 1 << 21, "ws_send_queue": 1 << 23, "ws_send_timeout": 20000}
TEXTS = {
    "empty": "",
    "one letter": "a",
    "125 octets": "x" * 125,
    "126 octets": "x" * 126,
    "every width of UTF-8": "a\u00e4\u20ac\U0001f4de" * 100,
    "64 KB": "0123456789abcdef" * 4096,
    "64 KB of Japanese": "\u65e5\u672c\u8a9e" * 7282,
    "1 MB": "a line of text that is long\r\n" * 37450,
}
SIZES = (0, 1, 125, 126, 127, 65535, 65536, 1 << 20)
CLOSES = [(1000, "done"), (1001, "going"), (1002, ""), (1003, "no"), (1007, "\u00e4\u20ac"),
          (1011, "r" * 123), (3000, "registered"), (4999, "private")]


class Cases(harness.E2E):
    maker = None
    routing = "echo"
    settings = ROOMY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer = peer.Peer(cls.maker)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.peer.end()
        finally:
            super().tearDownClass()

    def another(self, routing="echo", **settings):
        """A daemon of one test's own."""
        daemon = harness.Daemon(routing, ROOMY | settings).start()
        self.addCleanup(daemon.kill)
        return daemon

    def connect(self, daemon=None, **kw):
        return self.peer.connect((daemon or self.daemon).port, **kw)

    # the opening handshake

    def test_subprotocol(self):
        """S-01: sip is agreed on, wherever it stands among those offered."""
        for routing, offers in (("registrar", (["sip"], ["chat", "sip"], ["sip", "msrp"])),
                                ("echo", (["sip"],))):
            daemon = self.another(routing)
            for offer in offers:
                with self.subTest(routing=routing, offer=offer):
                    c = self.connect(daemon, protocols=offer)
                    self.assertEqual(c.protocol, "sip")
                    self.assertEqual(c.close(), (1000, ""))
            daemon.stop()

    def test_refusals(self):
        """S-01, W-S-08: the client sees the status, and the next handshake is served."""
        daemon = self.another("registrar")
        refused = {"no subprotocol": {"protocols": []},
                   "another subprotocol": {"protocols": ["chat"]},
                   "no Origin": {"origin": None}}
        for name, how in refused.items():
            with self.subTest(name), daemon.counted(handshakes_refused=1, handshakes_done=0):
                with self.assertRaises(peer.PeerError) as caught:
                    self.connect(daemon, **how)
                self.assertEqual(caught.exception.status, 400)
        self.assertEqual(self.connect(daemon).close(), (1000, ""))
        daemon.stop()

    # messages

    def test_text(self):
        c = self.connect()
        for name, text in TEXTS.items():
            with self.subTest(name):
                c.send(text)
                self.assertTrue(c.receive() == text)
        c.close()

    def test_binary(self):
        c = self.connect()
        for size in SIZES:
            with self.subTest(size):
                octets = os.urandom(size)
                c.send(octets)
                self.assertTrue(c.receive() == octets)
        c.close()

    def test_many_in_a_row(self):
        """In order, without waiting for the one before."""
        c = self.connect()
        messages = [f"{i} " * (i % 300) for i in range(500)]
        waiting = [c.begin("receive") for _ in messages]
        for text in messages:
            c.send(text)
        for i, begun in enumerate(waiting):
            got = self.peer.finish(begun)
            self.assertTrue(peer.decoded(got) == messages[i], i)
        c.close()

    def test_fragments(self):
        c = self.connect()
        text = TEXTS["every width of UTF-8"]
        for message in (text, os.urandom(70000)):
            size = len(message)
            for cuts in ([1], [0], [size - 1], [size], [1, 2, 3], list(range(7, size, size // 40)),
                         [0, 0, size // 2, size // 2, size]):
                with self.subTest(type(message), cuts=cuts[:5]):
                    c.send(message, cuts=cuts)
                    self.assertTrue(c.receive() == message)
        c.close()

    # control frames

    def test_pings_of_the_client(self):
        c = self.connect()
        with self.daemon.counted(pings_received=4, pongs_sent=4):
            for payload in (b"", b"x", bytes(range(125)), b"\xff" * 125):
                self.assertEqual(c.ping(payload), payload)
        c.close()

    def test_ping_between_fragments_of_others(self):
        """While a long message is on its way, a Pong finds its place between two frames."""
        c = self.connect()
        text = TEXTS["1 MB"]
        sending = c.begin("send", kind="text", data=peer.coded(text),
                          cuts=list(range(1000, len(text), 1000)))
        self.assertEqual(c.ping(b"meanwhile"), b"meanwhile")
        self.peer.finish(sending)
        self.assertTrue(c.receive() == text)
        c.close()

    def test_pings_of_the_server(self):
        daemon = self.another(ws_ping_interval=1)
        c = self.connect(daemon)
        for _ in range(2):
            c.pinged()
        ok, last = daemon.wait_counters(lambda x: x["ping_rtts"] >= 2)
        self.assertTrue(ok, last)
        c.send("still there")
        self.assertEqual(c.receive(), "still there")
        c.close()
        self.assertEqual(daemon.stop()["closed_pong_timeout"], 0)

    # the closing handshake

    def test_close_codes(self):
        """W-C-01: a Close is answered with its code."""
        for code, reason in CLOSES:
            with self.subTest(code), self.daemon.counted(closes_received=1, closes_sent=0,
                                                         closed_protocol_error=0):
                c = self.connect()
                self.assertEqual(c.close(code, reason)[0], code)

    def test_failed_by_us(self):
        failed = {
            "text that is no UTF-8": (1007, dict(payload=b"\xce\xba\xed\xa0\x80", kind="text")),
            "too long": (1009, dict(payload=bytes(ROOMY["ws_max_message"] + 1))),
        }
        for name, (code, how) in failed.items():
            with self.subTest(name), self.daemon.counted(closes_sent=1):
                c = self.connect()
                try:
                    c.send(**how)
                except peer.PeerError:
                    pass  # it may learn of the end before all is written
                self.assertEqual(c.closed()[0], code)

    def test_drain(self):
        """SIGTERM: every client is told 1001, and the daemon ends."""
        daemon = self.another()
        clients = [self.connect(daemon) for _ in range(5)]
        for i, c in enumerate(clients):
            c.send(f"client {i}")
            self.assertEqual(c.receive(), f"client {i}")
        daemon.terminate()
        for c in clients:
            self.assertEqual(c.closed()[0], 1001)
        daemon.wait_exit()
        daemon.check_end()

    # permessage-deflate

    def check_packed(self, daemon, deflate, compressed=True):
        c = self.connect(daemon, deflate=deflate)
        self.assertEqual("permessage-deflate" in c.extensions, compressed)
        before = daemon.counters()
        messages = [*TEXTS.values(), *map(os.urandom, SIZES), *TEXTS.values()]
        for message in messages:
            c.send(message)
            self.assertTrue(c.receive() == message, len(message))
        text = TEXTS["64 KB"]
        c.send(text, cuts=[0, 1000, 1001, 30000])
        self.assertTrue(c.receive() == text)
        moved = {k: v - before[k] for k, v in daemon.counters().items()}
        plain = sum(len(x if isinstance(x, bytes) else x.encode()) for x in [*messages, text])
        for way in ("bytes_received", "bytes_sent"):
            if compressed:
                self.assertLess(moved[way], plain * 2 // 3)
            else:
                self.assertGreater(moved[way], plain)
        self.assertEqual(c.close(), (1000, ""))

    def test_deflate_is_declined_unless_set(self):
        self.check_packed(self.daemon, True, compressed=False)

    def test_deflate(self):
        """RFC 7692 in every agreement that the client can ask for, under each policy of ours."""
        offers = (True, {"serverNoContextTakeover": True, "clientNoContextTakeover": True},
                  {"serverNoContextTakeover": True}, {"clientNoContextTakeover": True},
                  {"serverMaxWindowBits": 10}, {"clientMaxWindowBits": 10},
                  {"serverMaxWindowBits": 9, "clientMaxWindowBits": 12})
        for policy in ({}, {"deflate_context_takeover": "yes"},
                       {"deflate_context_takeover": "yes", "deflate_window_bits": 11}):
            daemon = self.another(permessage_deflate="yes", **policy)
            for offer in offers:
                with self.subTest(offer=offer, **policy):
                    self.check_packed(daemon, offer)
            daemon.stop()

    def test_deflated_pings_and_closes(self):
        """Control frames are never compressed, and may come between compressed fragments."""
        daemon = self.another(permessage_deflate="yes")
        c = self.connect(daemon, deflate=True)
        text = TEXTS["1 MB"]
        sending = c.begin("send", kind="text", data=peer.coded(text), cuts=[10, 500000])
        self.assertEqual(c.ping(b"x" * 125), b"x" * 125)
        self.peer.finish(sending)
        self.assertTrue(c.receive() == text)
        self.assertEqual(c.close(4000, "x" * 123)[0], 4000)
        daemon.stop()


class Ws(Cases):
    maker = "ws"

    def test_close_without_code(self):
        """W-C-02: answered without one, which the client calls 1005."""
        self.assertEqual(self.connect().close(None), (1005, ""))


class Websockets(Cases):
    maker = "websockets"


del Cases  # not to be run by itself

if __name__ == "__main__":
    named = {x.partition(".")[0] for x in sys.argv[1:]}
    peer.main(*[x.maker for x in (Ws, Websockets) if not named or x.__name__ in named])
