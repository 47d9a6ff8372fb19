// SPDX-License-Identifier: Apache-2.0
//
// A real browser looks at the page that `wsload --report` writes: the charts are there and have
// lines, nothing is asked of the network, no error is on the console, and the dark one is dark.
// Exit code 77: there is no browser or no npm here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Daemon } from './daemon.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const BIN = process.env.SIPRING_BIN || path.join(HERE, '..', '..', 'build', 'release', 'bin');
const DEADLINE = 20000 * Number(process.env.SIPRING_TEST_SCALE || 1);
const CHARTS = ['percentiles', 'throughput', 'latency', 'errors'];

function skip(why) {
  console.log(`SKIP: ${why}`);
  process.exit(77);
}

function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const folders = (process.env.PATH || '').split(':');
  const found = [process.env.SIPRING_CHROMIUM,
    ...names.flatMap((name) => folders.map((folder) => path.join(folder, name)))]
    .find((file) => file && fs.existsSync(file));
  return found || skip('no Chromium here (apt-get install chromium, or set SIPRING_CHROMIUM)');
}

async function makeReport(file) {
  const daemon = new Daemon(path.join(BIN, 'sipring'), ['--listen', 'ws:127.0.0.1:0']);
  const [ready] = await daemon.ready(DEADLINE);
  const done = spawnSync(path.join(BIN, 'wsload'),
    [ready, '--connections', '4', '--duration', '2500ms', '--warm-up', '100ms', '--quiet',
      '--slo', 'errors==0', '--slo', 'p50<1us', '--report', file], { encoding: 'utf8' });
  await daemon.terminate(DEADLINE);
  assert.equal(done.status, 1, done.stderr); // the second objective is missed
}

async function look(page, url, colorScheme) {
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => request.url().startsWith('data:') || request.url() === url
    || said.push(`asks for ${request.url()}`));
  await page.emulateMedia({ colorScheme });
  await page.goto(url);
  const seen = await page.evaluate(() => ({
    charts: Object.fromEntries([...document.querySelectorAll('figure')].map((figure) => {
      const box = figure.querySelector('svg').getBoundingClientRect();
      const lines = [...figure.querySelectorAll('polyline')];
      return [figure.id, { wide: box.width, high: box.height, lines: lines.length,
        points: Math.min(...lines.map((line) => line.points.length)),
        drawn: lines.every((line) => getComputedStyle(line).stroke !== 'none') }];
    })),
    rows: document.querySelectorAll('#times tr').length,
    missed: [...document.querySelectorAll('#slos .bad')].map((row) => row.textContent),
    paper: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.body).color,
  }));
  assert.deepEqual(said, []);
  return seen;
}

const brightness = (color) => color.match(/\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0);

if (!fs.existsSync(path.join(HERE, 'node_modules', 'playwright-core'))) skip('no playwright-core');
const { chromium } = await import('playwright-core');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wsload-'));
const browser = await chromium.launch({ executablePath: findChromium(),
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
try {
  const file = path.join(folder, 'report.html');
  await makeReport(file);
  const url = pathToFileURL(file).href;
  const light = await look(await browser.newPage(), url, 'light');
  assert.deepEqual(Object.keys(light.charts).sort(), [...CHARTS].sort());
  for (const [id, chart] of Object.entries(light.charts)) {
    assert.ok(chart.wide > 300 && chart.high > 80, `${id} is too small`);
    assert.ok(chart.drawn && chart.points >= 2, `${id} has no line`);
  }
  assert.equal(light.charts.latency.lines, 2);
  assert.ok(light.rows >= 4, 'times of the phases');
  assert.equal(light.missed.length, 1);
  assert.match(light.missed[0], /p50<1us.*missed/);
  const dark = await look(await browser.newPage(), url, 'dark');
  assert.ok(brightness(light.paper) > 600 && brightness(light.ink) < 200, 'light');
  assert.ok(brightness(dark.paper) < 200 && brightness(dark.ink) > 600, 'dark');
  console.log('ok - the report has its charts, light and dark');
} finally {
  await browser.close();
  fs.rmSync(folder, { recursive: true });
}
