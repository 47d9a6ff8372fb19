# SPDX-License-Identifier: Apache-2.0
"""Everything at once: good clients, all that do something wrong at the same time, clients that are
killed or do not read, storms of connections, few buffers, few slots, now and then no descriptor.
The good ones lose nothing; afterwards every message has had its fate, and no connection, block,
buffer, descriptor or byte is left.

SIPRING_TEST_CHAOS=600 makes it last for ten minutes (default 6 s)."""

import json
import os
import pathlib
import random
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

import harness
from sip import Phone
from ws import SCALE, WsError

SECONDS = float(os.environ.get("SIPRING_TEST_CHAOS", "6"))
WSLOAD = pathlib.Path(harness.BINARY_PATH).with_name("wsload")
SEED = int(os.environ.get("SIPRING_TEST_SEED", "20261128"))

# Small enough that they are all used up now and then.
TIGHT = {"receive_buffers": 16, "receive_buffer_bytes": 2048, "queue_messages": 64,
         "max_connections": 700, "buffer_memory": 16 << 20, "log_level": "error",
         # a good client on a machine with so many others may be late, but not for ever
         "handshake_timeout": int(2000 * SCALE), "ws_send_timeout": int(2000 * SCALE)}
HEALTHY = (("options", "--connections", "40", "--depth", "4"),
           ("message", "--connections", "40", "--depth", "4"),
           ("register", "--connections", "20"),
           ("call", "--connections", "20"))


HEALTHY_CONNECTIONS = 120
MEMORY_SLACK = 8 << 20  # pools keep some slabs that are not used
BINDING_BYTES = 2048    # of one that has not expired


class Chaos(unittest.TestCase):
    def setUp(self):
        self.daemon = harness.Daemon(settings=TIGHT).start()
        self.until = 0
        self.faults = []
        said = subprocess.run([str(WSLOAD), "ws://127.0.0.1", "--bad", "?"], capture_output=True,
                              text=True, check=False).stderr
        self.bad = said.partition(" of ")[2].split()
        self.assertGreater(len(self.bad), 10, said)

    def tearDown(self):
        self.daemon.kill()

    def wsload(self, *args, domain="bad.example"):
        """Its users are its own: nobody else registers in this domain."""
        return subprocess.Popen(
            [str(WSLOAD), f"ws://127.0.0.1:{self.daemon.port}", "--quiet", "--json",
             "--domain", domain, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def guarded(self, work, rnd):
        """Work again and again until the time is up; what goes wrong is told at the end."""
        try:
            while time.monotonic() < self.until and self.daemon.alive():
                work(rnd)
        except Exception as error:  # pylint: disable=broad-except
            self.faults.append(repr(error))

    # -- those who do wrong --

    def bad_client(self, name):
        def work(_):
            self.wsload("--bad", name, domain=f"{name}.example").communicate()
        return work

    def killed(self, rnd):
        """A whole load generator is killed in the midst of its work."""
        load = self.wsload("--scenario", rnd.choice(("message", "register", "options", "call")),
                           "--connections", "60", "--depth", "8", "--duration", "60s")
        time.sleep(rnd.uniform(0.1, 0.8))
        load.send_signal(signal.SIGKILL)
        load.communicate()

    def storm(self, _):
        self.wsload("--scenario", "churn", "--connections", "100",
                    "--duration", "500ms").communicate()

    def rubbish(self, rnd):
        """Octets of any kind, cut off in any way, more connections than there are slots for."""
        peers = []
        for _ in range(200):
            peer = socket.socket()
            peer.setblocking(False)
            peer.connect_ex(("127.0.0.1", self.daemon.port))
            peers.append(peer)
        for peer in peers:
            try:
                peer.send(rnd.randbytes(rnd.choice((1, 40, 3000))))
            except OSError:
                pass
            if rnd.random() < .5:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for peer in peers:
            peer.close()

    def deaf(self, rnd):
        """Registered, sent to by another one, and never reading."""
        try:
            target = Phone(self.daemon.port, f"deaf{rnd.random()}", rcvbuf=4096).registered()
            sender = Phone(self.daemon.port, "shouts")
        except (WsError, OSError):  # no slot or no descriptor was left for it
            return
        try:
            for _ in range(60):
                sender.send_sip(sender.make("MESSAGE", target.contact_uri, body=bytes(50000)))
        except (WsError, OSError):
            pass
        sender.reset()
        target.close()

    def no_descriptors(self, rnd):
        """EMFILE for a moment: who comes then is shed; who is there does not notice."""
        limits = resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE)
        low = self.descriptors() + rnd.randrange(20)
        resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE, (low, limits[1]))
        time.sleep(rnd.uniform(0.05, 0.3))
        resource.prlimit(self.daemon.pid, resource.RLIMIT_NOFILE, limits)
        time.sleep(rnd.uniform(0.1, 0.5))

    # -- all of them --

    def round(self, seconds, seed):
        """Its last counters."""
        healthy = {args[0]: self.wsload("--scenario", *args, "--timeout", "60s",
                                        "--duration", f"{int(seconds * 1000)}ms",
                                        domain=args[0] + ".example")
                   for args in HEALTHY}
        ok, last = self.daemon.wait_counters(lambda c: c["connections"] >= HEALTHY_CONNECTIONS)
        self.assertTrue(ok, last)
        self.until = time.monotonic() + seconds
        works = [self.killed, self.storm, self.rubbish, self.deaf, self.no_descriptors]
        works += [self.bad_client(name) for name in self.bad]
        threads = [threading.Thread(target=self.guarded, args=(work, random.Random(seed + i)))
                   for i, work in enumerate(works)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.faults, [])
        self.check_healthy(healthy)
        self.assertTrue(self.daemon.alive(), self.daemon.report())
        # bindings last until they expire; all else is gone
        return self.daemon.wait_quiet()

    def check_healthy(self, healthy):
        for name, load in healthy.items():
            with self.subTest(name):
                said = load.communicate()[0].decode(errors="replace")
                self.assertEqual(load.returncode, 0, said[-3000:])
                got = json.loads(said.strip().splitlines()[-1])
                self.assertGreater(got["operations"], 0)

    def test_all_at_once(self):
        before = self.descriptors()
        first = self.round(SECONDS / 2, SEED)
        held = self.daemon.private_bytes()
        last = self.round(SECONDS / 2, SEED + 100)
        self.assertGreater(last["messages_received"], 1000)
        self.assertGreater(last["connections_refused"], 0)
        self.assertTrue(harness.poll(lambda: self.descriptors() <= before), self.descriptors())
        if not harness.sanitized():  # those look for leaks at the end
            grown = (last["bindings"] - first["bindings"]) * BINDING_BYTES + MEMORY_SLACK
            self.assertTrue(
                harness.poll(lambda: self.daemon.private_bytes() < held + grown),
                f"{held} before, {self.daemon.private_bytes()} after")
        self.daemon.stop()


if __name__ == "__main__":
    harness.main()
