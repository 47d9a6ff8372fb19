# SPDX-License-Identifier: Apache-2.0
"""Peers that die at every point of a connection's life: by FIN, by RST, by silence.

Afterwards nothing is left of them: gauges at 0, each message with its fate, sanitizers silent.
"""

import os
import random

import harness
from sip import Phone
from ws import (CLOSE, CONT, DEADLINE, PING, TEXT, Stream, Ws, WsError, close_body, frame,
                request_head)

SEED = int(os.environ.get("SIPRING_TEST_SEED", "20260923"))


def nothing(port):
    return Stream(port)


def half_head(port):
    client = Stream(port)
    client.send(request_head(port)[0][:60])
    return client


def whole_head_unread(port):
    """The request is there; the 101 is never read."""
    client = Stream(port)
    client.send(request_head(port)[0])
    return client


def bad_head_unread(port):
    client = Stream(port)
    client.send(b"POST / HTTP/1.1\r\n\r\n")
    return client


def opened(octets):
    def make(port):
        client = Ws(port)
        client.send(octets)
        return client
    return make


def close_sent(port):
    """Our Close is sent, and answered; the stream is not ended by us."""
    client = Ws(port)
    client.send(frame(CLOSE, close_body(1000)))
    client.next_frame()
    return client


def close_received(port):
    """The server failed us: its Close has come and is not answered."""
    client = Ws(port)
    client.send(frame(3))
    client.next_frame()
    return client


def close_both(port):
    client = close_received(port)
    client.send(frame(CLOSE, close_body(1002)))
    return client


POINTS = {
    "before the first octet": nothing,
    "inside the request head": half_head,
    "request head sent": whole_head_unread,
    "refused head": bad_head_unread,
    "open": opened(b""),
    "after one octet of a frame": opened(frame(TEXT, b"x")[:1]),
    "inside the mask": opened(frame(TEXT, b"x")[:4]),
    "inside a 64-bit length": opened(frame(TEXT, b"x" * 65536)[:7]),
    "header of a long frame": opened(frame(TEXT, b"x" * 60000)[:8]),
    "inside a payload": opened(frame(TEXT, b"x" * 1000)[:500]),
    "inside a long payload": opened(frame(TEXT, b"x" * 65000)[:40000]),
    "between fragments": opened(frame(TEXT, b"x" * 5000, fin=False) + frame(CONT, b"y", fin=False)),
    "inside a ping between fragments": opened(frame(TEXT, b"x", fin=False)
                                              + frame(PING, b"z" * 100)[:30]),
    "inside a Close": opened(frame(CLOSE, close_body(1000, b"bye"))[:7]),
    "answer on its way": opened(frame(TEXT, b"not SIP") + frame(TEXT, b"\r\n\r\n") * 50),
    "Close sent": opened(frame(CLOSE, close_body(1000))),
    "Close sent and answered": close_sent,
    "Close received": close_received,
    "Close both ways": close_both,
}


def by_fin(client):
    client.finish()


def by_rst(client):
    client.reset()


def by_silence(client):
    pass


def by_fin_and_rst(client):
    client.finish()
    client.reset()


class Kill(harness.E2E):
    settings = {"handshake_timeout": 400, "ws_message_timeout": 400, "ws_ping_interval": 1,
                "ws_pong_timeout": 1, "close_timeout": 400}

    def at_every_point(self, end):
        """All points at once (deadlines run in parallel), each several times."""
        clients = []
        for name, make in POINTS.items():
            for _ in range(3):
                clients.append((name, self.keep(make(self.daemon.port))))
        for _, client in clients:
            end(client)
        self.daemon.wait_quiet()  # with our ends still open where nothing was said
        self.still_serves()

    def test_fin(self):
        self.at_every_point(by_fin)

    def test_rst(self):
        self.at_every_point(by_rst)

    def test_fin_then_rst(self):
        self.at_every_point(by_fin_and_rst)

    def test_silence(self):
        self.at_every_point(by_silence)

    def test_one_by_one(self):
        """The same, each alone, so that a failure has a name."""
        for name, make in POINTS.items():
            for end in (by_fin, by_rst):
                with self.subTest(name, end=end.__name__):
                    client = self.keep(make(self.daemon.port))
                    end(client)
                    self.daemon.wait_quiet()

    def test_storm(self):
        """Random points, random ends, while a call goes on beside it."""
        rnd = random.Random(SEED)
        a, b = self.phone("storm1").registered(), self.phone("storm2").registered()
        points, ends = list(POINTS.values()), (by_fin, by_rst, by_silence, by_fin_and_rst)
        alive = []
        for i in range(400):
            alive.append(rnd.choice(points)(self.daemon.port))
            if len(alive) > 40:
                victim = alive.pop(rnd.randrange(len(alive)))
                rnd.choice(ends)(victim)
                victim.close()
            if i % 20 == 0:
                a.send_sip(a.make("MESSAGE", "sip:storm2@example.org", body=b"%d" % i))
                got = b.next_sip()
                self.assertEqual(got.body, b"%d" % i, f"seed {SEED}")
                b.reply(got, 200)
                self.assertEqual(a.next_sip().status, 200)
        for client in alive:
            client.close()
        a.hang_up()
        b.hang_up()


class Relay(harness.E2E):
    """Sender or target dies with messages on their way."""

    settings = {"ws_send_queue": 64 << 20, "ws_send_timeout": 500}

    def pair(self, rcvbuf=None):
        self.count = getattr(self, "count", 0) + 1
        a = self.phone(f"a{self.count}").registered()
        b = self.phone(f"b{self.count}", rcvbuf=rcvbuf).registered()
        return a, b, f"sip:b{self.count}@example.org"

    def burst(self, a, uri, n, size=500):
        return b"".join(frame(TEXT, a.make("MESSAGE", uri, body=bytes([65 + i % 26]) * size))
                        for i in range(n))

    def test_sender_dies(self):
        """What was whole arrives or is accounted for; what was cut does not arrive."""
        for end in (by_fin, by_rst):
            for cut in (0, 1, 400):
                with self.subTest(end=end.__name__, cut=cut):
                    a, b, uri = self.pair()
                    octets = self.burst(a, uri, 200)
                    a.send(octets[:len(octets) - cut])
                    end(a)
                    if end is by_fin:
                        for i in range(200 - (cut > 0)):
                            self.assertEqual(b.next_sip().body[:1], bytes([65 + i % 26]))
                    got = b.settle()
                    self.assertTrue(all(len(m.body) == 500 for m in got))
                    b.hang_up()
                    self.daemon.wait_quiet()

    def test_target_dies(self):
        """Requests to somebody who just went: answered, or lost with him; each counted once."""
        for end in (by_fin, by_rst):
            for rcvbuf in (None, 4096):
                with self.subTest(end=end.__name__, rcvbuf=rcvbuf):
                    a, b, uri = self.pair(rcvbuf)
                    octets = self.burst(a, uri, 300)
                    a.send(octets[:len(octets) // 2])
                    end(b)
                    b.close()
                    a.send(octets[len(octets) // 2:])
                    got = a.settle()
                    self.assertTrue(all(m.is_response and m.status in (430, 480) for m in got),
                                    got[:3])
                    a.hang_up()
                    self.daemon.wait_quiet()

    def test_target_dies_before_answering(self):
        """A response finds its caller gone."""
        a, b, uri = self.pair()
        a.send_sip(a.make("MESSAGE", uri, body=b"x"))
        request = b.next_sip()
        a.reset()
        ok, last = self.daemon.wait_counters(lambda c: c["connections"] == 1)
        self.assertTrue(ok, last)
        with self.daemon.counted(dropped_flow_gone=1):
            b.reply(request, 200)
            self.assertEqual(b.settle(), [])
        b.hang_up()

    def flood(self, a, uri, counter, total=32 << 20, method="MESSAGE"):
        """Send to somebody who does not read until the daemon has given up on him."""
        size, sent, before = 60000, 0, self.daemon.counters()[counter]
        while sent < total:
            octets = b"".join(frame(TEXT, a.make(method, uri, body=b"*" * size))
                              for _ in range(16))
            a.send(octets, within=DEADLINE)
            sent += 16 * size
            if self.daemon.counters()[counter] > before:
                return sent
        ok, last = self.daemon.wait_counters(lambda c: c[counter] > before)
        self.assertTrue(ok, last)
        return sent

    def test_target_does_not_read(self):
        a, b, uri = self.pair(rcvbuf=4096)
        with self.daemon.counted(closed_send_timeout=1, closed_send_queue=0):
            sent = self.flood(a, uri, "closed_send_timeout")
            self.assertGreaterEqual(sent, 960000)
        got = a.settle(100000)
        self.assertTrue(all(m.status in (430, 480) for m in got))
        self.assertEqual(a.ask("MESSAGE", uri, body=b"x").status in (430, 480), True)
        # b finds a stream that was cut, nothing worse
        while not b.eof:
            b.fill(len(b.buf) + 1)
        self.still_serves()

    def test_sender_does_not_read_answers(self):
        """The same for our own answers: no memory without bound for somebody who only asks."""
        daemon = harness.Daemon(settings={"ws_send_timeout": 300}).start()
        self.addCleanup(daemon.kill)
        a = Phone(daemon.port, "asks", rcvbuf=4096)
        question = frame(TEXT, a.make("OPTIONS", "sip:example.org")) * 200
        for _ in range(2000):
            try:
                if not a.send(question, reading=False, within=0.5):
                    break
            except WsError:  # the daemon does not read from him either: nothing can be sent
                break
        ok, last = daemon.wait_counters(
            lambda c: c["closed_send_timeout"] + c["closed_send_queue"] == 1)
        self.assertTrue(ok, last)
        a.close()
        daemon.wait_quiet()
        daemon.stop()

    def test_full_queue(self):
        """New requests are refused before it is full; a BYE is not, and ends the connection."""
        settings = {"ws_send_timeout": 600000, "ws_send_queue": 100000}
        daemon = harness.Daemon(settings=settings).start()
        self.addCleanup(daemon.kill)
        self.daemon, shared = daemon, self.daemon
        try:
            a, b, uri = self.pair(rcvbuf=4096)
            with daemon.counted(closed_send_queue=1, closed_send_timeout=0):
                self.flood(a, uri, "refused_send_queue")
                self.flood(a, uri, "closed_send_queue", method="BYE")
            a.settle(100000)
            a.close()
            b.close()
            daemon.wait_quiet()
            daemon.stop()
        finally:
            self.daemon = shared

    def test_slow_reader_lives(self):
        """Slow is not dead: whoever reads a little all the time gets everything."""
        settings = {"ws_send_queue": 64 << 20, "ws_send_timeout": 5000}
        daemon = harness.Daemon(settings=settings).start()
        self.addCleanup(daemon.kill)
        a = Phone(daemon.port, "fast").registered()
        b = Phone(daemon.port, "slow", rcvbuf=4096).registered()
        for i in range(100):
            a.send_sip(a.make("MESSAGE", "sip:slow@example.org", body=b"%05d" % i + bytes(20000)))
        for i in range(100):
            self.assertEqual(b.next_sip().body[:5], b"%05d" % i)
        a.hang_up()
        b.hang_up()
        daemon.wait_quiet()
        self.assertEqual(daemon.stop()["closed_send_timeout"], 0)


if __name__ == "__main__":
    harness.main()
