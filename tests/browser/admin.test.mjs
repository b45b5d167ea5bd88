// The administrators' desk: a line's numbers and rules, the story of a token, the check of the log, files, refunds, books.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import {
  ADMIN_PASSWORD, BASE, Organiser, PHONE, Runner, adminSignIn, assertAccessible, assertNoOverflow, joinByPage, launch, openPage, shot, withPage as inPage,
} from './support.mjs';

let browser;
let organiser;
before(async () => { browser = await launch(); organiser = await Organiser.signIn(); });
after(async () => { await browser?.close(); });

const withPage = (options, work) => inPage(browser, options, work);

async function openGame(page, game, tab) {
  await adminSignIn(page);
  await page.click(`[data-game="${game}"]`);
  await page.click(`[data-tab="${tab}"]`);
}

const number = (page, name, value) => page.waitForFunction(([id, wanted]) => document.querySelector(`[data-number="${id}"]`)?.textContent === wanted, [name, value]);

test('rules are set, come back, and what is refused is said', () => withPage({ locale: 'en-GB' }, async (page) => {
  const game = await organiser.game('rules', { limitation: 3 });
  await openGame(page, game, 'rules');
  await page.waitForSelector('.rules-form');
  await page.fill('#rule-wait_list', '40');
  await page.fill('#rule-offer_seconds', '900');
  await page.check('#rule-wait_for_refunds');
  await page.fill('#rule-orders_per_minute', '120');
  await page.fill('#rule-most_unpaid', '60');
  await page.fill('#rule-opening_at', '2030-05-01T09:30:00');
  await page.fill('#rule-pre_queue_at', '2030-05-01T08:00:00');
  await page.fill('#rule-notice', 'Bring your own cup.');
  await page.click('[data-save-rules]');
  await page.waitForFunction(() => document.querySelector('.rules-form .field-ok').textContent !== '');
  const { wait_list, wait_for_refunds, offer_seconds, orders_per_minute, most_unpaid, pre_queue_at, opening_at, notice } = await organiser.call('GET', `games/${game}/queue`);
  assert.deepEqual(
    { wait_list, wait_for_refunds, offer_seconds, orders_per_minute, most_unpaid, pre_queue_at, opening_at, notice },
    { wait_list: 40, wait_for_refunds: true, offer_seconds: 900, orders_per_minute: 120, most_unpaid: 60, pre_queue_at: '2030-05-01 08:00:00', opening_at: '2030-05-01 09:30:00', notice: 'Bring your own cup.' },
  );
  await assertAccessible(page, 'rules');
  await shot(page, 'admin-rules-desk-en');

  // Somebody else's change of another rule stays.
  await organiser.rules(game, { most_unpaid: 61 });
  await page.fill('#rule-pre_queue_at', '');
  await page.click('[data-save-rules]');
  await page.waitForFunction(() => document.querySelector('#rule-most_unpaid').value === '61');
  assert.equal((await organiser.call('GET', `games/${game}/queue`)).pre_queue_at, null);
}));

test('a refused rule is said, and changes nothing', async () => {
  const page = await openPage(browser, { locale: 'en-GB' });
  try {
    const game = await organiser.game('refused-rules', { limitation: 3 });
    await openGame(page, game, 'rules');
    await page.fill('#rule-wait_list', '100001');
    await page.click('[data-save-rules]');
    await page.waitForFunction(() => /wait_list/.test(document.querySelector('.rules-form .field-error').textContent));
    assert.equal(await page.evaluate(() => document.activeElement.id), 'rule-wait_list', 'the refused rule has the focus');
    assert.equal((await organiser.call('GET', `games/${game}/queue`)).wait_list, 0);
    assert.deepEqual(page.faults.filter((fault) => !fault.includes('status of 422')), []);
  } finally { await page.context().close(); }
});

test('a message of the organisers reaches who waits, and a pause is told', async () => {
  const game = await organiser.game('message');
  const [desk, waiter] = await Promise.all([openPage(browser), openPage(browser, { viewport: PHONE })]);
  try {
    await openGame(desk, game, 'rules');
    await desk.click('[data-act="pause"]');
    await desk.waitForSelector('.tag-queue-paused');
    await joinByPage(waiter, game);
    await waiter.waitForFunction(() => document.querySelector('[data-place]')?.textContent === '1');
    await number(desk, 'waiting', '1');
    await desk.fill('#rule-notice', '起点改到东门');
    await desk.click('[data-save-rules]');
    await waiter.waitForFunction(() => document.querySelector('[data-notice]').textContent === '起点改到东门');
    await desk.click('[data-act="open"]');
    await waiter.waitForSelector('[data-pay]');
  } finally {
    for (const page of [desk, waiter]) await page.context().close();
  }
});

test('why did I not get in? the story of a token, by its number and by the token', () => withPage({ locale: 'en-GB' }, async (page) => {
  const game = await organiser.game('story', { limitation: 1, rules: { wait_list: 5 } });
  const [first, second] = [await Runner.signIn(), await Runner.signIn()];
  await first.join(game);
  const orderNo = await first.order();
  await second.join(game);
  await first.pay(orderNo);
  await openGame(page, game, 'story');
  await page.fill('#story-number', '1');
  await page.click('[data-look]');
  await page.waitForSelector('.story-lines li');
  assert.match(await page.textContent('[data-story]'), new RegExp(`${orderNo}.*was paid`, 's'));
  await page.fill('#story-number', second.token);
  await page.click('[data-look]');
  await page.waitForFunction(() => /wait-list/.test(document.querySelector('[data-story]').textContent) && /Full/.test(document.querySelector('[data-story]').textContent));
  await page.click('.lang-button[lang="zh-CN"]');
  await page.fill('#story-number', '1');
  await page.click('[data-look]');
  await page.waitForFunction((orderNumber) => document.querySelector('[data-story]').textContent.includes(`订单 ${orderNumber} 等待付款`), orderNo);
  assert.match(await page.textContent('[data-story]'), /进入排队，1 号/);
  await page.click('.lang-button[lang="en"]');
  await page.fill('#story-number', second.token);
  await page.click('[data-look]');
  await page.click('[data-replay]');
  await page.waitForFunction(() => /✓/.test(document.querySelector('[data-replay-result]').textContent));
  assert.match(await page.textContent('[data-replay-result]'), /tokens: 2, orders: 1/);
  await assertAccessible(page, 'story');
  await shot(page, 'admin-story-desk-en');
}));

test('a number that does not exist is said plainly', async () => {
  const page = await openPage(browser, { locale: 'en-GB' });
  try {
    const game = await organiser.game('nobody');
    await openGame(page, game, 'story');
    await page.fill('#story-number', '77');
    await page.click('[data-look]');
    await page.waitForFunction(() => /no number 77/.test(document.querySelector('[data-story]').textContent));
    assert.deepEqual(page.faults.filter((fault) => !fault.includes('status of 404')), []);
  } finally { await page.context().close(); }
});

test('registrations go out as a file and places come in by one', async () => {
  const page = await openPage(browser, { locale: 'en-GB' });
  try {
    const game = await organiser.game('files', { limitation: 5 });
    const runner = await Runner.signIn();
    await runner.join(game, 2);
    await runner.pay(await runner.order());
    await openGame(page, game, 'files');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-export]')]);
    assert.equal(download.suggestedFilename(), `registrations-${game}.csv`);
    const text = await readFile(await download.path(), 'utf8');
    assert.ok(text.includes('跑者1') && text.includes('跑者2'), 'both people are in the file');

    const tool = '.line-tool:has(#import-places)';
    const give = (csv) => page.setInputFiles('#import-places', { name: 'places.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
    await give(`game_id,limitation\n${game},x\n`);
    await page.click(`${tool} [data-import="try"]`);
    await page.waitForSelector(`${tool} tbody tr`);
    assert.match(await page.textContent(`${tool} tbody`), /limitation/);
    assert.ok(await page.isDisabled(`${tool} [data-import="do"]`), 'a file with wrong rows cannot be imported');
    await shot(page, 'admin-files-desk-en');
    await give(`game_id,limitation\n${game},42\n`);
    await page.click(`${tool} [data-import="try"]`);
    await page.waitForSelector(`${tool} [data-import="do"]:not(:disabled)`);
    assert.equal((await organiser.call('GET', `games/${game}/queue`)).limitation, 5, 'trying changes nothing');
    await page.click(`${tool} [data-import="do"]`);
    await page.waitForFunction(() => document.querySelector('[data-limitation]').textContent.replace(/\D/g, '') === '42');
    await assertAccessible(page, 'files');
    assert.deepEqual(page.faults.filter((fault) => !fault.includes('status of 422')), []);
  } finally { await page.context().close(); }
});

test('a file in another encoding is seen before it is imported, and a changed number is confirmed', async () => {
  const page = await openPage(browser, { locale: 'zh-CN' });
  try {
    const game = await organiser.game('encodings', { limitation: 5 });
    await openGame(page, game, 'files');
    const tool = '.line-tool:has(#import-registrations)';
    const heading = 'name,certificate_type,certificate_no,gender,birth_date,mobile,email,country,emergency_contact_name,emergency_contact_mobile';
    // The name is 歐陽 in Big5; the identity number has nothing but zeros after 15 digits and a right check digit.
    const name = Buffer.from([0xbc, 0xda, 0xb6, 0xa7]);
    const row = ',0,440106199003077000,2,1990-03-07,13800000000,a@example.org,CN,x,13900000000\n';
    const buffer = Buffer.concat([Buffer.from(`${heading}\n`), name, Buffer.from(row)]);
    await page.setInputFiles('#import-registrations', { name: 'big5.csv', mimeType: 'text/csv', buffer });
    await page.click(`${tool} [data-import="try"]`);
    await page.waitForSelector(`${tool} .notice-error`);
    assert.match(await page.textContent(`${tool} .notice-error`), /UTF-8/);
    await page.selectOption('#import-registrations-encoding', 'big5');
    assert.equal(await page.locator(`${tool} .notice-error`).count(), 0, 'another encoding begins again');
    await page.click(`${tool} [data-import="try"]`);
    await page.waitForSelector(`${tool} [data-first-rows]`);
    assert.match(await page.textContent(`${tool} [data-first-rows]`), /歐陽/);
    assert.match(await page.textContent(`${tool} [data-warnings]`), /certificate_no/);
    assert.ok(await page.isDisabled(`${tool} [data-import="do"]`), 'somebody must look first');
    await assertAccessible(page, 'warnings');
    await shot(page, 'admin-files-warnings-zh');
    await page.check(`${tool} [data-confirm]`);
    await page.click(`${tool} [data-import="do"]`);
    await page.waitForFunction((id) => /已导入/.test(document.querySelector(id).textContent), `${tool} [data-import-result]`);
    assert.equal((await organiser.call('GET', `games/${game}/queue`)).balance, 4);
    assert.deepEqual(page.faults.filter((fault) => !fault.includes('status of 422')), []);
  } finally { await page.context().close(); }
});

test('an order is given back from the desk, and the books agree', () => withPage({ locale: 'en-GB' }, async (page) => {
  const game = await organiser.game('books', { limitation: 5, price: 88 });
  const runner = await Runner.signIn();
  await runner.join(game);
  const orderNo = await runner.order();
  await runner.pay(orderNo);
  await adminSignIn(page);
  await page.click('#tab-orders');
  await page.fill('.table-tools input', orderNo);
  await page.click(`[data-refund="${orderNo}"]`);
  await page.click('dialog [data-yes]');
  await page.waitForSelector(`[data-refund="${orderNo}"]`, { state: 'detached' });
  await page.waitForSelector(`tr:has-text("${orderNo}") .tag-waiting, tr:has-text("${orderNo}") .tag-refunded`);
  await page.click('#tab-money');
  await page.waitForSelector('[data-books="true"]');
  await page.waitForSelector(`.books td:has-text("${orderNo}")`);
  await assertAccessible(page, 'books');
  await shot(page, 'admin-money-desk-en');
}));

test('one registration of an order is given back from the desk, and the order keeps the other', () => withPage({ locale: 'en-GB' }, async (page) => {
  const game = await organiser.game('parts', { limitation: 5, price: 88 });
  const runner = await Runner.signIn();
  await runner.join(game, 2);
  const orderNo = await runner.order();
  await runner.pay(orderNo);
  const { registrations } = await runner.command('RegQueryOrder', { order_no: orderNo });
  await adminSignIn(page);
  await page.click('#tab-orders');
  // The list is drawn again when the search has its answer, and closes what was opened before.
  const searched = page.waitForResponse((response) => response.url().includes(orderNo));
  await page.fill('.table-tools input', orderNo);
  await (await searched).finished();
  await page.evaluate(() => new Promise(requestAnimationFrame));
  await page.click(`[data-people-of="${orderNo}"]`);
  await page.click(`[data-refund-one="${registrations[0].reg_id}"]`);
  await page.waitForSelector('dialog[open]');
  assert.match(await page.textContent('dialog'), /the order keeps the others/);
  await assertAccessible(page, 'refund-one');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.click(`[data-refund-one="${registrations[0].reg_id}"]`);
  await page.click('dialog [data-yes]');
  await page.waitForFunction((number) => {
    document.querySelector('.table-tools input').dispatchEvent(new Event('input'));
    return Boolean(document.querySelector(`[data-refunded="${number}"]`));
  }, orderNo, { polling: 500 });
  // The provider answers after the desk does.
  const states = async () => (await runner.command('RegQueryOrder', { order_no: orderNo })).registrations.map((it) => it.pay_status);
  for (let tries = 0; tries < 100 && (await states())[0] === 1; tries += 1) await page.waitForTimeout(100);
  assert.deepEqual(await states(), [3, 1]);
  const { paid, balance } = await organiser.call('GET', `games/${game}/queue`);
  assert.deepEqual([paid, balance], [1, 4], 'one place is free again');
  await page.click('#tab-money');
  await page.waitForSelector('[data-books="true"]');
}));

test('roles see what they may do', async () => {
  const name = `viewer${Date.now().toString(36)}`;
  await organiser.call('POST', 'admins', { username: name, password: 'a-password-of-it', role: 'moderator' });
  await withPage({ locale: 'en-GB' }, async (page) => {
    await page.goto(`${BASE}/admin.html`);
    await page.fill('#admin-name', name);
    await page.fill('#admin-password', 'a-password-of-it');
    await page.click('#gate button');
    await page.waitForSelector('[data-number="waiting"]');
    assert.ok(await page.isHidden('#tab-orders') && await page.isHidden('#tab-money'));
    assert.equal(await page.locator('[data-act]').count(), 0);
    assert.equal(await page.locator('[data-tab]').count(), 0, 'a token names an account and an order');
  });
});

test('the tools fit a phone and are accessible', { skip: !ADMIN_PASSWORD && 'ADMIN_PASSWORD is not set' }, () => withPage({ viewport: PHONE, colorScheme: 'dark' }, async (page) => {
  const game = await organiser.game('phone', { limitation: 3 });
  await openGame(page, game, 'places');
  for (const [tab, ready] of [['places', '#limitation'], ['rules', '.rules-form'], ['story', '#story-number'], ['files', '#import-places']]) {
    await page.click(`[data-tab="${tab}"]`);
    await page.waitForSelector(ready);
    await assertNoOverflow(page, tab);
    await assertAccessible(page, tab);
    await shot(page, `admin-${tab}-phone-dark`);
  }
  await page.click('#tab-money');
  await page.waitForSelector('[data-books]');
  await assertNoOverflow(page, 'money');
  await assertAccessible(page, 'money');
  await shot(page, 'admin-money-phone-dark');
}));
