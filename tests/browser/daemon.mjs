// SPDX-License-Identifier: Apache-2.0
// Start, watch and end the daemon under test.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

export const GAUGES = ['connections', 'messages', 'assemblies', 'send_buffers'];

export function fates(root) {
  const table = fs.readFileSync(path.join(root, 'engine', 'stats.def'), 'utf8');
  return [...table.matchAll(/^FATE\((\w+),/gm)].map((found) => found[1]);
}

function within(promise, ms, what) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not in ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Daemon {
  constructor(program, args) {
    this.lines = [];
    this.errors = [];
    this.waiting = [];
    this.process = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.exit = new Promise((resolve) => {
      this.process.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.process.once('error', (error) => this.errors.push(String(error)));
    readline.createInterface({ input: this.process.stdout }).on('line', (line) => {
      this.lines.push(line);
      this.waiting = this.waiting.filter((waiter) => !waiter(line));
    });
    readline.createInterface({ input: this.process.stderr }).on('line', (line) => {
      this.errors.push(line);
    });
  }

  // The next line from now on that matches.
  line(pattern, ms) {
    const found = new Promise((resolve) => {
      this.waiting.push((line) => {
        const match = pattern.exec(line);
        if (match) resolve(match);
        return match !== null;
      });
    });
    return within(found, ms, `line ${pattern.source || 'ready'}`);
  }

  // The URLs of all its listeners, in the order in which it was told of them.
  async ready(ms, listeners = 1) {
    const urls = [];
    const ended = this.exit.then(({ code }) => {
      throw new Error(`the daemon ended with ${code}: ${this.errors.join('\n')}`);
    });
    const all = this.line({
      exec: (line) => {
        const found = /^sipring: ready on (wss?:\S+)/.exec(line);
        if (found) urls.push(found[1]);
        return found && urls.length === listeners ? urls : null;
      },
    }, ms);
    await Promise.race([all, ended]);
    return urls;
  }

  async counters(ms) {
    const found = this.line(/^sipring: counters (\{.*\})/, ms);
    this.process.kill('SIGUSR1');
    return JSON.parse((await found)[1]);
  }

  // SIGTERM; resolves to { code, counters } when it has ended.
  async terminate(ms) {
    const begun = this.lines.length;
    this.process.kill('SIGTERM');
    const { code, signal } = await within(this.exit, ms, 'end of the daemon');
    const prefix = 'sipring: counters ';
    const last = this.lines.slice(begun).filter((line) => line.startsWith(prefix)).pop();
    return { code, signal, counters: last && JSON.parse(last.slice(prefix.length)) };
  }
}
