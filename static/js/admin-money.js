// The books of the money: balances as booked and as expected, the last transfers, and refunds that failed.
import { errorText } from './api.js';
import { TablePanel } from './admin-tables.js';
import { fill, h, notice } from './dom.js';
import { count, dateTime, yuan } from './format.js';
import { t } from './i18n.js';

const outboxTable = (session, reload) => ({
  path: 'outbox', search: 'admin.search_outbox', label: 'admin.outbox_title',
  columns: [
    ['work_key', (row) => h('span', { class: 'mono', text: row.work_key })],
    ['state', (row) => h('span', { class: `tag tag-${row.state === 'given up' ? 'refunded' : 'waiting'}`, text: t(row.state === 'given up' ? 'admin.work_given_up' : 'admin.work_put_off') })],
    ['attempts', (row) => count(row.attempts)],
    ['next_time', (row) => dateTime(row.next_time) || '–'],
    ['last_error', (row) => h('span', { lang: 'en', text: row.last_error || '–' })],
    ['act', (row) => row.state === 'given up' && h('button', {
      type: 'button', class: 'button button-quiet button-small', text: t('admin.work_retry'),
      onclick: async (event) => { event.target.disabled = true; await session.call('POST', `outbox/${row.id}/retry`).catch(() => null); reload(); },
    })],
  ],
});

export class MoneyPanel {
  constructor(host, session) {
    Object.assign(this, { session });
    this.books = h('div', { class: 'books', 'aria-live': 'polite' });
    const outbox = h('div');
    fill(host,
      h('div', { class: 'detail-head' }, h('h2', { i18n: 'admin.tab_money' }), h('button', { type: 'button', class: 'button button-quiet button-small', i18n: 'admin.refresh', onclick: () => this.load() })),
      this.books,
      h('h3', { class: 'section-head', i18n: 'admin.outbox_title' }), outbox);
    this.table = new TablePanel(outbox, session, outboxTable(session, () => this.table.pager.load()));
    this.load();
  }

  close() { this.table.close(); }

  async load() {
    try {
      this.journal = await this.session.call('GET', 'journal');
      this.draw(false);
    } catch (problem) {
      fill(this.books, notice('error', errorText(problem)));
    }
  }

  draw(withTable = true) {
    if (withTable) this.table.draw();
    const journal = this.journal;
    if (!journal) return;
    fill(this.books,
      h('p', { class: `books-verdict ${journal.holds ? 'field-ok' : 'field-error'}`, 'data-books': String(journal.holds), text: t(journal.holds ? 'admin.books_hold' : 'admin.books_differ', { wrong: count(journal.wrong_payments), stray: count(journal.stray_transfers) }) }),
      h('dl', { class: 'board board-numbers books-board' }, journal.balances.map((row) => h('div', { class: 'board-cell' },
        h('dt', { text: t(`admin.book_${row.account}`) }), h('dd', { 'data-book': row.account, text: yuan(row.balance) }),
        row.balance !== row.expected && h('dd', { class: 'board-expected', text: t('admin.book_expected', { amount: yuan(row.expected) }) })))),
      h('h3', { class: 'section-head', text: t('admin.transfers') }),
      journal.transfers.length ? this.transfers(journal.transfers) : h('p', { class: 'empty', text: t('admin.none') }));
  }

  transfers(rows) {
    const columns = [
      ['time', (row) => dateTime(row.time)],
      ['kind', (row) => t(`admin.transfer_${row.kind}`)],
      ['amount', (row) => yuan(row.amount)],
      ['debit', (row) => t(`admin.book_${row.debit_account}`)],
      ['credit', (row) => t(`admin.book_${row.credit_account}`)],
      ['order_no', (row) => h('span', { class: 'mono', text: row.order_no })],
    ];
    return h('div', { class: 'table-wrap' }, h('table', {},
      h('caption', { class: 'visually-hidden', text: t('admin.transfers') }),
      h('thead', {}, h('tr', {}, columns.map(([name]) => h('th', { scope: 'col', text: t(`admin.col_${name}`) })))),
      h('tbody', {}, rows.map((row) => h('tr', {}, columns.map(([name, cell]) => h('td', { 'data-label': t(`admin.col_${name}`) }, cell(row))))))));
  }
}
