# SPDX-License-Identifier: Apache-2.0
"""Byte soup on the port: each gets a 4xx, a Close with the right code, or a SIP answer, within a
deadline; it is counted by reason, and the daemon lives on."""

import json
import os
import random
import struct

import harness
from sip import Msg
from ws import (BINARY, CLOSE, CONT, PING, TEXT, Ws, WsError, frame, request_head)

SEED = int(os.environ.get("SIPRING_TEST_SEED", "20260923"))
HTTP_ERRORS = range(400, 600)


def ended_by(client):
    """How the server ended a connection that never became WebSocket: the HTTP status, or None."""
    status = None
    if client.fill(1):
        status = Ws.answer(client).status
    client.expect_end(clean=False)
    return status


class Port(harness.E2E):
    """Before the handshake."""

    settings = {"handshake_timeout": 1000}

    def soup(self, octets, chop=None, finish=False):
        client = self.tcp()
        client.send(octets, chop=chop)
        if finish:
            client.finish()
        status = ended_by(client)
        if not finish:
            self.assertIn(status, HTTP_ERRORS, octets[:40])
        client.close()
        return status

    def test_known_protocols(self):
        hello = bytes.fromhex("160301") + struct.pack("!H", 512) + bytes(range(256)) * 2
        for name, octets in {
            "TLS ClientHello": hello,
            "SSH": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
            "SMTP": b"EHLO example.org\r\n",
            "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
            "proxy header": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n",
            "proxy header v2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
            "SIP over TCP": b"REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n",
            "STUN": bytes.fromhex("000100002112a442") + bytes(12),
            "RTSP": b"DESCRIBE rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n",
            "SOCKS5": b"\x05\x01\x00" + bytes(20),
            "Redis": b"*1\r\n$4\r\nPING\r\n",
            "a bare WebSocket frame": frame(TEXT, b"hello, anybody"),
        }.items():
            with self.subTest(name):
                with self.daemon.counted(handshakes_refused=1, exactly=False):
                    self.soup(octets)
        self.still_serves()

    def test_http_pipelining(self):
        """Plain HTTP is refused once; what follows is not read as anything."""
        get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        client = self.tcp()
        client.send(get * 50)
        self.assertEqual(Ws.answer(client).status, 426)
        client.expect_end(clean=False)

    def test_huge_header_lines(self):
        good, _ = request_head(self.daemon.port)
        for name, octets, status in (
                ("line of 1 MB", good[:-2] + b"X: " + b"a" * (1 << 20), 431),
                ("name of 1 MB", good[:-2] + b"a" * (1 << 20), (400, 431)),
                ("target of 1 MB", b"GET /" + b"a" * (1 << 20), 414),
                ("method of 1 MB", b"G" * (1 << 20), (400, 405, 431, 414)),
                ("100000 empty lines", b"\r\n" * 100000, 400),
                ("100000 short lines", good[:-2] + b"a:b\r\n" * 100000, 431)):
            with self.subTest(name):
                client = self.tcp()
                client.send(octets)
                got = ended_by(client)
                self.assertIn(got, status if isinstance(status, tuple) else (status,))
        self.still_serves()

    def test_random(self):
        rnd = random.Random(SEED)
        for i in range(200):
            octets = rnd.randbytes(rnd.choice((1, 2, 10, 100, 1000, 20000)))
            with self.subTest(f"seed {SEED}, {i}"):
                self.soup(octets, finish=True)
        self.still_serves()

    def test_random_without_end(self):
        """The peer keeps the stream open: the deadline of the handshake ends it."""
        rnd = random.Random(SEED + 1)
        clients = [self.tcp() for _ in range(100)]
        for client in clients:
            client.send(rnd.randbytes(rnd.choice((1, 3, 50))) if rnd.random() < .7 else b"")
        for client in clients:
            status = ended_by(client)
            self.assertIn(status, [None, *HTTP_ERRORS])

    def test_mutated_handshakes(self):
        """A good handshake with a few octets changed: 101 or an error, never silence."""
        rnd = random.Random(SEED + 2)
        for i in range(300):
            octets = bytearray(request_head(self.daemon.port, key=b"dGhlIHNhbXBsZSBub25jZQ==")[0])
            for _ in range(rnd.choice((1, 1, 2, 5))):
                at = rnd.randrange(len(octets) - 4)
                octets[at] = rnd.choice(b"\0\r\n :,;\"\\/\x7f\xffaZ09")
            with self.subTest(f"seed {SEED + 2}, {i}"):
                client = self.tcp()
                client.send(bytes(octets))
                got = Ws.answer(client)
                self.assertIn(got.status, [101, *HTTP_ERRORS])
                client.reset()
        self.still_serves()


class Frames(harness.E2E):
    """After the handshake."""

    def closed(self, client):
        """The server's Close code; messages before it are SIP answers."""
        while True:
            got = client.next_frame()
            self.assertIsNotNone(got, "stream ended without Close")
            if got.opcode == CLOSE:
                client.finish()
                client.expect_end(clean=False)
                return got.close_code

    def allowed(self, opcode, payload):
        """What may end a connection on which this good frame and then a bad one came."""
        if opcode == TEXT:
            return 1002, 1007
        if opcode != CLOSE:
            return (1002,)
        code = int.from_bytes(payload[:2], "big") if payload else None
        return 1002, 1007, code

    def test_random_frames(self):
        """Whole frames with random headers: the code is that of the first rule broken."""
        rnd = random.Random(SEED + 3)
        for i in range(300):
            opcode, fin = rnd.randrange(16), rnd.random() < .9
            rsv = rnd.choice((0, 0, 0, rnd.randrange(8)))
            n = rnd.choice((0, 1, 2, 20, 125, 126, 1000))
            payload = rnd.randbytes(n)
            key = rnd.choice((None, None, None, False))
            broken = key is False or rsv or opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 0)
            if opcode & 8 and (not fin or n > 125):
                broken = True
            with self.subTest(f"seed {SEED + 3}, {i}: {opcode} {rsv} {fin} {n} {key}"):
                client = self.ws()
                client.send(frame(opcode, payload, fin=fin, rsv=rsv, key=key))
                client.send(frame(PING, b"?") + frame(3))
                code = self.closed(client)
                if broken:
                    self.assertEqual(code, 1002)
                else:
                    self.assertIn(code, self.allowed(opcode, payload))
                client.close()
        self.still_serves()

    def test_random_octets(self):
        rnd = random.Random(SEED + 4)
        for i in range(200):
            octets = rnd.randbytes(rnd.choice((1, 2, 5, 14, 100, 5000)))
            with self.subTest(f"seed {SEED + 4}, {i}"):
                client = self.ws()
                client.send(octets)
                client.finish()
                while (got := client.next_frame()) is not None:
                    if got.opcode == CLOSE:
                        self.assertIn(got.close_code,
                                      (None, 1000, 1002, 1007, 1008, 1009, *range(3000, 5000)))
                client.close()
        self.still_serves()

    def test_truncated(self):
        """A good stream that ends anywhere: no answer is due, nothing may stay behind."""
        octets = frame(TEXT, b"\r\n\r\n" + bytes(200), form=16) + frame(PING, b"x")
        for at in range(len(octets)):
            client = self.ws()
            client.send(octets[:at])
            client.finish()
            while client.next_frame() is not None:
                pass
            client.close()
        self.daemon.wait_quiet()

    def test_wrong_masks(self):
        """A text frame unmasked with the wrong key is noise: bad UTF-8 or no SIP, both are said."""
        for flip in range(1, 256, 16):
            with self.subTest(flip):
                client = self.ws()
                octets = bytearray(frame(TEXT, b"OPTIONS sip:example.org SIP/2.0\r\n\r\n",
                                         key=b"abcd"))
                octets[2] ^= flip
                client.send(bytes(octets) + frame(3))
                self.assertIn(self.closed(client), (1002, 1007))
                client.close()

    def test_empty_and_tiny_messages(self):
        """Not SIP and nothing to answer: dropped and counted; the connection lives."""
        soup = [b"", b"\0", b"x", b"\r", b"\n", b" ", b"\r\n\r", b"SIP/2.0",
                b"SIP/2.0 200 OK\r\n\r\n", b"\r\n\r\n\r\n\r\nx",
                b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"{}",
                b"\xef\xbb\xbfOPTIONS sip:a SIP/2.0\r\n\r\n",
                b"ACK sip:a@b SIP/2.0\r\n\r\n", b":" * 500, b"\r\n" * 500]
        client = self.phone("tiny")
        before = self.daemon.counters()
        for octets in soup:
            client.send_text(octets)
        for got in client.settle():
            self.assertTrue(got.is_response and got.status >= 400, got)
        ok, after = self.daemon.wait_counters(lambda c: not harness.imbalance(c, 1))
        self.assertTrue(ok, after)
        moved = {k: after[k] - before[k] for k in after}
        self.assertGreaterEqual(moved["dropped_malformed"] + moved["dropped_response_unknown"], 5,
                                moved)
        client.hang_up()


# What RFC 4475 allows a registrar and proxy for every domain to say. None: no answer at all.
FINAL = tuple(range(300, 700))
TORTURE = {
    "wsinv.dat": FINAL, "intmeth.dat": (404, 405, 501), "esc01.dat": (404,), "escnull.dat": (200,),
    "esc02.dat": (404, 405, 501), "lwsdisp.dat": (404, 200), "longreq.dat": (404,),
    "dblreq.dat": (200, 400),
    "semiuri.dat": (404, 200), "transports.dat": (404, 200), "mpart01.dat": FINAL,
    "unreason.dat": None,
    "noreason.dat": None, "badinv01.dat": (400,), "clerr.dat": (400,), "ncl.dat": (400,),
    "scalar02.dat": (400,),
    "scalarlg.dat": None, "quotbal.dat": (400,), "ltgtruri.dat": (400,), "lwsruri.dat": (400,),
    "lwsstart.dat": (400, 404), "trws.dat": (400, 404), "escruri.dat": (400, 404),
    "baddate.dat": (404, 400),
    "regbadct.dat": (400, 200), "badaspec.dat": (400, 404), "baddn.dat": (400,),
    "badvers.dat": (505,),
    "mismatch01.dat": (400,), "mismatch02.dat": (400, 501), "bigcode.dat": None,
    "badbranch.dat": (400, 200, 404),
    "insuf.dat": (400,), "unkscm.dat": (416,), "novelsc.dat": (416, 404), "unksm2.dat": (400,),
    "bext01.dat": (420,), "invut.dat": (404,), "regaut01.dat": (200,), "multi01.dat": (400,),
    "mcl01.dat": (400,),
    "bcast.dat": None, "zeromf.dat": (483, 200), "cparam01.dat": (200,), "cparam02.dat": (200,),
    "regescrt.dat": (200,), "sdp01.dat": (404,), "inv2543.dat": (404, 400),
}
UNANSWERABLE = ("insuf.dat",)  # may also stay unanswered


class Sip(harness.E2E):
    """Other people's worst SIP messages, over a good connection."""

    def say(self, client, octets, binary):
        """All that comes back for one message."""
        client.opcode = BINARY if binary else TEXT
        client.send_sip(octets)
        client.opcode = TEXT
        return client.settle()

    def binary(self, octets):
        try:
            octets.decode()
            return False
        except UnicodeDecodeError:
            return True

    def test_rfc4475(self):
        folder = harness.data_or_skip("rfc4475")
        entries = json.loads((folder / "index.json").read_text())
        self.assertEqual({e["file"] for e in entries}, set(TORTURE))
        for entry in entries:
            name = entry["file"]
            with self.subTest(name):
                client = self.phone("torture")  # a new one: what the last registered is gone
                octets = (folder / name).read_bytes()
                got = self.say(client, octets, entry["frame"] == "binary")
                wanted = TORTURE[name]
                if wanted is None:
                    self.assertEqual(got, [], "a response is never answered")
                elif got or name not in UNANSWERABLE:
                    self.assertEqual(len(got), 1, got)
                    self.assertIn(404 if got[0].status == 480 else got[0].status, wanted, got[0])
                client.hang_up()
        with self.subTest("details"):
            client = self.phone("torture")
            self.details(folder, client)
            client.hang_up()

    def details(self, folder, client):
        got = self.say(client, (folder / "bext01.dat").read_bytes(), False)[0]
        self.assertEqual(set(got.all("unsupported")),
                         {b"noProxiesSupportThis", b"norDoAnyProxiesSupportThis"})
        got = self.say(client, (folder / "cparam01.dat").read_bytes(), False)[0]
        contacts = got.all("contact")
        self.assertTrue(any(b"unknownparam" in c and b"unknownparam>" not in c for c in contacts))
        got = self.say(client, (folder / "regescrt.dat").read_bytes(), False)[0]
        self.assertTrue(any(b"?Route=%3C" in c for c in got.all("contact")), got.lines)
        got = self.say(client, (folder / "escnull.dat").read_bytes(), False)[0]
        self.assertEqual(len(got.all("contact")), 2, got.lines)

    def test_rfc4475_binary_in_text(self):
        """mpart01 is not UTF-8: in a text frame it fails the connection (1007)."""
        octets = (harness.data_or_skip("rfc4475", "mpart01.dat")).read_bytes()
        client = self.ws()
        client.send_text(octets)
        client.expect_close(1007)

    def test_rfc5118(self):
        folder = harness.data_or_skip("rfc5118")
        for entry in json.loads((folder / "index.json").read_text()):
            with self.subTest(entry["file"]):
                octets = (folder / entry["file"]).read_bytes()
                client = self.phone("six")
                got = self.say(client, octets, False)
                client.hang_up()
                if octets.startswith(b"SIP/2.0"):
                    self.assertEqual(got, [])
                    continue
                self.assertEqual(len(got), 1)
                status = got[0].status
                if entry["validity"] == "invalid":
                    self.assertEqual(status, 400)
                elif entry["validity"] == "valid":
                    self.assertIn(status, (200, 404, 405, 480), got[0])
                else:
                    self.assertIn(status, (200, 400, 404, 405, 480), got[0])
        client = self.phone("six")
        for path in sorted((folder / "archive-lf").iterdir()):
            with self.subTest(path.name):
                for got in self.say(client, path.read_bytes(), False):
                    self.assertGreaterEqual(got.status, 400, "bare LF is no SIP")
        client.hang_up()

    def test_corpus(self):
        """No verdict, but: at most one answer, final, no crash, and the next message is served."""
        folder = harness.data_or_skip("sip-corpus")
        client = self.phone("corpus")
        for entry in json.loads((folder / "index.json").read_text()):
            with self.subTest(entry["file"]):
                octets = (folder / entry["file"]).read_bytes()
                got = self.say(client, octets, self.binary(octets))
                self.assertLessEqual(len(got), 1, got)
                self.assertTrue(all(m.is_response and m.status >= 200 for m in got), got)
        client.hang_up()

    def test_mutations(self):
        """Captured messages with octets changed, doubled, cut: seeded."""
        folder = harness.data_or_skip("captures")
        rnd = random.Random(SEED + 5)
        files = sorted(folder.glob("*.sip"))
        client = self.phone("mutant")
        for i in range(1000):
            octets = bytearray(rnd.choice(files).read_bytes())
            for _ in range(rnd.choice((1, 1, 2, 8))):
                at = rnd.randrange(len(octets)) if octets else 0
                kind = rnd.randrange(4)
                if kind == 0 and octets:
                    octets[at] = rnd.randrange(256)
                elif kind == 1:
                    del octets[at:at + rnd.choice((1, 2, 20))]
                elif kind == 2:
                    octets[at:at] = octets[at:at + rnd.choice((1, 10, 300))]
                else:
                    octets[at:at] = rnd.choice((b"\r\n", b"\r\n\r\n", b"\0", b'"', b"<", b",",
                                                b";", b"sip:", b"@"))
            try:
                self.say_any(client, bytes(octets))
            except (WsError, AssertionError) as error:
                what = f"seed {SEED + 5}, mutation {i}: {error}\n{bytes(octets)!r}"
                raise AssertionError(what) from error
        client.hang_up()

    def say_any(self, client, octets):
        """A CRLF may come back for a keep-alive; a mutated request may reach ourselves."""
        client.send_frame(BINARY, octets)
        probe = Msg(client.make("OPTIONS", "sip:example.org"))
        client.send_sip(probe.octets)
        for _ in range(4):
            _, got = client.next_message()
            if got != b"\r\n" and Msg(got).call_id == probe.call_id:
                return
        raise AssertionError("too many answers")


class Slow(harness.E2E):
    """Good and bad at once: noise beside a call must not disturb it."""

    def test_noise_beside_traffic(self):
        rnd = random.Random(SEED + 6)
        a, b = self.phone("n1").registered(), self.phone("n2").registered()
        for i in range(100):
            noise = self.tcp()
            noise.send(rnd.randbytes(300))
            broken = self.ws()
            broken.send(frame(rnd.choice((3, CONT, PING)), rnd.randbytes(126)))
            a.send_sip(a.make("MESSAGE", "sip:n2@example.org", body=b"%d" % i))
            got = b.next_sip()
            self.assertEqual(got.body, b"%d" % i)
            b.reply(got, 200)
            self.assertEqual(a.next_sip().status, 200)
            noise.reset() if i % 2 else noise.close()
            broken.close()
        a.hang_up()
        b.hang_up()


if __name__ == "__main__":
    harness.main()
