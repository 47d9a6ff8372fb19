# SPDX-License-Identifier: Apache-2.0
"""wsload is a good SIP client: credentials, routes and contacts, as a strict server sees them."""

import unittest

import strict
from test_wsload import Case, load

EVERYTHING = {"REGISTER": 401, "OPTIONS": 401, "MESSAGE": 407, "INVITE": 407, "BYE": 407}


class Strict(Case):
    def serve(self, **how):
        server = strict.Server(**how)
        self.addCleanup(server.close)
        return server

    def run_it(self, server, *args):
        """A run without a fault on either side."""
        code, r, said = load(server.port, *args)
        self.assertEqual(server.faults[:3], [], said)
        self.assertEqual((code, r["errors"]), (0, 0), said)
        self.assertGreater(r["operations"], 5)
        self.assertEqual(server.refused, set(), "INVITEs that were refused without an ACK")
        return r


class Digest(Strict):
    """A server that challenges every request, and whose nonces run out."""

    def check(self, scenario, *args, **how):
        server = self.serve(challenges=EVERYTHING, **how)
        r = self.run_it(server, "--scenario", scenario, "--password", "secret", *args)
        self.assertEqual(r["counts"]["challenges"], len(server.nonces))
        return server, r

    def test_options(self):
        for algorithm in strict.HASHES:
            with self.subTest(algorithm):
                self.check("options", "--depth", 3, algorithm=algorithm)

    def test_register(self):
        self.check("register", "--connections", 3)

    def test_message(self):
        self.check("message", "--connections", 4, "--depth", 2, algorithm="SHA-256")

    def test_call(self):
        server, r = self.check("call", "--connections", 4, "--depth", 2)
        self.assertGreater(server.seen["BYE"], r["operations"], "none was sent twice")

    def test_call_with_a_nonce_for_each_request(self):
        self.check("call", "--connections", 2, uses=1)

    def test_churn(self):
        self.check("churn", "--connections", 2)

    def test_nobody_registers_with_a_wrong_password(self):
        server = self.serve(challenges=EVERYTHING)
        code, r, _ = load(server.port, "--scenario", "register", "--connections", 3,
                          "--password", "wrong")
        self.assertEqual((code, r["counts"]["register_failed"]), (1, 3))
        self.assertEqual(r["counts"]["challenges"], 6)

    def test_wrong_password(self):
        server = self.serve(challenges={"MESSAGE": 407, "INVITE": 407, "OPTIONS": 407}, uses=0)
        for scenario in "options", "message", "call":
            with self.subTest(scenario):
                code, r, _ = load(server.port, "--scenario", scenario, "--connections", 2,
                                  "--password", "secret")
                self.assertEqual(code, 1)
                self.assertGreater(r["counts"]["refused"], 0)
                self.assertEqual(r["counts"]["refused"], r["errors"])
                self.assertLessEqual(r["counts"]["challenges"], 2 * r["counts"]["refused"] + 2)
        self.assertEqual(server.refused, set())

    def test_no_password(self):
        server = self.serve(challenges={"INVITE": 407})
        code, r, _ = load(server.port, "--scenario", "call", "--connections", 2)
        self.assertEqual((code, r["counts"]["challenges"]), (1, 0))
        self.assertEqual(server.refused, set())


class Routes(Strict):
    def test_service_route(self):
        for scenario in "register", "message", "call":
            with self.subTest(scenario):
                self.run_it(self.serve(service=True), "--scenario", scenario, "--connections", 4)

    def test_record_route(self):
        self.run_it(self.serve(), "--scenario", "call", "--connections", 4, "--depth", 3)

    def test_service_route_with_digest(self):
        self.run_it(self.serve(service=True, challenges=EVERYTHING), "--scenario", "call",
                    "--connections", 2, "--password", "secret")


class Contacts(Strict):
    """S-18: nobody else has the same, in this process or another."""

    def contacts(self):
        server = self.serve()
        self.run_it(server, "--scenario", "register", "--connections", 20)
        return {contact for contact, _ in server.where.values()}

    def test_random(self):
        first, second = self.contacts(), self.contacts()
        self.assertEqual((len(first), len(second)), (20, 20))
        self.assertEqual(first & second, set())
        for contact in first | second:
            self.assertRegex(contact, r"^<sip:w[0-9a-f]{8}@[0-9a-f]{16}\.invalid;transport=ws>")


if __name__ == "__main__":
    unittest.main()
