# SPDX-License-Identifier: Apache-2.0
"""Clients that never read, while others work: those are cut off for that reason and no other, the
others lose nothing, and neither the daemon nor the kernel keeps much for them. How fast all that is
measures bench/slow."""

import json
import pathlib
import re
import subprocess
import unittest

import harness
from sip import Phone
from ws import BINARY, DEADLINE, Ws, WsError, frame

WSLOAD = pathlib.Path(harness.BINARY_PATH).with_name("wsload")
SLOW = 100
KB = 1024
MEMORY_SLACK = 8192 * KB  # pools keep some slabs, the tables have been touched


def unsent(port):
    """Bytes that the kernel holds to be sent, of each connection of the listener."""
    rows = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [row.split() for row in rows]
    return [int(row[4].partition(":")[0], 16) for row in rows
            if int(row[1].partition(":")[2], 16) == port and row[3] == "01"]


class Kernel(unittest.TestCase):
    def held(self, **settings):
        """Bytes in the kernel for a peer that sends to an echo and does not read."""
        daemon = harness.Daemon(routing="echo", settings=settings).start()
        self.addCleanup(daemon.kill)
        client = Ws(daemon.port, rcvbuf=4096)
        try:
            while client.send(frame(BINARY, bytes(60 * KB)), reading=False, within=0.3):
                pass
        except WsError:
            pass
        got = unsent(daemon.port)
        client.close()
        daemon.wait_quiet()
        daemon.stop()
        self.assertEqual(len(got), 1)
        return got[0]

    def test_bounded(self):
        """One segment of at most 64 KB may be above the bound. Without one: megabytes."""
        self.assertLess(self.held(), (64 + 64 + 8) * KB)
        self.assertLess(self.held(tcp_notsent_lowat=16 * KB), (16 + 64 + 8) * KB)
        self.assertGreater(self.held(tcp_notsent_lowat=0), 512 * KB)


class Beside(unittest.TestCase):
    def test_healthy_and_slow(self):
        daemon = harness.Daemon(settings={"ws_send_timeout": 1000, "ws_send_queue": 1 << 20,
                                          "loops": 1}).start()
        self.addCleanup(daemon.kill)
        rest = daemon.private_bytes()
        slow = [Phone(daemon.port, f"slow{i}", rcvbuf=4096).registered() for i in range(SLOW)]
        sender = Phone(daemon.port, "sender")
        healthy = subprocess.Popen(
            [str(WSLOAD), f"ws://127.0.0.1:{daemon.port}", "--connections", str(SLOW), "--quiet",
             "--json", "--warm-up", "0ms", "--duration", "3s", "--timeout", f"{DEADLINE:.0f}s"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4):
            for phone in slow:
                sender.send_sip(sender.make("MESSAGE", phone.contact_uri, body=bytes(60000)))
        ok, last = daemon.wait_counters(lambda c: c["closed_send_timeout"] == SLOW)
        self.assertTrue(ok, last)
        out, said = healthy.communicate(timeout=2 * DEADLINE)
        self.assertEqual(healthy.returncode, 0, said)
        self.assertEqual(json.loads(out.splitlines()[-1])["errors"], 0, said)
        sender.reset()
        last = daemon.wait_quiet()
        if not harness.sanitized():
            self.assertTrue(harness.poll(lambda: daemon.private_bytes() < rest + MEMORY_SLACK),
                            f"{rest} before, {daemon.private_bytes()} after")
        others = {k: v for k, v in last.items() if re.match("closed_|close_time", k) and v}
        others.pop("closed_by_peer", 0)
        others.pop("closed_reset", 0)
        self.assertEqual(others, {"closed_send_timeout": SLOW})
        for phone in slow:
            phone.close()
        daemon.stop()


if __name__ == "__main__":
    harness.main()
