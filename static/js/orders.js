// "My entries": the race orders of the signed-in account, who is in them, changing a registration, and giving an order
// back.
import { command, errorText } from './api.js';
import { ask } from './ask.js';
import { $, fill, h, notice } from './dom.js';
import { dateTime, yuan } from './format.js';
import { onLanguage, t } from './i18n.js';
import { raceOrders } from './payment.js';
import { openRegistrationForm } from './registration-form.js';

const STATUS = ['waiting', 'paid', 'cancelled', 'refunded'];

export class OrderList {
  /** `onPay(order)` opens the payment of a waiting order; `onBack(order)` after it was cancelled or its refund asked for. */
  constructor(host, { token, onPay, onBack = () => {}, onChange = () => {} }) {
    Object.assign(this, { host, token, onPay, onBack, onChange, orders: [], people: new Map(), said: new Map() });
    onLanguage(() => this.draw());
  }

  async refresh() {
    if (!this.token()) { this.orders = []; this.people.clear(); this.said.clear(); this.draw(); return; }
    try {
      const orders = await raceOrders(this.token());
      // Nothing is redrawn under the reader's hands when nothing changed.
      if (this.drawn && JSON.stringify(orders) === JSON.stringify(this.orders)) return;
      this.orders = orders;
      this.draw();
      this.onChange(this.orders);
    } catch (problem) {
      this.drawn = false;
      fill(this.host, notice('error', errorText(problem)));
    }
  }

  draw() {
    this.drawn = Boolean(this.token());
    if (!this.token()) fill(this.host, h('p', { class: 'empty', text: t('orders.sign_in') }));
    else if (!this.orders.length) fill(this.host, h('p', { class: 'empty', text: t('orders.none') }));
    else fill(this.host, h('ul', { class: 'order-list' }, this.orders.map((order) => this.row(order))));
  }

  row(order) {
    const status = STATUS[order.pay_status] ?? 'waiting';
    const live = status === 'waiting' || status === 'paid';
    const people = h('div', { class: 'order-people' });
    const said = h('p', { class: 'field-ok', role: 'status', text: this.said.get(order.order_no) ?? '' });
    const error = h('p', { class: 'field-error', role: 'alert' });
    const row = { order, live, people, error, said };
    const known = this.people.get(order.order_no);
    if (known) this.showPeople(row, known);
    return h('li', { class: `order order-${status}`, 'data-order': order.order_no, 'data-status': status },
      h('div', { class: 'order-head' },
        h('strong', { text: order.game_name || order.party_name || '' }),
        h('span', { class: `tag tag-${status}`, text: t(`status.${status}`) })),
      h('p', { class: 'order-line' },
        h('span', { class: 'mono', text: order.order_no }),
        h('span', { text: dateTime(order.apply_time) }),
        h('span', { class: 'order-price', text: yuan(order.price) }),
        status === 'paid' && order.refunded_count > 0 && h('span', { 'data-refunded': '', text: t('orders.refunded_part', { count: order.refunded_count, price: yuan(order.refunded_price) }) })),
      h('div', { class: 'order-actions' },
        status === 'waiting' && h('button', { type: 'button', class: 'text-button text-button-strong', text: t('orders.pay'), onclick: () => this.onPay(order) }),
        h('button', { type: 'button', class: 'text-button', 'data-who': '', 'aria-expanded': String(Boolean(known)), text: t('orders.who'), onclick: (event) => this.togglePeople(row, event.target) }),
        live && h('button', { type: 'button', class: 'text-button', 'data-give-back': '', text: t(status === 'paid' ? 'orders.refund' : 'orders.cancel'), onclick: (event) => this.giveBack(row, status, event.target) })),
      people, said, error);
  }

  async togglePeople(row, button) {
    row.error.textContent = '';
    const { order_no: orderNo } = row.order;
    if (this.people.delete(orderNo)) {
      fill(row.people);
      button.setAttribute('aria-expanded', 'false');
      return;
    }
    try {
      const { registrations = [] } = await command('RegQueryOrder', { order_no: orderNo }, { token: this.token() });
      this.people.set(orderNo, registrations);
      this.showPeople(row, registrations);
      button.setAttribute('aria-expanded', 'true');
    } catch (problem) { row.error.textContent = errorText(problem); }
  }

  showPeople(row, registrations) {
    if (!registrations.length) { fill(row.people, h('p', { class: 'empty', text: t('orders.nobody') })); return; }
    fill(row.people, h('ul', { class: 'people' }, registrations.map((registration) => {
      const button = row.live && h('button', {
        type: 'button', class: 'text-button', 'data-edit': registration.reg_id, text: t('orders.edit'),
        'aria-label': t('orders.edit_for', { name: registration.player_name }), onclick: () => this.edit(row, registration),
      });
      const stands = STATUS[registration.pay_status];
      const alone = row.order.pay_status === 1 && stands === 'paid' && registrations.filter((it) => it.pay_status === 1).length > 1;
      return h('li', { class: 'person', 'data-reg': registration.reg_id, 'data-status': stands },
        h('span', { text: registration.player_name }),
        row.order.pay_status === 1 && stands === 'refunded' ? h('span', { class: 'tag tag-refunded', text: t('status.refunded') }) : button,
        alone && h('button', {
          type: 'button', class: 'text-button', 'data-give-one-back': registration.reg_id, text: t('orders.refund_one'),
          'aria-label': t('orders.refund_one_for', { name: registration.player_name }), onclick: (event) => this.giveOneBack(row, registration, event.target),
        }));
    })));
  }

  edit(row, registration) {
    row.said.textContent = '';
    openRegistrationForm({
      registration,
      token: this.token(),
      onDone: async () => {
        row.said.textContent = t('orders.changed');
        // The name may be another one now.
        const fresh = await command('RegQueryOrder', { order_no: row.order.order_no }, { token: this.token() }).catch(() => null);
        if (!fresh) return;
        this.people.set(row.order.order_no, fresh.registrations);
        this.showPeople(row, fresh.registrations);
        $(`[data-edit="${CSS.escape(registration.reg_id)}"]`, row.people)?.focus();
      },
    });
  }

  /** One person leaves a paid order, which keeps the others. */
  async giveOneBack(row, registration, button) {
    const { order } = row;
    row.error.textContent = '';
    const text = t('orders.refund_one_text', { name: registration.player_name, order: order.game_name });
    if (!(await ask({ title: t('orders.refund_one_title', { name: registration.player_name }), text, yes: t('orders.refund_yes') }))) return;
    button.disabled = true;
    try {
      await command('RegAskRefund', { order_no: order.order_no, reg_id: registration.reg_id }, { token: this.token() });
      this.said.set(order.order_no, t('orders.refund_done'));
      row.said.textContent = this.said.get(order.order_no);
      button.hidden = true;
      const fresh = await command('RegQueryOrder', { order_no: order.order_no }, { token: this.token() });
      this.people.set(order.order_no, fresh.registrations);
      await this.refresh();
      this.onBack(order);
    } catch (problem) {
      row.error.textContent = errorText(problem);
    } finally {
      button.disabled = false;
    }
  }

  async giveBack(row, status, button) {
    const paid = status === 'paid';
    const key = paid ? 'orders.refund' : 'orders.cancel';
    const { order } = row;
    row.error.textContent = '';
    if (!(await ask({ title: t(`${key}_title`), text: t(`${key}_text`, { name: order.game_name, price: yuan(order.price - (order.refunded_price ?? 0)) }), yes: t(`${key}_yes`) }))) return;
    button.disabled = true;
    try {
      await command('RegAskRefund', { order_no: order.order_no }, { token: this.token() });
      this.said.set(order.order_no, t(`${key}_done`));
      row.said.textContent = this.said.get(order.order_no);
      button.hidden = paid;
      await this.refresh();
      this.onBack(order);
    } catch (problem) {
      row.error.textContent = errorText(problem);
    } finally {
      button.disabled = false;
    }
  }
}
