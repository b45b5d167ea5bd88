// "My lines": every place that this browser remembers of the account, over all games, each with where it stands now.
// The one that the page itself shows is fed by the page; the others ask now and then.
import { fill, h } from './dom.js';
import { count } from './format.js';
import { onLanguage, t } from './i18n.js';
import { ADMITTED, ALREADY, FULL, PlaceInLine, WAITING, allRemembered, forget } from './queue.js';

/** A place in a few words. */
export function shortPlace(line) {
  if (line.state === ADMITTED) return t('mine.yours');
  if (line.state === FULL) return t('outcome.full_code');
  if (line.state === ALREADY) return t('outcome.already_code');
  if (line.left) return t('outcome.left_code');
  if (line.state !== WAITING) return t('outcome.failed_code');
  if (line.phase === 'before_opening') return t('mine.early');
  if (!line.best) return t('line.checking');
  return t(line.phase === 'wait_list' ? 'mine.list_place' : 'mine.place', { place: count(line.best) });
}

const tagOf = (line) => (line.state === ADMITTED ? 'paid' : line.state === WAITING ? (line.phase === 'wait_list' ? 'waiting' : 'line') : 'cancelled');

/** Follows the remembered places of an account; `onChange()` after each change. */
export class RememberedPlaces {
  constructor({ account, token, onChange, except = null }) {
    Object.assign(this, { onChange, places: new Map() });
    for (const saved of allRemembered(account)) {
      if (saved.gameId === except) continue;
      const place = new PlaceInLine({ gameId: saved.gameId, account, token, onChange: () => this.onChange() });
      this.places.set(saved.gameId, place);
    }
    for (const saved of allRemembered(account)) this.places.get(saved.gameId)?.resume(saved);
  }

  line(gameId) { return this.places.get(String(gameId))?.line ?? null; }

  lines() { return [...this.places.values()].map((place) => place.line); }

  /** Drops those whose order is paid or over: they are entries now, or nothing. */
  settle(orders) {
    for (const [gameId, { line }] of this.places) {
      const order = line.state === ADMITTED && orders.find((row) => row.order_no === line.orderNo);
      if (!order || order.pay_status === 0) continue;
      forget(gameId, line.account);
      this.places.delete(gameId);
    }
  }

  close() { for (const place of this.places.values()) place.stop(); }
}

export class LineList {
  /** `host` is the section around it, hidden while there is nothing; `gameName(id)` names a game. */
  constructor(host, { gameName }) {
    Object.assign(this, { host, gameName, others: null, own: null, orders: [] });
    this.list = h('ul', { class: 'line-list' });
    host.append(this.list);
    onLanguage(() => this.draw());
  }

  /** Starts anew for an account; `shown` is the game whose line the page shows itself. */
  follow({ account, token, shown }) {
    this.others?.close();
    this.own = null;
    this.others = account && new RememberedPlaces({ account, token, except: shown, onChange: () => this.draw() });
    this.draw();
  }

  /** The account's orders, as asked for last. */
  settle(orders) {
    this.orders = orders;
    this.draw();
  }

  /** The line that the page follows itself; null when there is none. */
  show(line) {
    this.own = line?.state === WAITING || line?.state === ADMITTED ? line : null;
    this.draw();
  }

  draw() {
    this.others?.settle(this.orders);
    const order = this.own?.state === ADMITTED && this.orders.find((row) => row.order_no === this.own.orderNo);
    if (order && order.pay_status !== 0) this.own = null;
    const lines = [this.own, ...(this.others?.lines() ?? [])].filter(Boolean);
    // Read aloud and redrawn only when something changed.
    const text = JSON.stringify(lines.map((line) => [line.gameId, this.gameName(line.gameId), shortPlace(line), line === this.own]));
    if (text === this.drawn) return;
    this.drawn = text;
    this.host.hidden = !lines.length;
    const focused = this.list.querySelector('a:focus')?.getAttribute('href');
    fill(this.list, lines.map((line) => h('li', { class: 'line-item', 'data-line': line.gameId },
      line === this.own
        ? h('strong', { class: 'line-item-name', 'aria-current': 'true', text: this.gameName(line.gameId) })
        : h('a', { class: 'line-item-name', href: `/register.html?game=${encodeURIComponent(line.gameId)}`, text: this.gameName(line.gameId) }),
      h('span', { class: `tag tag-${tagOf(line)}`, text: shortPlace(line) }))));
    if (focused) this.list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
}
