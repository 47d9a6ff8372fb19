# SPDX-License-Identifier: Apache-2.0
"""Start, watch and stop the daemon; the base class of every end-to-end test.

Each test ends with the same question: are all live-object gauges back at 0, and does each received
message have exactly one fate? Each daemon ends with exit code 0 and silent sanitizers.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import unittest

import tls
from sip import Phone
from ws import DEADLINE, Stream, Ws

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("SIPRING_SHARED_DATA", ROOT / ".." / "shared" / "data"))
BIN = pathlib.Path(os.environ.get("SIPRING_BIN", ROOT / "build" / "release" / "bin"))
BINARY_PATH = str(BIN / "sipring" if BIN.is_dir() else BIN)  # SIPRING_BIN: directory or program
# NAME=VALUE,... for every daemon: the same tests over another configuration. A test's own win.
VARIANT = dict(x.split("=", 1) for x in os.environ.get("SIPRING_TEST_SET", "").split(",") if x)
GAUGES = ("connections", "messages", "assemblies", "send_buffers")
# Settings that TLS connections have under another name.
TWINS = ("ws_send_timeout", "ws_handshake_timeout", "ws_max_msg_chunks", "ws_resource")
TROUBLE = re.compile(r"Sanitizer|UndefinedBehavior|runtime error:|[Aa]ssertion|SUMMARY:")


def fates():
    """The names of all fates, from the daemon's own table."""
    table = (ROOT / "engine" / "stats.def").read_text()
    return re.findall(r"^FATE\((\w+),", table, re.M)


FATES = fates()


def poll(condition, within=None, every=0.01):
    """Ask until the answer is true; returns it, or the last answer at the deadline."""
    deadline = time.monotonic() + (within or DEADLINE)
    nap = threading.Event()
    while True:
        got = condition()
        if got or time.monotonic() > deadline:
            return got
        nap.wait(every)


class Lines:
    """A pipe's lines as they come, with waiting."""

    def __init__(self, pipe):
        self.lines = []
        self.ended = False
        self.cond = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self.thread.start()

    def _read(self, pipe):
        for raw in pipe:
            with self.cond:
                self.lines.append(raw.decode(errors="replace").rstrip("\n"))
                self.cond.notify_all()
        with self.cond:
            self.ended = True
            self.cond.notify_all()
        pipe.close()

    def wait(self, pattern, start=0, within=None):
        """The first line from index `start` on that matches: (index, match); None: did not come."""
        deadline = time.monotonic() + (within or DEADLINE)
        at = start
        with self.cond:
            while True:
                while at < len(self.lines):
                    found = re.search(pattern, self.lines[at])
                    if found:
                        return at, found
                    at += 1
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    return None
                self.cond.wait(left)

    def text(self):
        with self.cond:
            return "\n".join(self.lines)


class Daemon:
    def __init__(self, routing="registrar", settings=None, listen=("ws:127.0.0.1:0",), args=(),
                 env=None):
        self.argv = [BINARY_PATH]
        self.env = os.environ | (env or {})
        settings = VARIANT | (settings or {})
        if tls.EVERYWHERE:
            listen = tuple(where.replace("ws:", "wss:", 1) for where in listen)
            twins = {f"wss_{name[3:]}": value for name, value in settings.items() if name in TWINS}
            settings = tls.settings(tls.usual()) | settings | twins
        for where in listen:
            self.argv += ["--listen", where]
        self.argv += ["--routing", routing]
        for name, value in settings.items():
            self.argv += ["--set", f"{name}={value}"]
        self.argv += list(args)
        self.listeners = len(listen)
        self.ports = []
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=self.env)
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)
        at = 0
        for _ in range(self.listeners):
            ready = self.out.wait(r"^sipring: ready on wss?://\S+:(\d+)$", at)
            if not ready:
                self.kill()
                self.process.wait(DEADLINE)
                self.err.thread.join(DEADLINE)
                raise AssertionError(f"no ready line from {self.argv}\n{self.report()}")
            at = ready[0] + 1
            self.ports.append(int(ready[1].group(1)))
        return self

    @property
    def port(self):
        return self.ports[0]

    @property
    def pid(self):
        return self.process.pid

    def private_bytes(self):
        """Memory that nobody else has: what is free when the daemon is gone."""
        rollup = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return 1024 * sum(int(x) for x in re.findall(r"^Private_\w+: +(\d+) kB", rollup, re.M))

    def report(self):
        """What the daemon said last, without the counters."""
        said = []
        for name, lines in (("stdout", self.out), ("stderr", self.err)):
            some = [x for x in lines.text().split("\n") if not x.startswith("sipring: counters")]
            if len(some) > 80:
                some = some[:30] + ["..."] + some[-50:]
            said += [f"--- {name}"] + [x[:300] for x in some]
        return "\n".join(said)

    def counters(self):
        """All counters now."""
        with self.out.cond:
            start = len(self.out.lines)
        self.process.send_signal(signal.SIGUSR1)
        return self._counters_from(start)

    def _counters_from(self, start):
        got = self.out.wait(r"^sipring: counters (\{.*\})", start)
        if not got:
            raise AssertionError(f"no counters from the daemon\n{self.report()}")
        return json.loads(got[1].group(1))

    def wait_counters(self, condition, within=None):
        """Poll until condition(counters); returns (true or false, last counters)."""
        last = {}

        def ask():
            last.update(self.counters())
            return condition(last)
        return bool(poll(ask, within)), last

    def wait_quiet(self, within=None, connections=0):
        """Nothing lives but `connections` connections, and each message has had its fate."""
        def quiet(c):
            return not imbalance(c, connections)
        ok, last = self.wait_counters(quiet, within)
        if not ok:
            some = {k: v for k, v in last.items() if v}
            wrong = imbalance(last, connections)
            raise AssertionError(f"not quiet: {wrong}\n{some}\n{self.report()}")
        return last

    @contextlib.contextmanager
    def counted(self, exactly=True, **deltas):
        """What happens inside moves the counters by so much; `exactly`: and by no more."""
        before = self.counters()
        yield
        ok, after = self.wait_counters(
            lambda c: all(c[k] - before[k] >= v for k, v in deltas.items()))
        moved = {k: after[k] - before[k] for k in deltas}
        if not ok or (exactly and moved != deltas):
            every = {k: after[k] - before[k] for k in after if after[k] != before[k]}
            raise AssertionError(f"counters moved by {moved}, not {deltas}; all: {every}")

    def alive(self):
        return self.process.poll() is None

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait_exit(self, within=None):
        """Exit code; an error when it does not come in time."""
        try:
            code = self.process.wait(within or DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no exit in time\n{self.report()}") from None
        self.out.thread.join(DEADLINE)
        self.err.thread.join(DEADLINE)
        return code

    def check_end(self, code=0):
        """The process ended as it should, said its counters, they balance, no sanitizer spoke."""
        got = self.process.returncode
        trouble = TROUBLE.search(self.err.text() + self.out.text())
        if got != code or trouble:
            word = trouble and trouble.group(0)
            raise AssertionError(f"exit code {got}, {word}\n{self.report()}")
        last = None
        for line in self.out.lines:
            found = re.search(r"^sipring: counters (\{.*\})", line)
            last = json.loads(found.group(1)) if found else last
        if last is None or imbalance(last, 0):
            wrong = last and imbalance(last, 0)
            raise AssertionError(f"counters at the end: {wrong}\n{self.report()}")
        return last

    def stop(self, within=None):
        if self.process and self.process.returncode is None:
            self.terminate()
            self.wait_exit(within)
        return self.check_end()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)


def imbalance(c, connections):
    """What is not as it must be at rest; empty when all is well."""
    wrong = {g: c[g] for g in GAUGES if c[g] != (connections if g == "connections" else 0)}
    left = c["messages_received"] - sum(c[f] for f in FATES)
    if left:
        wrong["messages without fate"] = left
    begun = c["connections_accepted"] + c["upstream_connects"]
    open_now = begun - c["connections_closed"] - c["connections"]
    if open_now:
        wrong["begun - closed - live"] = open_now
    return wrong


class E2E(unittest.TestCase):
    """One daemon per class; each test must leave it quiet."""

    routing = "registrar"
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.routing, cls.settings).start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.daemon.stop()
        finally:
            cls.daemon.kill()

    def setUp(self):
        self.clients = []

    def tearDown(self):
        for client in self.clients:
            client.close()
        self.assertTrue(self.daemon.alive(), self.daemon.report())
        self.daemon.wait_quiet()

    def keep(self, client):
        self.clients.append(client)
        return client

    def tcp(self, **kw):
        return self.keep(Stream(self.daemon.port, **kw))

    def ws(self, **kw):
        return self.keep(Ws(self.daemon.port, **kw))

    def phone(self, user, **kw):
        return self.keep(Phone(self.daemon.port, user, **kw))

    def still_serves(self):
        """A newcomer is served as if nothing had happened."""
        client = Ws(self.daemon.port)
        try:
            client.send_frame(0x9, b"still there?")
            client.expect_pong(b"still there?")
        finally:
            client.hang_up()


def sanitized():
    """A sanitizer has a heap of its own, which says little about the daemon's memory."""
    binary = pathlib.Path(BINARY_PATH).read_bytes()
    return b"__asan_init" in binary or b"__tsan_init" in binary


def data_or_skip(*parts):
    path = DATA.joinpath(*parts)
    if not path.exists():
        raise unittest.SkipTest(f"SKIP: no test data at {path}")
    return path


def main():
    """unittest with the exit code that CTest knows: 77 when the daemon is not there."""
    if not os.access(BINARY_PATH, os.X_OK):
        print(f"SKIP: no daemon at {BINARY_PATH}; set SIPRING_BIN")
        raise SystemExit(77)
    unittest.main(verbosity=2, module="__main__")
