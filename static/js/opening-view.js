// The opening of a line whose order is drawn: the countdown to it, and what makes the draw checkable. The
// seed's hash is shown before anybody's place depends on it, the seed itself after.
import { serverNow } from './api.js';
import { fill, h } from './dom.js';
import { count, countdown, dateTime, parseTime } from './format.js';
import { t } from './i18n.js';
import { segmentClock } from './segment-clock.js';

const DAY_S = 86_400;

/** Hex SHA-256 of bytes given as hex; null where the browser has no such function (plain http). */
async function sha256(hex) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Seconds to a time as a clock shows them, days apart: "3 d 04:05:06". */
export function untilText(seconds) {
  const days = Math.floor(Math.max(0, seconds) / DAY_S);
  const rest = countdown(Math.max(0, seconds) - days * DAY_S);
  return days ? t('opening.days', { days, rest }) : rest;
}

export class OpeningView {
  constructor() {
    this.face = h('div', { class: 'opening-clock' });
    this.showClock = segmentClock(this.face);
    this.label = h('p', { class: 'opening-label' });
    this.day = h('p', { class: 'opening-day' });
    this.clock = h('div', { class: 'opening', hidden: true }, this.label, this.face, this.day);
    this.hash = h('dd', { class: 'mono', 'data-seed-hash': '' });
    this.more = h('div');
    this.text = h('p');
    this.summary = h('summary');
    this.proof = h('details', { class: 'proof', hidden: true }, this.summary, this.text,
      h('dl', { class: 'proof-list' }, h('dt', { i18n: 'opening.seed_hash' }), this.hash), this.more);
  }

  close() {
    clearInterval(this.timer);
    this.timer = null;
  }

  /** `facts` as GET /api/games/{id}/line answers; `early`: this token waits for the opening. */
  show(facts, early) {
    const opensAt = parseTime(facts?.opening_at);
    this.clock.hidden = !(early && opensAt);
    if (this.clock.hidden) this.close();
    else {
      this.opensAt = opensAt;
      this.tick();
      this.timer ??= setInterval(() => this.tick(), 1000);
    }
    this.showProof(facts);
  }

  tick() {
    const left = (this.opensAt.getTime() - serverNow()) / 1000;
    const over = left <= 0;
    this.label.textContent = t(over ? 'opening.drawing' : 'opening.opens_in');
    this.day.textContent = dateTime(this.opensAt);
    const days = Math.floor(Math.max(0, left) / DAY_S);
    const clock = countdown(Math.max(0, left) - days * DAY_S);
    this.showClock(days ? `${days}:${clock.padStart(8, '0')}` : clock, untilText(left));
  }

  showProof(facts) {
    const opening = facts?.opening;
    this.proof.hidden = !opening;
    if (!opening) return;
    this.summary.textContent = t('opening.check');
    this.text.textContent = t(opening.seed ? 'opening.check_after' : 'opening.check_before', { count: count(opening.count ?? 0) });
    this.hash.textContent = opening.seed_hash;
    if (!opening.seed) { fill(this.more); return; }
    const verdict = h('dd', { 'data-seed-check': '' });
    fill(this.more, h('dl', { class: 'proof-list' },
      h('dt', { text: t('opening.seed') }), h('dd', { class: 'mono', text: opening.seed }),
      h('dt', { text: t('opening.count') }), h('dd', { text: count(opening.count ?? 0) }),
      h('dt', { text: t('opening.verdict') }), verdict));
    sha256(opening.seed).then((hash) => {
      verdict.textContent = t(hash === null ? 'opening.cannot_check' : hash === opening.seed_hash ? 'opening.fits' : 'opening.differs');
    });
  }
}
