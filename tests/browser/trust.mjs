// SPDX-License-Identifier: Apache-2.0
// A CA of the test's own, a certificate by it, and a home directory whose browser trusts it.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function run(program, ...args) {
  const done = spawnSync(program, args, { encoding: 'utf8' });
  if (done.status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${done.error || done.stderr}`);
}

function makeCertificates(file, addresses) {
  fs.writeFileSync(file('leaf.ext'), `subjectAltName=${addresses.map((x) => `IP:${x}`)}\n`
    + 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n');
  run('openssl', 'req', '-x509', ...KEY, '-keyout', file('ca.key'), '-out', file('ca.pem'),
    '-days', '30', '-subj', '/CN=test of sipring', '-addext', 'basicConstraints=critical,CA:TRUE');
  run('openssl', 'req', ...KEY, '-keyout', file('leaf.key'), '-out', file('leaf.csr'),
    '-subj', '/CN=sipring');
  run('openssl', 'x509', '-req', '-in', file('leaf.csr'), '-CA', file('ca.pem'),
    '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '30', '-extfile', file('leaf.ext'),
    '-out', file('leaf.pem'));
}

// Chromium on Linux trusts what stands in the NSS database of its user.
function trustInHome(home, ca) {
  const database = path.join(home, '.pki', 'nssdb');
  fs.mkdirSync(database, { recursive: true });
  run('certutil', '-d', `sql:${database}`, '-N', '--empty-password');
  run('certutil', '-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', 'test CA', '-i', ca);
}

// { home, certificate, key, remove() }
export function makeTrust(addresses) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sipring-browser-'));
  const file = (name) => path.join(home, name);
  makeCertificates(file, addresses);
  trustInHome(home, file('ca.pem'));
  return {
    home,
    certificate: file('leaf.pem'),
    key: file('leaf.key'),
    remove: () => fs.rmSync(home, { recursive: true, force: true }),
  };
}
