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

/** A request of the test's own, beside the pages; throws what is refused. */
async function request(method, path, { body, headers = {} } = {}) {
  const response = await fetch(BASE + path, { method, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers }, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** Asks until the front page, which is a second old at most, has the game as it is to be. */
async function onLobby(game, fits) {
  for (;;) {
    const { competitions } = await request('GET', '/api/lobby');
    const row = competitions.flatMap(({ games }) => games).find(({ game_id: id }) => id === game);
    if (row && fits(row)) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/** An administrator without a page. */
export class Organiser {
  static async signIn() {
    const { token } = await request('POST', '/admin/api/v1/login', { body: { username: 'admin', password: ADMIN_PASSWORD } });
    return Object.assign(new Organiser(), { bearer: token });
  }

  call(method, path, body) {
    const headers = { Authorization: `Bearer ${this.bearer}`, 'Idempotency-Key': unique('key') };
    return request(method, `/admin/api/v1/${path}`, { body, headers });
  }

  /** A game of its own for one test: its id. `rules` as PATCH games/{id}/queue takes them. */
  async game(name, { limitation = 0, price = 50, rules = null } = {}) {
    const game = await this.call('POST', 'games', { competition_id: 1, name: unique(name), price, limitation, start_time: '2030-01-01 08:00:00' });
    if (rules) await this.rules(game.id, rules);
    await onLobby(String(game.id), (row) => !rules?.opening_at || row.opening_at);
    return String(game.id);
  }

  rules(game, rules) { return this.call('PATCH', `games/${game}/queue`, rules); }

  act(game, act) { return this.call('POST', `games/${game}/queue/${act}`, {}); }
}

/** A registrant without a page. */
export class Runner {
  static async signIn(prefix = 'other') {
    const name = unique(prefix);
    const { token } = await request('POST', '/api/v1/token/user', { body: { code: `sandbox:${name}:${name}` } });
    return Object.assign(new Runner(), { session: token, name });
  }

  async command(cmd, members) {
    const answer = await request('POST', '/api/reg', { body: { cmd, ...members }, headers: { token: this.session } });
    assert.equal(answer.result, 0, `${cmd}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Joins a game's line with so many people. */
  async join(game, count = 1) {
    const players = Array.from({ length: count }, (_, index) => ({
      name: `跑者${index + 1}`, certificate_type: 0, certificate_no: identityCard(), mobile: '13800000000', email: 'other@example.org', country: '中国',
      gender: 2, birth_date: '1990-03-15', emergency_contact_name: '李', emergency_contact_mobile: '13900000000',
    }));
    const answer = await this.command('RegGetQueueToken', { game_id: game, players });
    this.token = answer.token;
    return answer;
  }

  /** Asks until its order is there: its number. */
  async order() {
    for (;;) {
      const { queue_state: state, order_no: orderNo } = await this.command('RegQueryQueueTokenState', { token: this.token });
      if (state === 1) return orderNo;
      assert.equal(state, 0, `the place ended in state ${state}`);
    }
  }

  leave() { return request('POST', `/api/queue/${this.token}/leave`); }

  pay(orderNo) { return request('POST', `/sandbox/pay/${orderNo}`, { body: {} }); }
}

/** Signs in on a game's page and joins its line with one person. */
export async function joinByPage(page, game, { nickname = unique('runner'), name = '林小雨', card = identityCard() } = {}) {
  await page.goto(`${BASE}/register.html?game=${game}`);
  if (await page.locator('.who').count() === 0 || !(await page.textContent('.who'))) await signIn(page, nickname);
  await page.waitForSelector('.player');
  await fillPlayer(page, { name, card });
  await page.click('[data-submit]');
}

/** A moment as administrators give it: Beijing's clock. */
export const beijing = (at) => new Date(at + 8 * 3600_000).toISOString().slice(0, 19).replace('T', ' ');

/** Runs `work` with a fresh page and closes it whatever happens; the console must have stayed quiet. */
export async function withPage(browser, options, work) {
  const page = await openPage(browser, options);
  try {
    await work(page);
    assertQuiet(page);
  } finally { await page.context().close(); }
}
