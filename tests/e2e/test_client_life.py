# SPDX-License-Identifier: Apache-2.0
"""The client role: from connect to the end, and again (W-L-12 to W-L-14)."""

import select
import socket
import time

import harness
import tls
from client import Client, sent
from ws import CLOSE, DEADLINE, PING, PONG, SCALE, TEXT, Ws, close_body
from ws_server import Server

NEVER = {"ws_reconnect_first": 3600000, "ws_reconnect_max": 3600000}
FAULTS = ("upstream_refused", "upstream_timeouts")


class Life(Client):
    RESTS = r"upstream_rests .*\bms=(\d+) failures=(\d+)"
    BACKOFF = {"ws_reconnect_first": 50, "ws_reconnect_max": 400}

    def rest(self, start=0):
        """The next announced delay from line `start` on: (line, ms, failures)."""
        got = self.daemon.err.wait(self.RESTS, start)
        self.assertIsNotNone(got, self.daemon.report())
        return got[0] + 1, int(got[1][1]), int(got[1][2])

    def test_waits_for_the_server_to_end_tcp(self):
        """W-L-12, whoever began the closing handshake."""
        self.start()
        for octets in (sent(CLOSE, close_body(1000)), sent(CLOSE), sent(3)):
            peer = self.server.upgraded()
            peer.send(octets)
            self.assertEqual(peer.next_frame().opcode, CLOSE)
            self.quiet(peer, 0.3)
            peer.finish()
            peer.expect_end(clean=False)
            peer.close()
        self.assertEqual(self.stop()["close_timeouts"], 0)

    def test_does_not_wait_for_ever(self):
        self.start(close_timeout=200)
        peer = self.server.upgraded()
        with self.daemon.counted(close_timeouts=1):
            peer.send(sent(CLOSE, close_body(1000)))
            self.assertEqual(peer.next_frame().opcode, CLOSE)
            peer.expect_end(clean=False)
        peer.close()
        self.stop()

    def test_reconnects(self):
        """W-L-13, W-L-14: after FIN, RST and Close at once or after at most ws_reconnect_first."""
        self.start(**self.BACKOFF)
        at = 0
        ends = {"FIN": lambda x: (x.finish(), x.expect_end(clean=False), x.close()),
                "RST": lambda x: x.reset(),
                "RST in a message": lambda x: (x.send(sent(TEXT, b"x" * 500)[:99]), x.reset()),
                "FIN in a message": lambda x: (x.send(sent(TEXT, b"x", fin=False)), x.close()),
                "Close": self.farewell,
                "failed": lambda x: (x.send(sent(3)), x.next_frame(), x.close())}
        for name, end in ends.items():
            for _ in range(3):
                with self.subTest(name):
                    peer = self.server.upgraded()
                    self.serves(peer)
                    end(peer)
                    at, ms, failures = self.rest(at)
                    self.assertEqual(failures, 1, "a connection that was open begins anew")
                    self.assertLessEqual(ms, 50)
        peer = self.server.upgraded()
        self.serves(peer)
        self.farewell(peer)
        self.stop()

    def check_delays(self, at, failures):
        for n in failures:
            at, ms, said = self.rest(at)
            bound = min(50 << (n - 1), 400)
            self.assertEqual(said, n)
            self.assertLessEqual(ms, bound)
            if n > 1:
                self.assertGreaterEqual(ms, bound // 2)
        return at

    def test_backoff_after_refusals(self):
        """W-L-13: the delay doubles up to ws_reconnect_max, and really passes."""
        server = Server()
        server.close()
        begun = time.monotonic()
        self.start(f"sip:127.0.0.1:{server.port};transport=ws", server=server, **self.BACKOFF)
        self.check_delays(0, range(1, 8))
        # delays 2 to 6 have passed, at least half of 100, 200, 400, 400 and 400
        self.assertGreaterEqual(time.monotonic() - begun, 0.7)
        counters = self.daemon.counters()
        self.assertGreaterEqual(counters["upstream_refused"], 7)
        self.assertLess(counters["upstream_connects"], 100)
        again = Server(port=server.port)
        self.server = again
        peer = again.upgraded()
        self.serves(peer)
        self.farewell(peer)
        self.stop()

    def test_backoff_after_bad_answers(self):
        self.start(**self.BACKOFF)
        for _ in range(5):
            peer = self.server.accept()
            peer.request()
            peer.send(b"HTTP/1.1 503 No\r\n\r\n")
            peer.expect_end(clean=False)
            peer.close()
        at = self.check_delays(0, range(1, 6))
        self.farewell(self.server.upgraded())
        self.check_delays(at, [1])
        self.stop()

    def full(self):
        """A server whose backlog is full: no SYN is answered any more."""
        server = Server(backlog=0)
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", server.port))
            fillers.append(filler)
            self.addCleanup(filler.close)
        probe = socket.socket()
        probe.settimeout(0.2)
        self.addCleanup(probe.close)
        if probe.connect_ex(("127.0.0.1", server.port)) == 0:
            self.skipTest("SKIP: this kernel's backlog does not fill")
        return server

    def test_connect_timeout(self):
        """One count for one outcome: a timeout is no refusal."""
        self.start(server=self.full(), tcp_connect_timeout=100, **self.BACKOFF)
        at = self.check_delays(0, range(1, 4))
        self.assertGreater(at, 0)
        counters = self.stop()
        self.assertGreaterEqual(counters["upstream_timeouts"], 3)
        self.assertEqual(counters["upstream_refused"], 0, self.daemon.report())
        self.assertLessEqual(counters["upstream_connects"], counters["upstream_timeouts"] + 1)

    def ends_soon(self):
        begun = time.monotonic()
        self.assertEqual(self.daemon.wait_exit(), 0)
        self.assertLess(time.monotonic() - begun, 5 * SCALE)
        return self.daemon.check_end()

    def test_drain_while_connecting(self):
        self.start(server=self.full(), tcp_connect_timeout=600000)
        ok, last = self.daemon.wait_counters(lambda c: c["connections"] == 1)
        self.assertTrue(ok, last)
        self.daemon.terminate()
        last = self.ends_soon()
        self.assertEqual([last[x] for x in FAULTS], [0, 0])

    def test_drain_while_asking(self):
        self.start(ws_handshake_timeout=600000)
        peer = self.server.accept()
        peer.request()
        peer.send(b"HTTP/1.1 101 Sw")
        self.daemon.terminate()
        peer.expect_end(clean=False)
        peer.close()
        last = self.ends_soon()
        self.assertEqual([last[x] for x in FAULTS], [0, 0])

    def test_drain_while_open(self):
        """Close 1001 to the server, its answer and its FIN awaited, and no new connection."""
        self.start()
        peer = self.server.upgraded()
        self.serves(peer)
        self.daemon.terminate()
        got = peer.next_frame()
        self.assertEqual((got.opcode, got.close_code), (CLOSE, 1001))
        self.quiet(peer, 0.2)
        peer.send(sent(CLOSE, close_body(1001)))
        if tls.EVERYWHERE:
            peer.expect_end()  # of TLS, by close_notify
        else:
            self.quiet(peer, 0.2)
        peer.close()
        last = self.ends_soon()
        self.assertEqual((last["upstream_connects"], last["close_timeouts"]), (1, 0))

    def test_drain_with_a_server_that_says_nothing(self):
        self.start(close_timeout=300)
        peer = self.server.upgraded()
        self.serves(peer)
        self.daemon.terminate()
        self.assertEqual(peer.next_frame().close_code, 1001)
        self.assertEqual(self.ends_soon()["close_timeouts"], 1)
        peer.close()

    def test_drain_while_resting(self):
        self.start(**NEVER)
        self.server.upgraded().reset()
        self.rest()
        self.daemon.terminate()
        self.assertEqual(self.ends_soon()["upstream_connects"], 1)

    def test_pings(self):
        """The client role asks after its server, too."""
        self.start(ws_ping_interval=1, ws_pong_timeout=1)
        peer = self.server.upgraded()
        for _ in range(2):
            got = peer.next_frame()
            self.assertEqual(got.opcode, PING)
            with self.daemon.counted(exactly=False, pongs_received=1, ping_rtts=1):
                peer.send(sent(PONG, got.payload))
        self.assertEqual(peer.next_frame().opcode, PING)
        self.assertEqual(peer.next_frame().close_code, 1001)
        peer.close()
        self.assertEqual(self.stop()["closed_pong_timeout"], 1)

    def test_limits(self):
        self.start(ws_max_message=1000)
        peer = self.server.upgraded()
        self.serves(peer, b"x" * 1000)
        peer.send(sent(TEXT, b"x" * 1001))
        self.assertEqual(peer.next_frame().close_code, 1009)
        peer.close()
        self.stop()

    def test_clients_are_served_beside_it(self):
        self.start()
        peer = self.server.upgraded()
        client = Ws(self.daemon.port)
        for i in range(20):
            self.serves(peer, b"to the server %d" % i)
            client.send_text(b"to the client %d" % i)
            self.assertEqual(client.next_message(), (TEXT, b"to the client %d" % i))
        client.hang_up()
        self.farewell(peer)
        self.stop()


class Serial(Client):
    """W-L-01: to one address, whatever the port, one connection is made at a time."""

    def start_three(self, **settings):
        self.near = [Server() for _ in range(3)]
        self.far = Server(host="127.0.0.2")
        self.peers = []
        self.start(server=self.near[0], more=(*self.near[1:], self.far), **settings)
        self.opens(self.accept(self.far))  # another address does not wait

    def stop(self):
        for one in (*self.near, self.far, *self.peers):
            one.close()
        return super().stop()

    def accept(self, server):
        peer = server.accept()
        self.peers.append(peer)
        peer.request()
        return peer

    def opens(self, peer):
        peer.send(peer.good_answer())
        self.serves(peer)

    def refused(self, peer):
        peer.send(b"HTTP/1.1 503 No\r\n\r\n")
        peer.expect_end(clean=False)
        peer.close()

    def nobody_comes(self, *servers):
        ready, _, _ = select.select([x.sock for x in servers], [], [], 0.1)
        self.assertEqual(ready, [], "a connection to this address is being made already")

    def test_one_after_the_other(self):
        self.start_three(**NEVER)
        for i, one in enumerate(self.near):
            peer = self.accept(one)
            self.nobody_comes(*self.near[i + 1:])
            self.opens(peer)
        self.assertEqual(self.stop()["upstream_connects"], 4)

    def test_failures_give_way(self):
        """A wrong answer and a lost connection alike."""
        self.start_three(**NEVER)
        peer = self.accept(self.near[0])
        self.nobody_comes(*self.near[1:])
        self.refused(peer)
        peer = self.accept(self.near[1])
        self.nobody_comes(self.near[2])
        peer.reset()
        self.opens(self.accept(self.near[2]))
        self.assertEqual(self.stop()["upstream_connects"], 4)

    def test_nobody_starves(self):
        """While none ever succeeds, each is tried in its turn."""
        self.start_three(ws_reconnect_first=1, ws_reconnect_max=1)
        tried = [0, 0, 0]
        for _ in range(30):
            ready, _, _ = select.select([x.sock for x in self.near], [], [], DEADLINE)
            self.assertEqual(len(ready), 1)
            at = [x.sock for x in self.near].index(ready[0])
            tried[at] += 1
            self.refused(self.accept(self.near[at]))
        self.assertGreaterEqual(min(tried), 8, tried)
        self.stop()

    def test_drain_while_waiting(self):
        self.start_three(**NEVER)
        self.accept(self.near[0])
        self.daemon.terminate()
        self.nobody_comes(*self.near[1:])
        self.assertEqual(self.stop()["upstream_connects"], 2)


if __name__ == "__main__":
    harness.main()
