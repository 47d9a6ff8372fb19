# SPDX-License-Identifier: Apache-2.0
"""Sends without a copy (send_zc): every octet arrives as it was, also when buffers are taken again
at once, when the peer does not acknowledge, when it goes, and where the kernel refuses."""

import os
import unittest

import harness
from ws import BINARY, DEADLINE, Ws, WsError, frame

MB = 1 << 20
BIG = {"ws_max_message": 4 * MB, "send_zc": 16384, "ws_send_queue": 16 * MB}


def pattern(seed, size):
    return (seed.to_bytes(4, "big") + os.urandom(1020)) * (size // 1024)


class SendZc(unittest.TestCase):
    def start(self, **settings):
        daemon = harness.Daemon(routing="echo", settings=BIG | settings).start()
        self.addCleanup(daemon.kill)
        return daemon

    def echoes(self, daemon, size, times=8, clients=4):
        peers = [Ws(daemon.port) for _ in range(clients)]
        for i in range(times):
            sent = [pattern(i * clients + n, size) for n in range(clients)]
            for peer, octets in zip(peers, sent):
                peer.send_frame(BINARY, octets)
            for peer, octets in zip(peers, sent):
                opcode, got = peer.next_message()
                self.assertEqual((opcode, len(got)), (BINARY, len(octets)))
                self.assertTrue(got == octets, f"size {size}, message {i}")
        for peer in peers:
            peer.hang_up()

    def end(self, daemon):
        daemon.wait_quiet()
        return daemon.stop()

    def test_sizes(self):
        daemon = self.start()
        for size in 1024, 15 * 1024, 16 * 1024, 64 * 1024, MB:
            with self.subTest(size):
                self.echoes(daemon, size)
        last = self.end(daemon)
        self.assertGreater(last["sends_zc"], 100)

    def test_off(self):
        daemon = self.start(send_zc=0)
        self.echoes(daemon, 256 * 1024)
        self.assertEqual(self.end(daemon)["sends_zc"], 0)

    def test_slow_and_deaf(self):
        """More peers that do not read than there are buffers: others are served, with a copy."""
        daemon = self.start(ws_send_timeout=3000, loops=1)
        deaf = [Ws(daemon.port, rcvbuf=4096) for _ in range(48)]
        for peer in deaf:
            try:
                peer.send(frame(BINARY, bytes(200000)), reading=False, within=DEADLINE)
            except WsError:
                pass
        self.echoes(daemon, MB, times=2)
        slow = Ws(daemon.port, rcvbuf=4096)
        octets = pattern(1, MB)
        slow.send(frame(BINARY, octets), reading=False, within=DEADLINE)
        self.assertTrue(slow.next_message() == (BINARY, octets))
        slow.hang_up()
        ok, last = daemon.wait_counters(lambda c: c["closed_send_timeout"] == len(deaf))
        self.assertTrue(ok, last)
        for peer in deaf:
            peer.close()
        self.echoes(daemon, MB, times=2)  # the buffers are back
        self.end(daemon)

    def test_gone(self):
        """The peer goes while the kernel still sends from a buffer, and the buffer is used on."""
        daemon = self.start(loops=1)
        for i in range(60):
            peer = Ws(daemon.port, rcvbuf=4096)
            peer.send(frame(BINARY, bytes(100000)), reading=False, within=DEADLINE)
            peer.reset() if i % 2 else peer.close()
        self.echoes(daemon, MB, times=2)
        self.end(daemon)

    def test_disabled(self):
        os.environ["SIPRING_DISABLE"] = "send_zc"
        self.addCleanup(os.environ.pop, "SIPRING_DISABLE", None)
        daemon = self.start()
        self.assertIsNotNone(daemon.err.wait("warn send_zc_refused"))
        self.echoes(daemon, 256 * 1024)
        self.assertEqual(self.end(daemon)["sends_zc"], 0)


if __name__ == "__main__":
    harness.main()
