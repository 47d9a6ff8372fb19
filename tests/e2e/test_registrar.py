# SPDX-License-Identifier: Apache-2.0
"""Registrar and stateless proxy as a client sees them: RFC 3261 10, 16.11, RFC 5626, RFC 7118."""

import select
import socket

import harness
from sip import Msg, Phone, param, tag, uri_of
from ws import BINARY, TEXT


class Registrar(harness.E2E):
    """Each test uses names of its own: what one leaves behind is not the other's business."""

    def contacts(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return {uri_of(c): int(param(c, "expires")) for c in answer.all("contact")}

    def uris(self, answer):
        return [u.decode() for u in self.contacts(answer)]

    # registration

    def test_register_query_unregister(self):
        a = self.phone("r1")
        self.assertEqual(self.uris(a.register([])), [], "a query binds nothing")
        got = a.register(expires=300)
        self.assertEqual(self.uris(got), [a.contact_uri])
        contact = got.get("contact")
        self.assertEqual(param(contact, "+sip.instance"), f'"{a.instance}"'.encode())
        self.assertEqual(param(contact, "reg-id"), b"1")
        self.assertTrue(290 <= int(param(contact, "expires")) <= 300)
        self.assertTrue(tag(got.get("to")), "RFC 3261 8.2.6.2: To gets a tag")
        self.assertEqual(self.uris(a.register([])), [a.contact_uri])
        with self.daemon.counted(exactly=True, bindings=-1):
            self.assertEqual(self.uris(a.register(expires=0)), [])
        self.assertEqual(self.uris(a.register([])), [])
        a.hang_up()

    def test_default_and_longest_expiry(self):
        a = self.phone("r2")
        got = self.contacts(a.register())
        self.assertTrue(3590 <= got[a.contact_uri.encode()] <= 3600, got)
        got = self.contacts(a.register(expires=1000000))
        self.assertTrue(7190 <= got[a.contact_uri.encode()] <= 7200, got)
        b = self.phone("r2b")
        got = self.contacts(b.register([b.contact + ";expires=120"], expires=600))
        self.assertTrue(110 <= got[b.contact_uri.encode()] <= 120,
                        "the parameter wins over the header")

    def test_too_brief(self):
        a = self.phone("r3")
        for contacts, expires in ((None, 59), (None, 1), ([a.contact + ";expires=10"], 300)):
            with self.subTest(contacts=contacts, expires=expires):
                got = a.register(contacts, expires=expires)
                self.assertEqual((got.status, got.get("min-expires")), (423, b"60"))
        self.assertEqual(self.uris(a.register([])), [], "nothing was bound")

    def test_bad_star(self):
        a = self.phone("r4").registered()
        for contacts, expires in ((["*"], 300), (["*"], None), (["*", a.contact], 0),
                                  ([a.contact, "*"], 0),
                                  (["*, " + a.contact], 0), (["*;expires=0"], 0)):
            with self.subTest(contacts=contacts, expires=expires):
                self.assertEqual(a.register(contacts, expires=expires).status, 400)
        self.assertEqual(self.uris(a.register([])), [a.contact_uri], "nothing was unbound")

    def test_star(self):
        a, b = self.phone("r5").registered(), self.phone("r5").registered()
        self.assertEqual(set(self.uris(a.register([]))), {a.contact_uri, b.contact_uri})
        self.assertEqual(self.uris(a.register(["*"], expires=0)), [])
        self.assertEqual(self.uris(b.register([])), [])

    def test_several_contacts(self):
        a = self.phone("r6")
        one, two = f"sip:x1@{a.host};transport=ws", f"sip:x2@{a.host};transport=ws"
        got = a.register([f"<{one}>;q=0.5;expires=100, <{two}>;q=0.7"], expires=200)
        self.assertEqual(set(self.uris(got)), {one, two})
        self.assertTrue(self.contacts(got)[one.encode()] <= 100)
        got = a.register([f"<{one}>;expires=0"], expires=200)
        self.assertEqual(self.uris(got), [two], "the others stay")
        got = a.register([f"<{one}>", f"<{two}>;expires=0"], expires=200)
        self.assertEqual(self.uris(got), [one])

    def test_all_or_nothing(self):
        """RFC 3261 10.3: a REGISTER that fails for one contact changes nothing."""
        a = self.phone("r7").registered()
        got = a.register([f"<sip:new@{a.host}>;expires=300", f"<sip:other@{a.host}>;expires=5"])
        self.assertEqual(got.status, 423)
        self.assertEqual(self.uris(a.register([])), [a.contact_uri])

    def test_same_contact_is_replaced(self):
        a = self.phone("r8")
        for q in ("0.1", "0.9"):
            got = a.register([f"{a.contact};q={q}"], expires=300)
        self.assertEqual(self.uris(got), [a.contact_uri])
        self.assertIn(param(got.get("contact"), "q"), (b"0.9", b"0.900"))

    def test_instance_and_reg_id(self):
        """O-13: same instance and reg-id replace; another reg-id or instance does not."""
        a = self.phone("r9").registered()
        b = self.phone("r9")
        again = f'{b.contact};reg-id=1;+sip.instance="{a.instance}"'
        self.assertEqual(self.uris(b.register([again], expires=300)), [b.contact_uri])
        c = self.phone("r9")
        other = f'{c.contact};reg-id=2;+sip.instance="{a.instance}"'
        self.assertEqual(set(self.uris(c.register([other], expires=300))),
                         {b.contact_uri, c.contact_uri})
        d = self.phone("r9").registered()
        self.assertEqual(set(self.uris(d.register([]))),
                         {b.contact_uri, c.contact_uri, d.contact_uri})

    def test_old_cseq(self):
        """RFC 3261 10.3, 7: same Call-ID, CSeq not higher: the REGISTER is out of order."""
        a = self.phone("r10")
        self.assertEqual(a.register(expires=300, cseq=10).status, 200)
        self.assertNotEqual(a.register(expires=0, cseq=9).status, 200)
        self.assertEqual(self.uris(a.register([], cseq=11)), [a.contact_uri])

    def test_too_many_contacts(self):
        a = self.phone("r11")
        many = [f"<sip:m{i}@{a.host}>" for i in range(17)]
        self.assertEqual(a.register(many, expires=300).status, 403)
        self.assertEqual(self.uris(a.register([])), [])
        self.assertEqual(len(self.contacts(a.register(many[:16], expires=300))), 16)
        self.assertEqual(a.register(many[16:], expires=300).status, 403)

    def test_malformed(self):
        a = self.phone("r12")
        for name, contacts, kw in (
                ("contact without URI", ["<>"], {}),
                ("open bracket", ["<sip:a@b"], {}),
                ("open quote", ['"a <sip:a@b>'], {}),
                ("q over 1", [a.contact + ";q=1.5"], {}),
                ("To without URI", None, {"to": "nobody"}),
                ("To of another scheme", None, {"to": "<tel:+4930123456>"}),
                ("no To", None, {"drop": ("To",)}),
                ("no CSeq", None, {"drop": ("CSeq",)}),
                ("no Call-ID", None, {"drop": ("Call-ID",)})):
            with self.subTest(name):
                request = Msg(a.make("REGISTER", "sip:example.org",
                                     [("Contact", c) for c in contacts or [a.contact]]
                                     + [("Expires", 300)],
                                     **({"to": f"<{a.aor}>"} | kw)))
                a.send_sip(request.octets)
                got = a.next_sip()
                self.assertTrue(400 <= got.status < 500, got)
        self.assertEqual(self.uris(a.register([])), [])

    def test_malformed_expires_counts_as_none(self):
        """RFC 3261 20.10, 20.19."""
        a = self.phone("r12b")
        got = self.contacts(a.register([a.contact + ";expires=soon"]))
        self.assertTrue(3590 <= got[a.contact_uri.encode()] <= 3600, got)

    def test_path(self):
        """Pa-03, Pa-04: Path is stored, echoed, and pre-loaded as Route."""
        a = self.phone("r13")
        path = "<sip:edge.example.net;transport=ws;lr>"
        got = a.register(expires=300, fields=[("Path", path)])
        self.assertEqual(self.uris(got), [a.contact_uri])
        self.assertEqual([p.decode() for p in got.all("path")], [path])
        b = self.phone("r13b").registered()
        b.send_sip(b.make("MESSAGE", "sip:r13@example.org", body=b"hi"))
        got = a.next_sip()
        self.assertEqual([r.decode() for r in got.all("route")], [path])
        a.reply(got, 200)
        self.assertEqual(b.next_sip().status, 200)

    def test_require_unknown(self):
        a = self.phone("r14")
        got = a.register(expires=300,
                         fields=[("Require", "path, teleport"), ("Proxy-Require", "warp")])
        self.assertEqual(got.status, 420)
        self.assertTrue({u.decode() for u in got.all("unsupported")} <= {"teleport", "warp"},
                        got.lines)
        self.assertTrue(got.all("unsupported"))

    def test_expiry(self):
        daemon = harness.Daemon(settings={"registrar.min_expires": 1}).start()
        self.addCleanup(daemon.kill)
        a, b = Phone(daemon.port, "short"), Phone(daemon.port, "other").registered()
        self.assertEqual(list(self.contacts(a.register(expires=1)).values()), [1])
        self.assertEqual(daemon.counters()["bindings"], 2)
        ok, last = daemon.wait_counters(lambda c: c["bindings"] == 1)
        self.assertTrue(ok, last)
        self.assertEqual(b.ask("MESSAGE", "sip:short@example.org", body=b"x").status, 480)
        a.hang_up()
        b.hang_up()
        daemon.wait_quiet()
        daemon.stop()

    def test_binding_goes_with_its_connection(self):
        """S-20: no flow, no way to reach a browser; the name is known, so 480 or 430, not 404."""
        a, b = self.phone("r15").registered(), self.phone("r15b").registered()
        a.hang_up()
        self.assertIn(b.ask("MESSAGE", "sip:r15@example.org", body=b"x").status, (480, 430))
        again = self.phone("r15").registered()
        b.send_sip(b.make("MESSAGE", "sip:r15@example.org", body=b"x"))
        got = again.next_sip()
        self.assertEqual(got.uri.decode(), again.contact_uri)
        again.reply(got, 200)
        self.assertEqual(b.next_sip().status, 200)

    # what the proxy refuses

    def test_refused(self):
        a = self.phone("p1").registered()
        for name, status, call in (
                ("nobody", 404, lambda: a.ask("MESSAGE", "sip:nobody@example.org", body=b"x")),
                ("INVITE to nobody", 404, lambda: a.ask("INVITE", "sip:nobody@example.org")),
                ("unknown scheme", 416, lambda: a.ask("MESSAGE", "tel:+4930123456")),
                ("odd scheme", 416, lambda: a.ask("OPTIONS", "soap.beep://192.0.2.103:3002")),
                ("no hops left", 483,
                 lambda: a.ask("MESSAGE", "sip:p1@example.org", max_forwards=0)),
                ("unknown Proxy-Require", 420,
                 lambda: a.ask("MESSAGE", "sip:p1@example.org", [("Proxy-Require", "warp")])),
                ("bad Max-Forwards", 400,
                 lambda: a.ask("MESSAGE", "sip:p1@example.org", max_forwards="x")),
                ("bad CSeq method", 400,
                 lambda: a.ask("MESSAGE", "sip:p1@example.org", drop=("CSeq",),
                               fields=[("CSeq", "1 INVITE")])),
                ("method for the server", 405,
                 lambda: a.ask("MESSAGE", "sip:example.org", body=b"x")),
        ):
            with self.subTest(name):
                got = call()
                self.assertEqual(got.status, status, got)
                self.assertTrue(tag(got.get("to")))
                self.assertEqual(int(got.get("content-length")), len(got.body))
        got = a.ask("MESSAGE", "sip:p1@example.org", [("Proxy-Require", "warp")])
        self.assertEqual(got.all("unsupported"), [b"warp"])
        got = a.ask("MESSAGE", "sip:example.org", body=b"x")
        self.assertTrue(got.all("allow"), "a 405 says what is allowed")
        self.assertEqual(a.settle(), [])

    def test_version(self):
        a = self.phone("p2")
        for version, status in ((b"SIP/7.0", 505), (b"SIP/1.0", 505), (b"SIP/2", 400),
                                (b"sip/2.0", None)):
            good = a.make("OPTIONS", "sip:example.org")
            octets = good.replace(b"SIP/2.0", version, 1)
            with self.subTest(version):
                a.send_sip(octets)
                got = a.next_sip()
                self.assertIn(got.status, (status,) if status else (200, 505))

    def test_options_to_the_server(self):
        a = self.phone("p3")
        got = a.ask("OPTIONS", "sip:example.org")
        self.assertEqual(got.status, 200)
        self.assertTrue(got.all("allow"))
        self.assertIn(a.ask("OPTIONS", "sip:example.org", max_forwards=0).status, (200, 483))
        a.hang_up()

    def test_stateless_answers_are_the_same(self):
        """P-12: the same request twice gets the same answer, To tag included."""
        a = self.phone("p4")
        request = a.make("MESSAGE", "sip:nobody@example.org", body=b"x")
        answers = []
        for _ in range(2):
            a.send_sip(request)
            answers.append(a.next_sip().octets)
        self.assertEqual(*answers)

    def test_ack_is_never_answered(self):
        a = self.phone("p5")
        with self.daemon.counted(absorbed=1, dropped_unroutable=1, dropped_flow_gone=1, answered=2):
            invite = Msg(a.make("INVITE", "sip:nobody@example.org"))
            a.send_sip(invite.octets)
            got = a.next_sip()
            self.assertEqual(got.status, 404)
            ack = invite.replaced({"cseq": [b"CSeq: %d ACK" % invite.cseq[0]],
                                   "to": [b"To: " + got.get("to")]})
            a.send_sip(ack.replace(b"INVITE ", b"ACK ", 1))
            a.send_sip(a.make("ACK", "sip:nowhere@gone.invalid;transport=ws",
                              to="<sip:nobody@example.org>;tag=other"))
            a.send_sip(a.make("ACK", "sip:nobody@example.org",
                              to="<sip:nobody@example.org>;tag=other"))
            self.assertEqual(a.settle(), [])

    def test_contacts_are_never_connected_to(self):
        """S-18: a client is reached over its own connection, wherever its contact points."""
        with socket.create_server(("127.0.0.1", 0)) as trap:
            real = f"127.0.0.1:{trap.getsockname()[1]}"
            for host in ("tsvjci2q7ch5.invalid", real):
                with self.subTest(host):
                    a, b = self.phone("p6c"), self.phone("p6d").registered()
                    a.contact_uri = f"sip:p6c@{host};transport=ws"
                    a.register([f"<{a.contact_uri}>;expires=300"])
                    b.send_sip(b.make("MESSAGE", "sip:p6c@example.org", body=b"x"))
                    self.assertEqual(a.next_sip().uri, a.contact_uri.encode())
                    a.hang_up()
                    ok, last = self.daemon.wait_counters(lambda c: c["connections"] == 1)
                    self.assertTrue(ok, last)
                    for uri in ("sip:p6c@example.org", a.contact_uri):
                        self.assertGreaterEqual(b.ask("MESSAGE", uri, body=b"x").status, 400)
                    self.assertEqual(select.select([trap], [], [], 0.1)[0], [])
                    b.hang_up()
        self.assertEqual(self.daemon.counters()["upstream_connects"], 0)

    # what the proxy forwards

    def test_deterministic(self):
        """P-04, P-05: a retransmission is forwarded as the same octets."""
        a, b = self.phone("p6a").registered(), self.phone("p6b").registered()
        request = a.make("INVITE", "sip:p6b@example.org", [("Contact", a.contact)], body=b"v=0\r\n")
        got = []
        for _ in range(2):
            a.send_sip(request)
            got.append(b.next_sip().octets)
        self.assertEqual(*got)
        # CANCEL and the ACK to a failure take the same branch (P-04)
        for method in ("CANCEL", "ACK"):
            sent = Msg(request)
            a.send_sip(sent.replaced({"cseq": [b"CSeq: %d %s" % (sent.cseq[0], method.encode())]})
                       .replace(b"INVITE ", method.encode() + b" ", 1))
            other = b.next_sip()
            self.assertEqual(other.method, method.encode())
            self.assertEqual(param(other.get("via"), "branch"),
                             param(Msg(got[0]).get("via"), "branch"))
            self.assertEqual(other.uri, Msg(got[0]).uri)

    def test_received_and_rport(self):
        """T-07, R-01: our client's Via gets received, and rport if it was asked for."""
        a, b = self.phone("p7a").registered(), self.phone("p7b").registered()
        for extra in ("", ";rport", ";rport;keep"):
            with self.subTest(extra):
                via = a.via(extra)
                a.send_sip(a.make("MESSAGE", "sip:p7b@example.org", body=b"x", via=via))
                got = b.next_sip()
                below = got.all("via")[1]
                self.assertEqual(param(below, "received"), b"127.0.0.1")
                if extra:
                    self.assertEqual(param(below, "rport"), b"%d" % a.local_port())
                b.reply(got, 200)
                answer = a.next_sip()
                self.assertEqual(answer.all("via"), [below])
        quiet = harness.Daemon(settings={"routing.received": 0}).start()
        self.addCleanup(quiet.kill)
        c = Phone(quiet.port, "p7c").registered()
        got = c.ask("MESSAGE", "sip:nobody@example.org", via=(via := c.via()))
        self.assertEqual(got.get("via").decode(), via, "S-10")
        c.hang_up()
        quiet.stop()

    def test_max_forwards_is_added(self):
        a, b = self.phone("p8a").registered(), self.phone("p8b").registered()
        a.send_sip(a.make("MESSAGE", "sip:p8b@example.org", body=b"x", drop=("Max-Forwards",)))
        self.assertEqual(b.next_sip().get("max-forwards"), b"70")

    def test_text_and_binary(self):
        """S-03, S-04: what is not UTF-8 goes as BINARY, and arrives unharmed."""
        a, b = self.phone("p9a").registered(), self.phone("p9b").registered()
        for body, frame, kinds in ((b"caf\xc3\xa9 \xf0\x9f\x93\x9e", TEXT, (TEXT,)),
                                   (b"caf\xe9 \xff\x00", BINARY, (BINARY,)),
                                   (b"plain", BINARY, (TEXT, BINARY))):
            with self.subTest(body):
                a.opcode = frame
                a.send_sip(a.make("MESSAGE", "sip:p9b@example.org", body=body))
                got = b.next_sip()
                self.assertIn(got.opcode, kinds)
                self.assertEqual(got.body, body)

    def test_surplus_and_missing_octets(self):
        """T-10."""
        a, b = self.phone("p10a").registered(), self.phone("p10b").registered()
        good = a.make("MESSAGE", "sip:p10b@example.org", body=b"12345")
        a.send_sip(good + b"INVITE sip:p10b@example.org SIP/2.0\r\n")
        self.assertEqual(b.next_sip().body, b"12345")
        a.send_sip(good[:-1])
        self.assertEqual(a.next_sip().status, 400)
        self.assertEqual(b.settle(), [])

    def test_no_content_length(self):
        """S-07: the message ends the body."""
        a, b = self.phone("p11a").registered(), self.phone("p11b").registered()
        octets = a.make("MESSAGE", "sip:p11b@example.org", body=b"to the end")
        a.send_sip(octets.replace(b"Content-Length: 10\r\n", b""))
        self.assertEqual(b.next_sip().body, b"to the end")

    def test_forged_response(self):
        """P-08, P-11: a response reaches nobody unless its Via is the one that we wrote."""
        a, b = self.phone("p12a").registered(), self.phone("p12b").registered()
        a.send_sip(a.make("MESSAGE", "sip:p12b@example.org", body=b"x"))
        request = b.next_sip()
        via = request.raw("via")
        top = via[0]
        forged = [
            [b"SIP/2.0/WS elsewhere.example.net;branch=z9hG4bKx"] + via[1:],
        ]
        # the token in our own Via with each of its octets changed in turn
        for at in range(top.index(b";flow=") + 6, len(top)):
            other = b"0" if top[at:at + 1] != b"0" else b"1"
            forged.append([top[:at] + other + top[at + 1:]] + via[1:])
        for i, vias in enumerate(forged):
            with self.subTest(i):
                lines = [b"SIP/2.0 200 OK"] + [b"Via: " + v for v in vias]
                lines += request.without("via", "record-route", "max-forwards")
                b.send_sip(b"\r\n".join(lines) + b"\r\n\r\n" + request.body)
                self.assertEqual(b.settle() + a.settle(), [], vias[0])
        b.reply(request, 200)
        self.assertEqual(a.next_sip().status, 200)
        c = self.daemon.counters()
        self.assertGreaterEqual(c["dropped_response_unknown"] + c["dropped_response_forged"], 3)

    def test_reregister_during_a_dialog(self):
        """A callee that comes back over a new connection is reached inside the dialog, too."""
        a, b = self.phone("p13a").registered(), self.phone("p13b").registered()
        a.send_sip(a.make("INVITE", "sip:p13b@example.org", [("Contact", a.contact)],
                          call_id="p13"))
        invite = b.next_sip()
        b.reply(invite, 200, [("Contact", b.contact)], to_tag="bt")
        ok = a.next_sip()
        self.assertEqual(ok.status, 200)
        route = [("Route", r) for r in reversed(ok.all("record-route"))]
        dialog = {"to": ok.get("to"), "sender": ok.get("from"), "call_id": "p13"}
        target = uri_of(ok.get("contact")).decode()

        def inside(method):
            a.send_sip(a.make(method, target, route, **dialog))
        inside("ACK")
        self.assertEqual(b.next_sip().method, b"ACK")
        new = self.phone("p13b")
        new.contact_uri, new.contact, new.instance = b.contact_uri, b.contact, b.instance
        new.register_id, new.cseq = b.register_id, b.cseq
        b.reset()
        new.registered()
        inside("INFO")
        got = new.next_sip()
        self.assertEqual(got.method, b"INFO")
        new.reply(got, 200)
        self.assertEqual(a.next_sip().status, 200)
        inside("BYE")
        self.assertEqual(new.next_sip().method, b"BYE")

    def test_dialog_from_the_callee(self):
        """Requests inside the dialog in the other direction, by the Route set of the callee."""
        a, b = self.phone("p14a").registered(), self.phone("p14b").registered()
        a.send_sip(a.make("INVITE", "sip:p14b@example.org", [("Contact", f"<{a.contact_uri};ob>")]))
        invite = b.next_sip()
        b.reply(invite, 200, [("Contact", b.contact)], to_tag="bt")
        ok = a.next_sip()
        b.send_sip(b.make("BYE", uri_of(invite.get("contact")).decode(),
                          [("Route", r) for r in invite.all("record-route")],
                          to=invite.get("from"), sender=ok.get("to"), call_id=invite.call_id))
        got = a.next_sip()
        self.assertEqual((got.method, got.all("route")), (b"BYE", []))
        a.reply(got, 200)
        self.assertEqual(b.next_sip().status, 200)

    def test_domains(self):
        daemon = harness.Daemon(settings={"routing.domains": "example.org,example.com"}).start()
        self.addCleanup(daemon.kill)
        a = Phone(daemon.port, "d1", domain="example.com").registered()
        got = a.ask("MESSAGE", "sip:x@elsewhere.example.net", body=b"x")
        self.assertTrue(400 <= got.status < 600, got)
        other = Phone(daemon.port, "d2", domain="elsewhere.example.net")
        self.assertTrue(400 <= other.register(expires=300).status < 500)
        # a request that is to go elsewhere does not silently come here
        got = a.ask("MESSAGE", "sip:d1@example.com", [("Route", "<sip:proxy.example.net;lr>")],
                    body=b"x")
        self.assertTrue(400 <= got.status < 600, got)
        a.hang_up()
        other.hang_up()
        daemon.stop()

    def test_keepalives(self):
        """O-01: CRLF CRLF gets CRLF; a CRLF is swallowed; neither is a message."""
        a = self.phone("p16")
        with self.daemon.counted(keepalives=40, messages_received=1):
            for _ in range(20):
                a.send_text(b"\r\n\r\n")
                self.assertEqual(a.next_message(), (TEXT, b"\r\n"))
                a.send_text(b"\r\n")
            self.assertEqual(a.settle(), [])

    def test_on_its_own_thread(self):
        """The same with the routing stage on a thread of its own."""
        daemon = harness.Daemon(settings={"routing_threads": 1}).start()
        self.addCleanup(daemon.kill)
        a, b = Phone(daemon.port, "t1").registered(), Phone(daemon.port, "t2").registered()
        for i in range(200):
            a.send_sip(a.make("MESSAGE", "sip:t2@example.org", body=b"%d" % i))
        for i in range(200):
            got = b.next_sip()
            self.assertEqual(got.body, b"%d" % i)
            b.reply(got, 200)
        for i in range(200):
            self.assertEqual(a.next_sip().status, 200)
        a.hang_up()
        b.hang_up()
        daemon.wait_quiet()
        daemon.stop()


if __name__ == "__main__":
    harness.main()
