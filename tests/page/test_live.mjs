// SPDX-License-Identifier: Apache-2.0
// The page over a live fleet: what SQL counts stands on it, and what changes is seen without a
// reload.   node test_live.mjs BASE_URL PICTURES DATABASE     (MUSTER_TOKEN; lines on stdin)
//
// When nothing reports any more the numbers are compared and "settled" is printed; a line on
// stdin says that another node reports, and then the same page must show it.
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { accessible, becomes, check, close, digits, launch, open, picture, same, stat } from './browser.mjs';
import { chartsAgree, nodesAgree } from './numbers.mjs';

const [base, pictures, database] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const sql = (statement) => execFileSync('sqlite3', [`file:${database}?mode=ro`, statement], { encoding: 'utf8' }).trim();

const WANTED = {
  nodes: 'SELECT count(*) FROM node',
  stored: 'SELECT count(*) FROM prediction',
  acknowledged: 'SELECT count(*) FROM report',
  today: 'SELECT coalesce(sum(n), 0) FROM class_quarter WHERE quarter_ms >= unixepoch() / 86400 * 86400000',
  'state-active': "SELECT count(*) FROM node WHERE state = 'active'",
  'contact-never': 'SELECT count(*) FROM node WHERE id NOT IN (SELECT node_id FROM node_health)',
  duplicates: 'SELECT 0',
  refused: 'SELECT 0',
};

// Waits until the page shows what SQL counts.
async function agrees(page) {
  const wanted = () => Object.entries(WANTED).map(([name, statement]) => `${name} ${sql(statement)}`).join(', ');
  const look = async () => {
    const shown = await Promise.all(Object.keys(WANTED).map(async (name) => `${name} ${digits(await stat(page, name))}`));
    return shown.join(', ');
  };
  return becomes(page, look, wanted, 'the fleet');
}

const browser = await launch();
const page = await open(browser, base, { allowed: /status of 404/ });
await page.goto(base);
await page.getByLabel('API token').fill(process.env.MUSTER_TOKEN);
await page.keyboard.press('Enter');
await page.locator('[data-stat="stored"]').waitFor();
const before = await agrees(page);
await page.locator('#volume canvas').waitFor();
await nodesAgree(page, sql);
const charts = await open(browser, base, { token: process.env.MUSTER_TOKEN });
await chartsAgree(charts, base, sql);
await page.evaluate(() => { window.sameDocument = true; });
console.log('settled');

await lines.next();
const after = await agrees(page);
check(after !== before, `nothing changed: ${after}`);
await page.getByRole('link', { name: 'second', exact: true }).waitFor();
await nodesAgree(page, sql);
check(await page.evaluate(() => window.sameDocument), 'the page was loaded again');
await chartsAgree(charts, base, sql);
await close(charts);
await accessible(page, 'a live fleet');
await picture(page, pictures, 'live');

await page.getByRole('link', { name: 'second', exact: true }).click();
await page.getByRole('heading', { level: 1, name: 'second' }).waitFor();
await page.locator('[data-stat="predictions"]').waitFor();
same(digits(await stat(page, 'predictions')), sql("SELECT predictions FROM node_health JOIN node ON id = node_id WHERE name = 'second'"), 'predictions of the node');
const cells = async (name) => (await page.locator(`td[data-column="${name}"]`).allInnerTexts()).map((text) => text.trim());
same(String((await cells('received')).length), sql("SELECT min(16, count(*)) FROM report JOIN node ON node.id = node_id WHERE name = 'second'"), 'reports of the node');
same((await cells('predictions')).map(digits).join(), sql("SELECT sum(n) FROM node_hour JOIN node ON node.id = node_id WHERE name = 'second'"), 'what the node ran');
await page.getByText('x86_64').or(page.getByText('aarch64')).first().waitFor();
await page.goto(`${base}/?view=model&name=fashion`);
await page.getByRole('cell', { name: /^1\.0\.0/ }).waitFor();
await page.getByText('fp32').first().waitFor();
same((await cells('nodes')).join(), sql("SELECT count(*) FROM v_node_health WHERE model = 'fashion'"), 'nodes that run the model');
same((await cells('role')).join(), 'root,timestamp,snapshot,targets', 'roles that signed');
check(/compressed \d/.test((await cells('transports')).join()), 'no transport');
await close(page);
await browser.close();
