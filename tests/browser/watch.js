// SPDX-License-Identifier: Apache-2.0
// What happens in the page, as a list of events to wait for; and eyes on WebSockets and peer
// connections, whatever library opens them.
'use strict';

const events = {
  seen: [],
  waiting: [],

  say(name, detail = {}) {
    const event = { name, ...detail };
    const waiter = this.waiting.find((w) => w.fits(event));
    if (waiter) waiter.take(event);
    else this.seen.push(event);
  },

  // The first event of that name that nobody took yet; waits for it.
  next(name, deadlineMs) {
    const at = this.seen.findIndex((event) => event.name === name);
    if (at >= 0) return Promise.resolve(this.seen.splice(at, 1)[0]);
    return new Promise((resolve, reject) => {
      const waiter = { fits: (event) => event.name === name };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        const others = this.seen.map((event) => event.name).join(', ');
        reject(new Error(`no '${name}' in ${deadlineMs} ms; untaken events: ${others || 'none'}`));
      }, deadlineMs);
      waiter.take = (event) => {
        clearTimeout(timer);
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        resolve(event);
      };
      this.waiting.push(waiter);
    });
  },
};

class WatchedWebSocket extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener('open', () => events.say('wsopen', { protocol: this.protocol }));
    this.addEventListener('close', ({ code, reason, wasClean }) => {
      events.say('wsclose', { code, reason, wasClean });
    });
  }
}
window.WebSocket = WatchedWebSocket;

let peerConnection = null; // of the latest call
class WatchedPeerConnection extends RTCPeerConnection {
  constructor(...args) {
    super(...args);
    peerConnection = this;
  }
}
window.RTCPeerConnection = WatchedPeerConnection;

const media = {
  async counts() {
    const found = { received: 0, sent: 0 };
    for (const entry of (await peerConnection.getStats()).values()) {
      if (entry.kind !== 'audio') continue;
      if (entry.type === 'inbound-rtp') found.received += entry.packetsReceived;
      if (entry.type === 'outbound-rtp') found.sent += entry.packetsSent;
    }
    return found;
  },

  direction() {
    return peerConnection.getTransceivers().map((t) => t.currentDirection).join(',');
  },

  // Poll until what `ask` says pleases `judge`; an error with the last answer when it never does.
  async until(ask, judge, what, deadlineMs) {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const got = await ask();
      if (judge(got)) return got;
      if (performance.now() > end) throw new Error(`${what}: still ${JSON.stringify(got)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },

  // So many more packets than now, in both directions.
  async flows(packets, deadlineMs) {
    const before = await this.counts();
    return this.until(() => this.counts(),
      (now) => now.received >= before.received + packets && now.sent >= before.sent + packets,
      `audio does not flow both ways (from ${JSON.stringify(before)})`, deadlineMs);
  },

  becomes(direction, deadlineMs) {
    return this.until(async () => this.direction(), (now) => now === direction,
      `direction does not become ${direction}`, deadlineMs);
  },
};
