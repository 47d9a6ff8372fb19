# SPDX-License-Identifier: Apache-2.0
"""The examples of the C API (engine/examples), against our client and against each other."""

import signal
import subprocess
import unittest

import harness
from harness import BIN, TROUBLE, Lines
from sip import Phone, tag, uri_of
from ws import BINARY, DEADLINE, Ws

EXAMPLES = BIN / "examples"


class Server:
    """An example that listens."""

    def __init__(self, name):
        self.process = subprocess.Popen([EXAMPLES / name, "ws:127.0.0.1:0"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)
        ready = self.out.wait(r"^listening on ws://127\.0\.0\.1:(\d+)$")
        if not ready:
            self.process.kill()
            raise AssertionError(f"{name} is not ready: {self.err.text()}")
        self.port = int(ready[1].group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self.err.thread.join(DEADLINE)
        assert code == 0, f"exit code {code}: {self.err.text()}"
        assert not TROUBLE.search(self.err.text()), self.err.text()


class Examples(unittest.TestCase):
    def serve(self, name):
        server = Server(name)
        self.addCleanup(server.process.kill)
        return server

    def client(self, port):
        done = subprocess.run([EXAMPLES / "client", f"sip:127.0.0.1:{port};transport=ws"],
                              capture_output=True, text=True, timeout=DEADLINE, check=False,
                              stdin=subprocess.DEVNULL)
        self.assertIsNone(TROUBLE.search(done.stderr), done.stderr)
        return done

    def test_options(self):
        server = self.serve("options")
        phone = Phone(server.port, "alice")
        got = phone.ask("OPTIONS", "sip:127.0.0.1")
        self.assertEqual((got.status, got.get("allow")), (200, b"OPTIONS"))
        self.assertTrue(tag(got.get("to")))
        self.assertIn(b"received=127.0.0.1", got.get("via"))
        self.assertEqual(phone.ask("REGISTER", "sip:127.0.0.1").status, 405)
        self.assertEqual(phone.ask("OPTIONS", "sip:127.0.0.1", drop=("Call-ID",)).status, 400)
        phone.send_sip(phone.make("ACK", "sip:127.0.0.1"))
        phone.send_sip(b"garbage")
        self.assertEqual(phone.ask("OPTIONS", "sip:127.0.0.1").status, 200)
        phone.hang_up()
        server.stop()

    def test_many_at_once(self):
        """More connections than loops; each has its answers in order."""
        server = self.serve("options")
        phones = [Phone(server.port, f"user{i}") for i in range(20)]
        asked = [[phone.make("OPTIONS", "sip:127.0.0.1") for _ in range(50)] for phone in phones]
        for phone, requests in zip(phones, asked):
            for request in requests:
                phone.send_sip(request)
        for phone, requests in zip(phones, asked):
            for request in requests:
                got = phone.next_sip()
                self.assertEqual(got.status, 200)
                self.assertIn(b"Call-ID: " + got.call_id, request)
        server.stop()
        for phone in phones:
            phone.close()

    def test_chatbot(self):
        server = self.serve("chatbot")
        phone = Phone(server.port, "alice")
        for text in (b"hello", "na\u00efve \u2603".encode(), b""):
            got = phone.ask("MESSAGE", "sip:bot@bot.invalid", [("Content-Type", "text/plain")],
                            text)
            self.assertEqual(got.status, 200)
            back = phone.next_sip()
            self.assertEqual((back.method, back.uri, back.body),
                             (b"MESSAGE", phone.aor.encode(), text))
            self.assertEqual(uri_of(back.get("to")), phone.aor.encode())
            self.assertIsNone(tag(back.get("to")))
            phone.reply(back, 200)
        self.assertEqual(phone.ask("OPTIONS", "sip:bot@bot.invalid").status, 405)
        phone.send_frame(BINARY, phone.make("MESSAGE", "sip:bot@bot.invalid", (), b"\xff"))
        self.assertEqual(phone.next_sip().status, 200)
        back = phone.next_sip()
        self.assertEqual((back.opcode, back.body), (BINARY, b"\xff"))
        phone.hang_up()
        server.stop()

    def test_client_and_options(self):
        server = self.serve("options")
        done = self.client(server.port)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^connected to 127\.0\.0\.1 port \d+\nSIP/2\.0 200 OK\n")
        server.stop()

    def test_client_and_chatbot(self):
        server = self.serve("chatbot")
        done = self.client(server.port)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("SIP/2.0 405 Method Not Allowed", done.stdout)
        server.stop()

    def test_client_and_daemon(self):
        daemon = harness.Daemon(settings={"require_origin": "0"}).start()
        self.addCleanup(daemon.kill)
        done = self.client(daemon.port)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Allow: OPTIONS, REGISTER", done.stdout)
        daemon.stop()

    def test_nobody_there(self):
        server = self.serve("options")
        port = server.port
        server.stop()
        self.assertEqual(self.client(port).returncode, 1)

    def test_sudden_ends(self):
        server = self.serve("chatbot")
        for end in ("close", "reset"):
            phone = Phone(server.port, "alice")
            phone.send_sip(phone.make("MESSAGE", "sip:bot@bot.invalid", (), b"last words"))
            getattr(phone, end)()
        ws = Ws(server.port)
        ws.hang_up()
        server.stop()

    def test_bad_arguments(self):
        for name, args in (("options", ["ws:nonsense"]), ("chatbot", ["ws:nonsense"]),
                           ("client", []), ("client", ["nonsense"])):
            done = subprocess.run([EXAMPLES / name, *args], capture_output=True, text=True,
                                  timeout=DEADLINE, check=False, stdin=subprocess.DEVNULL)
            self.assertIn(done.returncode, (1, 2), name)
            self.assertIn(name, done.stderr)


if __name__ == "__main__":
    harness.main()
