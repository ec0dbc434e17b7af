// SPDX-License-Identifier: Apache-2.0
// Opens the dashboard afresh ROUNDS times and prints medians as members of a JSON object.
//   node bench_page.mjs BASE_URL ROUNDS [PICTURES]     (MUSTER_TOKEN)
import { close, launch, open, picture } from '../page/browser.mjs';

const [base, rounds, pictures] = process.argv.slice(2);
const ALL = ['[data-stat="stored"]', '#volume canvas', '#classes canvas', '#latency canvas', '#confidence canvas', '[data-column="name"] a'];

// In the page: when everything of ALL first stood there, in ms since the address was opened.
function watch(all) {
  window.complete = new Promise((resolve) => {
    const look = () => (all.every((one) => document.querySelector(one)) ? resolve(performance.now()) : requestAnimationFrame(look));
    look();
  });
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const browser = await launch();
const figures = { paint: [], data: [] };
for (let round = 0; round < rounds; round++) {
  const page = await open(browser, base, { token: process.env.MUSTER_TOKEN });
  await page.addInitScript(watch, ALL);
  await page.goto(`${base}/?range=24h`);
  figures.data.push(await page.evaluate(() => window.complete));
  figures.paint.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
  if (pictures && round === 0) {
    await picture(page, pictures, 'large');
  }
  await close(page);
}
await browser.close();
process.stdout.write(`"first_paint_ms":${median(figures.paint).toFixed(0)},"data_ms":${median(figures.data).toFixed(0)},"data_ms_worst":${Math.max(...figures.data).toFixed(0)}`);
