// Rows of another collection chosen by their titles: one for a reference, some for a list of links.
import { reasonOf } from './api.js';
import { isPicture, titleOf } from './admin-content-labels.js';
import { fill, h, safeUrl } from './dom.js';
import { t } from './i18n.js';

const FOUND = 8;
const DELAY_MS = 250;
/** Rows that are looked up one by one; a longer list says how many more there are. */
const LOOKED_UP = 40;

/** Titles of rows, asked for once. */
export class Titles {
  constructor(session, listings) {
    Object.assign(this, { session, listings, known: new Map() });
  }

  /** Accounts are read by every role, and are no content. */
  mayRead(of) { return this.listings.has(of) || of === 'accounts'; }

  keep(of, row) {
    const kept = { title: titleOf(this.listings.get(of), row), picture: this.pictureOf(of, row) };
    this.known.set(`${of}/${row.id}`, Promise.resolve(kept));
    return kept;
  }

  pictureOf(of, row) {
    const column = this.listings.get(of)?.columns.find(({ picture }) => picture);
    return column && isPicture(row[column.name]) ? row[column.name] : '';
  }

  /** { title, picture }; empty for a row that is gone or may not be seen. */
  of(of, id) {
    const key = `${of}/${id}`;
    if (!this.known.has(key)) {
      const nothing = { title: '', picture: '' };
      this.known.set(key, !this.mayRead(of) ? Promise.resolve(nothing)
        : this.session.call('GET', `${of}/${encodeURIComponent(id)}`).then((row) => this.keep(of, row), () => nothing));
    }
    return this.known.get(key);
  }

  /** `#7 title` that fills in when it is known. */
  label(of, id) {
    const host = h('span', { class: 'pick-label' }, h('span', { class: 'content-id', text: `#${id}` }));
    this.of(of, id).then(({ title, picture }) => {
      if (picture) host.prepend(h('img', { class: 'pick-shot', src: safeUrl(picture), alt: '', width: 40, height: 40 }));
      if (title) host.append(' ', h('span', { text: title }));
    });
    return host;
  }

  /** A list that is only read. */
  list(of, ids) {
    if (!ids?.length) return h('span', { text: '–' });
    return h('ul', { class: 'pick-chosen' }, ids.slice(0, LOOKED_UP).map((id) => h('li', {}, this.label(of, id))),
      ids.length > LOOKED_UP && h('li', { text: `+ ${ids.length - LOOKED_UP}` }));
  }
}

export class Picker {
  /** `most` ids of `of`; `onChange` after each choice. */
  constructor({ id, of, most, titles, session, onChange = () => {} }) {
    Object.assign(this, { id, of, most, titles, session, onChange, ids: [], asked: 0 });
    this.chosen = h('ul', { class: 'pick-chosen' });
    this.found = h('ul', { class: 'pick-found', id: `${id}-found` });
    this.input = h('input', { id, class: 'input', type: 'search', autocomplete: 'off', i18nAttr: 'placeholder:content.pick', 'aria-controls': `${id}-found` });
    this.said = h('p', { class: 'field-hint', role: 'status' });
    this.input.addEventListener('input', () => { clearTimeout(this.delay); this.delay = setTimeout(() => this.search(), DELAY_MS); });
    this.input.addEventListener('click', () => { if (!this.found.childElementCount) this.search(); });
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') { event.preventDefault(); this.found.querySelector('button')?.click(); }
      if (event.key === 'Escape') this.closeFound();
      if (event.key === 'ArrowDown') {
        event.preventDefault();
        if (this.found.childElementCount) this.found.querySelector('button')?.focus(); else this.search();
      }
    });
    this.element = h('div', { class: 'pick', 'data-pick': of }, this.chosen, this.input, this.found, this.said);
    this.element.addEventListener('focusout', (event) => { if (!this.element.contains(event.relatedTarget)) this.closeFound(); });
  }

  set(ids) {
    this.ids = [...ids];
    this.draw();
  }

  draw() {
    fill(this.chosen, this.ids.map((id) => h('li', { 'data-picked': id }, this.titles.label(this.of, id),
      h('button', { type: 'button', class: 'pick-remove', i18nAttr: 'aria-label:content.unpick', text: '×', onclick: () => this.remove(id) }))));
    this.input.hidden = this.ids.length >= this.most;
  }

  remove(id) {
    this.ids = this.ids.filter((other) => other !== id);
    this.draw();
    this.input.focus();
    this.onChange();
  }

  choose(row) {
    this.titles.keep(this.of, row);
    this.ids = [...this.ids, row.id];
    this.input.value = '';
    this.draw();
    this.closeFound();
    this.said.textContent = '';
    (this.input.hidden ? this.chosen.querySelector('button') : this.input).focus();
    this.closeFound();
    this.onChange();
  }

  closeFound() {
    this.asked += 1;
    clearTimeout(this.delay);
    fill(this.found);
  }

  async search() {
    const number = ++this.asked;
    const query = new URLSearchParams({ page: 1, size: FOUND + this.ids.length });
    const text = this.input.value.trim();
    if (text) query.set('search', text);
    try {
      const { data } = await this.session.call('GET', `${this.of}?${query}`);
      if (number !== this.asked) return;
      const rows = data.filter(({ id }) => !this.ids.includes(id)).slice(0, FOUND);
      this.said.textContent = rows.length ? '' : t('admin.none');
      fill(this.found, rows.map((row) => {
        const { title, picture } = this.titles.keep(this.of, row);
        return h('li', {}, h('button', { type: 'button', 'data-found': row.id, onclick: () => this.choose(row) },
          picture && h('img', { class: 'pick-shot', src: safeUrl(picture), alt: '', width: 40, height: 40 }),
          h('span', { class: 'content-id', text: `#${row.id}` }), ' ', h('span', { text: title })));
      }));
    } catch (problem) {
      if (number === this.asked) this.said.textContent = reasonOf(problem);
    }
  }
}
