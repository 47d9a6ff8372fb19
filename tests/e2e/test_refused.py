# SPDX-License-Identifier: Apache-2.0
"""What the system refuses: the daemon says what is wrong and what helps, or does with less; it
never dies without a word, and never starts half."""

import ctypes
import errno
import os
import pathlib
import platform
import resource
import struct
import subprocess
import unittest

import harness
from ws import BINARY, SCALE, TEXT, Stream, Ws, WsError, frame, request_head

IO_URING_SETUP, IO_URING_REGISTER = 425, 427
MB = 1 << 20
NOBODY = 65533  # has no other process
CGROUPS = pathlib.Path("/sys/fs/cgroup")


def refuse(number, error):
    """A preexec_fn: from here on this system call fails with this error (seccomp)."""
    def step(code, value, yes=0, no=0):
        return struct.pack("HBBI", code, yes, no, value)
    program = b"".join((
        step(0x20, 0),                      # the number of the system call
        step(0x15, number, 0, 1),
        step(0x06, 0x00050000 | error),     # SECCOMP_RET_ERRNO
        step(0x06, 0x7FFF0000)))            # SECCOMP_RET_ALLOW

    def install():
        buffer = ctypes.create_string_buffer(program)
        head = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(38, 1, 0, 0, 0)          # PR_SET_NO_NEW_PRIVS
        if libc.prctl(22, 2, ctypes.create_string_buffer(head), 0, 0):  # PR_SET_SECCOMP
            raise OSError(ctypes.get_errno(), "prctl")
    return install


def limit(what, value):
    return lambda: resource.setrlimit(what, (value, value))


def cgroup(limit_bytes):
    """A control group of our own with this limit, or None."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        own = CGROUPS / controllers / path.lstrip("/") / f"sipring-test-{os.getpid()}"
        try:
            own.mkdir()
        except OSError:
            continue
        try:
            (own / name).write_text(str(limit_bytes))
            return own
        except OSError:
            own.rmdir()
    return None


class Refused(unittest.TestCase):
    """It ends with 1 and one line that names the cause and the cure."""

    def said(self, preexec, *settings, code=1):
        args = [x for s in settings for x in ("--set", s)]
        done = subprocess.run([harness.BINARY_PATH, "--listen", "ws:127.0.0.1:0", *args],
                              capture_output=True, text=True, timeout=30 * SCALE, check=False,
                              preexec_fn=preexec)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertNotIn("ready", done.stdout)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stderr

    @unittest.skipUnless(platform.machine() == "x86_64", "numbers of system calls")
    def test_io_uring(self):
        cases = ((errno.ENOSYS, "Linux 6.1 or newer"), (errno.EPERM, "seccomp"),
                 (errno.EINVAL, "Linux 6.1 or newer"), (errno.ENOMEM, "RLIMIT_MEMLOCK"),
                 (errno.EMFILE, "RLIMIT_NOFILE"), (errno.ENFILE, "fs.file-max"))
        for error, words in cases:
            with self.subTest(errno.errorcode[error]):
                self.assertIn(words, self.said(refuse(IO_URING_SETUP, error)))

    @unittest.skipUnless(platform.machine() == "x86_64", "numbers of system calls")
    def test_register(self):
        """Receive buffers cannot be registered: nothing works without."""
        self.assertIn("Linux 6.1", self.said(refuse(IO_URING_REGISTER, errno.EINVAL)))
        self.assertIn("RLIMIT_MEMLOCK", self.said(refuse(IO_URING_REGISTER, errno.ENOMEM)))

    @unittest.skipIf(harness.sanitized(), "a sanitizer needs terabytes of addresses")
    def test_memory(self):
        words = self.said(limit(resource.RLIMIT_AS, 100 * MB), "loops=1", "max_connections=1000",
                          "receive_buffers=32768")
        self.assertRegex(words, "no memory")
        words = self.said(limit(resource.RLIMIT_AS, 400 * MB), "loops=1", "max_connections=15000",
                          "receive_buffers=32768")
        self.assertRegex(words, "no memory")

    def test_descriptors(self):
        """None is left for a ring or a listener, or fewer than connections are wanted."""
        words = self.said(limit(resource.RLIMIT_NOFILE, 64), "loops=2", code=2)
        self.assertRegex(words, "open files .*leaves none.* ulimit -n")
        words = self.said(limit(resource.RLIMIT_NOFILE, 200), "loops=1", "max_connections=500",
                          code=2)
        self.assertRegex(words, "max_connections = 500: the limit on open files allows 136 ")

    @unittest.skipIf(harness.sanitized(), "a sanitizer needs a thread at the end")
    def test_threads(self):
        def none():
            os.setuid(NOBODY)
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
        if os.getuid():
            self.skipTest("SKIP: needs root to become somebody else")
        self.assertIn("cannot start a thread: raise RLIMIT_NPROC", self.said(none))


class Less(unittest.TestCase):
    """It does with less, and says so."""

    def serve(self, preexec=None, **settings):
        daemon = harness.Daemon(routing="echo", settings=settings)
        start = subprocess.Popen

        def popen(*args, **kw):
            return start(*args, preexec_fn=preexec, **kw)
        subprocess.Popen = popen
        try:
            daemon.start()
        finally:
            subprocess.Popen = start
        self.addCleanup(daemon.kill)
        client = Ws(daemon.port)
        client.send_text(b"hello")
        self.assertEqual(client.next_message(), (TEXT, b"hello"))
        return daemon, client

    def test_few_descriptors(self):
        """max_connections follows from the limit; who comes above it waits until one goes."""
        daemon, first = self.serve(limit(resource.RLIMIT_NOFILE, 200), loops=1)
        said = daemon.out.wait(r"up to (\d+) connections")
        self.assertLess(int(said[1][1]), 200)
        others = [Ws(daemon.port) for _ in range(int(said[1][1]) - 1)]
        late = Stream(daemon.port)
        late.send(request_head(daemon.port)[0])
        self.assertEqual(daemon.counters()["connections"], int(said[1][1]))
        others.pop().hang_up()
        self.assertIn(b"101", bytes(late.buf[:late.fill_until(b"\r\n")]))
        late.close()
        for client in [first, *others]:
            client.hang_up()
        daemon.wait_quiet()
        daemon.stop()

    def test_memlock(self):
        """Nothing of what is needed counts against RLIMIT_MEMLOCK."""
        daemon, client = self.serve(limit(resource.RLIMIT_MEMLOCK, 0))
        client.hang_up()
        daemon.wait_quiet()
        daemon.stop()

    @unittest.skipIf(harness.sanitized(), "a sanitizer's heap is larger than the limit")
    def test_cgroup(self):
        """What may pile up follows from the limit: no death for clients that do not read."""
        group = cgroup(96 * MB)
        if not group:
            self.skipTest("SKIP: no control group can be made here")
        self.addCleanup(group.rmdir)
        daemon, client = self.serve(
            lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
            ws_send_timeout=600000, ws_send_queue=64 * MB, loops=1)
        said = daemon.err.wait(r"warn memory_limit cgroup=(\d+) buffer_memory=(\d+)")
        self.assertEqual([int(x) for x in said[1].groups()], [96 * MB, 48 * MB])
        deaf = [Ws(daemon.port, rcvbuf=4096) for _ in range(60)]
        load = frame(BINARY, bytes(60000)) * 8
        for _ in range(10):
            for peer in deaf:
                try:
                    peer.send(load, reading=False, within=0.02)
                except WsError:
                    pass
        client.send_text(b"still there?")
        self.assertEqual(client.next_message(), (TEXT, b"still there?"))
        self.assertTrue(daemon.alive(), daemon.report())
        for peer in [client, *deaf]:
            peer.reset()
        daemon.wait_quiet()
        daemon.stop()


if __name__ == "__main__":
    harness.main()
