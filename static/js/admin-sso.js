// Applications that may register people: a new one, new keys, on and off. Keys are shown once, where they were made.
import { errorText } from './api.js';
import { TablePanel } from './admin-tables.js';
import { ask } from './ask.js';
import { $, fill, h, notice } from './dom.js';
import { dateTime } from './format.js';
import { t } from './i18n.js';

/** How long old keys stay good after a rotation on this page. */
const OVERLAP_SECONDS = 86400;

const appsTable = (panel) => ({
  path: 'sso-apps', search: 'admin.search_apps', label: 'admin.tab_apps',
  columns: [
    ['id', (row) => `#${row.id}`],
    ['name', (row) => h('strong', { text: row.name })],
    ['status', (row) => h('span', { class: `tag tag-${row.status === 1 ? 'paid' : 'cancelled'}`, text: t(`admin.account_${row.status}`) })],
    ['notify_url', (row) => h('span', { class: 'mono', text: row.notify_url || '–' })],
    ['previous_until', (row) => dateTime(row.previous_until) || '–'],
    ['act', (row) => h('div', { class: 'button-row' },
      h('button', { type: 'button', class: 'button button-quiet button-small', 'data-rotate': row.id, text: t('admin.app_rotate'), onclick: () => panel.rotate(row) }),
      h('button', { type: 'button', class: 'button button-quiet button-small', 'data-switch': row.id, text: t(row.status === 1 ? 'admin.app_disable' : 'admin.app_enable'), onclick: () => panel.change(row, { status: row.status === 1 ? 0 : 1 }) }))],
  ],
});

export class AppsPanel {
  constructor(host, session) {
    Object.assign(this, { session, made: null });
    this.said = h('div', { 'aria-live': 'polite' });
    const field = (id, label, more) => h('div', { class: 'field' }, h('label', { for: id, i18n: label }), h('input', { id, class: 'input', autocomplete: 'off', ...more }));
    const form = h('form', { class: 'panel' },
      h('h2', { i18n: 'admin.app_new' }),
      field('app-name', 'admin.col_name', { required: true, maxlength: 30 }),
      field('app-notify', 'admin.app_notify', { type: 'url', maxlength: 500 }),
      h('div', { class: 'actions' }, h('button', { class: 'button button-primary', 'data-make-app': '', i18n: 'admin.app_make' })));
    form.addEventListener('submit', (event) => { event.preventDefault(); this.make(form); });
    const list = h('div');
    fill(host, form, this.said, list);
    this.table = new TablePanel(list, session, appsTable(this));
  }

  close() { this.table.close(); }

  draw() {
    this.table.draw();
    if (this.made) this.tell(this.made);
  }

  tell(row) {
    this.made = row;
    const fact = (name, value) => [h('dt', { text: name }), h('dd', { class: 'mono', 'data-key': name, text: String(value) })];
    fill(this.said, notice('info', t('admin.app_keys_once', { name: row.name }),
      h('dl', { class: 'facts' }, fact('app_id', row.id), fact('app_key', row.app_key), fact('app_secret', row.app_secret))));
  }

  /** A write; `done` gets its answer. */
  async send(method, path, body, done) {
    this.made = null;
    fill(this.said);
    try {
      done(await this.session.call(method, path, body));
      this.table.pager.load();
    } catch (problem) {
      fill(this.said, notice('error', errorText(problem)));
    }
  }

  make(form) {
    const body = { name: $('#app-name', form).value.trim(), notify_url: $('#app-notify', form).value.trim() };
    return this.send('POST', 'sso-apps', body, (row) => { form.reset(); this.tell(row); });
  }

  async rotate(row) {
    const sure = await ask({ title: t('admin.app_rotate'), text: t('admin.app_rotate_ask', { name: row.name }), yes: t('admin.app_rotate') });
    if (sure) await this.send('POST', `sso-apps/${row.id}/rotate`, { overlap_seconds: OVERLAP_SECONDS }, (made) => this.tell(made));
  }

  change(row, patch) {
    return this.send('PATCH', `sso-apps/${row.id}`, patch, () => {});
  }
}
