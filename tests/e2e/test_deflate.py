# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate (RFC 7692) against the echo mode: what is agreed, every size, window and kind
of context, fragments. Duties Z-01 to Z-05; the case families 12 and 13 that every implementation
is measured by.
"""

import random
import unittest
import zlib

import harness
from deflate import (Bench, KEEP, KINDS, NONE, NO_CLIENT, NO_SERVER, ON, PATIENT, PMD, SEED,
                     compressible, deflated, message)
from ws import BINARY, PING, TEXT, Ws, frame, request_head

# settings, then (offer, answer or None for declined)
NEGOTIATION = [
    (KEEP, [
        (f"{PMD}", f"{PMD}"),
        (f"{PMD};", None),
        (f"{PMD}; {NO_SERVER}", f"{PMD}; {NO_SERVER}"),
        (f"{PMD}; {NO_CLIENT}", f"{PMD}; {NO_CLIENT}"),
        (f"{PMD}; {NO_CLIENT}; {NO_SERVER}", f"{PMD}; {NONE}"),
        (f"{PMD}; client_max_window_bits", f"{PMD}"),
        (f"{PMD}; client_max_window_bits=15", f"{PMD}"),
        (f"{PMD}; client_max_window_bits=10", f"{PMD}; client_max_window_bits=10"),
        (f"{PMD}; client_max_window_bits=8", f"{PMD}; client_max_window_bits=8"),
        (f"{PMD}; server_max_window_bits=15", f"{PMD}; server_max_window_bits=15"),
        (f"{PMD}; server_max_window_bits=9", f"{PMD}; server_max_window_bits=9"),
        (f'{PMD}; server_max_window_bits="10"', f"{PMD}; server_max_window_bits=10"),
        (f"{PMD}; server_max_window_bits=8", None),
        (f"{PMD}; server_max_window_bits", None),
        (f"{PMD}; server_max_window_bits=7", None),
        (f"{PMD}; server_max_window_bits=16", None),
        (f"{PMD}; server_max_window_bits=010", None),
        (f"{PMD}; server_max_window_bits=1x", None),
        (f"{PMD}; client_max_window_bits=16", None),
        (f"{PMD}; client_max_window_bits=0", None),
        (f"{PMD}; {NO_SERVER}=1", None),
        (f"{PMD}; {NO_CLIENT}=true", None),
        (f"{PMD}; {NO_SERVER}; {NO_SERVER}", None),
        (f"{PMD}; client_max_window_bits; client_max_window_bits=10", None),
        (f"{PMD}; unknown", None),
        (f"{PMD}; unknown=1; {NO_SERVER}", None),
        ("x-webkit-deflate-frame", None),
        ("permessage-deflatex", None),
        ("permessage-bzip2", None),
        (f"x-other; a=b, {PMD}; {NO_SERVER}", f"{PMD}; {NO_SERVER}"),
        (f"{PMD}; server_max_window_bits=8, {PMD}", f"{PMD}"),
        (f"{PMD}; unknown, {PMD}; {NO_CLIENT}, {PMD}", f"{PMD}; {NO_CLIENT}"),
        (f"x-other\r\nSec-WebSocket-Extensions: {PMD}", f"{PMD}"),
    ]),
    (ON | {"deflate_window_bits": 10}, [
        (f"{PMD}", f"{PMD}; {NONE}"),
        (f"{PMD}; client_max_window_bits", f"{PMD}; {NONE}; client_max_window_bits=10"),
        (f"{PMD}; client_max_window_bits=9", f"{PMD}; {NONE}; client_max_window_bits=9"),
        (f"{PMD}; server_max_window_bits=12", f"{PMD}; {NONE}; server_max_window_bits=10"),
        (f"{PMD}; server_max_window_bits=9", f"{PMD}; {NONE}; server_max_window_bits=9"),
    ]),
    (KEEP | {"deflate_window_bits": 10}, [
        (f"{PMD}", f"{PMD}; {NO_CLIENT}"),
        (f"{PMD}; client_max_window_bits", f"{PMD}; client_max_window_bits=10"),
    ]),
    (KEEP | {"deflate_connection_memory": 16384}, [  # contexts that do not fit are not agreed
        (f"{PMD}", None),
        (f"{PMD}; {NONE}", f"{PMD}; {NONE}"),
    ]),
    (PATIENT, [(f"{PMD}", None), (f"{PMD}; {NONE}", None)]),
]


class Negotiation(unittest.TestCase):
    def test_table(self):
        """Z-01 to Z-03 over real sockets, and that what was agreed works."""
        for settings, table in NEGOTIATION:
            daemon = harness.Daemon("echo", settings).start()
            self.addCleanup(daemon.kill)
            for offer, answer in table:
                with self.subTest(offer, **settings):
                    self.one(daemon, offer, answer)
            daemon.stop()

    def one(self, daemon, offer, answer):
        octets = f"Sec-WebSocket-Extensions: {offer}".encode()
        client = Ws(daemon.port, upgrade=False)
        head, _ = request_head(daemon.port, extra=[octets])
        client.send(head)
        got = client.answer()
        client.close()
        if answer is None and got.status == 400:
            self.assertTrue(offer.endswith(";"), "only a malformed field may be refused")
            return
        self.assertEqual(got.status, 101)
        self.assertEqual(got.one("sec-websocket-extensions"), answer)
        client = Ws(daemon.port, extensions=offer)
        text = b"agreed or not, this comes back " * 100
        for _ in range(3):
            if client.deflate:
                client.send(Bench.packed(client, TEXT, text))
            else:
                client.send_text(text)
            self.assertEqual(client.next_message(step=64), (TEXT, text))
            self.assertEqual(client.was_compressed, answer is not None)
        client.hang_up()


class Kept(Bench, harness.E2E):
    """Both sides may keep their context; the offer decides whether they do."""

    routing = "echo"
    settings = KEEP | {"deflate_min": 0, "ws_max_message": 1 << 20}

    def test_sizes_in_every_agreement(self):
        """Families 12 and 13: every size and kind, both, one and no context."""
        rng = random.Random(f"{SEED} sizes")
        for params in ("", f"; {NO_SERVER}", f"; {NO_CLIENT}", f"; {NONE}"):
            client = self.client(PMD + params)
            for size in (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072):
                for kind in KINDS:
                    with self.subTest(params, size=size, kind=kind):
                        count = max(2, min(20, 65536 // size))
                        self.exchange(client, [message(rng, size, kind) for _ in range(count)])
            client.hang_up()

    def test_a_thousand_in_a_row(self):
        rng = random.Random(f"{SEED} thousand")
        for params in ("", f"; {NONE}"):
            for kind, size in (("text", 16), ("random", 64), ("text", 1024), ("binary", 8192)):
                client = self.client(PMD + params)
                some = [message(rng, size, kind) for _ in range(50)]
                count = 1000 if size < 8192 else 100
                self.exchange(client, (rng.choice(some) for _ in range(count)))
                client.hang_up()

    def test_windows(self):
        """What comes back refers to nothing outside the agreed window (the small steps of inflate
        make that an error); what we send with a small window is understood."""
        rng = random.Random(f"{SEED} windows")
        for bits in range(9, 16):
            for params in ("", f"; {NONE}"):
                offer = f"{PMD}{params}; server_max_window_bits={bits}; client_max_window_bits="
                client = self.client(f"{offer}{bits}")
                self.assertEqual((client.deflate.recv_bits, client.deflate.send_bits), (bits, bits))
                self.exchange(client, [message(rng, n, kind) for n in (100, 3000, 20000, 70000)
                                       for kind in ("text", "binary", "zeros", "text")],
                              step=128)
                self.assertTrue(client.was_compressed)
                client.hang_up()

    def test_one_megabyte(self):
        rng = random.Random(f"{SEED} megabyte")
        for params in ("", f"; {NONE}"):
            client = self.client(PMD + params)
            # random octets get longer on the wire; the limit is one on what they say
            self.exchange(client, [message(rng, 1 << 20, kind)
                                   for kind in KINDS])
            over = client.deflate.deflate(bytes((1 << 20) + 1))
            client.send(frame(BINARY, over, rsv=4))
            client.expect_close(1009)
            client.close()

    def test_context_pays(self):
        """The second copy is sent as a reference with context, and whole without."""
        payload = random.Random(f"{SEED} pays").randbytes(2000)
        for params, small in (("", True), (f"; {NO_SERVER}", False)):
            client = self.client(PMD + params)
            lengths = []
            for _ in range(2):
                client.send(self.packed(client, BINARY, payload))
                got = client.next_frame()
                lengths.append(len(got.payload))
                if got.rsv:
                    self.assertEqual(client.deflate.inflate(got.payload), payload)
            self.assertEqual(lengths[1] < 100, small, lengths)
            client.hang_up()

    def test_fragments_cut_everywhere(self):
        """Z-04: RSV1 on the first frame only; any border of fragments, control frames between."""
        rng = random.Random(f"{SEED} cuts")
        for params in ("", f"; {NONE}"):
            client = self.client(PMD + params)
            payload = compressible(rng, 300)
            for cut in range(len(deflated(payload)) + 1):
                opcode = TEXT if cut % 2 else BINARY
                client.send(self.packed(client, opcode, payload, [cut]))
                self.same(client, opcode, payload)
            for n in (2, 3, 10, 100):
                text = compressible(rng, 5000)
                cuts = [rng.randrange(300) for _ in range(n)]  # some are empty
                client.send(self.packed(client, TEXT, text, cuts))
                self.same(client, TEXT, text)
            client.hang_up()

    def test_control_frames_between(self):
        rng = random.Random(f"{SEED} control")
        client = self.client()
        for i in range(20):
            text = compressible(rng, 3000)
            cuts = sorted(rng.randrange(100) for _ in range(3))
            client.send(self.packed(client, TEXT, text, cuts, frame(PING, b"%d" % i)))
            for _ in range(3):
                client.expect_pong(b"%d" % i)
            self.same(client, TEXT, text)
        client.hang_up()

    def test_octet_by_octet(self):
        client = self.client()
        rng = random.Random(f"{SEED} octets")
        for n in (1, 20, 700):
            text = compressible(rng, n)
            client.send(self.packed(client, TEXT, text, [3], frame(PING, b"x")), chop=1)
            client.expect_pong(b"x")
            self.same(client, TEXT, text)
        client.hang_up()

    def test_odd_but_legal_streams(self):
        """RFC 7692 7.2.3: stored blocks, several blocks, BFINAL, empty messages in all forms."""
        final = zlib.compressobj(9, zlib.DEFLATED, -15)
        finished = final.compress(b"Hello") + final.flush(zlib.Z_FINISH) + b"\0"
        many = zlib.compressobj(9, zlib.DEFLATED, -15)
        blocks = b"".join(many.compress(b"Hello") + many.flush(zlib.Z_SYNC_FLUSH)
                          for _ in range(3))[:-4]
        for data, want in ((bytes.fromhex("f248cdc9c90700"), b"Hello"),
                           (bytes.fromhex("000500faff48656c6c6f00"), b"Hello"),
                           (finished, b"Hello"), (blocks, b"Hello" * 3),
                           (bytes.fromhex("f24805000000ffffcac9c90700"), b"Hello"),
                           (b"\0", b""), (b"\x02\0", b""), (b"", None)):
            with self.subTest(data.hex()):
                client = self.client(f"{PMD}; {NONE}")
                client.send(frame(TEXT, data, rsv=4))
                if want is not None:
                    self.same(client, TEXT, want)
                    client.hang_up()
                else:  # no block at all behind the tail: empty, or corrupt; never a hang
                    self.assertIsNotNone(client.next_frame())
                client.close()

    def test_uncompressed_messages_too(self):
        """RFC 7692 6: a sender may send any message as it is; the context is not moved by it."""
        client = self.client()
        for i in range(10):
            text = b"some text that comes again and again %d " % i * 10
            client.send_text(text)
            self.same(client, TEXT, text)
            client.send(self.packed(client, TEXT, text))
            self.same(client, TEXT, text)
        client.hang_up()


if __name__ == "__main__":
    harness.main()
