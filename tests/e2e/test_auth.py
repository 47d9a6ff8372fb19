# SPDX-License-Identifier: Apache-2.0
"""Digest authentication over real sockets, and a file of users that changes: RFC 7616, RFC 8760."""

import pathlib
import signal
import subprocess
import tempfile
import unittest

import harness
from digest import HASHES, Challenge, Member, users_file
from sip import Msg, Phone


class Auth(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.users = pathlib.Path(folder.name, "users")
        users_file(self.users, {"alice": "secret", "bob": "secret"})

    def daemon(self, **settings):
        daemon = harness.Daemon(settings={"auth.users": self.users} | {
            name.replace("__", "."): value for name, value in settings.items()}).start()
        self.addCleanup(daemon.kill)
        return daemon

    def end(self, daemon, *phones):
        for phone in phones:
            phone.hang_up()
        daemon.wait_quiet()
        daemon.stop()

    def test_every_algorithm(self):
        daemon = self.daemon()
        phones = [Member(daemon.port, "alice", algorithm=name) for name in HASHES]
        for phone in phones:
            self.assertEqual(phone.register(expires=300).status, 200)
            self.assertEqual([c.algorithm for c in phone.challenges],
                             ["SHA-512-256", "SHA-256", "MD5"], "RFC 8760: preferred first")
        with daemon.counted(auth_failed=1):
            wrong = Member(daemon.port, "alice", password="wrong")
            self.assertEqual(wrong.register(expires=300).status, 401)
        self.assertTrue(daemon.err.wait('auth_failed peer=127.0.0.1 port=[0-9]+ user="alice"'))
        self.end(daemon, wrong, *phones)

    def test_message_call_and_dialog(self):
        daemon = self.daemon(loops=2)
        a, b = Member(daemon.port, "alice").registered(), Member(daemon.port, "bob").registered()
        first = Msg(a.make("INVITE", "sip:bob@example.org", [("Contact", a.contact)]))
        a.send_sip(first.octets)
        got = a.next_sip()
        self.assertEqual(got.status, 407)
        ack = first.replaced({"cseq": [b"CSeq: %d ACK" % first.cseq[0]],
                              "to": [b"To: " + got.get("to")]})
        a.send_sip(ack.replace(b"INVITE ", b"ACK ", 1))
        answer = Challenge(got.get("proxy-authenticate")).answer(
            "INVITE", "sip:bob@example.org", "alice", "secret")
        a.send_sip(a.make("INVITE", "sip:bob@example.org",
                          [("Contact", a.contact), ("Proxy-Authorization", answer)]))
        invite = b.next_sip()
        self.assertEqual(invite.raw("proxy-authorization"), [], "consumed (RFC 3261 22.3)")
        b.reply(invite, 200, [("Contact", b.contact)], to_tag="bt")
        ok = a.next_sip()
        self.assertEqual(ok.status, 200)
        route = [("Route", r) for r in reversed(ok.all("record-route"))]
        dialog = {"to": ok.get("to"), "sender": ok.get("from"), "call_id": ok.call_id.decode()}
        for method in ("ACK", "BYE"):
            a.send_sip(a.make(method, b.contact_uri, route, **dialog))
            self.assertEqual(b.next_sip().method.decode(), method, "a dialog is not challenged")
        stranger = Phone(daemon.port, "mallory", domain="example.net")
        self.assertEqual(stranger.ask("MESSAGE", "sip:bob@example.org").status, 403)
        self.end(daemon, a, b, stranger)

    def test_not_your_address(self):
        daemon = self.daemon()
        a = Member(daemon.port, "alice")
        self.assertEqual(a.register(expires=300, to="<sip:bob@example.org>").status, 403)
        self.assertEqual(a.register(expires=300, to="<sip:bob@example.net>").status, 403)
        self.assertEqual(daemon.counters()["bindings"], 0)
        self.end(daemon, a)

    def test_replay_and_expiry(self):
        daemon = self.daemon(auth__nonce_lifetime=3)
        a, other = Member(daemon.port, "alice"), Phone(daemon.port, "alice")
        head = {"to": "<sip:alice@example.org>", "call_id": "c"}
        a.send_sip(a.make("REGISTER", "sip:example.org", **head))
        challenge = Challenge(a.next_sip().get("www-authenticate"))
        value = challenge.answer("REGISTER", "sip:example.org", "alice", "secret")
        good = a.make("REGISTER", "sip:example.org", [("Authorization", value)], **head)
        a.send_sip(good)
        first = a.next_sip()
        self.assertEqual(first.status, 200)
        a.send_sip(good)
        self.assertEqual(a.next_sip().octets, first.octets, "the same octets are a retransmission")
        for phone in (a, other):
            phone.send_sip(a.make("REGISTER", "sip:example.org", [("Authorization", value)],
                                  **head))
            got = phone.next_sip()
            self.assertEqual(got.status, 401)
            self.assertEqual(Challenge(got.get("www-authenticate")).params.get("stale"), "true")
        stale = daemon.counters()["auth_stale"]

        def too_old():
            late = challenge.answer("REGISTER", "sip:example.org", "alice", "secret", nc=9)
            a.send_sip(a.make("REGISTER", "sip:example.org", [("Authorization", late)], **head))
            a.next_sip()
            return daemon.counters()["auth_stale"] > stale
        self.assertTrue(harness.poll(too_old), "a nonce ends with its lifetime")
        self.end(daemon, a, other)

    def test_hangup_reads_the_users_again(self):
        daemon = self.daemon(auth__reload_interval=0)
        a = Member(daemon.port, "alice").registered()
        users_file(self.users, {"alice": "changed", "carol": "secret"})
        daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(daemon.out.wait("^sipring: reloaded$"))
        self.assertEqual(a.register(expires=300).status, 401)
        a.password = "changed"
        self.assertEqual(a.register(expires=300).status, 200)
        carol = Member(daemon.port, "carol").registered()
        self.users.write_text("alice:example.org\n")
        with daemon.counted(auth_reloads_failed=1):
            daemon.process.send_signal(signal.SIGHUP)
            self.assertTrue(daemon.err.wait("auth_reload_failed .*line 1: HA1"))
        self.assertEqual(a.register(expires=300).status, 200, "the old users stay")
        self.end(daemon, a, carol)

    def test_file_change_is_seen(self):
        daemon = self.daemon(auth__reload_interval=1)
        users_file(self.users, {"alice": "changed"}, algorithms=("MD5",))
        self.assertTrue(daemon.out.wait("^sipring: reloaded$"))
        a = Member(daemon.port, "alice", password="changed").registered()
        self.assertEqual([c.algorithm for c in a.challenges], ["MD5"])
        self.end(daemon, a)

    def test_bad_file_and_settings(self):
        for text, settings, said in (
                ("alice:example.org:zz\n", {}, "auth.users: .*line 1: HA1"),
                (None, {}, "auth.users: .*No such file"),
                ("", {"auth.algorithms": "MD5,SHA-1"}, "'SHA-1' is none of"),
                ("", {"auth.algorithms": "MD5, md5"}, "named twice"),
                ("", {"auth.algorithms": "MD5,"}, "is none of"),
                ("", {"auth.realm": 'a"b'}, "auth.realm"),
                ("", {"routing.mode": "echo"}, "auth.users: only")):
            if text is None:
                self.users.unlink()
            else:
                self.users.write_text(text)
            argv = [harness.BINARY_PATH, "--check", "--set", f"auth.users={self.users}"]
            for name, value in settings.items():
                argv += ["--set", f"{name}={value}"]
            with self.subTest(said):
                got = subprocess.run(argv, capture_output=True, text=True, check=False)
                self.assertEqual(got.returncode, 2, got.stderr)
                self.assertRegex(got.stderr, said)


if __name__ == "__main__":
    harness.main()
