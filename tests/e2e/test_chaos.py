# SPDX-License-Identifier: Apache-2.0
"""Everything at once: good clients, clients that do something wrong or are killed, storms of
connections, few buffers, few slots. The good ones lose nothing; afterwards every message has
had its fate, and no connection, block, buffer or descriptor is left.

SIPRING_TEST_CHAOS=600 makes it last for ten minutes (default 6 s)."""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time
import unittest

import harness

SECONDS = float(os.environ.get("SIPRING_TEST_CHAOS", "6"))
WSLOAD = pathlib.Path(harness.BINARY_PATH).with_name("wsload")
SEED = int(os.environ.get("SIPRING_TEST_SEED", "20261128"))

# Small enough that they are all used up now and then.
TIGHT = {"receive_buffers": 16, "receive_buffer_bytes": 2048, "queue_messages": 64,
         "max_connections": 700, "buffer_memory": 16 << 20, "handshake_timeout": 1000,
         "log_level": "error"}
HEALTHY = (("options", "--connections", "40", "--depth", "4"),
           ("message", "--connections", "40", "--depth", "4"),
           ("register", "--connections", "20"),
           ("call", "--connections", "20"))


class Chaos(unittest.TestCase):
    def setUp(self):
        self.daemon = harness.Daemon(settings=TIGHT).start()
        self.until = time.monotonic() + SECONDS
        self.faults = []

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

    def bad_clients(self, _):
        load = self.wsload("--bad", "all")
        load.communicate()

    def killed(self, rnd):
        """A whole load generator is killed in the midst of its work. No calls: the contacts of two
        generators are the same, so what is left of a dead one's dialogs finds the other's clients.
        """
        load = self.wsload("--scenario", rnd.choice(("message", "register", "options")),
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

    # -- all of them --

    def test_all_at_once(self):
        before = self.descriptors()
        healthy = {args[0]: self.wsload("--scenario", *args, "--timeout", "60s",
                                        "--duration", f"{int(SECONDS * 1000)}ms",
                                        domain=args[0] + ".example")
                   for args in HEALTHY}
        threads = [threading.Thread(target=self.guarded, args=(work, random.Random(SEED + i)))
                   for i, work in enumerate((self.bad_clients, self.killed, self.storm,
                                             self.rubbish))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.faults, [])
        for name, load in healthy.items():
            with self.subTest(name):
                said = load.communicate()[0].decode(errors="replace")
                self.assertEqual(load.returncode, 0, said[-3000:])
                got = json.loads(said.strip().splitlines()[-1])
                self.assertGreater(got["operations"], 0)
        self.assertTrue(self.daemon.alive(), self.daemon.report())
        # bindings last until they expire; all else is gone
        last = self.daemon.wait_quiet()
        self.assertGreater(last["messages_received"], 1000)
        self.assertTrue(harness.poll(lambda: self.descriptors() <= before), self.descriptors())
        self.daemon.stop()


if __name__ == "__main__":
    harness.main()
