// SPDX-License-Identifier: Apache-2.0
// The npm package ws as client and as server, told what to do by lines of JSON (see peer.py).
import readline from 'node:readline';
import { WebSocket, WebSocketServer } from 'ws';

// What comes and who waits for it, in the order of both.
class Queue {
  constructor() {
    this.items = [];
    this.waiting = [];
  }

  put(item) {
    if (this.waiting.length) this.waiting.shift()(item);
    else this.items.push(item);
  }

  async get() {
    if (this.items.length) return this.items.shift();
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

const connections = [];
const listeners = [];

function watch(ws) {
  const c = { ws, messages: new Queue(), pings: new Queue(), pongs: new Queue() };
  c.closed = new Promise((resolve) => {
    ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  ws.on('error', (error) => { c.error = String(error); });
  ws.on('message', (data, binary) => {
    c.messages.put({ kind: binary ? 'binary' : 'text', data: data.toString('base64') });
  });
  ws.on('ping', (data) => c.pings.put({ data: data.toString('base64') }));
  ws.on('pong', (data) => c.pongs.put({ data: data.toString('base64') }));
  connections.push(c);
  return {
    conn: connections.length - 1,
    protocol: ws.protocol || null,
    extensions: ws.extensions,
  };
}

function sent(ws, data, options) {
  return new Promise((resolve, reject) => {
    ws.send(data, options, (error) => (error ? reject(error) : resolve()));
  });
}

const conn = ({ conn: number }) => connections[number];
const bytes = ({ data }) => Buffer.from(data, 'base64');

const operations = {
  async connect({ url, protocols, origin, deflate }) {
    const ws = new WebSocket(url, protocols, {
      origin: origin ?? undefined,
      perMessageDeflate: deflate ?? false,
    });
    const facts = watch(ws);
    return new Promise((resolve, reject) => {
      ws.once('open', () => {
        resolve({ ...facts, protocol: ws.protocol || null, extensions: ws.extensions });
      });
      ws.once('unexpected-response', (request, response) => {
        request.destroy();
        reject(Object.assign(new Error('refused'), { status: response.statusCode }));
      });
      ws.once('error', reject);
    });
  },

  // `cuts`: where to cut it into fragments. Not checked: that text is UTF-8.
  async send(args) {
    const { ws } = conn(args);
    const data = bytes(args);
    const ends = [...(args.cuts ?? []), data.length];
    const options = { binary: args.kind === 'binary' };
    let at = 0;
    for (const [i, end] of ends.entries()) {
      await sent(ws, data.subarray(at, end), { ...options, fin: i === ends.length - 1 });
      at = end;
    }
  },

  receive: (args) => conn(args).messages.get(),

  async ping(args) {
    const { ws, pongs } = conn(args);
    ws.ping(bytes(args));
    return pongs.get();
  },

  pinged: (args) => conn(args).pings.get(),

  async close(args) {
    const c = conn(args);
    if (args.code === null) c.ws.close();
    else c.ws.close(args.code, args.reason);
    return c.closed;
  },

  closed: (args) => conn(args).closed,

  // tamper: 'accept' (another key's), 'status' (401); protocols: null: none is agreed on.
  async listen({ port, protocols, tamper, deflate }) {
    const options = {
      host: '127.0.0.1',
      port,
      perMessageDeflate: deflate ?? false,
      handleProtocols: (offered) => (protocols ?? []).find((one) => offered.has(one)) ?? false,
    };
    const l = { opened: new Queue(), asked: new Queue() };
    options.verifyClient = ({ req: request }, decide) => {
      l.asked.put({ target: request.url, headers: request.headers });
      decide(tamper !== 'status', 401);
    };
    l.server = new WebSocketServer(options);
    l.server.on('connection', (ws) => l.opened.put(watch(ws)));
    l.server.on('headers', (lines) => {
      if (tamper !== 'accept') return;
      const at = lines.findIndex((line) => line.startsWith('Sec-WebSocket-Accept:'));
      lines[at] = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
    });
    await new Promise((resolve, reject) => {
      l.server.once('listening', resolve);
      l.server.once('error', reject);
    });
    listeners.push(l);
    return { listener: listeners.length - 1, port: l.server.address().port };
  },

  accept: ({ listener }) => listeners[listener].opened.get(),

  asked: ({ listener }) => listeners[listener].asked.get(),

  // Gone without a word, as if the process had been killed.
  async stop({ listener }) {
    const { server } = listeners[listener];
    for (const ws of server.clients) ws.terminate();
    await new Promise((resolve) => server.close(resolve));
  },
};

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, op, ...args } = JSON.parse(line);
  try {
    say({ id, ...(await operations[op](args)) });
  } catch (error) {
    say({ id, error: String(error), status: error.status ?? null });
  }
}).on('close', () => process.exit(0));
