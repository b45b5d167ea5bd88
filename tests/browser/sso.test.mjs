// Applications of SSO on the administrators' page, and the page that confirms a mail address.
import { createCipheriv, createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
  ADMIN_PASSWORD, BASE, Organiser, PHONE, adminSignIn, assertAccessible, assertNoOverflow, launch, shot, unique, withPage as inPage,
} from './support.mjs';

let browser;
let organiser;
before(async () => { browser = await launch(); organiser = await Organiser.signIn(); });
after(async () => { await browser?.close(); });

const withPage = (options, work) => inPage(browser, options, work);
const DEMO = { app_id: '1', app_key: '0123456789abcdef0123456789abcdef', app_secret: 'AbCdEfGhIjKlMnOp' };
const md5 = (text) => createHash('md5').update(text).digest('hex');

/** A call as another application makes it. */
async function sso(act, keys, members) {
  const plain = JSON.stringify({ ...members, timestamp: Math.floor(Date.now() / 1000) });
  const cipher = createCipheriv('aes-128-cbc', keys.app_key.slice(0, 16), keys.app_secret);
  const code = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString('base64url');
  const sign = md5(plain + keys.app_key + keys.app_secret).toUpperCase();
  const body = new URLSearchParams({ app_id: keys.app_id, app_key: keys.app_key, code, sign });
  return (await fetch(`${BASE}/index.php/api/reg/${act}`, { method: 'POST', body })).json();
}

const shownKeys = (page) => page.$$eval('[data-key]', (cells) => Object.fromEntries(cells.map((cell) => [cell.dataset.key, cell.textContent])));

test('an application is made, rotated and disabled, and its keys are shown once', () => withPage({ locale: 'en-GB' }, async (page) => {
  assert.ok(ADMIN_PASSWORD);
  await adminSignIn(page);
  await page.click('#tab-apps');
  const name = unique('app').slice(0, 30);
  await page.fill('#app-name', name);
  await page.fill('#app-notify', 'http://127.0.0.1:9/notify');
  await page.click('[data-make-app]');
  await page.waitForSelector('[data-key="app_secret"]');
  const first = await shownKeys(page);
  assert.equal((await sso('chkname', first, { user_name: 'nobody-yet' })).rcode, 'y010401');
  const row = `tr[data-row="${first.app_id}"]`;
  await page.waitForSelector(`${row}:has-text("${name}")`);
  await assertAccessible(page, 'apps');
  await shot(page, 'admin-apps-desk-en');

  await page.click(`${row} [data-rotate]`);
  await page.click('[data-yes]');
  await page.waitForFunction((key) => { const cell = document.querySelector('[data-key="app_key"]'); return cell && cell.textContent !== key; }, first.app_key);
  const second = await shownKeys(page);
  for (const keys of [first, second]) assert.equal((await sso('chkname', keys, { user_name: 'nobody-yet' })).rcode, 'y010401');

  await page.click(`${row} [data-switch]`);
  await page.waitForSelector(`${row} [data-switch]:text-is("Enable")`);
  assert.equal(await page.$('[data-key]'), null, 'keys go with the next act');
  assert.equal((await sso('chkname', second, { user_name: 'nobody-yet' })).rcode, 'x050402');
}));

/** Registers somebody who waits; answers the path of the link in the mail. */
async function waiting() {
  const name = unique('waits').slice(0, 30);
  const to = `${name}@mail.example`;
  const answer = await sso('reg', DEMO, { user_name: name, user_pass: md5('123456'), user_mail: to });
  assert.equal(answer.rcode, 'y010101', JSON.stringify(answer));
  for (;;) {
    const { data } = await organiser.call('GET', 'mails');
    const mail = data.find((row) => row.to === to);
    if (mail) { const link = new URL(mail.values[0]); return link.pathname + link.hash; }
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

test('an address is confirmed by the button, and not by opening the page', async () => {
  const link = await waiting();
  await withPage({ viewport: PHONE, locale: 'zh-CN' }, async (page) => {
    await page.goto(BASE + link);
    await page.waitForSelector('#confirm:text-is("确认")');
    await assertNoOverflow(page, 'confirm');
    await assertAccessible(page, 'confirm');
    await shot(page, 'confirm-phone-zh');
  });
  await withPage({ locale: 'en-GB' }, async (page) => {
    await page.goto(BASE + link);
    await page.click('#confirm');
    await page.waitForSelector('#confirm-notice:has-text("Your mail address is confirmed")');
    assert.ok(await page.isHidden('#confirm') && await page.isHidden('#again'));
    await shot(page, 'confirm-done-desk-en');
  });
});

test('a link without a token is told, and another one is asked for when it is over', () => withPage({ locale: 'en-GB' }, async (page) => {
  await page.goto(`${BASE}/confirm-mail`);
  await page.waitForSelector('.notice-error:has-text("not one of ours")');
  assert.ok(await page.isHidden('#confirm'));
  // What the server says half an hour later; its own answers are tested beside the server.
  const answer = (status, body) => (route) => route.fulfill({ status, contentType: 'application/json', body: JSON.stringify(body) });
  await page.route('**/api/confirm-mail', answer(410, { code: 'link_expired' }));
  await page.route('**/api/confirm-mail/again', answer(200, { state: 'sent' }));
  await page.goto(`${BASE}/confirm-mail#token=${'0'.repeat(64)}`);
  await page.click('#confirm');
  await page.waitForSelector('#again:visible');
  await page.click('#again');
  await page.waitForSelector('#confirm-notice:has-text("A new mail is on its way")');
  assert.ok(await page.isHidden('#again'));
  // The browser notes the refusal that the test made up.
  page.faults = page.faults.filter((fault) => !fault.includes('410'));
}));
