// The pages of a running server with demo data, driven as people use them:
//   MATCHDAY_URL=http://127.0.0.1:8080 ADMIN_PASSWORD=… node --test
// Optional: CHROMIUM (path of the browser), SCREENSHOT_DIR (where pictures go).
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
  ADMIN_PASSWORD, BASE, PHONE, adminSignIn, assertAccessible, assertNoOverflow, assertQuiet, fillPlayer, identityCard, launch, openPage, shot, signIn, unique, withPage as inPage,
} from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

const withPage = (options, work) => inPage(browser, options, work);

async function enterRace(page, nickname, name) {
  await page.goto(`${BASE}/`);
  await page.click('.lane[data-game="1"] a');
  await page.waitForURL('**/register.html?game=1');
  await signIn(page, nickname);
  await fillPlayer(page, { name, card: identityCard() });
  await page.click('[data-submit]');
}

test('a registrant goes from the lobby through the line to a paid entry', () => withPage({}, async (page) => {
  await enterRace(page, unique('runner'), '林小雨');
  // The line may be over before it can be seen; both are fine, an error is not.
  await page.waitForSelector('[data-place], [data-pay]');
  await page.waitForSelector('[data-pay]');
  const orderNo = await page.textContent('[data-order-no]');
  assert.match(orderNo, /^[A-Za-z0-9_|*-]{1,32}$/);
  assert.match(await page.textContent('[data-amount]'), /120/);
  assert.match(await page.getAttribute('.pay-clock', 'aria-label'), /\d\d:\d\d/);
  await shot(page, 'payment');

  await page.reload();
  await page.waitForSelector('[data-pay]');
  assert.equal(await page.textContent('[data-order-no]'), orderNo, 'the order survives a reload');

  await page.click('[data-pay]');
  await page.waitForSelector('[data-paid]');
  await page.waitForSelector(`[data-order="${orderNo}"][data-status="paid"]`);
  assert.match(await page.textContent('.bib-paid'), /半程马拉松/);
  await shot(page, 'paid');
}));

test('the player form refuses what the server would refuse and fills what a card says', () => withPage({ locale: 'en-GB' }, async (page) => {
  await page.goto(`${BASE}/register.html?game=1`);
  await signIn(page, unique('former'));
  await page.click('[data-submit]');
  assert.equal(await page.getAttribute('[name="name"]', 'aria-invalid'), 'true');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'name', 'the first fault has the focus');

  const card = identityCard({ birth: '19851102', male: true });
  const wrong = card.slice(0, 17) + (card[17] === '1' ? '2' : '1');
  await page.fill('[name="certificate_no"]', wrong);
  await page.waitForSelector('[name="certificate_no"][aria-invalid]');
  await page.fill('[name="certificate_no"]', card);
  await page.waitForSelector('[name="certificate_no"]:not([aria-invalid])');
  assert.equal(await page.inputValue('[name="birth_date"]'), '1985-11-02');
  assert.equal(await page.inputValue('[name="gender"]'), '1');
  await page.selectOption('[name="gender"]', '2');
  await page.waitForSelector('[name="gender"][aria-invalid]');

  await page.click('.players + .button');
  await fillPlayer(page, { name: 'One', card });
  await page.click('.player:nth-child(2) .player-tools button:first-child');
  assert.equal(await page.inputValue('.player:nth-child(2) [name="mobile"]'), '13812345678', 'contacts are copied');
  await page.fill('.player:nth-child(2) [name="name"]', 'Two');
  await page.fill('.player:nth-child(2) [name="certificate_no"]', card);
  await page.click('[data-submit]');
  await page.waitForSelector('.player:nth-child(2) [name="certificate_no"][aria-invalid]');
  await shot(page, 'form-faults');

  await page.reload();
  await page.waitForSelector('.player:nth-child(2)');
  assert.equal(await page.inputValue('.player:nth-child(2) [name="name"]'), 'Two', 'a draft survives a reload');
}));

test('a certificate that is already in is told so', async () => {
  const card = identityCard();
  for (const round of ['first', 'second']) {
    const other = await openPage(browser, { viewport: PHONE });
    try {
      await other.goto(`${BASE}/register.html?game=1`);
      await signIn(other, unique(round));
      await fillPlayer(other, { name: '重复报名', card });
      await other.click('[data-submit]');
      await other.waitForSelector(round === 'first' ? '[data-pay]' : '[data-outcome="already"]');
      if (round === 'second') await shot(other, 'already');
      assertQuiet(other);
    } finally { await other.context().close(); }
  }
});

test('two viewers chat, see each other and the online count', async () => {
  const [one, two, guest] = await Promise.all([{}, { locale: 'en-GB', viewport: PHONE }, {}].map((options) => openPage(browser, options)));
  try {
    for (const page of [one, two, guest]) {
      await page.goto(`${BASE}/live.html?id=1`);
      await page.waitForSelector('#online:not([hidden])');
    }
    const [first, second] = [unique('viewer'), unique('fan')];
    await signIn(one, first);
    await signIn(two, second);
    for (const page of [one, two, guest]) {
      await page.waitForFunction(() => Number(document.querySelector('[data-online-count]').textContent) >= 3);
    }

    const [hello, markup] = [unique('hello'), '<b>bold</b> & "quotes"'];
    await one.fill('#chat-text', `${hello} :fire: ${markup}`);
    await one.press('#chat-text', 'Enter');
    const line = `.line:has-text("${hello}")`;
    for (const page of [one, two, guest]) await page.waitForSelector(`${line} img.emoji[src="/static/emoji/fire.svg"]`);
    await one.waitForSelector(`${line}.line-mine:not(.line-pending)`);
    assert.ok((await two.textContent(`${line} .line-text`)).includes(markup), 'markup arrives as text');
    assert.equal(await two.locator(`${line} .line-text b`).count(), 0);
    assert.equal((await two.textContent(`${line} .line-who`)).trim(), first);

    const answer = unique('answer');
    await two.fill('#chat-text', answer);
    await two.click('#chat-send');
    await one.waitForSelector(`.line:has-text("${answer}")`);

    await guest.reload();
    await guest.waitForSelector(`.line:has-text("${answer}")`, { state: 'attached' });
    assert.equal(await guest.locator(line).count(), 1, 'history has each line once');
    assert.ok(await guest.isHidden('#composer'), 'a guest reads and does not write');

    await one.waitForFunction(() => document.querySelector('video').currentTime > 0);
    await shot(one, 'live');
    await shot(two, 'live-phone-en');
    for (const page of [one, two, guest]) assertQuiet(page);
  } finally {
    for (const page of [one, two, guest]) await page.context().close();
  }
});

test('a viewer who was cut off gets the lines in between, once each', async () => {
  const [writer, reader] = await Promise.all([{}, {}].map(() => openPage(browser)));
  const wire = { open: [], logins: [], blocked: false };
  await reader.routeWebSocket('**/ws', (socket) => {
    if (wire.blocked) { socket.close({ code: 1001 }); return; }
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      if (text.includes('"LOGIN"')) wire.logins.push(JSON.parse(text));
      server.send(text);
    });
    wire.open.push(socket);
  });
  try {
    for (const page of [writer, reader]) {
      await page.goto(`${BASE}/live.html?id=1`);
      await page.waitForSelector('#online:not([hidden])');
    }
    await signIn(writer, unique('writer'));
    const say = async (text) => {
      await writer.fill('#chat-text', text);
      await writer.press('#chat-text', 'Enter');
      await writer.waitForSelector(`.line-mine:not(.line-pending):has-text("${text}")`);
    };
    const [before, during, later] = [unique('before'), unique('during'), unique('later')];
    await say(before);
    await reader.waitForSelector(`.line:has-text("${before}")`);

    wire.blocked = true;
    await wire.open.at(-1).close({ code: 1012 });
    await reader.waitForSelector('#chat-state:not(:empty)');
    await say(during);
    wire.blocked = false;
    await reader.waitForSelector(`.line:has-text("${during}")`);
    assert.equal(typeof wire.logins.at(-1).last_offset, 'number', 'the reconnect names the last line it has');
    assert.ok('epoch' in wire.logins.at(-1));

    await say(later);
    await reader.waitForSelector(`.line:has-text("${later}")`);
    for (const text of [before, during, later]) assert.equal(await reader.locator(`.line:has-text("${text}")`).count(), 1);
    for (const page of [writer, reader]) assertQuiet(page);
  } finally {
    for (const page of [writer, reader]) await page.context().close();
  }
});

test('an administrator changes places and sees the queue', { skip: !ADMIN_PASSWORD && 'ADMIN_PASSWORD is not set' }, () => withPage({}, async (page) => {
  await adminSignIn(page);
  await page.fill('.table-tools input', '半程马拉松');
  await page.click('[data-game="1"]');
  await page.waitForFunction(() => /^\d/.test(document.querySelector('[data-number="waiting"]').textContent));
  for (const name of ['paid', 'holds', 'withheld', 'balance']) assert.match(await page.textContent(`[data-number="${name}"]`), /^[\d,]+$/);

  const before = await page.inputValue('#limitation');
  const changed = String(Number(before) + 25);
  await page.fill('#limitation', changed);
  await page.click('[data-save-places]');
  await page.waitForFunction((limit) => document.querySelector('[data-limitation]').textContent.replace(/\D/g, '') === limit, changed);
  await shot(page, 'admin-games');
  await page.fill('#limitation', before);
  await page.click('[data-save-places]');
  await page.waitForFunction((limit) => document.querySelector('[data-limitation]').textContent.replace(/\D/g, '') === limit, before);

  await page.click('[data-act="pause"]');
  await page.waitForSelector('.tag-queue-paused');
  await page.click('[data-act="open"]');
  await page.waitForSelector('.tag-queue-open');

  await page.click('#tab-lives');
  await page.waitForSelector('[data-online="1"]');
  for (const tab of ['orders', 'accounts']) {
    await page.click(`#tab-${tab}`);
    await page.waitForSelector('.table-wrap tbody tr, .table-wrap .empty');
    await page.fill('.table-tools input', 'no-such-thing-anywhere');
    await page.waitForSelector('.table-wrap .empty');
  }
}));

test('the language follows the browser, can be switched and is remembered', () => withPage({ locale: 'en-GB' }, async (page) => {
  await page.goto(`${BASE}/`);
  await page.waitForSelector('.lane');
  assert.equal(await page.getAttribute('html', 'lang'), 'en');
  await page.click('.lang-button[lang="zh-CN"]');
  await page.waitForSelector('html[lang="zh-CN"]');
  await page.goto(`${BASE}/register.html?game=1`);
  await page.waitForSelector('#nickname');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
}));

const PAGES = [
  ['lobby', '/', '.lane'],
  ['live', '/live.html?id=1', '#online:not([hidden])'],
  ['sign-in', '/register.html?game=1', '#nickname'],
  ['admin-gate', '/admin.html', '#admin-password'],
];

for (const [name, address, ready] of PAGES) {
  for (const [variant, options] of [
    ['phone-zh', { viewport: PHONE, locale: 'zh-CN' }],
    ['phone-en-dark', { viewport: PHONE, locale: 'en-GB', colorScheme: 'dark' }],
    ['desk-zh-dark', { locale: 'zh-CN', colorScheme: 'dark' }],
    ['desk-en', { locale: 'en-GB' }],
  ]) {
    test(`${name} fits and is accessible: ${variant}`, () => withPage(options, async (page) => {
      await page.goto(BASE + address);
      await page.waitForSelector(ready);
      await assertNoOverflow(page, name);
      await assertAccessible(page, name);
      await shot(page, `${name}-${variant}`);
    }));
  }
}

test('the player form and the place in line fit a phone and are accessible', () => withPage({ viewport: PHONE, colorScheme: 'dark' }, async (page) => {
  await page.goto(`${BASE}/register.html?game=1`);
  await signIn(page, unique('phone'));
  await page.waitForSelector('.player');
  await page.click('[data-submit]');
  await assertNoOverflow(page, 'form');
  await assertAccessible(page, 'form');
  await shot(page, 'form-phone');
  await fillPlayer(page, { name: '林小雨', card: identityCard() });
  await page.click('[data-submit]');
  await page.waitForSelector('[data-pay]');
  await assertNoOverflow(page, 'payment');
  await assertAccessible(page, 'payment');
}));

test('the admin desk fits a phone and is accessible', { skip: !ADMIN_PASSWORD && 'ADMIN_PASSWORD is not set' }, () => withPage({ viewport: PHONE }, async (page) => {
  await adminSignIn(page);
  for (const tab of ['games', 'lives', 'orders', 'accounts']) {
    await page.click(`#tab-${tab}`);
    await page.waitForSelector(tab === 'games' ? '[data-number="waiting"]' : '.table-wrap tbody tr, .table-wrap .empty');
    await assertNoOverflow(page, tab);
    await assertAccessible(page, tab);
  }
}));
