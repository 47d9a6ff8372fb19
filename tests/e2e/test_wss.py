# SPDX-License-Identifier: Apache-2.0
"""TLS itself: versions, names, certificates and their change, what is no TLS, and the end of it."""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import unittest

import harness
import tls
from ws import CLOSE, SCALE, TEXT, Stream, Ws, close_body, frame, request_head
from ws_server import Server


RELOADS = int(os.environ.get("SIPRING_TEST_RELOADS", "40"))


def client_hello():
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.usual_client().wrap_bio(into, out, server_hostname="localhost").do_handshake()
    return out.read()


class Secure(unittest.TestCase):
    def daemon(self, settings, listen=("wss:127.0.0.1:0",), routing="echo"):
        daemon = harness.Daemon(routing, {"log_rate": 100000} | settings, listen).start()
        self.addCleanup(daemon.kill)
        return daemon

    def client(self, port, context=None, name="localhost"):
        """A WebSocket over TLS as `context` has it."""
        raw = socket.create_connection(("127.0.0.1", port), 20)
        self.addCleanup(raw.close)
        return self.upgraded(port, tls.connected(raw, name, context))

    def upgraded(self, port, sock):
        client = Ws.__new__(Ws)
        Stream.__init__(client, port, sock=sock)
        client.protocol = client.deflate = None
        client.was_compressed = False
        octets, key = request_head(port)
        client.send(octets)
        client.expect_101(key, offered=False)
        return client

    def echo(self, client, text=b"an echo"):
        client.send(frame(TEXT, text))
        self.assertEqual(client.next_message(), (TEXT, text))

    def refused(self, port, words, context=None, name="localhost"):
        with socket.create_connection(("127.0.0.1", port), 20) as raw:
            with self.assertRaisesRegex((ssl.SSLError, OSError), words):
                tls.connected(raw, name, context)

    def subject(self, client):
        return dict(x[0] for x in client.sock.tls.getpeercert()["subject"])["commonName"]


class Usual(Secure):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rsa = tls.make("rsa", kind="rsa")

    def setUp(self):
        self.served = self.daemon(tls.settings(tls.usual(), self.rsa),
                                  ("wss:127.0.0.1:0", "ws:127.0.0.1:0"))
        self.port = self.served.ports[0]

    def test_versions(self):
        for version in ("TLSv1_2", "TLSv1_3"):
            context = tls.client_context()
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
            with self.subTest(version):
                client = self.client(self.port, context)
                self.assertEqual(client.sock.tls.version(), version.replace("_", "."))
                self.assertEqual(client.sock.tls.selected_alpn_protocol(), "http/1.1")
                self.assertIsNone(client.sock.tls.compression())
                for size in (0, 1, 125, 16384, 16385, 65000):
                    self.echo(client, b"x" * size)
                client.hang_up()
        self.served.stop()

    def test_old_versions_are_refused(self):
        context = tls.client_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.served.counted(tls_handshakes_failed=1):
            self.refused(self.port, "alert|ALERT", context)
        self.assertTrue(self.served.err.wait(r"tls_failed peer=127.0.0.1 .*unsupported protocol"))
        self.served.stop()

    def test_alpn_without_http_is_refused(self):
        """W-S-17: h2 is not spoken, http/1.1 is what test_versions agrees on."""
        context = tls.client_context()
        context.set_alpn_protocols(["h2"])
        self.refused(self.port, "NO_APPLICATION_PROTOCOL|no application protocol", context)
        self.served.stop()

    def test_rsa_beside_ecdsa(self):
        context = tls.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        for kind, name in (("ECDSA", "usual"), ("RSA", "rsa")):
            context.set_ciphers(f"ECDHE-{kind}-AES128-GCM-SHA256")
            client = self.client(self.port, context)
            self.assertEqual(self.subject(client), name)
            client.hang_up()
        self.served.stop()

    def test_http_without_tls(self):
        with self.served.counted(tls_missing=1, tls_handshakes_failed=0):
            client = Stream(self.port, secure=False)
            client.send(request_head(self.port)[0])
            answer = Ws.answer(client)
            self.assertEqual(answer.status, 400)
            self.assertIn(b"wss:", answer.body)
            client.expect_end()
            client.close()
        self.assertTrue(self.served.err.wait(r"tls_missing peer=127.0.0.1 .*HTTP on a wss"))
        self.served.stop()

    def test_garbage(self):
        for octets in (b"\x16\x03\x01\xff\xff", b"\0" * 50, b"\x80\x2e\x01\0\x02" + b"\0" * 60,
                       os.urandom(300).replace(b"G", b"g"), b"\x15\x03\x03\0\x02\x02\x28"):
            with self.subTest(octets[:8]), self.served.counted(tls_handshakes_failed=1):
                client = Stream(self.port, secure=False)
                client.send(bytes([octets[0] & 0xBF]) + octets[1:])
                client.finish()
                while not client.eof:
                    client.fill(len(client.buf) + 1)
                client.close()
        self.client(self.port).hang_up()
        self.served.stop()

    def test_tls_on_the_plain_port(self):
        with self.served.counted(tls_unexpected=1, handshakes_refused=1):
            self.refused(self.served.ports[1], "WRONG_VERSION_NUMBER|wrong version")
        self.served.stop()

    def test_alert_is_logged(self):
        """A client that does not trust us says so, and the log says who and why."""
        with self.served.counted(tls_alerts=1, tls_handshakes_failed=1):
            self.refused(self.port, "CERTIFICATE_VERIFY_FAILED", ssl.create_default_context())
        self.assertTrue(self.served.err.wait(
            r'tls_failed peer=127.0.0.1 port=\d+ .*reason="alert from the peer: unknown CA"'))
        self.served.stop()

    def test_close_notify(self):
        client = self.client(self.port)
        client.send(frame(CLOSE, close_body(1000)))
        self.assertEqual(client.next_frame().close_code, 1000)
        client.expect_end()
        self.assertFalse(client.sock.truncated)
        client.close()
        self.served.wait_quiet()
        with self.served.counted(tls_truncated=1):
            client = self.client(self.port)
            client.sock.sock.shutdown(socket.SHUT_WR)
        with self.served.counted(tls_truncated=0, closed_by_peer=1):
            self.client(self.port).finish()
        self.served.stop()

    def test_broken_record(self):
        client = self.client(self.port)
        self.echo(client)
        with self.served.counted(tls_errors=1):
            client.sock.sock.send(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        self.served.stop()

    def test_resumption(self):
        context = tls.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        first = self.client(self.port, context)
        session = first.sock.tls.session
        first.hang_up()
        raw = socket.create_connection(("127.0.0.1", self.port), 20)
        with self.served.counted(tls_resumed=1, tls_handshakes=1):
            sock = tls.TlsSocket(raw, context, name="localhost", session=session)
            self.upgraded(self.port, sock).hang_up()
        self.served.stop()


class Limits(Secure):
    def test_handshake_deadline(self):
        daemon = self.daemon(tls.settings(tls.usual()) | {"tls.handshake_timeout": 300})
        with daemon.counted(tls_handshake_timeouts=3):
            for octets in (b"", b"\x16", b"\x16\x03\x01\x01\x00" + b"\x01" * 40):
                client = Stream(daemon.port, secure=False)
                client.send(octets)
                client.expect_end()
                client.close()
        daemon.stop()

    def test_many_at_once(self):
        """More handshakes than are taken between two looks at others: all come to their turn."""
        daemon = self.daemon(tls.settings(tls.usual()))
        raws = [socket.create_connection(("127.0.0.1", daemon.port), 20) for _ in range(50)]
        hellos = [client_hello() for _ in raws]
        for raw, hello in zip(raws, hellos):
            raw.sendall(hello)
        for raw in raws:
            self.assertTrue(raw.recv(10).startswith(b"\x16\x03\x03"))
            raw.close()
        daemon.stop()

    def test_stalled_handshakes(self):
        """A ClientHello cut at every stage: they delay nobody, and are gone after the deadline."""
        daemon = self.daemon(tls.settings(tls.usual()) |
                             {"tls.handshake_timeout": int(1000 * SCALE)})
        clients = [self.client(daemon.port) for _ in range(10)]
        hello = client_hello()
        stages = range(0, len(hello), 4)
        with daemon.counted(tls_handshake_timeouts=len(stages), tls_handshakes=3):
            stalled = [socket.create_connection(("127.0.0.1", daemon.port), 20) for _ in stages]
            for sock, stage in zip(stalled, stages):
                sock.sendall(hello[:stage])
            for _ in range(3):
                for client in clients:
                    self.echo(client)
                self.client(daemon.port).hang_up()
            for sock in stalled:
                sock.settimeout(20 * SCALE)
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(sock.recv(1), b"")
                sock.close()
        for client in clients:
            self.echo(client)
        daemon.stop()


class Load(Secure):
    def test_wsload(self):
        """Many at once, through the client's side of the same code: nothing is lost or late."""
        daemon = self.daemon(tls.settings(tls.usual()) | {"wss_send_timeout": 5000},
                             routing="registrar")
        for scenario, more in (("options", ["--depth", "8"]), ("churn", []), ("message", [])):
            with self.subTest(scenario):
                done = subprocess.run(
                    [str(harness.BIN / "wsload"), f"wss://127.0.0.1:{daemon.port}",
                     "--insecure", "--scenario", scenario, "--connections", "50",
                     "--duration", "500ms", "--json", *more],
                    capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                said = json.loads(done.stdout.splitlines()[-1])
                self.assertEqual(said["errors"], 0)
                self.assertGreater(said["operations"], 10)
        daemon.stop()


class Names(Secure):
    def test_sni(self):
        """Server domains by name; a wildcard; nobody's name is refused (W-S-14)."""
        pairs = {name: tls.make(name, f"DNS:{pattern}") for name, pattern in
                 (("one", "one.example"), ("wild", "*.wild.example"))}
        args = tls.settings(tls.usual()) | {"tls.match_sip_domain": "localhost"}
        daemon = harness.Daemon("echo", args, ("wss:127.0.0.1:0",), args=[
            "--set", "tls.server_domain=one", "--set", "tls.server_domain=wild",
            "--set", "tls.match_sip_domain=[one]one.example",
            "--set", "tls.match_sip_domain=[wild]*.wild.example",
            *[x for name, pair in pairs.items() for x in (
                "--set", f"tls.certificate=[{name}]{pair.certificate}",
                "--set", f"tls.private_key=[{name}]{pair.key}")]]).start()
        self.addCleanup(daemon.kill)
        for name, subject in (("localhost", "usual"), ("one.example", "one"),
                              ("ONE.example", "one"), ("a.wild.example", "wild")):
            client = self.client(daemon.port, name=name)
            self.assertEqual(self.subject(client), subject)
            client.hang_up()
        for name in ("other.example", "a.b.wild.example", "wild.example"):
            self.refused(daemon.port, "UNRECOGNIZED_NAME|unrecognized", name=name)
        daemon.stop()

    def test_client_certificates(self):
        settings = tls.settings(tls.usual()) | {"tls.verify_cert": 1, "tls.require_cert": 1,
                                                "tls.ca_list": tls.ca().certificate}
        daemon = self.daemon(settings)
        context = tls.client_context()
        context.load_cert_chain(tls.usual().certificate, tls.usual().key)
        self.echo(self.client(daemon.port, context))
        with daemon.counted(tls_handshakes_failed=1):
            raw = socket.create_connection(("127.0.0.1", daemon.port), 20)
            with contextlib.suppress(ssl.SSLError, BlockingIOError):
                tls.connected(raw).recv(1)
        raw.close()
        self.assertTrue(daemon.err.wait(r"tls_failed .*peer did not return a certificate"))
        daemon.stop()


class Reload(Secure):
    def replace(self, new, old):
        os.replace(new.certificate, old.certificate)
        os.replace(new.key, old.key)

    def test_sighup(self):
        """New connections get the new certificate, old ones go on; a bad one changes nothing."""
        pair = tls.make("before")
        daemon = self.daemon(tls.settings(pair))
        old = self.client(daemon.port)
        self.replace(tls.make("after"), pair)
        daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(daemon.out.wait("^sipring: reloaded$"))
        new = self.client(daemon.port)
        self.assertEqual((self.subject(old), self.subject(new)), ("before", "after"))
        for client in (old, new):
            self.echo(client)
        pair.key.write_bytes(tls.usual().key.read_bytes())
        with daemon.counted(tls_reloads_failed=1):
            daemon.process.send_signal(signal.SIGHUP)
            self.assertTrue(daemon.err.wait("tls_reload_failed .*mismatch"))
        self.assertEqual(self.subject(self.client(daemon.port)), "after")
        daemon.stop()

    def test_many_under_load(self):
        """Certificates change while clients come, stay and go (SIPRING_TEST_RELOADS times)."""
        pair, others = tls.make("changing"), [tls.make(f"change{i}") for i in range(2)]
        daemon = self.daemon(tls.settings(pair) | {"wss_send_timeout": 20000},
                             routing="registrar")
        loads = [subprocess.Popen(
            [str(harness.BIN / "wsload"), f"wss://127.0.0.1:{daemon.port}", "--scenario", scenario,
             "--connections", "8", "--duration", "600s", "--warm-up", "10ms", "--json", "--quiet",
             "--ca", str(tls.ca().certificate)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for scenario in ("churn", "options")]
        for load in loads:
            self.addCleanup(load.kill)
        with daemon.counted(exactly=False, tls_handshakes=30):
            pass
        for i in range(RELOADS):
            for new, old in ((others[i % 2].certificate, pair.certificate),
                             (others[i % 2].key, pair.key)):
                old.with_suffix(".new").write_bytes(new.read_bytes())
                os.replace(old.with_suffix(".new"), old)
            start = len(daemon.out.lines)
            daemon.process.send_signal(signal.SIGHUP)
            self.assertTrue(daemon.out.wait("^sipring: reloaded$", start))
        last = self.client(daemon.port)
        self.assertEqual(self.subject(last), f"change{(RELOADS - 1) % 2}")
        last.hang_up()
        for load in loads:
            load.send_signal(signal.SIGINT)
            said = json.loads(load.communicate(timeout=60)[0].splitlines()[-1])
            self.assertEqual(said["errors"], 0)
            self.assertGreater(said["operations"], 0)
        daemon.wait_quiet()
        counters = daemon.counters()
        self.assertEqual([counters[x] for x in ("tls_reloads", "tls_reloads_failed",
                                                "tls_handshakes_failed")], [RELOADS, 0, 0])
        daemon.stop()

    def test_file_change(self):
        pair = tls.make("unnoticed")
        daemon = self.daemon(tls.settings(pair) | {"tls.reload_interval": 1,
                                                   "tls.expiry_warning": 60})
        self.assertTrue(daemon.err.wait("tls_certificate_expires days="), daemon.report())
        self.replace(tls.make("noticed"), pair)
        self.assertTrue(daemon.out.wait("^sipring: reloaded$"))
        self.assertEqual(self.subject(self.client(daemon.port)), "noticed")
        self.assertGreater(daemon.counters()["tls_certificate_expires"], 0)
        daemon.stop()


class Outgoing(Secure):
    def upstream(self, server, where="", **settings):
        args = ["--upstream", f"sips:127.0.0.1:{server.port};transport=ws{where}"]
        quick = {"wss_tls_handshake_timeout": 20000, "wss_handshake_timeout": 20000,
                 "ws_reconnect_first": 50, "tls.ca_list": f"[client]{tls.ca().certificate}"}
        daemon = harness.Daemon("echo", quick | settings, args=args).start()
        self.addCleanup(daemon.kill)
        self.addCleanup(server.close)
        return daemon

    def test_verified_names(self):
        """W-L-02: the name that is asked for is the one that is verified."""
        for where in ("", ";name=localhost"):
            server = Server(secure=True)
            daemon = self.upstream(server, where)
            peer = server.upgraded()
            host = peer.asked.one("host")
            self.assertEqual(host, f"{'localhost' if where else '127.0.0.1'}:{server.port}")
            peer.close()
            server.close()
            daemon.stop()

    def test_the_check_that_fails_is_named(self):
        """W-L-02: and there is no other way in."""
        for where, settings, words in (
                (";name=other.example", {}, "hostname mismatch"),
                ("", {"tls.ca_list": f"[client]{tls.make_ca('stranger').certificate}"},
                 "unable to get local issuer certificate")):
            with self.subTest(words):
                server = Server(secure=True)
                daemon = self.upstream(server, where, **settings)
                with self.assertRaises((ssl.SSLError, OSError)):
                    server.accept().request()
                self.assertTrue(daemon.err.wait(f"tls_failed .*certificate verify failed: {words}"))
                server.close()
                daemon.stop()

    def reread(self, daemon):
        start = len(daemon.out.lines)
        daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(daemon.out.wait("^sipring: reloaded$", start))

    def still_used(self, peer):
        peer.send(frame(TEXT, b"still there?", key=False))
        self.assertEqual(peer.next_message(), (TEXT, b"still there?"))

    def reusing(self, check, **settings):
        """A connection out with files of its own; they have been read once more, unchanged."""
        trusted, ours = tls.directory() / "trusted.pem", tls.make("ours")
        trusted.write_bytes(tls.ca().certificate.read_bytes())
        server = Server(secure=True)
        daemon = self.upstream(server, **{
            "cert_check_on_conn_reusage": check, "tls.ca_list": f"[client]{trusted}",
            "tls.certificate": f"[client]{ours.certificate}",
            "tls.private_key": f"[client]{ours.key}"} | settings)
        peer = server.upgraded()
        with daemon.counted(tls_reloads=1, tls_reuse_refused=0):
            self.reread(daemon)
        self.still_used(peer)
        return daemon, server, peer, trusted, ours

    def test_reuse_is_not_checked(self):
        daemon, server, peer, trusted, _ = self.reusing(0)
        trusted.write_bytes(tls.make_ca("stranger").certificate.read_bytes())
        with daemon.counted(tls_reuse_refused=0):
            self.reread(daemon)
        self.still_used(peer)
        server.close()
        daemon.stop()

    def test_reuse_with_another_ca(self):
        """It is told so at once, also by a loop that has nothing else to do."""
        daemon, server, peer, trusted, _ = self.reusing(1, close_timeout=20, loops=1)
        trusted.write_bytes(tls.make_ca("stranger").certificate.read_bytes())
        with daemon.counted(exactly=False, tls_reuse_refused=1):
            self.reread(daemon)
        self.assertEqual(peer.next_frame().close_code, 1001)
        self.assertTrue(daemon.err.wait('tls_reuse_refused .*reason="unable to get local issuer'))
        with self.assertRaises((ssl.SSLError, OSError)):
            server.accept().request()
        server.close()
        daemon.stop()

    def test_reuse_with_another_certificate_of_ours(self):
        daemon, server, peer, _, ours = self.reusing(1)
        other = tls.make("other")
        ours.certificate.write_bytes(other.certificate.read_bytes())
        ours.key.write_bytes(other.key.read_bytes())
        with daemon.counted(exactly=False, tls_reuse_refused=1):
            self.reread(daemon)
        self.assertEqual(peer.next_frame().close_code, 1001)
        peer.close()
        self.still_used(server.upgraded())
        server.close()
        daemon.stop()


if __name__ == "__main__":
    harness.main()
