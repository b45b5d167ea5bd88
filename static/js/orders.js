// "My entries": the race orders of the signed-in account.
import { errorText } from './api.js';
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
    return h('li', { class: `order order-${status}`, 'data-order': order.order_no, 'data-status': status },
      h('div', { class: 'order-head' },
        h('strong', { text: order.game_name || order.party_name || '' }),
        h('span', { class: `tag tag-${status}`, text: t(`status.${status}`) })),
      h('p', { class: 'order-line' },
        h('span', { class: 'mono', text: order.order_no }),
        h('span', { text: dateTime(order.apply_time) }),
        h('span', { class: 'order-price', text: yuan(order.price) })),
      status === 'waiting' && h('div', { class: 'order-actions' },
        h('button', { type: 'button', class: 'text-button text-button-strong', text: t('orders.pay'), onclick: () => this.onPay(order) })));
  }
}
