// SPDX-License-Identifier: Apache-2.0
// Makes the page of src/ and style/ and writes it as a C table (server/http/static_files.h):
//
//   node build.mjs OUT.c [FOLDER]     FOLDER: the files themselves too, for a look at them
//
// Names but index.html and THIRD-PARTY.txt carry a digest of the content, so that they may be
// cached for ever. Each file is there twice, as it is and compressed with gzip.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const lasting = new Set(['index.html', 'THIRD-PARTY.txt']);
const types = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
};

async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { app: 'src/main.jsx', style: 'style/page.css' },
    outdir: 'out',
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const find = (end) => result.outputFiles.find((file) => file.path.endsWith(end)).contents;
  return { 'app.js': Buffer.from(find('app.js')), 'app.css': Buffer.from(find('style.css')) };
}

// What goes into the bundle, and under which licence.
function thirdParty() {
  const manifest = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  const parts = Object.keys(manifest.dependencies).map((name) => {
    const folder = join(here, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const text = readFileSync(join(folder, 'LICENSE'), 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return Buffer.from(`app.js and app.css contain parts of:\n\n${parts.join('\n')}`);
}

function digest(content) {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}

function named(name, content) {
  return lasting.has(name) ? name : name.replace('.', `-${digest(content)}.`);
}

async function files() {
  const contents = {
    ...(await bundle()),
    'icon.svg': readFileSync(join(here, 'icon.svg')),
    'THIRD-PARTY.txt': thirdParty(),
  };
  let index = readFileSync(join(here, 'index.html'), 'utf8');
  for (const [name, content] of Object.entries(contents)) {
    index = index.replace(`@${name}@`, `/static/${named(name, content)}`);
  }
  contents['index.html'] = Buffer.from(index);
  return Object.entries(contents).map(([name, content]) => ({
    name: named(name, content),
    content,
    gzip: gzipSync(content, { level: 9 }),
    type: types[name.split('.').pop()],
  }));
}

function array(name, bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 24) {
    lines.push([...bytes.subarray(at, at + 24)].join(','));
  }
  return `static const uint8_t ${name}[] = {\n${lines.join(',\n')}};\n`;
}

function source(all) {
  const arrays = all.map((file, i) => array(`plain_${i}`, file.content) + array(`gzip_${i}`, file.gzip));
  const rows = all.map((file, i) => `    {.name = "${file.name}",
     .content_type = "${file.type}",
     .etag = "${digest(file.content)}",
     .immutable = ${!lasting.has(file.name)},
     .gzip = gzip_${i},
     .gzip_bytes = sizeof gzip_${i},
     .plain = plain_${i},
     .plain_bytes = sizeof plain_${i}},
`);
  return `/* Written by static/build.mjs. */
#include "server/http/static_files.h"

${arrays.join('')}
const struct static_file static_files[] = {
${rows.join('')}};
const size_t static_files_count = sizeof static_files / sizeof static_files[0];
`;
}

const [out, folder] = process.argv.slice(2);
const all = await files();
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, source(all));
if (folder) {
  mkdirSync(folder, { recursive: true });
  for (const file of all) {
    writeFileSync(join(folder, file.name), file.content);
  }
}
console.log(all.map((file) => `${file.name}: ${file.content.length} bytes, gzip ${file.gzip.length}`).join('\n'));
