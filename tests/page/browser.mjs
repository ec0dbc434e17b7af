// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium, and what no page may do in any test: a console error, a report of the
// content security policy, an uncaught error, a request off the origin.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE_MS = 120000;
const DESKTOP = { width: 1360, height: 900 };

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', chromiumSandbox: false, args: ['--disable-dev-shm-usage'] });
}

export function check(good, what) {
  if (!good) {
    throw new Error(what);
  }
}

export function same(found, wanted, what) {
  check(String(found) === String(wanted), `${what}: found "${found}", wanted "${wanted}"`);
}

// Looks until it finds what is wanted, which may change as well.
export async function becomes(page, look, wanted, what) {
  const end = Date.now() + PATIENCE_MS;
  let last = [await look(), await wanted()];
  while (last[0] !== last[1] && Date.now() < end) {
    await page.waitForTimeout(200);
    last = [await look(), await wanted()];
  }
  same(...last, what);
  return last[0];
}

// A tab of its own. scheme: light or dark; answers(url): stands in for /v1; allowed: text of
// console errors that are meant (a refused request is one).
export async function open(browser, base, { scheme = 'light', viewport = DESKTOP, token, answers, allowed } = {}) {
  const context = await browser.newContext({ viewport, colorScheme: scheme });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.faults = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !allowed?.test(message.text())) {
      page.faults.push(`console: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => page.faults.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${base}/`) && !/^(blob|data):/.test(request.url())) {
      page.faults.push(`off origin: ${request.url()}`);
    }
  });
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`));
  });
  if (token) {
    await context.addInitScript((text) => sessionStorage.setItem('muster.token', text), token);
  }
  if (answers) {
    await page.route('**/v1/**', (route) => fulfil(route, answers));
  }
  return page;
}

async function fulfil(route, answers) {
  const request = route.request();
  const body = answers(request.url(), request.headers());
  if (body === null || body.status) {
    await route.fulfill({ status: body?.status ?? 404, contentType: 'application/problem+json', body: JSON.stringify(body ?? {}) });
    return;
  }
  await route.fulfill(body.stream
    ? { contentType: 'text/event-stream', body: body.stream }
    : { json: body });
}

export async function close(page) {
  const faults = [...page.faults]; // without the stand-in the next request goes to the real server
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.context().close();
  check(faults.length === 0, faults.join('\n'));
}

export async function accessible(page, what) {
  await page.evaluate(axe);
  const violations = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'], resultTypes: ['violations'] })
      .then((result) => result.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 2).map((node) => node.html.slice(0, 160)).join(' | ')}`)));
  check(violations.length === 0, `${what}: ${violations.join('\n')}`);
}

// The whole page, or what is seen of it. Headless Chromium has no scroll bars, so none get room.
export async function picture(page, folder, name, fullPage = true) {
  await page.evaluate(() => { document.documentElement.style.scrollbarGutter = 'auto'; });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}

// The text of an element that a number stands in.
export async function stat(page, name) {
  const own = page.locator(`[data-stat="${name}"]`).first();
  const value = own.locator('.stat-value');
  return ((await value.count()) ? value : own).innerText();
}

export const digits = (text) => text.replace(/[^\d]/g, '');
