# SPDX-License-Identifier: Apache-2.0
"""A SIP core for tests of mode edge: takes messages over TCP and UDP on one port, answers checks.

What comes is kept in the order of its coming; what it sends goes where the test says. It decides
nothing by itself but the answer to OPTIONS from the edge.
"""

import queue
import re
import selectors
import socket
import threading

from sip import Msg, build, param, token, uri_of
from ws import DEADLINE, WsError


def udp_tcp_port(port=0):
    """A UDP socket and a listening TCP socket on the same port of 127.0.0.1."""
    for _ in range(100):
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind(("127.0.0.1", port))
        tcp.listen()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
            return udp, tcp
        except OSError:
            tcp.close()
            udp.close()
    raise WsError("no port for UDP and TCP")


class Taken(Msg):
    """A message, and how to send something back the same way."""

    def __init__(self, octets, transport, send):
        super().__init__(octets)
        self.transport = transport
        self.send = send


class Core:
    """checks: the status of its answers to OPTIONS; None: it does not answer them."""

    def __init__(self, port=0, tcp=True, udp=True, checks=200):
        self.udp, self.tcp = udp_tcp_port(port)
        self.port = self.tcp.getsockname()[1]
        self.checks, self.takes = checks, {"TCP": tcp, "UDP": udp}
        self.checked = 0
        self.inbox = queue.Queue()
        self.streams = {}
        self.edge = None
        self.selector = selectors.DefaultSelector()
        self.bell = socket.socketpair()
        for s, what in ((self.udp, self._datagram), (self.tcp, self._accept),
                        (self.bell[0], None)):
            if (s is self.tcp and not tcp) or (s is self.udp and not udp):
                s.close()
            else:
                self.selector.register(s, selectors.EVENT_READ, what)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    # ---- its thread ----

    def _run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                key.data(key.fileobj)

    def _accept(self, listener):
        stream, _ = listener.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.streams[stream] = b""
        self.selector.register(stream, selectors.EVENT_READ, self._stream)

    def _stream(self, stream):
        try:
            got = stream.recv(1 << 16)
        except OSError:
            got = b""
        if not got:
            self.selector.unregister(stream)
            self.streams.pop(stream, None)
            stream.close()
            return
        octets = self.streams[stream] + got
        while True:
            octets = octets.lstrip(b"\r\n")
            head, gap, rest = octets.partition(b"\r\n\r\n")
            if not gap:
                break
            length = re.search(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)", head, re.I)
            if not length:
                self.inbox.put(WsError(f"no Content-Length over TCP: {head!r}"))
                break
            length = int(length[1])
            if len(rest) < length:
                break
            whole = len(head) + 4 + length
            self._take(octets[:whole], "TCP", stream.sendall)
            octets = octets[whole:]
        self.streams[stream] = octets

    def _datagram(self, udp):
        try:
            octets, peer = udp.recvfrom(1 << 16)
        except OSError:
            return
        self._take(octets, "UDP", lambda x: udp.sendto(x, peer))

    def _take(self, octets, transport, send):
        message = Taken(octets, transport, send)
        if message.method == b"OPTIONS" and message.get("max-forwards") == b"0":
            self.edge = re.match(rb"SIP/2.0/\w+ ([^;]+)", message.get("via"))[1].decode()
            if self.checks:
                self.checked += 1
                send(answer(message, self.checks))
            return
        self.inbox.put(message)

    # ---- the test's ----

    def next(self, within=None):
        try:
            got = self.inbox.get(timeout=within or DEADLINE)
        except queue.Empty:
            raise WsError("nothing came to the core") from None
        if isinstance(got, Exception):
            raise got
        return got

    def quiet(self, within=0.2):
        """Nothing comes for so long."""
        try:
            raise WsError(f"came to the core: {self.inbox.get(timeout=within)!r}")
        except queue.Empty:
            pass

    def send(self, octets, how="TCP", to=None):
        """A request of its own to the edge: over a new TCP connection, or by UDP. Returns the
        TCP connection, as something to read answers from through next()."""
        host, _, port = (to or self.edge).rpartition(":")
        if how == "UDP":
            self.udp.sendto(octets, (host, int(port)))
            return None
        stream = socket.create_connection((host, int(port)), DEADLINE)
        self.streams[stream] = b""
        self.selector.register(stream, selectors.EVENT_READ, self._stream)
        stream.sendall(octets)
        return stream

    def request(self, method, uri, routes=(), fields=(), body=b"", transport="TCP", to=None,
                sender="<sip:core@example.org>;tag=core", call_id=None, cseq=1, branch=None):
        head = [("Via", f"SIP/2.0/{transport} 127.0.0.1:{self.port};branch=z9hG4bK"
                        f"{branch or token()}"),
                ("Max-Forwards", 70), *[("Route", r) for r in routes],
                ("To", to or f"<{uri}>"), ("From", sender), ("Call-ID", call_id or token()),
                ("CSeq", f"{cseq} {method}")]
        return build(f"{method} {uri} SIP/2.0".encode(), head + list(fields), body)

    def end(self):
        """Its process is gone: nothing listens, all connections end."""
        if not self.thread.is_alive():
            return
        self.bell[1].send(b"x")
        self.thread.join(DEADLINE)
        for s in [self.udp, self.tcp, *self.bell, *self.streams]:
            s.close()
        self.selector.close()


def answer(request, status, fields=(), body=b"", to_tag="core"):
    to = request.get("to")
    if param(to, "tag") is None and status > 100:
        to += b";tag=" + to_tag.encode()
    head = [("Via", v) for v in request.raw("via")]
    head += [("Record-Route", v) for v in request.raw("record-route")]
    head += [("To", to), ("From", request.get("from")), ("Call-ID", request.call_id),
             ("CSeq", request.get("cseq"))]
    return build(f"SIP/2.0 {status} Whatever".encode(), head + list(fields), body)


def path_of(register):
    """The Path value of the edge in a REGISTER."""
    return register.all("path")[0].decode()


def contact_of(message):
    return uri_of(message.get("contact")).decode()
