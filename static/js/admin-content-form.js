// One row of a collection: a form for who may write it, else its values. Made of what the server says of the columns.
import { errorText, reasonOf } from './api.js';
import { ask } from './ask.js';
import { columnLabel, collectionLabel, hintKey, isPicture, rowNumber, textOf, titleOf, valueText } from './admin-content-labels.js';
import { controlOf, isWide, showRich } from './admin-content-inputs.js';
import { $, fill, h, safeUrl } from './dom.js';
import { t } from './i18n.js';
import { Answer } from './tabs.js';

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export class ContentForm {
  /** `row` is null for a new one. `onBack()` leaves; `onRow(row, said)` shows another row. */
  constructor(host, { listing, row, session, titles, said = '', onBack, onRow }) {
    Object.assign(this, { host, listing, row, session, titles, onBack, onRow, fields: [] });
    const { may, columns, links } = listing;
    this.writes = row ? may.change : may.create;
    const all = [...columns, ...links.map((link) => ({ ...link, link: true }))];
    const takes = (column) => this.writes && !column.read_only && !(row ? column.only_new : column.not_new);
    this.answer = new Answer();
    this.answer.done.textContent = said;
    this.once = h('div');
    this.form = h('form', { class: 'content-form', novalidate: true, autocomplete: 'off' },
      h('div', { class: 'rules-grid' }, all.filter(takes).map((column) => this.field(column))),
      this.answer.element, this.actions());
    this.form.addEventListener('submit', (event) => { event.preventDefault(); this.save(); });
    this.facts = h('dl', { class: 'content-facts' });
    this.shownColumns = row ? all.filter((column) => !takes(column) && !column.hidden) : [];
    this.title = h('h2', { tabindex: '-1' });
    fill(host,
      h('div', { class: 'content-head' },
        h('button', { type: 'button', class: 'text-button', 'data-back': '', onclick: () => this.leave() }, h('span', { 'aria-hidden': 'true', text: '← ' }), h('span', { ...collectionLabel(listing.name) })),
        this.title),
      this.once, this.shownColumns.length > 0 && this.facts, this.writes ? this.form : this.only());
    this.draw();
    this.title.focus();
  }

  /** What depends on the language and is not marked for it. */
  draw() {
    const { listing, row } = this;
    fill(this.title, row ? [titleOf(listing, row) || textOf(collectionLabel(listing.name)), ' ', rowNumber(row.id)] : t('content.new_of', { collection: textOf(collectionLabel(listing.name)) }));
    if (row) fill(this.facts, this.shownColumns.map((column) => this.fact(column)));
  }

  only() {
    return this.listing.may.delete ? h('div', { class: 'content-form' }, this.answer.element, this.actions()) : null;
  }

  actions() {
    this.saveButton = this.writes && h('button', { class: 'button button-primary', i18n: this.row ? 'admin.save' : 'content.create', 'data-save': '' });
    this.deleteButton = this.row && this.listing.may.delete && h('button', { type: 'button', class: 'button button-quiet content-delete', i18n: 'content.delete', 'data-delete': '', onclick: () => this.remove() });
    return h('div', { class: 'actions' }, this.saveButton, this.deleteButton);
  }

  fact(column) {
    const value = this.row[column.name];
    const { name } = this.listing;
    const shown = () => {
      if (column.link) return this.titles.list(column.of, value);
      if (column.of && value) return this.titles.label(column.of, value);
      if (column.kind === 'rich' && value) return showRich(h('div', { class: 'rich-preview' }), value);
      if (column.picture && isPicture(value)) return h('img', { class: 'shot', src: safeUrl(value), alt: '' });
      return h('span', { text: valueText(name, column, value) });
    };
    return h('div', { class: isWide(column) ? 'fact-wide' : null, 'data-fact': column.name }, h('dt', { ...columnLabel(name, column.name) }), h('dd', {}, shown()));
  }

  field(column) {
    const { listing, session, titles } = this;
    const id = `content-${column.name}`;
    const error = h('p', { class: 'field-error', role: 'alert', id: `${id}-error` });
    const hint = hintKey(listing.name, column.name) ?? (column.kind === 'time' ? 'content.beijing' : column.kind === 'yuan' ? 'content.yuan' : null);
    const control = controlOf({
      id, column, collection: listing.name, session, titles,
      onChange: () => this.clear(field),
      // Sending a picture makes its row of files by itself.
      onUpload: (answer) => { this.clear(field); if (listing.name === 'files' && !this.row) this.open(answer.id, t('content.saved')); },
    });
    const field = { column, control, error };
    control.input.setAttribute('aria-describedby', [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(' '));
    if (column.required) control.input.setAttribute('aria-required', 'true');
    control.input.addEventListener('input', () => this.clear(field));
    const initial = this.row ? this.row[column.name] : column.link ? [] : ['int', 'ref'].includes(column.kind) && !column.required ? column.unset : '';
    control.set(initial);
    field.initial = control.get();
    this.fields.push(field);
    return h('div', { class: `field${isWide(column) ? ' field-wide' : ''}`, 'data-field': column.name },
      h('label', { for: id }, h('span', { ...columnLabel(listing.name, column.name) }), column.required && h('span', { class: 'required', 'aria-hidden': 'true', text: '*' })),
      control.element,
      hint && h('p', { class: 'field-hint', id: `${id}-hint`, i18n: hint }), error);
  }

  clear({ control, error }) {
    error.textContent = '';
    control.input.removeAttribute('aria-invalid');
    this.answer.done.textContent = '';
  }

  mark({ control, error }, text, lang = null) {
    error.textContent = text;
    if (lang) error.lang = lang; else error.removeAttribute('lang');
    control.input.setAttribute('aria-invalid', 'true');
  }

  /** What was changed, or what a new row is to have. */
  changed() { return this.fields.filter((field) => !same(field.control.get(), field.initial)); }

  async save() {
    for (const field of this.fields) this.clear(field);
    const faulty = this.fields.filter((field) => {
      const { column, control } = field;
      const value = control.get();
      const missing = (column.required || (this.row && !column.nullable && ['int', 'time'].includes(column.kind))) && (value === '' || value === null);
      const fault = control.fault?.() || (missing && t('content.required'));
      if (fault) this.mark(field, fault);
      return fault;
    });
    if (faulty.length) { faulty[0].control.input.focus(); return; }
    const members = Object.fromEntries((this.row ? this.changed() : this.fields.filter((field) => field.column.required || !same(field.control.get(), field.initial)))
      .map(({ column, control }) => [column.name, control.get()])
      .filter(([, value]) => this.row || value !== ''));
    if (this.row && !Object.keys(members).length) { this.answer.done.textContent = t('content.unchanged'); return; }
    const { name } = this.listing;
    let stored;
    const ok = await this.answer.of(this.saveButton, async () => {
      stored = await this.session.call(this.row ? 'PATCH' : 'POST', this.row ? `${name}/${encodeURIComponent(this.row.id)}` : name, members);
      return t('content.saved');
    }, (problem) => this.refused(problem));
    if (!ok) return;
    this.titles.keep(name, stored);
    const made = !this.row;
    this.onRow(stored, t(made ? 'content.created' : 'content.saved'), made ? this.secrets(stored) : []);
  }

  /** Members of an answer that no column is about: keys, which are told this once. */
  secrets(stored) {
    const known = new Set(['id', ...this.listing.columns.map(({ name }) => name), ...this.listing.links.map(({ name }) => name)]);
    return Object.entries(stored).filter(([name, value]) => !known.has(name) && typeof value === 'string' && value !== '');
  }

  tell(secrets) {
    if (!secrets.length) return;
    fill(this.once, h('div', { class: 'notice', role: 'status' }, h('p', { i18n: 'content.once' }),
      h('dl', { class: 'content-facts' }, secrets.map(([name, value]) => h('div', { class: 'fact-wide' }, h('dt', { ...columnLabel(this.listing.name, name) }), h('dd', { class: 'mono', text: value }))))));
  }

  /** Shows what the server refuses at its field; the text of what has none. */
  refused(problem) {
    const field = this.fields.find(({ column }) => column.name === problem.field);
    if (!field) return errorText(problem);
    const taken = problem.status === 409;
    this.mark(field, taken ? t('content.taken') : reasonOf(problem), taken ? null : 'en');
    field.control.input.focus();
    return '';
  }

  async open(id, said) {
    try {
      this.onRow(await this.session.call('GET', `${this.listing.name}/${encodeURIComponent(id)}`), said, []);
    } catch (problem) {
      this.answer.error.textContent = errorText(problem);
    }
  }

  async leave() {
    if (this.writes && this.changed().length && !(await ask({ title: t('content.leave_title'), text: t('content.leave_ask'), yes: t('content.leave_yes') }))) return;
    this.onBack();
  }

  async remove() {
    const { listing, row } = this;
    const sure = await ask({ title: t('content.delete_title'), text: t('content.delete_ask', { title: titleOf(listing, row) || `#${row.id}`, collection: textOf(collectionLabel(listing.name)) }), yes: t('content.delete_yes') });
    if (!sure) return;
    this.answer.of(this.deleteButton, async () => {
      await this.session.call('DELETE', `${listing.name}/${encodeURIComponent(row.id)}`);
      this.onBack(t('content.deleted', { title: titleOf(listing, row) || `#${row.id}` }));
    }, (problem) => errorText(problem));
  }

  close() { if ($('dialog.ask')) $('dialog.ask').close('no'); }
}
