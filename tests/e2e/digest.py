# SPDX-License-Identifier: Apache-2.0
"""Digest authentication, client side (RFC 7616, RFC 8760), and files of users."""

import hashlib
import re

import ws
from sip import Msg, Phone, token

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
ANSWERS = {401: ("www-authenticate", "Authorization"),
           407: ("proxy-authenticate", "Proxy-Authorization")}


def digest(algorithm, *parts):
    return hashlib.new(HASHES[algorithm], ":".join(parts).encode()).hexdigest()


def users_file(path, passwords, realm="example.org", algorithms=tuple(HASHES)):
    """Write one with these users; MD5 as htdigest has it."""
    lines = ["# written by a test"]
    for user, password in passwords.items():
        for name in algorithms:
            middle = "" if name == "MD5" else f"{name}:"
            lines.append(f"{user}:{realm}:{middle}{digest(name, user, realm, password)}")
    new = path.with_suffix(".new")
    new.write_text("\n".join(lines) + "\n")
    new.replace(path)


class Challenge:
    def __init__(self, value):
        text = value.decode()
        if not text.startswith("Digest "):
            raise ws.WsError(f"no Digest challenge: {text}")
        pairs = re.findall(r'(\w+)=(?:"([^"]*)"|([^", ]+))', text)
        self.params = {name: quoted or plain for name, quoted, plain in pairs}
        self.algorithm = self.params["algorithm"]

    def answer(self, method, uri, user, password, nc=1, cnonce=None):
        """The value of the field that answers it."""
        p, cnonce = self.params, cnonce or token()
        a1 = digest(self.algorithm, user, p["realm"], password)
        a2 = digest(self.algorithm, method, uri)
        response = digest(self.algorithm, a1, p["nonce"], f"{nc:08x}", cnonce, "auth", a2)
        return (f'Digest username="{user}", realm="{p["realm"]}", nonce="{p["nonce"]}", '
                f'uri="{uri}", response="{response}", algorithm={self.algorithm}, '
                f'cnonce="{cnonce}", qop=auth, nc={nc:08x}')


class Member(Phone):
    """A phone that answers challenges: with the first algorithm, or the one that it is told."""

    def __init__(self, port, user, password="secret", algorithm=None, **kw):
        super().__init__(port, user, **kw)
        self.password, self.algorithm = password, algorithm
        self.challenges = []

    def answer_to(self, request, within=None):
        got = super().answer_to(request, within)
        if got.status not in ANSWERS or request.raw(ANSWERS[got.status][1]):
            return got
        field, answer = ANSWERS[got.status]
        self.challenges = [Challenge(v) for v in got.raw(field)]
        chosen = next(c for c in self.challenges
                      if self.algorithm in (None, c.algorithm))
        method, uri = request.method.decode(), request.uri.decode()
        value = chosen.answer(method, uri, self.user, self.password)
        self.cseq += 1
        again = Msg(request.replaced({
            "via": [b"Via: " + self.via().encode()],
            "cseq": [b"CSeq: %d %s" % (self.cseq, request.method)],
            answer.lower(): [f"{answer}: {value}".encode()]}))
        self.send_sip(again.octets)
        return super().answer_to(again, within)
