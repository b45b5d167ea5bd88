// The list of chat lines. Collects what arrives and touches the page once per animation frame, keeps
// the list short, holds new lines back while the reader is scrolled up, and speaks for screen readers
// at a bearable rate.
import { contentNodes, typedNodes } from './chat-text.js';
import { $, h } from './dom.js';
import { clockTime, count } from './format.js';
import { onLanguage, t } from './i18n.js';

/** Lines kept while following the newest, and while reading older ones. */
const KEEP = 300;
const KEEP_READING = 600;
const NEAR_BOTTOM_PX = 60;
/** In a flood the page is touched at most this often. */
const FLUSH_GAP_MS = 60;
const SPEAK_GAP_MS = 6000;
const COLOURS = 6;

function colourOf(name) {
  let hash = 7;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
  return hash % COLOURS;
}

export class ChatView {
  /** host holds [data-log], [data-pill], [data-spoken]; `onOlder(before)` asks for earlier lines, `onRetry(id)` sends again. */
  constructor(host, { onOlder, onRetry }) {
    Object.assign(this, { onOlder, onRetry });
    this.log = $('[data-log]', host);
    this.list = $('ol', this.log);
    this.pill = $('[data-pill]', host);
    this.spoken = $('[data-spoken]', host);
    this.incoming = [];
    this.held = [];
    this.byOffset = new Map();
    this.own = new Map();
    this.following = true;
    this.frame = 0;
    this.flushedAt = 0;
    this.lastTop = 0;
    this.unspoken = [];
    this.spokenAt = 0;
    this.askedOlder = false;
    this.noOlder = false;
    this.log.addEventListener('scroll', () => this.scrolled(), { passive: true });
    this.pill.addEventListener('click', () => { this.toNewest(); this.log.focus(); });
    new ResizeObserver(() => { if (this.following) this.scrollDown(); }).observe(this.log);
    onLanguage(() => this.drawPill());
  }

  /** Lines from the socket or from history, in any order; those already shown are dropped. */
  add(lines) {
    for (const line of lines) {
      if (line.offset !== null && this.byOffset.has(line.offset)) continue;
      if (line.offset !== null) this.byOffset.set(line.offset, null);
      this.incoming.push(line);
    }
    this.incoming.splice(0, Math.max(0, this.incoming.length - KEEP_READING)).forEach((line) => this.byOffset.delete(line.offset));
    this.schedule();
  }

  /** A grey line of the page's own: somebody came, the connection was lost, … */
  say(text, kind = 'system') {
    this.incoming.push({ offset: null, kind, text });
    this.schedule();
  }

  schedule() {
    if (this.frame || this.waiting) return;
    const gap = FLUSH_GAP_MS - (performance.now() - this.flushedAt);
    if (gap > 0) this.waiting = setTimeout(() => { this.waiting = 0; this.request(); }, gap);
    else this.request();
  }

  request() { this.frame = requestAnimationFrame(() => { this.frame = 0; this.flush(); }); }

  flush() {
    this.flushedAt = performance.now();
    const lines = this.incoming;
    this.incoming = [];
    const first = this.firstOffset();
    const older = lines.filter((line) => line.offset !== null && first !== null && line.offset < first);
    const newer = older.length ? lines.filter((line) => !older.includes(line)) : lines;
    if (older.length) this.prepend(older);
    if (!newer.length) return;
    if (this.following) this.append(newer);
    else this.hold(newer);
    this.speak(newer);
  }

  append(lines) {
    const shown = lines.slice(-KEEP);
    const fragment = document.createDocumentFragment();
    const last = this.lastOffset();
    const late = [];
    for (const line of shown.sort((a, b) => (a.offset ?? Infinity) - (b.offset ?? Infinity) || 0)) {
      if (line.offset !== null && last !== null && line.offset < last) late.push(line);
      else fragment.append(this.element(line));
    }
    this.list.insertBefore(fragment, this.firstPending());
    for (const line of late) this.insertInOrder(line);
    this.trim(KEEP);
    this.scrollDown();
  }

  insertInOrder(line) {
    let after = this.list.lastElementChild;
    while (after && !(after.dataset.offset && Number(after.dataset.offset) < line.offset)) after = after.previousElementSibling;
    this.list.insertBefore(this.element(line), after ? after.nextElementSibling : this.list.firstElementChild);
  }

  prepend(lines) {
    const room = Math.max(0, KEEP_READING - this.list.childElementCount);
    lines.sort((a, b) => a.offset - b.offset);
    lines.splice(0, Math.max(0, lines.length - room)).forEach((line) => this.byOffset.delete(line.offset));
    const before = this.log.scrollHeight;
    const fragment = document.createDocumentFragment();
    for (const line of lines) fragment.append(this.element(line));
    this.list.prepend(fragment);
    if (this.following) this.scrollDown();
    else this.log.scrollTop += this.log.scrollHeight - before;
  }

  hold(lines) {
    this.held.push(...lines);
    this.missed = (this.missed ?? 0) + lines.filter((line) => !line.kind).length;
    this.held.splice(0, Math.max(0, this.held.length - KEEP)).forEach((line) => this.byOffset.delete(line.offset));
    this.drawPill();
  }

  element(line) {
    if (line.kind) return h('li', { class: `line line-${line.kind}`, text: line.text });
    const name = line.user?.username || t('chat.somebody');
    const item = h('li', { class: line.mine ? 'line line-mine' : 'line', 'data-offset': line.offset, 'data-uuid': line.uuid, 'data-name': name },
      line.time && h('time', { datetime: new Date(line.time * 1000).toISOString(), text: clockTime(line.time) }),
      h('span', { class: `line-who who-${colourOf(name)}`, text: name }), ' ',
      h('span', { class: 'line-text' }, line.deleted ? h('em', { text: t('chat.removed') }) : contentNodes(line.content)));
    if (line.offset !== null) this.byOffset.set(line.offset, item);
    return item;
  }

  // Own lines: shown at once below the others, and given their place when the server has saved them.

  pending(id, wire, name) {
    this.toNewest();
    this.own.get(id)?.remove();
    const item = h('li', { class: 'line line-mine line-pending', 'data-own': id },
      h('span', { class: `line-who who-${colourOf(name)}`, text: name }), ' ',
      h('span', { class: 'line-text' }, typedNodes(wire)),
      h('span', { class: 'line-state', text: t('chat.sending') }));
    this.own.set(id, item);
    this.list.append(item);
    this.scrollDown();
  }

  sent(id, line) {
    this.own.get(id)?.remove();
    this.own.delete(id);
    this.add([line]);
  }

  failed(id, reason) {
    const item = this.own.get(id);
    if (!item) return;
    item.classList.replace('line-pending', 'line-failed');
    $('.line-state', item)?.replaceChildren(reason, ' ',
      h('button', { type: 'button', class: 'text-button', text: t('chat.retry'), onclick: () => this.onRetry(id) }));
    this.scrollDown();
  }

  firstPending() { return this.list.querySelector('[data-own]'); }

  // Moderation.

  removed(offset) {
    for (const list of [this.incoming, this.held]) for (const line of list) if (line.offset === offset) line.deleted = true;
    this.bury(this.byOffset.get(offset));
  }

  cleared({ uuid, user }) {
    const name = typeof user === 'object' ? user?.username : user;
    const hit = (lineUuid, lineName) => (uuid && lineUuid === uuid) || (name && lineName === name);
    for (const list of [this.incoming, this.held]) for (const line of list) if (!line.kind && hit(line.uuid, line.user?.username)) line.deleted = true;
    for (const item of this.list.children) if (hit(item.dataset.uuid, item.dataset.name)) this.bury(item);
  }

  bury(item) {
    if (!item) return;
    item.classList.add('line-removed');
    $('.line-text', item)?.replaceChildren(h('em', { text: t('chat.removed') }));
  }

  reset() {
    this.list.replaceChildren();
    this.byOffset.clear();
    this.held = [];
    this.incoming = [];
    this.missed = 0;
    this.noOlder = false;
    this.drawPill();
  }

  // Scrolling.

  scrolled() {
    const top = this.log.scrollTop;
    const near = this.log.scrollHeight - top - this.log.clientHeight < NEAR_BOTTOM_PX;
    // Only moving up stops the following: the box also changes its height, when the keyboard or the emoji open.
    const movedUp = top < this.lastTop - 1;
    this.lastTop = top;
    if (near && !this.following) this.toNewest();
    else if (!near && movedUp) this.following = false;
    if (this.log.scrollTop < 40 && !this.following && !this.askedOlder && !this.noOlder && this.list.childElementCount < KEEP_READING) {
      const first = this.firstOffset();
      if (first !== null) this.askedOlder = this.onOlder(first) !== false;
    }
  }

  /** The answer to `onOlder`: nothing older means that it is not asked again. */
  olderCame(lines) {
    this.askedOlder = false;
    if (!lines.length) this.noOlder = true;
    this.add(lines);
  }

  toNewest() {
    this.following = true;
    const held = this.held;
    this.held = [];
    this.missed = 0;
    this.drawPill();
    if (held.length) this.append(held);
    else { this.trim(KEEP); this.scrollDown(); }
  }

  scrollDown() {
    this.log.scrollTop = this.log.scrollHeight;
    this.lastTop = this.log.scrollTop;
  }

  trim(keep) {
    let surplus = this.list.childElementCount - keep;
    for (; surplus > 0; surplus -= 1) {
      const item = this.list.firstElementChild;
      if (item.dataset.own) break;
      if (item.dataset.offset) this.byOffset.delete(Number(item.dataset.offset));
      item.remove();
      this.noOlder = false;
    }
  }

  drawPill() {
    this.pill.hidden = !this.missed;
    if (this.missed) this.pill.textContent = t('chat.new_lines', { count: this.missed > 999 ? '999+' : count(this.missed) });
  }

  offsetAt(edge, next) {
    let item = this.list[edge];
    while (item && !item.dataset.offset) item = item[next];
    return item ? Number(item.dataset.offset) : null;
  }

  firstOffset() { return this.offsetAt('firstElementChild', 'nextElementSibling'); }

  lastOffset() { return this.offsetAt('lastElementChild', 'previousElementSibling'); }

  /** Tells a screen reader the newest line and how many more came, not each of a flood. */
  speak(lines) {
    this.unspoken.push(...lines.filter((line) => !line.kind && !line.mine));
    if (!this.unspoken.length || this.speaking) return;
    const delay = Math.max(300, SPEAK_GAP_MS - (performance.now() - this.spokenAt));
    this.speaking = setTimeout(() => {
      this.speaking = 0;
      this.spokenAt = performance.now();
      const newest = this.unspoken.at(-1);
      const others = this.unspoken.length - 1;
      this.unspoken = [];
      const text = `${newest.user?.username || t('chat.somebody')}: ${contentNodes(newest.content).map((node) => node.alt ?? node.data).join('')}`;
      this.spoken.textContent = others ? `${t('chat.spoken_more', { count: others })} ${text}` : text;
    }, delay);
  }
}
