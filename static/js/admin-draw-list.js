// The list of a draw's group: certificates that are pasted or read from a file, one a line.
import { reasonOf } from './api.js';
import { ask } from './ask.js';
import { readCertificates } from './certificate-lines.js';
import { h } from './dom.js';
import { count } from './format.js';
import { t } from './i18n.js';
import { Answer } from './tabs.js';

const MOST_LISTED = 5000;
const LARGEST_FILE = 1024 * 1024;
/** Lines that are named when many are wrong. */
const NAMED = 5;

export class ListForm {
  /** `send(certificates, button, answer, refused, told)` stores them; `told` makes a text of what the server says. */
  constructor({ group, places, id, open, send }) {
    Object.assign(this, { group, send });
    this.answer = new Answer();
    this.error = h('p', { class: 'field-error', role: 'alert', id: `${id}-error` });
    this.text = h('textarea', { id, class: 'input mono', rows: 6, spellcheck: 'false', autocomplete: 'off', wrap: 'off', 'aria-describedby': `${id}-hint ${id}-error` });
    this.file = h('input', { id: `${id}-file`, type: 'file', accept: '.csv,.txt,text/csv,text/plain', class: 'input' });
    this.button = h('button', { class: 'button button-primary button-small', i18n: 'admin.draw_list_save', 'data-list-save': '' });
    const form = h('form', { novalidate: true },
      h('p', { class: 'field-hint', id: `${id}-hint`, i18n: 'admin.draw_list_hint' }),
      h('div', { class: 'field' }, h('label', { for: id, i18n: 'admin.draw_list_lines' }), this.text, this.error),
      h('div', { class: 'field' }, h('label', { for: this.file.id, i18n: 'admin.draw_list_file' }), this.file),
      this.answer.element, h('div', { class: 'actions' }, this.button));
    this.element = h('details', { class: 'line-tool draw-list', 'data-list': group, open },
      h('summary', {}, h('span', { i18n: 'admin.draw_list' }), ` ${group} (${count(places)})`), form);
    this.text.addEventListener('input', () => this.clear());
    this.file.addEventListener('change', () => this.read());
    form.addEventListener('submit', (event) => { event.preventDefault(); this.save(); });
  }

  clear() {
    this.error.textContent = '';
    this.text.removeAttribute('aria-invalid');
  }

  /** `place`: the wrong line, which is marked as chosen. */
  mark(text, place) {
    this.error.textContent = text;
    this.text.setAttribute('aria-invalid', 'true');
    this.text.focus();
    if (place) this.text.setSelectionRange(place.start, place.end);
    return '';
  }

  async read() {
    const [file] = this.file.files;
    if (!file) return;
    this.clear();
    if (file.size > LARGEST_FILE) { this.mark(t('admin.draw_list_large')); return; }
    // The text area has line feeds only, and so have the places of its lines.
    this.text.value = (await file.text()).replace(/\r\n?/g, '\n');
    this.file.value = '';
    this.text.focus();
  }

  async save() {
    this.clear();
    const { certificates, places, wrong } = readCertificates(this.text.value);
    if (wrong.length) {
      const lines = wrong.slice(0, NAMED).map(({ line }) => line).join(t('draw.list_separator')) + (wrong.length > NAMED ? ' …' : '');
      this.mark(t('admin.draw_list_wrong', { lines }), wrong[0]);
      return;
    }
    if (certificates.length > MOST_LISTED) { this.mark(t('admin.draw_list_long', { count: count(certificates.length), most: count(MOST_LISTED) })); return; }
    if (!certificates.length && !(await ask({ title: t('admin.draw_list_empty_title', { group: this.group }), text: t('admin.draw_list_empty_ask'), yes: t('admin.draw_list_empty_yes') }))) return;
    this.send(certificates, this.button, this.answer, (problem) => this.refused(problem, places), ({ listed }) => {
      // They are personal, and the server keeps no more than their keyed hashes.
      this.text.value = '';
      return t('admin.draw_list_saved', { count: count(listed) });
    });
  }

  refused(problem, places) {
    const index = /^certificates\[(\d+)\]/.exec(problem.field ?? '')?.[1];
    const place = places[Number(index)];
    if (place) return this.mark(t('admin.draw_list_line', { line: place.line, reason: reasonOf(problem) }), place);
    if (problem.field === 'certificates' || problem.status === 413) return this.mark(reasonOf(problem));
    return reasonOf(problem);
  }
}
