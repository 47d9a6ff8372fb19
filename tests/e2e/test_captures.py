# SPDX-License-Identifier: Apache-2.0
"""Everything that JsSIP and SIP.js were heard saying, said again over real connections.

Each captured message is sent by who sent it, in its order. What had to differ is replaced: a
response gets the Via and Record-Route of the request that really arrived. The other party must then
see the same octets but for Request-URI, Via, Record-Route, Route and Max-Forwards.
"""

import collections
import json
import re

import harness
import tls
from sip import Msg, param, uri_of
from ws import BINARY, CONT, TEXT, Ws, frame

HOPS = ("via", "record-route", "route", "max-forwards")
CAPTURED_PROXY = "cap.example.org"  # the name of the proxy in the captures


def load():
    """{(client, scenario): [(entry, octets)]} in the order of the capture."""
    folder = harness.data_or_skip("captures")
    runs = collections.OrderedDict()
    for entry in json.loads((folder / "index.json").read_text())["files"]:
        octets = (folder / entry["file"]).read_bytes()
        runs.setdefault((entry["client"], entry["scenario"]), []).append((entry, octets))
    return runs


class Bindings:
    """What a registrar must hold after the REGISTERs so far (RFC 3261 10.3, RFC 5626 6)."""

    def __init__(self):
        self.by_key = {}

    def apply(self, request):
        for contact in request.all("contact"):
            if contact == b"*":
                self.by_key.clear()
                continue
            reg_id = param(contact, "reg-id")
            key = (param(contact, "+sip.instance"), reg_id) if reg_id else uri_of(contact)
            expires = int(param(contact, "expires") or request.get("expires") or 3600)
            self.by_key.pop(key, None)
            if expires:
                self.by_key[key] = (uri_of(contact), expires)

    def check(self, test, answer):
        got = {uri_of(c): int(param(c, "expires")) for c in answer.all("contact")}
        want = dict(self.by_key.values())
        test.assertEqual(set(got), set(want))
        for uri, expires in want.items():
            test.assertTrue(0 < got[uri] <= expires and got[uri] >= expires - 60,
                            (uri, got[uri], expires))


class Replay:
    """One scenario of one client."""

    def __init__(self, test, learned_route):
        self.test = test
        self.learned_route = learned_route
        self.who = {name: Ws(test.daemon.port) for name in ("alice", "bob")}
        test.clients += self.who.values()
        self.bindings = {"alice": Bindings(), "bob": Bindings()}
        self.received = {"alice": [], "bob": []}  # requests as they arrived
        self.sent = {"alice": [], "bob": []}      # requests as they were sent
        self.routes = {}                          # Call-ID -> Route set of the dialog

    def other(self, name):
        return "bob" if name == "alice" else "alice"

    def next_sip(self, name):
        opcode, octets = self.who[name].next_message()
        self.test.assertEqual(opcode, TEXT, "S-04: UTF-8 that came as text goes out as text")
        return Msg(octets)

    def say(self, entry, octets):
        name = entry["from"]
        if entry["kind"] == "keepalive" or octets == b"\r\n\r\n":
            self.who[name].send_text(octets)
            self.test.assertEqual(self.who[name].next_message(), (TEXT, b"\r\n"), "O-01")
        elif entry["kind"] == "response":
            self.response(name, Msg(octets))
        elif entry["method"] == "REGISTER":
            self.register(name, Msg(octets))
        else:
            self.request(name, Msg(octets))

    def register(self, name, request):
        self.who[name].send_text(request.octets)
        answer = self.next_sip(name)
        self.test.assertEqual((answer.status, answer.call_id, answer.cseq),
                              (200, request.call_id, request.cseq))
        self.bindings[name].apply(request)
        self.bindings[name].check(self.test, answer)

    def request(self, name, request):
        if self.learned_route and request.call_id in self.routes and request.all("route"):
            route = [b"Route: " + r for r in self.routes[request.call_id]]
            request = Msg(request.replaced({"route": route}))
        self.who[name].send_text(request.octets)
        self.sent[name].append(request)
        target = b"sip:" + self.other(name).encode() + b"@"
        in_dialog = param(request.get("to"), "tag") is not None
        if request.uri.startswith(target) or in_dialog:
            self.forwarded(name, request)
        elif b"@" in request.uri:
            self.answered(name, request, 404)
        else:
            self.answered(name, request, 200)

    def answered(self, name, request, status):
        answer = self.next_sip(name)
        self.test.assertEqual((answer.status, answer.call_id, answer.cseq),
                              (status, request.call_id, request.cseq))

    def forwarded(self, name, request):
        """The request arrives at the other party, unchanged but for what a proxy must do."""
        test, other = self.test, self.other(name)
        got = self.next_sip(other)
        test.assertIsNone(got.status, got)
        self.received[other].append(got)
        test.assertEqual(got.method, request.method)
        test.assertEqual(got.without(*HOPS), request.without(*HOPS))
        test.assertTrue(got.body == request.body, "body")
        contact = [uri for uri, _ in self.bindings[other].by_key.values()]
        if b"tag=" not in request.get("to"):
            test.assertEqual(contact, [got.uri], "the Request-URI is the registered contact")
        else:
            test.assertIn(got.uri, contact + [request.uri])
        test.assertEqual(int(got.get("max-forwards")), int(request.get("max-forwards")) - 1)
        test.assertEqual(got.all("route"), [], "our Route is gone")
        vias = got.all("via")
        test.assertEqual(len(vias), len(request.all("via")) + 1)
        transport = b"WSS" if tls.EVERYWHERE else b"WS"
        test.assertRegex(vias[0], rb"^SIP/2\.0/%s [^;]+;.*branch=z9hG4bK" % transport)
        test.assertTrue(vias[1].startswith(request.get("via")), vias)
        if got.all("record-route"):
            test.assertRegex(got.get("record-route"), rb"^<sip:.*;lr.*>$")
            if got.method == b"INVITE" and b"tag=" not in request.get("to"):
                self.routes[got.call_id] = got.all("record-route")
        elif request.method in (b"INVITE", b"SUBSCRIBE") and b"tag=" not in request.get("to"):
            test.fail("a dialog without Record-Route cannot return through us")

    def response(self, name, response):
        """Sent with the Vias of the request that arrived; arrives as sent, less our Via."""
        test, other = self.test, self.other(name)
        request = next(r for r in reversed(self.received[name])
                       if (r.call_id, r.cseq) == (response.call_id, response.cseq))
        changes = {"via": [b"Via: " + v for v in request.raw("via")]}
        if response.all("record-route"):
            changes["record-route"] = [b"Record-Route: " + r for r in request.raw("record-route")]
        sent = Msg(response.replaced(changes))
        self.who[name].send_text(sent.octets)
        got = self.next_sip(other)
        test.assertEqual(got.start, sent.start)
        test.assertEqual(got.without("via"), sent.without("via"))
        test.assertTrue(got.body == sent.body, "body")
        test.assertEqual(got.all("via"), request.all("via")[1:])
        origin = next(r for r in self.sent[other] if (r.call_id, r.cseq) == (got.call_id, got.cseq))
        test.assertTrue(got.get("via").startswith(origin.get("via")))

    def finish(self):
        for client in self.who.values():
            client.send_text(b"\r\n\r\n")
            self.test.assertEqual(client.next_message()[1], b"\r\n", "nothing more came")
            client.hang_up()


class Captures(harness.E2E):
    """With the captured Route: the daemon carries the name of the proxy in the captures."""

    settings = {"routing.host": CAPTURED_PROXY}
    learned_route = False

    def test_replay(self):
        runs = load()
        count = 0
        for (client, scenario), messages in runs.items():
            with self.subTest(client=client, scenario=scenario):
                replay = Replay(self, self.learned_route)
                for entry, octets in messages:
                    try:
                        replay.say(entry, octets)
                    except Exception as error:
                        raise AssertionError(f"{entry['file']}: {error}") from error
                    count += 1
                replay.finish()
                self.daemon.wait_quiet()
        self.assertEqual(count, sum(map(len, runs.values())))


class CapturesLearnedRoute(Captures):
    """With the Route learned from Record-Route, the daemon under its own name."""

    settings = {}
    learned_route = True


class Video(harness.E2E):
    """The largest message, cut in every unpleasant way."""

    def invite(self):
        octets = [o for (_, scenario), run in load().items() if scenario == "video"
                  for entry, o in run if entry["method"] == "INVITE" and entry["kind"] == "request"]
        found = max(octets, key=len)
        self.assertGreater(len(found), 7500)
        return Msg(found)

    def run_way(self, way):
        bob = self.phone("bob").registered()
        alice = self.phone("alice").registered()
        invite = self.invite()
        way(alice, invite.octets)
        got = bob.next_sip()
        self.assertEqual(got.opcode, TEXT)
        self.assertEqual(got.without(*HOPS), invite.without(*HOPS))
        self.assertTrue(got.body == invite.body)
        bob.reply(got, 486)
        answer = alice.next_sip()
        self.assertEqual((answer.status, answer.call_id), (486, invite.call_id))
        self.assertEqual(alice.settle() + bob.settle(), [])
        alice.hang_up()
        bob.hang_up()

    def test_whole(self):
        self.run_way(lambda alice, octets: alice.send_sip(octets))

    def test_one_octet_per_segment(self):
        self.run_way(lambda alice, octets: alice.send_sip(octets, chop=1))

    def fragments(self, octets, n):
        size = -(-len(octets) // n)
        pieces = [octets[i:i + size] for i in range(0, len(octets), size)]
        self.assertEqual(len(pieces), n)
        return [frame(CONT if i else TEXT, x, fin=i == n - 1) for i, x in enumerate(pieces)]

    def test_forty_fragments(self):
        self.run_way(lambda alice, octets: [alice.send(x) for x in self.fragments(octets, 40)])

    def test_forty_fragments_one_octet_per_segment(self):
        self.run_way(lambda alice, octets: alice.send(b"".join(self.fragments(octets, 40)), chop=1))

    def test_forty_fragments_with_pings_between(self):
        def way(alice, octets):
            for i, piece in enumerate(self.fragments(octets, 40)):
                alice.send(piece)
                alice.send(frame(0x9, b"%d" % i))
                alice.expect_pong(b"%d" % i)
        # the last Ping comes after the whole message: its answer is not held up by the routing
        self.run_way(way)

    def test_as_binary(self):
        """S-03: BINARY is accepted; what is UTF-8 may go on as either."""
        bob = self.phone("bob").registered()
        alice = self.phone("alice", opcode=BINARY).registered()
        invite = self.invite()
        alice.send_sip(invite.octets)
        got = bob.next_sip()
        self.assertTrue(got.body == invite.body)
        alice.hang_up()
        bob.hang_up()


class Wire(harness.E2E):
    """Whole captured client streams: handshake, masked frames, close, as they were on the wire."""

    settings = {"routing.host": CAPTURED_PROXY}

    def test_streams(self):
        for path in sorted(harness.data_or_skip("captures", "wire").glob("*.client-to-server.bin")):
            for chop in (None, 1, 1460):
                with self.subTest(path.name, chop=chop):
                    self.stream(path.read_bytes(), chop)

    def stream(self, octets, chop):
        client = self.keep(Ws(self.daemon.port, upgrade=False))
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", octets).group(1)
        with self.daemon.counted(handshakes_done=1, closes_received=1, closed_protocol_error=0):
            client.send(octets, chop=chop)
            client.expect_101(key)
            answers = 0
            while True:
                got = client.next_frame()
                self.assertIsNotNone(got, "stream ended without Close")
                if got.opcode == 0x8:
                    break
                self.assertIn(got.opcode, (TEXT, 0x9))
                answers += got.payload.startswith(b"SIP/2.0 200")
            self.assertGreater(answers, 0, "at least the REGISTERs were answered")
            client.finish()
            client.expect_end(clean=False)
            client.close()
        self.daemon.wait_quiet()


if __name__ == "__main__":
    harness.main()
