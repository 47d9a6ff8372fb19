# SPDX-License-Identifier: Apache-2.0
"""Mode edge in front of a real SIPp that plays the called party of sipp_uas.xml, over UDP and TCP:
calls from a client over WebSocket, many at once.
"""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import peer
from kamailio import free_port
from peer import DEADLINE, harness
from sip import Msg, Phone, uri_of
from ws import WsError

PROGRAM = shutil.which("sipp")
SCENARIO = str(pathlib.Path(__file__).with_name("sipp_uas.xml"))
CALLS = 20


class Sipp(unittest.TestCase):
    transport = "tcp"

    def setUp(self):
        self.port = free_port()
        self.room = tempfile.TemporaryDirectory()
        self.addCleanup(self.room.cleanup)
        # it ends by itself after so many calls; an OPTIONS would be one
        self.sipp = subprocess.Popen(
            [PROGRAM, "-sf", SCENARIO, "-i", "127.0.0.1", "-p", str(self.port), "-nostdin",
             "-t", "t1" if self.transport == "tcp" else "u1", "-m", str(CALLS), "-trace_err",
             "-error_file", f"{self.room.name}/errors"],
            cwd=self.room.name, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.addCleanup(self.end)
        where = f"sip:127.0.0.1:{self.port};transport={self.transport}"
        self.assertTrue(harness.poll(self.listens), self.errors())
        settings = {"edge.listen": "127.0.0.1:0", "edge.check_interval": 0, "loops": 1}
        self.daemon = harness.Daemon("edge", settings, args=["--upstream", where]).start()
        self.addCleanup(self.daemon.kill)
        self.assertIsNotNone(self.daemon.err.wait("upstream_up"), self.daemon.report())

    def listens(self):
        with open(f"/proc/net/{self.transport}", encoding="ascii") as file:
            return f" 0100007F:{self.port:04X} " in file.read()

    def end(self):
        self.sipp.kill()
        self.sipp.wait(DEADLINE)

    def test_calls(self):
        phone = Phone(self.daemon.port, "alice")
        calls = {}
        for _ in range(CALLS):
            request = Msg(phone.make("INVITE", f"sip:service@127.0.0.1:{self.port}",
                                     [("Contact", phone.contact)]))
            phone.send_sip(request.octets)
            calls[request.call_id] = request
        for _ in range(3 * CALLS):  # 183, 200, and 200 for BYE
            try:
                got = phone.next_sip()
            except WsError as error:
                raise AssertionError(f"{error}\n{self.errors()}") from None
            invite = calls[got.call_id]
            if got.cseq[1] == b"BYE":
                self.assertEqual(got.status, 200)
                calls.pop(got.call_id)
            elif got.status != 183:
                self.assertEqual(got.status, 200)
                self.acknowledge_and_end(phone, invite, got)
        self.assertEqual(calls, {})
        self.assertEqual(self.sipp.wait(DEADLINE), 0, self.errors())
        phone.close()
        self.daemon.stop()

    def acknowledge_and_end(self, phone, invite, got):
        routes = [("Route", r) for r in got.all("record-route")[::-1]]
        self.assertEqual(len(routes), 2)
        for method, cseq in (("ACK", invite.cseq[0]), ("BYE", invite.cseq[0] + 1)):
            phone.send_sip(phone.make(method, uri_of(got.get("contact")).decode(), routes,
                                      to=got.get("to").decode(), sender=got.get("from").decode(),
                                      call_id=got.call_id.decode(), cseq=cseq))

    def errors(self):
        try:
            with open(f"{self.room.name}/errors", encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""


class SippUdp(Sipp):
    transport = "udp"


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: sipp is not installed")
        raise SystemExit(77)
    peer.main()
