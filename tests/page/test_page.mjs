// SPDX-License-Identifier: Apache-2.0
// The page in a browser, held against a fleet that stands still; the files and their policy come
// from the real server.   node test_page.mjs BASE_URL PICTURES
import { readFileSync, readdirSync } from 'node:fs';
import { accessible, check, close, digits, launch, open, picture, same, stat } from './browser.mjs';
import { answer, fleet, nodes } from './stand_in.mjs';

const [base, pictures] = process.argv.slice(2);
const GOOD = 'mat_good';
const source = new URL('../../static/src/', import.meta.url);
const REFUSED = /status of (401|404)/;

function answers(url, headers, empty = false) {
  if (headers.authorization !== `Bearer ${GOOD}`) {
    return { status: 401, code: 'auth.invalid' };
  }
  return new URL(url).pathname === '/v1/events'
    ? { stream: `retry: 5000\n\nevent: fleet\ndata: ${JSON.stringify(answer(`${base}/v1/fleet`, empty))}\n\n` }
    : answer(url, empty);
}

let browser;
const fresh = (options) => open(browser, base, { token: GOOD, answers, ...options });
const ready = (page) => page.locator('#volume canvas').waitFor();

async function a_wrong_token_is_refused_and_a_right_one_let_in() {
  const page = await open(browser, base, { answers, allowed: REFUSED });
  await page.goto(base);
  await accessible(page, 'sign in');
  await picture(page, pictures, 'sign-in');
  await page.getByLabel('API token').fill('mat_wrong');
  await page.keyboard.press('Enter');
  await page.getByText('This token is not known').waitFor();
  same(await page.evaluate(() => sessionStorage.length), 0, 'tokens kept after a refusal');
  await page.getByLabel('API token').fill(GOOD);
  await page.keyboard.press('Enter');
  await ready(page);
  same(await page.evaluate(() => JSON.stringify(localStorage).includes('mat_')), false, 'token in localStorage');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API token').waitFor();
  await close(page);
}

async function every_number_of_the_fleet_is_where_it_belongs() {
  const page = await fresh();
  await page.goto(base);
  await ready(page);
  await page.locator('[data-stat="stored"]').waitFor();
  const wanted = {
    nodes: fleet.nodes.total, stored: fleet.predictions.stored, today: fleet.predictions.today,
    acknowledged: fleet.reports.acknowledged, duplicates: fleet.reports.duplicates, refused: fleet.reports.refused,
    'contact-late': fleet.nodes.by_contact.late, 'state-revoked': fleet.nodes.by_state.revoked,
  };
  for (const [name, value] of Object.entries(wanted)) {
    same(parseInt(digits(await stat(page, name)), 10), value, name);
  }
  same(await page.locator('[data-version="fashion 1.1.0"]').innerText(), '41', 'nodes of 1.1.0');
  await close(page);
}

async function nodes_are_filtered_sorted_and_paged_by_the_address() {
  const page = await fresh();
  const first = () => page.locator('[data-column="name"] a').first();
  await page.goto(base);
  await first().waitFor();
  same(await page.locator('[data-column="name"]').count(), 25, 'rows of a page');
  await page.getByRole('button', { name: 'Next page' }).click();
  const byName = nodes.map((node) => node.name).sort();
  await page.getByRole('link', { name: byName[25], exact: true }).waitFor();
  await page.getByRole('button', { name: 'Previous page' }).click();
  await page.getByRole('link', { name: byName[0], exact: true }).waitFor();
  await page.getByRole('button', { name: 'Queue' }).click();
  await page.getByRole('button', { name: 'Queue' }).click();
  await page.getByRole('columnheader', { name: 'Queue' }).and(page.locator('[aria-sort="descending"]')).waitFor();
  check(/sort=queue/.test(page.url()) && /order=desc/.test(page.url()), `address: ${page.url()}`);
  await page.getByRole('link', { name: 'lyon-camera-64' }).or(page.locator('td[data-column="queue"]').first().getByText('728')).waitFor();
  await page.getByPlaceholder('Search by name').fill('turin');
  await page.getByText('21 of 63').waitFor();
  const address = page.url();
  check(/q=turin/.test(address), `address: ${address}`);
  await page.goto(address);
  await page.getByText('21 of 63').waitFor();
  await page.getByPlaceholder('Search by name').fill('nowhere');
  await page.getByText('No node matches').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByText('63 of 63').waitFor();
  await close(page);
}

async function a_node_and_a_model_have_a_page() {
  const page = await fresh();
  await page.goto(`${base}/?q=lyon-camera-04`);
  await page.getByRole('link', { name: 'lyon-camera-04' }).click();
  await page.getByRole('heading', { level: 1, name: 'lyon-camera-04' }).waitFor();
  await ready(page);
  same(digits(await stat(page, 'predictions')).slice(0, 5), nodes[3].predictions, 'predictions of the node');
  await page.getByText('format tflite/1, found mnet/1').waitFor();
  await page.getByText('Deployment 3 of ops, for site=lyon').waitFor();
  await accessible(page, 'node');
  await picture(page, pictures, 'node');
  await page.getByRole('link', { name: 'Models' }).click();
  await page.getByRole('link', { name: 'fashion' }).click();
  await page.getByText('from seq 1').waitFor();
  await page.getByText('2 of 3 keys').waitFor();
  same((await page.locator('td[data-column="version"]').first().innerText()).slice(0, 5), '1.1.0', 'the newest version comes first');
  await ready(page);
  await accessible(page, 'model');
  await picture(page, pictures, 'model');
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
  await close(page);
}

async function charts_have_their_numbers_as_tables() {
  const page = await fresh();
  await page.goto(`${base}/?range=6h`);
  for (const name of ['Predictions over time', 'Class mix', 'Inference time', 'Confidence']) {
    const chart = page.getByRole('group', { name, exact: true });
    await chart.getByText('Data table').click();
    await chart.getByRole('table').waitFor();
    check((await chart.getByRole('row').count()) > 12, `rows of the table of ${name}`);
  }
  await accessible(page, 'open tables');
  await close(page);
}

async function a_new_server_says_what_to_do_next() {
  const page = await fresh({ answers: (url, headers) => answers(url, headers, true) });
  await page.goto(base);
  await page.getByText('Enrol your first node').waitFor();
  check((await page.locator('pre').first().innerText()).startsWith('muster token create'), 'the command');
  await accessible(page, 'empty');
  await picture(page, pictures, 'empty');
  await page.goto(`${base}/?view=models`);
  await page.getByText('Publish your first model').waitFor();
  await page.goto(`${base}/?view=model&name=fashion`);
  await page.getByText('No predictions in this range').first().waitFor();
  await close(page);
}

// Texts of Latin words only, in what is not marked as a name or number.
function untranslated() {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const mark = walk.currentNode.parentElement.closest('[translate]');
    if (!walk.currentNode.parentElement.closest('noscript') && mark?.getAttribute('translate') !== 'no' && /^[^\u4e00-\u9fff]*[A-Za-z]{2,}[^\u4e00-\u9fff]*$|⟦/.test(walk.currentNode.data)) {
      found.push(walk.currentNode.data);
    }
  }
  for (const element of document.querySelectorAll('[aria-label], [placeholder], [title]')) {
    for (const name of ['aria-label', 'placeholder', 'title']) {
      const text = element.getAttribute(name) ?? '';
      if (!element.closest('[translate=no], .settings') && /⟦|^[A-Za-z ,:]{3,}$/.test(text)) {
        found.push(`${name}: ${text}`);
      }
    }
  }
  return found;
}

async function nothing_stays_untranslated() {
  const page = await fresh();
  for (const view of ['', '&view=node&id=4', '&view=models', '&view=model&name=fashion', '&q=nowhere']) {
    await page.goto(`${base}/?lang=zh${view}`);
    await page.locator('main :is(canvas, table)').first().waitFor();
    await page.locator('.ghost').first().waitFor({ state: 'detached' });
    const found = await page.evaluate(untranslated);
    check(found.length === 0, `untranslated in "${view}": ${found.join(' | ')}`);
  }
  same(await page.evaluate(() => document.documentElement.lang), 'zh-CN', 'language');
  await close(page);
}

async function every_text_has_both_languages_and_is_used() {
  const { STRINGS } = await import(new URL('strings.js', source));
  const text = readdirSync(source).map((name) => readFileSync(new URL(name, source), 'utf8')).join('\n');
  const composed = [...text.matchAll(/`([\w.]+\.)\$\{/g)].map((match) => match[1]);
  const missing = [...text.matchAll(/\bt\('([\w.]+)'/g)].map((match) => match[1]).filter((key) => !STRINGS[key]);
  check(missing.length === 0, `no text for ${missing}`);
  const body = text.replace(/^ {2}'[\w.]+': \[.*$/gm, '');
  for (const [key, [english, chinese]] of Object.entries(STRINGS)) {
    check(english && chinese, `${key} lacks a language`);
    check(body.includes(`'${key}'`) || composed.some((start) => key.startsWith(start)), `${key} is not used`);
    const names = (one) => [...one.matchAll(/\{\w+\}/g)].map(String).sort().join();
    same(names(chinese), names(english), `names in ${key}`);
  }
}

async function it_looks_right_everywhere() {
  const sizes = { desktop: { width: 1360, height: 900 }, phone: { width: 390, height: 844 } };
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const scheme of ['light', 'dark']) {
      const page = await fresh({ scheme, viewport });
      await page.goto(`${base}/?range=6h${scheme === 'dark' && size === 'phone' ? '&lang=zh' : ''}`);
      await ready(page);
      await page.locator('[data-column="name"]').first().waitFor();
      same(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${size} fits its width`);
      await accessible(page, `${size} ${scheme}`);
      await picture(page, pictures, `fleet-${size}-${scheme}`);
      await close(page);
    }
  }
}

async function the_appearance_can_be_chosen_and_is_kept() {
  const page = await fresh();
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.goto(base);
  const light = await ground();
  await page.getByRole('button', { name: 'Dark' }).click();
  check((await ground()) !== light, 'dark is not light');
  const dark = await ground();
  await page.reload();
  await ready(page);
  same(await ground(), dark, 'the appearance after a reload');
  await close(page);
}

async function nothing_moves_while_it_loads() {
  const page = await fresh();
  await page.addInitScript(() => {
    window.moved = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.moved += entry.value; window.movers = entry.sources.map((one) => one.node?.parentElement?.className ?? one.node?.nodeName); }))
      .observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(base);
  await ready(page);
  await page.locator('[data-column="name"]').first().waitFor();
  const moved = await page.evaluate(() => window.moved);
  check(moved < 0.05, `layout shift ${moved} of ${await page.evaluate(() => window.movers)}`);
  await close(page);
}

async function it_is_small() {
  const page = await fresh();
  const sizes = {};
  page.on('response', async (response) => {
    if (/\/$|\/static\//.test(new URL(response.url()).pathname)) {
      sizes[response.url()] = await response.request().sizes();
    }
  });
  await page.goto(base);
  await ready(page);
  await page.waitForLoadState('load');
  const each = Object.entries(sizes).map(([url, one]) => [url, one.responseBodySize + one.responseHeadersSize]);
  const all = each.reduce((sum, [, bytes]) => sum + bytes, 0);
  const script = each.find(([url]) => url.endsWith('.js'))[1];
  check(all > 0 && all <= 90000, `the page is ${all} bytes`);
  check(script <= 60000, `app.js is ${script} bytes`);
  console.log(`page ${all} bytes, app.js ${script} bytes`);
  await close(page);
}

const tests = [
  every_text_has_both_languages_and_is_used,
  a_wrong_token_is_refused_and_a_right_one_let_in,
  every_number_of_the_fleet_is_where_it_belongs,
  nodes_are_filtered_sorted_and_paged_by_the_address,
  a_node_and_a_model_have_a_page,
  charts_have_their_numbers_as_tables,
  a_new_server_says_what_to_do_next,
  nothing_stays_untranslated,
  it_looks_right_everywhere,
  the_appearance_can_be_chosen_and_is_kept,
  nothing_moves_while_it_loads,
  it_is_small,
];

browser = await launch();
let failed = 0;
for (const test of tests) {
  const start = Date.now();
  try {
    await test();
    console.log(`ok ${test.name} (${Date.now() - start} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${test.name}: ${error.stack}`);
  }
}
await browser.close();
process.exitCode = failed ? 1 : 0;
