# SPDX-License-Identifier: Apache-2.0
"""Mode edge between WebSocket clients and a core that the test plays (core.py): TCP and UDP."""

import re
import socket
import struct
import tempfile
import unittest

import harness
from core import Core, answer, contact_of, path_of
from harness import poll
from sip import Msg, Phone, param
from ws import WsError

LOOPS = int(harness.VARIANT.get("loops", 2))
SETTINGS = {"loops": LOOPS, "edge.listen": "127.0.0.1:0",
            "ws_reconnect_first": 50, "ws_reconnect_max": 200,
            "edge.check_timeout": 300, "edge.check_interval": 1, "routing.retry_after": 7}
TOKEN = r"[a-zA-Z][A-Za-z0-9]{25}"


class Bench(unittest.TestCase):
    transport = "tcp"
    settings = {}

    def setUp(self):
        self.phones = []
        self.core = self.new_core()
        self.start()

    def new_core(self, **kw):
        core = Core(**kw)
        self.addCleanup(core.end)
        return core

    def start(self, cores=None, **settings):
        self.cores = cores or [self.core]
        args = []
        for core in self.cores:
            args += ["--upstream", f"sip:127.0.0.1:{core.port};transport={self.transport}"]
        self.daemon = harness.Daemon("edge", SETTINGS | self.settings | settings,
                                     args=args).start()
        self.addCleanup(self.daemon.kill)
        self.edge = self.daemon.out.wait(r"^sipring: ready on sip:(\S+)$")[1][1]
        self.wait_up(sum(self.flows_to(core) for core in self.cores))

    def flows_to(self, core):
        """Each loop has connections of its own, and a datagram socket a second one over TCP."""
        udp = self.transport == "udp"
        return udp + LOOPS * (core.takes["TCP"] or not udp)

    def wait_up(self, n, at=0):
        for _ in range(n):
            got = self.daemon.err.wait(r"upstream_up", at)
            self.assertIsNotNone(got, self.daemon.report())
            at = got[0] + 1
        return at

    def tearDown(self):
        for phone in self.phones:
            phone.close()
        if self.daemon.alive():
            self.daemon.stop()

    def phone(self, user, **kw):
        phone = Phone(self.daemon.port, user, **kw)
        self.phones.append(phone)
        return phone

    def register(self, phone, **kw):
        """REGISTER as far as the core and back; what the core saw."""
        contact = f'{phone.contact};reg-id=1;+sip.instance="{phone.instance}"'
        phone.send_sip(phone.make("REGISTER", f"sip:{phone.domain}",
                                  [("Contact", contact), ("Supported", "path,outbound")],
                                  call_id=phone.register_id))
        seen = self.core.next()
        seen.send(answer(seen, 200, [("Require", "outbound"), ("Path", path_of(seen))]))
        got = phone.next_sip()
        self.assertEqual(got.status, 200)
        return seen

    def invited(self, phone, seen):
        """A dialog that the core began with a client; its INVITE as the client got it."""
        self.core.send(self.core.request("INVITE", contact_of(seen), [path_of(seen)],
                                         transport=self.how, call_id=f"{phone.user}-call"),
                       self.how)
        invite = phone.next_sip()
        phone.reply(invite, 200, [("Contact", phone.contact)], to_tag="phone")
        self.assertEqual(self.core.next().status, 200)
        return invite

    @property
    def how(self):
        return self.transport.upper()


class Message(Bench):
    """What the core and the clients see."""

    def test_register(self):
        phone = self.phone("bob")
        seen = self.register(phone)
        vias = seen.all("via")
        self.assertEqual(seen.transport, self.how)
        self.assertRegex(vias[0].decode(), rf"^SIP/2\.0/{self.how} {self.edge};"
                                           rf"branch=z9hG4bK[0-9a-f]{{16}};flow={TOKEN}$")
        self.assertTrue(vias[1].startswith(f"SIP/2.0/WS {phone.host}".encode()))
        self.assertEqual(param(vias[1], "received"), b"127.0.0.1")
        self.assertRegex(path_of(seen), rf"^<sip:{TOKEN}@{self.edge};transport={self.transport};"
                                        r"lr;ob>$")
        self.assertEqual(seen.get("max-forwards"), b"69")

    def test_no_outbound(self):
        """O-03: no ob where the client did not ask, or somebody was in between."""
        phone = self.phone("bob")
        for contact, via in ((phone.contact, None),
                             (f"{phone.contact};reg-id=1",
                              f"{phone.via()}\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1")):
            phone.send_sip(phone.make("REGISTER", "sip:example.org", [("Contact", contact)],
                                      via=via))
            self.assertTrue(path_of(self.core.next()).endswith(";lr>"))

    def test_flow_timer(self):
        """RFC 5626 §5.4: added where the registrar says outbound and nothing of it."""
        phone = self.phone("bob")
        for fields, wanted in (([("Require", "outbound")], [b"120"]), ([], []),
                               ([("Require", "outbound"), ("Flow-Timer", 33)], [b"33"])):
            phone.send_sip(phone.make("REGISTER", "sip:example.org",
                                      [("Contact", phone.contact)]))
            seen = self.core.next()
            seen.send(answer(seen, 200, fields))
            self.assertEqual(phone.next_sip().raw("flow-timer"), wanted)

    def test_439_comes_through(self):
        phone = self.phone("bob")
        phone.send_sip(phone.make("REGISTER", "sip:example.org", [("Contact", phone.contact)]))
        seen = self.core.next()
        seen.send(answer(seen, 439))
        self.assertEqual(phone.next_sip().status, 439)

    def test_same_bytes(self):
        """P-04, P-05: twice the same request, twice the same bytes; its CANCEL in its branch."""
        phone = self.phone("bob")
        for method in ("REGISTER", "MESSAGE", "INVITE"):
            request = phone.make(method, "sip:example.org", [("Contact", phone.contact)])
            got = []
            for _ in range(3):
                phone.send_sip(request)
                got.append(self.core.next())
            self.assertEqual({x.octets for x in got}, {got[0].octets}, method)
            self.assertEqual({x.transport for x in got}, {got[0].transport}, method)
        cancel = Msg(request).replaced({"cseq": [b"CSeq: %d CANCEL" % phone.cseq],
                                        "contact": []}).replace(b"INVITE", b"CANCEL", 1)
        phone.send_sip(cancel)
        seen = self.core.next()
        self.assertEqual((seen.all("via")[0], seen.transport),
                         (got[0].all("via")[0], got[0].transport))

    def test_content_length(self):
        """T-10, S-07: added where a client left it out, to requests and to responses."""
        phone = self.phone("bob")
        seen = self.register(phone)
        request = phone.make("MESSAGE", "sip:a@example.org", body=b"hello")
        phone.send_sip(request.replace(b"Content-Length: 5\r\n", b""))
        got = self.core.next()
        self.assertEqual((got.raw("content-length"), got.body), ([b"5"], b"hello"))
        self.core.send(self.core.request("MESSAGE", contact_of(seen), [path_of(seen)],
                                         transport=self.how), self.how)
        asked = phone.next_sip()
        phone.send_sip(answer(asked, 200).replace(b"Content-Length: 0\r\n", b""))
        self.assertEqual(self.core.next().raw("content-length"), [b"0"])

    def test_dialog_of_the_core(self):
        """Two Record-Route (RFC 5658); each side's requests come through by them."""
        phone = self.phone("bob")
        seen = self.register(phone)
        invite = self.invited(phone, seen)
        routes = [x.decode() for x in invite.all("record-route")]
        self.assertEqual(len(routes), 2)
        self.assertRegex(routes[0], rf"^<sip:{TOKEN}@127\.0\.0\.1:{self.daemon.port};"
                                    r"transport=ws;lr>$")
        self.assertRegex(routes[1], rf"^<sip:{TOKEN}@{self.edge};transport={self.transport};lr>$")
        self.core.send(self.core.request("BYE", phone.contact_uri, routes[::-1],
                                         transport=self.how), self.how)
        bye = phone.next_sip()
        self.assertEqual((bye.method, bye.raw("route"), bye.all("record-route")), (b"BYE", [], []))
        phone.reply(bye, 200)
        self.assertEqual(self.core.next().status, 200)
        phone.send_sip(phone.make("BYE", f"sip:core@127.0.0.1:{self.core.port}",
                                  [("Route", r) for r in routes]))
        bye = self.core.next()
        self.assertEqual((bye.method, bye.raw("route")), (b"BYE", []))

    def test_dialog_of_a_client(self):
        phone = self.phone("bob")
        further = f"<sip:127.0.0.1:{self.core.port};lr>"
        phone.send_sip(phone.make("INVITE", "sip:a@example.org",
                                  [("Contact", phone.contact), ("Route", further)]))
        invite = self.core.next()
        routes = [x.decode() for x in invite.all("record-route")]
        self.assertIn(f"@{self.edge};transport={self.transport};lr>", routes[0])
        self.assertIn(f"@127.0.0.1:{self.daemon.port};transport=ws;lr>", routes[1])
        self.assertEqual(invite.raw("route"), [further.encode()])
        # between two clients, where the core is not in the dialog
        other = self.phone("eve")
        path = path_of(self.register(other))
        other_token = re.search(TOKEN, path)[0]
        phone.send_sip(phone.make("INFO", other.contact_uri, [
            ("Route", routes[1]), ("Route", routes[0]), ("Route", path),
            ("Route", routes[1].replace(re.search(TOKEN, routes[1])[0], other_token))]))
        info = other.next_sip()
        self.assertEqual((info.method, info.raw("route")), (b"INFO", []))
        other.reply(info, 200)
        self.assertEqual(phone.next_sip().status, 200)

    def test_refused(self):
        """O-05, P-02: what is answered here. The core gets nothing of it."""
        phone = self.phone("bob")
        path = path_of(self.register(phone))
        mine = re.search(TOKEN, path)[0]
        forged = path.replace(mine, mine[:-1] + ("A" if mine[-1] != "A" else "B"))
        none = path.replace(mine, "bob")
        cases = [(403, {"fields": [("Route", forged)]}), (403, {"fields": [("Route", none)]}),
                 (400, {"fields": [("Route", "<nonsense")]}),
                 (483, {"max_forwards": 0}), (420, {"fields": [("Proxy-Require", "magic")]})]
        for status, kw in cases:
            self.assertEqual(phone.ask("MESSAGE", "sip:a@example.org", **kw).status, status, kw)
        for status, routes in ((403, [forged]), (403, [none]), (404, [])):
            self.core.send(self.core.request("MESSAGE", phone.contact_uri, routes,
                                             transport=self.how), self.how)
            self.assertEqual(self.core.next().status, status, routes)
        self.core.send(self.core.request("OPTIONS", f"sip:{self.edge}", transport=self.how),
                       self.how)
        self.assertEqual(self.core.next().status, 200)
        self.core.quiet()

    def test_forged_responses(self):
        """P-08, P-11: not our Via, or not our token: dropped, and counted by reason."""
        phone = self.phone("bob")
        phone.send_sip(phone.make("MESSAGE", "sip:a@example.org"))
        seen = self.core.next()
        via = seen.all("via")[0]
        mine = param(via, "flow")
        other = b"B" if mine[-1:] == b"A" else b"A"
        with self.daemon.counted(dropped_response_unknown=2, dropped_response_forged=1,
                                 delivered=1):
            for old, new in ((self.edge.encode(), b"192.0.2.1:5060"), (b";flow=", b";flaw="),
                             (mine, mine[:-1] + other)):
                seen.send(answer(seen, 200).replace(via, via.replace(old, new), 1))
            seen.send(answer(seen, 200))
            self.assertEqual(phone.next_sip().status, 200)

    def test_keepalive(self):
        """O-01 on the side of the core, too."""
        stream = socket.create_connection(self.edge.split(":"), harness.DEADLINE)
        stream.settimeout(harness.DEADLINE)
        stream.sendall(b"\r\n\r\n")
        self.assertEqual(stream.recv(10), b"\r\n")
        stream.close()

    def test_every_cut(self):
        """Messages of the core, put together from every kind of segment."""
        phone = self.phone("bob")
        seen = self.register(phone)
        octets = b"".join(self.core.request("MESSAGE", contact_of(seen), [path_of(seen)],
                                            body=b"%d" % i) for i in range(3))
        stream = socket.create_connection(self.edge.split(":"), harness.DEADLINE)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for step in (1, 7, 100, len(octets)):
            for at in range(0, len(octets), step):
                stream.sendall(octets[at:at + step])
            self.assertEqual([phone.next_sip().body for _ in range(3)], [b"0", b"1", b"2"])
        stream.close()
        for bad, reason in ((b"MESSAGE sip:a SIP/2.0\r\nTo: x\r\n\r\n", "Content-Length"),
                            (b"MESSAGE sip:a SIP/2.0\r\nl: 99999999\r\n\r\n", "longer")):
            with self.daemon.counted(core_broken=1):
                stream = socket.create_connection(self.edge.split(":"), harness.DEADLINE)
                stream.settimeout(harness.DEADLINE)
                stream.sendall(bad)
                self.assertEqual(stream.recv(10), b"")
                stream.close()
            self.assertIsNotNone(self.daemon.err.wait(f"core_broken .*{reason}"))


class Unfinished(Bench):
    settings = {"ws_message_timeout": 300}

    def test_unfinished(self):
        """A message of the core must be whole in time: its head, and its body."""
        for part in (b"MESSAGE sip:a SIP/2.0\r\nl: 5", b"MESSAGE sip:a SIP/2.0\r\nl: 5\r\n\r\n",
                     b"MESSAGE sip:a SIP/2.0\r\nl: 5\r\n\r\nbody"):
            with self.subTest(part), self.daemon.counted(closed_message_timeout=1):
                stream = socket.create_connection(self.edge.split(":"), harness.DEADLINE)
                stream.settimeout(harness.DEADLINE)
                stream.sendall(part)
                self.assertEqual(stream.recv(10), b"")
                stream.close()


class MessageUdp(Message):
    transport = "udp"

    def test_long_goes_over_tcp(self):
        """T-01: what does not fit a datagram, and every INVITE with its ACK and CANCEL."""
        phone = self.phone("bob")
        for method, size, wanted in (("MESSAGE", 10, "UDP"), ("MESSAGE", 1300, "TCP"),
                                     ("INVITE", 10, "TCP"), ("ACK", 10, "TCP"),
                                     ("CANCEL", 10, "TCP"), ("BYE", 10, "UDP")):
            phone.send_sip(phone.make(method, "sip:a@example.org", body=b"x" * size))
            got = self.core.next()
            self.assertEqual(got.transport, wanted, (method, size))
            self.assertTrue(got.get("via").startswith(f"SIP/2.0/{wanted} ".encode()))


class Policy(Bench):
    """Rules are for what clients send, and the core never sees what they reject."""

    settings = {"policy.rule": "method=SUBSCRIBE reject=405",
                "routing.methods": "MESSAGE,SUBSCRIBE"}

    def test_rules(self):
        alice = self.phone("alice")
        for method, status in (("SUBSCRIBE", 405), ("INFO", 405)):
            alice.send_sip(alice.make(method, "sip:bob@example.org"))
            self.assertEqual(alice.next_sip().status, status)
        alice.send_sip(alice.make("MESSAGE", "sip:bob@example.org"))
        seen = self.core.next()
        self.assertEqual(seen.method, b"MESSAGE")
        seen.send(answer(seen, 200))
        self.assertEqual(alice.next_sip().status, 200)
        self.assertEqual(self.daemon.counters()["refused_policy"], 1)


class UdpOnly(Bench):
    """A core without TCP gets everything by datagrams."""
    transport = "udp"

    def new_core(self, **kw):
        return super().new_core(tcp=False, **kw)

    def test_long(self):
        phone = self.phone("bob")
        phone.send_sip(phone.make("INVITE", "sip:a@example.org", body=b"x" * 5000))
        got = self.core.next()
        self.assertEqual((got.transport, len(got.body)), ("UDP", 5000))


class Death(Bench):
    """What is answered when a flow is gone: by whom it ended, and who asks."""

    def end(self, phone, how):
        if how == "rst":
            phone.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self.daemon.counted(connections_closed=1):
            if how == "silence":
                pass  # it does not answer the Ping
            else:
                phone.close()

    def test_client_gone(self):
        """FIN, RST, silence: 430 for a request of the core (O-06), its response is dropped."""
        self.daemon.stop()
        self.start(ws_ping_interval=1, ws_pong_timeout=1)
        for how in ("fin", "rst", "silence"):
            with self.subTest(how):
                phone = self.phone(how)
                seen = self.register(phone)
                invite = self.invited(phone, seen)
                phone.send_sip(phone.make("MESSAGE", "sip:a@example.org"))
                asked = self.core.next()
                self.end(phone, how)
                routes = [x.decode() for x in invite.all("record-route")][::-1]
                for method, to in (("MESSAGE", [path_of(seen)]), ("BYE", routes)):
                    self.core.send(self.core.request(method, phone.contact_uri, to,
                                                     transport=self.how), self.how)
                    self.assertEqual(self.core.next().status, 430)
                self.core.send(self.core.request("CANCEL", phone.contact_uri, routes,
                                                 transport=self.how), self.how)
                self.assertEqual(self.core.next().status, 481)
                with self.daemon.counted(dropped_flow_gone=2):
                    asked.send(answer(asked, 200))
                    self.core.send(self.core.request("ACK", phone.contact_uri, routes,
                                                     transport=self.how), self.how)

    def test_moved_during_a_dialog(self):
        """The client is back on another connection: its dialog goes on, the old token is 430."""
        phone = self.phone("bob")
        seen = self.register(phone)
        routes = [x.decode() for x in self.invited(phone, seen).all("record-route")]
        again = self.phone("bob")
        self.assertNotEqual(path_of(self.register(again)), path_of(seen))
        for state in ("old flow open", "old flow gone"):
            again.send_sip(again.make("INFO", f"sip:core@127.0.0.1:{self.core.port}",
                                      [("Route", r) for r in routes]))
            info = self.core.next()
            self.assertEqual((info.method, info.raw("route")), (b"INFO", []), state)
            info.send(answer(info, 200))
            self.assertEqual(again.next_sip().status, 200)
            if state == "old flow open":
                self.end(phone, "fin")
        self.core.send(self.core.request("BYE", phone.contact_uri, routes[::-1],
                                         transport=self.how), self.how)
        self.assertEqual(self.core.next().status, 430)

    def test_restart_of_the_edge(self):
        """Its tokens are nobody's; with a secret that stays they are those of lost flows."""
        with tempfile.NamedTemporaryFile() as secret:
            secret.write(b"0123456789abcdef0123456789abcdef")
            secret.flush()
            for settings, status in (({}, 403), ({"routing.token_secret": secret.name}, 430)):
                self.daemon.stop()
                self.start(**settings)
                phone = self.phone("bob")
                seen = self.register(phone)
                routes = [x.decode() for x in self.invited(phone, seen).all("record-route")]
                phone.close()
                self.daemon.stop()
                ports = {"edge.listen": self.edge}
                self.start(**settings, **ports)
                again = self.phone("bob")
                self.register(again)
                self.core.send(self.core.request("BYE", phone.contact_uri, routes[::-1],
                                                 transport=self.how), self.how)
                self.assertEqual(self.core.next().status, status)
                here = [r.replace(r.partition("@")[2].partition(";")[0],
                                  f"127.0.0.1:{self.daemon.port}") for r in routes]
                again.send_sip(again.make("BYE", "sip:core@example.org",
                                          [("Route", r) for r in here]))
                if status == 403:
                    self.assertEqual(again.next_sip().status, 403)
                else:
                    self.assertEqual(self.core.next().method, b"BYE")

    def core_down(self):
        at = len(self.daemon.err.text().splitlines())
        port = self.core.port
        self.core.end()
        self.assertIsNotNone(self.daemon.err.wait("upstream_down", max(0, at - 1)),
                             self.daemon.report())
        return port

    def test_restart_of_the_core(self):
        """503 with Retry-After while it is away; when it is back all goes on, dialogs too."""
        phone = self.phone("bob")
        seen = self.register(phone)
        routes = [x.decode() for x in self.invited(phone, seen).all("record-route")]
        self.core.send(self.core.request("MESSAGE", phone.contact_uri, [path_of(seen)],
                                         transport=self.how), self.how)
        asked = phone.next_sip()
        port = self.core_down()
        ok, _ = self.daemon.wait_counters(lambda x: x["connections"] <= 2)
        got = poll(lambda: self.status_of(phone) == 503)
        self.assertTrue(got, self.daemon.report())
        got = phone.ask("MESSAGE", "sip:a@example.org")
        self.assertEqual((got.status, got.get("retry-after")), (503, b"7"))
        at = len(self.daemon.err.text().splitlines())
        self.core = self.new_core(port=port)
        self.wait_up(self.flows_to(self.core), at)
        # T-09: the answer to what came over a connection that is gone goes by one of ours
        phone.reply(asked, 200)
        self.assertEqual(self.core.next().status, 200)
        phone.send_sip(phone.make("BYE", f"sip:core@127.0.0.1:{port}",
                                  [("Route", r) for r in routes]))
        bye = self.core.next()
        bye.send(answer(bye, 200))
        self.assertEqual(phone.next_sip().status, 200)
        self.core.send(self.core.request("BYE", phone.contact_uri, routes[::-1],
                                         transport=self.how), self.how)
        self.assertEqual(phone.next_sip().method, b"BYE")

    def status_of(self, phone):
        phone.send_sip(phone.make("MESSAGE", "sip:a@example.org"))
        try:
            return phone.next_sip(0.3).status
        except WsError:
            return None

    def test_silent_core(self):
        """A half-open connection: OPTIONS are not answered, and it is out of use; then back."""
        phone = self.phone("bob")
        self.core.checks = None
        self.assertIsNotNone(self.daemon.err.wait("upstream_down"), self.daemon.report())
        self.assertTrue(poll(lambda: self.status_of(phone) == 503), self.daemon.report())
        at = len(self.daemon.err.text().splitlines())
        self.core.checks = 200
        self.wait_up(1, at)
        self.assertEqual(self.daemon.counters()["upstream_checks_failed"] >= 2, True)

    def test_core_says_503(self):
        phone = self.phone("bob")
        self.core.checks = 503
        self.assertIsNotNone(self.daemon.err.wait("upstream_down"), self.daemon.report())
        self.assertTrue(poll(lambda: self.status_of(phone) == 503), self.daemon.report())
        self.core.checks = 404
        at = len(self.daemon.err.text().splitlines())
        self.wait_up(1, max(0, at - 1))


class DeathUdp(Death):
    transport = "udp"


class Group(Bench):
    """Several servers."""

    def setUp(self):
        self.phones = []
        self.core = self.new_core()
        self.other = self.new_core()

    def start_weighted(self, weights):
        args = []
        for core, weight in zip((self.core, self.other), weights):
            args += ["--upstream", f"sip:127.0.0.1:{core.port};transport=tcp;weight={weight}"]
        self.daemon = harness.Daemon("edge", SETTINGS, args=args).start()
        self.addCleanup(self.daemon.kill)
        self.wait_up(2 * LOOPS)

    def shares(self, phone, n):
        for _ in range(n):
            phone.send_sip(phone.make("MESSAGE", "sip:a@example.org"))
        got = [0, 0]
        for _ in range(n):
            core = poll(lambda: next((i for i, c in enumerate((self.core, self.other))
                                      if not c.inbox.empty()), None) is not None)
            self.assertTrue(core)
            for i, c in enumerate((self.core, self.other)):
                while not c.inbox.empty():
                    c.inbox.get()
                    got[i] += 1
            if sum(got) == n:
                break
        return got

    def test_weights(self):
        self.start_weighted((3, 1))
        got = self.shares(self.phone("bob"), 400)
        self.assertTrue(250 < got[0] < 350 and sum(got) == 400, got)

    def test_failover(self):
        """One ends: the other gets all; a dialog stays with the one that its Route names."""
        self.start_weighted((1, 1))
        phone = self.phone("bob")
        for core in (self.core, self.other):
            for _ in range(5):
                phone.send_sip(phone.make("BYE", "sip:a@example.org",
                                          [("Route", f"<sip:127.0.0.1:{core.port};lr>")]))
                self.assertEqual(core.next().method, b"BYE")
        at = len(self.daemon.err.text().splitlines())
        self.core.end()
        self.assertIsNotNone(self.daemon.err.wait("upstream_down", at))
        for _ in range(20):
            phone.send_sip(phone.make("MESSAGE", "sip:a@example.org"))
            self.assertEqual(self.other.next().method, b"MESSAGE")


if __name__ == "__main__":
    harness.main()
