# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate in the client role: what is asked for and agreed on (Z-01 to Z-03), and the
cases of deflate_cases with the roles the other way round."""

import base64
import os

import deflate_cases
import harness
from client import Client, sent
from deflate import NONE, NO_CLIENT
from ws import BINARY, CONT, PING, PONG, TEXT
from ws import Deflate as Agreement


class Agreeing(Client):
    """permessage-deflate with the roles the other way round (Z-01 to Z-05)."""

    ON = {"permessage_deflate": "yes", "deflate_min": 0, "ws_max_message": 1 << 20}

    def answered(self, value):
        return self.server.upgraded(b"Sec-WebSocket-Extensions: " + value.encode())

    def agree(self, value):
        peer = self.answered(value)
        peer.deflate = Agreement(value, role="server")
        return peer

    def talk(self, peer):
        for n in (1, 100, 5000, 70000):
            for opcode, payload in ((TEXT, b"this is said again, %d " % n * (n // 20 + 1)),
                                    (BINARY, base64.b64encode(os.urandom(n)))):
                data = peer.deflate.deflate(payload)
                cut = len(data) // 3
                peer.send(sent(opcode, data[:cut], fin=False, rsv=4) + sent(PING)
                          + sent(CONT, data[cut:]))
                self.assertEqual(peer.next_frame().opcode, PONG)
                got = peer.next_message(step=128)
                self.assertTrue(got == (opcode, payload), n)
        self.assertTrue(peer.was_compressed)

    def test_without_context(self):
        self.start(**self.ON)
        none = "server_no_context_takeover; client_no_context_takeover"
        peer = self.server.accept()
        self.assertEqual(peer.request().one("sec-websocket-extensions"),
                         f"permessage-deflate; {none}; client_max_window_bits")
        peer.close()
        for more in ("", "; client_max_window_bits=9", "; server_max_window_bits=10"):
            peer = self.agree(f"permessage-deflate; {none}{more}")
            self.talk(peer)
            self.farewell(peer)
        peer = self.server.upgraded()  # declined
        self.serves(peer)
        peer.send(sent(TEXT, b"\0", rsv=4))
        self.assertEqual(peer.next_frame().close_code, 1002)
        peer.close()
        self.stop()

    def test_with_context(self):
        self.start(**self.ON, deflate_context_takeover="yes", deflate_window_bits=12)
        peer = self.server.accept()
        self.assertEqual(peer.request().one("sec-websocket-extensions"),
                         "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12")
        peer.close()
        for answer in ("server_max_window_bits=12; client_max_window_bits=12",
                       "server_max_window_bits=9; client_max_window_bits=10",
                       "server_max_window_bits=12; client_no_context_takeover"):
            peer = self.agree(f"permessage-deflate; {answer}")
            self.talk(peer)
            self.farewell(peer)
        self.stop()

    def test_bad_agreements(self):
        self.start(**self.ON, deflate_context_takeover="yes", deflate_window_bits=12)
        for params in ("", "; server_max_window_bits=13", "; server_max_window_bits",
                       "; server_max_window_bits=12; client_max_window_bits=13",
                       "; server_max_window_bits=12; client_max_window_bits",
                       "; server_max_window_bits=12; unknown",
                       "; server_max_window_bits=12; server_max_window_bits=12",
                       "; server_max_window_bits=12, permessage-deflate",
                       "; server_max_window_bits=7"):
            with self.subTest(params), self.daemon.counted(upstream_refused=1, handshakes_done=0):
                peer = self.answered("permessage-deflate" + params)
                peer.expect_end(clean=False)
                peer.close()
        self.stop()


class Cases(Client):
    """Each connection of the daemon's is answered with the agreement that a case wants."""

    frame = staticmethod(sent)
    no_context = NO_CLIENT
    always = ""  # what our offer makes an answer say

    def setUp(self):
        super().setUp()
        self.start(**self.settings)

    def tearDown(self):
        self.stop()
        super().tearDown()

    def ws(self, extensions=None):
        if extensions is None:
            return self.server.upgraded()
        if self.always not in extensions:
            extensions += self.always
        peer = self.server.upgraded(f"Sec-WebSocket-Extensions: {extensions}".encode())
        peer.deflate = Agreement(extensions, role="server")
        return peer


class Kept(Cases, deflate_cases.Kept):
    pass


class Plain(Cases, deflate_cases.Plain):
    always = f"; {NONE}"


del Cases  # not to be run by itself

if __name__ == "__main__":
    harness.main()
