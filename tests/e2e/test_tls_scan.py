# SPDX-License-Identifier: Apache-2.0
"""What scanners say of the default settings: sslscan, and testssl.sh in several runs at a time.

Findings that come of the certificate alone (a test CA, 30 days, no revocation) do not count.
"""

import concurrent.futures
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import harness
import tls
from ws import SCALE

# protocols and negotiated ones; ciphers by strength; what the server presents; vulnerabilities
RUNS = (("-p", "-P"), ("-s",), ("-f",), ("-S",),
        ("-H", "-I", "-T", "--robot", "-R", "-C", "-O", "-Z", "-W", "-A", "-L", "-F", "-J", "-D",
         "-4"))
BAD = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}  # WARN: the scanner could not try
OF_THE_CERTIFICATE = ("cert_chain_of_trust", "cert_expirationStatus", "cert_notAfter",
                      "cert_revocation")
CIPHERS = {f"ECDHE-{key}-{rest}" for key in ("ECDSA", "RSA") for rest in
           ("AES128-GCM-SHA256", "CHACHA20-POLY1305", "AES256-GCM-SHA384")}
SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}


class Scan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pairs = tls.usual(), tls.make("rsa", kind="rsa")

    def daemon(self):
        daemon = harness.Daemon(settings=tls.settings(*self.pairs) | {"log_rate": 100000},
                                listen=("wss:127.0.0.1:0",)).start()
        self.addCleanup(daemon.kill)
        return daemon

    @unittest.skipUnless(shutil.which("sslscan"), "no sslscan here")
    def test_sslscan(self):
        daemon = self.daemon()
        done = subprocess.run(["sslscan", "--xml=-", f"127.0.0.1:{daemon.port}"],
                              capture_output=True, timeout=120 * SCALE, check=True)
        found = ElementTree.fromstring(done.stdout).find("ssltest")
        on = {f"{x.get('type')}{x.get('version')}" for x in found.findall("protocol")
              if x.get("enabled") == "1"}
        self.assertEqual(on, {"tls1.2", "tls1.3"})
        for name in ("renegotiation", "heartbleed", "compression"):
            for one in found.findall(name):
                self.assertNotIn("1", (one.get("supported"), one.get("vulnerable")), name)
        ciphers = found.findall("cipher")
        self.assertEqual({x.get("cipher") for x in ciphers}, CIPHERS | SUITES)
        self.assertLessEqual({x.get("strength") for x in ciphers}, {"strong", "acceptable"})
        daemon.stop()

    def findings(self, port, options, directory):
        out = pathlib.Path(directory) / f"{options[0]}.json"
        done = subprocess.run(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
             "--assume-http", "--fast", "--jsonfile", str(out), *options, f"127.0.0.1:{port}"],
            capture_output=True, text=True, timeout=250 * SCALE, check=False)
        if not out.exists():
            raise AssertionError(f"testssl {options}: {done.stdout}{done.stderr}")
        return json.loads(out.read_text())

    @unittest.skipUnless(shutil.which("testssl"), "no testssl.sh here")
    def test_testssl(self):
        daemon = self.daemon()
        with tempfile.TemporaryDirectory() as directory, \
                concurrent.futures.ThreadPoolExecutor(len(RUNS)) as pool:
            found = [x for some in pool.map(
                lambda options: self.findings(daemon.port, options, directory), RUNS) for x in some]
        bad = [x for x in found if x["severity"] in BAD
               and not x["id"].startswith(OF_THE_CERTIFICATE)]
        self.assertEqual(bad, [])
        ids = {x["id"]: x["finding"] for x in found}
        self.assertEqual(ids["TLS1_2"], "offered")
        self.assertIn("offered", ids["TLS1_3"])
        for name in ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "cipherlist_NULL", "cipherlist_3DES_IDEA",
                     "cipherlist_AVERAGE"):
            self.assertEqual(ids[name], "not offered", name)
        # all of them ran to their ends
        for name in ("protocol_negotiated", "PFS_ECDHE_curves", "TLS_session_ticket", "heartbleed",
                     "CCS", "ROBOT", "secure_renego", "CRIME_TLS", "SWEET32", "LUCKY13", "RC4"):
            self.assertIn(name, ids)
        daemon.wait_quiet()
        daemon.stop()


if __name__ == "__main__":
    harness.main()
