# SPDX-License-Identifier: Apache-2.0
"""A WebSocket server in a thread of its own that answers OPTIONS, and does one thing wrong."""

import asyncio
import threading

from ws import accept_value, mask_bytes


class Connection:
    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.requests = 0

    async def run(self):
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
                 b"Sec-WebSocket-Accept: " + accept_value(fields[b"Sec-WebSocket-Key"]),
                 b"Sec-WebSocket-Protocol: sip"]
        self.writer.write(b"\r\n".join(self.server.head(lines)) + b"\r\n\r\n")
        while True:
            opcode, payload = await self.frame()
            if opcode == 8:
                self.send(payload, 0x88)
                self.writer.close()
                return
            if opcode == 9:
                await self.server.ping(self, payload)
            if opcode == 1:
                self.requests += 1
                await self.server.take(self, payload.decode(errors="replace"))

    async def frame(self):
        first, second = await self.reader.readexactly(2)
        length = second & 127
        if length == 126:
            length = int.from_bytes(await self.reader.readexactly(2), "big")
        key = await self.reader.readexactly(4)
        return first & 15, mask_bytes(await self.reader.readexactly(length), key)

    def send(self, payload, first=0x81):
        n = len(payload)
        size = bytes([n]) if n < 126 else bytes([126]) + n.to_bytes(2, "big")
        self.writer.write(bytes([first]) + size + payload)


def answer(request, status="200 OK"):
    """The response to a request as it should be."""
    lines = [f"SIP/2.0 {status}"]
    for line in request.split("\r\n"):
        if line.startswith(("Via:", "From:", "Call-ID:", "CSeq:")):
            lines.append(line)
        elif line.startswith("To:"):
            lines.append(line + ";tag=sloppy")
    return "\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n"


class Server:
    """Right in everything; a subclass overrides head() or take() to be wrong."""

    def __init__(self):
        self.connections = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        start = asyncio.start_server(self.accepted, "127.0.0.1", 0)
        self.listener = asyncio.run_coroutine_threadsafe(start, self.loop).result()
        self.port = self.listener.sockets[0].getsockname()[1]

    async def accepted(self, reader, writer):
        connection = Connection(self, reader, writer)
        self.connections.append(connection)
        try:
            await connection.run()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    def head(self, lines):
        return lines

    async def ping(self, connection, payload):
        connection.send(payload, 0x8a)

    async def take(self, connection, request):
        connection.send(answer(request).encode())

    def close(self):
        async def end():
            self.listener.close()
            tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for connection in self.connections:
                connection.writer.transport.abort()

        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
