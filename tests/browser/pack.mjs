// SPDX-License-Identifier: Apache-2.0
// One script for a page out of CommonJS modules: what JsSIP needs, and no bundler for it.
import fs from 'node:fs';
import path from 'node:path';

function packageEntry(folder) {
  const about = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const entry = typeof about.browser === 'string' ? about.browser : about.main || 'index.js';
  return path.join(folder, entry);
}

function asFile(base) {
  return [base, `${base}.js`, path.join(base, 'index.js')]
    .find((file) => fs.existsSync(file) && fs.statSync(file).isFile());
}

function resolve(modules, from, name) {
  const base = name.startsWith('.')
    ? path.resolve(path.dirname(from), name) : path.join(modules, name);
  return asFile(base) || asFile(packageEntry(base));
}

// The entry's exports become globalThis[global].
export function pack(modules, name, global) {
  const ids = new Map();
  const bodies = [];

  function add(file) {
    if (ids.has(file)) return ids.get(file);
    const id = ids.size;
    ids.set(file, id);
    let body = fs.readFileSync(file, 'utf8');
    if (file.endsWith('.json')) {
      body = `module.exports = ${body};`;
    } else {
      body = body.replace(/\brequire\((['"])([^'"]+)\1\)/g,
        (all, quote, wanted) => `require(${add(resolve(modules, file, wanted))})`);
    }
    bodies[id] = `function (module, exports, require) {\n${body}\n}`;
    return id;
  }

  const entry = add(resolve(modules, modules, name));
  return `(function () {
const process = { env: {} };
const bodies = [${bodies.join(',\n')}];
const loaded = [];
function require(id) {
  if (!loaded[id]) {
    loaded[id] = { exports: {} };
    bodies[id].call(loaded[id].exports, loaded[id], loaded[id].exports, require);
  }
  return loaded[id].exports;
}
globalThis[${JSON.stringify(global)}] = require(${entry});
})();
`;
}
