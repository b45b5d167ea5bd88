// The viewer's page and the front page's list: what a live is called, whether it is on, and that openings are counted.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BASE, DESK, Organiser, PHONE, Runner, adminSignIn, assertAccessible, assertNoOverflow, launch, shot, signIn, unique, withPage as inPage } from './support.mjs';

const CLIP = '/static/media/demo/index.m3u8';
let browser;
let organiser;
before(async () => { browser = await launch(); organiser = await Organiser.signIn(); });
after(async () => { await browser?.close(); });

const withPage = (options, work) => inPage(browser, options, work);

/** A live whose card is on the front page, which is a second old at most. */
async function live(members) {
  const row = await organiser.call('POST', 'lives', { title: unique('直播'), play_m3u8: CLIP, ...members });
  for (;;) {
    const lobby = await (await fetch(`${BASE}/api/lobby`)).json();
    if (lobby.lives.some(({ id }) => id === row.id)) return row;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

const card = (page, { id }) => page.locator(`.live-card:has(a[href="/live.html?id=${id}"])`);

test('a live without a competition has its own title and no race to enter', () => withPage({ locale: 'en-GB' }, async (page) => {
  const own = await live({ live_status: 1 });
  await page.goto(`${BASE}/`);
  await page.waitForSelector('.live-card');
  const text = await card(page, own).textContent();
  assert.ok(text.includes(own.title) && !text.includes('江城半程马拉松'), text);
  await page.goto(`${BASE}/live.html?id=${own.id}`);
  await page.waitForSelector(`#about h1:text-is("${own.title}")`);
  assert.equal(await page.locator('#about a').count(), 0);
  assert.equal(await page.locator('#about .live-tag-on').count(), 1);
  await page.goto(`${BASE}/live.html?id=1`);
  await page.waitForSelector('#about a[href^="/register.html"]');
}));

test('a live that is over is not called live, for guests, for viewers and in the list of the administrators', () => withPage({ locale: 'en-GB' }, async (page) => {
  const ended = await live({ live_status: 1, publish_time: '2025-12-01 00:00:00', expire_time: '2026-01-01 00:00:00' });
  for (const row of [await live({ live_status: 0 }), await live({ live_status: 2 }), ended]) {
    await page.goto(`${BASE}/`);
    await page.waitForSelector('.live-card');
    assert.equal(await card(page, row).locator('.live-tag').textContent(), 'Off air');
    assert.equal(await card(page, row).locator('.live-tag-on, .live-online').count(), 0);
    await page.goto(`${BASE}/live.html?id=${row.id}`);
    await page.waitForSelector('#about .live-tag:text-is("Off air")');
    await page.waitForSelector('#online:not([hidden])');
    assert.ok(await page.isHidden('#online .live-dot'));
  }
  await signIn(page, unique('late'));
  await page.reload();
  await page.waitForSelector('#about .live-tag:text-is("Off air")');
  await adminSignIn(page);
  await page.click('#tab-lives');
  assert.match(await page.locator(`[data-row="${ended.id}"]`).textContent(), /Off air/);
}));

test('an address without a live says so and nothing else', async () => {
  for (const [viewport, locale, said] of [[DESK, 'en-GB', 'There is no such live'], [PHONE, 'zh-CN', '没有这场直播']]) {
    await withPage({ viewport, locale }, async (page) => {
      await page.goto(`${BASE}/live.html?id=999999`);
      await page.waitForSelector(`.no-live h1:text-is("${said}")`);
      assert.equal(await page.locator('video, .chat, .signin, [data-player-message]').count(), 0);
      await assertNoOverflow(page, 'no live');
      await assertAccessible(page, 'no live');
      await shot(page, `no-live-${locale}`);
      // The other language says it, too, and so does a viewer's page.
      await page.click('.lang-button[aria-pressed="false"]');
      await page.waitForFunction((text) => document.querySelector('.no-live h1').textContent !== text, said);
    });
  }
});

test('a viewer who is signed in is counted once a page view, a guest is not', () => withPage({}, async (page) => {
  const row = await live({ live_status: 1 });
  const counted = [];
  page.on('request', (request) => { if (request.url().endsWith('/play_notify')) counted.push(JSON.parse(request.postData())); });
  const plays = () => page.waitForFunction(() => document.querySelector('video').currentTime > 0.3);
  await page.goto(`${BASE}/live.html?id=${row.id}`);
  await plays();
  assert.deepEqual(counted, [], 'a guest is not counted');
  const notified = page.waitForResponse((response) => response.url().endsWith('/play_notify'));
  await signIn(page, unique('viewer'));
  assert.ok((await notified).ok());
  await page.evaluate(() => { const video = document.querySelector('video'); video.pause(); return video.play(); });
  await page.reload();
  await page.waitForResponse((response) => response.url().endsWith('/play_notify'));
  await plays();
  assert.deepEqual(counted, [{ id: row.id, type: 2 }, { id: row.id, type: 2 }]);
  for (;;) {
    if ((await organiser.call('GET', `lives/${row.id}`)).browse_num === 2) break;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}));

test('large amounts in the books fit a phone', () => withPage({ viewport: PHONE, locale: 'en-GB' }, async (page) => {
  const game = await organiser.game('dear', { limitation: 5, price: 31216.5 });
  const runner = await Runner.signIn();
  await runner.join(game);
  await runner.pay(await runner.order());
  await adminSignIn(page);
  await page.click('#tab-money');
  await page.waitForSelector('[data-books]');
  const boxes = await page.locator('.books-board dd, .books-board dt').evaluateAll((cells) => cells.map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const { left, right, top, bottom } = range.getBoundingClientRect();
    return { text: cell.textContent, left, right, top, bottom };
  }));
  assert.ok(boxes.some(({ text }) => text.length >= 9), JSON.stringify(boxes));
  for (const one of boxes) {
    assert.ok(one.right <= PHONE.width && one.left >= 0, JSON.stringify(one));
    for (const other of boxes) {
      const apart = one === other || one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
      assert.ok(apart, `${one.text} lies over ${other.text}`);
    }
  }
  await shot(page, 'money-phone-en');
}));
