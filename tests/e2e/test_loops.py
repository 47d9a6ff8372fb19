# SPDX-License-Identifier: Apache-2.0
"""Several loops: where connections go. How even they are, and what messages cost, measures
bench/scale."""

import re
import unittest

import harness
from ws import PING, Ws

LOOPS, CLIENTS = 4, 100


class Spread(unittest.TestCase):
    def spread(self, slack):
        """Connections of each loop, and how many were handed over, when they come one by one."""
        daemon = harness.Daemon(routing="echo", settings={
            "loops": LOOPS, "max_connections": 2000, "accept_slack": slack, "log_level": "debug",
            "log_rate": 10000}).start()
        self.addCleanup(daemon.kill)
        clients = []
        for _ in range(CLIENTS):
            clients.append(Ws(daemon.port))
            clients[-1].send_frame(PING, b"here")
            clients[-1].expect_pong(b"here")
        handed = daemon.counters()["connections_handed_over"]
        for client in clients:
            client.hang_up()
        daemon.wait_quiet()
        daemon.stop()
        found = re.findall(r"debug connection_accepted .*loop=(\d+)", daemon.err.text())
        self.assertEqual(len(found), CLIENTS)
        return [found.count(str(i)) for i in range(LOOPS)], handed

    def test_even(self):
        counts, handed = self.spread(1)
        self.assertLessEqual(max(counts) - min(counts), 2, counts)
        self.assertLess(handed, CLIENTS)  # none goes from loop to loop

    def test_never(self):
        self.assertEqual(self.spread(1 << 24)[1], 0)


if __name__ == "__main__":
    harness.main()
