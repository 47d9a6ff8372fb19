# SPDX-License-Identifier: Apache-2.0
"""A name server for tests: answers by UDP what the test put in its table, and counts the questions.

    with Dns({("core.test", A): [(60, "127.0.0.1")], ...}) as dns: ... dns.port

Each answer comes `delay` seconds late.
"""

import collections
import socket
import struct
import threading
import time

A, SRV, NAPTR, AAAA = 1, 33, 35, 28


def name_octets(name):
    parts = [p for p in name.split(".") if p]
    return b"".join(bytes([len(p)]) + p.encode() for p in parts) + b"\0"


def text(value):
    return bytes([len(value)]) + value.encode()


def rdata(kind, value):
    if kind == A:
        return socket.inet_aton(value)
    if kind == AAAA:
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == SRV:
        priority, weight, port, target = value
        return struct.pack("!HHH", priority, weight, port) + name_octets(target)
    order, preference, flags, service, replacement = value
    return (struct.pack("!HH", order, preference) + text(flags) + text(service) + text("") +
            name_octets(replacement))


class Dns:
    def __init__(self, table, delay=0):
        self.delay = delay
        self.table = table  # (name, type): [(ttl, value)]
        self.asked = collections.Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            question, peer = self.socket.recvfrom(4096)
            if not question:
                return
            time.sleep(self.delay)
            self.socket.sendto(self._answer(question), peer)

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        kind = struct.unpack("!H", question[at + 1:at + 3])[0]
        key = (".".join(labels), kind)
        self.asked[key] += 1
        records = self.table.get(key, [])
        known = any(name == key[0] for name, _ in self.table)
        head = question[:2] + struct.pack("!HHHHH", 0x8180 | (0 if known else 3), 1,
                                          len(records), 0, 0)
        body = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
            for ttl, data in ((ttl, rdata(kind, value)) for ttl, value in records))
        return head + question[12:at + 5] + body

    def __enter__(self):
        return self

    def __exit__(self, *args):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(10)
        self.socket.close()
