// SPDX-License-Identifier: Apache-2.0
// What stands in the charts and tables of a live page, held against SQL.
import { readFileSync } from 'node:fs';
import { becomes, check, digits, same } from './browser.mjs';

const MINUTE = 60e3;
const QUARTER = 15 * MINUTE;

const percent = (share) => new Intl.NumberFormat('en-GB', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(share);
const micros = (us) => (us >= 1000 ? `${(us / 1000).toFixed(2)} ms` : `${us} µs`);

// The quarters that have predictions: from the start of the first to the end of the last.
export function span(sql) {
  const [first, last] = sql('SELECT min(quarter_ms), max(quarter_ms) FROM class_quarter').split('|').map(Number);
  return { from: first, to: last + QUARTER };
}

// A chart's own table, opened: [{time, column: text}].
async function rows(page, title) {
  const chart = page.getByRole('group', { name: title, exact: true });
  const details = chart.locator('details');
  if (!(await details.evaluate((element) => element.open))) {
    await chart.getByText('Data table').click();
  }
  await chart.locator('tbody tr').first().waitFor();
  return chart.locator('tbody tr').evaluateAll((all) => all.map((row) => ({
    ...Object.fromEntries([...row.cells].map((cell) => [cell.dataset.column, cell.innerText])),
    time: Date.parse(row.querySelector('time')?.dateTime),
  })));
}

async function volume(page, sql) {
  for (const row of await rows(page, 'Predictions over time')) {
    const n = sql(`SELECT coalesce(sum(n), 0) FROM class_minute WHERE minute_ms = ${row.time}`);
    same(digits(row.n), n, `predictions of minute ${row.time}`);
    if (n !== '0') {
      same([row.min, row.mean, row.max].map((text) => parseFloat(text.replace(/,/g, ''))).join(), `${n},${n},${n}`, `least, mean and most of minute ${row.time}`);
    }
  }
}

async function classes(page, sql) {
  const counted = (where) => new Map(sql(`SELECT class, sum(n) FROM class_minute WHERE ${where} GROUP BY class`).split('\n').filter(Boolean).map((line) => line.split('|').map(Number)));
  const sum = (counts) => [...counts.values()].reduce((all, n) => all + n, 0);
  const { from, to } = span(sql);
  for (const row of await rows(page, 'Class mix')) {
    const counts = counted(`minute_ms = ${row.time}`);
    for (const key of Object.keys(row).filter((one) => one.startsWith('class-'))) {
      const n = counts.get(Number(key.slice(6))) ?? 0;
      same(row[key], counts.size ? percent(n / sum(counts)) : '–', `${key} of minute ${row.time}`);
    }
  }
  const all = counted(`minute_ms >= ${from} AND minute_ms < ${to}`);
  const shown = await page.locator('#classes .legend-value').allInnerTexts();
  same(shown.join(), [...all].sort((a, b) => a[0] - b[0]).map(([, n]) => percent(n / sum(all))).join(), 'shares in the legend');
}

async function confidence(page, sql) {
  const bins = sql('SELECT (SELECT coalesce(sum(n), 0) FROM confidence_quarter WHERE bin = value) FROM generate_series(0, 19)').split('\n');
  same((await rows(page, 'Confidence')).map((row) => digits(row.n)).join(), bins.join(), 'histogram of confidence');
  const mean = Number(sql('SELECT sum(confidence_sum) / 1e4 / sum(n) FROM confidence_quarter'));
  same(await page.locator('[data-stat="confidence"]').innerText(), `mean ${percent(mean)}`, 'mean confidence');
}

async function latency(page, sql) {
  for (const row of await rows(page, 'Inference time')) {
    const [p50, p90, p99] = sql(`SELECT p50_us, p90_us, p99_us FROM v_latency_percentiles WHERE quarter_ms = ${row.time}`).split('|');
    const wanted = [p50, p90, p99].map((us) => (us ? micros(Number(us)) : '–'));
    same([row.p50_us, row.p90_us, row.p99_us].join(), wanted.join(), `percentiles of quarter ${row.time}`);
  }
}

// The file behind the button is what the chart shows.
async function file(page, sql) {
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Predictions over time' }).click(),
  ]);
  const [head, ...lines] = readFileSync(await saved.path(), 'utf8').split('\r\n');
  same(head, 'time_ms,n,min,max,mean', 'first line of the CSV');
  const n = lines.filter(Boolean).reduce((sum, line) => sum + Number(line.split(',')[1]), 0);
  same(n, sql('SELECT sum(n) FROM class_minute'), 'predictions in the CSV');
}

// The four charts of all that was predicted; `sql` answers one statement as text.
export async function chartsAgree(page, base, sql) {
  const { from, to } = span(sql);
  await page.goto(`${base}/?from=${from}&to=${to}`);
  await page.locator('#volume canvas').waitFor();
  same(digits(await page.locator('[data-stat="volume"]').innerText()), sql('SELECT sum(n) FROM class_quarter'), 'volume');
  await volume(page, sql);
  await classes(page, sql);
  await confidence(page, sql);
  await latency(page, sql);
  await file(page, sql);
}

// The table of nodes, and what runs where.
export async function nodesAgree(page, sql) {
  const wanted = () => sql(`SELECT n.name, c.model || ' ' || c.version FROM node AS n
    JOIN node_health AS h ON h.node_id = n.id JOIN v_cohort AS c USING (cohort_id) ORDER BY n.name`);
  const cells = async (name) => (await page.locator(`td[data-column="${name}"]`).allInnerTexts()).map((text) => text.trim());
  const look = async () => {
    const [names, versions] = [await cells('name'), await cells('version')];
    return names.map((name, i) => `${name}|${versions[i]}`).join('\n');
  };
  await becomes(page, look, wanted, 'the table of nodes');
  const runs = sql('SELECT c.model || \' \' || c.version, count(*) FROM node_health JOIN v_cohort AS c USING (cohort_id) GROUP BY 1').split('\n');
  for (const run of runs) {
    const [name, nodes] = run.split('|');
    same(await page.locator(`[data-version="${name}"]`).innerText(), nodes, `nodes of ${name}`);
  }
  check(runs.length > 0, 'nothing runs');
}
