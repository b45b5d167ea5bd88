// Shared by the browser tests: the browser, pages that record their faults, axe, screenshots, and
// identity cards that nobody has.
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

export const BASE = (process.env.MATCHDAY_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
export const ADMIN_PASSWORD = process.env.ADMIN_PASSWORD ?? '';
export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 860 };
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SHOTS = process.env.SCREENSHOT_DIR;

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** A page in a context of its own. `page.faults` collects console errors and uncaught exceptions. */
export async function openPage(browser, { viewport = DESK, locale = 'zh-CN', colorScheme = 'light' } = {}) {
  const context = await browser.newContext({ viewport, locale, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.faults = [];
  page.on('console', (message) => { if (message.type() === 'error') page.faults.push(`${message.text()} ${message.location().url}`); });
  page.on('pageerror', (error) => page.faults.push(String(error.stack ?? error)));
  page.on('dialog', (dialog) => dialog.accept());
  return page;
}

export function assertQuiet(page) {
  assert.deepEqual(page.faults, [], 'the console has no errors');
}

export async function shot(page, name) {
  if (!SHOTS) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
}

export async function assertNoOverflow(page, name) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${name}: ${content} px of content in ${window} px`);
}

/** No serious or critical violation. Axe runs through the debugger, so that the page's policy stays on. */
export async function assertAccessible(page, name) {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} (${node.failureSummary})`).join('; ')}`);
  assert.deepEqual(bad, [], `${name}: accessibility`);
}

/** A valid identity-card number that is new in every run. */
export function identityCard({ birth = '19900315', male = false } = {}) {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const region = String(110000 + Math.floor(Math.random() * 540000));
  const sequence = String(Math.floor(Math.random() * 500) * 2 + (male ? 1 : 0)).padStart(3, '0');
  const body = region + birth + sequence;
  const sum = weights.reduce((total, weight, index) => total + weight * Number(body[index]), 0);
  return body + '10X98765432'[sum % 11];
}

/** Letters and digits that make a nickname new in every run. */
export const unique = (prefix) => `${prefix}${Date.now().toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`.slice(0, 25);

export async function signIn(page, nickname) {
  await page.fill('input[name="nickname"]', nickname);
  await page.click('form.signin button');
  await page.waitForSelector(`.who:text-is("${nickname}")`, { state: 'attached' });
}

export async function fillPlayer(page, { name, card, index = 0 }) {
  const player = page.locator('.player').nth(index);
  await player.locator('[name="name"]').fill(name);
  await player.locator('[name="certificate_no"]').fill(card);
  await player.locator('[name="mobile"]').fill('13812345678');
  await player.locator('[name="email"]').fill('runner@example.com');
  await player.locator('[name="emergency_contact_name"]').fill('王小芳');
  await player.locator('[name="emergency_contact_mobile"]').fill('13912345678');
}

export async function adminSignIn(page) {
  await page.goto(`${BASE}/admin.html`);
  await page.fill('#admin-name', 'admin');
  await page.fill('#admin-password', ADMIN_PASSWORD);
  await page.click('#gate button');
  await page.waitForSelector('[data-number="waiting"]');
}
