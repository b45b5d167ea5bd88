// "My entries": who is in an order, changing a registration, cancelling what is unpaid and giving back what is paid.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
  Organiser, PHONE, assertAccessible, assertNoOverflow, beijing, identityCard, joinByPage, launch, shot, unique, withPage as inPage,
} from './support.mjs';

let browser;
let organiser;
before(async () => { browser = await launch(); organiser = await Organiser.signIn(); });
after(async () => { await browser?.close(); });

const withPage = (options, work) => inPage(browser, options, work);

/** Joins a game of its own and comes as far as the payment; answers the order's number. */
async function ordered(page, name, player) {
  const game = await organiser.game(name, { limitation: 10 });
  await joinByPage(page, game, { name: player });
  await page.waitForSelector('[data-pay]');
  const orderNo = await page.textContent('[data-order-no]');
  await page.waitForSelector(`[data-order="${orderNo}"]`);
  return { game, orderNo, row: `[data-order="${orderNo}"]` };
}

async function paid(page, name, player) {
  const order = await ordered(page, name, player);
  await page.click('[data-pay]');
  await page.waitForSelector(`${order.row}[data-status="paid"]`);
  return order;
}

async function untilRefunded(page, row) {
  const end = Date.now() + 20_000;
  do {
    await page.reload();
    await page.waitForSelector(row);
    if (await page.getAttribute(row, 'data-status') === 'refunded') return;
  } while (Date.now() < end);
  assert.fail('the order is not refunded');
}

test('an unpaid order is cancelled after a question, and its payment page ends', () => withPage({ locale: 'en-GB' }, async (page) => {
  const { game, row } = await ordered(page, 'cancel', 'Ann');
  await page.click(`${row} [data-give-back]`);
  await page.waitForSelector('dialog[open]');
  assert.match(await page.textContent('dialog'), /Nothing has been paid/);
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.waitForSelector(`${row}[data-status="waiting"]`);
  await page.click(`${row} [data-give-back]`);
  await page.click('dialog [data-yes]');
  await page.waitForSelector(`${row}[data-status="cancelled"]`);
  await page.waitForSelector('.outcome');
  await page.waitForSelector('[data-pay]', { state: 'detached' });
  const { holds, balance } = await organiser.call('GET', `games/${game}/queue`);
  assert.deepEqual([holds, balance], [0, 10], 'its place is free again');
}));

test('a paid order is given back, its money is on the way', () => withPage({ viewport: PHONE }, async (page) => {
  const { row } = await paid(page, 'refund', '林小雨');
  await page.click(`${row} [data-give-back]`);
  await page.waitForSelector('dialog[open]');
  await assertAccessible(page, 'refund question');
  await shot(page, 'refund-ask-phone');
  await page.click('dialog [data-yes]');
  await page.waitForFunction((selector) => document.querySelector(`${selector} .field-ok`)?.textContent.length > 0, row);
  // The outbox asks the provider; the page tells when it is asked again.
  await untilRefunded(page, row);
}));

test('after the deadline a refund is refused and says why', () => withPage({ locale: 'en-GB' }, async (page) => {
  const { row } = await paid(page, 'deadline', 'Late');
  await organiser.call('PATCH', 'competitions/1', { refund_deadline: beijing(Date.now() - 60_000) });
  try {
    await page.click(`${row} [data-give-back]`);
    await page.click('dialog [data-yes]');
    await page.waitForFunction((selector) => /-14/.test(document.querySelector(`${selector} .field-error`).textContent), row);
    assert.match(await page.textContent(`${row} .field-error`), /time for refunds is over/);
  } finally {
    await organiser.call('PATCH', 'competitions/1', { refund_deadline: null });
  }
}));

test('the people of an order are shown and their fields changed; a refused field is named', () => withPage({ locale: 'en-GB' }, async (page) => {
  const { row } = await paid(page, 'change', 'Bo Before');
  await page.click(`${row} [data-who]`);
  await page.waitForSelector(`${row} .person:has-text("Bo Before")`);
  await page.click(`${row} [data-edit]`);
  await page.waitForSelector('[data-registration-form]');
  await assertAccessible(page, 'change form');
  await shot(page, 'change-desk-en');
  const form = '[data-registration-form]';

  await page.click('[data-save-registration]');
  assert.match(await page.textContent(`${form} > .field-error`), /Nothing has been filled in/);
  await page.fill(`${form} [name="mobile"]`, '12');
  await page.click('[data-save-registration]');
  await page.waitForSelector(`${form} [name="mobile"][aria-invalid]`);
  await page.fill(`${form} [name="mobile"]`, '13711112222');

  // The page cannot know that the card belongs to a man; the server says which member is wrong.
  await page.click(`${form} .more-fields:last-of-type summary`);
  await page.fill(`${form} [name="certificate_no"]`, identityCard({ male: true }));
  await page.click('[data-save-registration]');
  await page.waitForSelector(`${form} [aria-invalid]`);
  const named = await page.getAttribute(`${form} [aria-invalid]`, 'name');
  assert.ok(['gender', 'birth_date', 'certificate_no'].includes(named), named);
  assert.notEqual((await page.textContent(`#${await page.getAttribute(`${form} [aria-invalid]`, 'id')}-error`)).trim(), '');
  await page.fill(`${form} [name="certificate_no"]`, '');
  await page.fill(`${form} [name="name"]`, 'Bo After');
  await page.click('[data-save-registration]');
  await page.waitForSelector(form, { state: 'detached' });
  await page.waitForSelector(`${row} .person:has-text("Bo After")`);
  assert.equal(await page.evaluate(() => document.activeElement.hasAttribute('data-edit')), true, 'the focus is back where it was');
}));

test('the change form fits a phone', () => withPage({ viewport: PHONE, colorScheme: 'dark' }, async (page) => {
  const { row } = await paid(page, 'phone', '林小雨');
  await page.click(`${row} [data-who]`);
  await page.click(`${row} [data-edit]`);
  await page.waitForSelector('[data-registration-form]');
  await assertNoOverflow(page, 'change form');
  await assertAccessible(page, 'change form');
  await shot(page, 'change-phone-dark');
}));

test('a refused join marks the member that the server names', () => withPage({ locale: 'en-GB' }, async (page) => {
  const game = await organiser.game('women', { limitation: 5 });
  await organiser.call('PATCH', `games/${game}`, { gender_req: 2 });
  await joinByPage(page, game, { name: 'Carl', card: identityCard({ male: true }), nickname: unique('carl') });
  await page.waitForSelector('[name="gender"][aria-invalid]');
  assert.match(await page.textContent('.field-gender .field-error'), /other gender/);
}));
