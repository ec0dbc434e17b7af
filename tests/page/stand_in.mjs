// SPDX-License-Identifier: Apache-2.0
// A fleet that stands still: answers of /v1 as docs/PROTOCOL.md has them, for what a live one
// cannot show in a few seconds: many pages of nodes, every state, gaps, old signatures.

const HOUR = 3600e3;
const CLASSES = ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'];
const NEW = '9f'.repeat(32);
const OLD = '60'.repeat(32);
const SITES = ['lyon', 'turin', 'gdansk'];
const COUNT = 63;
const now = Date.now();

function contactOf(i) {
  return i === 60 ? 'never' : i % 17 === 5 ? 'late' : i % 29 === 7 ? 'silent' : 'current';
}

const facts = {
  arch: 'aarch64', cores: 4, ram_bytes: 2147483648, flash_bytes: 4026531840, features: ['neon'],
  formats: ['mnet/1'], runtime: '0.1.0', agent: '0.1.0',
};

export const nodes = Array.from({ length: COUNT }, (unused, i) => ({
  id: i + 1,
  name: `${SITES[i % 3]}-camera-${String(i + 1).padStart(2, '0')}`,
  state: i === 60 ? 'pending' : i === 61 ? 'revoked' : 'active',
  contact: contactOf(i),
  labels: { site: SITES[i % 3], line: String((i % 4) + 1) },
  facts,
  arch: facts.arch,
  enrolled_ms: now - 240 * HOUR,
  last_seen_ms: now,
  model: i === 60 ? null : 'fashion',
  version: i === 60 ? null : i % 3 ? '1.1.0' : '1.0.0',
  seq: i === 60 ? null : 2,
  artifact: i === 60 ? null : NEW,
  last_report_ms: i === 60 ? null : now - 1000 * (i % 40),
  queued: i === 60 ? null : i % 7 ? 0 : i * 13,
  lag_ms: i === 60 ? null : 1200 + i * 377,
  health: { cpu_pct: 12.5, rss_bytes: 4100000, temp_c: 51, power_mw: 2100, queued: 3, rejected: 0, inferred: 40210, state: 'ok' },
  predictions: 12345 + i * 77,
}));

const counted = (values) => values.reduce((sum, value) => ({ ...sum, [value]: (sum[value] ?? 0) + 1 }), {});

export const fleet = {
  server_ms: now,
  version: '0.1.0',
  nodes: {
    total: COUNT,
    by_state: { pending: 0, revoked: 0, ...counted(nodes.map((node) => node.state)) },
    by_contact: { current: 0, late: 0, silent: 0, never: 0, ...counted(nodes.filter((node) => node.state === 'active').map((node) => node.contact)) },
  },
  contact: { current_ms: 90000, late_ms: 600000 },
  versions: [
    { model: 'fashion', version: '1.1.0', seq: 2, artifact: NEW, variant: 'int8', nodes: 41 },
    { model: 'fashion', version: '1.0.0', seq: 1, artifact: OLD, variant: 'fp32', nodes: 20 },
  ],
  predictions: { stored: 1234567, per_s: 246.7, today: 943210 },
  reports: { acknowledged: 20412, duplicates: 3, refused: 1, per_s: 0.433 },
  database: { bytes: 84048576, wal_bytes: 4194304 },
  repository: { expires_ms: { root: now + 9000 * HOUR, timestamp: now + 150 * HOUR, snapshot: now + 2000 * HOUR, targets: now + 2000 * HOUR } },
};

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * 60e3);
const sum = (values) => values.reduce((total, value) => total + value, 0);

function series(query) {
  const from = Number(query.get('from'));
  const to = Number(query.get('to'));
  const step = STEPS.find((one) => (to - from) / one <= Number(query.get('width') ?? 800));
  const length = Math.ceil((to - from) / step);
  const minutes = step / 60e3;
  const wave = (i, size) => Math.sin(i / size);
  const n = Array.from({ length }, (unused, i) => (i > length * 0.35 && i < length * 0.4 ? 0 : Math.round(minutes * (9000 + 3000 * wave(i, 11)))));
  const t0 = Math.floor(from / step) * step;
  const part = (share) => n.map((value, i) => Math.round(value * share(i)));
  const rate = (share) => n.map((value) => (value ? (value * share) / minutes : null));
  const columns = {
    volume: () => ({ mean: rate(1), min: rate(0.8), max: rate(1.2) }),
    classes: () => ({
      classes: CLASSES.map((name, k) => {
        const own = part((i) => 0.1 + 0.03 * wave(i + 20 * k, 9));
        return { class: k, name, total: sum(own), n: own };
      }),
    }),
    latency: () => Object.fromEntries([['p50_us', 2015], ['p90_us', 3100], ['p99_us', 5200]].map(([key, base]) =>
      [key, n.map((value, i) => (value ? Math.round(base * (1 + 0.1 * wave(i, 7))) : null))])),
  };
  const metric = query.get('metric');
  return { metric, t0, to_ms: t0 + length * step, step_ms: step, bucket_ms: 60e3, complete_from_ms: 0, total: sum(n), n, ...columns[metric]() };
}

const confidence = {
  total: 42950, mean: 0.934, edges: Array.from({ length: 21 }, (unused, i) => i / 20),
  n: [0, 0, 0, 1, 4, 9, 30, 51, 80, 120, 190, 240, 310, 480, 640, 900, 1400, 2400, 5200, 30895],
};

const variant = (name, seq, artifact, length, count, transports) =>
  ({ variant: name, artifact, length, path: `fashion/${seq}/${name}.mnet`, format: 'mnet/1', ram_bytes: 200000, nodes: count, transports });
const zst = (length) => ({ transport: 'zst', length, path: `zst-${length}`, base: null });
const key = (keyid, signed) => ({ keyid, keytype: 'ed25519', signed });

const model = {
  model: 'fashion', task: 'classify', floor: 1, classes: CLASSES, detail: {},
  versions: [
    { version: '1.0.0', seq: 1, published_ms: now - 240 * HOUR, nodes: 20, variants: [variant('fp32', 1, OLD, 861480, 20, [zst(700000)])] },
    {
      version: '1.1.0', seq: 2, published_ms: now - 12 * HOUR, nodes: 41,
      variants: [
        variant('fp32', 2, NEW, 861480, 0, [{ transport: 'delta', length: 120333, path: 'delta', base: OLD }, zst(700111)]),
        variant('int8', 2, '70'.repeat(32), 219480, 41, [zst(180111)]),
      ],
    },
  ],
  signatures: [
    { role: 'root', version: 1, expires_ms: now + 9000 * HOUR, threshold: 2, keys: [key('ab', true), key('cd', true), key('ef', false)] },
    { role: 'timestamp', version: 179, expires_ms: now + 28 * HOUR, threshold: 1, keys: [key('ab', true)] },
  ],
};

const SORTS = { name: 'name', queue: 'queued', lag: 'lag_ms', last_report: 'last_report_ms', version: 'version', id: 'id' };

function nodeList(query) {
  const wanted = (name, member) => (node) => !query.get(name) || node[member] === query.get(name);
  const by = SORTS[query.get('sort') ?? 'id'];
  const turn = query.get('order') === 'desc' ? -1 : 1;
  const found = nodes
    .filter((node) => node.name.includes(query.get('q') ?? ''))
    .filter(wanted('contact', 'contact')).filter(wanted('state', 'state')).filter(wanted('version', 'version'))
    .sort((a, b) => turn * (a[by] > b[by] ? 1 : a[by] < b[by] ? -1 : a.id - b.id));
  const at = Number(query.get('cursor') ?? 0);
  const end = at + Number(query.get('limit') ?? 100);
  return { items: found.slice(at, end), next: end < found.length ? String(end) : null, matching: found.length };
}

function node(id) {
  const found = nodes[id - 1];
  return found && {
    ...found,
    offers: [{
      model: 'fashion', version: '1.1.0', seq: 2, offered: 'int8',
      deployment: { id: 3, selector: 'site=lyon', created_ms: now - 12 * HOUR, created_by: 'ops' },
      variants: [
        { variant: 'int8', path: 'fashion/2/int8.mnet', verdict: 'runs', reason: null },
        { variant: 'tpu', path: 'fashion/2/tpu.tflite', verdict: 'other_hardware', reason: 'format tflite/1, found mnet/1' },
      ],
    }],
    history: [{ model: 'fashion', version: '1.1.0', artifact: NEW, first_received_ms: now - 12 * HOUR, last_received_ms: now, predictions: 9000, reports: 200 }],
    reports: Array.from({ length: 8 }, (unused, i) => ({
      received_ms: now - i * 60e3, sent_ms: now - i * 60e3, model: 'fashion', version: '1.1.0', artifact: NEW,
      stream: '1795420000', seq: String(412 - i), mode: 'full', rows: 100, predictions: 100, dropped: 0,
    })),
  };
}

// What the server would answer to a path, or null for 404. An `empty` one has just been started.
export function answer(url, empty = false) {
  const { pathname, searchParams: query } = new URL(url);
  if (pathname.startsWith('/v1/nodes/')) {
    return node(Number(pathname.slice('/v1/nodes/'.length)));
  }
  const none = { items: [], next: null, matching: 0 };
  const answers = {
    '/v1/whoami': () => ({ kind: 'api', role: 'viewer', name: 'page' }),
    '/v1/fleet': () => (empty ? newFleet() : fleet),
    '/v1/series': () => (empty ? { ...series(query), total: 0 } : series(query)),
    '/v1/analytics/confidence': () => (empty ? { ...confidence, total: 0, mean: null } : confidence),
    '/v1/models': () => (empty ? none : { items: [{ model: 'fashion', task: 'classify', floor: 1, newest: { version: '1.1.0', seq: 2 }, versions: 2 }], next: null }),
    '/v1/models/fashion': () => model,
    '/v1/nodes': () => (empty ? none : nodeList(query)),
  };
  return answers[pathname]?.() ?? null;
}

function newFleet() {
  const zero = (members) => Object.fromEntries(Object.keys(members).map((name) => [name, 0]));
  return {
    ...fleet, versions: [], repository: { expires_ms: {} }, predictions: zero(fleet.predictions), reports: zero(fleet.reports),
    nodes: { total: 0, by_state: zero(fleet.nodes.by_state), by_contact: zero(fleet.nodes.by_contact) },
  };
}
