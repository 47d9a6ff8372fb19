# SPDX-License-Identifier: Apache-2.0
"""The daemon's beginning and end: SIGTERM with every kind of connection, and the command line."""

import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import harness
import tls
from sip import Phone
from ws import CLOSE, PING, SCALE, TEXT, Stream, Ws, close_body, frame, request_head

BOUNDS = {"drain_timeout": 3000, "close_timeout": 1000}
SLACK = 5 * SCALE  # for a noisy machine, on top of what the settings promise


def run(*args):
    """The daemon with arguments that let it end by itself: (exit code, stdout, stderr)."""
    done = subprocess.run([harness.BINARY_PATH, *args], capture_output=True, text=True,
                          timeout=30 * SCALE,
                          check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Drain(unittest.TestCase):
    def start(self, **settings):
        daemon = harness.Daemon(settings=BOUNDS | settings).start()
        self.addCleanup(daemon.kill)
        return daemon

    def ends(self, daemon, within):
        begun = time.monotonic()
        self.assertEqual(daemon.wait_exit(within + SLACK), 0, daemon.report())
        daemon.check_end(0)
        return time.monotonic() - begun

    def test_no_connection(self):
        for sig in (signal.SIGTERM, signal.SIGINT):
            daemon = self.start()
            daemon.process.send_signal(sig)
            self.ends(daemon, 0)

    def test_idle_connections(self):
        daemon = self.start()
        clients = [Ws(daemon.port) for _ in range(50)]
        daemon.terminate()
        for client in clients:
            client.expect_close(1001)
            client.close()
        self.ends(daemon, 0)

    def test_registered_users(self):
        daemon = self.start()
        clients = [Phone(daemon.port, f"u{i}").registered() for i in range(20)]
        daemon.terminate()
        for client in clients:
            client.expect_close(1001)
            client.close()
        self.ends(daemon, 0)

    def test_peers_that_never_answer(self):
        """Bounded by close_timeout, well inside drain_timeout."""
        daemon = self.start()
        clients = [Ws(daemon.port) for _ in range(5)]
        daemon.terminate()
        for client in clients:
            self.assertEqual(client.next_frame().close_code, 1001)
        self.ends(daemon, 3)

    def test_handshaking(self):
        """W-C-08: an HTTP error, never a Close frame."""
        daemon = self.start(handshake_timeout=60000)
        silent, half = Stream(daemon.port), Stream(daemon.port)
        half.send(request_head(daemon.port)[0][:50])
        ok, last = daemon.wait_counters(lambda c: c["connections"] == 2)
        self.assertTrue(ok, last)
        daemon.terminate()
        for client in (silent, half):
            if client.fill(1):
                self.assertEqual(Ws.answer(client).status, 503)
            client.expect_end(clean=False)
            client.close()
        self.ends(daemon, 3)

    def test_mid_message(self):
        daemon = self.start()
        client = Ws(daemon.port)
        client.send(frame(TEXT, b"x" * 1000)[:500] + b"")
        client2 = Ws(daemon.port)
        client2.send(frame(TEXT, b"x", fin=False) + frame(PING, b"there"))
        client2.expect_pong(b"there")
        daemon.terminate()
        client2.expect_close(1001)
        self.assertEqual(client.next_frame().close_code, 1001)
        client.close()
        self.ends(daemon, 3)

    def test_busy(self):
        """In the middle of traffic: what was delivered is whole, then 1001."""
        daemon = self.start()
        a, b = Phone(daemon.port, "a").registered(), Phone(daemon.port, "b").registered()
        a.send(b"".join(frame(TEXT, a.make("MESSAGE", "sip:b@example.org", body=b"%05d" % i))
                        for i in range(300)))
        first = b.next_sip()
        self.assertEqual(first.body, b"00000")
        daemon.terminate()
        for client in (a, b):
            seen = 0
            while (got := client.next_frame()).opcode != CLOSE:
                if client is b:
                    seen += 1
                    self.assertTrue(got.payload.endswith(b"%05d" % seen), got)
            self.assertEqual(got.close_code, 1001)
            client.send(frame(CLOSE, close_body(1001)))
            client.close()
        self.ends(daemon, 3)

    def test_stalled(self):
        """A peer that does not read cannot hold us up."""
        daemon = self.start(ws_send_timeout=600000, ws_send_queue=64 << 20)
        a = Phone(daemon.port, "a").registered()
        b = Phone(daemon.port, "b", rcvbuf=4096).registered()
        for _ in range(96):
            a.send_sip(a.make("MESSAGE", "sip:b@example.org", body=b"*" * 60000))
        self.assertEqual(a.settle(), [])
        daemon.terminate()
        a.expect_close(1001)
        a.close()
        self.ends(daemon, 3)
        b.close()

    @unittest.skipIf(tls.EVERYWHERE, "there is no answer before TLS")
    def test_new_connections_are_refused(self):
        daemon = self.start()
        client = Ws(daemon.port)
        daemon.terminate()
        self.assertEqual(client.next_frame().close_code, 1001)
        try:
            late = Stream(daemon.port)
        except ConnectionRefusedError:
            pass
        else:
            late.send(request_head(daemon.port)[0])
            if late.fill(1):
                self.assertEqual(Ws.answer(late).status, 503)
            late.close()
        client.send(frame(CLOSE, close_body(1001)))
        client.close()
        self.ends(daemon, 3)

    def test_second_signal(self):
        """The second one does not wait any longer."""
        daemon = self.start(drain_timeout=600000, close_timeout=60000)
        client = Ws(daemon.port)
        daemon.terminate()
        self.assertEqual(client.next_frame().close_code, 1001)
        self.assertTrue(daemon.alive())
        daemon.terminate()
        self.assertLess(self.ends(daemon, 0), SLACK)
        client.expect_end(clean=False)

    def test_drain_timeout(self):
        """drain_timeout is the end, whatever close_timeout says."""
        daemon = self.start(drain_timeout=1000, close_timeout=60000)
        client = Ws(daemon.port)
        daemon.terminate()
        self.assertEqual(client.next_frame().close_code, 1001)
        self.ends(daemon, 1)

    def test_echo_mode_and_router_thread(self):
        for settings in ({"routing.mode": "echo"}, {"routing_threads": 1},
                         {"send_guard": "always"}):
            daemon = self.start(**settings)
            client = Ws(daemon.port)
            daemon.terminate()
            client.expect_close(1001)
            client.close()
            self.ends(daemon, 0)


class CommandLine(unittest.TestCase):
    def names(self):
        table = (harness.ROOT / "engine" / "settings.def").read_text()
        return re.findall(r'^SETTING\(\w+, \w+, "([^"]+)"', table, re.M)

    def test_help_and_version(self):
        code, out, err = run("--help")
        self.assertEqual((code, err), (0, ""))
        for word in ("--listen", "--routing", "--set", "--check", "--print-config", "registrar",
                     "echo"):
            self.assertIn(word, out)
        code, out, err = run("--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^sipring \d+\.\d+\.\d+")

    def test_print_config(self):
        code, out, err = run("--print-config")
        self.assertEqual((code, err), (0, ""))
        for name in self.names():
            self.assertRegex(out, rf"(?m)^{re.escape(name)}: ")
        code, out, _ = run("--set", "ws_max_message=12345", "--routing", "echo", "--print-config")
        self.assertRegex(out, r"(?m)^ws_max_message: 12345$")
        self.assertRegex(out, r"(?m)^routing\.mode: echo$")

    def test_print_config_can_be_read_back(self):
        _, out, _ = run("--set", "close_timeout=77", "--print-config")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write(out)
            config.flush()
            code, again, err = run("-f", config.name, "--print-config")
            self.assertEqual((code, err, again), (0, "", out))
            code, again, _ = run("--set", "close_timeout=78", "-f", config.name, "--print-config")
            self.assertEqual(again, out.replace("close_timeout: 77", "close_timeout: 78"))

    def test_file_is_wrong(self):
        """The file, the line and the name are in the error."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write("ws_port: 80\nrouting:\n  mood: echo\n")
            config.flush()
            code, out, err = run("-f", config.name)
            self.assertEqual((code, out), (2, ""))
            self.assertIn(f"{config.name}:3: no setting is called 'routing.mood'", err)
        code, _, err = run("-f", "/nonexistent/sipring.yaml")
        self.assertEqual(code, 2)
        self.assertIn("/nonexistent/sipring.yaml: No such file", err)

    def test_check(self):
        self.assertEqual(run("--check")[0], 0)
        good = ("--listen", "ws:127.0.0.1:0", "--set", "routing_threads=1")
        self.assertEqual(run(*good, "--check")[0], 0)

    def test_bad_usage(self):
        """Exit 2 and words that name the culprit; nothing starts."""
        for args, culprit in (
                (("--nonsense",), "nonsense"),
                (("stray",), "stray"),
                (("--listen",), "listen"),
                (("--listen", "tcp:127.0.0.1:1"), "tcp:127.0.0.1:1"),
                (("--listen", "wss:127.0.0.1:8443"), "tls.certificate"),
                (("--listen", "ws:127.0.0.1:65536"), "65536"),
                (("--listen", "ws:127.0.0.1:http"), "http"),
                (("--listen", "ws:localhost:8080"), "localhost"),
                (("--listen", "ws:[::1:8080"), "::1"),
                (("--listen", "ws:"), "ws:"),
                (("--routing", "magic"), "magic"),
                (("--set", "no_such_thing=1"), "no_such_thing"),
                (("--set", "ws_max_message"), "ws_max_message"),
                (("--set", "ws_max_message=big"), "ws_max_message"),
                (("--set", "ws_max_message=-1"), "ws_max_message"),
                (("--set", "ws_max_message=99999999999999999999"), "ws_max_message"),
                (("--set", "ws_max_message=1"), "ws_max_message"),
                (("--set", "ws_max_message="), "ws_max_message"),
                (("--set", "ws_max_message=70000x"), "ws_max_message"),
                (("--set", "routing.received=maybe"), "routing.received"),
                (("--set", "require_origin=2"), "require_origin"),
                (("--set", "send_guard=never"), "send_guard"),
                (("--set", "log_level=loud"), "log_level"),
                (("--set", "registrar.min_expires=7000", "--set", "registrar.max_expires=60"),
                 "expires"),
                (("--set", "max_connections=1000000"), "max_connections")):
            for check in ((), ("--check",)):
                with self.subTest(args, check=bool(check)):
                    code, out, err = run(*args, *check)
                    self.assertEqual(code, 2, (out, err))
                    self.assertIn(culprit, err)
                    self.assertRegex(err, r"(?m)^sipring: ")
                    self.assertNotIn("ready", out)

    def test_port_taken(self):
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = run("--listen", f"ws:127.0.0.1:{port}")
        self.assertEqual(code, 1, (out, err))
        self.assertIn(str(port), err)
        self.assertRegex(err, r"(?i)in use|taken")
        self.assertNotIn("ready", out)
        taken.close()

    def test_port_taken_by_another_one_of_us(self):
        daemon = harness.Daemon().start()
        self.addCleanup(daemon.kill)
        code, _, err = run("--listen", f"ws:127.0.0.1:{daemon.port}")
        self.assertEqual(code, 1, err)
        self.assertIn(str(daemon.port), err)
        Ws(daemon.port).hang_up()
        daemon.stop()

    def test_address_of_another_machine(self):
        code, _, err = run("--listen", "ws:192.0.2.1:8080")
        self.assertEqual(code, 1, err)
        self.assertIn("192.0.2.1", err)

    def test_port_is_free_at_once(self):
        """Restart on the same port, though our side holds the TIME_WAIT of many connections."""
        daemon = harness.Daemon().start()
        self.addCleanup(daemon.kill)
        port = daemon.port
        for _ in range(20):
            client = Ws(port)
            client.send(frame(CLOSE, close_body(1000)))
            client.next_frame()
            client.expect_end(clean=False)
            client.close()
        daemon.stop()
        again = harness.Daemon(listen=(f"ws:127.0.0.1:{port}",)).start()
        self.addCleanup(again.kill)
        Ws(port).hang_up()
        again.stop()


if __name__ == "__main__":
    harness.main()
