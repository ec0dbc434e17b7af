// SPDX-License-Identifier: Apache-2.0
// The page over a live fleet: what SQL counts stands on it, and what changes is seen without a
// reload.   node test_live.mjs BASE_URL PICTURES DATABASE     (MUSTER_TOKEN; lines on stdin)
//
// When nothing reports any more the numbers are compared and "settled" is printed; a line on
// stdin says that another node reports, and then the same page must show it.
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { accessible, check, close, digits, launch, open, picture, same, stat } from './browser.mjs';

const [base, pictures, database] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const PATIENCE_MS = 120000;

const sql = (statement) => execFileSync('sqlite3', [`file:${database}?mode=ro`, statement], { encoding: 'utf8' }).trim();

const WANTED = {
  nodes: 'SELECT count(*) FROM node',
  stored: 'SELECT count(*) FROM prediction',
  acknowledged: 'SELECT count(*) FROM report',
};

// Waits until the page shows what SQL counts.
async function agrees(page) {
  const end = Date.now() + PATIENCE_MS;
  let found;
  let wanted;
  do {
    wanted = Object.entries(WANTED).map(([name, statement]) => `${name} ${sql(statement)}`).join(', ');
    const shown = await Promise.all(Object.keys(WANTED).map(async (name) => `${name} ${digits(await stat(page, name))}`));
    found = shown.join(', ');
    await page.waitForTimeout(200);
  } while (found !== wanted && Date.now() < end);
  same(found, wanted, 'the fleet');
  return wanted;
}

const browser = await launch();
const page = await open(browser, base, { allowed: /status of 404/ });
await page.goto(base);
await page.getByLabel('API token').fill(process.env.MUSTER_TOKEN);
await page.keyboard.press('Enter');
await page.locator('[data-stat="stored"]').waitFor();
const before = await agrees(page);
same(await page.locator('[data-version="fashion 1.0.0"]').innerText(), '1', 'nodes of fashion 1.0.0');
await page.locator('#volume canvas').waitFor();
same(digits(await page.locator('[data-stat="volume"]').innerText()), sql(WANTED.stored), 'the volume of the last hour');
await page.evaluate(() => { window.sameDocument = true; });
console.log('settled');

await lines.next();
const after = await agrees(page);
check(after !== before, `nothing changed: ${after}`);
await page.getByRole('link', { name: 'second', exact: true }).waitFor();
check(await page.evaluate(() => window.sameDocument), 'the page was loaded again');
await accessible(page, 'a live fleet');
await picture(page, pictures, 'live');

await page.getByRole('link', { name: 'second', exact: true }).click();
await page.getByRole('heading', { level: 1, name: 'second' }).waitFor();
await page.locator('[data-stat="predictions"]').waitFor();
await page.getByText('x86_64').or(page.getByText('aarch64')).first().waitFor();
await page.goto(`${base}/?view=model&name=fashion`);
await page.getByRole('cell', { name: /^1\.0\.0/ }).waitFor();
await page.getByText('fp32').first().waitFor();
await close(page);
await browser.close();
