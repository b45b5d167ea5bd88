// The rules of a line: wait-list, offers, rate of admission, most unpaid orders, opening, and the message to all who wait.
import { errorText } from './api.js';
import { fill, h } from './dom.js';
import { t } from './i18n.js';
import { Answer } from './tabs.js';

const NUMBERS = [
  ['wait_list', 100_000], ['offer_seconds', 604_800], ['orders_per_minute', 1_000_000], ['most_unpaid', 2_147_483_647],
];
const TIMES = ['pre_queue_at', 'opening_at'];
const LONGEST_NOTICE = 200;

const toInput = (text) => (text ?? '').replace(' ', 'T');
const toServer = (text) => (text ? `${text.replace('T', ' ')}${text.length === 16 ? ':00' : ''}` : null);

export class RulesForm {
  /** `queue` is the answer of GET games/{id}/queue; `save(patch)` sends the rules and returns the new answer. */
  constructor(host, { queue, save, disabled }) {
    this.save = save;
    this.answer = new Answer();
    this.button = h('button', { class: 'button button-primary button-small', i18n: 'admin.rules_save', 'data-save-rules': '', disabled });
    const inputs = {};
    const field = (name, input) => {
      inputs[name] = input;
      return h('div', { class: 'field' }, h('label', { for: input.id, i18n: `admin.rule_${name}` }), input, h('p', { class: 'field-hint', id: `${input.id}-hint`, i18n: `admin.rule_${name}_hint` }));
    };
    const control = (name, props) => h('input', { id: `rule-${name}`, name, class: 'input', 'aria-describedby': `rule-${name}-hint`, ...props });
    inputs.wait_for_refunds = h('input', { id: 'rule-wait_for_refunds', name: 'wait_for_refunds', type: 'checkbox' });
    this.notice = h('textarea', { id: 'rule-notice', name: 'notice', class: 'input', rows: 2, maxlength: LONGEST_NOTICE, 'aria-describedby': 'rule-notice-hint' });
    this.form = h('form', { class: 'rules-form', novalidate: true },
      h('h3', { i18n: 'admin.rules_notice_title' }),
      h('div', { class: 'rules-grid' }, h('div', { class: 'field field-wide' },
        h('label', { for: 'rule-notice', i18n: 'admin.rule_notice' }), this.notice, h('p', { class: 'field-hint', id: 'rule-notice-hint', i18n: 'admin.rule_notice_hint' }))),
      h('h3', { i18n: 'admin.rules_list_title' }),
      h('div', { class: 'rules-grid' },
        NUMBERS.slice(0, 2).map(([name, max]) => field(name, control(name, { type: 'number', min: 0, max, step: 1, inputmode: 'numeric', required: true }))),
        h('label', { class: 'check field-wide', for: 'rule-wait_for_refunds' }, inputs.wait_for_refunds, h('span', { i18n: 'admin.rule_wait_for_refunds' }))),
      h('h3', { i18n: 'admin.rules_pace_title' }),
      h('div', { class: 'rules-grid' }, NUMBERS.slice(2).map(([name, max]) => field(name, control(name, { type: 'number', min: 0, max, step: 1, inputmode: 'numeric', required: true })))),
      h('h3', { i18n: 'admin.rules_opening_title' }),
      h('div', { class: 'rules-grid' }, TIMES.map((name) => field(name, control(name, { type: 'datetime-local', step: 1 })))),
      this.answer.element, h('div', { class: 'actions' }, this.button));
    this.inputs = inputs;
    this.show(queue);
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      for (const input of [...Object.values(this.inputs), this.notice]) input.removeAttribute('aria-invalid');
      this.answer.of(this.button, async () => { this.show(await this.save(this.patch())); }, (problem) => this.refused(problem));
    });
    fill(host, this.form);
  }

  /** Marks the rule that the server names; the text to show. */
  refused(problem) {
    const input = problem.field === 'notice' ? this.notice : this.inputs[problem.field];
    input?.setAttribute('aria-invalid', 'true');
    input?.focus();
    return errorText(problem);
  }

  show(queue) {
    this.shown = queue;
    this.notice.value = queue.notice ?? '';
    for (const [name] of NUMBERS) this.inputs[name].value = String(queue[name] ?? 0);
    for (const name of TIMES) this.inputs[name].value = toInput(queue[name]);
    this.inputs.wait_for_refunds.checked = queue.wait_for_refunds === true;
  }

  /** What differs from what was shown: somebody else's change of another rule stays. */
  patch() {
    const patch = {};
    const add = (name, value, before) => { if (value !== before) patch[name] = value; };
    add('notice', this.notice.value.trim(), this.shown.notice ?? '');
    for (const [name] of NUMBERS) add(name, Number(this.inputs[name].value || 0), this.shown[name]);
    for (const name of TIMES) add(name, toServer(this.inputs[name].value), this.shown[name] ?? null);
    add('wait_for_refunds', this.inputs.wait_for_refunds.checked, this.shown.wait_for_refunds === true);
    return patch;
  }
}
