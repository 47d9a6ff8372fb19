# SPDX-License-Identifier: Apache-2.0
"""Mode edge in front of a real Kamailio as registrar and proxy (kamailio_core.cfg beside this):
what browsers do, from clients over WebSocket, with Kamailio over TCP and over UDP.
"""

import re
import unittest

import kamailio
import peer
from peer import harness
from sip import Msg, Phone, uri_of
from ws import WsError

CONFIG = kamailio.config("kamailio_core.cfg")
SETTINGS = {"edge.listen": "127.0.0.1:0", "ws_reconnect_first": 50, "ws_reconnect_max": 200,
            "edge.check_interval": 1}


class Leg:
    """One side of a dialog: where its requests go, as RFC 3261 §12 has it."""

    def __init__(self, phone, message, sent):
        """From the INVITE that came in (sent False), or from a response to ours (sent True)."""
        routes = message.all("record-route")
        self.phone = phone
        self.routes = routes[::-1] if sent else routes
        self.remote, self.local = message.get("to"), message.get("from")
        if not sent:
            self.remote, self.local = self.local, self.remote + b";tag=callee"
        self.target = uri_of(message.get("contact")).decode()
        self.call_id = message.call_id.decode()
        self.cseq = message.cseq[0] if sent else 100

    def make(self, method, fields=(), body=b"", cseq=None):
        if method != "ACK" and cseq is None:
            self.cseq += 1
        return Msg(self.phone.make(
            method, self.target, [("Route", r) for r in self.routes] + list(fields), body,
            to=self.remote.decode(), sender=self.local.decode(), call_id=self.call_id,
            cseq=cseq or self.cseq))

    def send(self, method, *args, **kw):
        request = self.make(method, *args, **kw)
        self.phone.send_sip(request.octets)
        return request


class Edge(unittest.TestCase):
    transport = "tcp"

    def setUp(self):
        self.phones = []
        self.kamailio = kamailio.Kamailio(CONFIG, ("udp", "tcp"))
        self.addCleanup(self.kamailio.room.cleanup)
        self.addCleanup(self.kamailio.end)
        self.kamailio.start()
        where = f"sip:127.0.0.1:{self.kamailio.port};transport={self.transport}"
        self.daemon = harness.Daemon("edge", SETTINGS | {"loops": 1},
                                     args=["--upstream", where]).start()
        self.addCleanup(self.daemon.kill)
        self.wait_up()
        self.alice, self.bob = self.phone("alice"), self.phone("bob")

    def wait_up(self, at=0):
        for _ in range(2 if self.transport == "udp" else 1):
            got = self.daemon.err.wait("upstream_up", at)
            self.assertIsNotNone(got, self.daemon.report() + self.kamailio.err.text())
            at = got[0] + 1

    def tearDown(self):
        for phone in self.phones:
            phone.close()
        if self.daemon.alive():
            self.daemon.stop()

    def phone(self, user, **kw):
        phone = Phone(self.daemon.port, user, **kw)
        self.phones.append(phone)
        got = phone.register(expires=300)
        self.assertEqual(got.status, 200, self.kamailio.err.text())
        gruu = re.search(rb'pub-gruu="([^"]+)"', got.octets)
        phone.gruu = gruu and gruu[1].decode()
        return phone

    def final(self, phone, request):
        """The final answer to a request of this phone; provisional ones are passed over."""
        got = phone.next_sip()
        while got.is_response and got.status < 200:
            got = phone.next_sip()
        self.assertTrue(got.is_response and got.cseq == request.cseq, got)
        return got

    def exchange(self, leg, other, method, status=200, **kw):
        """A request within a dialog, its answer, and what the other side saw."""
        request = leg.send(method, **kw)
        seen = other.phone.next_sip()
        self.assertEqual((seen.method, seen.body), (method.encode(), request.body))
        other.phone.reply(seen, status, [("Contact", f"<{other.phone.contact_uri}>")])
        self.assertEqual(self.final(leg.phone, request).status, status)
        return seen

    def invite(self, fields=(), body=b"v=0\r\n"):
        request = Msg(self.alice.make("INVITE", "sip:bob@example.org", [
            ("Contact", self.alice.contact), ("Supported", "100rel"), *fields], body))
        self.alice.send_sip(request.octets)
        return request, self.bob.next_sip()

    def call(self, contact=None):
        """Early media with PRACK and UPDATE, then the call: the legs of alice and bob."""
        request, seen = self.invite()
        bob = Leg(self.bob, seen, False)
        contact = [("Contact", f"<{contact or self.bob.contact_uri}>")]
        self.bob.reply(seen, 183, contact + [("Require", "100rel"), ("RSeq", 1)], b"v=0\r\n",
                       to_tag="callee")
        got = self.alice.next_sip()
        while got.status == 100:
            got = self.alice.next_sip()
        self.assertEqual((got.status, got.body), (183, b"v=0\r\n"))
        alice = Leg(self.alice, got, True)
        self.exchange(alice, bob, "PRACK", fields=[("RAck", f"1 {request.cseq[0]} INVITE")])
        self.exchange(alice, bob, "UPDATE", body=b"v=1\r\n",
                      fields=[("Contact", self.alice.contact)])
        self.bob.reply(seen, 200, contact, b"v=0\r\n", to_tag="callee")
        self.assertEqual(self.final(self.alice, request).status, 200)
        alice.send("ACK", cseq=request.cseq[0])
        self.assertEqual(self.bob.next_sip().method, b"ACK")
        return alice, bob

    def test_register(self):
        """Again and again one binding, with our Path; gone when it is said so."""
        for expires, bindings in ((300, 1), (200, 1), (0, 0)):
            got = self.bob.register(expires=expires)
            self.assertEqual((got.status, len(got.all("contact"))), (200, bindings))
        self.alice.send_sip(self.alice.make("MESSAGE", "sip:bob@example.org"))
        self.assertEqual(self.alice.next_sip().status, 404)

    def test_message(self):
        for size in (10, 2000, 12000):
            request = Msg(self.alice.make("MESSAGE", "sip:bob@example.org", body=b"x" * size))
            self.alice.send_sip(request.octets)
            seen = self.bob.next_sip()
            self.assertEqual((seen.method, seen.body, seen.uri.decode()),
                             (b"MESSAGE", request.body, self.bob.contact_uri))
            self.bob.reply(seen, 200)
            self.assertEqual(self.final(self.alice, request).status, 200)

    def test_call(self):
        """183, PRACK, UPDATE, 200, ACK, INVITE again from either side, INFO, BYE."""
        for side in range(2):
            legs = self.call()
            for leg, other in (legs, legs[::-1]):
                self.exchange(leg, other, "INVITE", body=b"v=2\r\n",
                              fields=[("Contact", leg.phone.contact)])
                leg.send("ACK", cseq=leg.cseq)
                self.assertEqual(other.phone.next_sip().method, b"ACK")
                self.exchange(leg, other, "INFO", body=b"5")
            self.exchange(legs[side], legs[1 - side], "BYE")

    def test_busy(self):
        request, seen = self.invite()
        self.bob.reply(seen, 486, to_tag="busy")
        self.assertEqual(self.final(self.alice, request).status, 486)
        self.assertEqual(self.bob.next_sip().method, b"ACK")  # Kamailio's own
        self.acknowledge(request, b"busy")
        self.settled()

    def acknowledge(self, request, to_tag):
        """ACK for a final answer that is no 2xx: in the INVITE's transaction."""
        ack = request.replaced({"cseq": [b"CSeq: %d ACK" % request.cseq[0]], "contact": [],
                                "to": [b"To: " + request.get("to") + b";tag=" + to_tag]})
        self.alice.send_sip(ack.replace(b"INVITE", b"ACK", 1).replace(request.body, b"")
                            .replace(b"Content-Length: %d" % len(request.body),
                                     b"Content-Length: 0"))

    def settled(self):
        """Nothing else is on its way: an exchange between the two is the next there is."""
        request = Msg(self.alice.make("MESSAGE", "sip:bob@example.org"))
        self.alice.send_sip(request.octets)
        seen = self.bob.next_sip()
        self.assertEqual(seen.method, b"MESSAGE")
        self.bob.reply(seen, 200)
        self.assertEqual(self.final(self.alice, request).status, 200)

    def test_cancel(self):
        request, seen = self.invite()
        self.bob.reply(seen, 180, to_tag="callee")
        got = self.alice.next_sip()
        while got.status != 180:
            got = self.alice.next_sip()
        cancel = request.replaced({"cseq": [b"CSeq: %d CANCEL" % request.cseq[0]], "contact": []})
        self.alice.send_sip(cancel.replace(b"INVITE", b"CANCEL", 1).replace(request.body, b"")
                            .replace(b"Content-Length: %d" % len(request.body),
                                     b"Content-Length: 0"))
        canceled = self.bob.next_sip()
        self.assertEqual(canceled.method, b"CANCEL")
        self.assertEqual(canceled.all("via")[0].split(b";flow")[0],
                         seen.all("via")[0].split(b";flow")[0])
        self.bob.reply(canceled, 200)
        self.bob.reply(seen, 487, to_tag="callee")
        got = {self.alice.next_sip().status for _ in range(2)}
        self.assertEqual(got, {200, 487})
        self.assertEqual(self.bob.next_sip().method, b"ACK")
        self.acknowledge(request, b"callee")
        self.settled()

    def test_subscribe(self):
        request = Msg(self.alice.make("SUBSCRIBE", "sip:bob@example.org", [
            ("Contact", self.alice.contact), ("Event", "presence"), ("Expires", 60)]))
        self.alice.send_sip(request.octets)
        seen = self.bob.next_sip()
        bob = Leg(self.bob, seen, False)
        self.bob.reply(seen, 200, [("Contact", self.bob.contact), ("Expires", 60)],
                       to_tag="callee")
        alice = Leg(self.alice, self.final(self.alice, request), True)
        for _ in range(2):
            self.exchange(bob, alice, "NOTIFY", body=b"open", fields=[
                ("Event", "presence"), ("Subscription-State", "active;expires=60"),
                ("Contact", self.bob.contact)])

    def test_refer(self):
        alice, bob = self.call()
        self.exchange(alice, bob, "REFER", 202, fields=[("Refer-To", "<sip:carol@example.org>"),
                                                        ("Contact", self.alice.contact)])
        self.exchange(bob, alice, "NOTIFY", body=b"SIP/2.0 200 OK", fields=[
            ("Event", "refer"), ("Subscription-State", "terminated;reason=noresource"),
            ("Contact", self.bob.contact)])
        self.exchange(bob, alice, "BYE")

    def test_moved(self):
        """bob's connection is gone and he is back on another one, in the middle of a call."""
        self.assertIsNotNone(self.bob.gruu, self.kamailio.err.text())
        alice, bob = self.call(contact=self.bob.gruu)
        old = self.bob
        old.close()
        self.daemon.wait_counters(lambda c: c["connections_closed"] >= 1)
        self.bob = Phone(self.daemon.port, "bob")
        self.bob.instance, self.bob.contact_uri = old.instance, old.contact_uri
        self.bob.contact, self.bob.register_id = old.contact, old.register_id
        self.bob.cseq = old.cseq
        self.phones.append(self.bob)
        self.assertEqual(self.bob.register(expires=300).status, 200)
        bob.phone = self.bob
        self.exchange(bob, alice, "INFO", body=b"back")
        self.exchange(alice, bob, "INFO", body=b"found")
        self.exchange(alice, bob, "BYE")

    def test_restart_of_kamailio(self):
        """503 while it is away; then clients register again, over the connections they have."""
        at = len(self.daemon.err.text().splitlines())
        self.kamailio.end()
        self.assertIsNotNone(self.daemon.err.wait("upstream_down", at), self.daemon.report())
        self.assertTrue(harness.poll(self.refused), self.daemon.report())
        at = len(self.daemon.err.text().splitlines())
        self.kamailio.start()
        self.wait_up(at)
        self.assertEqual(self.bob.register(expires=300).status, 200)
        self.settled()


    def refused(self):
        """503; a datagram sent before it was known may be lost, and nobody sends it again."""
        self.alice.send_sip(self.alice.make("MESSAGE", "sip:bob@example.org"))
        try:
            return self.alice.next_sip(0.5).status == 503
        except WsError:
            return False


class EdgeUdp(Edge):
    transport = "udp"


if __name__ == "__main__":
    why = kamailio.missing(CONFIG)
    if why:
        print(f"SKIP: {why}")
        raise SystemExit(77)
    peer.main()
