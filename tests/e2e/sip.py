# SPDX-License-Identifier: Apache-2.0
"""SIP messages for tests: take apart without losing an octet, build, register, answer."""

import os
import re

from ws import TEXT, Ws, WsError

COMPACT = {
    b"a": b"accept-contact", b"b": b"referred-by", b"c": b"content-type", b"e": b"content-encoding",
    b"f": b"from", b"i": b"call-id", b"k": b"supported", b"l": b"content-length", b"m": b"contact",
    b"o": b"event", b"r": b"refer-to", b"s": b"subject", b"t": b"to", b"u": b"allow-events",
    b"v": b"via", b"x": b"session-expires",
}
LISTS = (b"via", b"route", b"record-route", b"contact", b"path", b"unsupported", b"supported",
         b"allow")


def token(n=8):
    return os.urandom(n).hex()


class Msg:
    """A SIP message: start line, header lines exactly as they were, body."""

    def __init__(self, octets):
        head, gap, self.body = octets.partition(b"\r\n\r\n")
        if not gap:
            raise WsError(f"no SIP message: {octets[:200]!r}")
        self.octets = octets
        # a folded line belongs to the one before
        lines = re.split(rb"\r\n(?![ \t])", head)
        self.start = lines[0]
        self.lines = lines[1:]
        words = self.start.split(b" ", 2)
        if len(words) < 3:
            raise WsError(f"no SIP start line: {self.start!r}")
        self.is_response = words[0] == b"SIP/2.0"
        self.status = int(words[1]) if self.is_response else None
        self.method = None if self.is_response else words[0]
        self.uri = None if self.is_response else words[1]

    @staticmethod
    def name(line):
        name = line.partition(b":")[0].strip().lower()
        return COMPACT.get(name, name)

    def raw(self, name):
        """Values of all lines of that name, unsplit."""
        name = name.lower().encode() if isinstance(name, str) else name
        return [x.partition(b":")[2].strip() for x in self.lines if self.name(x) == name]

    def all(self, name):
        """All values, comma lists taken apart for the headers that have them."""
        key = name.lower().encode() if isinstance(name, str) else name
        values = self.raw(key)
        if key in LISTS:
            values = [part for value in values for part in cut(value, b",")]
        return values

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def call_id(self):
        return self.get("call-id")

    @property
    def cseq(self):
        number, method = self.get("cseq").split()
        return int(number), method

    def without(self, *names):
        """Header lines but for those named: for comparing octet by octet."""
        drop = [n.encode() for n in names]
        return [x for x in self.lines if self.name(x) not in drop]

    def replaced(self, changes):
        """The octets with header lines replaced: changes maps a name to whole lines; the first
        occurrence is where they go, the others vanish; a name that is not there goes on top."""
        changes = {k.encode(): list(v) for k, v in changes.items()}
        out, done = [], set()
        for line in self.lines:
            name = self.name(line)
            if name not in changes:
                out.append(line)
            elif name not in done:
                done.add(name)
                out += changes[name]
        top = [x for name, lines in changes.items() if name not in done for x in lines]
        return b"\r\n".join([self.start] + top + out) + b"\r\n\r\n" + self.body

    def __repr__(self):
        return f"<{self.start.decode(errors='replace')}>"


def cut(value, separator):
    """Split at a separator outside quotes and <>."""
    out, start, quoted, angle, i = [], 0, False, False, 0
    while i < len(value):
        c = value[i:i + 1]
        if quoted:
            if c == b"\\":
                i += 1
            elif c == b'"':
                quoted = False
        elif c == b'"':
            quoted = True
        elif c in (b"<", b">"):
            angle = c == b"<"
        elif c == separator and not angle:
            out.append(value[start:i].strip())
            start = i + 1
        i += 1
    out.append(value[start:].strip())
    return out


def param(value, name):
    """The value of ;name=value, b'' for a bare ;name, None when absent. Only outside <>."""
    for part in cut(value, b";")[1:]:
        key, _, text = part.partition(b"=")
        if key.strip().lower() == name.encode():
            return text.strip()
    return None


def uri_of(value):
    """The URI of a name-addr or addr-spec."""
    first = cut(value, b";")[0]
    inside = re.search(rb"<([^>]*)>", first)
    return inside.group(1) if inside else first


def tag(value):
    return param(value, "tag")


def build(start, fields, body=b""):
    """fields: (name, value) in order; Content-Length is added."""
    lines = [start] + [b"%s: %s" % (n.encode(), v if isinstance(v, bytes) else str(v).encode())
                       for n, v in fields]
    lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Phone(Ws):
    """A SIP user behind a WebSocket, as RFC 7118 wants it: random .invalid host, outbound."""

    def __init__(self, port, user, domain="example.org", opcode=TEXT, **head):
        super().__init__(port, **head)
        self.user, self.domain, self.opcode = user, domain, opcode
        self.host = f"{token(6)}.invalid"
        self.instance = f"<urn:uuid:{token(4)}-0000-4000-8000-{token(6)}>"
        self.aor = f"sip:{user}@{domain}"
        self.contact_uri = f"sip:{user[:1]}{token(4)}@{self.host};transport=ws"
        self.contact = f"<{self.contact_uri}>"
        self.register_id = token()
        self.cseq = 0

    def send_sip(self, octets, chop=None):
        return self.send_frame(self.opcode, octets, chop=chop)

    def next_sip(self, within=None):
        opcode, octets = self.next_message(within)
        got = Msg(octets)
        got.opcode = opcode
        return got

    def via(self, extra=""):
        return f"SIP/2.0/WS {self.host};branch=z9hG4bK{token()}{extra}"

    def make(self, method, uri, fields=(), body=b"", to=None, sender=None, call_id=None, cseq=None,
             max_forwards=70, via=None, drop=()):
        """A request. `drop` names header fields to leave out, for what must fail."""
        self.cseq += 1
        head = [
            ("Via", via or self.via()),
            ("Max-Forwards", max_forwards),
            ("To", to or f"<{uri}>"),
            ("From", sender or f"<{self.aor}>;tag={token(4)}"),
            ("Call-ID", call_id or token()),
            ("CSeq", f"{cseq or self.cseq} {method}"),
        ]
        head = [(n, v) for n, v in head if n not in drop]
        return build(f"{method} {uri} SIP/2.0".encode(), head + list(fields), body)

    def ask(self, method, uri, *args, within=None, **kw):
        """Send a request; the next message is its final answer."""
        request = Msg(self.make(method, uri, *args, **kw))
        self.send_sip(request.octets)
        return self.answer_to(request, within)

    def answer_to(self, request, within=None):
        got = self.next_sip(within)
        check_answer(got, request)
        return got

    def register(self, contacts=None, expires=None, fields=(), call_id=None, **kw):
        """REGISTER; returns the answer, whatever it is. contacts: None: our own; []: a query."""
        if contacts is None:
            contacts = [f'{self.contact};reg-id=1;+sip.instance="{self.instance}"']
        head = [("Contact", c) for c in contacts]
        if expires is not None:
            head.append(("Expires", expires))
        head.append(("Supported", "path,gruu,outbound"))
        return self.ask("REGISTER", f"sip:{self.domain}", head + list(fields),
                        to=kw.pop("to", f"<{self.aor}>"), call_id=call_id or self.register_id, **kw)

    def registered(self):
        """Register; it must succeed. Returns self."""
        got = self.register(expires=300)
        if got.status != 200:
            raise WsError(f"REGISTER: {got.start!r}")
        return self

    def reply(self, request, status, fields=(), body=b"", to_tag=None):
        """Answer a request that we received."""
        to = request.get("to")
        if tag(to) is None and status > 100:
            to += b";tag=" + (to_tag or token(4)).encode()
        head = [("Via", v) for v in request.raw("via")]
        head += [("Record-Route", v) for v in request.raw("record-route")]
        head += [("To", to), ("From", request.get("from")), ("Call-ID", request.call_id),
                 ("CSeq", request.get("cseq"))]
        self.send_sip(build(f"SIP/2.0 {status} Whatever".encode(), head + list(fields), body))

    def settle(self, limit=1000):
        """Ask the server itself something and return all that came before its answer.

        One connection's messages are answered in order: what has not come by then does not come.
        """
        probe = Msg(self.make("OPTIONS", f"sip:{self.domain}"))
        self.send_sip(probe.octets)
        before = []
        while len(before) < limit:
            got = self.next_sip()
            if got.is_response and got.call_id == probe.call_id:
                return before
            before.append(got)
        raise WsError("too many messages")


def check_answer(got, request):
    """A response to our request: same Vias below, From, Call-ID, CSeq."""
    if not got.is_response:
        raise WsError(f"{got!r} where an answer to {request!r} was due")
    for name in ("call-id", "cseq", "from"):
        if got.get(name) != request.get(name):
            raise WsError(f"{name} {got.get(name)!r} in the answer to {request.get(name)!r}")
    vias, sent = got.all("via"), request.all("via")
    if len(vias) != len(sent) or not vias[0].startswith(sent[0].split(b";")[0]):
        raise WsError(f"Via {vias!r} in the answer to {sent!r}")
