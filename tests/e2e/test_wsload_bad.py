# SPDX-License-Identifier: Apache-2.0
"""wsload --bad: what each bad client tells of our daemon, and of servers that do wrong."""

import json
import subprocess
import unittest

import sloppy
from harness import Daemon
from test_wsload import WSLOAD, Case
from ws import DEADLINE


class BadClients(Case):
    """What each bad client reports of our daemon, and of servers that do the wrong thing."""

    def bad(self, port, names="all", timeout="3s"):
        done = subprocess.run([WSLOAD, f"ws://127.0.0.1:{port}/", "--bad", names, "--json",
                               "--timeout", timeout], capture_output=True, text=True,
                              timeout=6 * DEADLINE, check=False)
        r = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if r["errors"] else 0)
        return {c["name"]: (c["as_expected"], c["got"]) for c in r["cases"]}

    def test_ours(self):
        daemon = Daemon(settings={"handshake_timeout": 500}).start()
        self.addCleanup(daemon.stop)
        got = self.bad(daemon.port)
        self.assertEqual(len(got), 18)
        self.assertEqual({name: said for name, (ok, said) in got.items() if not ok}, {})

    def sloppy(self, names, server, timeout="300ms"):
        self.addCleanup(server.close)
        got = self.bad(server.port, ",".join(names), timeout)
        self.assertEqual(set(got), set(names))
        return {name: said for name, (ok, said) in got.items() if not ok}

    def test_who_checks_nothing(self):
        """The sloppy server masks nothing, checks no bit, no opcode, no UTF-8, no length."""
        names = ["rsv", "opcode", "stray", "close-code", "utf8", "endless", "long-ping"]
        wrong = self.sloppy(names, sloppy.Server())
        self.assertEqual(set(wrong), set(names))
        self.assertEqual(wrong["rsv"], "another message")
        self.assertEqual(wrong["close-code"], "a broken frame")
        self.assertEqual(wrong["endless"], "no reaction")

    def test_unmasked(self):
        self.assertEqual(self.sloppy(["unmasked"], sloppy.Server()), {"unmasked": "no reaction"})

    def test_who_waits_for_ever(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                if "application/sdp\r\nContent-Length: 4" not in request:
                    await super().take(connection, request)

        wrong = self.sloppy(["huge-sdp", "one-byte"], Server())
        self.assertEqual(wrong, {"huge-sdp": "no reaction"})

    def test_who_knows_no_fragments(self):
        self.assertEqual(set(self.sloppy(["fragments"], sloppy.Server())), {"fragments"})

    def test_who_queues_without_end(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                pass  # reads on, whatever it owes

        wrong = self.sloppy(["zero-window"], Server(), "3s")
        self.assertEqual(wrong, {"zero-window": "others are not served any more"})

    def test_who_drowns(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                if request != "\r\n\r\n":
                    await super().take(connection, request)
                elif connection.requests > 1000:
                    connection.send(b"\x03\xf3", 0x88)
                    raise ConnectionError

        wrong = self.sloppy(["crlf-flood"], Server(), "3s")
        self.assertEqual(wrong, {"crlf-flood": "Close 1011"})

    def test_who_wants_a_frame_at_once(self):
        """One that takes what a read gives it for a whole frame."""
        class Server(sloppy.Server):
            async def accepted(self, reader, writer):
                class Hasty:
                    async def readuntil(self, end):
                        return await reader.readuntil(end)

                    async def readexactly(self, n):
                        got = await reader.read(n)
                        if len(got) < n:
                            raise ConnectionError
                        return got

                await super().accepted(Hasty(), writer)

        wrong = self.sloppy(["one-byte"], Server())
        self.assertEqual(wrong, {"one-byte": "disconnected"})

    def test_who_forgets_pongs(self):
        """After so many Pings it is busy with something else."""
        class Server(sloppy.Server):
            pings = 0

            async def ping(self, connection, payload):
                self.pings += 1
                if self.pings == 5000:
                    connection.send(b"\x03\xf3", 0x88)
                    raise ConnectionError

        wrong = self.sloppy(["ping-flood"], Server(), "3s")
        self.assertEqual(wrong, {"ping-flood": "Close 1011"})

    def test_who_stops_for_a_slow_reader(self):
        """Where answers pile up it serves nobody else any more."""
        class Server(sloppy.Server):
            async def take(self, connection, request):
                await super().take(connection, request)
                if connection.writer.transport.get_write_buffer_size() > 100000:
                    self.listener.close()

        wrong = self.sloppy(["slow-reader"], Server(), "1s")
        self.assertEqual(wrong, {"slow-reader": "others are not served any more"})

    def test_whom_an_abort_kills(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                await super().take(connection, request)
                self.listener.close()

        wrong = self.sloppy(["abort"], Server())
        self.assertEqual(wrong, {"abort": "others are not served any more"})

    def test_who_has_no_deadline(self):
        """Of a handshake that does not come about: these two wait 15 s for the end of it."""
        runs = {}
        for name in "silent", "slow-handshake":
            server = sloppy.Server()
            self.addCleanup(server.close)
            runs[name] = subprocess.Popen(
                [WSLOAD, f"ws://127.0.0.1:{server.port}/", "--bad", name, "--json"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for name, run in runs.items():
            out = run.communicate(timeout=6 * DEADLINE)[0]
            case = json.loads(out)["cases"][0]
            self.assertEqual((run.returncode, case["as_expected"]), (1, False), name)
            self.assertEqual(case["got"], "no reaction")

    def test_unknown_name(self):
        done = subprocess.run([WSLOAD, "ws://127.0.0.1:1/", "--bad", "rsv,worse"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("zero-window", done.stderr)


if __name__ == "__main__":
    unittest.main()
