// SPDX-License-Identifier: Apache-2.0
// Takes the pictures of README.md: numbers and charts of the last day.
//   node picture.mjs BASE_URL FOLDER     (MUSTER_TOKEN)
import { close, launch, open, picture } from './browser.mjs';

const [base, folder] = process.argv.slice(2);
const browser = await launch();
for (const scheme of ['light', 'dark']) {
  const page = await open(browser, base, { scheme, token: process.env.MUSTER_TOKEN, viewport: { width: 1240, height: 1090 } });
  await page.goto(`${base}/?range=24h`);
  for (const chart of ['volume', 'classes', 'latency', 'confidence']) {
    await page.locator(`#${chart} canvas`).waitFor();
  }
  await picture(page, folder, `dashboard-${scheme}`, false);
  await close(page);
}
await browser.close();
