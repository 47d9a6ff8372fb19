# SPDX-License-Identifier: Apache-2.0
"""TLS under the WebSocket of the tests, and certificates made by openssl(1) for them.

SIPRING_TEST_TLS=1: every daemon listens with wss:, every client and every upstream speaks TLS.
"""

import atexit
import functools
import os
import pathlib
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

EVERYWHERE = os.environ.get("SIPRING_TEST_TLS") == "1"
PLAIN_MAX = 16384  # of a record


@functools.cache
def directory():
    """For this process's files; gone with it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sipring-tls-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def openssl(*args):
    done = subprocess.run(["openssl", *args], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"openssl {args}: {done.stderr}")


KEYS = {"ec": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        "rsa": ("-newkey", "rsa:2048")}


class Pair:
    """Files of a certificate, with its chain but the root, and of its key."""

    def __init__(self, name):
        self.certificate = directory() / f"{name}.pem"
        self.key = directory() / f"{name}.key"


def make_ca(name="ca"):
    pair = Pair(name)
    openssl("req", "-x509", *KEYS["ec"], "-nodes", "-keyout", str(pair.key), "-out",
            str(pair.certificate), "-days", "3650", "-subj", f"/CN=test {name}",
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return pair


def make(name, names="DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:::1", issuer=None, kind="ec",
         days=30):
    """A certificate for these subject alternative names."""
    pair, issuer = Pair(name), issuer or ca()
    extensions = directory() / f"{name}.ext"
    extensions.write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n"
                          "extendedKeyUsage=serverAuth,clientAuth\n")
    request = directory() / f"{name}.csr"
    openssl("req", *KEYS[kind], "-nodes", "-keyout", str(pair.key), "-out", str(request),
            "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", str(request), "-CA", str(issuer.certificate), "-CAkey",
            str(issuer.key), "-CAcreateserial", "-days", str(days), "-extfile", str(extensions),
            "-out", str(pair.certificate))
    return pair


@functools.cache
def ca():
    return make_ca()


@functools.cache
def usual():
    return make("usual")


def settings(*pairs):
    """What the daemon needs to serve with these."""
    return {"tls.certificate": ",".join(str(p.certificate) for p in pairs),
            "tls.private_key": ",".join(str(p.key) for p in pairs)}


def client_context():
    context = ssl.create_default_context(cafile=str(ca().certificate))
    context.set_alpn_protocols(["http/1.1"])
    return context


@functools.cache
def usual_client():
    return client_context()


@functools.cache
def usual_server():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(usual().certificate, usual().key)
    return context


class TlsSocket:
    """As much of a non-blocking socket as the tests use, with TLS in memory between.

    Unlike ssl.SSLSocket it can be half closed, and tells a FIN from a close_notify.
    """

    def __init__(self, sock, context, server=False, name=None, within=20, session=None):
        self.sock = sock
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_side=server, server_hostname=name,
                                    session=session)
        self.left = b""  # ciphertext that the socket did not take yet
        self.truncated = False  # FIN without close_notify
        self.sock.setblocking(False)
        self._handshake(time.monotonic() + within)

    def _handshake(self, deadline):
        while True:
            try:
                self.tls.do_handshake()
                self.flush()
                return
            except ssl.SSLWantReadError:
                self.flush()
            except ssl.SSLError:
                self.flush()
                raise
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                raise TimeoutError("TLS handshake")
            self._read()

    def _read(self):
        data = self.sock.recv(1 << 18)
        if data:
            self.into.write(data)
        else:
            self.into.write_eof()

    def flush(self):
        """True: nothing is left."""
        self.left += self.out.read()
        while self.left:
            try:
                self.left = self.left[self.sock.send(self.left):]
            except BlockingIOError:
                return False
        return True

    def send(self, data):
        if not self.flush():
            raise BlockingIOError
        n = self.tls.write(data[:PLAIN_MAX])
        self.flush()
        return n

    def recv(self, _):
        """All that there is: select() does not see what lies in memory."""
        parts = []
        try:
            while True:
                try:
                    parts.append(self.tls.read(1 << 18))
                    if not parts[-1]:  # close_notify
                        break
                except ssl.SSLWantReadError:
                    self._read()
        except (ConnectionResetError, BrokenPipeError, BlockingIOError):
            if not parts:
                raise
        except ssl.SSLZeroReturnError:
            pass
        except ssl.SSLEOFError:
            self.truncated = True
        finally:
            self.flush_quietly()
        return b"".join(parts)

    def flush_quietly(self):
        try:
            self.flush()
        except OSError:
            pass

    def shutdown(self, how):
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush()
        self.sock.shutdown(how)

    def close(self):
        self.sock.close()

    def setblocking(self, flag):
        assert not flag

    def setsockopt(self, *args):
        self.sock.setsockopt(*args)

    def fileno(self):
        return self.sock.fileno()

    def getsockname(self):
        return self.sock.getsockname()


def connected(sock, name="localhost", context=None):
    return TlsSocket(sock, context or usual_client(), name=name)


def accepted(sock, context=None):
    return TlsSocket(sock, context or usual_server(), server=True)


def unflushed(sock):
    return isinstance(sock, TlsSocket) and not sock.flush()


def plain(sock):
    return sock if isinstance(sock, socket.socket) else sock.sock
