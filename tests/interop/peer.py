# SPDX-License-Identifier: Apache-2.0
"""WebSocket clients and servers of other makers, each in a process of its own.

Such a process takes requests and gives answers as lines of JSON: {"id": 1, "op": "connect", ...}
is answered {"id": 1, "conn": 0, ...} or {"id": 1, "error": "...", "status": 400}. An answer comes
when what it tells has happened: every wait is for such a line, with a deadline.
"""

import base64
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import harness  # noqa: E402
from sip import Phone  # noqa: E402
from ws import BINARY, DEADLINE, TEXT, Ws  # noqa: E402

NODE = "node"
PYTHON = "/usr/bin/python3"  # the one that distribution packages are for
PROGRAMS = {
    "ws": [NODE, str(HERE / "peer_ws.mjs")],
    "websockets": [PYTHON, "-B", str(HERE / "peer_websockets.py")],
}
PROBES = {
    "ws": [NODE, "--input-type=module", "-e", "import 'ws'"],
    "websockets": [PYTHON, "-c", "import websockets"],
}
SOURCES = {"ws": "npm ci --prefix tests/interop", "websockets": "Debian's python3-websockets"}


def missing(maker):
    """Is this peer not to be had here?"""
    try:
        return subprocess.run(PROBES[maker], cwd=HERE, capture_output=True,
                              timeout=DEADLINE).returncode != 0
    except FileNotFoundError:
        return True


def coded(payload):
    octets = payload.encode() if isinstance(payload, str) else payload
    return base64.b64encode(octets).decode()


def decoded(said):
    """A message, str or bytes as it came."""
    octets = base64.b64decode(said["data"])
    return octets.decode() if said["kind"] == "text" else octets


class PeerError(Exception):
    """The peer could not do it; `status`: the HTTP status that refused a handshake."""

    def __init__(self, said):
        super().__init__(said["error"])
        self.status = said.get("status")


class Peer:
    def __init__(self, maker):
        self.maker = maker
        self.process = subprocess.Popen(PROGRAMS[maker], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out = harness.Lines(self.process.stdout)
        self.err = harness.Lines(self.process.stderr)
        self.asked = 0

    def begin(self, op, **args):
        """Ask; finish() waits for the answer."""
        self.asked += 1
        line = json.dumps({"id": self.asked, "op": op, **args}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        return self.asked, op

    def finish(self, begun, within=None):
        number, op = begun
        got = self.out.wait(r'^\{"id": ?%d[,}]' % number, within=within)
        if not got:
            raise AssertionError(f"{self.maker} did not answer {op}: {self.err.text()}")
        said = json.loads(self.out.lines[got[0]])
        if "error" in said:
            raise PeerError(said)
        return said

    def ask(self, op, within=None, **args):
        return self.finish(self.begin(op, **args), within)

    def connect(self, port, protocols=("sip",), origin="http://127.0.0.1", deflate=None):
        return Conn(self, self.ask("connect", url=f"ws://127.0.0.1:{port}/", origin=origin,
                                   protocols=list(protocols), deflate=deflate))

    def listen(self, port=0, protocols=("sip",), tamper=None, deflate=None):
        return Listener(self, self.ask("listen", port=port, protocols=protocols, tamper=tamper,
                                       deflate=deflate))

    def end(self):
        """It ends with its standard input, and with exit code 0."""
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        try:
            code = self.process.wait(DEADLINE)
        finally:
            self.process.kill()
        if code:
            raise AssertionError(f"{self.maker} ended with {code}: {self.err.text()}")


class Listener:
    def __init__(self, peer, said):
        self.peer, self.number, self.port = peer, said["listener"], said["port"]

    def accept(self):
        return Conn(self.peer, self.peer.ask("accept", listener=self.number))

    def asked(self):
        """Target and header fields of the next handshake that comes, accepted or not."""
        return self.peer.ask("asked", listener=self.number)

    def stop(self):
        self.peer.ask("stop", listener=self.number)


class Conn:
    """One WebSocket connection of a peer, whichever side opened it."""

    def __init__(self, peer, said):
        self.peer, self.number = peer, said["conn"]
        self.protocol, self.extensions = said["protocol"], said["extensions"]

    def begin(self, op, **args):
        return self.peer.begin(op, conn=self.number, **args)

    def ask(self, op, within=None, **args):
        return self.peer.finish(self.begin(op, **args), within)

    def send(self, payload, kind=None, cuts=None):
        kind = kind or ("text" if isinstance(payload, str) else "binary")
        self.ask("send", kind=kind, data=coded(payload), cuts=cuts)

    def receive(self, within=None):
        """The next message."""
        return decoded(self.ask("receive", within))

    def ping(self, payload):
        """The payload of the Pong that came for it."""
        return base64.b64decode(self.ask("ping", data=coded(payload))["data"])

    def pinged(self):
        """The payload of the next Ping from the other side."""
        return base64.b64decode(self.ask("pinged")["data"])

    def close(self, code=1000, reason=""):
        """Begin the closing handshake; the code and reason that came back."""
        said = self.ask("close", code=code, reason=reason)
        return said["code"], said["reason"]

    def closed(self):
        """The code and reason with which the other side closed."""
        said = self.ask("closed")
        return said["code"], said["reason"]


class Frames(Ws):
    """What a Phone needs of a WebSocket, out of a Conn."""

    def __init__(self, conn):
        self.conn = conn

    def send_frame(self, opcode, payload=b"", chop=None, **bits):
        assert chop is None and not bits
        self.conn.send(payload.decode() if opcode == TEXT else payload)

    def next_message(self, within=None):
        got = self.conn.receive(within)
        return (TEXT, got.encode()) if isinstance(got, str) else (BINARY, got)


class PeerPhone(Phone, Frames):
    """A SIP user behind another maker's WebSocket: Phone(conn, user)."""


def main(*makers):
    """harness.main(), but skipped as a whole where one of the makers' libraries is not there."""
    for maker in makers:
        if missing(maker):
            print(f"SKIP: {maker} is not here: {SOURCES[maker]}")
            raise SystemExit(77)
    harness.main()
