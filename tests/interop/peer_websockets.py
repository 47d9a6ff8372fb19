# SPDX-License-Identifier: Apache-2.0
"""The Python package websockets as client and as server, told what to do by lines of JSON
(see peer.py)."""

import asyncio
import base64
import json
import sys

import websockets
from websockets.extensions.permessage_deflate import (ClientPerMessageDeflateFactory,
                                                      ServerPerMessageDeflateFactory)
from websockets.frames import OP_TEXT

connections = []
listeners = []
BIG = 1 << 25


def text_of(data):
    return base64.b64encode(data).decode()


class Watched:
    """Every Ping that comes, besides the Pong that the library sends for it."""

    async def pong(self, data=b""):
        await super().pong(data)
        self.seen_pings.put_nowait({"data": text_of(data)})

    def watch(self):
        self.seen_messages = asyncio.Queue()
        self.seen_by = asyncio.ensure_future(self.read_on())
        connections.append(self)
        names = [x.name for x in self.extensions]
        return {"conn": len(connections) - 1, "protocol": self.subprotocol,
                "extensions": ", ".join(names)}

    async def read_on(self):
        try:
            async for message in self:
                binary = isinstance(message, bytes)
                data = message if binary else message.encode()
                self.seen_messages.put_nowait({"kind": "binary" if binary else "text",
                                          "data": text_of(data)})
        except websockets.ConnectionClosed:
            pass

    async def farewell(self):
        await self.wait_closed()
        return {"code": self.close_code, "reason": self.close_reason}


class Client(Watched, websockets.WebSocketClientProtocol):
    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.seen_pings = asyncio.Queue()


class Server(Watched, websockets.WebSocketServerProtocol):
    def __init__(self, *args, tamper=None, asked=None, **kw):
        super().__init__(*args, **kw)
        self.seen_pings = asyncio.Queue()
        self.tamper, self.seen_asked = tamper, asked

    async def process_request(self, path, headers):
        fields = {name.lower(): value for name, value in headers.raw_items()}
        self.seen_asked.put_nowait({"target": path, "headers": fields})
        return (401, {}, b"") if self.tamper == "status" else None

    def write_http_response(self, status, headers, body=None):
        if self.tamper == "accept":
            del headers["Sec-WebSocket-Accept"]
            headers["Sec-WebSocket-Accept"] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        super().write_http_response(status, headers, body)


def parameters(deflate, role):
    """Options named as those of the npm package; True: what is usual here."""
    if deflate is True:
        deflate = {}
    if deflate is None:
        return None
    factory = ClientPerMessageDeflateFactory if role == "client" else ServerPerMessageDeflateFactory
    return [factory(
        server_no_context_takeover=deflate.get("serverNoContextTakeover", False),
        client_no_context_takeover=deflate.get("clientNoContextTakeover", False),
        server_max_window_bits=deflate.get("serverMaxWindowBits"),
        client_max_window_bits=deflate.get("clientMaxWindowBits", True if role == "client"
                                           else None))]


class Operations:
    async def connect(self, url, protocols, origin, deflate):
        ws = await websockets.connect(
            url, subprotocols=protocols or None, origin=origin, compression=None,
            extensions=parameters(deflate, "client"), create_protocol=Client, max_size=BIG,
            ping_interval=None, open_timeout=None, close_timeout=None)
        return ws.watch()

    async def send(self, conn, kind, data, cuts=None):
        """`cuts`: where to cut it into fragments. Text that is no UTF-8 goes unchecked."""
        ws, data = connections[conn], base64.b64decode(data)
        try:
            whole = data if kind == "binary" else data.decode()
        except UnicodeDecodeError:
            await ws.write_frame(True, OP_TEXT, data)
            return None
        if cuts is None:
            await ws.send(whole)
        else:
            ends = [0, *cuts, len(whole)]
            await ws.send([whole[a:b] for a, b in zip(ends, ends[1:])])
        return None

    async def receive(self, conn):
        return await connections[conn].seen_messages.get()

    async def ping(self, conn, data):
        data = base64.b64decode(data)
        await (await connections[conn].ping(data))
        return {"data": text_of(data)}  # the library waits for the Pong with just these

    async def pinged(self, conn):
        return await connections[conn].seen_pings.get()

    async def close(self, conn, code, reason):
        ws = connections[conn]
        if code is None:
            raise NotImplementedError("a Close without a code")
        await ws.close(code, reason)
        return await ws.farewell()

    async def closed(self, conn):
        return await connections[conn].farewell()

    async def listen(self, port, protocols, tamper, deflate):
        """tamper: 'accept' (another key's), 'status' (401); protocols None: none is agreed on."""
        opened, asked = asyncio.Queue(), asyncio.Queue()

        async def serve(ws):
            opened.put_nowait(ws.watch())
            await ws.wait_closed()

        def make(*args, **kw):
            return Server(*args, tamper=tamper, asked=asked, **kw)

        server = await websockets.serve(
            serve, "127.0.0.1", port, subprotocols=protocols, compression=None, max_size=BIG,
            extensions=parameters(deflate, "server"), create_protocol=make, ping_interval=None,
            close_timeout=None)
        listeners.append((server, opened, asked))
        return {"listener": len(listeners) - 1, "port": server.sockets[0].getsockname()[1]}

    async def accept(self, listener):
        return await listeners[listener][1].get()

    async def asked(self, listener):
        return await listeners[listener][2].get()

    async def stop(self, listener):
        """Gone without a word, as if the process had been killed."""
        server = listeners[listener][0]
        for ws in list(server.websockets):
            ws.transport.abort()
        server.close()
        await server.wait_closed()


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def do(operations, id, op, **args):
    try:
        say({"id": id} | (await getattr(operations, op)(**args) or {}))
    except Exception as error:
        say({"id": id, "error": f"{type(error).__name__}: {error}",
             "status": getattr(error, "status_code", None)})


async def main():
    operations, tasks = Operations(), set()
    reader = asyncio.StreamReader(limit=1 << 26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        task = asyncio.ensure_future(do(operations, **json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
