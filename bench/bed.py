# SPDX-License-Identifier: Apache-2.0
"""What the commands here share: a server under measurement, wsload beside it, the machine."""
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARIES = ROOT / "build/release/bin"
CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")
TICKS = os.sysconf("SC_CLK_TCK")


# Told to end, every command ends what it has started.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class Failed(Exception):
    """A measurement that came to nothing, or a promise that does not hold."""


def poll(condition, within, every=0.02):
    """Ask until the answer is true or the time is up; returns the last answer."""
    deadline = time.monotonic() + within
    while True:
        got = condition()
        if got or time.monotonic() > deadline:
            return got
        time.sleep(every)


class Server:
    """A sipring of its own, on the processors that are named; its counters, CPU time and memory."""

    def __init__(self, path, cpus, settings=None, routing="registrar", scheme="ws"):
        command = [str(path), "--listen", f"{scheme}:127.0.0.1:0", "--routing", routing]
        for name, value in (settings or {}).items():
            command += ["--set", f"{name}={value}"]
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors,
            text=True, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self.lines = []
        self.news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        ready = self._wait(r"ready on wss?://\S+:(\d+)", 0)
        if not ready:
            self.process.kill()
            raise Failed(f"sipring does not start: {self.said()}")
        self.port = int(ready[1])

    @property
    def pid(self):
        return self.process.pid

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.lines.append("")
            self.news.notify_all()

    def _wait(self, pattern, start):
        with self.news:
            found = None

            def come():
                nonlocal found
                looked = (re.search(pattern, x) for x in self.lines[start:])
                found = next(filter(None, looked), None)
                return found or self.lines and self.lines[-1] == ""
            self.news.wait_for(come, 60)
            return found

    def said(self):
        self.errors.seek(0)
        return self.errors.read()[-2000:]

    def ask(self, signal_number, pattern):
        """Sends the signal; the match of the line that answers it."""
        start = len(self.lines)
        self.process.send_signal(signal_number)
        found = self._wait(pattern, start)
        if not found:
            raise Failed(f"no {pattern!r} from sipring: {self.said()}")
        return found

    def counters(self):
        return json.loads(self.ask(signal.SIGUSR1, r"counters (\{.*\})")[1])

    def cpu_s(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """Bytes that nobody else has: what would be free if it were gone."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return sum(int(x) for x in re.findall(r"^Private_\w+: +(\d+) kB", text, re.M)) << 10

    def stop(self):
        """Drains it."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        if code != 0:
            raise Failed(f"sipring ended with {code}: {self.said()}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Load:
    """A wsload that runs beside us, its threads on CPUs from `cpu` on (None: on any)."""

    def __init__(self, path, port, cpu, *args, scheme="ws"):
        pin = [] if cpu is None else ["--cpu", str(cpu)]
        command = [str(path), f"{scheme}://127.0.0.1:{port}/", "--json", "--quiet", *pin,
                   *map(str, args)]
        self.command = " ".join(command)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def result(self):
        out, said = self.process.communicate()
        lines = out.splitlines()
        if not lines:
            raise Failed(f"{self.command}\n{said}")
        return json.loads(lines[-1])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def hold_congestion(name):
    """The same congestion control for everybody; returns what there was."""
    before = CONGESTION.read_text().strip()
    if name and name != before:
        try:
            CONGESTION.write_text(name)
        except OSError as error:
            print(f"stays with {before}: {error}", file=sys.stderr)
    return before


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    return (f"{os.cpu_count()} CPUs ({model}), Linux {platform.release()}, "
            f"TCP over loopback with {CONGESTION.read_text().strip()}")
