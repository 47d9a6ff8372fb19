# SPDX-License-Identifier: Apache-2.0
"""A registrar and proxy in a thread of its own that is strict: it notes every rule of SIP that its
clients break. It challenges what it is told to, gives Service-Route, and records two routes."""

import hashlib
import os
import re
from collections import Counter

import sloppy

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
SERVICE = ["<sip:edge.example;lr>", "<sip:core.example;lr>"]
RECORD = ["<sip:near.example;lr;d=1>", "<sip:far.example;lr;d=1>"]


class Text:
    """A message that can be taken apart and put together again."""

    def __init__(self, octets):
        head, _, self.body = octets.partition("\r\n\r\n")
        self.start, *self.lines = head.split("\r\n")

    def all(self, name):
        return [x.partition(": ")[2] for x in self.lines if x.startswith(name + ": ")]

    def one(self, name):
        return self.all(name)[0]

    def without(self, name):
        self.lines = [x for x in self.lines if not x.startswith(name + ": ")]

    def put(self, name, values):
        self.lines[:0] = [f"{name}: {x}" for x in values]

    def octets(self):
        return ("\r\n".join([self.start, *self.lines]) + "\r\n\r\n" + self.body).encode()

    @property
    def method(self):
        return self.start.split()[0]

    @property
    def uri(self):
        return self.start.split()[1]


class Server(sloppy.Server):
    """`challenges`: method -> 401 or 407. A nonce is good for `uses` requests."""

    def __init__(self, challenges=(), algorithm="MD5", uses=5, service=False):
        self.challenges, self.algorithm, self.uses = dict(challenges), algorithm, uses
        self.service = service
        self.faults, self.nonces, self.cseqs = [], {}, {}
        self.refused = set()  # branches whose ACK has to come
        self.credentials = {}  # of INVITEs
        self.where, self.branches, self.seen = {}, {}, Counter()
        super().__init__()

    def fault(self, *words):
        self.faults.append(" ".join(map(str, words)))

    # ---- digest ----

    def hash(self, *texts):
        return hashlib.new(HASHES[self.algorithm], ":".join(texts).encode()).hexdigest()

    def is_right(self, m, field):
        value = (m.all(field) or [""])[0]
        found = dict(re.findall(r'(\w+)="?([^",]*)', value))
        nonce = found.get("nonce")
        if nonce not in self.nonces or self.nonces[nonce] >= self.uses:
            return False
        self.nonces[nonce] += 1
        a1 = self.hash(found["username"], "strict", "secret")
        want = self.hash(a1, nonce, found["nc"], found["cnonce"], "auth",
                         self.hash(m.method, found["uri"]))
        if found["response"] != want or found["algorithm"] != self.algorithm:
            self.fault("wrong credentials", value)
            return False
        if int(found["nc"], 16) != self.nonces[nonce] or found["uri"] != m.uri:
            self.fault("nc or uri", m.uri, value)
        return True

    def is_allowed(self, connection, m):
        """Or it was challenged."""
        status = self.challenges.get(m.method)
        if not status:
            return True
        name = {401: "Authorization", 407: "Proxy-Authorization"}[status]
        if self.is_right(m, name):
            self.credentials[m.one("Call-ID"), m.method] = m.all(name)
            return True
        nonce = os.urandom(8).hex()
        self.nonces[nonce] = 0
        answer = Text(sloppy.answer(m.octets().decode(), f"{status} Prove it"))
        field = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}[status]
        answer.put(field, [f'Digest realm="strict", nonce="{n}", qop="auth", algorithm={a}'
                           for n, a in (("x", "SHA-1"), (nonce, self.algorithm))])
        if m.method == "INVITE":
            self.refused.add(m.one("Via"))
        connection.send(answer.octets())
        return False

    # ---- requests ----

    def check_cseq(self, m):
        number, method = m.one("CSeq").split()
        key = m.one("Call-ID"), m.one("From")
        if method != m.method:
            self.fault("method in CSeq", m.start)
        if m.method != "ACK":
            if int(number) <= self.cseqs.get(key, (0, ""))[0]:
                self.fault("CSeq does not grow", m.start, number)
            self.cseqs[key] = int(number), method

    def register(self, connection, m):
        contact = m.one("Contact")
        self.where[re.search(r"sip:[^>]*", m.one("To"))[0]] = contact, connection
        if m.all("Route"):
            self.fault("a REGISTER by Service-Route")
        if "path" not in m.one("Supported"):
            self.fault("no Path supported")
        answer = Text(sloppy.answer(m.octets().decode()))
        answer.put("Contact", [contact])
        answer.put("Path", ["<sip:edge.example;lr;ob>"])
        answer.put("Service-Route", SERVICE if self.service else [])
        connection.send(answer.octets())

    def forward(self, m, uri, connection, back):
        m.start = f"{m.method} {uri} SIP/2.0"
        branch = "z9hG4bK" + os.urandom(8).hex()
        self.branches[branch] = back
        m.put("Via", [f"SIP/2.0/WS proxy.example;branch={branch}"])
        connection.send(m.octets())

    def in_dialog(self, connection, m):
        if m.all("Route") != RECORD:
            self.fault("routes of a dialog", m.start, m.all("Route"))
        if m.method == "ACK" and m.all("Proxy-Authorization") != self.credentials.get(
                (m.one("Call-ID"), "INVITE"), []):
            self.fault("credentials of an ACK", m.all("Proxy-Authorization"))
        for contact, target in self.where.values():
            if m.uri == re.search("<(.*?)>", contact)[1]:
                m.without("Route")
                self.forward(m, m.uri, target, connection)
                return
        self.fault("no such contact", m.uri)

    async def take(self, connection, request):
        m = Text(request)
        if m.start.startswith("SIP/2.0"):
            branch = m.one("Via").partition("branch=")[2]
            m.lines.remove(f"Via: {m.one('Via')}")
            self.branches[branch].send(m.octets())
            return
        self.seen[m.method] += 1
        if m.method == "ACK" and m.one("Via") in self.refused:
            self.refused.remove(m.one("Via"))
            return
        self.check_cseq(m)
        if not self.is_allowed(connection, m):
            return
        dialog = ";tag=" in m.one("To")
        if not dialog and m.method != "REGISTER" and m.all("Route") != (
                SERVICE if self.service else []):
            self.fault("Service-Route", m.start, m.all("Route"))
        if m.method == "REGISTER":
            self.register(connection, m)
        elif m.method == "OPTIONS":
            connection.send(sloppy.answer(request).encode())
        elif dialog:
            self.in_dialog(connection, m)
        else:
            contact, target = self.where[m.uri]
            m.without("Route")
            m.put("Record-Route", reversed(RECORD) if m.method == "INVITE" else [])
            self.forward(m, re.search("<(.*?)>", contact)[1], target, connection)
