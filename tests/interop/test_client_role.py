# SPDX-License-Identifier: Apache-2.0
"""sipring as the client of servers of other makers: npm's ws, Debian's python3-websockets.

One class of cases, run with each server; `test_client_role.py Ws` or `Websockets` runs one of them.
"""

import os
import re
import sys
import time
import unittest

import peer
from peer import harness
from ws import SCALE

QUICK = {"ws_handshake_timeout": 20000, "tcp_connect_timeout": 5000, "ws_send_timeout": 20000,
         "ws_reconnect_first": 1, "ws_reconnect_max": 20, "close_timeout": 20000,
         "log_rate": 100000, "ws_subprotocols": "sip", "ws_resource": "/sip?edge=1",
         "ws_max_message": 1 << 21, "ws_send_queue": 1 << 23}
TEXTS = ("", "a", "x" * 125, "x" * 126, "a\u00e4\u20ac\U0001f4de" * 100, "0123456789abcdef" * 4096,
         "\u65e5\u672c\u8a9e" * 7282, "a line of text that is long\r\n" * 37450)
SIZES = (0, 1, 2, 3, 4, 5, 125, 126, 65535, 65536, 1 << 20)
REST = re.compile(r"upstream_rests .*\bms=(\d+) failures=(\d+)")


class Cases(unittest.TestCase):
    """Each test has a listener and a daemon of its own; it ends with all counters even."""

    maker = None

    @classmethod
    def setUpClass(cls):
        cls.peer = peer.Peer(cls.maker)

    @classmethod
    def tearDownClass(cls):
        cls.peer.end()

    def start(self, listener, **settings):
        where = f"sip:127.0.0.1:{listener.port};transport=ws"
        self.daemon = harness.Daemon("echo", QUICK | settings, args=["--upstream", where]).start()
        self.addCleanup(self.daemon.kill)
        return self.daemon

    def echo(self, conn, messages):
        for message in messages:
            conn.send(message)
            self.assertTrue(conn.receive() == message, len(message))

    def test_handshake(self):
        """W-L-03 to W-L-09, as seen by the server."""
        listener = self.peer.listen()
        self.start(listener)
        keys = set()
        for _ in range(5):
            asked = listener.asked()
            conn = listener.accept()
            self.assertEqual((conn.protocol, conn.extensions), ("sip", ""))
            fields = asked["headers"]
            self.assertEqual(asked["target"], "/sip?edge=1")
            self.assertEqual(fields["host"], f"127.0.0.1:{listener.port}")
            self.assertEqual(fields["sec-websocket-version"], "13")
            self.assertNotIn("sec-websocket-extensions", fields)
            keys.add(fields["sec-websocket-key"])
            self.echo(conn, ["hello"])
            self.assertEqual(conn.close(), (1000, ""))
        self.assertEqual(len(keys), 5)
        listener.stop()
        self.assertEqual(self.daemon.stop()["upstream_timeouts"], 0)

    def test_messages(self):
        """W-L-10: the server unmasks what we send, of every length and kind."""
        listener = self.peer.listen()
        self.start(listener)
        conn = listener.accept()
        self.echo(conn, TEXTS)
        self.echo(conn, map(os.urandom, SIZES))
        text = TEXTS[4]
        for cuts in ([1], [0], [1, 2, 3], list(range(7, 300, 10))):
            conn.send(text, cuts=cuts)
            self.assertEqual(conn.receive(), text)
        conn.close()
        listener.stop()
        self.daemon.stop()

    def test_pings_of_the_server(self):
        listener = self.peer.listen()
        self.start(listener)
        conn = listener.accept()
        with self.daemon.counted(pings_received=3, pongs_sent=3):
            for payload in (b"", b"x", b"\xff" * 125):
                self.assertEqual(conn.ping(payload), payload)
        conn.close()
        listener.stop()
        self.daemon.stop()

    def test_pings_of_ours(self):
        listener = self.peer.listen()
        self.start(listener, ws_ping_interval=1)
        conn = listener.accept()
        for _ in range(2):
            conn.pinged()
        ok, last = self.daemon.wait_counters(lambda x: x["ping_rtts"] >= 2)
        self.assertTrue(ok, last)
        self.echo(conn, ["still there"])
        conn.close()
        listener.stop()
        self.assertEqual(self.daemon.stop()["closed_pong_timeout"], 0)

    def test_closes(self):
        """Of the server, with codes and reasons; then of ours, by SIGTERM."""
        listener = self.peer.listen()
        self.start(listener)
        for code, reason in ((1000, "done"), (1001, "restart"), (1011, "r" * 123), (4999, "")):
            with self.subTest(code), self.daemon.counted(exactly=True, closes_received=1):
                self.assertEqual(listener.accept().close(code, reason)[0], code)
        conn = listener.accept()
        self.echo(conn, ["the last"])
        self.daemon.terminate()
        self.assertEqual(conn.closed()[0], 1001)
        self.daemon.wait_exit()
        self.daemon.check_end()
        listener.stop()

    def test_failed_by_us(self):
        listener = self.peer.listen()
        self.start(listener)
        conn = listener.accept()
        with self.daemon.counted(closes_sent=1, closed_protocol_error=1):
            conn.send(b"\xce\xba\xed\xa0\x80", kind="text")
            self.assertEqual(conn.closed()[0], 1007)
        listener.accept().close()
        listener.stop()
        self.daemon.stop()

    def test_refused(self):
        """W-L-08, W-L-09: what the server answers is judged, refused and counted."""
        faults = {"a wrong Accept": {"tamper": "accept"}, "401": {"tamper": "status"},
                  "no subprotocol": {"protocols": None}}
        for name, how in faults.items():
            with self.subTest(name):
                listener = self.peer.listen(**how)
                self.start(listener)
                for _ in range(3):
                    listener.asked()
                ok, last = self.daemon.wait_counters(lambda x: x["upstream_refused"] >= 2)
                self.assertTrue(ok, last)
                self.assertEqual((last["handshakes_done"], last["upstream_timeouts"]), (0, 0))
                listener.stop()
                good = self.peer.listen(port=listener.port)
                self.echo(good.accept(), ["once it is right"])
                self.daemon.stop()
                good.stop()

    def rests(self, at, wanted):
        """Announced delays from line `at` on: each within its bounds (W-L-13)."""
        for failures in wanted:
            got = self.daemon.err.wait(REST.pattern, at)
            self.assertIsNotNone(got, self.daemon.report())
            at, ms, said = got[0] + 1, int(got[1][1]), int(got[1][2])
            bound = min(100 << (failures - 1), 800)
            self.assertEqual(said, failures)
            self.assertLessEqual(ms, bound)
            self.assertGreaterEqual(ms, bound // 2 if failures > 1 else 0)
        return at

    def test_reconnects(self):
        """W-L-13, W-L-14: the server goes without a word, stays away, and comes back."""
        listener = self.peer.listen()
        self.start(listener, ws_reconnect_first=100, ws_reconnect_max=800)
        conn = listener.accept()
        self.echo(conn, ["before"])
        at = len(self.daemon.err.text().splitlines())
        gone = time.monotonic()
        listener.stop()
        at = self.rests(at, range(1, 6))  # 0..100, 100..200, 200..400, 400..800, 400..800 ms
        self.assertGreaterEqual(time.monotonic() - gone, 0.7, "the delays really pass")
        listener = self.peer.listen(port=listener.port)
        back = time.monotonic()
        self.echo(listener.accept(), ["after"])
        self.assertLess(time.monotonic() - back, 0.8 + 3 * SCALE)
        listener.stop()
        got = self.daemon.err.wait(r"upstream_rests .*\bms=(\d+) failures=1\b", at)
        self.assertIsNotNone(got, "a connection that was open begins anew")
        self.assertLessEqual(int(got[1][1]), 100)
        self.daemon.stop()

    def test_deflate(self):
        """RFC 7692 with the roles the other way round."""
        for ours in ({}, {"deflate_context_takeover": "yes"},
                     {"deflate_context_takeover": "yes", "deflate_window_bits": 12}):
            for theirs in (True, {"clientNoContextTakeover": True}):
                with self.subTest(theirs=theirs, **ours):
                    listener = self.peer.listen(deflate=theirs)
                    self.start(listener, permessage_deflate="yes", deflate_min=0, **ours)
                    conn = listener.accept()
                    self.assertIn("permessage-deflate", conn.extensions)
                    before = self.daemon.counters()
                    self.echo(conn, [*TEXTS, *map(os.urandom, SIZES[:-1]), *TEXTS])
                    after = self.daemon.counters()
                    for way in ("bytes_received", "bytes_sent"):
                        self.assertLess(after[way] - before[way], 1 << 20)
                    self.assertEqual(conn.close()[0], 1000)
                    listener.stop()
                    self.daemon.stop()

    def test_deflate_is_declined(self):
        """By a server that does not want it, and by us unless it is set."""
        for theirs, ours in ((None, "yes"), (True, "no")):
            with self.subTest(theirs=theirs, ours=ours):
                listener = self.peer.listen(deflate=theirs)
                self.start(listener, permessage_deflate=ours)
                conn = listener.accept()
                self.assertEqual(conn.extensions, "")
                self.echo(conn, TEXTS)
                conn.close()
                listener.stop()
                self.daemon.stop()


class Ws(Cases):
    maker = "ws"


class Websockets(Cases):
    maker = "websockets"


del Cases  # not to be run by itself

if __name__ == "__main__":
    named = {x.partition(".")[0] for x in sys.argv[1:]}
    peer.main(*[x.maker for x in (Ws, Websockets) if not named or x.__name__ in named])
