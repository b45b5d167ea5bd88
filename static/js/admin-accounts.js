// What may be done with an account: disabling it, its membership, and the places that it may keep unpaid. More columns for the table of accounts.
import { errorText, reasonOf } from './api.js';
import { ask } from './ask.js';
import { accountsTable } from './admin-tables.js';
import { h } from './dom.js';
import { dateTime } from './format.js';
import { t } from './i18n.js';

const MOST_YEARS = 10;
const MOST_OPEN_PLACES = 100000;
const MEMBER = 1;
const DISABLED = 2;
const KINDS = { 0: 'none', [MEMBER]: 'paid', [DISABLED]: 'refunded', 3: 'cancelled' };

const path = (row, act = '') => `accounts/${encodeURIComponent(row.id)}${act}`;
const nameOf = (row) => `${row.username || '–'} #${row.id}`;

function membership(row) {
  const end = row.member_expire_time && row.member_status !== 0;
  return h('div', { class: 'stack' }, h('span', { class: `tag tag-${KINDS[row.member_status] ?? 'waiting'}`, text: t(`accounts.member_${row.member_status}`) }),
    end && h('span', { class: 'field-hint', text: t('accounts.until', { time: dateTime(row.member_expire_time) }) }));
}

/** A button that asks, does it and reloads; what fails is said below. */
function act({ key, row, session, reload, question, work, name }) {
  const fault = h('p', { class: 'field-error', role: 'alert' });
  const button = h('button', { type: 'button', class: 'button button-quiet button-small', 'data-account-act': `${name}-${row.id}`, text: t(key), 'aria-label': `${t(key)}: ${nameOf(row)}` });
  button.addEventListener('click', async () => {
    fault.textContent = '';
    if (question && !(await ask({ title: t(question), text: nameOf(row), yes: t(key) }))) return;
    button.disabled = true;
    try {
      await work(session);
      reload();
    } catch (problem) {
      fault.textContent = errorText(problem);
      button.disabled = false;
    }
  });
  return [button, fault];
}

/** A question for the years, or for the day until which. */
function grantDialog(row, session) {
  const now = row.member_expire_time && row.member_status === MEMBER;
  const error = h('p', { class: 'field-error', role: 'alert', id: 'grant-error' });
  const years = h('select', { id: 'grant-years', class: 'input', 'aria-describedby': 'grant-error' },
    Array.from({ length: MOST_YEARS }, (_, index) => h('option', { value: String(index + 1), text: t(index ? 'accounts.years' : 'accounts.year', { count: index + 1 }) })),
    h('option', { value: '', text: t('accounts.until_day') }));
  const until = h('input', { id: 'grant-until', class: 'input', type: 'datetime-local', step: 1, 'aria-describedby': 'grant-error' });
  const untilField = h('div', { class: 'field', hidden: true }, h('label', { for: 'grant-until', text: t('accounts.until_label') }), until);
  years.addEventListener('change', () => { untilField.hidden = years.value !== ''; });
  const yes = h('button', { class: 'button button-primary', 'data-yes': '', text: t('accounts.grant') });
  return new Promise((resolve) => {
    const form = h('form', { class: 'grant', novalidate: true },
      h('h2', { id: 'grant-title', text: t('accounts.grant_title') }),
      h('p', { text: nameOf(row) }),
      now && h('p', { class: 'field-hint', text: t('accounts.grant_from', { time: dateTime(row.member_expire_time) }) }),
      h('div', { class: 'field' }, h('label', { for: 'grant-years', text: t('accounts.grant_for') }), years), untilField, error,
      h('div', { class: 'actions' }, h('button', { type: 'button', class: 'button button-quiet', text: t('ask.no'), 'data-no': '', onclick: () => dialog.close() }), yes));
    const dialog = h('dialog', { class: 'ask', 'aria-labelledby': 'grant-title' }, form);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      error.textContent = '';
      if (years.value === '' && !until.value) { error.textContent = t('content.required'); until.focus(); return; }
      yes.disabled = true;
      try {
        await session.call('POST', path(row, '/membership'), years.value ? { years: Number(years.value) } : { until: `${until.value.replace('T', ' ')}${until.value.length === 16 ? ':00' : ''}` });
        dialog.close('done');
      } catch (problem) {
        error.textContent = reasonOf(problem);
        yes.disabled = false;
      }
    });
    dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue === 'done'); });
    document.body.append(dialog);
    dialog.showModal();
    years.focus();
  });
}

/** A question for the places that the account may keep unpaid; empty takes its allowance away. */
function allowanceDialog(row, session) {
  const error = h('p', { class: 'field-error', role: 'alert', id: 'allowance-error' });
  const places = h('input', { id: 'allowance-places', class: 'input', type: 'number', min: 1, max: MOST_OPEN_PLACES, step: 1, inputmode: 'numeric', value: row.open_places_allowance ?? '', 'aria-describedby': 'allowance-hint allowance-error' });
  const yes = h('button', { class: 'button button-primary', 'data-yes': '', text: t('admin.save') });
  return new Promise((resolve) => {
    const form = h('form', { class: 'grant', novalidate: true },
      h('h2', { id: 'allowance-title', text: t('accounts.allowance_title') }),
      h('p', { text: nameOf(row) }),
      h('div', { class: 'field' }, h('label', { for: 'allowance-places', text: t('accounts.allowance_places') }), places,
        h('p', { class: 'field-hint', id: 'allowance-hint', text: t('accounts.allowance_hint') })), error,
      h('div', { class: 'actions' }, h('button', { type: 'button', class: 'button button-quiet', text: t('ask.no'), 'data-no': '', onclick: () => dialog.close() }), yes));
    const dialog = h('dialog', { class: 'ask', 'aria-labelledby': 'allowance-title' }, form);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      error.textContent = '';
      const number = Number(places.value);
      if (!places.validity.valid || (places.value && !(Number.isInteger(number) && number >= 1 && number <= MOST_OPEN_PLACES))) {
        error.textContent = t('accounts.allowance_range', { most: MOST_OPEN_PLACES });
        places.focus();
        return;
      }
      yes.disabled = true;
      try {
        await session.call('POST', path(row, '/allowance'), { open_places: places.value ? number : null });
        dialog.close('done');
      } catch (problem) {
        error.textContent = reasonOf(problem);
        yes.disabled = false;
      }
    });
    dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue === 'done'); });
    document.body.append(dialog);
    dialog.showModal();
    places.focus();
  });
}

const allowance = (row) => (row.open_places_allowance ? String(row.open_places_allowance) : '–');

function acts(row, { session, reload }) {
  const on = row.status === 1;
  const member = row.member_status === MEMBER;
  const about = { row, session, reload };
  return h('div', { class: 'button-row' },
    session.may('moderate') && act({
      ...about, name: on ? 'disable' : 'enable', key: on ? 'accounts.disable' : 'accounts.enable', question: on ? 'accounts.disable_title' : null,
      work: () => session.call('PATCH', path(row), { status: on ? 0 : 1 }),
    }),
    session.may('money') && h('button', {
      type: 'button', class: 'button button-quiet button-small', 'data-account-act': `grant-${row.id}`, text: t('accounts.grant'), 'aria-label': `${t('accounts.grant')}: ${nameOf(row)}`,
      onclick: async () => { if (await grantDialog(row, session)) reload(); },
    }),
    session.may('edit') && h('button', {
      type: 'button', class: 'button button-quiet button-small', 'data-account-act': `allowance-${row.id}`, text: t('accounts.allowance'), 'aria-label': `${t('accounts.allowance')}: ${nameOf(row)}`,
      onclick: async () => { if (await allowanceDialog(row, session)) reload(); },
    }),
    session.may('own') && (member || row.member_status === DISABLED) && act({
      ...about, name: member ? 'member-off' : 'member-on', key: member ? 'accounts.member_disable' : 'accounts.member_enable', question: member ? 'accounts.member_disable_title' : null,
      work: () => session.call('POST', path(row, `/membership/${member ? 'disable' : 'enable'}`)),
    }));
}

/** The table of accounts for this role: buttons only where it may press some. */
export function accountsFor(session) {
  const pressed = ['moderate', 'money', 'edit', 'own'].some((name) => session.may(name));
  return { ...accountsTable, columns: [...accountsTable.columns, ['membership', membership], ['allowance', allowance], ...(pressed ? [['act', acts]] : [])] };
}
