# SPDX-License-Identifier: Apache-2.0
"""The server's side of WebSocket connections that the daemon makes; it can do everything wrong."""

import socket

import tls
from ws import DEADLINE, Stream, Ws, WsError, accept_value, mask_bytes


class HttpRequest:
    """A parsed request head; header names in lower case, values in order."""

    def __init__(self, head):
        lines = head.split(b"\r\n")
        self.line = lines[0].decode()
        self.fields = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b": ")
            if not colon or name != name.strip() or value != value.strip():
                raise WsError(f"malformed header line: {line!r}")
            self.fields.setdefault(name.decode().lower(), []).append(value.decode())

    def one(self, name):
        values = self.fields.get(name, [])
        if len(values) > 1:
            raise WsError(f"{name} more than once")
        return values[0] if values else None


class Peer(Ws):
    """The server's end of a connection that the daemon made. Nothing is answered by itself."""

    peer_masks = True
    key = False
    ends_tcp = True

    def __init__(self, sock):
        Stream.__init__(self, None, sock=sock)
        self.protocol = self.deflate = self.asked = None
        self.was_compressed = False
        self.keys = []

    def _unmasked(self, key, payload):
        self.keys.append(key)
        return mask_bytes(payload, key)

    def request(self, within=None):
        """The request's head; nothing may follow it before our answer (W-L-07)."""
        end = self.fill_until(b"\r\n\r\n", within)
        if end < 0:
            raise WsError(f"stream ended ({self.eof}) without a request: {bytes(self.buf)!r}")
        self.asked = HttpRequest(self.take(end)[:-4])
        if self.buf:
            raise WsError(f"octets before the answer: {bytes(self.buf)!r}")
        return self.asked

    def accept_value(self):
        return accept_value(self.asked.one("sec-websocket-key").encode())

    def good_answer(self, *extra):
        lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
                 b"Sec-WebSocket-Accept: " + self.accept_value(), *extra]
        return b"\r\n".join(lines) + b"\r\n\r\n"


class Server:
    """A listening socket on loopback whose connections are Peers."""

    def __init__(self, host="127.0.0.1", port=0, backlog=16, secure=tls.EVERYWHERE):
        self.host = host
        self.secure = secure
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((host, port))
        self.sock.listen(backlog)
        self.port = self.sock.getsockname()[1]

    def accept(self, within=None):
        self.sock.settimeout(within or DEADLINE)
        try:
            sock = self.sock.accept()[0]
            return Peer(tls.accepted(sock) if self.secure else sock)
        except TimeoutError:
            raise WsError("the daemon does not connect") from None

    def upgraded(self, *extra):
        """The next connection, its opening handshake done."""
        peer = self.accept()
        peer.request()
        peer.send(peer.good_answer(*extra))
        return peer

    def close(self):
        self.sock.close()
