# SPDX-License-Identifier: Apache-2.0
"""Upstreams by name (RFC 3263): what is asked for, in which order servers are tried, and how long
an answer is good. The name server and the core are the test's.
"""

import unittest

import harness
from core import Core
from dns import A, NAPTR, SRV, Dns

SETTINGS = {"edge.listen": "127.0.0.1:0", "ws_reconnect_first": 20, "ws_reconnect_max": 40,
            "edge.check_interval": 1, "loops": 1}


class Names(unittest.TestCase):
    def core(self, **kw):
        core = Core(**kw)
        self.addCleanup(core.end)
        return core

    def start(self, uri, table, delay=0, **settings):
        self.dns = Dns(table, delay)
        self.addCleanup(self.dns.__exit__)
        self.daemon = harness.Daemon(
            "edge", SETTINGS | {"dns.servers": f"127.0.0.1:{self.dns.port}"} | settings,
            args=["--upstream", uri]).start()
        self.addCleanup(self.daemon.kill)

    def up(self, at=0):
        got = self.daemon.err.wait(r"upstream_up .*port=(\d+)", at)
        self.assertIsNotNone(got, f"{self.daemon.report()}\n{self.dns.asked}")
        return int(got[1][1])

    def test_address(self):
        """A port was named: only the address is asked for."""
        core = self.core()
        self.start(f"sip:core.test:{core.port};transport=tcp",
                   {("core.test", A): [(60, "127.0.0.1")]})
        self.assertEqual(self.up(), core.port)
        self.assertEqual(set(self.dns.asked), {("core.test", A)})
        self.daemon.stop()

    def test_slow_answer(self):
        """The time for the connection begins when its address is there."""
        core = self.core()
        self.start(f"sip:core.test:{core.port};transport=tcp",
                   {("core.test", A): [(60, "127.0.0.1")]}, delay=0.6,
                   tcp_connect_timeout=300)
        self.assertEqual(self.up(), core.port)
        self.assertNotIn("upstream_timeout", self.daemon.err.text())
        self.daemon.stop()

    def test_srv(self):
        """By priority; who does not answer is passed over."""
        core, other = self.core(), self.core()
        dead = other.port
        other.end()
        self.start("sip:core.test;transport=tcp", {
            ("_sip._tcp.core.test", SRV): [(60, (20, 1, core.port, "b.test")),
                                           (60, (10, 1, dead, "a.test"))],
            ("a.test", A): [(60, "127.0.0.1")], ("b.test", A): [(60, "127.0.0.1")]})
        self.assertEqual(self.up(), core.port)
        self.assertIsNotNone(self.daemon.err.wait(f"upstream_refused .*port={dead}"))
        self.daemon.stop()

    def test_naptr(self):
        """Of the records for the transport the first names the SRV records."""
        core = self.core()
        self.start("sip:core.test;transport=udp", {
            ("core.test", NAPTR): [(60, (10, 1, "s", "SIP+D2T", "_sip._tcp.x.test")),
                                   (60, (30, 1, "s", "SIP+D2U", "_sip._udp.y.test")),
                                   (60, (20, 1, "S", "sip+d2u", "_sip._udp.z.test"))],
            ("_sip._udp.z.test", SRV): [(60, (1, 1, core.port, "a.test"))],
            ("a.test", A): [(60, "127.0.0.1")]})
        self.assertEqual(self.up(), core.port)
        self.assertEqual(self.dns.asked[("_sip._udp.y.test", SRV)], 0)
        self.daemon.stop()

    def test_ttl(self):
        """A lost server is looked up again only when the answer is too old; then it may be
        elsewhere."""
        core, other = self.core(), self.core()
        table = {("_sip._tcp.core.test", SRV): [(60, (1, 1, core.port, "a.test"))],
                 ("a.test", A): [(2, "127.0.0.1")]}
        self.start("sip:core.test;transport=tcp", table)
        self.assertEqual(self.up(), core.port)
        table[("_sip._tcp.core.test", SRV)] = [(60, (1, 1, other.port, "a.test"))]
        at = len(self.daemon.err.text().splitlines())
        core.end()
        self.assertEqual(self.up(at), other.port)
        self.assertEqual(self.dns.asked[("a.test", A)], 2)
        self.daemon.stop()

    def test_nobody(self):
        """No such name: asked again and again, requests are answered 503."""
        self.start("sip:core.test;transport=tcp", {})
        self.assertTrue(harness.poll(
            lambda: self.dns.asked[("_sip._tcp.core.test", SRV)] >= 3), self.dns.asked)
        self.assertIsNotNone(self.daemon.err.wait("resolved .*targets=0"))
        self.daemon.stop()


if __name__ == "__main__":
    harness.main()
