// "My entries": the race orders of the signed-in account, who is in them, and giving one back.
import { command, errorText } from './api.js';
import { fill, h, notice } from './dom.js';
import { dateTime, yuan } from './format.js';
import { onLanguage, t } from './i18n.js';
import { raceOrders } from './payment.js';

const STATUS = ['waiting', 'paid', 'cancelled', 'refunded'];

export class OrderList {
  /** `onPay(order)` opens the payment of a waiting order. */
  constructor(host, { token, onPay }) {
    Object.assign(this, { host, token, onPay, orders: [] });
    onLanguage(() => this.draw());
  }

  async refresh() {
    if (!this.token()) { this.orders = []; this.draw(); return; }
    try {
      this.orders = await raceOrders(this.token());
      this.draw();
    } catch (problem) {
      fill(this.host, notice('error', errorText(problem)));
    }
  }

  draw() {
    if (!this.token()) fill(this.host, h('p', { class: 'empty', text: t('orders.sign_in') }));
    else if (!this.orders.length) fill(this.host, h('p', { class: 'empty', text: t('orders.none') }));
    else fill(this.host, h('ul', { class: 'order-list' }, this.orders.map((order) => this.row(order))));
  }

  row(order) {
    const status = STATUS[order.pay_status] ?? 'waiting';
    const error = h('p', { class: 'field-error', role: 'alert' });
    const people = h('p', { class: 'order-people', hidden: true });
    const refundable = status === 'waiting' || status === 'paid';
    return h('li', { class: `order order-${status}`, 'data-order': order.order_no, 'data-status': status },
      h('div', { class: 'order-head' },
        h('strong', { text: order.game_name || order.party_name || '' }),
        h('span', { class: `tag tag-${status}`, text: t(`status.${status}`) })),
      h('p', { class: 'order-line' },
        h('span', { class: 'mono', text: order.order_no }),
        h('span', { text: dateTime(order.apply_time) }),
        h('span', { class: 'order-price', text: yuan(order.price) })),
      people,
      h('div', { class: 'order-actions' },
        status === 'waiting' && h('button', { type: 'button', class: 'text-button text-button-strong', text: t('orders.pay'), onclick: () => this.onPay(order) }),
        h('button', { type: 'button', class: 'text-button', text: t('orders.who'), onclick: (event) => this.showPeople(order, people, error, event.target) }),
        refundable && h('button', { type: 'button', class: 'text-button', text: t(status === 'paid' ? 'orders.refund' : 'orders.cancel'), onclick: (event) => this.giveBack(order, status, error, event.target) })),
      error);
  }

  async showPeople(order, people, error, button) {
    error.textContent = '';
    try {
      const { registrations = [] } = await command('RegQueryOrder', { order_no: order.order_no }, { token: this.token() });
      people.textContent = registrations.map((row) => row.player_name).join(' · ');
      people.hidden = false;
      button.hidden = true;
    } catch (problem) { error.textContent = errorText(problem); }
  }

  async giveBack(order, status, error, button) {
    if (!window.confirm(t(status === 'paid' ? 'orders.refund_ask' : 'orders.cancel_ask'))) return;
    button.disabled = true;
    try {
      await command('RegAskRefund', { order_no: order.order_no }, { token: this.token() });
      await this.refresh();
    } catch (problem) {
      error.textContent = errorText(problem);
      button.disabled = false;
    }
  }
}
