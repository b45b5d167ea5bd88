// The form for one or more players: builds the fields, checks them as the reader leaves them,
// fills birth date and gender from an identity card, and returns players as the server wants them.
import { $, fill, h } from './dom.js';
import { onLanguage, t } from './i18n.js';
import {
  CERTIFICATE_TYPES, EARLIEST_BIRTH, MAX_LENGTH, MAX_PLAYERS, REQUIRED, T_SHIRT_SIZES, checkField, checkPlayer, readIdentityCard, repeatedCertificates,
} from './validation.js';

export const GROUPS = [
  ['identity', ['name', 'certificate_type', 'certificate_no', 'birth_date', 'gender', 't_shirt_size']],
  ['contact', ['mobile', 'email', 'country']],
  ['emergency', ['emergency_contact_name', 'emergency_contact_mobile']],
];
export const OPTIONAL = ['province', 'city', 'address1', 'address2', 'zip', 'note'];
/** Copied from the first player, because a group usually shares them. */
const SHARED = ['mobile', 'email', 'country', 'emergency_contact_name', 'emergency_contact_mobile', 'province', 'city', 'address1', 'address2', 'zip'];
const AUTOCOMPLETE = { name: 'name', mobile: 'tel', email: 'email', country: 'country-name', province: 'address-level1', city: 'address-level2', address1: 'address-line1', address2: 'address-line2', zip: 'postal-code', birth_date: 'bday' };
const CHOICES = {
  certificate_type: CERTIFICATE_TYPES.map((value) => [value, `certificate.${value}`]),
  gender: [['', 'form.choose'], [1, 'gender.1'], [2, 'gender.2']],
  t_shirt_size: T_SHIRT_SIZES.map((size, value) => [value || '', size ? null : 'form.no_shirt', size]),
};

export const today = () => new Date().toLocaleDateString('en-CA');
let nextNumber = 1;

/** `blank`: an empty field means "as it is", so none is required and choices begin with that. */
function control(field, id, blank) {
  const described = `${id}-error`;
  const shared = { id, name: field, class: 'input', 'aria-describedby': described, required: !blank && REQUIRED.includes(field) };
  if (CHOICES[field]) {
    const choices = blank ? [['', 'edit.same'], ...CHOICES[field].filter(([value]) => value !== '')] : CHOICES[field];
    return h('select', shared, choices.map(([value, key, text]) => h('option', { value, ...(key ? { i18n: key } : { text }) })));
  }
  const type = { birth_date: 'date', email: 'email', mobile: 'tel', emergency_contact_mobile: 'tel' }[field] ?? 'text';
  return h('input', {
    ...shared, type, maxlength: MAX_LENGTH[field] ?? (field === 'note' ? 100 : null), autocomplete: AUTOCOMPLETE[field] ?? 'off',
    min: type === 'date' ? EARLIEST_BIRTH : null, max: type === 'date' ? today() : null, i18nAttr: blank && type !== 'date' ? 'placeholder:edit.same' : null, spellcheck: 'false', autocapitalize: field === 'certificate_no' ? 'characters' : null,
  });
}

/** One labelled field with room for its fault. */
export function fieldRow(field, number, { blank = false } = {}) {
  const id = `player-${number}-${field}`;
  const required = !blank && REQUIRED.includes(field);
  return h('div', { class: `field field-${field}` },
    h('label', { for: id },
      h('span', { i18n: `field.${field}` }),
      required && h('span', { class: 'required', 'aria-hidden': 'true', text: '*' })),
    control(field, id, blank),
    h('p', { class: 'field-error', id: `${id}-error` }));
}

/** Marks a field with a fault's text key or with the server's own words; neither takes the mark away. */
export function showFault(element, fault, text = '') {
  const message = element && document.getElementById(`${element.id}-error`);
  if (!message) return;
  if (fault) message.dataset.i18n = fault; else delete message.dataset.i18n;
  message.textContent = fault ? t(fault) : text;
  if (!fault && !text) { element.removeAttribute('aria-invalid'); return; }
  element.setAttribute('aria-invalid', 'true');
  const optional = element.closest('details');
  if (optional) optional.open = true;
}

/** One player's card. */
class PlayerCard {
  constructor(onRemove, onCopy) {
    this.number = nextNumber++;
    this.touched = new Set();
    this.faults = {};
    this.heading = h('span', { class: 'player-title' });
    this.badge = h('span', { class: 'player-number', 'aria-hidden': 'true' });
    this.remove = h('button', { type: 'button', class: 'text-button', i18n: 'form.remove', onclick: () => onRemove(this) });
    this.copy = h('button', { type: 'button', class: 'text-button', i18n: 'form.copy_contact', onclick: () => onCopy(this) });
    this.element = h('fieldset', { class: 'player' },
      h('legend', {}, this.badge, this.heading),
      h('div', { class: 'player-tools' }, this.copy, this.remove),
      GROUPS.map(([group, fields]) => h('div', { class: 'field-group', role: 'group', 'aria-labelledby': `player-${this.number}-${group}` },
        h('p', { class: 'group-title', id: `player-${this.number}-${group}`, i18n: `form.group_${group}` }),
        h('div', { class: 'fields' }, fields.map((field) => fieldRow(field, this.number))))),
      h('details', { class: 'more-fields' },
        h('summary', { i18n: 'form.group_optional' }),
        h('div', { class: 'fields' }, OPTIONAL.map((field) => fieldRow(field, this.number)))));
    this.element.addEventListener('input', (event) => this.edited(event.target.name));
    this.element.addEventListener('focusout', (event) => this.left(event.target.name));
  }

  input(field) { return $(`[name="${field}"]`, this.element); }

  values() {
    const values = {};
    for (const element of this.element.querySelectorAll('input, select')) values[element.name] = element.value.trim();
    return values;
  }

  set(values) {
    for (const [field, value] of Object.entries(values)) {
      const element = this.input(field);
      if (element) element.value = value ?? '';
    }
  }

  edited(field) {
    if (field === 'certificate_no' || field === 'certificate_type') this.fillFromCard();
    if (this.touched.has(field)) this.check(field);
  }

  left(field) {
    if (!field) return;
    this.touched.add(field);
    this.check(field);
  }

  fillFromCard() {
    if (this.input('certificate_type').value !== '0') return;
    const card = readIdentityCard(this.input('certificate_no').value);
    if (!card) return;
    this.set({ birth_date: card.birthDate, gender: card.gender });
    this.check('birth_date');
    this.check('gender');
  }

  check(field) {
    const values = this.values();
    this.show(field, checkField(values, field, today()));
    // A card number also decides whether the fields made from it are right.
    if (field === 'certificate_no' || field === 'certificate_type') {
      for (const other of ['certificate_no', 'birth_date', 'gender']) {
        if (this.touched.has(other)) this.show(other, checkField(values, other, today()));
      }
    }
  }

  checkAll() {
    const faults = checkPlayer(this.values(), today());
    for (const field of Object.keys(this.values())) { this.touched.add(field); this.show(field, faults[field] ?? null); }
    return Object.keys(faults);
  }

  show(field, fault, text) { showFault(this.input(field), fault, text); }

  place(index, total) {
    this.badge.textContent = String(index + 1).padStart(2, '0');
    this.heading.textContent = t('form.player', { number: index + 1 });
    this.remove.hidden = total === 1;
    this.copy.hidden = index === 0;
    this.remove.setAttribute('aria-label', `${t('form.remove')}: ${t('form.player', { number: index + 1 })}`);
  }
}

/** The whole form. `onCount(n)` is told how many players there are; `onChange()` after any edit. */
export class PlayerForm {
  constructor(host, { onCount, onChange }) {
    this.cards = [];
    this.list = h('div', { class: 'players' });
    this.onCount = onCount;
    this.addButton = h('button', { type: 'button', class: 'button button-quiet', i18n: 'form.add_player', onclick: () => this.add().input('name').focus() });
    fill(host, this.list, this.addButton);
    host.addEventListener('input', () => onChange());
    onLanguage(() => this.renumber());
  }

  add(values = { certificate_type: 0, country: t('form.country_default') }) {
    const card = new PlayerCard((which) => this.drop(which), (which) => this.copyContact(which));
    this.cards.push(card);
    this.list.append(card.element);
    card.set(values);
    this.renumber();
    return card;
  }

  drop(card) {
    const index = this.cards.indexOf(card);
    this.cards.splice(index, 1);
    card.element.remove();
    this.renumber();
    this.cards[Math.max(0, index - 1)].input('name').focus();
  }

  copyContact(card) {
    const first = this.cards[0].values();
    card.set(Object.fromEntries(SHARED.map((field) => [field, first[field]])));
    for (const field of SHARED) if (card.touched.has(field)) card.check(field);
  }

  renumber() {
    this.cards.forEach((card, index) => card.place(index, this.cards.length));
    this.addButton.hidden = this.cards.length >= MAX_PLAYERS;
    this.onCount(this.cards.length);
  }

  /** Marks the field that the server refused; false when there is none of that name. */
  refuse({ index, field, reason }) {
    const card = this.cards[index];
    const input = card?.input(field === 'extra_info_json' ? 'note' : field);
    if (!input) return false;
    card.touched.add(input.name);
    card.show(input.name, null, reason);
    input.focus();
    return true;
  }

  draft() { return this.cards.map((card) => card.values()); }

  restore(draft) {
    const players = Array.isArray(draft) && draft.length ? draft.slice(0, MAX_PLAYERS) : [undefined];
    for (const values of players) this.add(values);
  }

  /** Checks everything; null when a field is wrong (the first one then has the focus), else the players. */
  collect() {
    let first = null;
    for (const card of this.cards) {
      const faulty = card.checkAll();
      const element = card.element.querySelector('[aria-invalid]');
      if (faulty.length && !first) first = element;
    }
    for (const index of repeatedCertificates(this.draft())) {
      this.cards[index].show('certificate_no', 'fault.repeated');
      first ??= this.cards[index].input('certificate_no');
    }
    if (first) { first.focus(); return null; }
    return this.draft().map(({ note, ...player }) => ({
      ...player,
      certificate_type: Number(player.certificate_type),
      gender: Number(player.gender),
      t_shirt_size: Number(player.t_shirt_size || 0),
      extra_info_json: note ? JSON.stringify({ note }) : '',
    }));
  }
}
