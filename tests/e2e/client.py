# SPDX-License-Identifier: Apache-2.0
"""What the tests of the client role share: a daemon with `--upstream`, and the server it finds."""

import unittest

import harness
import tls
from ws import CLOSE, TEXT, WsError, close_body, frame
from ws_server import Server

QUICK = {"ws_handshake_timeout": 20000, "tcp_connect_timeout": 5000, "ws_send_timeout": 20000,
         "ws_reconnect_first": 1, "ws_reconnect_max": 20, "close_timeout": 20000,
         "log_rate": 100000}


def sent(opcode, payload=b"", **kw):
    """A server's frame."""
    return frame(opcode, payload, key=False, **kw)


class Client(unittest.TestCase):
    """Each test has a server and a daemon of its own; the daemon ends with all counters even."""

    def start(self, where=None, server=None, more=(), **settings):
        """`more`: servers that it connects to besides."""
        self.server = server or Server()
        args = []
        for one in (self.server, *more):
            self.addCleanup(one.close)
            args += ["--upstream", where or f"sip:{one.host}:{one.port};transport=ws"]
        if tls.EVERYWHERE:
            args = [arg.replace("sip:", "sips:", 1) for arg in args]
            settings = {"tls.ca_list": f"[client]{tls.ca().certificate}",
                        "wss_tls_handshake_timeout": 20000} | settings
        self.daemon = harness.Daemon("echo", QUICK | settings, args=args).start()
        self.addCleanup(self.daemon.kill)
        return self.daemon

    def stop(self):
        """No more connections, and the daemon's end."""
        self.server.close()
        return self.daemon.stop()

    def serves(self, peer, text=b"an echo"):
        peer.send(sent(TEXT, text))
        self.assertEqual(peer.next_message(), (TEXT, text))

    def farewell(self, peer):
        """The closing handshake from our side, and the end of TCP from it too (W-L-12)."""
        peer.send(sent(CLOSE, close_body(1000)))
        got = peer.next_frame()
        self.assertEqual((got.opcode, got.payload), (CLOSE, close_body(1000)))
        peer.finish()
        peer.expect_end(clean=False)
        peer.close()

    def quiet(self, peer, seconds):
        """Nothing comes, not even the end of the stream."""
        with self.assertRaisesRegex(WsError, "deadline passed"):
            peer.fill(1, seconds)
