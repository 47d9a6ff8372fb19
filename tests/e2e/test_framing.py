# SPDX-License-Identifier: Apache-2.0
"""Framing against the echo mode: the case families 1 to 7 that every WebSocket
implementation is measured by, written anew as tables, and strictly judged.

A case is a list of what is sent and a list of what must come back. Each is run frame by frame, in
one burst cut at odd places and, where small, one octet per segment.
"""

import harness
from ws import (BINARY, CLOSE, CONT, PING, PONG, TEXT, Ws, close_body, frame, request_head)

MAX = 16 << 20


def text(payload=b"", **kw):
    return frame(TEXT, payload, **kw)


def binary(payload=b"", **kw):
    return frame(BINARY, payload, **kw)


def cont(payload=b"", **kw):
    return frame(CONT, payload, **kw)


def ping(payload=b"", **kw):
    return frame(PING, payload, **kw)


def pong(payload=b"", **kw):
    return frame(PONG, payload, **kw)


def close(code=None, reason=b"", **kw):
    return frame(CLOSE, b"" if code is None else close_body(code, reason), **kw)


# What must come back: ("text", octets), ("binary", ...), ("pong", ...), ("close", code): the end.
def t(payload):
    return ("text", payload)


def b(payload):
    return ("binary", payload)


def p(payload):
    return ("pong", payload)


def fails(code):
    return ("close", code)


BYE = (close(1000), ("close", 1000))  # every peaceful case ends like this


def peaceful(*steps):
    """Steps are (frames sent, events that come back); the closing handshake is added."""
    sent, got = [], []
    for frames, events in steps:
        sent += frames if isinstance(frames, list) else [frames]
        got += events if isinstance(events, list) else [events]
    return sent + [BYE[0]], got + [BYE[1]]


def lengths():
    """Family 1: every border of the length encoding, text and binary."""
    cases = {}
    for n in (0, 1, 124, 125, 126, 127, 128, 65535, 65536):
        cases[f"1.1 text of {n}"] = peaceful((text(b"*" * n), t(b"*" * n)))
        cases[f"1.2 binary of {n}"] = peaceful((binary(b"\xfe" * n), b(b"\xfe" * n)))
        cases[f"1.3 zero mask, text of {n}"] = peaceful((text(b"*" * n, key=bytes(4)), t(b"*" * n)))
    for form, n in ((16, 0), (16, 125), (64, 0), (64, 125), (64, 126), (64, 65535)):
        cases[f"1.4 {n} octets in {form} bits"] = ([binary(b"x" * n, form=form)], [fails(1002)])
    for opcode, name in ((TEXT, "text"), (PING, "ping"), (CLOSE, "close")):
        cases[f"1.5 unmasked {name}"] = ([frame(opcode, b"\x03\xe8", key=False)], [fails(1002)])
        cases[f"1.5 unmasked empty {name}"] = ([frame(opcode, b"", key=False)], [fails(1002)])
    cases["1.6 length with the top bit"] = ([frame(BINARY, b"", form=64, length=1 << 63)],
                                            [fails(1002)])
    cases["1.6 length of all ones"] = ([frame(BINARY, b"", form=64, length=(1 << 64) - 1)],
                                       [fails(1002)])
    cases["1.7 over the limit by its header"] = (
        [frame(BINARY, b"", form=64, length=MAX + 1)], [fails(1009)])
    return cases


def pings():
    """Family 2 (W-F-10, W-F-11)."""
    full = bytes(range(125))
    return {
        "2.1 empty": peaceful((ping(), p(b""))),
        "2.2 small": peaceful((ping(b"Hello"), p(b"Hello"))),
        "2.3 binary": peaceful((ping(b"\x00\xff\xfe\xfd\xfc"), p(b"\x00\xff\xfe\xfd\xfc"))),
        "2.4 125 octets": peaceful((ping(full), p(full))),
        "2.5 126 octets": ([ping(b"x" * 126)], [fails(1002)]),
        "2.5 126 octets in 64 bits": ([ping(b"x" * 126, form=64)], [fails(1002)]),
        "2.5 65536 octets": ([ping(b"x" * 65536)], [fails(1002)]),
        "2.6 one ping, one text": peaceful((ping(full), p(full)), (text(b"a"), t(b"a"))),
        "2.7 unsolicited empty pong": peaceful((pong(), [])),
        "2.8 unsolicited pong": peaceful((pong(b"unasked"), [])),
        "2.9 pong, then ping": peaceful((pong(b"unasked"), []), (ping(b"asked"), p(b"asked"))),
        "2.10 ten pings": peaceful(*[(ping(b"payload %d" % i), p(b"payload %d" % i))
                                     for i in range(10)]),
        "2.11 a hundred empty pings": peaceful(*[(ping(), p(b"")) for _ in range(100)]),
        "2.12 pong of 126": ([pong(b"x" * 126)], [fails(1002)]),
    }


def reserved():
    """Families 3 and 4: RSV bits and opcodes."""
    cases = {}
    for rsv in range(1, 8):
        cases[f"3.1 RSV {rsv} on text"] = ([text(b"x", rsv=rsv)], [fails(1002)])
        cases[f"3.2 RSV {rsv} after a good text"] = (
            [text(b"ok"), text(b"x", rsv=rsv), ping(b"x")], [t(b"ok"), fails(1002)])
        cases[f"3.3 RSV {rsv} on binary"] = ([binary(b"\xff", rsv=rsv)], [fails(1002)])
        cases[f"3.4 RSV {rsv} on ping"] = ([ping(b"x", rsv=rsv)], [fails(1002)])
        cases[f"3.5 RSV {rsv} on close"] = ([close(1000, rsv=rsv)], [fails(1002)])
        cases[f"3.6 RSV {rsv} on a continuation"] = (
            [text(b"x", fin=False), cont(b"y", rsv=rsv)], [fails(1002)])
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        cases[f"4.1 opcode {opcode} empty"] = ([frame(opcode)], [fails(1002)])
        cases[f"4.2 opcode {opcode} with payload"] = ([frame(opcode, b"reserved")], [fails(1002)])
        cases[f"4.3 opcode {opcode} between texts"] = (
            [text(b"one"), frame(opcode, b"x"), text(b"two")], [t(b"one"), fails(1002)])
        cases[f"4.4 opcode {opcode} inside a message"] = (
            [text(b"one", fin=False), frame(opcode), cont(b"two")], [fails(1002)])
    return cases


def fragments():
    """Family 5 (W-F-06, W-F-07; W-F-08: their borders mean nothing)."""
    two = [text(b"frag", fin=False), cont(b"ment")]
    many = [b"%03d " % i for i in range(200)]
    pieces = [(text if i == 0 else cont)(x, fin=False) for i, x in enumerate(many)]
    return {
        "5.1 ping in two": ([ping(b"one", fin=False), cont(b"two")], [fails(1002)]),
        "5.2 pong in two": ([pong(b"one", fin=False), cont(b"two")], [fails(1002)]),
        "5.2 close in two": ([close(1000, fin=False), cont(b"two")], [fails(1002)]),
        "5.3 text in two": peaceful((two, t(b"fragment"))),
        "5.4 binary in two": peaceful(([binary(b"\xff", fin=False), cont(b"\xfe")],
                                       b(b"\xff\xfe"))),
        "5.5 ping between": peaceful(([two[0], ping(b"in between")], p(b"in between")),
                                     (two[1], t(b"fragment"))),
        "5.6 pings and pongs between": peaceful(
            ([two[0], ping(b"1"), pong(b"x"), ping(b"2")], [p(b"1"), p(b"2")]),
            (two[1], t(b"fragment"))),
        "5.7 empty first": peaceful(([text(b"", fin=False), cont(b"x")], t(b"x"))),
        "5.8 empty last": peaceful(([text(b"x", fin=False), cont(b"")], t(b"x"))),
        "5.9 empty middle": peaceful(([text(b"x", fin=False), cont(fin=False), cont(b"y")],
                                      t(b"xy"))),
        "5.10 all empty": peaceful(([text(b"", fin=False), cont(fin=False), cont()], t(b""))),
        "5.11 200 fragments": peaceful(
            (pieces[:-1] + [cont(many[-1])], t(b"".join(many)))),
        "5.12 200 fragments with pings": peaceful(
            *[([piece, ping(x)], p(x)) for piece, x in zip(pieces, many)],
            (cont(), t(b"".join(many)))),
        "5.13 message after message": peaceful((two, t(b"fragment")), (text(b"x"), t(b"x")),
                                               (two, t(b"fragment"))),
        "5.14 continuation without start": ([cont(b"x")], [fails(1002)]),
        "5.15 unfinished continuation without start": ([cont(b"x", fin=False), text(b"y")],
                                                       [fails(1002)]),
        "5.16 continuation after a whole message": ([text(b"x"), cont(b"y")],
                                                    [t(b"x"), fails(1002)]),
        "5.17 continuation after a fragmented message": (two + [cont(b"y")],
                                                         [t(b"fragment"), fails(1002)]),
        "5.18 text inside a message": ([text(b"x", fin=False), text(b"y")], [fails(1002)]),
        "5.19 binary inside a message": ([text(b"x", fin=False), binary(b"y", fin=False)],
                                         [fails(1002)]),
        "5.20 close inside a message": ([text(b"x", fin=False), close(1000)], [("close", 1000)]),
    }


GOOD_UTF8 = [
    b"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!",
    "\u03ba\u1f79\u03c3\u03bc\u03b5".encode(),
    b"\x00", b"\x7f", b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xef\xbf\xbe",
    "\U0001f4de\U0001f468\u200d\U0001f469\u200d\U0001f466".encode(),
    b"\xf0\x9f\xbf\xbe", b"\xf1\x80\x80\x80", b"\xf3\xbf\xbf\xbf",
]
# sequence, number of octets that are still fine (fail-fast: the close must not wait for more)
BAD_UTF8 = [
    (b"\x80", 0), (b"\xbf", 0), (b"\x80\xbf", 0), (b"\xff", 0), (b"\xfe", 0), (b"\xc0\x80", 0),
    (b"\xc1\xbf", 0), (b"\xc0\xaf", 0), (b"\xe0\x80\x80", 1), (b"\xe0\x9f\xbf", 1),
    (b"\xf0\x80\x80\x80", 1), (b"\xf0\x8f\xbf\xbf", 1), (b"\xf4\x90\x80\x80", 1),
    (b"\xf5\x80\x80\x80", 0),
    (b"\xf7\xbf\xbf\xbf", 0), (b"\xf8\x88\x80\x80\x80", 0), (b"\xfc\x84\x80\x80\x80\x80", 0),
    (b"\xed\xa0\x80", 1), (b"\xed\xaf\xbf", 1), (b"\xed\xb0\x80", 1), (b"\xed\xbf\xbf", 1),
    (b"\xed\xa0\x80\xed\xb0\x80", 1), (b"\xc3(", 1), (b"\xe2\x28\xa1", 1), (b"\xe2\x82\x28", 2),
    (b"\xf0\x28\x8c\xbc", 1), (b"\xf0\x90\x28\xbc", 2), (b"\xf0\x90\x8c\x28", 3),
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", 12),
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited", 12),
]
CUT_UTF8 = [b"\xc2", b"\xe0", b"\xe0\xa0", b"\xf0", b"\xf0\x90", b"\xf0\x90\x80",
            b"ok \xf4\x8f\xbf"]


def utf8():
    """Family 6."""
    cases = {"6.1 empty text": peaceful((text(), t(b"")))}
    for good in GOOD_UTF8:
        cases[f"6.2 {good[:8].hex()} whole"] = peaceful((text(good), t(good)))
        pieces = [good[i:i + 1] for i in range(len(good))]
        frames = [frame(CONT if i else TEXT, x, fin=False) for i, x in enumerate(pieces)] + [cont()]
        cases[f"6.3 {good[:8].hex()} octet by octet"] = peaceful((frames, t(good)))
    for bad, fine in BAD_UTF8:
        cases[f"6.4 {bad.hex()}"] = ([text(bad)], [fails(1007)])
        cases[f"6.5 {bad.hex()} after a page of ASCII"] = ([text(b"a" * 4000 + bad)], [fails(1007)])
        cases[f"6.6 {bad.hex()} in a second message"] = ([text(b"ok"), text(bad)],
                                                         [t(b"ok"), fails(1007)])
        # the frame that makes it wrong is not the last: the verdict may not wait for the end
        frames = [text(bad[:fine], fin=False), cont(bad[fine:fine + 1], fin=False)]
        cases[f"6.7 {bad.hex()} fails fast"] = (frames, [fails(1007)])
        cases[f"6.8 {bad.hex()} is fine as binary"] = peaceful((binary(bad), b(bad)))
    for cut in CUT_UTF8:
        cases[f"6.9 {cut.hex()} ends early"] = ([text(cut)], [fails(1007)])
        cases[f"6.10 {cut.hex()} ends early in two frames"] = (
            [text(cut[:-1], fin=False), cont(cut[-1:])], [fails(1007)])
        cases[f"6.11 {cut.hex()}, ping, rest missing"] = (
            [text(cut, fin=False), ping(b"x"), cont(b"")], [p(b"x"), fails(1007)])
    return cases


def closes():
    """Family 7. A valid Close is answered with the same code, and nothing after it (W-F-13)."""
    cases = {
        "7.1 nothing after close": (
            [close(1000), text(b"late"), ping(b"late"), close(1001)], [("close", 1000)]),
        "7.1 text, close": ([text(b"x"), close(1000)], [t(b"x"), ("close", 1000)]),
        "7.1 many texts, close": (
            [text(b"%d" % i) for i in range(50)] + [close(1000)],
            [t(b"%d" % i) for i in range(50)] + [("close", 1000)]),
        "7.3 empty close": ([close()], [("close", None)]),
        "7.3 close of one octet": ([frame(CLOSE, b"\x03")], [fails(1002)]),
        "7.3 close of one zero octet": ([frame(CLOSE, b"\0")], [fails(1002)]),
        "7.3 close with a reason": ([close(1000, b"Hello World!")], [("close", 1000)]),
        "7.3 reason of 123": ([close(1000, b"*" * 123)], [("close", 1000)]),
        "7.3 reason of 124": ([close(1000, b"*" * 124)], [fails(1002)]),
        "7.3 reason of 123 in UTF-8": ([close(1000, "\u00e4".encode() * 61 + b"x")],
                                       [("close", 1000)]),
        "7.5 reason that is not UTF-8": ([close(1000, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80")],
                                         [fails(1007)]),
        "7.5 reason cut inside a character": ([close(1000, b"x\xf0\x9f\x93")], [fails(1007)]),
        "7.5 reason with an overlong slash": ([close(1001, b"\xc0\xaf")], [fails(1007)]),
    }
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                 3000, 3999, 4000, 4999):
        cases[f"7.7 code {code}"] = ([close(code)], [("close", code)])
        cases[f"7.8 code {code} with a reason"] = ([close(code, b"why")], [("close", code)])
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 32768,
                 65535):
        cases[f"7.9 code {code}"] = ([close(code)], [fails(1002)])
        cases[f"7.9 code {code} with a reason"] = ([close(code, b"why")], [fails(1002)])
    return cases


NAMES = {TEXT: "text", BINARY: "binary", PONG: "pong"}


class Framing(harness.E2E):
    routing = "echo"
    settings = {"ws_max_message": MAX, "ws_send_queue": 4 * MAX}

    def events(self, client, wanted):
        """Read exactly what is wanted; then the stream must end, with nothing in between."""
        for kind, value in wanted:
            got = client.next_frame()
            if kind == "close":
                self.assertIsNotNone(got, "stream ended without Close")
                self.assertEqual((got.opcode, got.close_code), (CLOSE, value), got.payload)
                got.payload[2:].decode()
                client.finish()
                client.expect_end(clean=False)
                return
            self.assertIsNotNone(got, f"stream ended ({client.eof}) before {kind}")
            self.assertEqual(NAMES.get(got.opcode, got.opcode), kind, got)
            self.assertTrue(got.fin, "echoes are sent whole")
            self.assertTrue(got.payload == value, f"{got!r} instead of {value[:60]!r}")

    def run_case(self, sent, wanted, how, chop):
        client = self.keep(Ws(self.daemon.port, protocol=None, upgrade=False))
        self.upgrade(client)
        if how == "burst":
            client.send(b"".join(sent), chop=chop)
        else:
            for octets in sent:
                if not client.send(octets, chop=chop):
                    break
        self.events(client, wanted)
        client.close()

    def upgrade(self, client):
        octets, key = request_head(client.port, protocol=None, origin=None)
        client.send(octets)
        client.expect_101(key, protocol=None)

    def family(self, cases):
        for name, (sent, wanted) in cases.items():
            size = sum(map(len, sent))
            with self.subTest(name, how="whole"):
                self.run_case(sent, wanted, "frames", None)
            with self.subTest(name, how="burst of 997"):
                self.run_case(sent, wanted, "burst", 997)
            if size <= 3000:
                with self.subTest(name, how="octet by octet"):
                    self.run_case(sent, wanted, "burst", 1)

    def test_1_lengths(self):
        self.family(lengths())

    def test_2_pings(self):
        self.family(pings())

    def test_3_4_reserved_bits_and_opcodes(self):
        self.family(reserved())

    def test_5_fragments(self):
        self.family(fragments())

    def test_6_utf8(self):
        self.family(utf8())

    def test_7_closes(self):
        self.family(closes())

    def test_every_split(self):
        """W-F-15: a short stream of everything, cut at every octet."""
        sent = (text("\u00e4\U0001f4de".encode(), fin=False) + ping(b"p") + cont(b"!")
                + binary(bytes(130)) + close(1000, b"bye"))
        wanted = [p(b"p"), t("\u00e4\U0001f4de!".encode()), b(bytes(130)), ("close", 1000)]
        for at in range(1, len(sent)):
            with self.subTest(at):
                self.run_case([sent[:at], sent[at:]], wanted, "frames", None)

    def test_fail_fast_inside_a_frame(self):
        """6.4 of old: bad UTF-8 is told before the frame is complete, let alone the message."""
        good = GOOD_UTF8[1]
        for bad in (b"\xed\xa0", b"\xff", b"\xf4\x90"):
            for chop in (None, 1):
                client = self.keep(Ws(self.daemon.port))
                octets = text(good + bad + b"edited and more")
                client.send(octets[:6 + len(good) + len(bad)], chop=chop)
                client.expect_close(1007)
                client.close()

    def test_protocol_errors_do_not_wait_for_the_payload(self):
        """A header that is wrong is told when it is there (W-C-05)."""
        for octets in (frame(TEXT, b"", rsv=4, length=100), frame(3, b"", length=100),
                       frame(PING, b"", length=126), frame(PING, b"", fin=False, length=10),
                       frame(CONT, b"", length=10), frame(TEXT, b"", form=16, length=20)):
            with self.subTest(octets.hex()):
                client = self.keep(Ws(self.daemon.port))
                client.send(octets)
                client.expect_close(1002)
                client.close()

    def test_close_is_clean(self):
        """W-C-03, W-C-04: the server ends the TCP stream first, and by FIN."""
        client = self.keep(Ws(self.daemon.port))
        client.send(close(1000, b"done"))
        got = client.next_frame()
        self.assertEqual((got.opcode, got.payload[:2]), (CLOSE, close_body(1000)))
        client.expect_end(clean=True)

    def test_counted_by_reason(self):
        for sent, deltas in ((frame(3), {"closed_protocol_error": 1, "closes_sent": 1}),
                             (text(b"\xff"), {"closed_protocol_error": 1, "closes_sent": 1}),
                             (frame(BINARY, b"", form=64, length=MAX + 1), {"closed_too_big": 1}),
                             (close(1000), {"closes_received": 1, "closes_sent": 0})):
            with self.daemon.counted(**deltas):
                client = self.keep(Ws(self.daemon.port))
                client.send(sent)
                while client.next_frame() is not None:
                    pass
                client.close()


if __name__ == "__main__":
    harness.main()
