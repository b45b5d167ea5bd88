// The terms of a draw: places kept for groups, and where the public value will come from.
import { reasonOf } from './api.js';
import { ask } from './ask.js';
import { h } from './dom.js';
import { count } from './format.js';
import { t } from './i18n.js';
import { Answer } from './tabs.js';

const RULES = ['gender:female', 'gender:male', 'list'];
const MOST_GROUPS = 16;
const LONGEST = 200;
const MOST_PLACES = 2_147_483_647;

export class TermsForm {
  /** `places`: what is to be drawn. `send(terms, button, answer, refused)` announces them. */
  constructor({ head, places, send }) {
    Object.assign(this, { places, send, rows: [], made: 0 });
    this.answer = new Answer();
    this.rowsHost = h('div', { class: 'draw-groups' });
    this.sum = h('p', { class: 'field-hint', 'data-reserved': '', 'aria-live': 'polite' });
    this.groupsError = h('p', { class: 'field-error', role: 'alert', id: 'draw-groups-error' });
    this.addButton = h('button', { type: 'button', class: 'button button-quiet button-small', i18n: 'admin.draw_group_add', 'data-add-group': '', onclick: () => this.add() });
    this.sourceError = h('p', { class: 'field-error', role: 'alert', id: 'draw-source-error' });
    this.source = h('input', { id: 'draw-source', class: 'input', autocomplete: 'off', maxlength: LONGEST, 'aria-describedby': 'draw-source-hint draw-source-error' });
    this.button = h('button', { class: 'button button-primary button-small', i18n: 'admin.draw_announce', 'data-draw-announce': '' });
    this.toDraw = h('p', { class: 'draw-places', 'data-draw-places': '' });
    this.element = h('form', { class: 'line-tool', novalidate: true, autocomplete: 'off' },
      head, h('p', { class: 'field-hint', i18n: 'admin.draw_lead' }), this.toDraw,
      h('fieldset', { class: 'draw-reserved', 'aria-describedby': 'draw-groups-error' },
        h('legend', { i18n: 'draw.quotas' }), h('p', { class: 'field-hint', i18n: 'admin.draw_groups_hint' }),
        this.rowsHost, this.sum, this.groupsError, h('div', { class: 'actions' }, this.addButton)),
      h('div', { class: 'field' }, h('label', { for: 'draw-source', i18n: 'draw.public_source' }), this.source,
        h('p', { class: 'field-hint', id: 'draw-source-hint', i18n: 'admin.draw_source_hint' }), this.sourceError),
      this.answer.element, h('div', { class: 'actions' }, this.button));
    this.element.addEventListener('input', () => this.showSum());
    this.element.addEventListener('submit', (event) => { event.preventDefault(); this.announce(); });
    this.draw();
  }

  add() {
    const id = `draw-group-${this.made++}`;
    const inputs = {
      name: h('input', { id: `${id}-name`, class: 'input', maxlength: LONGEST, 'data-group': 'name' }),
      places: h('input', { id: `${id}-places`, class: 'input', type: 'number', min: 0, max: MOST_PLACES, step: 1, inputmode: 'numeric', 'data-group': 'places' }),
      rule: h('select', { id: `${id}-rule`, class: 'input', 'data-group': 'rule' }, RULES.map((rule) => h('option', { value: rule, i18n: `admin.draw_rule_${rule.replace(':', '_')}` }))),
    };
    const row = { inputs };
    row.element = h('div', { class: 'draw-group', role: 'group' },
      ['name', 'places', 'rule'].map((name) => h('div', { class: 'field' }, h('label', { for: inputs[name].id, i18n: `admin.draw_group_${name}` }), inputs[name])),
      h('button', { type: 'button', class: 'button button-quiet button-small', i18n: 'admin.draw_group_remove', 'data-remove-group': '', onclick: () => this.remove(row) }));
    this.rows.push(row);
    this.rowsHost.append(row.element);
    this.draw();
    inputs.name.focus();
  }

  remove(row) {
    const at = this.rows.indexOf(row);
    this.rows.splice(at, 1);
    row.element.remove();
    this.draw();
    (this.rows[Math.min(at, this.rows.length - 1)]?.inputs.name ?? this.addButton).focus();
  }

  /** They are fixed when the draw is announced, so the form shows those of now. */
  setPlaces(places) {
    if (places === this.places) return;
    this.places = places;
    this.draw();
  }

  /** What depends on the language or on the rows. */
  draw() {
    this.toDraw.textContent = t('admin.draw_to_draw', { count: count(this.places) });
    this.rows.forEach((row, index) => row.element.setAttribute('aria-label', t('admin.draw_group', { number: index + 1 })));
    this.addButton.disabled = this.rows.length >= MOST_GROUPS;
    this.showSum();
  }

  reserved() { return this.rows.reduce((sum, { inputs }) => sum + Number(inputs.places.value || 0), 0); }

  showSum() {
    const text = this.rows.length ? t('admin.draw_reserved', { reserved: count(this.reserved()), places: count(this.places) }) : '';
    if (this.sum.textContent !== text) this.sum.textContent = text;
    this.sum.classList.toggle('draw-too-many', this.reserved() > this.places);
  }

  clear() {
    this.groupsError.textContent = '';
    this.sourceError.textContent = '';
    for (const input of [this.source, ...this.rows.flatMap(({ inputs }) => Object.values(inputs))]) input.removeAttribute('aria-invalid');
  }

  mark(inputs, error, text) {
    error.textContent = text;
    for (const input of inputs) input.setAttribute('aria-invalid', 'true');
    (inputs[0] ?? this.addButton).focus();
    return '';
  }

  async announce() {
    this.clear();
    const number = (input) => (/^\d+$/.test(input.value.trim()) && Number(input.value) <= MOST_PLACES ? Number(input.value) : null);
    const unnamed = this.rows.filter(({ inputs }) => !inputs.name.value.trim()).map(({ inputs }) => inputs.name);
    const uncounted = this.rows.filter(({ inputs }) => number(inputs.places) === null).map(({ inputs }) => inputs.places);
    if (unnamed.length || uncounted.length) {
      this.mark([...unnamed, ...uncounted], this.groupsError, t('admin.draw_group_incomplete'));
      return;
    }
    const terms = {
      quotas: this.rows.map(({ inputs }) => ({ name: inputs.name.value.trim(), places: number(inputs.places), rule: inputs.rule.value })),
      public_source: this.source.value.trim(),
    };
    if (!(await ask({ title: t('admin.draw_announce_title'), text: t('admin.draw_announce_ask', { count: count(this.places) }), yes: t('admin.draw_announce') }))) return;
    this.send(terms, this.button, this.answer, (problem) => this.refused(problem));
  }

  /** Shows what the server refuses where it is; what is left for the whole form. */
  refused(problem) {
    if (problem.field === 'public_source') return this.mark([this.source], this.sourceError, reasonOf(problem));
    if (problem.field !== 'quotas') return reasonOf(problem);
    const names = this.rows.map(({ inputs }) => inputs.name);
    const twice = names.filter((input) => names.some((other) => other !== input && other.value.trim() === input.value.trim()));
    const suspects = twice.length ? twice : this.reserved() > this.places ? this.rows.map(({ inputs }) => inputs.places) : names;
    return this.mark(suspects, this.groupsError, reasonOf(problem));
  }
}
