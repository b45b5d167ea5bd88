// Paying one race order: what is owed, the time left of the payment window, the call to the payment
// provider (or its sandbox), and the wait until the server says that the money has arrived.
import { ApiError, command, errorText, h5, serverNow } from './api.js';
import { fill, h } from './dom.js';
import { countdown, parseTime, yuan } from './format.js';
import { onLanguage, t } from './i18n.js';
import { segmentClock } from './segment-clock.js';

const CONFIRM_TRIES = 20;
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** The caller's race orders, newest first. */
export async function raceOrders(token) {
  return (await command('RegQueryUserOrders', {}, { token })).orders ?? [];
}

/** Hands a signed prepay order to WeChat's own browser. */
function payInWechat(signed, appId) {
  return new Promise((resolve, reject) => {
    const bridge = window.WeixinJSBridge;
    if (!bridge) { reject(new ApiError('pay', 0, t('pay.open_wechat'))); return; }
    bridge.invoke('getBrandWCPayRequest', {
      appId, timeStamp: String(signed.timeStamp ?? signed.timestamp), nonceStr: signed.nonceStr, package: signed.package, signType: signed.signType, paySign: signed.paySign,
    }, (answer) => (answer.err_msg === 'get_brand_wcpay_request:ok' ? resolve() : reject(new ApiError('pay', 0, t('pay.cancelled')))));
  });
}

export class PaymentView {
  /** `order` is a row of RegQueryUserOrders; `onPaid(order)` and `onExpired()` end the view. */
  constructor(host, { order, token, sandbox, windowSeconds, onPaid, onExpired }) {
    Object.assign(this, { host, order, token, sandbox, onPaid, onExpired, closed: false, busy: false });
    const applied = parseTime(order.apply_time)?.getTime() ?? serverNow();
    this.deadline = parseTime(order.expire_time)?.getTime() ?? applied + windowSeconds * 1000;
    this.clock = h('div', { class: 'pay-clock' });
    this.showClock = segmentClock(this.clock);
    this.status = h('p', { class: 'pay-status', role: 'status' });
    this.error = h('p', { class: 'field-error', role: 'alert' });
    this.button = h('button', { type: 'button', class: 'button button-signal button-wide', i18n: sandbox ? 'pay.sandbox' : 'pay.wechat', 'data-pay': '', onclick: () => this.pay() });
    this.amount = h('dd', { class: 'pay-amount', 'data-amount': '' });
    fill(host, h('div', { class: 'ticket' },
      h('div', { class: 'ticket-main' },
        h('p', { class: 'eyebrow', i18n: 'pay.held' }),
        h('h2', { i18n: 'pay.title' }),
        h('dl', { class: 'facts' },
          h('div', {}, h('dt', { i18n: 'pay.game' }), h('dd', { text: order.game_name || order.party_name || '' })),
          h('div', {}, h('dt', { i18n: 'pay.order_no' }), h('dd', { class: 'mono', text: order.order_no, 'data-order-no': '' })),
          h('div', {}, h('dt', { i18n: 'pay.amount' }), this.amount))),
      h('div', { class: 'ticket-stub' },
        h('p', { class: 'eyebrow', i18n: 'pay.left' }), this.clock, this.button, this.status, this.error,
        sandbox && h('p', { class: 'field-hint', i18n: 'pay.sandbox_hint' }))));
    this.unlisten = onLanguage(() => this.tick(true));
    this.tick(true);
    this.timer = setInterval(() => this.tick(), 1000);
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    this.unlisten();
  }

  tick(redraw = false) {
    const left = (this.deadline - serverNow()) / 1000;
    if (redraw) this.amount.textContent = yuan(this.order.price);
    this.showClock(countdown(left), t('pay.left_spoken', { time: countdown(left) }));
    this.clock.classList.toggle('segment-urgent', left < 120);
    if (left <= 0 && !this.busy) this.expire();
  }

  async expire() {
    clearInterval(this.timer);
    this.button.disabled = true;
    this.status.textContent = t('pay.window_over');
    const paid = await this.confirm(1);
    if (!paid && !this.closed) this.onExpired();
  }

  async pay() {
    this.busy = true;
    this.button.disabled = true;
    this.error.textContent = '';
    this.status.textContent = t('pay.working');
    const orderNo = this.order.order_no;
    try {
      const signed = await h5('POST', '/api/v1/pay/pre_order', { order_no: orderNo }, this.token);
      if (this.sandbox) {
        await h5('POST', `/sandbox/pay/${encodeURIComponent(orderNo)}`, {}, this.token);
      } else {
        const { appId } = await h5('POST', '/api/v1/wxconfig', { cur_url: encodeURIComponent(location.href) }, this.token);
        await payInWechat(signed, appId);
      }
    } catch (problem) {
      // 60001: it was paid already, perhaps in another window. Everything else is for the reader.
      if (problem.code !== 60001) { this.fail(problem); return; }
    }
    this.status.textContent = t('pay.confirming');
    if (!(await this.confirm(CONFIRM_TRIES)) && !this.closed) this.fail(new ApiError('pay', 0, t('pay.not_confirmed')));
  }

  fail(problem) {
    this.busy = false;
    this.button.disabled = false;
    this.status.textContent = '';
    this.error.textContent = problem.kind === 'pay' ? problem.message : errorText(problem);
  }

  /** Asks until the order is paid; true when it is. */
  async confirm(tries) {
    for (let attempt = 0; attempt < tries && !this.closed; attempt += 1) {
      if (attempt) await wait(1000);
      const orders = await raceOrders(this.token).catch(() => []);
      const order = orders.find((row) => row.order_no === this.order.order_no);
      if (order?.pay_status === 1) {
        if (!this.closed) this.onPaid(order);
        return true;
      }
    }
    return false;
  }
}
