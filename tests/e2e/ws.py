# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client that can do everything wrong (the server is in ws_server.py).

The caller decides each bit of each frame and where the byte stream is cut. What comes back is
checked strictly: a minimally encoded, well-formed frame, masked as its sender's role wants it, or
an error.
Every wait has a deadline; none of them is a sleep.
"""

import base64
import hashlib
import os
import select
import socket
import struct
import time
import zlib

import tls

SCALE = float(os.environ.get("SIPRING_TEST_SCALE", "1"))
DEADLINE = 20.0 * SCALE  # far more than anything takes; only a failure waits that long

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class WsError(Exception):
    """The server did something that RFC 6455 forbids, or not in time what it must."""


class Frame:
    def __init__(self, fin, rsv, opcode, payload):
        self.fin, self.rsv, self.opcode, self.payload = fin, rsv, opcode, payload

    def __repr__(self):
        head = self.payload[:60]
        return f"<frame op={self.opcode:#x} fin={self.fin} len={len(self.payload)} {head!r}>"

    @property
    def close_code(self):
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None


def mask_bytes(payload, key):
    """XOR with the key, whole integers at a time (16 MB must not take a minute)."""
    if not payload or key == b"\0\0\0\0":
        return payload
    n = len(payload)
    pad = (key * (n // 4 + 1))[:n]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(n, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, key=None, form=None, length=None):
    """The octets of one client frame.

    key: masking key, None for a random one, False for an unmasked frame. form: 7, 16 or 64 forces
    the length encoding. length: the length that the header claims, if it is to lie.
    """
    if key is None:
        key = os.urandom(4)
    n = len(payload) if length is None else length
    if form is None:
        form = 7 if n < 126 else 16 if n < 65536 else 64
    bit = 0 if key is False else 0x80
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 7:
        head += bytes([bit | n])
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack("!H", n)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", n)
    if key is False:
        return head + payload
    return head + key + mask_bytes(payload, key)


def close_body(code, reason=b""):
    return struct.pack("!H", code) + reason


def accept_value(key):
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def request_head(port, target=b"/", key=None, protocol=b"sip", origin=b"http://127.0.0.1",
                 extra=()):
    """A flawless opening handshake; returns (octets, key)."""
    key = key or base64.b64encode(os.urandom(16))
    lines = [
        b"GET " + target + b" HTTP/1.1",
        b"Host: 127.0.0.1:%d" % port,
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: " + key,
        b"Sec-WebSocket-Version: 13",
    ]
    if protocol is not None:
        lines.append(b"Sec-WebSocket-Protocol: " + protocol)
    if origin is not None:
        lines.append(b"Origin: " + origin)
    lines += extra
    return b"\r\n".join(lines) + b"\r\n\r\n", key


class HttpAnswer:
    """A parsed HTTP response head; header names in lower case, values in order."""

    def __init__(self, head):
        lines = head.split(b"\r\n")
        parts = lines[0].split(b" ", 2)
        if len(parts) < 2 or parts[0] != b"HTTP/1.1" or not parts[1].isdigit():
            raise WsError(f"not an HTTP status line: {lines[0]!r}")
        self.status = int(parts[1])
        self.fields = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or name != name.strip():
                raise WsError(f"malformed header line: {line!r}")
            self.fields.setdefault(name.decode().lower(), []).append(value.strip().decode())
        self.body = b""

    def one(self, name):
        values = self.fields.get(name, [])
        if len(values) > 1:
            raise WsError(f"{name} more than once")
        return values[0] if values else None


class Stream:
    """A TCP connection with a receive buffer and a deadline on everything."""

    def __init__(self, port, host="127.0.0.1", rcvbuf=None, sock=None, secure=tls.EVERYWHERE):
        self.sock = sock or self._connected(host, port, rcvbuf)
        if secure and not sock:
            self.sock = tls.connected(self.sock)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.port = port
        self.buf = bytearray()
        self.eof = None  # None: open; "fin" or "reset"
        self.sent_bytes = 0
        if isinstance(self.sock, tls.TlsSocket):
            self._take()  # what came with the end of the handshake: select() does not see it

    @staticmethod
    def _connected(host, port, rcvbuf):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        sock.settimeout(DEADLINE)
        sock.connect((host, port))
        return sock

    # receiving

    def _take(self):
        """One recv; true when something changed."""
        try:
            data = self.sock.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return False
        except (ConnectionResetError, BrokenPipeError):
            self.eof = self.eof or "reset"
            return True
        if data:
            self.buf += data
        else:
            self.eof = self.eof or "fin"
        return True

    def _wait(self, deadline, writing=False):
        left = deadline - time.monotonic()
        if left <= 0:
            raise WsError(f"deadline passed; pending {len(self.buf)}: {bytes(self.buf[:80])!r}")
        reading = [] if self.eof else [self.sock]
        return select.select(reading, [self.sock] if writing else [], [], left)

    def fill(self, n, within=None):
        """Wait until n octets are there. False: the stream ended before."""
        deadline = time.monotonic() + (within or DEADLINE)
        while len(self.buf) < n:
            if self.eof:
                return False
            if self._wait(deadline)[0]:
                self._take()
        return True

    def fill_until(self, mark, within=None):
        deadline = time.monotonic() + (within or DEADLINE)
        seen = 0
        while True:
            at = self.buf.find(mark, seen)
            if at >= 0:
                return at + len(mark)
            seen = max(0, len(self.buf) - len(mark))
            if self.eof:
                return -1
            if self._wait(deadline)[0]:
                self._take()

    def take(self, n):
        data = bytes(self.buf[:n])
        del self.buf[:n]
        return data

    # sending

    def send(self, data, chop=None, reading=True, within=None):
        """Send all, in pieces of `chop` octets; False: the server ended the stream before.

        With `reading`, what the server says meanwhile is taken in.
        """
        deadline = time.monotonic() + (within or DEADLINE)
        view = memoryview(data)
        at = 0
        while at < len(view) or self._unflushed():
            piece = view[at:at + chop] if chop else view[at:]
            try:
                n = self.sock.send(piece) if piece else 0
            except (BlockingIOError, InterruptedError):
                n = 0
            except (BrokenPipeError, ConnectionResetError):
                self._drain_dead()
                return False
            at += n
            self.sent_bytes += n
            if n == 0:
                ready = self._wait(deadline, writing=True)
                if reading and ready[0]:
                    self._take()
            if self.eof == "reset":
                return False
        return self.eof != "reset"

    def _unflushed(self):
        """Has TLS still records that the socket did not take?"""
        try:
            return tls.unflushed(self.sock)
        except (BrokenPipeError, ConnectionResetError):
            self._drain_dead()
            return False

    def _drain_dead(self):
        while not self.eof and self._take():
            pass
        self.eof = self.eof or "reset"

    # ending

    def finish(self):
        """FIN from our side; reading goes on."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def reset(self):
        """End with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()

    @property
    def closed(self):
        return self.sock.fileno() < 0

    def local_port(self):
        return self.sock.getsockname()[1]

    def expect_end(self, within=None, clean=True):
        """The server ends the stream and sends nothing more. clean: by FIN, not by RST."""
        deadline = time.monotonic() + (within or DEADLINE)
        while not self.eof:
            if self._wait(deadline)[0]:
                self._take()
        if self.buf:
            raise WsError(f"octets before the end of stream: {bytes(self.buf[:200])!r}")
        if clean and self.eof != "fin":
            raise WsError("the server reset the connection")


TAIL = b"\0\0\xff\xff"


class Deflate:
    """permessage-deflate as agreed by the value of an answer, from the side `role` sees it."""

    def __init__(self, agreed, role="client"):
        name, *params = [x.strip() for x in agreed.split(";")]
        if name != "permessage-deflate":
            raise WsError(f"extension {agreed!r}")
        self.params = {}
        for param in params:
            key, _, value = param.partition("=")
            if key in self.params:
                raise WsError(f"{key} twice in {agreed!r}")
            self.params[key] = value
        peer = "server" if role == "client" else "client"
        self.send_keep = f"{role}_no_context_takeover" not in self.params
        self.recv_keep = f"{peer}_no_context_takeover" not in self.params
        self.send_bits = max(9, int(self.params.get(f"{role}_max_window_bits", 15)))
        self.recv_bits = int(self.params.get(f"{peer}_max_window_bits", 15))
        self.out = self.into = None

    def deflate(self, payload, level=6):
        """The payload of a compressed message."""
        if not payload:
            return b"\0"
        if self.out is None or not self.send_keep:
            self.out = zlib.compressobj(level, zlib.DEFLATED, -self.send_bits)
        octets = self.out.compress(payload) + self.out.flush(zlib.Z_SYNC_FLUSH)
        return octets[:-4]

    def inflate(self, payload, step=0):
        """The other way. With `step`, so many octets at a time: nothing but the agreed window can
        be referred to then (zlib sees all it wrote in one call, whatever the window)."""
        if payload.endswith(TAIL):
            raise WsError("the tail 00 00 FF FF is still there (Z-05)")
        if self.into is None or not self.recv_keep:
            self.into = zlib.decompressobj(-self.recv_bits)
        parts, rest = [], payload + TAIL
        try:
            while rest:
                parts.append(self.into.decompress(rest, step))
                rest = self.into.unconsumed_tail
        except zlib.error as fault:
            raise WsError(f"not deflate data within the agreement: {fault}") from None
        if step:
            parts.append(self.into.flush())
        return b"".join(parts)


class Ws(Stream):
    """A WebSocket connection; handshake done unless `upgrade` is false.

    extensions: what to offer; `deflate` is then the agreement, None if it was declined.
    """

    peer_masks = False
    key = None  # of what we send: random
    ends_tcp = False  # it is the server who does (W-C-03, W-L-12)

    def __init__(self, port, upgrade=True, host="127.0.0.1", rcvbuf=None, chop=None,
                 extensions=None, **head):
        super().__init__(port, host=host, rcvbuf=rcvbuf)
        self.protocol = None
        self.deflate = None
        self.was_compressed = False
        if upgrade:
            if extensions is not None:
                offer = b"Sec-WebSocket-Extensions: " + extensions.encode()
                head["extra"] = [*head.get("extra", ()), offer]
            octets, key = request_head(port, **head)
            self.send(octets, chop=chop)
            self.expect_101(key, offered=extensions is not None)

    def answer(self, within=None):
        """The HTTP answer with its body."""
        end = self.fill_until(b"\r\n\r\n", within)
        if end < 0:
            raise WsError(f"stream ended ({self.eof}) without an HTTP answer: {bytes(self.buf)!r}")
        found = HttpAnswer(self.take(end)[:-4])
        length = int(found.one("content-length") or 0)
        if length and not self.fill(length, within):
            raise WsError("HTTP body cut short")
        found.body = self.take(length)
        return found

    def expect_101(self, key, protocol="sip", within=None, offered=False):
        got = self.answer(within)
        if got.status != 101:
            raise WsError(f"handshake refused: {got.status} {got.fields} {got.body!r}")
        want = {"upgrade": "websocket", "connection": "upgrade"}
        for name, value in want.items():
            if (got.one(name) or "").lower() != value:
                raise WsError(f"101 with {name}: {got.one(name)!r}")
        if got.one("sec-websocket-accept") != accept_value(key).decode():
            raise WsError(f"wrong Sec-WebSocket-Accept {got.one('sec-websocket-accept')!r}")
        if got.one("sec-websocket-protocol") != protocol:
            raise WsError(f"subprotocol {got.one('sec-websocket-protocol')!r}, not {protocol!r}")
        agreed = got.one("sec-websocket-extensions")
        usual = {*want, "sec-websocket-accept", "sec-websocket-protocol",
                 "sec-websocket-extensions"}
        if (agreed and not offered) or not usual.issuperset(got.fields):
            raise WsError(f"101 with what nobody asked for: {got.fields}")
        if agreed:
            self.deflate = Deflate(agreed)
        self.protocol = protocol
        return got

    def send_frame(self, opcode, payload=b"", chop=None, **bits):
        bits.setdefault("key", self.key)
        return self.send(frame(opcode, payload, **bits), chop=chop)

    def send_text(self, payload, chop=None):
        if isinstance(payload, str):
            payload = payload.encode()
        return self.send_frame(TEXT, payload, chop=chop)

    def rsv_may_be(self, rsv, opcode):
        return rsv == 0 or (rsv == 4 and self.deflate and opcode in (TEXT, BINARY))

    def _unmasked(self, key, payload):  # a server's frames have no key
        return payload

    def next_frame(self, within=None):
        """The next frame, held against every rule for the peer's frames; None: end of stream."""
        if not self.fill(2, within):
            if self.buf:
                raise WsError(f"stream ended inside a frame: {bytes(self.buf)!r}")
            return None
        b0, b1 = self.buf[0], self.buf[1]
        fin, rsv, opcode = b0 >> 7, b0 >> 4 & 7, b0 & 15
        if bool(b1 & 0x80) != self.peer_masks:
            raise WsError("frame masked by the server, or not by the client (W-F-02, W-L-10)")
        known = opcode in (CONT, TEXT, BINARY, CLOSE, PING, PONG)
        if not known or not self.rsv_may_be(rsv, opcode):
            raise WsError(f"frame header {b0:#04x} {b1:#04x}")
        head, n = 2, b1 & 0x7F
        if n >= 126:
            head = 4 if n == 126 else 10
            if not self.fill(head, within):
                raise WsError("stream ended inside a frame header")
            n = int.from_bytes(self.buf[2:head], "big")
            if n < 126 or (head == 10 and n < 65536):
                raise WsError(f"length {n} not in its shortest form (W-F-05)")
        if opcode & 8 and (not fin or n > 125):
            raise WsError("malformed control frame (W-F-09)")
        mask = head
        head += 4 if self.peer_masks else 0
        if not self.fill(head + n, within):
            raise WsError(f"stream ended inside a frame: {len(self.buf)} of {head + n} octets")
        key = self.take(head)[mask:]
        return Frame(bool(fin), rsv, opcode, self._unmasked(key, self.take(n)))

    def next_message(self, within=None, step=0):
        """The next data message as (opcode, payload). Pings are answered, Pongs skipped; what is
        compressed is inflated (`step` as there), and was_compressed says so."""
        opcode, parts = None, []
        while True:
            got = self.next_frame(within)
            if got is None:
                raise WsError(f"stream ended ({self.eof}) where a message was due")
            if got.opcode == PING:
                self.send_frame(PONG, got.payload)
            elif got.opcode == CLOSE:
                raise WsError(f"Close {got.close_code} {got.payload[2:]!r} where a message was due")
            elif got.opcode != PONG:
                if (got.opcode == CONT) != (opcode is not None):
                    raise WsError(f"{got!r} out of order")
                if opcode is None:
                    opcode, self.was_compressed = got.opcode, got.rsv == 4
                parts.append(got.payload)
                if got.fin:
                    whole = b"".join(parts)
                    if self.was_compressed:
                        whole = self.deflate.inflate(whole, step)
                    return opcode, whole

    def expect_pong(self, payload, within=None):
        got = self.next_frame(within)
        if got is None or got.opcode != PONG or got.payload != payload:
            raise WsError(f"no Pong with {payload[:20]!r}: {got!r}")

    def expect_close(self, code, within=None, answer=True, end=True):
        """The next frame is Close with `code` (None: empty body); returns its reason.

        answer: with a Close of ours; end: and the server ends the stream.
        """
        got = self.next_frame(within)
        if got is None or got.opcode != CLOSE:
            raise WsError(f"no Close {code}: {got!r}")
        if got.close_code != code:
            raise WsError(f"Close {got.close_code} instead of {code}: {got.payload[2:]!r}")
        got.payload[2:].decode()
        if answer:
            self.send_frame(CLOSE, got.payload[:2])
        if end:
            self._expect_gone(within)
        return got.payload[2:]

    def hang_up(self, code=1000):
        """The closing handshake from our side. What was still on its way is thrown away."""
        if self.closed:
            return
        if not self.eof:
            self.send_frame(CLOSE, close_body(code))
            while True:
                got = self.next_frame()
                if got is None or got.opcode == CLOSE:
                    break
            self.buf.clear()
            self._expect_gone()
        self.close()

    def _expect_gone(self, within=None):
        if self.ends_tcp:
            self.finish()
        self.expect_end(within, clean=False)
