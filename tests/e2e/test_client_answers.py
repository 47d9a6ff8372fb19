# SPDX-License-Identifier: Apache-2.0
"""The client role: how it judges the answer to its opening handshake (W-L-08, W-L-09)."""

import time

import harness
from client import Client, sent
from ws import CLOSE, CONT, PING, PONG, SCALE, TEXT, WsError, close_body


def head(status=b"HTTP/1.1 101 Switching Protocols", accept=None, drop=(), extra=(), **fields):
    """An answer, from a Peer; fields: upgrade=..., connection=...; drop: names to leave out."""
    def write(peer):
        lines = {"upgrade": b"websocket", "connection": b"Upgrade",
                 "sec-websocket-accept": (accept or (lambda x: x))(peer.accept_value())} | fields
        out = [status] + [b"%s: %s" % (name.encode(), value) for name, value in lines.items()
                          if name not in drop]
        return b"\r\n".join([*out, *extra]) + b"\r\n\r\n"
    return write


def status(line, *extra):
    return head(b"HTTP/1.1 " + line, drop=("upgrade", "connection", "sec-websocket-accept"),
                extra=[*extra, b"Content-Length: 0"])


PMD = b"Sec-WebSocket-Extensions: permessage-deflate"
BAD_ANSWERS = {
    "Accept of another key": head(accept=lambda x: x[::-1]),
    "prefix of Accept": head(accept=lambda x: x[:-1]),
    "half of Accept": head(accept=lambda x: x[:14]),
    "empty Accept": head(accept=lambda x: b" "),
    "Accept and more": head(accept=lambda x: x + b"="),
    "Accept in other case": head(accept=lambda x: x.swapcase()),
    "no Accept": head(drop=["sec-websocket-accept"]),
    "two Accepts": lambda peer: head(
        extra=[b"Sec-WebSocket-Accept: " + peer.accept_value()])(peer),
    "no Upgrade": head(drop=["upgrade"]),
    "other Upgrade": head(upgrade=b"h2c"),
    "Upgrade that begins right": head(upgrade=b"websockets"),
    "no Connection": head(drop=["connection"]),
    "Connection: close": head(connection=b"close"),
    "Connection that only contains the word": head(connection=b"Upgraded"),
    "200": status(b"200 OK"),
    "204": status(b"204 No Content"),
    "302": status(b"302 Found", b"Location: http://127.0.0.1:1/"),
    "401": status(b"401 Unauthorized", b'WWW-Authenticate: Basic realm="x"'),
    "403": status(b"403 Forbidden"),
    "426": status(b"426 Upgrade Required", b"Sec-WebSocket-Version: 8"),
    "503": status(b"503 Service Unavailable", b"Retry-After: 1"),
    "101 of nothing": status(b"101 Switching Protocols"),
    "200 with all the rest": head(b"HTTP/1.1 200 Switching Protocols"),
    "1010": head(b"HTTP/1.1 1010 Switching Protocols"),
    "no status": head(b"HTTP/1.1  Switching Protocols"),
    "HTTP/1.0": head(b"HTTP/1.0 101 Switching Protocols"),
    "HTTP/2.0": head(b"HTTP/2.0 101 Switching Protocols"),
    "another protocol": head(b"SIP/2.0 101 Dialog Establishement"),
    "unasked protocol": head(extra=[b"Sec-WebSocket-Protocol: sip"]),
    "unasked extension": head(extra=[PMD]),
    "unknown extension": head(extra=[b"Sec-WebSocket-Extensions: x-other"]),
    "folded field": head(extra=[b"X-Folded: one", b" two"]),
    "blank before the colon": head(extra=[b"X-Blank : one"]),
    "no colon": head(extra=[b"nonsense"]),
    "NUL": head(extra=[b"X-Nul: \0"]),
    "header too long": head(extra=[b"X-Long: " + b"x" * 9000]),
    "header without end": lambda peer: b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 20000,
    "too many fields": head(extra=[b"X-%d: y" % i for i in range(100)]),
    "no HTTP at all": lambda peer: b"220 mail.example.org ESMTP\r\n\r\n",
    "frames at once": lambda peer: sent(TEXT, b"no handshake needed?") * 3 + b"\r\n\r\n",
    "FIN at once": None,
}
GOOD_ANSWERS = {
    "plain": head(),
    "no reason phrase": head(b"HTTP/1.1 101 "),
    "other reason phrase": head(b"HTTP/1.1 101 Web Socket Protocol Handshake"),
    "other case": head(upgrade=b"WebSocket", connection=b"upgrade"),
    "Connection list": head(connection=b"keep-alive, Upgrade"),
    "fields of no matter": head(extra=[b"Server: x", b"Date: Thu, 01 Jan 1970 00:00:00 GMT"]),
    "100 first": lambda peer: b"HTTP/1.1 100 Continue\r\n\r\n" + head()(peer),
}


class Answers(Client):
    def asked(self):
        peer = self.server.accept()
        peer.request()
        return peer

    def refused(self, write, chop=None):
        peer = self.asked()
        with self.daemon.counted(upstream_refused=1, upstream_timeouts=0, handshakes_done=0):
            if write:
                peer.send(write(peer), chop=chop)
            else:
                peer.finish()
            peer.expect_end(clean=False)
            peer.close()

    def test_bad_answers(self):
        """W-L-08, W-L-09: the connection is ended without a frame, counted, and tried again."""
        self.start()
        for name, write in BAD_ANSWERS.items():
            with self.subTest(name):
                self.refused(write)
        for name in ("prefix of Accept", "302", "HTTP/1.0", "header too long"):
            with self.subTest(name, how="octet by octet"):
                self.refused(BAD_ANSWERS[name], chop=1)
        peer = self.server.upgraded()
        self.serves(peer)
        self.farewell(peer)
        self.stop()

    def test_unasked_protocols(self):
        self.start(ws_subprotocols="sip")
        for extra in ([], [b"Sec-WebSocket-Protocol: msrp"], [b"Sec-WebSocket-Protocol: SIP"],
                      [b"Sec-WebSocket-Protocol: sip, msrp"],
                      [b"Sec-WebSocket-Protocol: sip", b"Sec-WebSocket-Protocol: sip"],
                      [b"Sec-WebSocket-Protocol: "]):
            with self.subTest(extra):
                self.refused(head(extra=extra))
        peer = self.server.upgraded(b"Sec-WebSocket-Protocol: sip")
        self.serves(peer)
        self.farewell(peer)
        self.stop()

    def test_good_answers(self):
        """In one piece, octet by octet, and with frames in the same segment."""
        self.start()
        for name, write in GOOD_ANSWERS.items():
            for chop in (None, 1):
                with self.subTest(name, chop=chop):
                    peer = self.asked()
                    frames = (sent(TEXT, b"first", fin=False) + sent(PING, b"x")
                              + sent(CONT, b" one"))
                    peer.send(write(peer) + frames, chop=chop)
                    got = peer.next_frame()
                    self.assertEqual((got.opcode, got.payload), (PONG, b"x"))
                    self.assertEqual(peer.next_message(), (TEXT, b"first one"))
                    self.farewell(peer)
        self.stop()

    def test_every_split(self):
        """An answer and a message, cut in two at every octet."""
        self.start()
        peer = self.asked()
        whole = len(peer.good_answer() + sent(TEXT, b"hello"))
        peer.close()
        for at in range(1, whole):
            peer = self.asked()
            octets = peer.good_answer() + sent(TEXT, b"hello")
            peer.send(octets[:at])
            peer.send(octets[at:])
            self.assertEqual(peer.next_message(), (TEXT, b"hello"), at)
            self.farewell(peer)
        self.stop()

    def test_close_with_the_answer(self):
        self.start()
        peer = self.asked()
        peer.send(peer.good_answer() + sent(CLOSE, close_body(1013)))
        self.assertEqual(peer.next_frame().payload, close_body(1013))
        peer.finish()
        peer.expect_end(clean=False)
        peer.close()
        peer = self.asked()
        peer.send(peer.good_answer() + sent(3, b"x"))
        self.assertEqual(peer.next_frame().close_code, 1002)
        peer.close()
        self.stop()

    def test_late_answers(self):
        """Silence, and an answer that comes too slowly: one deadline from request to its end."""
        self.start(ws_handshake_timeout=150)
        for octets in (b"", b"HTTP/1.1 101 Swi"):
            peer = self.server.accept()
            before = self.daemon.counters()
            peer.request()
            begun = time.monotonic()
            peer.send(octets)
            peer.expect_end(clean=False)
            self.assertLess(time.monotonic() - begun, 0.15 + 3 * SCALE)
            peer.close()
            ok, after = self.daemon.wait_counters(
                lambda c, n=before["upstream_timeouts"]: c["upstream_timeouts"] > n)
            self.assertTrue(ok, after)
            self.assertEqual(after["upstream_refused"], 0)
        peer = self.server.accept()
        peer.request()
        octets, begun, ended = peer.good_answer(), time.monotonic(), False
        for i in range(100):  # each octet is a sign of life, and none moves the deadline
            if not peer.send(octets[i:i + 1]):
                ended = True
                break
            try:
                ended = not peer.fill(1, 0.02)
            except WsError:
                continue
            break
        self.assertTrue(ended, "a slow answer was waited for")
        self.assertLess(time.monotonic() - begun, 0.15 + 3 * SCALE)
        peer.close()
        self.stop()


if __name__ == "__main__":
    harness.main()
