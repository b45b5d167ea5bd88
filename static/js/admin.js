// The administrators' page: sign-in and the one-time set-up, then one panel at a time.
import './header.js';
import { accountsFor } from './admin-accounts.js';
import { auditTable } from './admin-audit.js';
import { ContentPanel } from './admin-content.js';
import { AdminSession } from './admin-session.js';
import { GamesPanel } from './admin-games.js';
import { MoneyPanel } from './admin-money.js';
import { AppsPanel } from './admin-sso.js';
import { TablePanel, livesTable, ordersTable } from './admin-tables.js';
import { $, fill, h } from './dom.js';
import { addTexts, onLanguage, t } from './i18n.js';
import en from './texts/admin-en.js';
import zh from './texts/admin-zh.js';
import contentEn from './texts/content-en.js';
import contentZh from './texts/content-zh.js';

addTexts({ zh: { ...zh, ...contentZh }, en: { ...en, ...contentEn } });
const ALL = ['games', 'content', 'lives', 'orders', 'money', 'accounts', 'apps', 'audit'];
/** Tabs that only some roles may open. */
const MONEY = ['orders', 'money'];
const OWNERS = ['apps', 'audit'];
const gate = $('#gate');
const desk = $('#desk');
let panel = null;

const session = new AdminSession({ onChange: show });
const builders = {
  games: (host) => new GamesPanel(host, session),
  content: (host) => new ContentPanel(host, session),
  lives: (host) => new TablePanel(host, session, livesTable),
  orders: (host) => new TablePanel(host, session, ordersTable),
  money: (host) => new MoneyPanel(host, session),
  accounts: (host) => new TablePanel(host, session, accountsFor(session)),
  apps: (host) => new AppsPanel(host, session),
  audit: (host) => new TablePanel(host, session, auditTable),
};

const tabs = () => ALL.filter((tab) => (!MONEY.includes(tab) || session.may('money')) && (!OWNERS.includes(tab) || session.may('own')));

function open(name) {
  panel?.close();
  for (const tab of ALL) {
    const button = $(`#tab-${tab}`);
    button.hidden = !tabs().includes(tab);
    const now = tab === name;
    button.setAttribute('aria-selected', String(now));
    button.tabIndex = now ? 0 : -1;
  }
  const host = $('#panel');
  host.setAttribute('aria-labelledby', `tab-${name}`);
  fill(host);
  panel = builders[name](host);
  if (location.hash !== `#${name}`) history.replaceState(null, '', `#${name}`);
}

function show() {
  panel?.close();
  panel = null;
  const inside = session.signedIn();
  gate.hidden = inside;
  desk.hidden = !inside;
  $('#admin-sign-out').hidden = !inside;
  if (inside) open(tabs().find((tab) => `#${tab}` === location.hash) ?? 'games');
  else drawGate();
}

function passwordField(id, label, autocomplete) {
  return h('div', { class: 'field' },
    h('label', { for: id, i18n: label }),
    h('input', { id, class: 'input', type: 'password', autocomplete, required: true, minlength: autocomplete === 'new-password' ? 8 : null }));
}

function drawGate() {
  const [setup, reset] = [session.setupToken(), session.resetToken()];
  const fresh = setup ?? reset;
  const error = h('p', { class: 'field-error', role: 'alert' });
  const button = h('button', { class: 'button button-primary button-wide', i18n: fresh ? 'admin.set_up' : 'admin.sign_in' });
  const form = h('form', { class: 'panel panel-narrow' },
    h('p', { class: 'eyebrow', i18n: 'admin.title' }),
    h('h1', { i18n: setup ? 'admin.set_up_title' : reset ? 'admin.reset_title' : 'admin.sign_in_title' }),
    h('p', { class: 'panel-lead', i18n: fresh ? 'admin.set_up_lead' : 'admin.sign_in_lead' }),
    !reset && h('div', { class: 'field' },
      h('label', { for: 'admin-name', i18n: 'admin.username' }),
      h('input', { id: 'admin-name', class: 'input', autocomplete: 'username', required: true, value: 'admin', readonly: Boolean(setup) })),
    fresh
      ? [passwordField('admin-password', 'admin.new_password', 'new-password'), passwordField('admin-password-2', 'admin.repeat_password', 'new-password')]
      : passwordField('admin-password', 'admin.password', 'current-password'),
    error, button);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    error.textContent = '';
    const password = $('#admin-password').value;
    if (fresh && password !== $('#admin-password-2').value) { error.textContent = t('admin.passwords_differ'); return; }
    button.disabled = true;
    try {
      if (reset) { await session.reset(reset, password); return; }
      if (setup) await session.setUp(setup, password);
      await session.signIn($('#admin-name').value.trim(), password);
    } catch (problem) {
      error.textContent = problem.status === 401 ? t(fresh ? 'admin.link_over' : 'admin.wrong') : problem.message;
    } finally {
      button.disabled = false;
    }
  });
  fill(gate, form);
}

$('#tabs').addEventListener('click', (event) => {
  const tab = event.target.closest('[role="tab"]');
  if (tab) open(tab.id.replace('tab-', ''));
});
$('#tabs').addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const at = tabs().findIndex((tab) => $(`#tab-${tab}`) === document.activeElement);
  const next = tabs()[(at + step + tabs().length) % tabs().length];
  open(next);
  $(`#tab-${next}`).focus();
});
$('#admin-sign-out').addEventListener('click', () => session.leave());
onLanguage(() => panel?.draw?.());
window.addEventListener('hashchange', () => { if (session.oneTimeToken()) session.signOut(); });
show();
