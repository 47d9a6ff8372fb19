// SPDX-License-Identifier: Apache-2.0
//
// Two real browser pages register and call each other through sipring: JsSIP to JsSIP, SIP.js to
// SIP.js, and one to the other; over ws, and over wss with TLS 1.2 and 1.3; the last pair once more
// with passwords. SIPRING_BIN: the daemon or its directory. Each step prints ok or not ok; exit
// code 77: there is no browser or no npm here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Daemon, fates, GAUGES } from './daemon.mjs';
import { pack } from './pack.mjs';
import { makeTrust } from './trust.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, '..', '..');
const MODULES = path.join(HERE, 'node_modules');
const SCALE = Number(process.env.SIPRING_TEST_SCALE || 1);
const DEADLINE = 20000 * SCALE; // only a failure waits that long
const DOMAIN = 'example.org';
const PASSWORD = 'secret';
const TEXT = 'grüß dich \u{1F4DE} \u{1F468}\u200D\u{1F469}\u200D\u{1F466} 電話 "<&>;\r\nline two';
const SECURE = ['127.0.0.1', '127.0.0.2']; // TLS 1.3 and nothing else there, 1.2 here
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 127.0.0.2',
  '--no-proxy-server',
];

function skip(why) {
  console.log(`SKIP: ${why}`);
  process.exit(77);
}

function findProgram() {
  const given = process.env.SIPRING_BIN || path.join(ROOT, 'build', 'release', 'bin');
  const program = fs.existsSync(given) && fs.statSync(given).isDirectory()
    ? path.join(given, 'sipring') : given;
  if (!fs.existsSync(program)) skip(`no daemon at ${program}; set SIPRING_BIN`);
  return program;
}

function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const folders = (process.env.PATH || '').split(':');
  const found = [process.env.SIPRING_CHROMIUM,
    ...names.flatMap((name) => folders.map((folder) => path.join(folder, name)))]
    .find((file) => file && fs.existsSync(file));
  return found || skip('no Chromium here (apt-get install chromium, or set SIPRING_CHROMIUM)');
}

// The modules of the lock file, from whatever registry npm is set up for.
function installModules() {
  const want = JSON.parse(fs.readFileSync(path.join(HERE, 'package.json'), 'utf8')).dependencies;
  const have = Object.entries(want).every(([name, version]) => {
    const about = path.join(MODULES, name, 'package.json');
    return fs.existsSync(about) && JSON.parse(fs.readFileSync(about, 'utf8')).version === version;
  });
  if (have) return;
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: HERE, encoding: 'utf8' });
  if (npm.status !== 0) skip(`npm ci failed: ${npm.error || npm.stderr}`);
}

function servePages() {
  const own = { '/': 'page.html', '/page.js': 'page.js', '/watch.js': 'watch.js' };
  const types = { '.html': 'text/html', '.js': 'text/javascript' };
  const jssip = pack(MODULES, 'jssip', 'JsSIP');
  const library = path.join(MODULES, 'sip.js', 'lib');
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://x').pathname;
    let file = own[url] && path.join(HERE, own[url]);
    if (url.startsWith('/sip.js/')) file = path.join(library, path.normalize(url.slice(7)));
    const body = url === '/jssip.js' ? jssip : file && fs.existsSync(file) && fs.readFileSync(file);
    const type = types[path.extname(file || url)] || 'text/plain';
    response.writeHead(body ? 200 : 404, { 'Content-Type': `${type}; charset=utf-8` });
    response.end(body || '');
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

// A user in a page of its own, in a browser context of its own.
class User {
  static async open(browser, site, config) {
    const user = new User();
    user.config = config;
    user.console = [];
    user.context = await browser.newContext();
    await user.context.grantPermissions(['microphone'], { origin: site });
    user.page = await user.context.newPage();
    user.page.on('console', (line) => user.console.push(line.text()));
    user.page.on('pageerror', (error) => user.console.push(`page error: ${error.message}`));
    await user.page.goto(site);
    await user.start();
    return user;
  }

  async start() {
    await this.page.waitForFunction(() => window.test !== undefined, null, { timeout: DEADLINE });
    await this.page.evaluate((config) => window.test.start(config), this.config);
    const { protocol } = await this.next('wsopen');
    assert.equal(protocol, 'sip');
  }

  async register() {
    await this.act('register');
    await this.next('registered');
  }

  act(...args) { return this.page.evaluate((list) => window.test.act(...list), args); }
  next(name) {
    return this.page.evaluate((list) => window.test.next(...list), [name, DEADLINE]);
  }
  flows(packets) {
    return this.page.evaluate((list) => window.test.flows(...list), [packets, DEADLINE]);
  }
  becomes(direction) {
    return this.page.evaluate((list) => window.test.becomes(...list), [direction, DEADLINE]);
  }
  untaken() { return this.page.evaluate(() => window.test.untaken()); }

  async reload() {
    await this.page.reload();
    await this.start();
  }
}

async function message(from, to, text) {
  await from.act('message', to.config.user, text);
  const [sent, got] = await Promise.all([from.next('sent'), to.next('message')]);
  assert.equal(sent.status, 200);
  assert.equal(got.text, text);
}

async function ring(from, to) {
  await from.act('call', to.config.user);
  const incoming = await to.next('incoming');
  assert.equal(incoming.from, from.config.user);
}

async function establish(from, to) {
  await ring(from, to);
  await to.act('answer');
  await Promise.all([from.next('established'), to.next('established')]);
}

async function audioBothWays(a, b) {
  const [one, other] = await Promise.all([a.flows(25), b.flows(25)]);
  return `${one.received} and ${other.received} packets received`;
}

async function hold(from, to) {
  await from.act('hold');
  const [here, there] = await Promise.all([from.next('hold'), to.next('hold')]);
  assert.deepEqual([here.by, there.by], ['local', 'remote']);
  await Promise.all([from.becomes('sendonly'), to.becomes('recvonly')]);
  await from.act('unhold');
  await Promise.all([from.next('unhold'), to.next('unhold')]);
  await Promise.all([from.becomes('sendrecv'), to.becomes('sendrecv')]);
}

async function dtmf(from, to, tones) {
  for (const tone of tones) {
    await from.act('dtmf', tone);
    assert.equal((await to.next('dtmf')).tone, tone);
  }
}

async function hangUp(from, to) {
  await from.act('hangUp');
  const [here, there] = await Promise.all([from.next('ended'), to.next('ended')]);
  assert.deepEqual([here.by, there.by], ['local', 'remote']);
}

async function cancel(from, to) {
  await ring(from, to);
  await from.next('ringing');
  await from.act('cancel');
  await Promise.all([from.next('failed'), to.next('cancelled')]);
}

async function reject(from, to) {
  await ring(from, to);
  await to.act('reject', 486);
  const [{ status }] = await Promise.all([from.next('failed'),
    to.config.stack === 'JsSIP' ? to.next('failed') : null]);
  assert.equal(status, 486);
}

async function toNobody(from) {
  await from.act('message', 'nobody-at-all', 'is anybody there?');
  assert.equal((await from.next('sent')).status, 404);
}

async function toSomebodyAway(from, away) {
  await from.act('message', away.config.user, 'still there?');
  assert.equal((await from.next('sent')).status, 480);
}

async function unregister(user) {
  await user.act('unregister');
  await user.next('unregistered');
}

async function comeBack(user) {
  await user.reload();
  await user.register();
}

// Every step of one pair of stacks; each is [what, function].
function steps(a, b) {
  return [
    ['both register', () => Promise.all([a.register(), b.register()])],
    ['message from a to b', () => message(a, b, TEXT)],
    ['message from b to a', () => message(b, a, TEXT)],
    ['message to nobody is 404', () => toNobody(a)],
    ['a calls b', () => establish(a, b)],
    ['audio flows both ways', () => audioBothWays(a, b)],
    ['a holds and resumes', () => hold(a, b)],
    ['b holds and resumes', () => hold(b, a)],
    ['audio flows again', () => audioBothWays(a, b)],
    ['digits by INFO, both ways', async () => { await dtmf(a, b, '5#'); await dtmf(b, a, '0*'); }],
    ['a hangs up', () => hangUp(a, b)],
    ['b calls a', () => establish(b, a)],
    ['audio flows both ways', () => audioBothWays(a, b)],
    ['a, who was called, hangs up', () => hangUp(a, b)],
    ['a call that is cancelled', () => cancel(a, b)],
    ['a call that is rejected with 486', () => reject(a, b)],
    ['b reloads the page and registers again', () => comeBack(b)],
    ['b can be called again', () => establish(a, b)],
    ['audio flows both ways', () => audioBothWays(a, b)],
    ['b hangs up', () => hangUp(b, a)],
    ['b unregisters', () => unregister(b)],
    ['a message to b is 480', () => toSomebodyAway(a, b)],
    ['b registers once more', () => b.register()],
    ['message from a to b', () => message(a, b, TEXT)],
  ];
}

class Report {
  constructor() { this.count = 0; this.failed = 0; }

  async step(name, run, explain = async () => '') {
    const begun = performance.now();
    this.count += 1;
    try {
      const result = await run();
      const note = typeof result === 'string' ? `${result}, ` : '';
      const ms = Math.round(performance.now() - begun);
      console.log(`ok ${this.count} - ${name} (${note}${ms} ms)`);
      return true;
    } catch (error) {
      this.failed += 1;
      console.log(`not ok ${this.count} - ${name}`);
      console.log(`${error.stack}\n${await explain()}`.replace(/^/gm, '  # '));
      return false;
    }
  }
}

async function explain(users, daemon) {
  const parts = [];
  for (const user of users) {
    const untaken = await user.untaken().catch((error) => String(error));
    parts.push(`${user.config.stack} ${user.config.user}: untaken ${JSON.stringify(untaken)}`,
      ...user.console.slice(-20));
  }
  return [...parts, 'daemon:', ...daemon.lines.filter((x) => !x.includes('counters')).slice(-20),
    ...daemon.errors.slice(-40)].join('\n');
}

// One listener without TLS, and one for each version of it.
function daemonArguments({ certificate, key }) {
  const set = (name, value) => ['--set', `${name}=${value}`];
  return [
    '--listen', 'ws:127.0.0.1:0', ...SECURE.flatMap((host) => ['--listen', `wss:${host}:0`]),
    ...set('tls.certificate', certificate), ...set('tls.private_key', key),
    ...set('tls.tls_method', 'TLSv1_3'),
    ...set('tls.server_domain', 'old'), ...set('tls.match_ip_address', `[old]${SECURE[1]}`),
    ...set('tls.match_ip_address', SECURE[0]),
    ...set('tls.certificate', `[old]${certificate}`), ...set('tls.private_key', `[old]${key}`),
    ...set('tls.tls_method', '[old]TLSv1_2'),
  ];
}

async function pair(report, browser, site, daemon, [a, b], number) {
  const users = [];
  const what = (name) => `${a.stack}, ${a.over} and ${b.stack}, ${b.over}: ${name}`;
  const why = () => explain(users, daemon);
  const opened = await report.step(what('pages open, subprotocol sip'), async () => {
    for (const [{ stack, url }, user] of [[a, `alice${number}`], [b, `bob${number}`]])
      users.push(await User.open(browser, site, {
        stack, url, user, domain: DOMAIN, password: PASSWORD,
      }));
  }, why);
  if (opened) {
    for (const [name, run] of steps(...users))
      if (!await report.step(what(name), run, why)) break;
  }
  return users;
}

function checkCounters(counters) {
  assert.ok(counters, 'no counters at the end');
  const sum = fates(ROOT).reduce((total, fate) => total + counters[fate], 0);
  assert.equal(sum, counters.messages_received, `one fate each: ${JSON.stringify(counters)}`);
  for (const gauge of GAUGES) assert.equal(counters[gauge], 0, `${gauge} is ${counters[gauge]}`);
  assert.equal(counters.closed_protocol_error, 0);
  assert.equal(counters.dropped_malformed, 0);
  assert.equal(counters.tls_handshakes_failed, 0);
  assert.equal(counters.tls_errors + counters.tls_alerts + counters.tls_truncated, 0);
}

async function end(report, users, daemon) {
  const why = () => explain(users, daemon);
  await report.step('SIGTERM with clients connected: 1001 to all, exit 0', async () => {
    const { connections } = await daemon.counters(DEADLINE);
    assert.equal(connections, users.length);
    const closes = Promise.all(users.map((user) => user.next('wsclose')));
    const done = await daemon.terminate(5000 + 5000 * SCALE); // drain_timeout, and slack
    for (const { code, wasClean } of await closes) assert.deepEqual([code, wasClean], [1001, true]);
    assert.deepEqual([done.code, done.signal], [0, null]);
    const complaints = daemon.errors.filter((x) => /Sanitizer|runtime error|Assertion/.test(x));
    assert.deepEqual(complaints, []);
    checkCounters(done.counters);
  }, why);
}

// Users with the HA1 that both stacks can make (MD5).
function usersFile(folder, numbers) {
  const file = path.join(folder, 'users');
  const lines = numbers.flatMap((number) => ['alice', 'bob'].map((name) => {
    const user = `${name}${number}`;
    const ha1 = createHash('md5').update(`${user}:${DOMAIN}:${PASSWORD}`).digest('hex');
    return `${user}:${DOMAIN}:${ha1}\n`;
  }));
  fs.writeFileSync(file, lines.join(''));
  return file;
}

// A user with the wrong password stays out.
async function stranger(report, browser, site, daemon, url, number) {
  const users = [];
  await report.step('JsSIP with a wrong password is refused', async () => {
    const config = { stack: 'JsSIP', url, user: `alice${number}`, domain: DOMAIN, password: 'no' };
    users.push(await User.open(browser, site, config));
    await users[0].act('register');
    const { cause } = await users[0].next('registration-failed');
    assert.equal(cause, 'Authentication Error');
  }, () => explain(users, daemon));
  return users;
}

// The same between users who have to authenticate: every request of theirs is challenged.
async function authenticated(report, browser, site, program) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sipring-users-'));
  const file = usersFile(folder, [9]);
  const daemon = new Daemon(program, ['--listen', 'ws:127.0.0.1:0', '--set', `auth.users=${file}`,
    '--set', `routing.domains=${DOMAIN}`]);
  try {
    const [url] = await daemon.ready(DEADLINE, 1);
    const two = ['JsSIP', 'SIP.js'].map((stack) => ({ stack, over: 'password', url }));
    const users = await pair(report, browser, site, daemon, two, 9);
    users.push(...await stranger(report, browser, site, daemon, url, 9));
    await report.step('all of them were challenged', async () => {
      const counters = await daemon.counters(DEADLINE);
      assert.ok(counters.auth_accepted >= 10, JSON.stringify(counters));
      assert.equal(counters.auth_malformed, 0);
      return `${counters.auth_challenged} challenges, ${counters.auth_accepted} accepted`;
    }, () => explain(users, daemon));
    await end(report, users, daemon);
  } finally {
    daemon.process.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true });
  }
}

async function main() {
  const program = findProgram();
  const executablePath = findChromium();
  installModules();
  const { chromium } = await import('playwright-core');
  const report = new Report();
  const server = await servePages();
  const site = `http://127.0.0.1:${server.address().port}/`;
  const trust = makeTrust(SECURE);
  const daemon = new Daemon(program, daemonArguments(trust));
  let browser = null;
  const users = [];
  try {
    let urls = null;
    const started = await report.step('daemon and browser start', async () => {
      urls = await daemon.ready(DEADLINE, 1 + SECURE.length);
      const env = { ...process.env, HOME: trust.home };
      browser = await chromium.launch({ executablePath, args: FLAGS, headless: true, env });
      return `${urls.join(', ')}, ${executablePath} ${browser.version()}`;
    }, () => explain([], daemon));
    if (!started) return report;
    const overs = ['ws', 'TLS 1.3', 'TLS 1.2'];
    const by = (stack, over) => ({ stack, over, url: urls[overs.indexOf(over)] });
    const pairs = [
      [by('JsSIP', 'ws'), by('JsSIP', 'ws')],
      [by('SIP.js', 'ws'), by('SIP.js', 'TLS 1.2')],
      [by('JsSIP', 'TLS 1.2'), by('SIP.js', 'TLS 1.3')],
      [by('JsSIP', 'TLS 1.3'), by('JsSIP', 'TLS 1.3')],
    ];
    for (const [number, two] of pairs.entries())
      users.push(...await pair(report, browser, site, daemon, two, number));
    await end(report, users, daemon);
    await authenticated(report, browser, site, program);
  } finally {
    daemon.process.kill('SIGKILL');
    if (browser) await browser.close();
    server.close();
    trust.remove();
  }
  return report;
}

const { count, failed } = await main();
console.log(`1..${count}`);
console.log(failed ? `# ${failed} of ${count} failed` : '# all passed');
process.exitCode = failed ? 1 : 0;
