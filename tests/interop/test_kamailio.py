# SPDX-License-Identifier: Apache-2.0
"""sipring as the WebSocket client of a real Kamailio (kamailio.cfg beside this file).

sipring echoes: what Kamailio sends to it comes back to Kamailio, masked. So a request that Kamailio
sends is received, answered, echoed again and taken as the answer by Kamailio itself.
"""

import re
import time
import unittest

import kamailio
import peer
from peer import DEADLINE, harness
from test_client_role import QUICK

CONFIG = kamailio.config("kamailio.cfg")


class Kamailio(kamailio.Kamailio):
    """With WebSockets."""

    def __init__(self):
        super().__init__(CONFIG)

    def connections(self):
        """Its WebSocket connections: number, the other side's port, what it says of them."""
        said = self.rpc("ws.dump")["connections"]
        found = [re.match(r"(\d+): ws:127\.0\.0\.1:(\d+) -> .*\((.*)\)", x) for x in said]
        return [(int(x[1]), int(x[2]), x[3]) for x in found]

    def frames_received(self):
        said = self.rpc("stats.get_statistics", "ws_received_frames")
        return int(said[0].rpartition("=")[2])

    def options(self, port, body=""):
        """Send an OPTIONS to that side of a connection; the status that it came to."""
        head = ("From: <sip:kamailio@example.org>;tag=k\r\nTo: <sip:echo@example.org>\r\n"
                f"Contact: <sip:kamailio@127.0.0.1:{self.port};transport=ws>\r\n"
                "Content-Type: text/plain\r\n")
        return self.rpc("tm.t_uac_wait_block", "OPTIONS",
                        f"sip:echo@127.0.0.1:{port};transport=ws", ".", ".", head, body)["code"]


class Upstream(unittest.TestCase):
    def setUp(self):
        self.kamailio = Kamailio()
        self.addCleanup(self.kamailio.room.cleanup)
        self.addCleanup(self.kamailio.end)
        self.kamailio.start()

    def start(self, **settings):
        where = f"sip:127.0.0.1:{self.kamailio.port};transport=ws"
        settings = QUICK | {"ws_resource": "/sip", "ws_subprotocols": "sip"} | settings
        self.daemon = harness.Daemon("echo", settings, args=["--upstream", where]).start()
        self.addCleanup(self.daemon.kill)

    def connected(self):
        """The one connection that both agree on: its number and our port."""
        got = harness.poll(lambda: [x for x in self.kamailio.connections() if "OPEN" in x[2]])
        self.assertEqual(len(got), 1, self.kamailio.err.text())
        number, port, said = got[0]
        self.assertIn("sub-protocol: sip", said)
        return number, port

    def stop(self):
        counters = self.daemon.stop()
        self.assertEqual(harness.poll(lambda: not self.kamailio.connections()), True)
        return counters

    def test_messages(self):
        """Our handshake is accepted, and so is every masked frame: there and back, twice each."""
        self.start()
        port = self.connected()[1]
        sizes = (0, 1, 2, 3, 100, 1000, 10000, 30000)
        with self.daemon.counted(messages_received=2 * len(sizes), answered=2 * len(sizes)):
            for size in sizes:
                self.assertEqual(self.kamailio.options(port, "x" * size), 200, size)
        counters = self.stop()
        self.assertEqual((counters["handshakes_done"], counters["upstream_refused"]), (1, 0))
        self.assertEqual((counters["closes_sent"], counters["closes_received"]), (1, 1))

    def test_pings_of_kamailio(self):
        self.start()
        connected = self.connected()
        before = self.kamailio.frames_received()
        with self.daemon.counted(pings_received=5, pongs_sent=5):
            for _ in range(5):
                self.kamailio.rpc("ws.ping", connected[0])
        self.assertTrue(harness.poll(lambda: self.kamailio.frames_received() == before + 5))
        self.assertEqual(self.connected(), connected)
        self.assertEqual(self.kamailio.options(connected[1]), 200)
        self.assertEqual(self.stop()["upstream_connects"], 1)

    def test_pings_of_ours(self):
        self.start(ws_ping_interval=1)
        connected = self.connected()
        ok, last = self.daemon.wait_counters(lambda x: x["ping_rtts"] >= 2)
        self.assertTrue(ok, last)
        self.assertEqual(self.connected(), connected)
        self.assertEqual(self.kamailio.options(connected[1]), 200)
        counters = self.stop()
        self.assertEqual((counters["upstream_connects"], counters["closed_pong_timeout"]), (1, 0))

    def test_closed_by_kamailio(self):
        self.start()
        before, _ = self.connected()
        with self.daemon.counted(exactly=True, closes_received=1, upstream_connects=1):
            self.kamailio.rpc("ws.close", before)
            got = harness.poll(lambda: [x for x in self.kamailio.connections()
                                        if "OPEN" in x[2] and x[0] != before])
            self.assertTrue(got, self.daemon.report())
        self.assertEqual(self.kamailio.options(got[0][1]), 200)
        self.stop()

    def test_reconnects(self):
        """W-L-13: Kamailio ends, stays away, and is there again on the same port."""
        self.start(ws_reconnect_first=100, ws_reconnect_max=400)
        self.assertEqual(self.kamailio.options(self.connected()[1]), 200)
        at = len(self.daemon.err.text().splitlines())
        self.kamailio.end()
        for failures, bound in enumerate((100, 200, 400, 400), 1):
            got = self.daemon.err.wait(r"upstream_rests .*\bms=(\d+) failures=(\d+)", at)
            self.assertIsNotNone(got, self.daemon.report())
            at = got[0] + 1
            self.assertEqual(int(got[1][2]), failures)
            self.assertLessEqual(int(got[1][1]), bound)
        begun = time.monotonic()
        self.kamailio.start()
        self.assertEqual(self.kamailio.options(self.connected()[1]), 200)
        self.assertLess(time.monotonic() - begun, DEADLINE)
        self.stop()

    def test_refused(self):
        """Its 404 and 400 are no upgrade; the daemon counts them and asks again."""
        for name, settings in {"another path": {"ws_resource": "/elsewhere"},
                               "no subprotocol": {"ws_subprotocols": ""},
                               "another subprotocol": {"ws_subprotocols": "msrp"}}.items():
            with self.subTest(name):
                self.start(**settings)
                ok, last = self.daemon.wait_counters(lambda x: x["upstream_refused"] >= 3)
                self.assertTrue(ok, last)
                self.assertEqual((last["handshakes_done"], last["upstream_timeouts"]), (0, 0))
                self.assertEqual(self.kamailio.connections(), [])
                self.daemon.stop()

    def test_several_protocols(self):
        """It picks what it knows out of several."""
        self.start(ws_subprotocols="chat,sip")
        self.assertEqual(self.kamailio.options(self.connected()[1]), 200)
        self.stop()


if __name__ == "__main__":
    why = kamailio.missing(CONFIG)
    if why:
        print(f"SKIP: {why}")
        raise SystemExit(77)
    peer.main()
