// Shows a place in the line as a race bib with the number on it, and the ways a wait can end.
import { errorText } from './api.js';
import { fill, h, notice } from './dom.js';
import { count, waitSpan } from './format.js';
import { onLanguage, t } from './i18n.js';
import { ALREADY, FAILED, FULL, WAITING } from './queue.js';

/** How often a screen reader hears the place, at most. */
const ANNOUNCE_MS = 8000;

export class LineView {
  constructor(host, { gameName, onAgain, onOrders }) {
    Object.assign(this, { host, gameName, onAgain, onOrders, line: null, announcedAt: 0 });
    this.number = h('p', { class: 'bib-number', 'data-place': '' });
    this.caption = h('p', { class: 'bib-caption' });
    this.forecast = h('p', { class: 'line-forecast' });
    this.problem = h('p', { class: 'line-problem', role: 'status' });
    this.spoken = h('p', { class: 'visually-hidden', 'aria-live': 'polite' });
    this.title = h('span', { class: 'bib-game' });
    this.dot = h('span', { class: 'line-runner' });
    this.started = h('span');
    this.track = h('div', { class: 'line-track', 'aria-hidden': 'true' }, this.dot);
    this.legend = h('div', { class: 'line-legend', 'aria-hidden': 'true' }, this.started, h('span', { i18n: 'line.finish' }));
    this.bib = h('div', { class: 'bib' },
      h('div', { class: 'bib-top' }, h('span', { i18n: 'line.title' }), this.title),
      this.number, this.caption);
    this.waiting = h('div', { class: 'line-waiting' }, this.bib, this.track, this.legend, this.forecast, this.problem, this.spoken,
      h('p', { class: 'line-note', i18n: 'line.note' }));
    this.unlisten = onLanguage(() => this.line && this.show(this.line));
  }

  close() { this.unlisten(); }

  show(line) {
    this.line = line;
    if (line.state === WAITING && !(line.problem && !line.problem.retryable)) this.showWaiting(line);
    else this.showEnd(line);
  }

  showWaiting(line) {
    if (this.waiting.parentNode !== this.host) fill(this.host, this.waiting);
    const place = line.best;
    this.title.textContent = this.gameName();
    this.number.textContent = place ? count(place) : '…';
    this.number.style.setProperty('--digits', String(Math.max(2, this.number.textContent.length)));
    this.caption.textContent = place ? t(place === 1 ? 'line.next' : 'line.ahead', { count: count(place - 1) }) : t(line.waitKnown ? 'line.checking' : 'line.not_open');
    const done = place && line.first > 1 ? 1 - (place - 1) / (line.first - 1) : place ? 1 : 0;
    this.dot.style.setProperty('--done', String(done));
    this.started.textContent = line.first > 1 ? t('line.started', { count: count(line.first) }) : '';
    this.forecast.textContent = line.wait && line.waitKnown ? waitSpan(line.wait) : '';
    this.problem.textContent = line.problem ? `${errorText(line.problem)} ${t('line.retrying')}` : '';
    if (place && performance.now() - this.announcedAt > ANNOUNCE_MS) {
      this.announcedAt = performance.now();
      this.spoken.textContent = t('line.spoken', { place: count(place) });
    }
  }

  showEnd(line) {
    if (line.problem) {
      fill(this.host, notice('error', errorText(line.problem), this.again()));
      return;
    }
    const name = { [FULL]: 'full', [FAILED]: 'failed', [ALREADY]: 'already' }[line.state] ?? 'failed';
    fill(this.host, h('div', { class: `outcome outcome-${name}`, role: 'alert', 'data-outcome': name },
      h('p', { class: 'outcome-code', text: t(`outcome.${name}_code`) }),
      h('h2', { text: t(`outcome.${name}`) }),
      h('p', { text: t(`outcome.${name}_text`) }),
      line.message && h('p', { class: 'outcome-message', text: line.message.replaceAll('\n', ' · ') }),
      h('div', { class: 'actions' },
        name === 'already' ? h('button', { type: 'button', class: 'button button-primary', text: t('orders.title'), onclick: () => this.onOrders() }) : this.again(),
        h('a', { class: 'button button-quiet', href: '/', text: t('outcome.other_games') }))));
  }

  again() { return h('button', { type: 'button', class: 'button button-primary', text: t('outcome.again'), onclick: () => this.onAgain() }); }
}
