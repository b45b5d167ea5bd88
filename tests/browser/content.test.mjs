// The administrators' content: rows made, changed and deleted by forms that the server describes, and accounts.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
  BASE, DESK, Organiser, PHONE, Runner, adminSignIn, assertAccessible, assertNoOverflow, launch, openPage, shot, unique, withPage as inPage,
} from './support.mjs';

/** A red picture of 2 × 2 pixels. */
const PICTURE = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==', 'base64');

let browser;
let organiser;
before(async () => { browser = await launch(); organiser = await Organiser.signIn(); });
after(async () => { await browser?.close(); });

const withPage = (options, work) => inPage(browser, options, work);

async function openContent(page, collection) {
  await adminSignIn(page);
  await page.click('#tab-content');
  await choose(page, collection);
}

async function choose(page, collection) {
  const button = page.locator(`[data-collection="${collection}"]`);
  await page.waitForSelector('#content-collection', { state: 'attached' });
  if (await button.isVisible()) await button.click();
  else await page.selectOption('#content-collection', collection);
  await page.waitForSelector('.content-body .pager span');
}

const picture = (name) => ({ name, mimeType: 'image/png', buffer: PICTURE });
const faultOf = (page, name) => page.textContent(`#content-${name}-error`);

/** Chooses a row of another collection by what it is called. */
async function pick(page, name, title) {
  await page.fill(`#content-${name}`, title);
  await page.click(`[data-field="${name}"] .pick-found button:has-text("${title}")`);
  await page.waitForSelector(`[data-field="${name}"] [data-picked]:has-text("${title}")`);
}

async function save(page) {
  await page.click('[data-save]');
  await page.waitForFunction(() => document.querySelector('.content-form .field-ok')?.textContent !== '' && document.querySelector('[data-delete]'));
}

const rowOf = async (collection, title) => {
  const { data } = await organiser.call('GET', `${collection}?search=${encodeURIComponent(title)}`);
  assert.equal(data.length, 1, `${collection} ${title}`);
  return data[0];
};

test('a competition with a picture is made; what is wrong is said at its field', () => withPage({ locale: 'en-GB' }, async (page) => {
  const title = unique('夜跑');
  await openContent(page, 'competitions');
  await page.click('[data-new]');
  await page.fill('#content-main_img_url', 'cover.jpg');
  await page.click('[data-save]');
  assert.match(await faultOf(page, 'title'), /filled in/);
  assert.match(await faultOf(page, 'play_time'), /filled in/);
  assert.match(await faultOf(page, 'main_img_url'), /begin with/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content-title', 'the first fault has the focus');
  await assertAccessible(page, 'faults');
  await shot(page, 'content-faults-desk-en');

  await page.fill('#content-title', title);
  assert.equal(await faultOf(page, 'title'), '', 'a fault goes when it is mended');
  await page.setInputFiles('#content-main_img_url-file', picture('cover.png'));
  await page.waitForFunction(() => document.querySelector('#content-main_img_url').value.startsWith('/'));
  await page.fill('#content-play_time', '2031-05-01T19:30:00');
  await page.fill('#content-description', '<p>第一段</p><script>alert(1)</script>');
  await page.click('[data-field="description"] summary');
  await page.waitForFunction(() => document.querySelector('[data-preview="description"]').innerHTML === '<p>第一段</p>');
  await pick(page, 'team_ids', '晨风队');
  await pick(page, 'team_ids', '江潮队');
  assert.ok(await page.isHidden('#content-team_ids'), 'two teams are all');
  // The language changes under what was typed.
  await page.click('.lang-button[lang="zh-CN"]');
  assert.equal(await page.inputValue('#content-title'), title);
  assert.match(await page.textContent('[data-field="play_time"] label'), /开始时间/);
  await page.click('.lang-button[lang="en"]');
  await save(page);
  await shot(page, 'content-competition-desk-en');

  const row = await rowOf('competitions', title);
  assert.match(row.main_img_url, /^\/.+\.(png|jpe?g|webp)$/);
  assert.deepEqual([row.play_time, row.description, row.team_ids, row.valid_state, row.end_time], ['2031-05-01 19:30:00', '<p>第一段</p>', [1, 2], 1, null]);

  // A change sends what was changed, so somebody else's change of another field stays.
  await organiser.call('PATCH', `competitions/${row.id}`, { place: '江滩' });
  await page.fill('#content-score', '2:1');
  await page.click('[data-picked="1"] button');
  await save(page);
  const changed = await rowOf('competitions', title);
  assert.deepEqual([changed.score, changed.place, changed.team_ids], ['2:1', '江滩', [2]]);

  await page.fill('#content-score', '3:1');
  await page.click('[data-back]');
  await page.click('dialog [data-no]');
  assert.equal(await page.inputValue('#content-score'), '3:1', 'what is not saved is not left by accident');
  await page.click('[data-delete]');
  await page.click('dialog [data-yes]');
  await page.waitForFunction((name) => document.querySelector('[data-said]')?.textContent.includes(name), title);
  assert.equal((await organiser.call('GET', `competitions?search=${encodeURIComponent(title)}`)).total, 0);
}));

test('a team gets its members', () => withPage({}, async (page) => {
  const [team, member] = [unique('山海队'), unique('周舟')];
  await openContent(page, 'teams');
  await page.click('[data-new]');
  await page.fill('#content-name', team);
  await page.setInputFiles('#content-logo-file', picture('logo.png'));
  await page.waitForFunction(() => document.querySelector('#content-logo').value.startsWith('/'));
  await save(page);
  await choose(page, 'members');
  await page.click('[data-new]');
  await page.fill('#content-cn_name', member);
  await page.fill('#content-mobile', '12345');
  await page.fill('#content-stature', '301');
  await page.fill('#content-birthday', '1994-03-12');
  await page.selectOption('#content-sex', '2');
  await pick(page, 'team_ids', team);
  await page.click('[data-save]');
  assert.match(await faultOf(page, 'stature'), /0 到 300/);
  await page.fill('#content-stature', '168');
  await page.click('[data-save]');
  await page.waitForFunction(() => /mobile number/.test(document.querySelector('#content-mobile-error').textContent));
  assert.equal(await page.getAttribute('#content-mobile', 'aria-invalid'), 'true');
  page.faults = page.faults.filter((fault) => !fault.includes('status of 422'));
  await page.fill('#content-mobile', '');
  await save(page);
  const row = await rowOf('members', member);
  assert.deepEqual([row.stature, row.sex, row.birthday, row.mobile, row.team_ids.length], [168, 2, '1994-03-12', null, 1]);
  await choose(page, 'teams');
  await page.click(`[data-open="${row.team_ids[0]}"]`);
  await page.waitForSelector(`[data-fact="member_ids"] .pick-label:has-text("${member}")`);
  await shot(page, 'content-team-desk-zh');
}));

test('a banner is made, with a picture sent where it is chosen, and a taken name is said', () => withPage({ viewport: PHONE, locale: 'en-GB' }, async (page) => {
  const title = unique('banner');
  await openContent(page, 'banners');
  await page.click('[data-new]');
  await page.fill('#content-title', title);
  await page.click('[data-save]');
  assert.match(await faultOf(page, 'position'), /filled in/);
  await page.selectOption('#content-position', '3');
  await page.setInputFiles('#content-file_id-file', picture('banner.png'));
  await page.waitForSelector('[data-field="file_id"] [data-picked]');
  await page.setInputFiles('#content-img_url-file', { name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
  await page.waitForSelector('[data-field="img_url"] .upload .field-error');
  page.faults = page.faults.filter((fault) => !fault.includes('status of 422'));
  await assertNoOverflow(page, 'banner');
  await assertAccessible(page, 'banner');
  await save(page);
  const row = await rowOf('banners', title);
  assert.ok(row.position === 3 && row.file_id > 0 && row.display === 1);
  await shot(page, 'content-banner-phone-en');

  const code = unique('code').toLowerCase();
  await organiser.call('POST', 'configs', { code, content: 'x' });
  await choose(page, 'configs');
  await page.click('[data-new]');
  await page.fill('#content-code', code);
  await page.fill('#content-content', 'y');
  await page.click('[data-save]');
  await page.waitForFunction(() => /has this already/.test(document.querySelector('#content-code-error').textContent));
  page.faults = page.faults.filter((fault) => !fault.includes('status of 409'));
}));

test('a competition with games is not deleted, and the reason is said', () => withPage({ locale: 'en-GB' }, async (page) => {
  await openContent(page, 'competitions');
  await page.click('[data-open="1"]');
  await page.click('[data-delete]');
  await page.click('dialog [data-yes]');
  await page.waitForFunction(() => /has games/.test(document.querySelector('.content-form .answer .field-error').textContent));
  page.faults = page.faults.filter((fault) => !fault.includes('status of 409'));
}));

test('every collection that the server lists has a table and a form that fit and are accessible', async () => {
  for (const [viewport, locale] of [[DESK, 'zh-CN'], [PHONE, 'en-GB']]) {
    await withPage({ viewport, locale, colorScheme: viewport === PHONE ? 'dark' : 'light' }, async (page) => {
      const { collections } = await organiser.call('GET', 'collections');
      await openContent(page, 'competitions');
      for (const { name, may } of collections) {
        await choose(page, name);
        await assertNoOverflow(page, name);
        await assertAccessible(page, name);
        if (may.create) await page.click('[data-new]');
        else if (await page.locator('[data-open]').count()) await page.locator('[data-open]').first().click();
        else continue;
        await page.waitForSelector('[data-back]');
        await assertNoOverflow(page, `${name} form`);
        await assertAccessible(page, `${name} form`);
        assert.equal(await page.locator('[data-save]').count(), may.create ? 1 : 0, name);
      }
    });
  }
});

async function signInAs(page, role) {
  const username = unique(role).toLowerCase();
  await organiser.call('POST', 'admins', { username, password: 'a-password-of-it', role });
  await page.goto(`${BASE}/admin.html`);
  await page.fill('#admin-name', username);
  await page.fill('#admin-password', 'a-password-of-it');
  await page.click('#gate button');
  await page.waitForSelector('[data-number="waiting"]');
}

const actsOn = (page, id) => page.locator(`[data-account-act$="-${id}"]`).evaluateAll((buttons) => buttons.map((button) => button.dataset.accountAct.replace(/-\d+$/, '')));

test('each role is offered what it may do', async () => {
  const runner = await Runner.signIn('role');
  const { data: [{ id }] } = await organiser.call('GET', `accounts?search=${runner.name}`);
  for (const [role, money, writes, members, acts] of [
    ['editor', false, true, true, ['allowance']], ['cashier', true, false, false, ['grant']], ['moderator', false, false, false, ['disable']],
  ]) {
    await withPage({ locale: 'en-GB' }, async (page) => {
      await signInAs(page, role);
      for (const tab of ['orders', 'money']) assert.equal(await page.isVisible(`#tab-${tab}`), money, `${role} ${tab}`);
      await page.click('#tab-content');
      await choose(page, 'teams');
      assert.equal(await page.locator('[data-new]').count(), writes ? 1 : 0, role);
      assert.equal(await page.locator('[data-collection="members"]').count(), members ? 1 : 0, role);
      await page.click('[data-open="1"]');
      assert.equal(await page.locator('[data-save], [data-delete]').count(), writes ? 2 : 0, role);
      if (!writes) await page.waitForSelector('[data-fact="name"]');
      await page.click('#tab-accounts');
      await page.fill('.table-tools input', runner.name);
      await page.waitForFunction((name) => document.querySelectorAll('tbody tr').length === 1 && document.querySelector('tbody').textContent.includes(name), runner.name);
      assert.deepEqual(await actsOn(page, id), acts, role);
    });
  }
});

test('an account gets a membership, loses it, and is disabled and enabled', () => withPage({ locale: 'en-GB' }, async (page) => {
  const runner = await Runner.signIn('member');
  const { data: [{ id }] } = await organiser.call('GET', `accounts?search=${runner.name}`);
  const account = () => organiser.call('GET', `accounts/${id}`);
  const act = (name) => page.click(`[data-account-act="${name}-${id}"]`);
  await adminSignIn(page);
  await page.click('#tab-accounts');
  await page.fill('.table-tools input', runner.name);
  await act('grant');
  await page.selectOption('#grant-years', '');
  await page.fill('#grant-until', '2020-01-01T00:00:00');
  await assertAccessible(page, 'grant');
  await page.click('dialog [data-yes]');
  await page.waitForFunction(() => /future/.test(document.querySelector('#grant-error').textContent));
  page.faults = page.faults.filter((fault) => !fault.includes('status of 422'));
  await page.selectOption('#grant-years', '2');
  await page.click('dialog [data-yes]');
  await page.waitForSelector(`[data-account-act="member-off-${id}"]`);
  assert.equal((await account()).member_status, 1);
  await act('member-off');
  await page.click('dialog [data-yes]');
  await page.waitForSelector(`[data-account-act="member-on-${id}"]`);
  assert.equal((await account()).member_status, 2);
  await act('member-on');
  await page.waitForSelector(`[data-account-act="member-off-${id}"]`);
  await act('disable');
  await page.click('dialog [data-yes]');
  await page.waitForSelector(`[data-account-act="enable-${id}"]`);
  assert.equal((await account()).status, 0);
  await act('enable');
  await page.waitForSelector(`[data-account-act="disable-${id}"]`);
  assert.equal((await account()).status, 1);
}));

test('a club gets an allowance of unpaid places, which is checked and taken away', () => withPage({ locale: 'zh-CN' }, async (page) => {
  const runner = await Runner.signIn('club');
  const { data: [{ id }] } = await organiser.call('GET', `accounts?search=${runner.name}`);
  const allowance = async () => (await organiser.call('GET', `accounts/${id}`)).open_places_allowance;
  await adminSignIn(page);
  await page.click('#tab-accounts');
  await page.fill('.table-tools input', runner.name);
  await page.click(`[data-account-act="allowance-${id}"]`);
  await page.fill('#allowance-places', '0');
  await page.click('dialog [data-yes]');
  await page.waitForFunction(() => /1 到 100000/.test(document.querySelector('#allowance-error').textContent));
  await page.fill('#allowance-places', '120');
  await assertAccessible(page, 'allowance');
  await page.click('dialog [data-yes]');
  await page.waitForFunction(() => /120/.test(document.querySelector('tbody').textContent));
  assert.equal(await allowance(), 120);
  await page.click(`[data-account-act="allowance-${id}"]`);
  await page.fill('#allowance-places', '');
  await page.click('dialog [data-yes]');
  await page.waitForFunction(() => !/120/.test(document.querySelector('tbody').textContent));
  assert.equal(await allowance(), null);
}));

test('a fault of the list is said', async () => {
  const page = await openPage(browser, { locale: 'en-GB' });
  try {
    await page.route('**/admin/api/v1/collections', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ status: 503, detail: 'overload', code: 'busy' }) }));
    await adminSignIn(page);
    await page.click('#tab-content');
    await page.waitForSelector('#panel .notice-error');
  } finally { await page.context().close(); }
});
