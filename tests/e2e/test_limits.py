# SPDX-License-Identifier: Apache-2.0
"""Limits and volume against the echo mode: the cases of volume_cases, budgets, the default limits,
and the timers of an open connection."""

import time

import harness
import volume_cases
from ws import BINARY, CLOSE, CONT, PING, PONG, TEXT, Ws, close_body, frame


class Limits(volume_cases.Volume, harness.E2E):
    routing = "echo"


class Budgets(harness.E2E):
    """What is legal but odd, or more than anybody needs, is let by within a budget (W-F-16)."""

    routing = "echo"
    settings = {"ws_control_rate": 20, "ws_glitches": 10, "ws_max_empty_fragments": 5,
                "ws_max_msg_chunks": 4}

    def test_control_frames(self):
        with self.daemon.counted(closed_control_rate=1):
            client = self.keep(Ws(self.daemon.port))
            client.send(frame(PING, b"x") * 40)
            for _ in range(20):
                self.assertEqual(client.next_frame().opcode, PONG)
            got = client.next_frame()
            while got.opcode == PONG:  # the bucket fills while we talk
                got = client.next_frame()
            self.assertEqual((got.opcode, got.payload[:2]), (CLOSE, b"\x03\xf0"))
            client.close()

    def test_unasked_pongs(self):
        with self.daemon.counted(closed_glitches=1):
            client = self.keep(Ws(self.daemon.port))
            client.send(frame(PONG) * 9)
            client.send(frame(TEXT, b"still here"))
            self.assertEqual(client.next_message(), (TEXT, b"still here"))
            client.send(frame(PONG) * 5)
            client.expect_close(1008)
            client.close()

    def test_empty_messages_are_messages(self):
        """To an echo they are no odd input, however many."""
        with self.daemon.counted(closed_glitches=0, answered=2000):
            client = self.keep(Ws(self.daemon.port))
            for opcode in (TEXT, BINARY):
                client.send(frame(opcode) * 1000)
                for _ in range(1000):
                    self.assertEqual(client.next_message(), (opcode, b""))
            client.hang_up()

    def test_empty_fragments(self):
        for n, fine in ((5, True), (6, False)):
            with self.subTest(n=n):
                client = self.keep(Ws(self.daemon.port))
                client.send(frame(BINARY, b"", fin=False) + frame(CONT, b"", fin=False) * (n - 1)
                            + frame(CONT, b"end"))
                if fine:
                    self.assertEqual(client.next_message(), (BINARY, b"end"))
                    client.hang_up()
                else:
                    client.expect_close(1008)

    def test_reads_per_message(self):
        """ws_max_msg_chunks as OpenSIPS has it: so many reads, and still no whole message."""
        with self.daemon.counted(closed_message_reads=1):
            client = self.keep(Ws(self.daemon.port))
            octets = frame(BINARY, b"0123456789")
            before = self.daemon.counters()["bytes_received"]
            for i in range(4):
                client.send(octets[i:i + 1])
                self.daemon.wait_counters(lambda c, n=i: c["bytes_received"] > before + n)
            client.expect_close(1008)


class OddSip(harness.E2E):
    """What says nothing to SIP is let by within a budget."""

    settings = {"ws_glitches": 20}

    def test_empty_messages(self):
        for opcode in (TEXT, BINARY):
            with self.daemon.counted(exactly=False, closed_glitches=1, dropped_malformed=20):
                client = self.keep(Ws(self.daemon.port))
                client.send(frame(opcode) * 40)
                client.expect_close(1008)
                client.close()


class DefaultLimits(harness.E2E):
    routing = "echo"

    def test_message(self):
        for n, fine in ((65536, True), (65537, False)):
            for fragment in (None, 1000):
                with self.subTest(n=n, fragment=fragment):
                    client = self.keep(Ws(self.daemon.port))
                    step = fragment or n
                    pieces = [bytes(min(step, n - i)) for i in range(0, n, step)]
                    for i, x in enumerate(pieces):
                        last = i == len(pieces) - 1
                        if not client.send(frame(CONT if i else BINARY, x, fin=last)):
                            break
                    if fine:
                        self.assertEqual(client.next_message(), (BINARY, bytes(n)))
                        client.hang_up()
                    else:
                        client.expect_close(1009)

    def test_fragments(self):
        for n, fine in ((1024, True), (1025, False)):
            with self.subTest(n=n):
                client = self.keep(Ws(self.daemon.port))
                client.send(frame(BINARY, b"a", fin=False)
                            + b"".join(frame(CONT, b"a", fin=i == n - 1) for i in range(1, n)))
                if fine:
                    self.assertEqual(client.next_message(), (BINARY, b"a" * n))
                    client.hang_up()
                else:
                    client.expect_close(1008)


class Patience(harness.E2E):
    """Mode echo waits longer than the 100 ms of OpenSIPS for a peer that does not read."""

    routing = "echo"
    settings = {"ws_send_queue": 64 << 20}
    ONE = bytes(65536)
    N = 160  # 10 MB: more than the kernel keeps for a connection

    def stalled(self, daemon):
        client = self.keep(Ws(daemon.port, rcvbuf=4096))
        client.send(frame(BINARY, self.ONE) * self.N, reading=False)
        return client

    def test_reader_that_stops_for_a_second(self):
        with self.daemon.counted(closed_send_timeout=0, answered=self.N):
            client = self.stalled(self.daemon)
            time.sleep(1)
            for _ in range(self.N):
                self.assertEqual(client.next_message(), (BINARY, self.ONE))
            client.hang_up()

    def test_timeout_that_was_set_holds(self):
        daemon = harness.Daemon(routing="echo",
                                settings={**self.settings, "ws_send_timeout": 100}).start()
        self.addCleanup(daemon.kill)
        client = self.stalled(daemon)
        ok, last = daemon.wait_counters(lambda c: c["closed_send_timeout"] == 1)
        self.assertTrue(ok, last)
        client.close()
        daemon.wait_quiet()
        daemon.stop()


class Slow(harness.E2E):
    routing = "echo"
    settings = {"ws_message_timeout": 300, "ws_ping_interval": 1, "ws_pong_timeout": 1,
                "close_timeout": 300}

    def test_unfinished_message(self):
        """A message must be complete in ws_message_timeout, however busy its sender looks."""
        with self.daemon.counted(closed_message_timeout=1):
            client = self.keep(Ws(self.daemon.port))
            client.send(frame(TEXT, b"begun", fin=False))
            client.expect_close(1008)

    def test_ping_and_silence(self):
        """Silence is asked after; no answer ends the connection, counted by reason."""
        with self.daemon.counted(pings_sent=1, closed_pong_timeout=1):
            client = self.keep(Ws(self.daemon.port))
            self.assertEqual(client.next_frame().opcode, PING)
            while client.next_frame() is not None:
                pass
            client.close()

    def test_idle(self):
        """W-C-07, W-C-09: Close 1001, its answer awaited for close_timeout and no longer."""
        daemon = harness.Daemon("echo", self.settings | {"ws_ping_interval": 0,
                                                         "ws_idle_timeout": 1}).start()
        self.addCleanup(daemon.kill)
        for answers in (True, False):
            client = self.keep(Ws(daemon.port))
            with daemon.counted(closed_idle=1, closes_sent=1, close_timeouts=int(not answers),
                                connections_closed=1):
                got = client.next_frame()
                self.assertEqual((got.opcode, got.close_code), (CLOSE, 1001))
                if answers:
                    client.send(frame(CLOSE, close_body(1001)))
                client.expect_end(clean=False)
                client.close()
        daemon.stop()

    def test_ping_and_answer(self):
        with self.daemon.counted(pings_sent=2, ping_rtts=2, closed_pong_timeout=0):
            client = self.keep(Ws(self.daemon.port))
            for _ in range(2):
                got = client.next_frame()
                self.assertEqual(got.opcode, PING)
                client.send(frame(PONG, got.payload))
            client.hang_up()


if __name__ == "__main__":
    harness.main()
