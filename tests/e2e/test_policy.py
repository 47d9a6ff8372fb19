# SPDX-License-Identifier: Apache-2.0
"""What is let in, and what is given up first: rules, rates, and queues with SIP sense."""

import unittest

import harness
from sip import Phone


class Policy(unittest.TestCase):
    def daemon(self, *rules, **settings):
        args = [x for rule in rules for x in ("--set", f"policy.rule={rule}")]
        daemon = harness.Daemon(settings={
            name.replace("__", "."): value for name, value in settings.items()},
            listen=("ws:127.0.0.1:0", "ws:127.0.0.1:0"), args=args).start()
        self.addCleanup(daemon.kill)
        return daemon

    def end(self, daemon, *phones):
        for phone in phones:
            phone.hang_up()
        daemon.wait_quiet()
        daemon.stop()

    def test_rules(self):
        """The second listener only takes what bears a mark; one method is nobody's business."""
        daemon = self.daemon("method=REGISTER registrar", "method=PUBLISH reject=489",
                             "listener=2 header=X-Mark registrar", "listener=2 reject=403",
                             "source=192.0.2.0/24 reject=600")
        one = Phone(daemon.ports[0], "one").registered()
        two = Phone(daemon.ports[1], "two").registered()
        ask = {"body": b"x"}
        self.assertEqual(one.ask("MESSAGE", "sip:nobody@example.org", **ask).status, 404)
        self.assertEqual(one.ask("PUBLISH", "sip:one@example.org", **ask).status, 489)
        with daemon.counted(refused_policy=1):
            self.assertEqual(two.ask("MESSAGE", "sip:nobody@example.org", **ask).status, 403)
        got = two.ask("MESSAGE", "sip:nobody@example.org", [("X-Mark", "1")], **ask)
        self.assertEqual(got.status, 404)
        self.end(daemon, one, two)

    def test_rates(self):
        daemon = self.daemon(routing__connection_rate=10, routing__source_rate=25)
        phones = [Phone(daemon.port, f"r{i}") for i in range(3)]
        statuses = []
        for phone in phones:
            for _ in range(30):
                phone.send_sip(phone.make("MESSAGE", "sip:nobody@example.org", body=b"x"))
            got = [phone.next_sip() for _ in range(30)]
            statuses.append([x.status for x in got])
            for x in got:
                self.assertIn(x.status, (404, 503))
                self.assertEqual(x.get("retry-after"), b"5" if x.status == 503 else None)
        self.assertEqual(statuses[0][:10], [404] * 10)
        counters = daemon.counters()
        self.assertGreater(counters["refused_connection_rate"], 0)
        self.assertGreater(counters["refused_source_rate"], 0)
        self.end(daemon, *phones)

    def test_a_full_queue_gives_up_in_order(self):
        """A callee stops reading: OPTIONS for it is refused first, then MESSAGE; BYE never is."""
        daemon = self.daemon(ws_max_message=16384, ws_send_queue=131072, ws_send_timeout=30000)
        a = Phone(daemon.port, "a").registered()
        b = Phone(daemon.port, "b", rcvbuf=4096).registered()
        a.send_sip(a.make("INVITE", "sip:b@example.org", [("Contact", a.contact)]))
        invite = b.next_sip()
        b.reply(invite, 200, [("Contact", b.contact)], to_tag="bt")
        ok = a.next_sip()
        refused = []
        for _ in range(2000):
            a.send_sip(a.make("MESSAGE", "sip:b@example.org", body=b"m" * 8000))
            a.send_sip(a.make("OPTIONS", "sip:b@example.org"))
            refused += [x for x in a.settle() if x.status == 480]
            if any(x.cseq[1] == b"MESSAGE" for x in refused):
                break
        kinds = [x.cseq[1] for x in refused]
        self.assertEqual(kinds[0], b"OPTIONS")
        self.assertIn(b"MESSAGE", kinds)
        route = [("Route", r) for r in reversed(ok.all("record-route"))]
        a.send_sip(a.make("BYE", b.contact_uri, route, to=ok.get("to"), sender=ok.get("from"),
                          call_id=ok.call_id.decode()))
        # what could not be delivered is answered a moment after what was asked behind it
        kinds += [x.cseq[1] for x in a.settle() + a.settle()]
        self.assertNotIn(b"BYE", kinds, "a BYE is queued")
        counters = daemon.counters()
        self.assertEqual(counters["spared_send_queue"], kinds.count(b"OPTIONS"))
        self.assertEqual(counters["refused_send_queue"], kinds.count(b"MESSAGE"))
        while b.next_sip().method != b"BYE":
            pass
        self.assertEqual(daemon.counters()["closed_send_queue"], 0)
        self.end(daemon, a, b)


if __name__ == "__main__":
    harness.main()
