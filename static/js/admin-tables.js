// Paged, searchable collections of the admin API: the pager, and the tables of lives, orders and accounts.
import { errorText, serverNow } from './api.js';
import { ask } from './ask.js';
import { $, fill, h, notice } from './dom.js';
import { count, dateTime, parseTime, yuan } from './format.js';
import { t } from './i18n.js';

const SIZE = 20;
const SEARCH_DELAY_MS = 300;

/** Search field, page buttons and the request behind them; `show(rows)` draws one page. */
export class Pager {
  constructor({ load, show, search }) {
    Object.assign(this, { request: load, show, searchKey: search, page: 1, total: 0, asked: 0 });
    this.input = h('input', { class: 'input', type: 'search', autocomplete: 'off', 'aria-label': t(search), placeholder: t(search) });
    this.input.addEventListener('input', () => {
      clearTimeout(this.delay);
      this.delay = setTimeout(() => { this.page = 1; this.load(); }, SEARCH_DELAY_MS);
    });
    this.tools = h('div', { class: 'table-tools' }, this.input);
    this.foot = h('div', { class: 'pager' });
  }

  async load() {
    const number = ++this.asked;
    const query = new URLSearchParams({ page: this.page, size: SIZE });
    const search = this.input.value.trim();
    if (search) query.set('search', search);
    try {
      const answer = await this.request(query);
      if (number !== this.asked) return;
      this.total = Number(answer.total ?? 0);
      this.show(answer.data ?? []);
      this.draw();
    } catch (problem) {
      if (number === this.asked) fill(this.foot, notice('error', errorText(problem)));
    }
  }

  draw() {
    this.input.placeholder = t(this.searchKey);
    this.input.setAttribute('aria-label', t(this.searchKey));
    const pages = Math.max(1, Math.ceil(this.total / SIZE));
    const turn = (step) => { this.page += step; this.load(); };
    fill(this.foot, h('span', { text: t('admin.total', { count: count(this.total) }) }),
      pages > 1 && h('span', { class: 'button-row' },
        h('button', { type: 'button', class: 'button button-quiet button-small', text: t('admin.previous'), disabled: this.page <= 1, onclick: () => turn(-1) }),
        h('span', { class: 'page-now', text: `${this.page} / ${pages}` }),
        h('button', { type: 'button', class: 'button button-quiet button-small', text: t('admin.next'), disabled: this.page >= pages, onclick: () => turn(1) })));
  }
}

const tag = (kind, text) => h('span', { class: `tag tag-${kind}`, text });
const known = (key, fallback) => { const text = t(key); return text === key ? String(fallback ?? '') : text; };
const ORDER_KINDS = { 0: 'waiting', 1: 'paid', 2: 'cancelled', 3: 'waiting', 4: 'refunded', 5: 'cancelled', '-1': 'cancelled' };

/** Gives an order back, after a question. */
async function giveBack(session, row, button, reload) {
  const unpaid = row.status === 0;
  const sure = await ask({ title: t('admin.refund_title'), text: t(unpaid ? 'admin.refund_unpaid' : 'admin.refund_paid', { order: row.order_no, price: yuan(row.total_price - (row.refunded_price ?? 0)) }), yes: t('admin.refund_yes') });
  if (!sure) return;
  button.disabled = true;
  const fault = button.nextElementSibling;
  try {
    await session.call('POST', `orders/${encodeURIComponent(row.id)}/refund`);
    reload();
  } catch (problem) {
    fault.textContent = errorText(problem);
    button.disabled = false;
  }
}

/** Gives one registration of an order back, after a question; the order keeps the others. */
async function giveOneBack(session, row, registration, button, reload) {
  const name = registration.player_name || `#${registration.reg_id}`;
  const sure = await ask({ title: t('admin.refund_one_title', { name }), text: t('admin.refund_one_text', { order: row.order_no }), yes: t('admin.refund_one_yes') });
  if (!sure) return;
  button.disabled = true;
  const fault = button.nextElementSibling;
  try {
    await session.call('POST', `orders/${encodeURIComponent(row.id)}/refund`, { reg_id: registration.reg_id });
    reload();
  } catch (problem) {
    fault.textContent = errorText(problem);
    button.disabled = false;
  }
}

/** Who is in a race order, opened below its row's buttons. */
async function togglePeople(session, row, button, reload) {
  const host = button.parentElement.querySelector('[data-people]');
  const open = button.getAttribute('aria-expanded') === 'true';
  button.setAttribute('aria-expanded', String(!open));
  if (open) { fill(host); return; }
  try {
    const { data = [] } = await session.call('GET', `orders/${encodeURIComponent(row.id)}/registrations`);
    const kept = data.filter((registration) => registration.status === 1).length;
    fill(host, h('ul', { class: 'people' }, data.map((registration) => h('li', { class: 'person', 'data-reg': registration.reg_id },
      h('span', { text: `#${registration.reg_id} ${registration.player_name ?? '–'}` }),
      tag(ORDER_KINDS[registration.status] ?? 'waiting', known(`admin.order_${registration.status}`, registration.status)),
      row.status === 1 && kept > 0 && (registration.status === 1 || registration.status === 3) && h('button', {
        type: 'button', class: 'button button-quiet button-small', 'data-refund-one': registration.reg_id, text: t(registration.status === 1 ? 'admin.refund_one' : 'admin.refund_one_by_hand'),
        onclick: (event) => giveOneBack(session, row, registration, event.target, reload),
      }),
      h('p', { class: 'field-error', role: 'alert' })))));
  } catch (problem) {
    fill(host, notice('error', errorText(problem)));
  }
}

export const ordersTable = {
  path: 'orders', search: 'admin.search_orders', label: 'admin.tab_orders',
  columns: [
    ['order_no', (row) => h('span', { class: 'mono', text: row.order_no })],
    ['name', (row) => row.name],
    ['account_id', (row) => `#${row.account_id}`],
    ['total_price', (row) => (row.refunded_count > 0 ? h('span', { 'data-refunded': row.order_no, text: `${yuan(row.total_price)} (−${yuan(row.refunded_price)})` }) : yuan(row.total_price))],
    ['status', (row) => tag(ORDER_KINDS[row.status] ?? 'waiting', known(`admin.order_${row.status}`, row.status))],
    ['create_time', (row) => dateTime(row.create_time)],
    ['pay_time', (row) => dateTime(row.pay_time) || '–'],
    ['act', (row, { session, reload }) => session.may('money') && (row.kind === 'race' || row.status === 0 || row.status === 1) && h('div', {},
      row.kind === 'race' && h('button', { type: 'button', class: 'button button-quiet button-small', 'data-people-of': row.order_no, 'aria-expanded': 'false', text: t('admin.order_people'), onclick: (event) => togglePeople(session, row, event.target, reload) }),
      (row.status === 0 || row.status === 1) && h('button', { type: 'button', class: 'button button-quiet button-small', 'data-refund': row.order_no, text: t(row.status === 0 ? 'admin.cancel_order' : 'admin.refund'), onclick: (event) => giveBack(session, row, event.target, reload) }),
      h('p', { class: 'field-error', role: 'alert' }),
      h('div', { 'data-people': '' }))],
  ],
};

export const accountsTable = {
  path: 'accounts', search: 'admin.search_accounts', label: 'admin.tab_accounts',
  columns: [
    ['id', (row) => `#${row.id}`],
    ['username', (row) => h('strong', { text: row.username || '–' })],
    ['login_name', (row) => h('span', { class: 'mono', text: row.login_name || row.openid || '–' })],
    ['origin', (row) => known(`admin.origin_${row.origin}`, row.origin)],
    ['mobile', (row) => row.mobile || '–'],
    ['email', (row) => (row.email ? h('span', { text: row.email_pending ? `${row.email} (${t('admin.email_pending')})` : row.email }) : '–')],
    ['account_status', (row) => tag(row.status === 1 ? 'paid' : 'cancelled', known(`admin.account_${row.status}`, row.status))],
    ['register_time', (row) => dateTime(row.register_time)],
  ],
};

/** In progress, and its end has not come. */
const isOn = (row) => Number(row.live_status) === 1 && !(parseTime(row.expire_time)?.getTime() <= serverNow());

export const livesTable = {
  path: 'lives', search: 'admin.search_lives', label: 'admin.tab_lives', every: 3000,
  columns: [
    ['id', (row) => `#${row.id}`],
    ['title', (row) => h('a', { href: `/live.html?id=${encodeURIComponent(row.id)}`, text: row.title })],
    ['live_status', (row) => { const on = isOn(row); return tag(on ? 'paid' : 'cancelled', t(on ? 'live.on' : 'live.off')); }],
    ['online', (row) => h('strong', { 'data-online': row.id, text: count(row.online) })],
    ['browse_num', (row) => count(row.browse_num)],
  ],
};

/** One table with its pager; `every` refreshes it while the page is visible. */
export class TablePanel {
  constructor(host, session, table) {
    Object.assign(this, { table, rows: [], around: { session, reload: () => this.pager.load() } });
    this.pager = new Pager({ load: (query) => session.call('GET', `${table.path}?${query}`), show: (rows) => { this.rows = rows; this.draw(false); }, search: table.search });
    this.body = h('div', { class: 'table-wrap' });
    fill(host, this.pager.tools, this.body, this.pager.foot);
    this.pager.load();
    if (table.every) this.timer = setInterval(() => { if (!document.hidden) this.pager.load(); }, table.every);
  }

  close() { clearInterval(this.timer); }

  draw(withPager = true) {
    if (withPager) this.pager.draw();
    const { columns, label, heading = (name) => t(`admin.col_${name}`) } = this.table;
    if (!this.rows.length) { fill(this.body, h('p', { class: 'empty', text: t('admin.none') })); return; }
    const focused = $('a:focus', this.body)?.getAttribute('href');
    fill(this.body, h('table', {},
      h('caption', { class: 'visually-hidden', text: t(label) }),
      h('thead', {}, h('tr', {}, columns.map(([name]) => h('th', { scope: 'col', text: heading(name) })))),
      h('tbody', {}, this.rows.map((row) => h('tr', { 'data-row': row.id },
        columns.map(([name, cell]) => h('td', { 'data-label': heading(name) }, cell(row, this.around))))))));
    if (focused) $(`a[href="${CSS.escape(focused)}"]`, this.body)?.focus();
  }
}
