// The audit trail and the one-time links in the administrators' page.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BASE, DESK, PHONE, adminSignIn, assertAccessible, assertNoOverflow, launch, openPage, withPage } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

for (const [viewport, locale] of [[DESK, 'en-GB'], [PHONE, 'zh-CN']]) {
  test(`an owner reads who signed in (${locale})`, () => withPage(browser, { viewport, locale }, async (page) => {
    await adminSignIn(page);
    await page.click('#tab-audit');
    await page.waitForSelector('td:has-text("sign-in")');
    await page.click('[data-row] summary >> nth=0');
    await page.waitForSelector('dd code:has-text("address: 127.0.0.1")');
    await assertAccessible(page, 'audit');
    await assertNoOverflow(page, 'audit');
    // Signing out ends the session on the server, too.
    const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem('matchday.admin')).token);
    const left = page.waitForResponse((response) => response.url().endsWith('/admin/api/v1/logout'));
    await page.click('#admin-sign-out');
    assert.equal((await left).status(), 204);
    const me = await fetch(`${BASE}/admin/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(me.status, 401);
  }));
}

test('a link that is over says so and sets nothing', async () => {
  // Not withPage: the browser itself notes the refused request in the console.
  const page = await openPage(browser, { locale: 'en-GB' });
  try {
    await page.goto(`${BASE}/admin.html#reset=${'0'.repeat(64)}`);
    await page.waitForSelector('h1:has-text("Choose a new password")');
    assert.equal(await page.locator('#admin-name').count(), 0, 'the link knows whose it is');
    await page.fill('#admin-password', 'a new password');
    await page.fill('#admin-password-2', 'a new password');
    await page.click('#gate button');
    await page.waitForSelector('.field-error:has-text("used already")');
    await assertAccessible(page, 'reset');
  } finally { await page.context().close(); }
});
