# SPDX-License-Identifier: Apache-2.0
"""wsload against our daemon, and against servers that do one thing wrong."""

import csv
import json
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
import xml.dom.minidom

import sloppy
import tls
from harness import BIN, Daemon, Lines, poll
from ws import DEADLINE

WSLOAD = str((BIN if BIN.is_dir() else BIN.parent) / "wsload")


def command(port, *args):
    return [WSLOAD, f"ws://127.0.0.1:{port}/", "--json", "--warm-up", "50ms", "--duration", "300ms",
            "--timeout", "1s", *map(str, args)]


def load(port, *args):
    """(exit code, the JSON object, what it said)"""
    done = subprocess.run(command(port, *args), capture_output=True, text=True,
                          timeout=6 * DEADLINE, check=False)
    lines = done.stdout.splitlines()
    if not lines:
        raise AssertionError(f"{done.returncode}: {done.stderr}")
    return done.returncode, json.loads(lines[-1]), done.stderr


class Case(unittest.TestCase):
    def good(self, port, *args):
        code, result, said = load(port, *args)
        self.assertEqual((code, result["errors"]), (0, 0), said)
        return result


class Ours(Case):
    """Every scenario runs without an error."""

    @classmethod
    def setUpClass(cls):
        cls.sip = Daemon().start()
        cls.echo = Daemon(routing="echo").start()

    @classmethod
    def tearDownClass(cls):
        for daemon in cls.sip, cls.echo:
            daemon.stop()

    def check(self, result, times=()):
        self.assertGreater(result["operations"], 50)
        self.assertEqual(result["latency_us"]["count"], result["operations"])
        p = result["latency_us"]
        self.assertTrue(0 < p["p50"] <= p["p90"] <= p["p99"] <= p["p999"] <= p["max"], p)
        for name in times:
            self.assertGreater(result["times_us"][name]["count"], 0, name)

    def test_options(self):
        self.check(self.good(self.sip.port, "--connections", 20, "--depth", 5), ["upgrade"])

    def test_register(self):
        r = self.good(self.sip.port, "--scenario", "register", "--connections", 20)
        self.check(r, ["register"])
        self.assertEqual(r["counts"]["registered"], 20)

    def test_message(self):
        r = self.good(self.sip.port, "--scenario", "message", "--connections", 20, "--depth", 3,
                      "--size", 300)
        self.check(r, ["delivery"])

    def test_call(self):
        r = self.good(self.sip.port, "--scenario", "call", "--connections", 20, "--depth", 2)
        self.check(r, ["pdd", "answer", "bye"])

    def test_mixed(self):
        r = self.good(self.sip.port, "--scenario", "mixed", "--connections", 8, "--depth", 3)
        self.check(r, ["options", "refresh", "message", "call", "delivery", "bye"])
        kinds = [r["times_us"][x]["count"] for x in ("options", "refresh", "message", "call")]
        self.assertEqual(sum(kinds), r["operations"])

    def test_mix(self):
        """The weights hold, and what has none is not done."""
        r = self.good(self.sip.port, "--scenario", "mixed", "--mix", "options=3,message=1",
                      "--connections", 8, "--rate", 2000, "--max-lag", "10s", "--duration", "1s")
        counts = {x: r["times_us"][x]["count"] for x in ("options", "refresh", "message", "call")}
        self.assertEqual((counts["refresh"], counts["call"]), (0, 0))
        self.assertAlmostEqual(counts["options"] / r["operations"], .75, delta=.06)

    def test_keepalive(self):
        for how in "50ms", "50ms:crlf":
            r = self.good(self.sip.port, "--scenario", "idle", "--connections", 4, "--keep-alive",
                          how, "--duration", "1s")
            self.assertAlmostEqual(r["times_us"]["keepalive"]["count"], 80, delta=8)

    def test_first(self):
        """Two at once, each with its own users."""
        both = [subprocess.Popen(command(self.sip.port, "--scenario", "mixed", "--connections", 10,
                                         "--first", n), stdout=subprocess.PIPE) for n in (0, 10)]
        for one in both:
            self.assertEqual(json.loads(one.communicate()[0].splitlines()[-1])["errors"], 0)

    def test_churn(self):
        r = self.good(self.sip.port, "--scenario", "churn", "--connections", 5)
        self.check(r, ["connect", "upgrade"])
        self.assertGreaterEqual(r["counts"]["connected"], r["operations"])

    def test_idle(self):
        r = self.good(self.sip.port, "--scenario", "idle", "--connections", 200, "--server-pid",
                      self.sip.pid, "--sources", "127.0.0.2-127.0.0.5")
        self.assertEqual(r["counts"]["connected"], 200)
        self.assertEqual(r["operations"], 0)
        self.assertGreater(r["server"]["rss_bytes"], 0)

    def test_hold(self):
        """Registered, held through a round of Pings, then one OPTIONS of each: no more, no less."""
        daemon = Daemon(settings={"ws_ping_interval": 1}).start()
        self.addCleanup(daemon.kill)
        for pace in (), ("--rate", 2000, "--max-lag", "10s"):
            r = self.good(daemon.port, "--scenario", "hold", "--connections", 200, "--warm-up",
                          "1500ms", *pace)
            self.assertEqual((r["counts"]["registered"], r["operations"]), (200, 200))
            self.assertGreaterEqual(r["counts"]["pings"], 200)
        daemon.stop()

    def test_echo(self):
        for size in 20, 64, 500, 20000:
            self.check(self.good(self.echo.port, "--scenario", "echo", "--size", size,
                                 "--connections", 3, "--depth", 4))

    def test_threads(self):
        r = self.good(self.sip.port, "--scenario", "message", "--connections", 40, "--threads", 3)
        self.check(r)
        self.assertEqual(r["counts"]["registered"], 40)

    def test_open_loop(self):
        r = self.good(self.sip.port, "--connections", 10, "--rate", 500, "--max-lag", "1s")
        self.assertAlmostEqual(r["operations"], 150, delta=1)
        self.assertEqual(r["times_us"]["lag"]["count"], r["operations"])

    def test_stages(self):
        """Up to 400/s in 1 s (200 operations), a jump to 800/s for half a second (400)."""
        done = subprocess.run(
            [WSLOAD, f"ws://127.0.0.1:{self.sip.port}", "--json", "--connections", "10", "--stages",
             "1s:400,0s:800,500ms:800", "--max-lag", "1s"], capture_output=True, text=True,
            check=False)
        r = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((done.returncode, r["errors"]), (0, 0), done.stderr)
        self.assertAlmostEqual(r["operations"], 600, delta=2)
        self.assertAlmostEqual(r["duration_s"], 1.5, delta=0.3)

    def test_server_cost(self):
        r = self.good(self.sip.port, "--depth", 16, "--server-pid", self.sip.pid)
        self.assertGreater(r["server"]["cpu_s"], 0)
        self.assertGreater(r["server"]["cpu_us_per_operation"], 0)

    def test_interrupted(self):
        """Ctrl-C: the results so far."""
        process = subprocess.Popen(command(self.sip.port, "--duration", "60s"),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = Lines(process.stdout), Lines(process.stderr)
        self.assertTrue(err.wait(r"connected"), err.text())
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE)
        out.thread.join(DEADLINE)
        r = json.loads(out.text().splitlines()[-1])
        self.assertTrue(r["interrupted"])
        self.assertGreater(r["operations"], 0)
        self.assertLess(r["duration_s"], 30)


class Storm(Case):
    """All connections break at once, and come back as the law says."""

    def start(self, port=0):
        daemon = Daemon(listen=(f"ws:127.0.0.1:{port}",)).start()
        self.addCleanup(daemon.kill)
        return daemon

    def restart(self, daemon):
        """A process that was killed has its port for a moment longer."""
        try:
            return self.start(daemon.port)
        except AssertionError:
            return None

    def check(self, r, connections):
        self.assertEqual(r["operations"], connections)
        self.assertEqual(r["counts"]["registered"], 2 * connections)
        self.assertEqual(r["counts"]["attempts"], connections + r["counts"]["retries"])
        self.assertAlmostEqual(r["storm"]["all_back_s"] * 1e6, r["latency_us"]["max"], delta=1e3)

    def test_laws(self):
        """Fixed: all at once. Linear the same without failures. RFC 5626: in the second half."""
        port = self.start().port
        for law, least, most in (("fixed:300ms", .3, .3), ("linear:300ms:2s", .3, .3),
                                 ("exponential:300ms", 0, .3), ("rfc5626:300ms:1s", .15, .3)):
            with self.subTest(law):
                r = self.good(port, "--scenario", "storm", "--connections", 50, "--backoff", law,
                              "--duration", "1s")
                self.check(r, 50)
                p = r["latency_us"]
                self.assertGreaterEqual(p["p50"] / 1e6, least)
                self.assertGreater(p["max"] / 1e6, .9 * most)
                self.assertEqual(r["storm"]["law"], law.split(":")[0])

    def test_restart(self):
        """The server is away for a moment in the midst of it: all come back, some twice."""
        daemon = self.start()
        run = subprocess.Popen(command(daemon.port, "--scenario", "storm", "--connections", 30,
                                       "--backoff", "exponential:200ms:500ms", "--duration", "3s"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        err = Lines(run.stderr)
        self.assertTrue(err.wait(r"\d+ connected"), err.text())
        daemon.kill()
        again = poll(lambda: self.restart(daemon))
        self.assertTrue(again)
        run.wait(3 * DEADLINE)
        r = json.loads(run.stdout.read().splitlines()[-1])
        self.assertEqual((run.returncode, r["errors"]), (0, 0), err.text())
        self.assertGreater(r["operations"], 30)  # who was back already was thrown out again
        self.assertEqual(r["counts"]["attempts"], r["operations"] + r["counts"]["retries"])
        again.stop()

    def test_not_all_come_back(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                if self.connections.index(connection) < 12:  # ten, and two that come back
                    text = sloppy.answer(request)
                    contact = request.split("Contact: ")[1].split("\r\n")[0]
                    connection.send(text.replace("Content-", f"Contact: {contact}\r\nContent-")
                                    .encode())

        server = Server()
        self.addCleanup(server.close)
        code, r, _ = load(server.port, "--scenario", "storm", "--connections", 10, "--backoff",
                          "fixed:100ms")
        self.assertEqual((code, r["operations"], r["counts"]["lost"]), (1, 2, 8))


class Faults(Case):
    """Each fault is counted as what it is, and makes the run fail."""

    def serve(self, server):
        self.addCleanup(server.close)
        return server.port

    def faults(self, server, *args):
        code, result, said = load(self.serve(server), "--connections", 2, *args)
        self.assertEqual(code, 1, said)
        self.assertGreater(result["errors"], 0)
        return {name for name, n in result["counts"].items() if n and name in FAULTS}

    def test_none(self):
        self.good(self.serve(sloppy.Server()), "--connections", 2)

    def test_lost(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                if connection.requests != 10:
                    await super().take(connection, request)

        self.assertEqual(self.faults(Server(), "--depth", 2), {"lost"})

    def test_late(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                if connection.requests == 10:
                    self.loop.call_later(1.6, connection.send, sloppy.answer(request).encode())
                else:
                    await super().take(connection, request)

        self.assertEqual(self.faults(Server(), "--duration", "3s"), {"lost", "late"})

    def test_duplicate(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                await super().take(connection, request)
                if connection.requests == 10:
                    await super().take(connection, request)

        self.assertEqual(self.faults(Server()), {"duplicates"})

    def test_misrouted(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                to = self.connections[0] if connection.requests == 10 else connection
                await super().take(to, request)

        self.assertEqual(self.faults(Server()), {"misrouted", "lost"})

    def test_wrong(self):
        for field in "Call-ID", "From", "CSeq", "Via":
            class Server(sloppy.Server):
                async def take(self, connection, request):
                    if connection.requests == 10:
                        value = request.split(field + ": ")[1][:6]
                        request = request.replace(f"{field}: {value}", f"{field}: x{value}")
                    await super().take(connection, request)

            with self.subTest(field):
                self.assertIn("wrong", self.faults(Server()))

    def test_refused(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                status = "503 Unavailable" if connection.requests == 10 else "200 OK"
                connection.send(sloppy.answer(request, status).encode())

        self.assertEqual(self.faults(Server()), {"refused"})

    def test_disconnected(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                if connection.requests == 10:
                    connection.writer.close()
                await super().take(connection, request)

        self.assertEqual(self.faults(Server()) - {"lost"}, {"disconnected"})

    def test_bad_frame(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                connection.send(b"x", 0xf1 if connection.requests == 10 else 0x8a)
                await super().take(connection, request)

        self.assertEqual(self.faults(Server()) - {"lost"}, {"frames_bad"})

    def test_upgrade_refused(self):
        class Server(sloppy.Server):
            def head(self, lines):
                return [b"HTTP/1.1 403 Forbidden", b"Content-Length: 0"]

        self.assertEqual(self.faults(Server()), {"upgrade_failed"})

    def test_nobody_there(self):
        server = sloppy.Server()
        server.close()
        code, result, _ = load(server.port)
        self.assertEqual(code, 1)
        self.assertEqual(result["counts"]["connect_failed"], 1)

    def test_no_descriptors(self):
        port = self.serve(sloppy.Server())
        done = subprocess.run(["prlimit", "--nofile=24:24", *command(port, "--connections", 60)],
                              capture_output=True, text=True, timeout=6 * DEADLINE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Too many open files; raise ulimit -n", done.stderr)

    def test_keepalives_lost(self):
        class Server(sloppy.Server):
            pongs = True

            async def ping(self, connection, payload):
                if connection is self.connections[0]:
                    await super().ping(connection, payload)

        r = self.good(self.serve(Server()), "--scenario", "idle", "--keep-alive", "50ms")
        self.assertGreater(r["times_us"]["keepalive"]["count"], 0)
        self.assertEqual(
            self.faults(Server(), "--scenario", "idle", "--keep-alive", "50ms", "--timeout",
                        "150ms"), {"keepalives_lost"})

    def test_pings_are_answered(self):
        class Server(sloppy.Server):
            async def take(self, connection, request):
                connection.send(b"are you there", 0x89)
                await super().take(connection, request)

        r = self.good(self.serve(Server()))
        self.assertGreater(r["counts"]["pings"], 0)


class Secure(Case):
    """wss: whom to trust, and how often a handshake is a full one."""

    @classmethod
    def setUpClass(cls):
        cls.pair = tls.usual()
        cls.daemon = Daemon(settings=tls.settings(cls.pair), listen=("wss:127.0.0.1:0",)).start()
        cls.addClassCleanup(cls.daemon.stop)

    def load(self, *args, host="localhost"):
        done = subprocess.run(
            [WSLOAD, f"wss://{host}:{self.daemon.port}", "--json", "--warm-up", "50ms",
             "--duration", "300ms", *args], capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr

    def test_trusted(self):
        for host in "localhost", "127.0.0.1":
            code, r, said = self.load("--ca", tls.ca().certificate, host=host)
            self.assertEqual((code, r["errors"]), (0, 0), said)
            self.assertGreater(r["times_us"]["tls"]["count"], 0)

    def test_not_trusted(self):
        code, r, said = self.load()
        self.assertEqual((code, r["counts"]["tls_failed"]), (1, 1))
        self.assertIn("give --ca FILE or --insecure", said)

    def test_another_name(self):
        pair = tls.make("other", "DNS:other.example")
        daemon = Daemon(settings=tls.settings(pair), listen=("wss:127.0.0.1:0",)).start()
        self.addCleanup(daemon.stop)
        for trust, code, says in ((["--ca", str(tls.ca().certificate)], 1, "mismatch"),
                                  (["--insecure"], 0, "TLS handshake, full")):
            done = subprocess.run([WSLOAD, f"wss://localhost:{daemon.port}", "--quiet", *trust,
                                   "--duration", "100ms", "--warm-up", "0"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(says, done.stdout)

    def test_resumed(self):
        code, r, said = self.load("--insecure", "--scenario", "churn", "--connections", "2")
        self.assertEqual((code, r["errors"]), (0, 0), said)
        self.assertEqual(r["times_us"]["tls"]["count"], 2)
        self.assertGreater(r["times_us"]["tls_resumed"]["count"], r["operations"] - 2)

    def test_not_resumed(self):
        code, r, said = self.load("--insecure", "--scenario", "churn", "--no-resume")
        self.assertEqual((code, r["errors"]), (0, 0), said)
        self.assertEqual(r["times_us"]["tls_resumed"]["count"], 0)
        self.assertGreaterEqual(r["times_us"]["tls"]["count"], r["operations"])

    def test_storm(self):
        code, r, said = self.load("--insecure", "--scenario", "storm", "--connections", "20",
                                  "--backoff", "fixed:50ms")
        self.assertEqual((code, r["errors"], r["operations"]), (0, 0, 20), said)
        self.assertEqual(r["times_us"]["tls_resumed"]["count"], 20)


class Omission(Case):
    """A server that stands still for 400 ms: who keeps to the time line feels all of it."""

    class Server(sloppy.Server):
        stalled = False

        async def take(self, connection, request):
            if connection.requests == 40 and not self.stalled:
                self.stalled = True
                time.sleep(0.4)  # the whole server, on purpose
            await super().take(connection, request)

    def run_it(self, *args):
        server = self.Server()
        self.addCleanup(server.close)
        return self.good(server.port, "--duration", "1s", "--warm-up", "0", "--max-lag", "10s",
                         *args)["latency_us"]

    def test_open_loop_feels_the_stall(self):
        p = self.run_it("--rate", 200)
        # 80 of 200 operations were meant to start in the stall: their wait is even over 0..400 ms.
        self.assertGreater(p["p90"], 150e3)
        self.assertGreater(p["mean"], 50e3)
        self.assertGreater(p["max"], 390e3)

    def test_closed_loop_hides_it(self):
        p = self.run_it()
        self.assertLess(p["p90"], 100e3)
        self.assertGreater(p["max"], 390e3)


class Outputs(Case):
    """Objectives decide on the exit code; files are what other programs can read."""

    @classmethod
    def setUpClass(cls):
        cls.sip = Daemon().start()
        cls.addClassCleanup(cls.sip.stop)

    def test_slo(self):
        code, r, _ = load(self.sip.port, "--slo", "p99<60s,loss==0", "--slo", "rate>=1")
        self.assertEqual((code, [s["reached"] for s in r["slos"]]), (0, [True] * 3))
        code, r, _ = load(self.sip.port, "--slo", "p50<1us")
        self.assertEqual((code, r["slos"][0]["reached"]), (1, False))
        self.assertEqual(r["errors"], 0)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = {kind: f"{folder}/{kind}" for kind in ("csv", "hgrm", "junit", "report")}
            r = self.good(self.sip.port, "--slo", "loss==0",
                          *(x for kind, path in paths.items() for x in (f"--{kind}", path)))
            text = {kind: pathlib.Path(path).read_text() for kind, path in paths.items()}
            rows = list(csv.DictReader(text["csv"].splitlines()))
            self.assertGreater(sum(float(row["operations_per_s"]) for row in rows), 0)
            self.assertEqual(int(rows[-1]["errors"]), 0)
            lines = [line.split() for line in text["hgrm"].splitlines() if line.strip()]
            self.assertEqual(lines[0], ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"])
            curve = [list(map(float, line)) for line in lines[1:] if line[0][0] != "#"]
            self.assertEqual(curve, sorted(curve))
            self.assertEqual(int(curve[-1][2]), r["operations"])
            suite = xml.dom.minidom.parseString(text["junit"]).documentElement
            cases = suite.getElementsByTagName("testcase")
            self.assertEqual(int(suite.getAttribute("tests")), len(cases))
            self.assertEqual(suite.getAttribute("failures"), "0")
            self.assertEqual(cases[0].getAttribute("name"), "loss==0")
            self.assertIn("<svg", text["report"])

    def test_rates(self):
        """RFC 7501's names."""
        r = self.good(self.sip.port, "--scenario", "call", "--connections", 4, "--rate", 100,
                      "--duration", "1s", "--max-lag", "10s")["rfc7501"]
        for name in "session_attempt_rate", "session_establishment_rate":
            self.assertAlmostEqual(r[name], 100, delta=3)
        self.assertGreater(r["registration_rate"], 4)
        self.assertEqual((r["establishment_threshold_time_s"], r["zero_failures"]), (1, True))
        r = self.good(self.sip.port, "--scenario", "register", "--rate", 50, "--max-lag",
                      "10s")["rfc7501"]
        self.assertAlmostEqual(r["re_registration_rate"], 50, delta=8)

    def test_merge(self):
        both = [subprocess.Popen(command(self.sip.port, "--scenario", "message", "--connections", 6,
                                         "--first", n), stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL) for n in (0, 6)]
        with tempfile.TemporaryDirectory() as folder:
            files, parts = [], []
            for i, one in enumerate(both):
                out = one.communicate()[0]
                parts.append(json.loads(out.splitlines()[-1]))
                files.append(f"{folder}/{i}.json")
                pathlib.Path(files[-1]).write_bytes(out)
            done = subprocess.run([WSLOAD, "merge", "--json", "--slo", "loss==0", "--hgrm",
                                   f"{folder}/hgrm", *files], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            r = json.loads(done.stdout.splitlines()[-1])
            self.assertIn("#[Mean", pathlib.Path(folder, "hgrm").read_text())
        for name in "operations", "connections":
            self.assertEqual(r[name], sum(p[name] for p in parts))
        self.assertEqual(r["counts"], {name: sum(p["counts"][name] for p in parts)
                                       for name in r["counts"]})
        self.assertEqual(r["latency_us"]["max"], max(p["latency_us"]["max"] for p in parts))
        self.assertTrue(r["slos"][0]["reached"])

    def test_merge_of_nothing(self):
        for args in [], ["/nowhere"], ["--csv", "x"], [__file__]:
            done = subprocess.run([WSLOAD, "merge", *args], capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, args)

    def test_file_that_cannot_be(self):
        code, _, said = load(self.sip.port, "--csv", "/nowhere/at/all")
        self.assertEqual(code, 1)
        self.assertIn("/nowhere/at/all: No such file", said)


class Usage(unittest.TestCase):
    def test_exit_codes(self):
        for args, code in ((["--help"], 0), ([], 2), (["--rate", "x", "ws://127.0.0.1"], 2)):
            done = subprocess.run([WSLOAD, *args], capture_output=True, check=False)
            self.assertEqual(done.returncode, code, args)


def fault_names():
    table = pathlib.Path(__file__).parents[2] / "tools" / "wsload" / "tally.def"
    return {line[6:].split(",")[0] for line in table.read_text().splitlines()
            if line.startswith("FAULT(")}


FAULTS = fault_names()

if __name__ == "__main__":
    unittest.main()
