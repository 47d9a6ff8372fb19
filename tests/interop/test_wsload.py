# SPDX-License-Identifier: Apache-2.0
"""wsload against a real Kamailio (bench/compare.kamailio.cfg): every SIP scenario as it is."""

import json
import pathlib
import subprocess
import unittest

import kamailio
from peer import DEADLINE, harness

CONFIG = str(pathlib.Path(__file__).parents[2] / "bench" / "compare.kamailio.cfg")
WSLOAD = str(harness.BIN / "wsload")
SCENARIOS = {"options": ["--depth", "4"], "register": [], "message": ["--depth", "2"],
             "call": ["--depth", "2"], "mixed": ["--depth", "2"], "churn": [],
             "idle": ["--keep-alive", "100ms"], "storm": ["--backoff", "exponential:100ms"]}


class Scenarios(unittest.TestCase):
    def server(self, *defines):
        k = kamailio.Kamailio(CONFIG, memory=512, defines=defines, commands=False)
        self.addCleanup(k.room.cleanup)
        self.addCleanup(k.end)
        return k.start()

    def run_all(self, *args, defines=()):
        """Each against a server of its own, so that no binding of the one before is there."""
        results = {}
        for name, more in SCENARIOS.items():
            with self.subTest(name):
                server = self.server(*defines)
                done = subprocess.run(
                    [WSLOAD, f"ws://127.0.0.1:{server.port}", "--json", "--scenario", name,
                     "--connections", "10", "--duration", "500ms", "--warm-up", "50ms", *more,
                     *args], capture_output=True, text=True, timeout=4 * DEADLINE, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                r = results[name] = json.loads(done.stdout.splitlines()[-1])
                self.assertEqual(r["errors"], 0)
                self.assertGreater(r["operations"] + r["times_us"]["keepalive"]["count"], 5)
        return results

    def test_all(self):
        r = self.run_all()
        self.assertGreater(r["call"]["times_us"]["bye"]["count"], 0)
        self.assertEqual(r["storm"]["operations"], 10)

    def test_md5(self):
        r = self.run_all("--password", "secret", defines=["WITH_AUTH"])
        for name in SCENARIOS:
            if name != "idle":
                self.assertGreater(r[name]["counts"]["challenges"], 0, name)

    def test_sha256(self):
        self.run_all("--password", "secret", defines=["WITH_AUTH", "WITH_SHA256"])

    def test_wrong_password(self):
        server = self.server("WITH_AUTH")
        done = subprocess.run([WSLOAD, f"ws://127.0.0.1:{server.port}", "--scenario", "call",
                               "--connections", "2", "--duration", "100ms", "--password", "no"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("2 clients that could not register", done.stdout)


if __name__ == "__main__":
    why = kamailio.missing(CONFIG)
    if why:
        print(f"SKIP: {why}")
        raise SystemExit(77)
    unittest.main()
