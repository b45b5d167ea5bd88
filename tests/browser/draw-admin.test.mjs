// The draw on the administrators' desk: terms, a group's list, closing, trying, drawing, and what is refused.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
  BASE, DESK, Organiser, PHONE, Runner, adminSignIn, assertAccessible, assertNoOverflow, assertQuiet, identityCard, launch, openPage, shot, unique,
} from './support.mjs';
import { readCertificates } from '../../static/js/certificate-lines.js';

let browser;
let organiser;
before(async () => { browser = await launch(); organiser = await Organiser.signIn(); });
after(async () => { await browser?.close(); });

/** A page whose console may only tell of answers with these statuses: 404 is a game without a draw. */
async function withDesk(game, options, work, statuses = [404]) {
  const page = await openPage(browser, { locale: 'en-GB', ...options });
  try {
    await adminSignIn(page);
    await page.click(`[data-game="${game}"]`);
    await page.click('[data-tab="draw"]');
    await page.waitForSelector('.draw-desk h3');
    await work(page);
    page.faults = page.faults.filter((fault) => !statuses.some((status) => fault.includes(`status of ${status}`)));
    assertQuiet(page);
  } finally { await page.context().close(); }
}

const yes = (page) => page.click('dialog [data-yes]');
const state = (page, name) => page.waitForSelector(`[data-draw-state="${name}"]`);
const fact = (page, name) => page.textContent(`[data-fact="${name}"]`);
const drawOf = (game) => organiser.call('GET', `games/${game}/draw`);
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
const saysOf = (page, selector, pattern) => page.waitForFunction(([at, text]) => new RegExp(text).test(document.querySelector(at)?.textContent ?? ''), [selector, pattern]);

/** A game of two places with the list group `club`; so many have entered. */
async function announced(name, entries, quotas = [{ name: 'club', places: 1, rule: 'list' }]) {
  const game = await organiser.game(name, { limitation: 2 });
  await organiser.call('POST', `games/${game}/draw`, { quotas, public_source: 'Closing value' });
  const runners = [];
  for (let entered = 0; entered < entries; entered += 1) {
    const runner = await Runner.signIn();
    await runner.join(game);
    runners.push(runner);
  }
  return { game, runners };
}

test('a draw is announced, filled, closed, tried and drawn from the desk', async () => {
  const game = await organiser.game('draw-desk', { limitation: 2 });
  await withDesk(game, {}, async (page) => {
    assert.match(await page.textContent('[data-draw-places]'), /: 2 /);
    for (const [index, [name, rule]] of [['Women', 'gender:female'], ['Old friends/club', 'list']].entries()) {
      await page.click('[data-add-group]');
      assert.equal(await focused(page), `draw-group-${index}-name`, 'the new group has the focus');
      await page.fill(`#draw-group-${index}-name`, name);
      await page.fill(`#draw-group-${index}-places`, '1');
      await page.selectOption(`#draw-group-${index}-rule`, rule);
    }
    assert.match(await page.textContent('[data-reserved]'), /2 of 2/);
    await page.fill('#draw-source', 'Closing value of 3 May');
    await assertAccessible(page, 'terms');
    await shot(page, 'admin-draw-terms-desk-en');
    await page.click('.lang-button[lang="zh-CN"]');
    assert.equal(await page.inputValue('#draw-group-1-name'), 'Old friends/club', 'what was typed stays in the other language');
    assert.equal(await page.textContent('[data-draw-announce]'), '公布抽签');
    await page.click('.lang-button[lang="en"]');
    await page.click('[data-draw-announce]');
    await page.click('dialog [data-no]');
    await assert.rejects(drawOf(game), /404/, 'a question that is not answered changes nothing');
    await page.click('[data-draw-announce]');
    await yes(page);
    await state(page, 'entries');
    assert.equal(await focused(page), 'The draw of this game');
    const { commitment, quotas, public_source: source } = await drawOf(game);
    assert.deepEqual([quotas, source], [
      [{ name: 'Women', places: 1, rule: 'gender:female' }, { name: 'Old friends/club', places: 1, rule: 'list' }], 'Closing value of 3 May',
    ]);
    assert.equal(await fact(page, 'commitment'), commitment);
    assert.match(await page.textContent('[data-draw-said]'), /announced/);

    const runners = [await Runner.signIn(), await Runner.signIn(), await Runner.signIn()];
    for (const runner of runners) await runner.join(game);
    await page.waitForFunction(() => document.querySelector('[data-fact="entries"]').textContent === '3');

    const [first, second] = [identityCard(), identityCard()];
    await page.setInputFiles('#draw-list-0-file', { name: 'club.csv', mimeType: 'text/csv', buffer: Buffer.from(`\ufeffcertificate_type,certificate_no\r\n0,${first}\r\n\r\n1,${first.slice(0, 9)}\r\n`) });
    await page.waitForFunction(() => document.querySelector('#draw-list-0').value !== '');
    const text = await page.inputValue('#draw-list-0');
    await page.fill('#draw-list-0', `${text}0\t${second}`);
    await assertAccessible(page, 'entries');
    await shot(page, 'admin-draw-entries-desk-en');
    await page.click('[data-list-save]');
    await saysOf(page, '.draw-list .field-ok', ': 3');
    assert.equal(await page.inputValue('#draw-list-0'), '', 'certificates do not stay on the page');

    await page.click('[data-draw-close]');
    assert.match(await page.textContent('dialog'), /3.*cannot be undone/s);
    await yes(page);
    await state(page, 'closed');
    const { merkle_root: root } = await drawOf(game);
    assert.deepEqual([await fact(page, 'root'), await fact(page, 'entrants')], [root, '3']);
    assert.ok(await page.isDisabled('[data-draw-run]'), 'no draw without a dry run');

    await page.click('[data-draw-try]');
    await page.waitForSelector('[data-draw-tried] tbody tr');
    const rows = await page.locator('[data-draw-tried] tbody tr').evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));
    assert.deepEqual(rows, [
      ['All', '2', '3', '3', '2', '2'], ['Women', '1', '3', '3', '2', '2'], ['Old friends/club', '1', '0', '0', '0', '0'], ['In no group', '–', '0', '0', '0', '0'],
    ]);
    assert.equal(await focused(page), 'Make a dry run', 'the button keeps the focus');
    await assertAccessible(page, 'tried');
    await shot(page, 'admin-draw-closed-desk-en');
    await page.click('.lang-button[lang="zh-CN"]');
    assert.match(await page.textContent('[data-draw-tried]'), /不属于任何组/);
    await page.click('.lang-button[lang="en"]');

    // By keyboard alone.
    await page.focus('#draw-value');
    await page.keyboard.type(' 3358.73 ');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    assert.match(await page.textContent('dialog'), /: 3358\.73\./);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await state(page, 'drawn');
    const drawn = await drawOf(game);
    assert.equal(drawn.public_value, '3358.73');
    assert.deepEqual([await fact(page, 'secret'), await fact(page, 'public_value'), await fact(page, 'winners')], [drawn.secret, '3358.73', '2']);
    await assertAccessible(page, 'drawn');
    await shot(page, 'admin-draw-drawn-desk-en');

    const bundle = await (await fetch(new URL(await page.getAttribute('[data-draw-bundle]', 'href'), BASE))).json();
    assert.equal(bundle.secret, drawn.secret);
    await page.click('[data-draw-page]');
    await page.waitForSelector('#published:not([hidden])');
    await page.click('#check');
    await page.waitForSelector('[data-verdict="sound"]');
  });
});

test('what the server refuses of the terms is said where it is, and nothing is announced', async () => {
  const game = await organiser.game('draw-refused', { limitation: 2 });
  await withDesk(game, {}, async (page) => {
    const group = async (index, name, places) => {
      await page.click('[data-add-group]');
      await page.fill(`#draw-group-${index}-name`, name);
      await page.fill(`#draw-group-${index}-places`, places);
    };
    const invalid = () => page.locator('[aria-invalid]').evaluateAll((all) => all.map(({ id }) => id));
    await group(0, 'a', '');
    await page.click('[data-draw-announce]');
    await saysOf(page, '#draw-groups-error', 'whole number');
    assert.deepEqual([await invalid(), await page.locator('dialog').count()], [['draw-group-0-places'], 0]);
    await page.fill('#draw-group-0-places', '3');
    await page.click('[data-draw-announce]');
    await yes(page);
    await saysOf(page, '#draw-groups-error', '^more places are reserved');
    assert.deepEqual([await invalid(), await focused(page)], [['draw-group-0-places'], 'draw-group-0-places']);
    await page.fill('#draw-group-0-places', '1');
    await group(1, 'b', '0');
    await group(2, 'a', '0');
    await page.click('[data-draw-announce]');
    await yes(page);
    await saysOf(page, '#draw-groups-error', 'named twice');
    assert.deepEqual([await invalid(), await focused(page)], [['draw-group-0-name', 'draw-group-2-name'], 'draw-group-0-name']);
    await page.locator('[data-remove-group]').nth(2).click();
    await page.fill('#draw-source', 'a\tb');
    await page.click('[data-draw-announce]');
    await yes(page);
    await saysOf(page, '#draw-source-error', 'one line');
    assert.deepEqual([await invalid(), await focused(page)], [['draw-source'], 'draw-source']);
    // Somebody else changes the places: the form tells what would be drawn now.
    const set = await fetch(`${BASE}/api/reg`, {
      method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${organiser.bearer}` },
      body: JSON.stringify({ cmd: 'RegSetGameLimitation', game_id: game, limitation: 7 }),
    });
    assert.equal((await set.json()).result, 0);
    await saysOf(page, '[data-draw-places]', ': 7 ');
    await saysOf(page, '[data-reserved]', '1 of 7');
    await assert.rejects(drawOf(game), /404/);
  }, [404, 422]);
});

test('a wrong line of a list is named and chosen, and the list stays as it was', async () => {
  const { game } = await announced('draw-list', 0);
  await withDesk(game, {}, async (page) => {
    const chosen = () => page.$eval('#draw-list-0', ({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd));
    const good = identityCard();
    await page.fill('#draw-list-0', `0 ${good}\nnobody\n1 E12345`);
    await page.click('[data-list-save]');
    await saysOf(page, '#draw-list-0-error', ': 2$');
    assert.equal(await chosen(), 'nobody');
    const wrong = `${good.slice(0, 17)}${good[17] === '1' ? '2' : '1'}`;
    await page.fill('#draw-list-0', `0 ${good}\n\n0 ${wrong}\n1 E12345`);
    await page.click('[data-list-save]');
    await saysOf(page, '#draw-list-0-error', '^Line 3: .*check digit');
    assert.deepEqual([await chosen(), await focused(page)], [`0 ${wrong}`, 'draw-list-0']);
    await page.fill('#draw-list-0', '');
    await page.click('[data-list-save]');
    await page.click('dialog [data-no]');
    assert.equal(await page.textContent('.draw-list .field-ok'), '', 'an empty list is asked about');
  }, [422]);
});

test('a refused value and places that changed are said', async () => {
  const { game } = await announced('draw-value', 1);
  await organiser.call('POST', `games/${game}/draw/close`);
  await organiser.call('POST', `games/${game}/draw/dry-run`);
  await withDesk(game, {}, async (page) => {
    await page.click('[data-draw-run]');
    await saysOf(page, '#draw-value-error', 'Give');
    await page.fill('#draw-value', 'a\tb');
    await page.click('[data-draw-run]');
    await yes(page);
    await saysOf(page, '#draw-value-error', 'one line');
    assert.deepEqual([await page.getAttribute('#draw-value', 'aria-invalid'), await focused(page)], ['true', 'draw-value']);

    await page.click('[data-tab="places"]');
    await page.fill('#limitation', '3');
    await page.click('[data-save-places]');
    await page.waitForFunction(() => document.querySelector('[data-limitation]').textContent.includes('3'));
    await page.click('[data-tab="draw"]');
    await saysOf(page, '.draw-warning', '3.*2');
    await page.fill('#draw-value', '1');
    await page.click('[data-draw-run]');
    await yes(page);
    await saysOf(page, 'form .answer .field-error', '2 that were announced');
    assert.equal((await drawOf(game)).state, 'closed');
  }, [409, 422]);
});

test('another administrator closes and draws: the desk follows', async () => {
  const { game } = await announced('draw-two', 1, []);
  await withDesk(game, {}, async (page) => {
    await state(page, 'entries');
    await organiser.call('POST', `games/${game}/draw/close`);
    await state(page, 'closed');
    await organiser.act(game, 'open');
    await saysOf(page, '.draw-warning', 'open again');
    await organiser.act(game, 'close');
    await page.waitForSelector('.draw-warning', { state: 'detached' });
    await organiser.call('POST', `games/${game}/draw/dry-run`);
    await organiser.call('POST', `games/${game}/draw/run`, { public_value: '7' });
    await state(page, 'drawn');
    assert.equal(await fact(page, 'public_value'), '7');
  });
});

test('a game that cannot have a draw says why', async () => {
  const [taken, unlimited, opened] = [
    await organiser.game('draw-taken', { limitation: 2 }), await organiser.game('draw-unlimited'),
    await organiser.game('draw-opened', { limitation: 2, rules: { opening_at: '2030-01-01 08:00:00' } }),
  ];
  await (await Runner.signIn()).join(taken);
  for (const [game, why] of [[taken, 'tokens'], [unlimited, 'places'], [opened, 'opening']]) {
    await withDesk(game, {}, async (page) => {
      assert.equal(await page.getAttribute('.draw-hindered', 'data-hindered'), why);
      assert.equal(await page.locator('[data-draw-announce]').count(), 0);
    });
  }
});

test('an editor sets draws up, others have no such tab', async () => {
  const game = await organiser.game('draw-roles', { limitation: 2 });
  for (const [role, has] of [['editor', 1], ['moderator', 0]]) {
    const name = unique(role);
    await organiser.call('POST', 'admins', { username: name, password: 'a-password-of-it', role });
    const page = await openPage(browser, { locale: 'en-GB' });
    try {
      await page.goto(`${BASE}/admin.html`);
      await page.fill('#admin-name', name);
      await page.fill('#admin-password', 'a-password-of-it');
      await page.click('#gate button');
      await page.click(`[data-game="${game}"]`);
      await page.waitForSelector(has ? '[data-tab="story"]' : '[data-number="waiting"]');
      assert.equal(await page.locator('[data-tab="draw"]').count(), has, role);
      if (has) {
        await page.click('[data-tab="draw"]');
        await page.waitForSelector('[data-draw-announce]');
      }
    } finally { await page.context().close(); }
  }
});

test('every state fits a phone and is accessible', async () => {
  const game = await organiser.game('draw-phone', { limitation: 2 });
  const look = async (page, name) => {
    await assertNoOverflow(page, name);
    await assertAccessible(page, name);
    await shot(page, `admin-draw-${name}-phone-dark`);
  };
  await withDesk(game, { viewport: PHONE, locale: 'zh-CN', colorScheme: 'dark' }, async (page) => {
    await page.click('[data-add-group]');
    await page.fill('[data-group="name"]', '跑团');
    await page.fill('[data-group="places"]', '1');
    await page.selectOption('[data-group="rule"]', 'list');
    await look(page, 'terms');
    // A key instead of the mouse: a picture of a whole page may put the page's scroll position back in the middle of a click.
    await page.press('[data-draw-announce]', 'Enter');
    await yes(page);
    await state(page, 'entries');
    await page.click('[data-act="pause"]');
    await page.waitForSelector('.draw-warning');
    await look(page, 'entries');
    await page.press('[data-draw-close]', 'Enter');
    await yes(page);
    await state(page, 'closed');
    await page.click('[data-draw-try]');
    await page.waitForSelector('[data-draw-tried] tbody tr');
    await look(page, 'closed');
    await page.fill('#draw-value', '3358.73');
    await page.press('[data-draw-run]', 'Enter');
    await yes(page);
    await state(page, 'drawn');
    await look(page, 'drawn');
    await page.setViewportSize(DESK);
    await shot(page, 'admin-draw-drawn-desk-dark');
  });
});

test('lines of a list are read as they are written', () => {
  const read = (text) => readCertificates(text).certificates.map(({ certificate_type: type, certificate_no: number }) => `${type} ${number}`);
  assert.deepEqual(read('0 11\n1,E1\n2\t军1\n3; T1 \n-1，X\n'), ['0 11', '1 E1', '2 军1', '3 T1', '-1 X']);
  assert.deepEqual(read('\ufeffcertificate_type,certificate_no\r\n"0","11"\r\n0,\'22,,\r\n'), ['0 11', '0 22']);
  const { wrong, places } = readCertificates('E1\n1 E1\n1\n,\n0 11');
  assert.deepEqual(wrong.map(({ line }) => line), [1, 3, 4]);
  assert.deepEqual(places, [{ line: 2, start: 3, end: 7 }, { line: 5, start: 12, end: 16 }]);
});
