// The content: every collection that the server lists for this role, as a searchable table and a form for one row.
import { errorText } from './api.js';
import { ContentForm } from './admin-content-form.js';
import { choicesOf, collectionLabel, columnLabel, isPicture, rowNumber, textOf, titleOf, valueText } from './admin-content-labels.js';
import { Titles } from './admin-content-pick.js';
import { TablePanel } from './admin-tables.js';
import { $, fill, h, notice, safeUrl } from './dom.js';
import { t } from './i18n.js';
import { tabStore } from './store.js';

/** As organisers think of them; others follow. */
const ORDER = ['competitions', 'games', 'teams', 'members', 'lives', 'videos', 'banners', 'configs', 'businesses', 'files', 'feeds', 'applications', 'registrations'];
/** Columns of a table beside the title. */
const MOST_COLUMNS = 5;
const SHORT = 200;
/** Linked rows that a cell names. */
const MOST_NAMED = 2;

const place = (name) => { const at = ORDER.indexOf(name); return at < 0 ? ORDER.length : at; };

/** What fits into a table: no long texts, no addresses; what a new row needs comes first, what is of a person last. */
function tableColumns({ columns, title, links }) {
  const short = columns.filter((column) => column.name !== title && !column.hidden && !['rich', 'address', 'stream'].includes(column.kind) && !(column.kind === 'text' && column.most > SHORT));
  const rank = (column) => (column.private ? 5 : column.link ? 2.5 : column.required ? 0 : column.kind === 'ref' ? 1 : ['int', 'yuan'].includes(column.kind) ? 2 : 3);
  const lists = links.map((link) => ({ ...link, link: true }));
  return [...short, ...lists].sort((a, b) => rank(a) - rank(b)).slice(0, MOST_COLUMNS);
}

export class ContentPanel {
  constructor(host, session) {
    Object.assign(this, { host, session, listing: null, view: null, said: '' });
    this.load();
  }

  close() {
    this.closed = true;
    this.view?.close?.();
  }

  draw() {
    this.table?.draw();
    this.form?.draw();
    if (this.newButton) this.newButton.textContent = this.newText();
  }

  async load() {
    try {
      const { collections } = await this.session.call('GET', 'collections');
      if (this.closed) return;
      this.listings = new Map(collections.sort((a, b) => place(a.name) - place(b.name)).map((listing) => [listing.name, listing]));
    } catch (problem) {
      if (!this.closed) fill(this.host, notice('error', errorText(problem)));
      return;
    }
    this.titles = new Titles(this.session, this.listings);
    const names = [...this.listings.keys()];
    this.buttons = names.map((name) => h('button', { type: 'button', class: 'collection-item', 'data-collection': name, onclick: () => this.choose(name), ...collectionLabel(name) }));
    // A phone has no room for the list.
    this.select = h('select', { class: 'input', id: 'content-collection', onchange: () => this.choose(this.select.value) }, names.map((name) => h('option', { value: name, ...collectionLabel(name) })));
    this.body = h('div', { class: 'content-body' });
    fill(this.host, h('div', { class: 'split content-split' },
      h('nav', { class: 'collection-list', i18nAttr: 'aria-label:content.collections' }, h('ul', {}, this.buttons.map((button) => h('li', {}, button)))),
      h('div', { class: 'field collection-select' }, h('label', { for: 'content-collection', i18n: 'content.collections' }), this.select),
      this.body));
    const kept = tabStore.get('content');
    this.choose(this.listings.has(kept) ? kept : names[0]);
  }

  choose(name) {
    this.listing = this.listings.get(name);
    tabStore.set('content', name);
    this.select.value = name;
    for (const button of this.buttons) {
      if (button.dataset.collection === name) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }
    this.list();
  }

  newText() { return t('content.new'); }

  list(said = '') {
    const { listing, session } = this;
    this.form = null;
    this.view?.close?.();
    const host = h('div');
    this.newButton = listing.may.create && h('button', { type: 'button', class: 'button button-primary button-small', text: this.newText(), 'data-new': '', onclick: () => this.edit(null) });
    fill(this.body,
      h('div', { class: 'content-head content-head-list' }, h('h2', { ...collectionLabel(listing.name) }), this.newButton),
      h('p', { class: 'field-ok', role: 'status', 'data-said': '', text: said }), host);
    this.table = this.view = new TablePanel(host, session, this.described());
  }

  /** The table of the collection as `TablePanel` takes it. */
  described() {
    const { listing } = this;
    const shot = listing.columns.find(({ picture }) => picture);
    const open = (row) => h('button', { type: 'button', class: 'content-open', 'data-open': row.id, onclick: () => this.edit(row) },
      shot && (isPicture(row[shot.name]) ? h('img', { class: 'pick-shot', src: safeUrl(row[shot.name]), alt: '', width: 48, height: 48, loading: 'lazy' }) : h('span', { class: 'pick-shot' })),
      h('span', {}, h('strong', { text: titleOf(listing, row) || '–' }), ' ', rowNumber(row.id)));
    const columns = tableColumns(listing);
    return {
      path: listing.name, search: 'content.search', label: `content.${listing.name}`,
      heading: (name) => (name === '' ? textOf(columnLabel(listing.name, listing.title)) : textOf(columnLabel(listing.name, name))),
      columns: [['', open], ...columns.map((column) => [column.name, (row) => this.cell(column, row[column.name])])],
    };
  }

  cell(column, value) {
    if (column.link && !value?.length) return '–';
    if (column.link) return h('div', { class: 'stack' }, value.slice(0, MOST_NAMED).map((id) => this.titles.label(column.of, id)), value.length > MOST_NAMED && h('span', { class: 'field-hint', text: `+ ${value.length - MOST_NAMED}` }));
    if (column.of && value) return this.titles.label(column.of, value);
    const text = valueText(this.listing.name, column, value);
    const choices = choicesOf(this.listing.name, column);
    // A yes stands out against a no.
    if (choices?.length === 2 && choices[0][0] === 0) return h('span', { class: `tag ${value === 1 ? 'tag-paid' : ''}`, text });
    return h('span', { class: ['int', 'yuan', 'time'].includes(column.kind) ? 'nowrap' : 'clip', text });
  }

  edit(row, said = '', secrets = []) {
    this.view?.close?.();
    this.table = null;
    this.newButton = null;
    const { listing, session, titles } = this;
    this.form = this.view = new ContentForm(this.body, {
      listing, row, session, titles, said,
      onBack: (told) => { this.list(told); $(row ? `[data-open="${row.id}"]` : '[data-new]', this.body)?.focus(); },
      onRow: (stored, told, once = []) => this.edit(stored, told, once),
    });
    this.form.tell(secrets);
    if (said) this.form.answer.element.scrollIntoView({ block: 'nearest' });
    else this.body.scrollIntoView({ block: 'nearest' });
  }
}
