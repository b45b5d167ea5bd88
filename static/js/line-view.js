// Shows a place in the line as a race bib with the number on it: before the opening, in the line, on the
// wait-list, and the ways a wait can end.
import { errorText } from './api.js';
import { ask } from './ask.js';
import { fill, h, notice } from './dom.js';
import { count, dateTime, duration, waitSpan } from './format.js';
import { onLanguage, t } from './i18n.js';
import { OpeningView } from './opening-view.js';
import { ALREADY, FAILED, FULL, WAITING } from './queue.js';
import { readToken } from './token-number.js';

/** How often a screen reader hears the place, at most. */
const ANNOUNCE_MS = 8000;
/** Numbers with fewer digits are not shown any larger. */
const LEAST_DIGITS = 2;

export class LineView {
  /**
   * `closesAt()`: when entries end; `facts()`: what GET /api/games/{id}/line said last, or null. `onLeave()` gives the place back, `onAgain()` starts
   * anew, `onOrders()` goes to the orders.
   */
  constructor(host, { gameName, gameId, closesAt, facts, onLeave, onAgain, onOrders }) {
    Object.assign(this, { host, gameName, gameId, closesAt, facts, onLeave, onAgain, onOrders, line: null, announcedAt: 0, spokenPhase: '' });
    this.banner = h('div', { class: 'line-notice', role: 'status', 'data-notice': '' });
    this.heading = h('span');
    this.title = h('span', { class: 'bib-game' });
    this.number = h('p', { class: 'bib-number', 'data-place': '' });
    this.caption = h('p', { class: 'bib-caption' });
    this.bib = h('div', { class: 'bib' }, h('div', { class: 'bib-top' }, this.heading, this.title), this.number, this.caption);
    this.opening = new OpeningView();
    this.drawLink = h('a', { i18n: 'line.draw_page' });
    this.draw = h('p', { class: 'line-draw', hidden: true }, this.drawLink);
    this.forecast = h('p', { class: 'line-forecast', 'data-wait': '' });
    this.fall = h('p', { class: 'line-fall', role: 'status', 'data-fall': '' });
    this.dot = h('span', { class: 'line-runner' });
    this.started = h('span');
    this.track = h('div', { class: 'line-progress', 'aria-hidden': 'true' },
      h('div', { class: 'line-track' }, this.dot),
      h('div', { class: 'line-legend' }, this.started, h('span', { i18n: 'line.finish' })));
    this.rules = h('ul', { class: 'line-rules' });
    this.mark = h('p', { 'data-number': '' });
    this.problem = h('p', { class: 'line-problem', role: 'status' });
    this.spoken = h('p', { class: 'visually-hidden', 'aria-live': 'polite' });
    this.leave = h('button', { type: 'button', class: 'text-button', i18n: 'line.leave', 'data-leave': '', onclick: () => this.askToLeave() });
    this.waiting = h('div', { class: 'line-waiting' }, this.banner, this.bib, this.opening.clock, this.forecast, this.fall, this.track, this.rules,
      this.problem, this.spoken, this.opening.proof, this.draw, h('div', { class: 'line-foot' }, h('div', { class: 'line-note' }, h('p', { i18n: 'line.note' }), this.mark), this.leave));
    this.unlisten = onLanguage(() => this.line && this.show(this.line));
  }

  close() {
    this.unlisten();
    this.opening.close();
  }

  show(line) {
    this.line = line;
    if (line.state === WAITING && !(line.problem && !line.problem.retryable)) this.showWaiting(line);
    else this.showEnd(line);
  }

  showWaiting(line) {
    if (this.waiting.parentNode !== this.host) fill(this.host, this.waiting);
    const facts = this.facts();
    const { phase, best: place } = line;
    const early = phase === 'before_opening';
    const lottery = early && facts?.lottery > 0;
    const name = lottery ? 'lottery' : early ? 'early' : phase === 'wait_list' ? 'list' : 'line';
    this.waiting.dataset.phase = name;
    this.banner.textContent = line.notice;
    this.heading.textContent = t(`line.title_${name}`);
    this.title.textContent = this.gameName();
    this.number.textContent = early ? t('line.in') : place ? count(place) : '…';
    this.number.classList.toggle('bib-number-word', early);
    this.number.style.setProperty('--digits', String(Math.max(LEAST_DIGITS, this.number.textContent.length)));
    this.caption.textContent = this.captionOf(name, place, facts);
    this.forecast.textContent = name === 'line' ? this.forecastOf(line, facts) : '';
    this.fall.textContent = this.fallOf(line);
    this.track.hidden = name !== 'line' || !place;
    const done = place && line.first > 1 ? 1 - (place - 1) / (line.first - 1) : place ? 1 : 0;
    this.dot.style.setProperty('--done', String(done));
    this.started.textContent = line.first > 1 ? t('line.started', { count: count(line.first) }) : '';
    fill(this.rules, this.rulesOf(name, line, facts).map((text) => h('li', { text })));
    this.rules.hidden = !this.rules.childElementCount;
    this.opening.show(facts, early && !lottery);
    this.draw.hidden = !(facts?.lottery > 0);
    this.drawLink.href = this.drawAddress(line);
    this.mark.textContent = this.numberOf(line);
    this.problem.textContent = line.problem ? `${errorText(line.problem)} ${t('line.retrying')}` : '';
    this.announce(name, place);
  }

  captionOf(name, place, facts) {
    if (name === 'lottery') return t('line.lottery_in');
    if (name === 'early') return facts?.waiting > 1 ? t('line.early_with', { count: count(facts.waiting) }) : t('line.early_in');
    if (!place) return t('line.checking');
    if (name === 'list') return place === 1 ? t('line.list_next') : t('line.list_ahead', { count: count(place - 1) });
    return place === 1 ? t('line.next') : t('line.ahead', { count: count(place - 1) });
  }

  forecastOf(line, facts) {
    if (facts?.state === 'paused') return t('line.paused');
    if (!line.best) return '';
    return line.waitKnown ? waitSpan(line.wait) : t('line.wait_unknown');
  }

  fallOf({ fall }) {
    if (!fall) return '';
    if (fall.reason === 'left') return t('line.fall_left', { count: count(fall.by) });
    if (fall.reason === 'opened') return t('line.fall_opened');
    if (fall.reason === 'full') return t('line.fall_full');
    return '';
  }

  /** What holds for everybody in this phase, one sentence each. */
  rulesOf(name, line, facts) {
    const several = line.players > 1 && t('line.rule_group', { count: line.players });
    if (name === 'lottery') return [t('line.rule_lottery', { time: dateTime(this.closesAt()) }), t('line.rule_lottery_order'), several].filter(Boolean);
    if (name === 'early') return [t('line.rule_early'), t('line.rule_after'), several].filter(Boolean);
    if (name === 'list') {
      return [
        t(facts?.wait_for_refunds ? 'line.rule_list_refunds' : 'line.rule_list'),
        facts?.offer_seconds > 0 && t('line.rule_offer', { time: duration(facts.offer_seconds) }),
        t('line.rule_list_end'), several,
      ].filter(Boolean);
    }
    return [several].filter(Boolean);
  }

  /** The draw's page; the token stays behind the #, where no server reads it. */
  drawAddress(line) { return `/draw.html?game=${encodeURIComponent(this.gameId)}#token=${encodeURIComponent(line.token)}`; }

  /** What the organisers can look this place up by. */
  numberOf(line) {
    const token = readToken(line.token);
    return token ? t('line.number', { number: token.sequence }) : '';
  }

  announce(name, place) {
    const news = name !== this.spokenPhase;
    if (!news && (!place || performance.now() - this.announcedAt < ANNOUNCE_MS)) return;
    this.spokenPhase = name;
    this.announcedAt = performance.now();
    this.spoken.textContent = place ? t(name === 'list' ? 'line.spoken_list' : 'line.spoken', { place: count(place) }) : this.caption.textContent;
  }

  async askToLeave() {
    const sure = await ask({ title: t('line.leave_title'), text: t('line.leave_text'), yes: t('line.leave_yes'), no: t('line.leave_no') });
    if (!sure) return;
    this.leave.disabled = true;
    try {
      await this.onLeave();
    } catch (problem) {
      this.problem.textContent = errorText(problem);
    } finally {
      this.leave.disabled = false;
    }
  }

  showEnd(line) {
    this.opening.close();
    if (line.problem) {
      fill(this.host, notice('error', errorText(line.problem), this.again()));
      return;
    }
    const name = line.left ? 'left' : { [FULL]: 'full', [FAILED]: 'failed', [ALREADY]: 'already' }[line.state] ?? 'failed';
    const again = name === 'already'
      ? h('button', { type: 'button', class: 'button button-primary', text: t('orders.title'), onclick: () => this.onOrders() })
      : this.again();
    fill(this.host, h('div', { class: `outcome outcome-${name}`, role: 'alert', 'data-outcome': name },
      h('p', { class: 'outcome-code', text: t(`outcome.${name}_code`) }),
      h('h2', { text: t(`outcome.${name}`), tabindex: '-1' }),
      h('p', { text: t(`outcome.${name}_text`) }),
      name !== 'left' && h('p', { class: 'line-note', text: this.numberOf(line) }),
      name !== 'left' && line.message && h('p', { class: 'outcome-message', text: line.message.replaceAll('\n', ' · ') }),
      this.facts()?.lottery > 0 && h('p', { class: 'line-draw' }, h('a', { href: this.drawAddress(line), text: t('line.draw_page') })),
      h('div', { class: 'actions' }, again, h('a', { class: 'button button-quiet', href: '/', text: t('outcome.other_games') }))));
    this.host.querySelector('h2')?.focus();
  }

  again() { return h('button', { type: 'button', class: 'button button-primary', text: t('outcome.again'), onclick: () => this.onAgain() }); }
}
