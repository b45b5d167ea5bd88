// Signing in at WeChat: only a code that this tab asked for is used. WeChat itself is played by the test.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BASE, assertAccessible, launch, unique } from './support.mjs';

const AGENT = 'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36 MicroMessenger/8.0.49';
let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

/** A page inside WeChat of a server whose provider is the real one; `answer` makes where WeChat sends the reader. */
async function withWechat(answer, work) {
  const context = await browser.newContext({ userAgent: AGENT, locale: 'en-GB', reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  await page.route('**/api/lobby', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...await response.json(), sandbox: false, wechat_app_id: 'wx0123456789abcdef' } });
  });
  page.asked = [];
  await page.route('https://open.weixin.qq.com/**', (route) => {
    const url = new URL(route.request().url());
    page.asked.push(url);
    return route.fulfill({ status: 302, headers: { location: answer(url) } });
  });
  page.exchanged = 0;
  page.on('request', (request) => { if (request.url().endsWith('/api/v1/token/user')) page.exchanged += 1; });
  try { await work(page); } finally { await context.close(); }
}

/** Back to the page with a code of the sandbox. */
const comeBack = (url, name, state = url.searchParams.get('state')) => {
  const back = new URL(url.searchParams.get('redirect_uri'));
  back.searchParams.set('code', `sandbox:${name}:${name}`);
  if (state !== null) back.searchParams.set('state', state);
  return back.href;
};

const name = unique('wx');

test('a sign-in that began here comes back and works once', () => withWechat((url) => comeBack(url, name), async (page) => {
  await page.goto(`${BASE}/register.html?game=1`);
  await page.click('[data-wechat]');
  await page.waitForSelector(`.who:text-is("${name}")`, { state: 'attached' });
  const [asked] = page.asked;
  assert.deepEqual([...asked.searchParams.keys()], ['appid', 'redirect_uri', 'response_type', 'scope', 'state']);
  assert.match(asked.searchParams.get('state'), /^[0-9a-f]{32}$/);
  assert.equal(asked.searchParams.get('redirect_uri'), `${BASE}/register.html?game=1`);
  assert.equal(page.url(), `${BASE}/register.html?game=1`, 'neither code nor state stays in the address');
  // The same address again, as from the browser's history, after signing out.
  await page.click('[data-session] button');
  await page.goto(comeBack(asked, unique('again')));
  await page.waitForSelector('[data-stray]');
  assert.equal(page.exchanged, 1);
}));

for (const [what, state] of [['without a state', null], ['with another state', '0'.repeat(32)]]) {
  test(`a code ${what} is not used, and the page says so`, () => withWechat((url) => comeBack(url, name, state), async (page) => {
    // A link that somebody sent: nothing was begun here.
    await page.goto(`${BASE}/register.html?game=1&code=sandbox:evil:Evil${state ? `&state=${state}` : ''}`);
    await page.waitForSelector('[data-stray]');
    assert.equal(page.url(), `${BASE}/register.html?game=1`);
    await assertAccessible(page, 'stray sign-in');
    // And while a sign-in is under way in this tab.
    await page.evaluate(() => { window.before = true; });
    await page.click('[data-wechat]');
    await page.waitForFunction(() => !window.before && document.querySelector('[data-stray]'));
    assert.equal(page.asked.length, 1);
    assert.equal(await page.locator('.who').count(), 0);
    assert.equal(page.exchanged, 0, 'the server never saw the code');
    const kept = await page.evaluate(() => sessionStorage.getItem('matchday.wechat'));
    assert.equal(kept, null, 'the state is gone, right or wrong');
  }));
}

test('the live page leaves a stray code alone, too', () => withWechat((url) => comeBack(url, name), async (page) => {
  await page.goto(`${BASE}/live.html?id=1&code=sandbox:evil:Evil&state=x`);
  await page.waitForSelector('[data-stray]');
  assert.equal(page.exchanged, 0);
}));
