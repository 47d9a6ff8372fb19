# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate (RFC 7692) against the echo mode: what is agreed (Z-01 to Z-03), and the cases
of deflate_cases.Kept.
"""

import unittest

import deflate_cases
import harness
from deflate import Bench, KEEP, NONE, NO_CLIENT, NO_SERVER, ON, PATIENT, PMD
from ws import TEXT, Ws, request_head

# settings, then (offer, answer or None for declined)
NEGOTIATION = [
    (KEEP, [
        (f"{PMD}", f"{PMD}"),
        (f"{PMD};", None),
        (f"{PMD}; {NO_SERVER}", f"{PMD}; {NO_SERVER}"),
        (f"{PMD}; {NO_CLIENT}", f"{PMD}; {NO_CLIENT}"),
        (f"{PMD}; {NO_CLIENT}; {NO_SERVER}", f"{PMD}; {NONE}"),
        (f"{PMD}; client_max_window_bits", f"{PMD}"),
        (f"{PMD}; client_max_window_bits=15", f"{PMD}"),
        (f"{PMD}; client_max_window_bits=10", f"{PMD}; client_max_window_bits=10"),
        (f"{PMD}; client_max_window_bits=8", f"{PMD}; client_max_window_bits=8"),
        (f"{PMD}; server_max_window_bits=15", f"{PMD}; server_max_window_bits=15"),
        (f"{PMD}; server_max_window_bits=9", f"{PMD}; server_max_window_bits=9"),
        (f'{PMD}; server_max_window_bits="10"', f"{PMD}; server_max_window_bits=10"),
        (f"{PMD}; server_max_window_bits=8", None),
        (f"{PMD}; server_max_window_bits", None),
        (f"{PMD}; server_max_window_bits=7", None),
        (f"{PMD}; server_max_window_bits=16", None),
        (f"{PMD}; server_max_window_bits=010", None),
        (f"{PMD}; server_max_window_bits=1x", None),
        (f"{PMD}; client_max_window_bits=16", None),
        (f"{PMD}; client_max_window_bits=0", None),
        (f"{PMD}; {NO_SERVER}=1", None),
        (f"{PMD}; {NO_CLIENT}=true", None),
        (f"{PMD}; {NO_SERVER}; {NO_SERVER}", None),
        (f"{PMD}; client_max_window_bits; client_max_window_bits=10", None),
        (f"{PMD}; unknown", None),
        (f"{PMD}; unknown=1; {NO_SERVER}", None),
        ("x-webkit-deflate-frame", None),
        ("permessage-deflatex", None),
        ("permessage-bzip2", None),
        (f"x-other; a=b, {PMD}; {NO_SERVER}", f"{PMD}; {NO_SERVER}"),
        (f"{PMD}; server_max_window_bits=8, {PMD}", f"{PMD}"),
        (f"{PMD}; unknown, {PMD}; {NO_CLIENT}, {PMD}", f"{PMD}; {NO_CLIENT}"),
        (f"x-other\r\nSec-WebSocket-Extensions: {PMD}", f"{PMD}"),
    ]),
    (ON | {"deflate_window_bits": 10}, [
        (f"{PMD}", f"{PMD}; {NONE}"),
        (f"{PMD}; client_max_window_bits", f"{PMD}; {NONE}; client_max_window_bits=10"),
        (f"{PMD}; client_max_window_bits=9", f"{PMD}; {NONE}; client_max_window_bits=9"),
        (f"{PMD}; server_max_window_bits=12", f"{PMD}; {NONE}; server_max_window_bits=10"),
        (f"{PMD}; server_max_window_bits=9", f"{PMD}; {NONE}; server_max_window_bits=9"),
    ]),
    (KEEP | {"deflate_window_bits": 10}, [
        (f"{PMD}", f"{PMD}; {NO_CLIENT}"),
        (f"{PMD}; client_max_window_bits", f"{PMD}; client_max_window_bits=10"),
    ]),
    (KEEP | {"deflate_connection_memory": 16384}, [  # contexts that do not fit are not agreed
        (f"{PMD}", None),
        (f"{PMD}; {NONE}", f"{PMD}; {NONE}"),
    ]),
    (PATIENT, [(f"{PMD}", None), (f"{PMD}; {NONE}", None)]),
]


class Negotiation(unittest.TestCase):
    def test_table(self):
        """Z-01 to Z-03 over real sockets, and that what was agreed works."""
        for settings, table in NEGOTIATION:
            daemon = harness.Daemon("echo", settings).start()
            self.addCleanup(daemon.kill)
            for offer, answer in table:
                with self.subTest(offer, **settings):
                    self.one(daemon, offer, answer)
            daemon.stop()

    def one(self, daemon, offer, answer):
        octets = f"Sec-WebSocket-Extensions: {offer}".encode()
        client = Ws(daemon.port, upgrade=False)
        head, _ = request_head(daemon.port, extra=[octets])
        client.send(head)
        got = client.answer()
        client.close()
        if answer is None and got.status == 400:
            self.assertTrue(offer.endswith(";"), "only a malformed field may be refused")
            return
        self.assertEqual(got.status, 101)
        self.assertEqual(got.one("sec-websocket-extensions"), answer)
        client = Ws(daemon.port, extensions=offer)
        text = b"agreed or not, this comes back " * 100
        for _ in range(3):
            if client.deflate:
                client.send(Bench.packed(client, TEXT, text))
            else:
                client.send_text(text)
            self.assertEqual(client.next_message(step=64), (TEXT, text))
            self.assertEqual(client.was_compressed, answer is not None)
        client.hang_up()


class Kept(deflate_cases.Kept, harness.E2E):
    routing = "echo"


if __name__ == "__main__":
    harness.main()
