# SPDX-License-Identifier: Apache-2.0
"""Every kernel feature that there is a fallback for: off one by one, and all at once."""

import os
import re
import subprocess
import unittest

import harness
from ws import SCALE, Ws


def features():
    """The names of all, from the ring's own table."""
    table = (harness.ROOT / "ring" / "ring.h").read_text()
    return re.findall(r'X\([A-Z_]+, "(\w+)"\)', table)


class Features(unittest.TestCase):
    def serves_without(self, disable):
        os.environ["SIPRING_DISABLE"] = disable
        self.addCleanup(os.environ.pop, "SIPRING_DISABLE", None)
        daemon = harness.Daemon(routing="echo").start()
        self.addCleanup(daemon.kill)
        clients = [Ws(daemon.port) for _ in range(20)]
        for size in (10, 1000, 60000):
            for client in clients:
                client.send_text(b"x" * size)
            for client in clients:
                self.assertEqual(client.next_message()[1], b"x" * size)
        for client in clients[::2]:
            client.hang_up()
        for client in clients[1::2]:
            client.reset()
        daemon.wait_quiet()
        daemon.terminate()
        self.assertEqual(daemon.wait_exit(), 0, daemon.report())
        daemon.check_end(0)

    def test_one_by_one(self):
        self.assertGreaterEqual(len(features()), 6)
        for name in features():
            with self.subTest(name):
                self.serves_without(name)

    def test_all_at_once(self):
        self.serves_without(",".join(features()))

    def test_unknown_name(self):
        done = subprocess.run([harness.BINARY_PATH, "--check"], capture_output=True, text=True,
                              timeout=30 * SCALE, check=False,
                              env=os.environ | {"SIPRING_DISABLE": "direct,dirct"})
        self.assertEqual(done.returncode, 2)
        self.assertIn("no feature named 'dirct'", done.stderr)


if __name__ == "__main__":
    harness.main()
