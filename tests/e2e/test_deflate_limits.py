# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate: the cases of deflate_cases.Plain, its cost (Z-06), and SIP through it."""

import os
import re
import unittest

import deflate_cases
import harness
from deflate import Bench, NONE, ON, PMD, bomb
from ws import BINARY, CONT, TEXT, Ws, frame

MB = 1 << 20


# A sanitizer's heap keeps what was freed: not here, where memory is compared.
HEAP = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
        ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}


def slack():
    """Octets that may come on top of any bound. A sanitizer's heap copies what grows: there a
    bomb must stay far from what it inflates to."""
    return 48 * MB if harness.sanitized() else MB


def status_kb(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return int(re.search(rf"^{field}:\s+(\d+) kB", lines.read(), re.M)[1])


class Plain(deflate_cases.Plain, harness.E2E):
    routing = "echo"


class Cost(unittest.TestCase):
    """Memory; each with a daemon of its own."""

    def start(self, routing="echo", **settings):
        daemon = harness.Daemon(routing, ON | settings, env=HEAP).start()
        self.addCleanup(daemon.kill)
        return daemon

    def start_small(self, **settings):
        """With few receive buffers, and only those of one loop: so they can be warmed up."""
        return self.start(receive_buffers=64, loops=1, **settings)

    def grown(self, daemon, *frames, times=1):
        """KB that the process grew by at most while it was sent these frames, and closed 1009."""
        warm = Ws(daemon.port, extensions=PMD)
        for _ in range(32):  # through every receive buffer, so that all are in memory
            warm.send_text(b"warm " * 13000)
            warm.next_message()
        warm.send(Bench.packed(warm, TEXT, b"warm " * 1000))
        warm.next_message()
        before = status_kb(daemon.pid, "VmHWM")
        for _ in range(times):
            client = Ws(daemon.port, extensions=PMD)
            client.send(b"".join(frames))  # it may be told, and cut off, before all is sent
            client.expect_close(1009)
            client.close()
        warm.hang_up()
        return status_kb(daemon.pid, "VmHWM") - before

    def test_bombs(self):
        """Z-06: from 1 KB that is 1 MB to 1 MB that is 1 GB: Close 1009, and no more memory than
        the limit on what comes out, once, and the message as it came."""
        for limit in (MB // 16, 4 * MB, 16 * MB):
            daemon = self.start_small(ws_max_message=limit)
            for size in (1, 2, 64, 1024):
                data = bomb(size * MB)
                if size * MB <= limit:
                    continue
                with self.subTest(limit=limit, size=size):
                    self.assertLess(len(data), size * 1100)
                    grown = self.grown(daemon, frame(BINARY, data, rsv=4))
                    self.assertLess(grown, (limit + 2 * len(data) + slack()) >> 10)
            daemon.stop()

    def test_bombs_in_a_row(self):
        daemon = self.start_small()
        grown = self.grown(daemon, frame(BINARY, bomb(60 * MB), rsv=4), times=50)
        self.assertLess(grown, slack() >> 10)
        daemon.stop()

    def test_bomb_in_fragments(self):
        daemon = self.start_small(ws_max_message=4 * MB)
        data = bomb(1024 * MB)
        cuts = [data[i:i + 110] for i in range(0, len(data), 110)]
        frames = [frame(CONT if i else BINARY, x, fin=x is cuts[-1], rsv=0 if i else 4)
                  for i, x in enumerate(cuts)]
        self.assertLess(self.grown(daemon, *frames), (4 * MB + 2 * len(data) + slack()) >> 10)
        daemon.stop()

    def idle(self, daemon, offer, count):
        """Growth in KB by `count` connections that each spoke once."""
        before = status_kb(daemon.pid, "VmRSS")
        clients = [Ws(daemon.port, extensions=offer) for _ in range(count)]
        text = b"to and fro " * 100
        for client in clients:
            if offer:
                client.send(Bench.packed(client, TEXT, text))
            else:
                client.send_text(text)
            client.next_message()
            self.assertEqual(client.was_compressed, bool(offer))
        grown = status_kb(daemon.pid, "VmRSS") - before
        return clients, grown

    def test_idle_connections_hold_nothing(self):
        """Without context, 200 connections hold no more than without compression; with context,
        each holds its windows. That is what the bound is measured by."""
        grown = {}
        for offer in ("", f"{PMD}; {NONE}", PMD):
            daemon = self.start(deflate_context_takeover="yes")
            first, _ = self.idle(daemon, offer or None, 10)
            more, grown[offer] = self.idle(daemon, offer or None, 200)
            for client in first + more:
                client.close()
            daemon.wait_quiet()
            daemon.stop()
        windows = grown[PMD] - grown[""]
        self.assertGreater(windows, 200 * 40, grown)
        self.assertLess(grown[f"{PMD}; {NONE}"] - grown[""], windows / 4, grown)

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
