// Changing what was registered: one registration's fields, empty ones stay as they are. The server checks the person that
// comes out as a whole and names the member it refuses.
import { command, errorText, memberOf } from './api.js';
import { $, h } from './dom.js';
import { GROUPS, OPTIONAL, fieldRow, showFault, today } from './player-form.js';
import { t } from './i18n.js';
import { checkField } from './validation.js';

const CERTIFICATE = ['certificate_type', 'certificate_no'];
const NUMBERS = ['certificate_type', 'gender', 't_shirt_size'];
let nextNumber = 1;

export class RegistrationForm {
  /** `registration` is a row of RegQueryOrder; `onDone()` after a change, `onCancel()` when the reader thinks better. */
  constructor({ registration, token, onDone, onCancel }) {
    Object.assign(this, { registration, token, onDone });
    const id = `e${nextNumber++}`;
    this.titleId = `edit-${id}`;
    const group = (name, fields) => h('div', { class: 'field-group', role: 'group', 'aria-labelledby': `edit-${id}-${name}` },
      h('p', { class: 'group-title', id: `edit-${id}-${name}`, text: t(`form.group_${name}`) }),
      h('div', { class: 'fields' }, fields.map((field) => fieldRow(field, id, { blank: true }))));
    const folded = (key, fields, ...more) => h('details', { class: 'more-fields' }, h('summary', { text: t(key) }), more,
      h('div', { class: 'fields' }, fields.map((field) => fieldRow(field, id, { blank: true }))));
    const [[, identity], ...others] = GROUPS;
    this.error = h('p', { class: 'field-error', role: 'alert' });
    this.save = h('button', { class: 'button button-primary', text: t('edit.save'), 'data-save-registration': '' });
    this.element = h('form', { class: 'registration-form', novalidate: true, 'data-registration-form': registration.reg_id },
      h('h2', { id: this.titleId, text: t('edit.title', { name: registration.player_name }), tabindex: '-1' }),
      h('p', { class: 'panel-lead', text: t('edit.lead') }),
      others.map(([name, fields]) => group(name, fields)),
      group('identity', identity.filter((field) => !CERTIFICATE.includes(field))),
      folded('form.group_optional', OPTIONAL),
      folded('edit.certificate', CERTIFICATE, h('p', { class: 'field-hint', text: t('edit.certificate_once') })),
      this.error,
      h('div', { class: 'actions' }, this.save, h('button', { type: 'button', class: 'button button-quiet', text: t('edit.cancel'), onclick: onCancel })));
    this.element.addEventListener('input', (event) => { showFault(event.target, null); this.error.textContent = ''; });
    this.element.addEventListener('submit', (event) => { event.preventDefault(); this.submit(); });
  }

  input(field) { return $(`[name="${field}"]`, this.element); }

  /** What was filled in, or null when a field is wrong (the first one then has the focus). */
  collect() {
    const values = {};
    for (const element of this.element.querySelectorAll('input, select')) {
      const value = element.value.trim();
      if (value) values[element.name] = value;
    }
    let first = null;
    for (const field of Object.keys(values)) {
      // The kind of certificate that stays is not known here: only a number given with its kind can be judged.
      const fault = checkField({ certificate_type: -1, ...values }, field, today());
      const input = this.input(field);
      showFault(input, fault);
      if (fault) first ??= input;
    }
    if (first) { first.focus(); return null; }
    const { note, ...members } = values;
    for (const field of NUMBERS) if (field in members) members[field] = Number(members[field]);
    if (note) members.extra_info_json = JSON.stringify({ note });
    return members;
  }

  async submit() {
    const members = this.collect();
    if (!members) { this.error.textContent = t('form.faults'); return; }
    if (!Object.keys(members).length) { this.error.textContent = t('edit.nothing'); return; }
    this.save.disabled = true;
    try {
      await command('RegUpdate', { reg_id: this.registration.reg_id, ...members }, { token: this.token });
      this.onDone();
    } catch (problem) {
      const member = memberOf(problem);
      const input = member && this.input(member.field === 'extra_info_json' ? 'note' : member.field);
      if (input) { showFault(input, null, member.reason); input.focus(); }
      this.error.textContent = input ? t('form.faults') : errorText(problem);
    } finally {
      this.save.disabled = false;
    }
  }
}

/** Shows the form as a dialog; the focus goes back to where it was when it closes. */
export function openRegistrationForm({ registration, token, onDone }) {
  const dialog = h('dialog', { class: 'ask ask-wide' });
  const form = new RegistrationForm({
    registration,
    token,
    onDone: () => { dialog.close(); onDone(); },
    onCancel: () => dialog.close(),
  });
  dialog.setAttribute('aria-labelledby', form.titleId);
  dialog.append(form.element);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  $('h2', form.element).focus();
}
