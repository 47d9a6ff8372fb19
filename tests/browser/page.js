// SPDX-License-Identifier: Apache-2.0
// One face for two SIP stacks: the test tells a phone what to do and waits for events.
/* global events, media, JsSIP */
import * as SIP from '/sip.js/index.js';

const AUDIO = { audio: true, video: false };
const HERE_ONLY = { iceServers: [] }; // host candidates of this machine, no STUN

class JsSipPhone {
  constructor({ url, user, domain, password }) {
    this.domain = domain;
    this.ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri: `sip:${user}@${domain}`,
      password,
      register: false,
      session_timers: false,
      register_expires: 300,
    });
    this.ua.on('registered', () => events.say('registered'));
    this.ua.on('unregistered', () => events.say('unregistered'));
    this.ua.on('registrationFailed', ({ cause }) => events.say('registration-failed', { cause }));
    this.ua.on('newMessage', ({ originator, request }) => {
      if (originator === 'remote') events.say('message', { text: request.body });
    });
    this.ua.on('newRTCSession', ({ originator, session }) => this.watch(session, originator));
    this.ua.start();
  }

  watch(session, originator) {
    this.session = session;
    session.on('progress', () => events.say('ringing'));
    session.on('confirmed', () => events.say('established'));
    session.on('failed', ({ originator: by, cause, message }) => {
      const status = message && message.status_code;
      if (by === 'remote' && cause === 'Canceled') events.say('cancelled');
      else events.say('failed', { status, cause });
    });
    session.on('ended', ({ originator: by }) => events.say('ended', { by }));
    session.on('hold', ({ originator: by }) => events.say('hold', { by }));
    session.on('unhold', ({ originator: by }) => events.say('unhold', { by }));
    session.on('newDTMF', ({ originator: by, dtmf }) => {
      if (by === 'remote') events.say('dtmf', { tone: dtmf.tone });
    });
    if (originator === 'remote') events.say('incoming', { from: session.remote_identity.uri.user });
  }

  register() { this.ua.register(); }
  unregister() { this.ua.unregister(); }

  message(user, text) {
    this.ua.sendMessage(`sip:${user}@${this.domain}`, text, {
      contentType: 'text/plain;charset=utf-8',
      eventHandlers: {
        succeeded: ({ response }) => events.say('sent', { status: response.status_code }),
        failed: ({ response }) => events.say('sent', { status: response && response.status_code }),
      },
    });
  }

  call(user) {
    this.ua.call(`sip:${user}@${this.domain}`, { mediaConstraints: AUDIO, pcConfig: HERE_ONLY });
  }

  answer() { this.session.answer({ mediaConstraints: AUDIO, pcConfig: HERE_ONLY }); }
  reject(status) { this.session.terminate({ status_code: status }); }
  cancel() { this.session.terminate(); }
  hangUp() { this.session.terminate(); }
  hold() { this.session.hold(); }
  unhold() { this.session.unhold(); }
  dtmf(tone) { this.session.sendDTMF(tone, { transportType: 'INFO' }); }
}

class SipJsPhone {
  constructor({ url, user, domain, password }) {
    this.domain = domain;
    this.ua = new SIP.UserAgent({
      uri: SIP.UserAgent.makeURI(`sip:${user}@${domain}`),
      authorizationUsername: user,
      authorizationPassword: password,
      transportOptions: { server: url },
      logLevel: 'error',
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: HERE_ONLY },
      delegate: {
        onMessage: (message) => {
          events.say('message', { text: message.request.body });
          message.accept();
        },
        onInvite: (invitation) => {
          this.watch(invitation, {
            onCancel: () => events.say('cancelled'),
          });
          events.say('incoming', { from: invitation.remoteIdentity.uri.user });
        },
      },
    });
    this.registerer = new SIP.Registerer(this.ua, { expires: 300 });
    this.registerer.stateChange.addListener((state) => {
      if (state === SIP.RegistererState.Registered) events.say('registered');
      if (state === SIP.RegistererState.Unregistered) events.say('unregistered');
    });
    this.started = this.ua.start();
  }

  watch(session, delegate = {}) {
    this.session = session;
    this.established = false;
    session.delegate = {
      ...delegate,
      onBye: (bye) => {
        bye.accept();
        events.say('ended', { by: 'remote' });
      },
      onInfo: (info) => {
        info.accept();
        const signal = /^Signal\s*=\s*(\S+)/m.exec(info.request.body);
        events.say('dtmf', { tone: signal && signal[1] });
      },
      onInvite: (request) => {
        const held = /^a=(sendonly|inactive)/m.test(request.body);
        events.say(held ? 'hold' : 'unhold', { by: 'remote' });
      },
    };
    session.stateChange.addListener((state) => {
      if (state === SIP.SessionState.Established) {
        this.established = true;
        events.say('established');
      }
    });
  }

  async register() {
    await this.started;
    await this.registerer.register();
  }

  unregister() { return this.registerer.unregister(); }

  target(user) { return SIP.UserAgent.makeURI(`sip:${user}@${this.domain}`); }

  async message(user, text) {
    await new SIP.Messager(this.ua, this.target(user), text, 'text/plain;charset=utf-8').message({
      requestDelegate: {
        onAccept: ({ message }) => events.say('sent', { status: message.statusCode }),
        onReject: ({ message }) => events.say('sent', { status: message.statusCode }),
      },
    });
  }

  async call(user) {
    const inviter = new SIP.Inviter(this.ua, this.target(user), {
      sessionDescriptionHandlerOptions: { constraints: AUDIO },
    });
    this.watch(inviter);
    await inviter.invite({
      requestDelegate: {
        onProgress: () => events.say('ringing'),
        onReject: ({ message }) => events.say('failed', { status: message.statusCode }),
      },
    });
  }

  answer() {
    return this.session.accept({ sessionDescriptionHandlerOptions: { constraints: AUDIO } });
  }

  reject(status) { return this.session.reject({ statusCode: status }); }
  cancel() { return this.session.cancel(); }

  async hangUp() {
    await this.session.bye();
    events.say('ended', { by: 'local' });
  }

  setHold(held) {
    const { session } = this;
    session.sessionDescriptionHandlerOptionsReInvite = { hold: held, constraints: AUDIO };
    return session.invite({
      requestDelegate: {
        onAccept: () => events.say(held ? 'hold' : 'unhold', { by: 'local' }),
        onReject: ({ message }) => events.say('failed', { status: message.statusCode }),
      },
    });
  }

  hold() { return this.setHold(true); }
  unhold() { return this.setHold(false); }

  dtmf(tone) {
    return this.session.info({
      requestOptions: {
        body: {
          contentDisposition: 'render',
          contentType: 'application/dtmf-relay',
          content: `Signal=${tone}\r\nDuration=160\r\n`,
        },
      },
    });
  }
}

const STACKS = { JsSIP: JsSipPhone, 'SIP.js': SipJsPhone };

// For the test outside: start({ stack, url, user, domain }), act(name, ...), next(name, deadline).
window.test = {
  start(config) { window.phone = new STACKS[config.stack](config); },
  async act(name, ...args) { await window.phone[name](...args); },
  next: (name, deadlineMs) => events.next(name, deadlineMs),
  flows: (packets, deadlineMs) => media.flows(packets, deadlineMs),
  becomes: (direction, deadlineMs) => media.becomes(direction, deadlineMs),
  untaken: () => events.seen,
};
