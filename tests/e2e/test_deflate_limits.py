# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate: what must be refused, what is better left uncompressed, and what it costs.

Duties Z-04 to Z-06.
"""

import random
import re
import unittest
import zlib

import harness
from deflate import Bench, NONE, ON, PMD, SEED, compressible, deflated, message
from ws import BINARY, CONT, PING, TEXT, Ws, close_body, frame


def status_kb(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return int(re.search(rf"^{field}:\s+(\d+) kB", lines.read(), re.M)[1])


class Plain(Bench, harness.E2E):
    """No context; what must be refused, limits, and when nothing is compressed."""

    routing = "echo"
    settings = ON

    def test_rsv1(self):
        data = zlib.compress(b"Hello", wbits=-15)
        good = frame(TEXT, data[:3], fin=False, rsv=4)
        self.fails(frame(TEXT, data, rsv=4), 1002, offer=None)
        self.fails(good + frame(CONT, data[3:], rsv=4), 1002)
        self.fails(frame(TEXT, b"x", fin=False) + frame(CONT, data, rsv=4), 1002)
        for opcode, body in ((PING, b""), (0xA, b"x"), (0x8, close_body(1000))):
            self.fails(frame(opcode, body, rsv=4), 1002)
            self.fails(good + frame(opcode, body, rsv=4), 1002)
        for rsv in (1, 2, 3, 5, 6, 7):
            self.fails(frame(TEXT, data, rsv=rsv), 1002)
        for opcode in (3, 7, 11, 15):
            self.fails(frame(opcode, data, rsv=4), 1002)
        self.fails(frame(CONT, data, rsv=4), 1002)

    def test_corrupt(self):
        """Z-05, W-C-05: reserved block type, bad codes, bad stored length, reference to nothing."""
        rng = random.Random(f"{SEED} corrupt")
        for data in (b"\x06", b"\x07\xff", b"\xff" * 20, b"\x00\x05\x00\x00\x00Hello",
                     bytes.fromhex("4a04220000"), b"\x05" + b"\xff" * 30,
                     zlib.compress(b"with the wrong wrapping")):
            with self.subTest(data.hex()):
                for opcode in (TEXT, BINARY):
                    self.fails(frame(opcode, data, rsv=4), 1007)
        self.fails(frame(BINARY, deflated(rng.randbytes(200))[:-40], rsv=4), 1007)
        with self.daemon.counted(closed_protocol_error=1, closes_sent=1):
            self.fails(frame(TEXT, b"\x06", rsv=4), 1007)

    def test_garbage(self):
        """Whatever comes: an echo or 1002/1007/1009, never an end of the daemon."""
        rng = random.Random(f"{SEED} garbage")
        ends = {}
        for _ in range(150):
            client = self.client()
            data = bytearray(client.deflate.deflate(compressible(rng, 500)))
            for _ in range(rng.randrange(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            client.send(frame(BINARY, bytes(data), rsv=4))
            got = client.next_frame()
            ends[got.close_code if got.opcode == 8 else 0] = 1
            client.close()
        self.assertLessEqual(set(ends), {0, 1007, 1009})
        self.assertIn(1007, ends)

    def test_invalid_utf8(self):
        """Z-06: UTF-8 is checked after inflation, in text only."""
        for bad in (b"\xff", b"a" * 3000 + b"\xed\xa0\x80", b"ok \xf4\x8f\xbf", b"\xc0\xaf" * 300):
            self.fails(lambda c, bad=bad: self.packed(c, TEXT, bad), 1007)
            self.fails(lambda c, bad=bad: self.packed(c, TEXT, bad, [2, 4]), 1007)
            client = self.client()
            client.send(self.packed(client, BINARY, bad))
            self.same(client, BINARY, bad)
            client.hang_up()
        client = self.client()  # octets that are no UTF-8 themselves, of a text that is
        text = "\u00e4\U0001f4de".encode() * 500
        client.send(self.packed(client, TEXT, text, range(1, 9)))
        self.same(client, TEXT, text)
        client.hang_up()

    def test_short_messages_are_left_alone(self):
        client = self.client()
        for n in (0, 1, 100, 255, 256, 257, 5000):
            text = b"a" * n
            client.send(self.packed(client, TEXT, text))
            self.same(client, TEXT, text)
            self.assertEqual(client.was_compressed, n >= 256, n)
        client.hang_up()

    def test_what_does_not_shrink_is_left_alone(self):
        client = self.client()
        rng = random.Random(f"{SEED} shrink")
        for n in (256, 1000, 5000, 60000):
            for kind, shrinks in (("random", False), ("text", True)):
                opcode, payload = message(rng, n, kind)
                client.send(self.packed(client, opcode, payload))
                self.same(client, opcode, payload)
                self.assertEqual(client.was_compressed, shrinks, (n, kind))
        client.hang_up()

    def test_limit_is_on_what_comes_out(self):
        client = self.client()
        client.send(self.packed(client, BINARY, bytes(65536)))
        self.same(client, BINARY, bytes(65536))
        client.hang_up()
        with self.daemon.counted(closed_too_big=2):
            self.fails(lambda c: self.packed(c, BINARY, bytes(65537)), 1009)
            self.fails(lambda c: self.packed(c, BINARY, bytes(65537), range(1, 20)), 1009)


class Cost(unittest.TestCase):
    """Memory; each with a daemon of its own."""

    def start(self, routing="echo", **settings):
        daemon = harness.Daemon(routing, ON | settings).start()
        self.addCleanup(daemon.kill)
        return daemon

    def bomb(self, daemon, data, times, bound_kb):
        warm = Ws(daemon.port, extensions=PMD)
        warm.send(Bench.packed(warm, TEXT, b"warm " * 1000))
        warm.next_message()
        before = status_kb(daemon.pid, "VmHWM")
        for _ in range(times):
            client = Ws(daemon.port, extensions=PMD)
            client.send(frame(BINARY, data, rsv=4))
            client.expect_close(1009)
            client.close()
        grown = status_kb(daemon.pid, "VmHWM") - before
        self.assertLess(grown, bound_kb)
        warm.hang_up()
        daemon.stop()

    def test_bombs(self):
        """Z-06: 1 KB that is 1 MB, 64 KB that is 64 MB: Close 1009, and memory within the limit."""
        small = deflated(bytes(1 << 20))
        large = deflated(*[bytes(1 << 20)] * 64)
        self.assertLess(len(small), 1100)
        self.assertLess(len(large), 65536)
        for name, data in (("1 MB", small), ("64 MB", large)):
            with self.subTest(name):
                self.bomb(self.start(), data, 10, 8192)
        with self.subTest("64 MB, limit of 16 MB"):
            self.bomb(self.start(ws_max_message=16 << 20), large, 1, 3 * 16 << 10)
        with self.subTest("64 MB in 600 fragments"):
            cuts = [large[i:i + 110] for i in range(0, len(large), 110)]
            daemon = self.start()
            client = Ws(daemon.port, extensions=PMD)
            client.send(b"".join(frame(CONT if i else BINARY, x, fin=x is cuts[-1],
                                       rsv=0 if i else 4) for i, x in enumerate(cuts)))
            client.expect_close(1009)
            client.close()
            daemon.stop()

    def idle(self, daemon, offer, count):
        """Growth in KB by `count` connections that each spoke once."""
        before = status_kb(daemon.pid, "VmRSS")
        clients = [Ws(daemon.port, extensions=offer) for _ in range(count)]
        for client in clients:
            client.send(Bench.packed(client, TEXT, b"to and fro " * 100))
            client.next_message()
            self.assertTrue(client.was_compressed)
        grown = status_kb(daemon.pid, "VmRSS") - before
        return clients, grown

    def test_idle_connections_hold_nothing(self):
        """Without context, 200 connections hold no more than 10 (but for what any connection
        costs); with context, each holds its windows. That is what the bound is measured by."""
        grown = {}
        for offer in (f"{PMD}; {NONE}", PMD):
            daemon = self.start(deflate_context_takeover="yes")
            first, _ = self.idle(daemon, offer, 10)
            more, grown[offer] = self.idle(daemon, offer, 200)
            for client in first + more:
                client.close()
            daemon.wait_quiet()
            daemon.stop()
        self.assertGreater(grown[PMD], 200 * 40, grown)
        self.assertLess(grown[f"{PMD}; {NONE}"], grown[PMD] / 4, grown)

    def test_process_budget(self):
        """deflate_memory: when it is used up, newcomers get no compression, but service."""
        daemon = self.start(deflate_context_takeover="yes", deflate_memory=1 << 20)
        clients = [Ws(daemon.port, extensions=PMD) for _ in range(12)]
        agreed = [c.deflate is not None for c in clients]
        self.assertTrue(agreed[0])
        self.assertFalse(agreed[-1])
        for client in clients:
            text = b"served all the same " * 50
            if client.deflate:
                client.send(Bench.packed(client, TEXT, text))
            else:
                client.send_text(text)
            self.assertEqual(client.next_message(), (TEXT, text))
            client.hang_up()
        daemon.wait_quiet()
        again = Ws(daemon.port, extensions=PMD)
        self.assertIsNotNone(again.deflate, "what was given back can be had again")
        again.hang_up()
        daemon.stop()


class Relay(Bench, harness.E2E):
    """SIP between a phone with compression and one without: each sees its own framing."""

    routing = "registrar"
    settings = ON | {"deflate_min": 0}

    def test_both_ways(self):
        a, b = self.phone("da", extensions=PMD), self.phone("db")
        self.assertIsNotNone(a.deflate)
        self.assertIsNone(b.deflate)
        for phone in (a, b):
            phone.registered()
        octets = a.make("MESSAGE", "sip:db@example.org", body=b"to plain " * 90)
        a.send(self.packed(a, TEXT, octets))
        got = b.next_sip()
        self.assertEqual(got.body, b"to plain " * 90)
        b.send_text(b.make("MESSAGE", "sip:da@example.org", body=b"to packed " * 90))
        got = a.next_sip()
        self.assertEqual(got.body, b"to packed " * 90)
        self.assertTrue(a.was_compressed)
        for phone in (a, b):
            phone.hang_up()


if __name__ == "__main__":
    harness.main()
