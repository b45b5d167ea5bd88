// A place in line as a registrant sees it: followed by events or by asking, before an opening, on the wait-list, left,
// and several at once. Every test has a game of its own.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
  BASE, Organiser, PHONE, Runner, assertAccessible, assertNoOverflow, assertQuiet, beijing, joinByPage, launch, openPage, shot, unique, withPage as inPage,
} from './support.mjs';

let browser;
let organiser;
before(async () => { browser = await launch(); organiser = await Organiser.signIn(); });
after(async () => { await browser?.close(); });

const withPage = (options, work) => inPage(browser, options, work);
const isPoll = (request) => request.url().endsWith('/api/reg') && request.postData()?.includes('RegQueryQueueTokenState');
const isStream = (request) => request.url().endsWith('/events');
const place = (page, number) => page.waitForFunction((text) => document.querySelector('[data-place]')?.textContent === text, String(number));

/** A game whose line stands still, with so many ahead. */
async function standing(name, ahead, rules) {
  const game = await organiser.game(name, { rules });
  await organiser.act(game, 'pause');
  const others = [];
  for (let index = 0; index < ahead; index += 1) {
    const runner = await Runner.signIn();
    await runner.join(game);
    others.push(runner);
  }
  return { game, others };
}

test('a place is followed by events, and says why it fell fast', () => withPage({ locale: 'en-GB' }, async (page) => {
  const { game, others } = await standing('stream', 4, { notice: 'Bring your own cup.' });
  let polls = 0;
  page.on('request', (request) => { if (isPoll(request)) polls += 1; });
  const stream = page.waitForRequest(isStream);
  await joinByPage(page, game);
  await place(page, 5);
  assert.match((await stream).url(), /\/api\/queue\/[^/]+\/events$/);
  assert.equal(await page.textContent('[data-notice]'), 'Bring your own cup.');
  await page.waitForFunction(() => /paused/.test(document.querySelector('[data-wait]').textContent));
  assert.match(await page.title(), /^Place 5 · /, 'the place is in the title of the tab');

  const asked = polls;
  await others[0].leave();
  await others[1].leave();
  await place(page, 3);
  await page.waitForFunction(() => /Some ahead of you left/.test(document.querySelector('[data-fall]').textContent));
  assert.equal(polls, asked, 'the news came by the stream');
  await assertAccessible(page, 'line');
  await shot(page, 'line-desk-en');

  await organiser.rules(game, { notice: 'Starting in five minutes.' });
  await page.waitForFunction(() => document.querySelector('[data-notice]').textContent === 'Starting in five minutes.');
  await organiser.act(game, 'open');
  await page.waitForSelector('[data-pay]');
}));

for (const [name, status, headers] of [['refused', 503, { 'Retry-After': '30' }], ['limited', 429, { 'Retry-After': '30' }]]) {
  test(`a stream that is ${name} gives way to asking`, async () => {
    const page = await openPage(browser, { viewport: PHONE });
    try {
      let refused = 0;
      await page.route('**/api/queue/*/events', (route) => { refused += 1; return route.fulfill({ status, headers, body: '{}' }); });
      const { game, others } = await standing(name, 2);
      await joinByPage(page, game);
      await place(page, 3);
      const poll = page.waitForRequest(isPoll);
      await others[0].leave();
      await poll;
      await place(page, 2);
      assert.equal(refused, 1, 'a refused stream is left alone for a while');
      await organiser.act(game, 'open');
      await page.waitForSelector('[data-pay]');
      assert.deepEqual(page.faults.filter((fault) => !fault.includes(`status of ${status}`)), []);
    } finally { await page.context().close(); }
  });
}

test('the shown place never rises, and a broken stream is asked for again', () => withPage({}, async (page) => {
  const frames = (count) => `event: queue\ndata: ${JSON.stringify({ queue_state: 0, order_no: '', count, query_interval: 1, wait_seconds: { low: 190, high: 290 }, wait_known: true, phase: 'line', msg: '' })}\n\n`;
  const counts = [7, 9, 6];
  await page.route('**/api/queue/*/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: counts.map(frames).join('') }));
  const { game } = await standing('never', 8);
  await page.addInitScript(() => {
    window.shown = [];
    new MutationObserver(() => {
      const text = document.querySelector('[data-place]')?.textContent;
      if (text && text !== window.shown.at(-1)) window.shown.push(text);
    }).observe(document, { childList: true, subtree: true, characterData: true });
  });
  await joinByPage(page, game);
  await place(page, 6);
  // The stream ends after its frames, and the answers of the polls say 9: the shown place stays.
  await page.waitForRequest(isPoll);
  await page.waitForResponse((response) => isPoll(response.request()));
  assert.deepEqual(await page.evaluate(() => window.shown.map(Number)), await page.evaluate(() => window.shown.map(Number).toSorted((a, b) => b - a)), 'no shown place is higher than one before');
  assert.equal(await page.textContent('[data-place]'), '6');
}));

test('a wait is told as a range, or that it is not known', () => withPage({ locale: 'en-GB' }, async (page) => {
  const answers = [
    [{ wait_seconds: null, wait_known: false }, 'How long it takes is not known yet'],
    [{ wait_seconds: { low: 190, high: 290 }, wait_known: true }, 'About 3 to 5 minutes to go'],
    [{ wait_seconds: { low: 4000, high: 9000 }, wait_known: true }, 'About 1 to 3 hours to go'],
    [{ wait_seconds: { low: 20, high: 50 }, wait_known: true }, 'Less than a minute to go'],
  ];
  const { game } = await standing('range', 1);
  let now = {};
  await page.route('**/api/queue/*/events', (route) => route.fulfill({ status: 204 }));
  await page.route('**/api/games/*/line', async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), state: 'open' } }));
  await page.route('**/api/reg', async (route) => {
    if (!isPoll(route.request())) { await route.continue(); return; }
    await route.fulfill({ json: { ...(await (await route.fetch()).json()), ...now } });
  });
  [now] = answers[0];
  await joinByPage(page, game);
  for (const [answer, text] of answers) {
    now = answer;
    await page.waitForFunction((wanted) => document.querySelector('[data-wait]')?.textContent === wanted, text);
  }
}));

test('an account that keeps too many unpaid places is told its limit in both languages', async () => {
  const game = await organiser.game('open-places', {});
  const refusals = [
    ['en-GB', 'players: an account may have 10 places of this game that wait or are unpaid (reg.max_open_places_per_account or its own allowance), and has 9', /may keep 10 unpaid places of one race and has 9/],
    ['zh-CN', 'players: an account may request 50 places of this game within 24 hours without paying (a multiple of reg.max_open_places_per_account or its own allowance), and requested 50', /24 小时内在一场比赛中最多申请 50 个/],
  ];
  for (const [locale, detail, shown] of refusals) {
    await withPage({ locale }, async (page) => {
      await page.route('**/api/reg', (route) => (route.request().postData()?.includes('RegGetQueueToken')
        ? route.fulfill({ json: { result: -13, msg: `无效数据\n${detail}` } }) : route.continue()));
      await joinByPage(page, game);
      await page.waitForFunction((text) => new RegExp(text).test(document.querySelector('form.panel > .field-error').textContent), shown.source);
    });
  }
});

test('before the opening: a countdown, a drawn order, and a seed that anybody can compare', () => withPage({ viewport: PHONE, locale: 'en-GB' }, async (page) => {
  const opens = Date.now() + 20_000;
  const game = await organiser.game('opening', { rules: { pre_queue_at: beijing(Date.now() - 60_000), opening_at: beijing(opens) } });
  const other = await Runner.signIn();
  await other.join(game);
  await page.goto(`${BASE}/`);
  await page.waitForSelector(`.lane[data-game="${game}"] [data-times]`);
  assert.match(await page.textContent(`.lane[data-game="${game}"] [data-times]`), /Come in now, opens/);
  await joinByPage(page, game);
  await page.waitForSelector('[data-phase="early"] .opening:not([hidden])');
  await page.waitForFunction(() => /with 2 groups/.test(document.querySelector('.bib-caption').textContent));
  assert.match(await page.getAttribute('.opening-clock', 'aria-label'), /\d\d:\d\d/);
  const hash = await page.textContent('[data-seed-hash]');
  assert.match(hash, /^[0-9a-f]{64}$/);
  await page.click('.proof summary');
  await assertNoOverflow(page, 'before the opening');
  await assertAccessible(page, 'before the opening');
  await shot(page, 'early-phone-en');
  // The order is drawn and, as nobody holds the line up, everybody is through.
  await page.waitForSelector('[data-pay]');
  const line = await (await fetch(`${BASE}/api/games/${game}/line`)).json();
  assert.equal(line.opening.seed_hash, hash);
  assert.equal(line.opening.count, 2);
}));

test('after the opening the seed is compared with its hash in the browser', async () => {
  // One a minute gets through, so that one of the two is still in line after the opening.
  const game = await organiser.game('opened', { rules: { pre_queue_at: beijing(Date.now() - 60_000), opening_at: beijing(Date.now() + 15_000), orders_per_minute: 1 } });
  const pages = await Promise.all([1, 2].map(() => openPage(browser, { locale: 'en-GB' })));
  try {
    for (const page of pages) await joinByPage(page, game);
    for (const page of pages) await page.waitForSelector('[data-phase="early"], [data-phase="line"], [data-pay]');
    const inLine = await Promise.any(pages.map(async (page) => {
      await page.waitForSelector('[data-phase="line"]');
      await page.waitForFunction(() => /drawn/.test(document.querySelector('[data-fall]').textContent));
      return page;
    }));
    await inLine.click('.proof summary');
    await inLine.waitForFunction(() => /^✓/.test(document.querySelector('[data-seed-check]')?.textContent ?? ''));
    await assertAccessible(inLine, 'opened');
    await shot(inLine, 'opened-desk-en');
    for (const page of pages) assertQuiet(page);
  } finally {
    for (const page of pages) await page.context().close();
  }
});

test('a game decided by lot takes entries, and the draw decides', () => withPage({ viewport: PHONE, locale: 'en-GB' }, async (page) => {
  const game = await organiser.game('lot', { limitation: 1 });
  await organiser.call('POST', `games/${game}/draw`, { quotas: [], public_source: 'the index at the close' });
  const other = await Runner.signIn();
  await other.join(game);
  await page.goto(`${BASE}/`);
  await page.waitForSelector(`.lane[data-game="${game}"] [data-times]:text-is("Places are drawn by lot")`);
  await joinByPage(page, game);
  await page.waitForSelector('[data-phase="lottery"]');
  await page.waitForFunction(() => /Entries are taken until .*2026/.test(document.querySelector('.line-rules').textContent));
  assert.match(await page.getAttribute('.line-draw a', 'href'), new RegExp(`^/draw.html\\?game=${game}#token=`));
  await assertNoOverflow(page, 'lottery');
  await assertAccessible(page, 'lottery');
  await shot(page, 'lottery-phone-en');
  await organiser.call('POST', `games/${game}/draw/close`);
  await organiser.call('POST', `games/${game}/draw/dry-run`);
  await organiser.call('POST', `games/${game}/draw/run`, { public_value: '3358.73' });
  // One of the two wins; either way the page tells it by itself.
  await page.waitForSelector('[data-pay], [data-outcome="full"]');
}));

test('a form may be filled in before the line can be joined, and its button opens by itself', () => withPage({}, async (page) => {
  const game = await organiser.game('gate', { rules: { opening_at: beijing(Date.now() + 12_000) } });
  await page.goto(`${BASE}/`);
  await page.click(`.lane[data-game="${game}"] a.lane-go`);
  await page.waitForURL(`**/register.html?game=${game}`);
  await page.fill('input[name="nickname"]', unique('early'));
  await page.click('form.signin button');
  await page.waitForSelector('[data-submit]:disabled');
  assert.match(await page.textContent('[data-submit]'), /\d\d:\d\d/);
  assert.match(await page.textContent('[data-gate]'), /可以先把表填好/);
  await shot(page, 'gate-desk');
  await page.waitForSelector('[data-submit]:not(:disabled)');
  assert.equal(await page.textContent('[data-submit]'), '进入排队');
}));

test('a full game keeps people on its wait-list and offers them what comes free', () => withPage({ viewport: PHONE, colorScheme: 'dark', locale: 'en-GB' }, async (page) => {
  const game = await organiser.game('list', { limitation: 1, rules: { wait_list: 10, offer_seconds: 600 } });
  const [holder, ahead] = [await Runner.signIn(), await Runner.signIn()];
  await holder.join(game);
  const orderNo = await holder.order();
  await ahead.join(game);

  await page.goto(`${BASE}/`);
  const lane = `.lane[data-game="${game}"]`;
  await page.waitForSelector(`${lane} a.lane-go:text-is("Wait-list")`);
  assert.match(await page.textContent(`${lane} [data-places]`), /Full/);

  await joinByPage(page, game);
  await page.waitForSelector('[data-phase="list"]');
  await place(page, 2);
  await page.waitForFunction(() => /10 minutes/.test(document.querySelector('.line-rules').textContent));
  await assertNoOverflow(page, 'wait-list');
  await assertAccessible(page, 'wait-list');
  await shot(page, 'wait-list-phone-en-dark');

  await ahead.leave();
  await place(page, 1);
  await page.waitForFunction(() => /offered to you/.test(document.querySelector('.bib-caption').textContent));
  await holder.command('RegAskRefund', { order_no: orderNo });
  await page.waitForSelector('[data-pay]');
  assert.match(await page.getAttribute('.pay-clock', 'aria-label'), /0?[89]:\d\d|10:00/, 'the offer lasts as long as was said');
}));

test('the end of a wait-list is told: nothing more can come free', () => withPage({}, async (page) => {
  const game = await organiser.game('end', { limitation: 1, rules: { wait_list: 10 } });
  const holder = await Runner.signIn();
  await holder.join(game);
  const orderNo = await holder.order();
  await joinByPage(page, game);
  await page.waitForSelector('[data-phase="list"]');
  await holder.pay(orderNo);
  await page.waitForSelector('[data-outcome="full"]');
  await shot(page, 'full-desk');
}));

test('leaving the line asks first, gives the place back and forgets it', () => withPage({ viewport: PHONE }, async (page) => {
  const { game, others } = await standing('leaving', 1);
  await joinByPage(page, game);
  await place(page, 2);
  const behind = await Runner.signIn();
  await behind.join(game);

  await page.click('[data-leave]');
  await page.waitForSelector('dialog[open]');
  await assertAccessible(page, 'question');
  await shot(page, 'leave-phone');
  await page.click('dialog [data-no]');
  await page.waitForSelector('dialog', { state: 'detached' });
  await place(page, 2);

  await page.click('[data-leave]');
  await page.click('dialog [data-yes]');
  await page.waitForSelector('[data-outcome="left"]');
  const { count } = await behind.command('RegQueryQueueTokenState', { token: behind.token });
  assert.equal(count, 2, 'the one behind moved up');
  assert.ok(others.length);
  await page.reload();
  await page.waitForSelector('.player');
}));

test('two lines at once: both are listed, each with its place, and the lobby shows them', () => withPage({ locale: 'en-GB' }, async (page) => {
  const [one, two] = [await standing('first', 1), await standing('second', 3)];
  await joinByPage(page, one.game);
  await place(page, 2);
  await page.goto(`${BASE}/register.html?game=${two.game}`);
  await joinByPage(page, two.game, { name: '另一人' });
  await place(page, 4);
  const listed = (game, text) => page.waitForFunction(([id, wanted]) => document.querySelector(`[data-line="${id}"] .tag`)?.textContent === wanted, [game, text]);
  await listed(one.game, 'Place 2');
  await listed(two.game, 'Place 4');
  await assertAccessible(page, 'two lines');
  await shot(page, 'two-lines-desk-en');
  await one.others[0].leave();
  await listed(one.game, 'Place 1');

  await page.goto(`${BASE}/`);
  const badge = (game, text) => page.waitForFunction(([id, wanted]) => document.querySelector(`.lane[data-game="${id}"] [data-badge]`)?.textContent === wanted, [game, text]);
  await badge(one.game, 'Place 1');
  await badge(two.game, 'Place 4');
  await assertAccessible(page, 'lobby with badges');
  await shot(page, 'lobby-badges-desk-en');
  await organiser.act(one.game, 'open');
  await badge(one.game, 'Your turn: pay');
  await page.click(`.lane[data-game="${one.game}"] [data-badge]`);
  await page.waitForSelector('[data-pay]');
}));
