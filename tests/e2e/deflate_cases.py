# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate, whichever side the daemon is on: every size, window and kind of context,
fragments, what must be refused and what is better left uncompressed. Duties Z-02 to Z-06; the case
families 12 and 13 that every implementation is measured by.

Classes for a role have client(), ws() and frame() beside these (see deflate.Bench).
"""

import random
import zlib

from deflate import (Bench, KEEP, KINDS, NONE, NO_CLIENT, NO_SERVER, ON, PMD, SEED, bomb,
                     compressible, deflated, message)
from ws import BINARY, CONT, PING, TEXT, close_body


class Kept(Bench):
    """Both sides may keep their context; the agreement decides whether they do."""

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
            client.send(self.frame(BINARY, over, rsv=4))
            client.expect_close(1009)
            client.close()

    def test_context_pays(self):
        """The second copy is sent as a reference with context, and whole without."""
        payload = random.Random(f"{SEED} pays").randbytes(2000)
        for params, small in (("", True), (f"; {self.no_context}", False)):
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
            client.send(self.packed(client, TEXT, text, cuts, self.frame(PING, b"%d" % i)))
            for _ in range(3):
                client.expect_pong(b"%d" % i)
            self.same(client, TEXT, text)
        client.hang_up()

    def test_octet_by_octet(self):
        client = self.client()
        rng = random.Random(f"{SEED} octets")
        for n in (1, 20, 700):
            text = compressible(rng, n)
            client.send(self.packed(client, TEXT, text, [3], self.frame(PING, b"x")), chop=1)
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
                client.send(self.frame(TEXT, data, rsv=4))
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


class Plain(Bench):
    """No context; what must be refused, limits, and when nothing is compressed."""

    settings = ON

    def test_rsv1(self):
        data = zlib.compress(b"Hello", wbits=-15)
        good = self.frame(TEXT, data[:3], fin=False, rsv=4)
        self.fails(self.frame(TEXT, data, rsv=4), 1002, offer=None)
        self.fails(good + self.frame(CONT, data[3:], rsv=4), 1002)
        self.fails(self.frame(TEXT, b"x", fin=False) + self.frame(CONT, data, rsv=4), 1002)
        for opcode, body in ((PING, b""), (0xA, b"x"), (0x8, close_body(1000))):
            self.fails(self.frame(opcode, body, rsv=4), 1002)
            self.fails(good + self.frame(opcode, body, rsv=4), 1002)
        for rsv in (1, 2, 3, 5, 6, 7):
            self.fails(self.frame(TEXT, data, rsv=rsv), 1002)
        for opcode in (3, 7, 11, 15):
            self.fails(self.frame(opcode, data, rsv=4), 1002)
        self.fails(self.frame(CONT, data, rsv=4), 1002)

    def test_corrupt(self):
        """Z-05, W-C-05: reserved block type, bad codes, bad stored length, reference to nothing."""
        rng = random.Random(f"{SEED} corrupt")
        for data in (b"\x06", b"\x07\xff", b"\xff" * 20, b"\x00\x05\x00\x00\x00Hello",
                     bytes.fromhex("4a04220000"), b"\x05" + b"\xff" * 30,
                     zlib.compress(b"with the wrong wrapping")):
            with self.subTest(data.hex()):
                for opcode in (TEXT, BINARY):
                    self.fails(self.frame(opcode, data, rsv=4), 1007)
        self.fails(self.frame(BINARY, deflated(rng.randbytes(200))[:-40], rsv=4), 1007)
        with self.daemon.counted(closed_protocol_error=1, closes_sent=1):
            self.fails(self.frame(TEXT, b"\x06", rsv=4), 1007)

    def test_garbage(self):
        """Whatever comes: an echo or 1002/1007/1009, never an end of the daemon."""
        rng = random.Random(f"{SEED} garbage")
        ends = {}
        for _ in range(150):
            client = self.client()
            data = bytearray(client.deflate.deflate(compressible(rng, 500)))
            for _ in range(rng.randrange(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            client.send(self.frame(BINARY, bytes(data), rsv=4))
            got = client.next_frame()
            ends[got.close_code if got.opcode == 8 else 0] = 1
            client.close()
        self.assertLessEqual(set(ends), {0, 1007, 1009})
        self.assertIn(1007, ends)

    def test_invalid_utf8(self):
        """Z-06: UTF-8 is checked after inflation, in text only."""
        for bad in (b"\xff", b"a" * 3000 + b"\xed\xa0\x80", b"ok \xf4\x8f\xbf", b"\xc0\xaf" * 300):
            self.fails(lambda c, bad=bad: self.packed(c, TEXT, bad), 1007)
            self.fails(lambda c, bad=bad: self.packed(c, TEXT, bad, [2, 4]), 1007)
            client = self.client()
            client.send(self.packed(client, BINARY, bad))
            self.same(client, BINARY, bad)
            client.hang_up()
        client = self.client()  # octets that are no UTF-8 themselves, of a text that is
        text = "\u00e4\U0001f4de".encode() * 500
        client.send(self.packed(client, TEXT, text, range(1, 9)))
        self.same(client, TEXT, text)
        client.hang_up()

    def test_short_messages_are_left_alone(self):
        client = self.client()
        for n in (0, 1, 100, 255, 256, 257, 5000):
            text = b"a" * n
            client.send(self.packed(client, TEXT, text))
            self.same(client, TEXT, text)
            self.assertEqual(client.was_compressed, n >= 256, n)
        client.hang_up()

    def test_what_does_not_shrink_is_left_alone(self):
        client = self.client()
        rng = random.Random(f"{SEED} shrink")
        for n in (256, 1000, 5000, 60000):
            for kind, shrinks in (("random", False), ("text", True)):
                opcode, payload = message(rng, n, kind)
                client.send(self.packed(client, opcode, payload))
                self.same(client, opcode, payload)
                self.assertEqual(client.was_compressed, shrinks, (n, kind))
        client.hang_up()

    def test_bomb(self):
        """Z-06: 60 KB that is 60 MB; it costs its sender the connection, and nobody else."""
        with self.daemon.counted(closed_too_big=1):
            self.fails(self.frame(BINARY, bomb(60 << 20), rsv=4), 1009)
        client = self.client()
        client.send(self.packed(client, TEXT, b"another " * 100))
        self.same(client, TEXT, b"another " * 100)
        client.hang_up()

    def test_limit_is_on_what_comes_out(self):
        client = self.client()
        client.send(self.packed(client, BINARY, bytes(65536)))
        self.same(client, BINARY, bytes(65536))
        client.hang_up()
        with self.daemon.counted(closed_too_big=2):
            self.fails(lambda c: self.packed(c, BINARY, bytes(65537)), 1009)
            self.fails(lambda c: self.packed(c, BINARY, bytes(65537), range(1, 20)), 1009)
