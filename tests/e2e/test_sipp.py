# SPDX-License-Identifier: Apache-2.0
"""wsload with scenarios of SIPp: against SIPp itself, against wsload, through our daemon.

SIPp's bundled scenarios are printed by the SIPp that is installed.
"""

import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import tls
from harness import BIN, Daemon, Lines
from ws import DEADLINE

WSLOAD = str((BIN if BIN.is_dir() else BIN.parent) / "wsload")
SIPP = shutil.which("sipp")
BUNDLED = ("uac", "uas", "regexp", "branchc", "branchs")


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def shortened(text):
    """A bundled scenario with pauses of a tenth, to be done sooner."""
    return re.sub(r'(<(?:pause|timewait) milliseconds ?= ?"\d+)0{2}"', r'\1"', text)


class Wsload:
    """One that runs beside the test."""

    def __init__(self, where, file, *args):
        self.process = subprocess.Popen(
            [WSLOAD, where, "--scenario", str(file), "--json", "--quiet", "--max-lag", "10s",
             *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)

    def port(self):
        found = self.err.wait(r"listening on \w+:[^ ]*:(\d+)$")
        if not found:
            raise AssertionError(self.err.text())
        return int(found[1].group(1))

    def result(self):
        """(exit code, the JSON object)"""
        try:
            code = self.process.wait(4 * DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.out.thread.join(DEADLINE)
        self.err.thread.join(DEADLINE)
        lines = self.out.text().splitlines()
        if not lines:
            raise AssertionError(f"{code}: {self.err.text()}")
        return code, json.loads(lines[-1])

    def kill(self):
        self.process.kill()
        self.process.wait()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        for name in BUNDLED if SIPP else ():
            text = subprocess.run([SIPP, "-sd", name], capture_output=True, text=True,
                                  check=False).stdout
            cls.file(f"{name}.xml", text)
            cls.file(f"{name}_short.xml", shortened(text))

    @classmethod
    def path(cls, name):
        return pathlib.Path(cls.directory.name, name)

    @classmethod
    def file(cls, name, text):
        cls.path(name).write_text(text)
        return cls.path(name)

    def start(self, where, file, *args):
        run = Wsload(where, self.path(file), *args)
        self.addCleanup(run.kill)
        return run

    def sipp(self, *args):
        process = subprocess.Popen([SIPP, *map(str, args), "-i", "127.0.0.1", "-nostdin"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd=self.directory.name)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def good(self, run, calls):
        code, result = run.result()
        self.assertEqual((code, result["errors"], result["operations"]), (0, 0, calls),
                         run.err.text())
        return result


@unittest.skipUnless(SIPP, "no SIPp (package sip-tester)")
class Real(Case):
    """SIPp on the other side, and its own scenarios unchanged."""

    def await_udp(self, port):
        """SIPp says nothing when it is ready: its port is taken then."""
        for _ in range(500):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    return
            subprocess.run([sys.executable, "-c", ""], check=False)
        self.fail("SIPp does not listen")

    def await_tcp(self, port):
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port), DEADLINE).close()
                return
            except ConnectionRefusedError:
                subprocess.run([sys.executable, "-c", ""], check=False)
        self.fail("SIPp does not listen")

    def test_uac_udp(self):
        port = free_port()
        self.sipp("-sn", "uas", "-p", port)
        self.await_udp(port)
        report = self.path("report.html")
        run = self.start(f"udp:127.0.0.1:{port}", "uac.xml", "-r", 100, "-m", 30, "--report",
                         report, "--slo", "p99(rtd1)<20s")
        r = self.good(run, 30)
        self.assertRegex(run.err.text(), r"response times, ms: <10: \d+ <20: \d+ .* >=200: \d+")
        self.assertIn("response time 1", report.read_text())
        self.assertEqual(r["counts"]["calls"], 30)
        self.assertEqual(r["times_us"]["rtd1"]["count"], 30)

    def test_uac_tcp(self):
        port = free_port(socket.SOCK_STREAM)
        self.sipp("-sn", "uas", "-p", port, "-t", "t1")
        self.await_tcp(port)
        r = self.good(self.start(f"sip:127.0.0.1:{port};transport=tcp", "uac.xml", "-r", 10,
                                 "-rp", "100", "-m", 30, "-l", 5), 30)
        self.assertEqual(r["counts"]["connected"], 1)

    def uas(self, where, *args):
        uas = self.start(where, "uas_short.xml", "-m", 20)
        code = self.sipp("-sn", "uac", f"127.0.0.1:{uas.port()}", "-r", 100, "-m", 20,
                         *args).wait(2 * DEADLINE)
        self.assertEqual(code, 0)
        return self.good(uas, 20)

    def test_uas_udp(self):
        r = self.uas("udp:127.0.0.1:0")
        self.assertEqual(r["times_us"]["rtd1"]["count"], 20)

    def test_uas_tcp(self):
        self.uas("tcp:127.0.0.1:0", "-t", "t1")

    def test_uas_tcp_one_connection_per_call(self):
        self.uas("tcp:127.0.0.1:0", "-t", "tn", "-max_socket", 1000)

    def test_branches(self):
        """The client's second and later calls take another branch than its first ones."""
        port = free_port()
        self.sipp("-sn", "branchs", "-p", port)
        self.await_udp(port)
        self.good(self.start(f"udp:127.0.0.1:{port}", "branchc_short.xml", "-r", 100, "-m", 4), 4)
        uas = self.start("udp:127.0.0.1:0", "branchs_short.xml", "-m", 4)
        client = self.start(f"udp:127.0.0.1:{uas.port()}", "branchc_short.xml", "-r", 100, "-m", 4)
        self.good(client, 4)
        self.good(uas, 4)

    def test_expressions(self):
        """What <ereg> found comes back in the ACK."""
        uas = self.file("check.xml", (self.path("uas_short.xml").read_text().replace(
            '<recv request="ACK"\n        optional="true"', '<recv request="ACK"').replace(
            'rtd="true"\n        crlf="true">', """>
            <action>
              <ereg regexp="^127.0.0.1:[0-9]+$" search_in="hdr" header="retrievedIp:"
                    check_it="true" assign_to="a"/>
              <ereg regexp="^&lt;sip:127.0.0.1:[0-9]+;transport=UDP>$" search_in="hdr"
                    header="retrievedContact" check_it="true" assign_to="a"/>
              <ereg regexp="^o=user1 53655765 2353687637$" search_in="hdr"
                    header="retrievedSdpOrigin" check_it="true" assign_to="a"/>
              <ereg regexp="^user1$" search_in="hdr" header="retrievedSdpOrigin-username"
                    check_it="true" assign_to="a"/>
            </action>""")))
        uas = self.start("udp:127.0.0.1:0", uas.name, "-m", 3)
        client = self.start(f"udp:127.0.0.1:{uas.port()}", "regexp_short.xml", "-m", 3)
        self.good(client, 3)
        self.good(uas, 3)

    def daemon(self, scheme, **settings):
        daemon = Daemon(listen=(f"{scheme}:127.0.0.1:0",), **settings).start()
        self.addCleanup(daemon.stop)
        return f"{scheme}://127.0.0.1:{daemon.port}"

    def through(self, where, *args):
        """The one that answers registers the name of -s, and is called by it."""
        uas = self.start(where, "uas.xml", "-m", 20, "-s", "carol", *args)
        probe = self.file("probe.xml", PROBE).name
        self.good(self.start(where, probe, "-s", "carol", "-m", 1, *args), 1)
        r = self.good(self.start(where, "uac.xml", "-r", 100, "-m", 20, "-s", "carol", *args), 20)
        self.assertGreater(r["times_us"]["upgrade"]["count"], 0)
        self.assertEqual(self.good(uas, 20)["counts"]["registered"], 1)

    def test_through_the_daemon(self):
        self.through(self.daemon("ws"))

    def test_through_the_daemon_wss(self):
        self.through(self.daemon("wss", settings=tls.settings(tls.usual())), "--insecure")


# Until the name is registered: OPTIONS is refused or delivered, INVITE comes later.
PROBE = """<scenario>
<label id="again"/>
<send><![CDATA[
  REGISTER sip:[remote_ip] SIP/2.0
  Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
  From: <sip:[service]@[remote_ip]>;tag=1
  To: <sip:[service]@[remote_ip]>
  Call-ID: [call_id]
  CSeq: 1 REGISTER
  Content-Length: 0
]]></send>
<recv response="200"><action>
  <ereg regexp="sip:" search_in="hdr" header="Contact" assign_to="there"/>
</action></recv>
<nop test="there" next="end"/>
<pause milliseconds="20"/>
<nop next="again"/>
<label id="end"/>
<nop/>
</scenario>
"""


def cdata(*lines):
    return "<![CDATA[\n" + "\n".join(lines) + "\n]]>"


def message(start, *lines):
    return cdata(start, "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
                 "From: <sip:a@b>;tag=[call_number]", "To: <sip:[service]@b>[peer_tag_param]",
                 "Call-ID: [call_id]", *lines, "Content-Length: 0")


def answer(status, *lines):
    text = cdata(f"SIP/2.0 {status}", "[last_Via:]", "[last_From:]",
                 "[last_To:];tag=[call_number]", "[last_Call-ID:]", "[last_CSeq:]", *lines,
                 "Content-Length: 0")
    return f"<send>{text}</send>"


def scenario(*parts):
    return "<scenario>" + "\n".join(parts) + "</scenario>"


OPTIONS = message("OPTIONS sip:[service]@b SIP/2.0", "CSeq: 1 OPTIONS")


class Ours(Case):
    """wsload on both sides: what SIPp's bundled scenarios do not use."""

    def pair(self, server, client, *args, calls=1, server_args=(), codes=(0, 0)):
        """Both run; returns both results."""
        uas = self.start("udp:127.0.0.1:0", self.file("s.xml", server).name, "-m", calls,
                         *server_args)
        rate = () if "-users" in args else ("-r", 100)
        uac = self.start(f"udp:127.0.0.1:{uas.port()}", self.file("c.xml", client).name, "-m",
                         calls, *rate, *args)
        got = uas.result(), uac.result()
        self.assertEqual((got[0][0], got[1][0]), codes, uas.err.text() + uac.err.text())
        self.said = uas.err.text() + uac.err.text()
        return got[0][1], got[1][1]

    def says(self, client_part, want, *args, calls=1):
        """What an X: line of the request holds, by the <log> of the one who answers."""
        server = scenario("""<recv request="OPTIONS"><action>
            <ereg regexp=".*" search_in="hdr" header="X:" assign_to="x"/>
            <log message="<[$x]>"/></action></recv>""".replace("<[$x]>", "&lt;[$x]&gt;"),
                          answer("200 OK"))
        client = scenario(*client_part)
        self.pair(server, client, *args, calls=calls, server_args=("-trace_logs",))
        self.assertEqual(re.findall(r"^log: <(.*)>$", self.said, re.M), want)

    def ask(self, value, before=""):
        return (before, f"<send>{message('OPTIONS sip:x@b SIP/2.0', 'CSeq: 1 OPTIONS', value)}"
                        "</send>", '<recv response="200"/>')

    def test_injection(self):
        users = self.file("users.csv", "SEQUENTIAL\n#no line\nanna;one\nbert;two\n")
        more = self.file("more.csv", "SEQUENTIAL,PRINTF=3,PRINTFOFFSET=7\nu%03d;%d%%\n")
        self.says(self.ask("X: [field0] [field1 file=more.csv] [field0 file=\"more.csv\" line=2]"
                           " [field7]."),
                  ["anna 7% u009 .", "bert 8% u009 .", "anna 9% u009 ."], "-inf", users, "-inf",
                  more, calls=3)

    def test_injection_random_and_users(self):
        users = self.file("r.csv", "RANDOM\na\nb\n")
        by_user = self.file("u.csv", "USER\nc\nd\n")
        self.says(self.ask("X: [field0 file=u.csv] [userid] [users] [field0 line=1]"),
                  ["c 0 1 b", "c 0 1 b"], "-inf", users, "-inf", by_user, "-users", 1, calls=2)

    def test_lookup_insert_replace(self):
        users = self.file("look.csv", "SEQUENTIAL\nanna;1\nbert;2\n")
        before = f"""<nop><action>
            <insert file="{users.name}" value="carl;3"/>
            <lookup assign_to="line" file="{users.name}" key="carl"/>
            <replace file="{users.name}" line="0" value="anna;9"/>
            </action></nop>"""
        self.says(self.ask('X: [field1 line="[$line]"] [field1 line=0]', before), ["3 9"], "-inf",
                  users)

    def test_keys_and_variables(self):
        before = """<Global variables="g"/><nop><action>
            <assign assign_to="n" value="2"/><add assign_to="n" value="3"/>
            <multiply assign_to="n" variable="n"/><subtract assign_to="n" value="1"/>
            <divide assign_to="n" value="4"/>
            <assignstr assign_to="s" value=" [service] "/><trim assign_to="s"/>
            <strcmp assign_to="c" variable="s" value="carol"/>
            <test assign_to="t" variable="c" compare="equal" value="0"/>
            <ereg regexp="(a)(r)" search_in="var" variable="s" assign_to="w,l,r"/>
            <todouble assign_to="d" variable="g"/>
            </action></nop>
            <nop condexec="t"><action><assignstr assign_to="s" value="[$s]!"/></action></nop>
            <nop condexec="t" condexec_inverse="true"><action>
            <assignstr assign_to="s" value="never"/></action></nop>"""
        self.says(self.ask(r"X: [$n] [$s] [$w][$r] [$d] [mine] \x5b[len]", before),
                  ["6.000000 carol! arr 4.000000 hello [0"], "-set", "g", "4", "-key", "mine",
                  "hello", "-s", "carol")

    def test_last(self):
        """A header that did not come takes its line along."""
        server = scenario('<recv request="OPTIONS"/>', answer(
            "200 OK", "[last_Nothing:]", "A: [last_CSeq.value] [last_cseq_number+4]",
            "B: [last_Request_URI]", "C: x[last_Nothing:] gone"))
        client = scenario(f"<send>{OPTIONS}</send>", """<recv response="200"><action>
            <ereg regexp="^1 OPTIONS 5$" search_in="hdr" header="A" check_it="true" assign_to="x"/>
            <ereg regexp="^sip:carol@b$" search_in="hdr" header="B" check_it="true" assign_to="x"/>
            <ereg regexp="^x$" search_in="hdr" header="C" check_it="true" assign_to="x"/>
            <ereg regexp="gone|Nothing" search_in="msg" check_it_inverse="true" assign_to="x"/>
            </action></recv>""")
        self.pair(server, client, "-s", "carol")

    def test_routes(self):
        """Record-Route is the way back, turned round by who called."""
        server = scenario('<recv request="OPTIONS"/>', answer(
            "200 OK", "Record-Route: <sip:a;lr>, <sip:b;lr>", "Record-Route: <sip:c;lr>",
            "Contact: <sip:me@here>;x=y"), '<recv request="INFO"><action>'
            '<ereg regexp="^Route: <sip:c;lr>, <sip:b;lr>, <sip:a;lr>.$" search_in="msg"'
            ' check_it="false" assign_to="x"/>'
            '<ereg regexp="^<sip:c;lr>, <sip:b;lr>, <sip:a;lr>$" search_in="hdr" header="Route"'
            ' check_it="true" assign_to="x"/>'
            '<ereg regexp="^INFO sip:me@here SIP" search_in="msg" check_it="true" assign_to="x"/>'
            "</action></recv>".replace("<sip", "&lt;sip"), answer("200 OK"))
        client = scenario(f"<send>{OPTIONS}</send>", '<recv response="200" rrs="true"/>',
                          f"<send>{message('INFO [next_url] SIP/2.0', '[routes]', 'CSeq: 2 INFO')}"
                          "</send>", '<recv response="200"/>')
        self.pair(server, client)

    def test_authentication(self):
        server = scenario('<recv request="OPTIONS"/>', answer(
            "407 No", 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'),
            """<recv request="OPTIONS"><action>
            <ereg regexp="^Digest username=.anna., realm=.r., nonce=.n., uri=.sip:x@b., response="
                  search_in="hdr" header="Proxy-Authorization" check_it="true" assign_to="x"/>
            </action></recv>""", answer("200 OK"))
        again = message("OPTIONS sip:x@b SIP/2.0", "CSeq: 2 OPTIONS",
                        "[authentication username=anna password=secret]")
        client = scenario(f"<send>{OPTIONS}</send>", '<recv response="407" auth="true"/>',
                          f"<send>{again}</send>", '<recv response="200"/>')
        self.pair(server, client)

    def test_sent_again(self):
        """A lost request goes out again; so does the answer to one that came twice."""
        server = scenario('<recv request="OPTIONS"/>',
                          answer("200 OK").replace("<send", '<send lost="50"'),
                          '<timewait milliseconds="500"/>')
        client = scenario(f'<send retrans="20" lost="50">{OPTIONS}</send>',
                          '<recv response="200"/>')
        uas, uac = self.pair(server, client, calls=40)
        self.assertGreater(uac["counts"]["dropped"], 0)
        self.assertGreater(uac["counts"]["resent"], 0)
        self.assertGreater(uas["counts"]["resent_received"], 0)

    def test_branches_by_chance(self):
        client = scenario('<nop next="end" chance="0.5"/>', f"<send>{OPTIONS}</send>",
                          '<recv response="200"/>', '<label id="end"/>', "<nop/>")
        uas = self.start("udp:127.0.0.1:0", self.file("s.xml", scenario(
            '<recv request="OPTIONS"/>', answer("200 OK"))).name, "--duration", "3s")
        uac = self.start(f"udp:127.0.0.1:{uas.port()}", self.file("c.xml", client).name, "-m", 60,
                         "-r", 500)
        code, r = uac.result()
        self.assertEqual((code, r["operations"]), (0, 60))
        self.assertTrue(10 < r["counts"]["messages_sent"] < 50, r["counts"])

    def test_closed_loop(self):
        """--depth without a rate: so many calls at once, one behind the other."""
        uas = self.start("tcp:127.0.0.1:0", self.file("s.xml", scenario(
            '<recv request="OPTIONS"/>', answer("200 OK"))).name)
        uac = self.start(f"tcp:127.0.0.1:{uas.port()}", self.file(
            "c.xml", scenario(f"<send>{OPTIONS}</send>", '<recv response="200"/>')).name,
            "--connections", 4, "--depth", 2, "-m", 200)
        r = self.good(uac, 200)
        self.assertEqual(r["counts"]["connected"], 4)
        uas.process.send_signal(signal.SIGINT)
        self.assertEqual(self.good(uas, 200)["counts"]["connected"], 4)


class Failures(Case):
    """Each way to fail is counted as what it is."""

    def fails(self, server, client, count, *args):
        uas = self.start("udp:127.0.0.1:0", self.file("s.xml", server).name, "--duration", "20s")
        uac = self.start(f"udp:127.0.0.1:{uas.port()}", self.file("c.xml", client).name, "-m", 1,
                         *args)
        code, r = uac.result()
        self.assertEqual((code, r["errors"], r["counts"][count], r["operations"]), (1, 1, 1, 0))
        uas.kill()
        return uac.err.text()

    def test_unexpected(self):
        said = self.fails(scenario('<recv request="OPTIONS"/>', answer("404 No")), scenario(
            f"<send>{OPTIONS}</send>", '<recv response="200"/>'), "call_unexpected")
        self.assertRegex(said, "SIP/2.0 404 No")

    def test_timeout(self):
        self.fails(scenario('<recv request="OPTIONS"/>', '<recv request="INFO"/>'), scenario(
            f"<send>{OPTIONS}</send>", '<recv response="200" timeout="50"/>'), "call_timeout")

    def test_no_answer(self):
        self.fails(scenario('<recv request="OPTIONS"/>', '<recv request="INFO"/>'), scenario(
            f'<send retrans="5">{OPTIONS}</send>', '<recv response="200"/>'), "call_unanswered",
            "-max_retrans", 3)

    def test_mismatch(self):
        self.fails(scenario('<recv request="OPTIONS"/>', answer("200 OK")), scenario(
            f"<send>{OPTIONS}</send>", '<recv response="200"><action><ereg regexp="never"'
            ' search_in="msg" check_it="true" assign_to="x"/></action></recv>'), "call_mismatch")

    def test_no_connection(self):
        run = self.start(f"tcp:127.0.0.1:{free_port(socket.SOCK_STREAM)}", self.file(
            "c.xml", scenario(f"<send>{OPTIONS}</send>")).name, "-m", 1)
        code, r = run.result()
        self.assertEqual((code, r["counts"]["connect_failed"]), (1, 1))

    def test_ontimeout(self):
        """A label to go on at is no failure."""
        uas = self.start("udp:127.0.0.1:0", self.file("s.xml", scenario(
            '<recv request="OPTIONS"/>', '<recv request="INFO"/>')).name, "--duration", "20s")
        self.good(self.start(f"udp:127.0.0.1:{uas.port()}", self.file("c.xml", scenario(
            f"<send>{OPTIONS}</send>", '<recv response="200" timeout="50" ontimeout="end"/>',
            '<label id="end"/>', "<nop/>")).name, "-m", 1), 1)

    def never_sent(self, value, *args, before=""):
        """The call is over before its first message: nothing goes out, now or later."""
        text = message("OPTIONS sip:x@b SIP/2.0", "CSeq: 1 OPTIONS", value)
        run = self.start("udp:127.0.0.1:9", self.file("c.xml", scenario(
            before, f'<send retrans="5">{text}</send>', '<recv response="200"/>')).name,
            "-m", 2, "-r", 20, *args)
        code, r = run.result()
        self.assertEqual((code, r["counts"]["call_failed"], r["counts"]["messages_sent"],
                          r["counts"]["resent"]), (1, 2, 0, 0))
        return run.err.text()

    def test_no_challenge(self):
        self.assertRegex(self.never_sent("[authentication]"), "without a challenge")

    def test_field_with_a_wrong_keyword(self):
        """Those of the file are looked at before anything runs; this one comes later."""
        users = self.file("users.csv", "SEQUENTIAL\nanna\n")
        later = f"""<nop><action><insert file="{users}" value="\\x5bnothing]"/>
            </action></nop>"""
        self.assertRegex(self.never_sent("X: [field0 line=1]", "-inf", users, before=later),
                         "nothing.: no keyword")

    def test_endless_loop(self):
        run = self.start("udp:127.0.0.1:9", self.file("c.xml", scenario(
            '<label id="a"/>', '<nop next="a"/>')).name, "-m", 1)
        code, r = run.result()
        self.assertEqual((code, r["counts"]["call_failed"]), (1, 1))


class Wrong(Case):
    """What is not supported is refused by name and line, with exit code 2."""

    def refused(self, text, line, words, *args, where="udp:127.0.0.1:9"):
        file = self.file("wrong.xml", text)
        done = subprocess.run([WSLOAD, where, "--scenario", file, *map(str, args)],
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, rf"wrong\.xml:{line}: .*{words}")

    def test_element(self):
        self.refused("<scenario>\n<sendCmd>x</sendCmd>\n</scenario>", 2, "<sendCmd>")

    def test_attribute(self):
        self.refused('<scenario>\n\n<recv request="INVITE"\n color="red"/>\n</scenario>', 3,
                     "<recv>.*color")

    def test_value(self):
        self.refused('<scenario>\n<recv response="abc"/>\n</scenario>', 2, 'response="abc"')

    def test_keyword(self):
        self.refused("<scenario>\n<send>\n<!-- two\nlines --><![CDATA[\n\n OPTIONS sip:x SIP/2.0"
                     "\n A: [nonsense]\n]]></send>\n</scenario>", 7, r"\[nonsense\]")

    def test_unsupported_keyword(self):
        self.refused("<scenario>\n<send><![CDATA[\nA [tdmmap]\n]]></send></scenario>", 3,
                     r"\[tdmmap\].*not supported")

    def test_action(self):
        self.refused('<scenario><nop><action>\n<exec play_pcap_audio="x"/>\n</action></nop>'
                     "</scenario>", 2, "play_pcap_audio")

    def test_label(self):
        self.refused('<scenario>\n<nop next="7"/>\n</scenario>', 2, 'next="7"')

    def test_variable(self):
        self.refused("<scenario>\n<send><![CDATA[\nA\nB [$typo]\n]]></send></scenario>", 4, "typo")

    def test_expression(self):
        self.refused('<scenario><nop><action>\n<ereg regexp="(" assign_to="x"/></action></nop>'
                     "</scenario>", 2, "regexp")

    def test_optional_last(self):
        self.refused('<scenario>\n<recv request="A" optional="true"/>\n<nop/></scenario>', 2,
                     "optional")

    def test_xml(self):
        self.refused("<scenario>\n<nop>\n</scenario>", 3, "not XML")

    def test_no_scenario(self):
        self.refused("\n<other/>", r"\d", "<other>")

    def test_injection(self):
        users = self.file("users.csv", "SEQUENTIAL\n[nonsense]\n")
        done = subprocess.run([WSLOAD, "udp:127.0.0.1:9", "--scenario", self.file(
            "c.xml", scenario("<nop/>")), "-inf", users], capture_output=True, text=True,
            timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"users\.csv:2: \[nonsense\]")

    def test_usage(self):
        file = self.file("c.xml", scenario("<nop/>"))
        for args, words in (((file, "-trace_msg"), "-trace_msg"), ((file, "-r"), "-r"),
                            ((file, "-r", "x"), "-r x"), ((file, "--threads", "2"), "thread"),
                            ((self.path("absent.xml"),), "absent.xml"),
                            (("options", "-m", "3"), "FILE.xml"), (("options",), "udp"),
                            ((file, "--connections", "2"), "--connections"),
                            ((file, "--sources", "127.0.0.2"), "-i ADDRESS"),
                            ((file, "--keep-alive", "30s"), "--keep-alive")):
            done = subprocess.run([WSLOAD, "udp:127.0.0.1:9", "--scenario", *args],
                                  capture_output=True, text=True, timeout=DEADLINE, check=False)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
