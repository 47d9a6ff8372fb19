# SPDX-License-Identifier: Apache-2.0
"""What the tests of permessage-deflate share: settings, messages, compressed frames."""

import os
import zlib

from ws import BINARY, CONT, TEXT, frame

SEED = os.environ.get("SIPRING_TEST_SEED", "1")
PATIENT = {"ws_send_timeout": 20000, "ws_send_queue": 16 << 20, "ws_handshake_timeout": 20000}
ON = PATIENT | {"permessage_deflate": "yes"}
KEEP = ON | {"deflate_context_takeover": "yes"}
PMD = "permessage-deflate"
NO_SERVER, NO_CLIENT = "server_no_context_takeover", "client_no_context_takeover"
NONE = f"{NO_SERVER}; {NO_CLIENT}"
WORDS = [w.encode() for w in ("INVITE sip SIP/2.0 Via: Contact: branch=z9hG4bK transport=ws Route:"
                              " <sip:edge@example.org;lr> Max-Forwards: 70 \u00e4\u20ac\U0001f4de "
                              "m=audio a=rtpmap:96 telephone-event a=candidate").split()]


def compressible(rng, n):
    """Text with repeats near and far; whole characters only."""
    out = bytearray()
    while len(out) < n:
        if len(out) > 600 and rng.random() < 0.1:
            at = rng.randrange(len(out) - 500)
            out += out[at:at + 400].decode(errors="ignore").encode()
        else:
            out += rng.choice(WORDS) + b" %d\r\n" % rng.randrange(1000)
    whole = bytes(out[:n]).decode(errors="ignore").encode()
    return whole + b"." * (n - len(whole))


def message(rng, n, kind):
    if kind == "text":
        return TEXT, compressible(rng, n)
    if kind == "zeros":
        return BINARY, bytes(n)
    return BINARY, rng.randbytes(n) if kind == "random" else compressible(rng, n)


KINDS = ("text", "binary", "random", "zeros")


def deflated(*pieces):
    """The payload of one compressed message, without anybody's context."""
    out = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(map(out.compress, pieces)) + out.flush(zlib.Z_SYNC_FLUSH)[:-4]


def bomb(size):
    """A message that is a thousandth of the `size` (in whole MB) it inflates to."""
    out = zlib.compressobj(9, zlib.DEFLATED, -15)
    unit = out.compress(bytes(1 << 20)) + out.flush(zlib.Z_FULL_FLUSH)  # refers to itself only
    return (unit * (size >> 20))[:-4]


class Bench:
    """What the test classes share: compressed messages out and in. As written, the daemon is the
    server; client(), ws() and frame() are what another role has of its own."""

    frame = staticmethod(frame)
    no_context = NO_SERVER  # of the daemon's

    def client(self, offer=PMD, **kw):
        client = self.ws(extensions=offer, **kw)
        self.assertIsNotNone(client.deflate, f"{offer} was declined")
        return client

    @staticmethod
    def packed(client, opcode, payload, cuts=(), between=b""):
        """The frames of one compressed message, cut at `cuts` of its compressed payload."""
        data = client.deflate.deflate(payload)
        borders = [0, *sorted(cuts), len(data)]
        last = len(borders) - 2
        return between.join(
            frame(CONT if i else opcode, data[a:b], fin=i == last, rsv=0 if i else 4,
                  key=client.key)
            for i, (a, b) in enumerate(zip(borders, borders[1:])))

    def same(self, client, opcode, payload, step=0):
        got = client.next_message(step=step)
        self.assertEqual(got[0], opcode)
        self.assertTrue(got[1] == payload, f"{len(payload)} octets came back as {len(got[1])}")

    def exchange(self, client, messages, step=0, room=128 << 10):
        """All messages there and back, no more than `room` octets on their way at a time."""
        waiting, size = [], 0
        for opcode, payload in messages:
            client.send(self.packed(client, opcode, payload))
            waiting.append((opcode, payload))
            size += len(payload)
            while size >= room:
                size -= len(waiting[0][1])
                self.same(client, *waiting.pop(0), step=step)
        for opcode, payload in waiting:
            self.same(client, opcode, payload, step=step)

    def fails(self, octets, code, offer=PMD, **kw):
        client = self.ws(extensions=offer, **kw) if offer else self.ws(**kw)
        client.send(octets(client) if callable(octets) else octets)
        client.expect_close(code)
        client.close()
