# SPDX-License-Identifier: Apache-2.0
"""Two SIP users behind WebSocket clients of different make, through registrar and proxy."""

import peer
from peer import harness
from sip import Msg, param, uri_of

BODY = "Gr\u00fc\u00dfe, \u4eca\u65e5\u306f \U0001f4de\r\n".encode()


def utf8(octets):
    try:
        return octets.decode() is not None
    except UnicodeDecodeError:
        return False


class Exchange(harness.E2E):
    settings = {"permessage_deflate": "yes", "deflate_min": 0, "ws_max_message": 1 << 20,
                "ws_send_timeout": 20000}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peers = {maker: peer.Peer(maker) for maker in ("ws", "websockets")}

    @classmethod
    def tearDownClass(cls):
        try:
            for one in cls.peers.values():
                one.end()
        finally:
            super().tearDownClass()

    def pair(self, deflate=(None, None)):
        """alice behind ws and bob behind websockets, registered, under names of their own."""
        users = []
        for (maker, one), how in zip(self.peers.items(), deflate):
            conn = one.connect(self.daemon.port, deflate=how)
            self.assertEqual(conn.protocol, "sip")
            self.assertEqual("permessage-deflate" in conn.extensions, how is not None)
            users.append(peer.PeerPhone(conn, f"{maker}-{self.id().rpartition('.')[2]}"))
        for user in users:
            got = user.register(expires=300)
            self.assertEqual(got.status, 200, got)
            self.assertEqual([uri_of(c).decode() for c in got.all("contact")], [user.contact_uri])
        return users

    def part(self, users):
        for user in users:
            self.assertEqual(user.register(expires=0).all("contact"), [])
            self.assertEqual(user.conn.close(), (1000, ""))

    def exchange(self, caller, callee, method, body=b"", status=200):
        """A request to the other's address-of-record, its answer, and what was kept on the way."""
        fields = [("Content-Type", "text/plain")] if body else []
        sent = Msg(caller.make(method, callee.aor, fields, body))
        caller.send_sip(sent.octets)
        got = callee.next_sip()
        self.assertEqual((got.method, got.uri), (method.encode(), callee.contact_uri.encode()))
        self.assertEqual(got.body, body)
        self.assertEqual(got.opcode, peer.TEXT if utf8(body) else peer.BINARY)
        self.assertEqual(len(got.all("via")), 2)
        changed = ("via", "max-forwards", "record-route", "route")
        self.assertEqual(got.without(*changed), sent.without(*changed))
        callee.reply(got, status, body=body, fields=fields)
        answer = caller.answer_to(sent)
        self.assertEqual((answer.status, answer.body), (status, body))
        return answer

    def test_options_to_the_server(self):
        users = self.pair()
        for user in users:
            got = user.ask("OPTIONS", f"sip:{user.domain}")
            self.assertEqual(got.status, 200)
            self.assertIn(b"REGISTER", got.all("allow"))
        self.part(users)

    def test_options_and_messages(self):
        alice, bob = users = self.pair()
        with self.daemon.counted(delivered=16):
            for a, b in ((alice, bob), (bob, alice)):
                self.exchange(a, b, "OPTIONS")
                self.exchange(a, b, "MESSAGE", BODY)
                self.exchange(a, b, "MESSAGE", bytes(range(32, 127)) * 300)
                self.exchange(a, b, "MESSAGE", BODY, status=603)
        self.part(users)

    def test_text_and_binary(self):
        """S-04: both opcodes are taken from a client; what is no UTF-8 leaves as BINARY."""
        alice, bob = users = self.pair()
        for opcode, body in ((peer.TEXT, BODY), (peer.BINARY, BODY), (peer.BINARY, b"\xff\xfe\0")):
            with self.subTest(opcode=opcode, body=body):
                alice.opcode = bob.opcode = opcode
                self.exchange(alice, bob, "MESSAGE", body)
                self.exchange(bob, alice, "MESSAGE", body)
        self.part(users)

    def test_one_side_compressed(self):
        for deflate in ((True, None), (None, True), (True, True)):
            with self.subTest(deflate):
                alice, bob = users = self.pair(deflate)
                for a, b in ((alice, bob), (bob, alice)):
                    for size in (1, 1000, 60000):
                        self.exchange(a, b, "MESSAGE", (BODY * (size // len(BODY) + 1)))
                self.part(users)

    def test_fragmented_request(self):
        alice, bob = users = self.pair()
        for a, b in ((alice, bob), (bob, alice)):
            sent = Msg(a.make("MESSAGE", b.aor, [("Content-Type", "text/plain")], BODY))
            a.conn.send(sent.octets.decode(), cuts=[1, 2, 100, 200])
            got = b.next_sip()
            self.assertEqual(got.body, BODY)
            b.reply(got, 200)
            self.assertEqual(a.answer_to(sent).status, 200)
        self.part(users)

    def test_the_other_is_gone(self):
        alice, bob = self.pair()
        self.part([bob])
        self.assertEqual(alice.ask("MESSAGE", bob.aor).status, 480)
        self.assertEqual(alice.ask("MESSAGE", "sip:nobody@example.org").status, 404)
        self.part([alice])

    def test_keepalive(self):
        """O-01: CRLFCRLF is answered CRLF."""
        alice, bob = users = self.pair()
        for user in users:
            user.conn.send("\r\n\r\n")
            self.assertEqual(user.conn.receive(), "\r\n")
        self.part(users)

    def test_call(self):
        """INVITE with provisional answer, ACK and BYE along the recorded route."""
        alice, bob = users = self.pair()
        sdp = b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
        about = [("Contact", alice.contact), ("Content-Type", "application/sdp")]
        invite = Msg(alice.make("INVITE", bob.aor, about, sdp))
        alice.send_sip(invite.octets)
        got = bob.next_sip()
        self.assertEqual((got.method, got.body), (b"INVITE", sdp))
        route = got.all("record-route")
        self.assertTrue(route)
        for status, body in ((180, b""), (200, sdp)):
            bob.reply(got, status, [("Contact", bob.contact)], body, to_tag="b1")
            answer = alice.answer_to(invite)
            self.assertEqual((answer.status, answer.all("record-route")), (status, route))
        dialog = dict(to=answer.get("to").decode(), sender=invite.get("from").decode(),
                      call_id=invite.call_id.decode())
        back = [("Route", r.decode()) for r in answer.all("record-route")[::-1]]
        ack = alice.make("ACK", bob.contact_uri, back, cseq=invite.cseq[0], **dialog)
        alice.send_sip(ack)
        self.assertEqual(bob.next_sip().method, b"ACK")
        bye = Msg(alice.make("BYE", bob.contact_uri, back, **dialog))
        alice.send_sip(bye.octets)
        got = bob.next_sip()
        self.assertEqual((got.method, got.uri), (b"BYE", bob.contact_uri.encode()))
        self.assertEqual(param(got.get("to"), "tag"), b"b1")
        bob.reply(got, 200)
        self.assertEqual(alice.answer_to(bye).status, 200)
        self.part(users)


if __name__ == "__main__":
    peer.main("ws", "websockets")
