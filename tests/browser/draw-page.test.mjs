// The page of a draw on a running server: a draw that was made over the admin API, and files.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ADMIN_PASSWORD, BASE, PHONE, assertAccessible, assertNoOverflow, assertQuiet, launch, openPage, shot, unique } from './support.mjs';

let browser;
let folder;
before(async () => { browser = await launch(); folder = await mkdtemp(path.join(tmpdir(), 'matchday-draw-')); });
after(async () => { await browser?.close(); await rm(folder, { recursive: true, force: true }); });

const vector = JSON.parse(await readFile(new URL('../vectors/draw.json', import.meta.url), 'utf8'));

async function post(address, body, headers = {}) {
  const answer = await fetch(`${BASE}${address}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: body === null ? undefined : JSON.stringify(body),
  });
  const data = await answer.json();
  assert.ok(answer.ok, `${address}: ${JSON.stringify(data)}`);
  return data;
}

/** A game of two places that was drawn among three; the tokens. */
async function drawnGame() {
  const { token: admin } = await post('/admin/api/v1/login', { username: 'admin', password: ADMIN_PASSWORD });
  const bearer = { Authorization: `Bearer ${admin}` };
  const game = await post('/admin/api/v1/games', { competition_id: 1, name: unique('lottery'), price: 10, limitation: 2, start_time: '2030-01-01 08:00:00' }, bearer);
  const act = (name, body = null) => post(`/admin/api/v1/games/${game.id}/${name}`, body, bearer);
  await act('draw', { quotas: [{ name: '女子', places: 1, rule: 'gender:female' }], public_source: '上证指数收盘' });
  const tokens = [];
  for (const person of [1, 2, 3]) {
    const { token } = await post('/api/v1/token/user', { code: `sandbox:${unique('draw')}` });
    const player = {
      name: `跑者${person}`, certificate_type: 1, certificate_no: `D${String(Math.random()).slice(2, 12)}`, mobile: '13800000000',
      email: 'runner@example.org', country: '中国', gender: String(1 + person % 2), birth_date: '1990-05-01',
      emergency_contact_name: '家人', emergency_contact_mobile: '13900000000', t_shirt_size: 'M',
    };
    const entered = await post('/api/reg', { cmd: 'RegGetQueueToken', game_id: game.id, players: [player] }, { token });
    assert.equal(entered.result, 0, JSON.stringify(entered));
    tokens.push(entered.token);
  }
  await act('draw/close');
  await act('draw/dry-run');
  await act('draw/run', { public_value: '3358.73' });
  return { game: game.id, tokens };
}

async function withPage(options, work) {
  const page = await openPage(browser, options);
  try {
    await work(page);
    assertQuiet(page);
  } finally { await page.context().close(); }
}

const verdict = async (page) => { await page.waitForSelector('[data-verdict]'); return page.getAttribute('[data-verdict]', 'data-verdict'); };

test('an entrant checks a drawn game and finds the own entry', async () => {
  const { game, tokens } = await drawnGame();
  await withPage({ viewport: PHONE }, async (page) => {
    await page.goto(`${BASE}/draw.html?game=${game}`);
    await page.waitForSelector('#published:not([hidden])');
    assert.match(await page.textContent('#facts'), /女子 1 个（女选手）/);
    await page.fill('#token', tokens[0]);
    await page.click('#check');
    assert.equal(await verdict(page), 'sound');
    assert.equal(await page.locator('.check-step[data-ok="true"]').count(), 8);
    assert.match(await page.textContent('[data-place]'), /第 [123] 位/);
    await page.click('.lang-button[lang="en"]');
    assert.match(await page.textContent('[data-place]'), /position [123]/);
    await assertAccessible(page, 'draw');
    await assertNoOverflow(page, 'draw');
    await shot(page, 'draw');
  });
});

test('files are checked without a server, and a change is seen', () => withPage({ locale: 'en-GB' }, async (page) => {
  const write = async (name, content) => {
    const file = path.join(folder, name);
    await writeFile(file, JSON.stringify(content));
    return file;
  };
  const changed = structuredClone(vector.bundle);
  changed.order.reverse();
  const files = [await write('bundle.json', vector.bundle), await write('receipt.json', vector.receipt)];
  await page.goto(`${BASE}/draw.html`);
  await page.context().setOffline(true);
  await page.setInputFiles('#files', files);
  await page.fill('#token', vector.token);
  await page.click('#check');
  assert.equal(await verdict(page), 'sound');
  assert.match(await page.textContent('[data-place]'), /wins, at position 7/);
  await page.setInputFiles('#files', [await write('changed.json', changed)]);
  await page.click('#check');
  assert.equal(await verdict(page), 'failed');
  assert.equal(await page.getAttribute('[data-step="result"]', 'data-ok'), 'false');
  await page.context().setOffline(false);
  // The browser fetches the icon when it likes.
  page.faults = page.faults.filter((fault) => !fault.includes('/favicon.'));
}));
