# SPDX-License-Identifier: Apache-2.0
"""Volume, whichever side the daemon is on: the case families 9 (big messages, fragments and chops
of every size) and 10 (small fragments) that every implementation is measured by."""

import os

from ws import BINARY, CONT, PING, TEXT, Ws, frame

MAX = 16 << 20


class Volume:
    """As written, the daemon is the server; open() and frame() are what another role has of its
    own."""

    settings = {"ws_max_message": MAX, "ws_send_timeout": 20000}
    frame = staticmethod(frame)

    def open(self):
        return self.keep(Ws(self.daemon.port))

    def fragments(self, opcode, payload, size):
        """The message in frames of `size` octets."""
        pieces = [payload[i:i + size] for i in range(0, len(payload), size)]
        return b"".join(self.frame(CONT if i else opcode, x, fin=i == len(pieces) - 1)
                        for i, x in enumerate(pieces))

    def echo(self, opcode, payload, fragment=None, chop=None):
        client = self.open()
        if fragment:
            octets = self.fragments(opcode, payload, fragment)
        else:
            octets = self.frame(opcode, payload)
        self.assertTrue(client.send(octets, chop=chop, within=120))
        got = client.next_message(within=120)
        self.assertTrue(got == (opcode, payload), f"echo differs: {got[0]} {len(got[1])}")
        client.hang_up()

    def test_9_1_to_2_sizes(self):
        for opcode in (TEXT, BINARY):
            for size in (64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20):
                payload = b"*" * size if opcode == TEXT else os.urandom(size)
                with self.subTest(opcode=opcode, size=size):
                    self.echo(opcode, payload)

    def test_9_3_to_4_fragments(self):
        payload = os.urandom(1 << 20)
        for fragment in (64, 256, 1 << 10, 16 << 10, 64 << 10, 1 << 19, 1 << 20):
            with self.subTest(fragment=fragment):
                self.echo(BINARY, payload, fragment=fragment)
        self.echo(TEXT, "\u00e4\U0001f4de\u20ac".encode() * 100000, fragment=1000)

    def test_9_5_to_6_chops(self):
        payload = os.urandom(256 << 10)
        for chop in (64, 125, 126, 127, 128, 1000, 4096, 16384, 16385, 65536):
            with self.subTest(chop=chop):
                self.echo(BINARY, payload, chop=chop)
        self.echo(TEXT, "\u00e4\U0001f4de\u20ac ".encode() * 4000, chop=7)

    def test_9_7_to_8_many_small(self):
        """A thousand messages in a row, kept in order; empty ones too."""
        client = self.open()
        for size in (0, 16, 64, 256, 1024):
            payloads = [(b"%06d" % i + bytes(size))[:size] for i in range(1000)]
            client.send(b"".join(self.frame(BINARY, x) for x in payloads))
            for want in payloads:
                self.assertEqual(client.next_message(), (BINARY, want))
        client.hang_up()

    def test_limit_over_fragments(self):
        """The limit is for the whole message; 1009 comes with the octet that is too many."""
        client = self.open()
        half = bytes(MAX // 2)
        client.send(self.frame(BINARY, half, fin=False) + self.frame(CONT, half, fin=False)
                    + self.frame(CONT, b"x", fin=False))
        client.expect_close(1009)

    def test_10_fragments_of_64_kb(self):
        """64 KB in small pieces, down to one octet, and with a Ping behind each tenth of them."""
        text = "\u00e4\U0001f4de\u20ac and plain ".encode() * 3300
        for opcode, payload in ((TEXT, text[:65536].decode(errors="ignore").encode()),
                                (BINARY, os.urandom(65536))):
            for size in (1, 2, 13, 125, 126, 1300, 32767):
                with self.subTest(opcode=opcode, size=size):
                    self.echo(opcode, payload, fragment=size)
        client = self.open()
        for i in range(0, 65536, 1300):
            client.send(self.frame(CONT if i else BINARY, payload[i:i + 1300], fin=i > 64236))
            if i % 13000 == 0 and i < 65000:
                client.send(self.frame(PING, b"%d" % i))
                client.expect_pong(b"%d" % i)
        self.assertTrue(client.next_message() == (BINARY, payload))
        client.hang_up()
