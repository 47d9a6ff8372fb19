# SPDX-License-Identifier: Apache-2.0
"""One run of a real Kamailio; it has a runtime directory of its own and ends by its process id."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

from peer import DEADLINE, harness

PROGRAM = shutil.which("kamailio", path=os.environ.get("PATH", "") + ":/usr/sbin")
UNPRIVILEGED = "nobody"  # who it runs as where we are root


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def config(name):
    return str(pathlib.Path(__file__).with_name(name))


class Kamailio:
    """Of `memory` MB that its processes share. It is up when its commands are answered; one that
    has none in its configuration (commands False), when it accepts a connection over TCP."""

    def __init__(self, config_path, transports=("tcp",), memory=32, defines=(), commands=True):
        self.config = config_path
        self.transports = transports
        self.memory = memory
        self.defines = defines
        self.is_up = self.answers if commands else self.listens
        self.port = free_port()
        self.process = None
        self.room = tempfile.TemporaryDirectory()

    def start(self):
        argv = [PROGRAM, "-f", self.config, "-DD", "-E", "-m", str(self.memory), "-M", "8", "-Y",
                self.room.name, "-P", f"{self.room.name}/kamailio.pid"]
        for transport in self.transports:
            argv += ["-l", f"{transport}:127.0.0.1:{self.port}"]
        for name in self.defines:
            argv += ["-A", name]
        if os.geteuid() == 0:
            shutil.chown(self.room.name, UNPRIVILEGED)
            argv += ["-u", UNPRIVILEGED]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.out = harness.Lines(self.process.stdout)
        self.err = harness.Lines(self.process.stderr)
        if not harness.poll(self.is_up):
            self.end()
            raise AssertionError(f"not up: {argv}\n{self.err.text()}")
        return self

    def answers(self):
        try:
            return self.rpc("core.version")
        except OSError:
            return None

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), DEADLINE).close()
            return True
        except OSError:
            return False

    def rpc(self, method, *params):
        """One of its own commands: JSON-RPC in datagrams, between sockets in its directory."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            ours = f"{self.room.name}/asks.sock"
            s.bind(ours)
            try:
                os.chmod(ours, 0o777)  # it is another user
                s.connect(f"{self.room.name}/rpc.sock")
                s.settimeout(DEADLINE)
                s.send(json.dumps(asked).encode())
                said = json.loads(s.recv(1 << 16))
            finally:
                os.unlink(ours)
        if "result" not in said:
            raise AssertionError(f"{method}: {said}")
        return said["result"]

    def end(self):
        if self.process and self.process.returncode is None:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            finally:
                self.process.kill()


def missing(config_path):
    """Why it cannot run here, or None."""
    if not PROGRAM:
        return "kamailio is not installed"
    got = subprocess.run([PROGRAM, "-c", "-f", config_path], capture_output=True, timeout=DEADLINE)
    found = re.search(rb"could not find module <(\w+)", got.stderr)
    return f"kamailio has no module {found[1].decode()}" if found else None
