// A registrant's place in a game's line: follows a queue token by the server's stream of events, or by
// asking at the interval the server advises where a stream is refused or breaks. Remembers tokens over
// reloads, and never lets the shown place rise.
import { ApiError, command, queue } from './api.js';
import { store } from './store.js';

export const WAITING = 0;
export const ADMITTED = 1;
export const FULL = 2;
export const FAILED = 3;
export const ALREADY = 4;
const LEFT_TEXT = '已退出排队';

/** How long a broken or refused stream is left alone; it doubles up to the second. */
const STREAM_AGAIN_MS = 30_000;
const STREAM_AGAIN_MOST_MS = 300_000;
/** While a stream runs, one question now and then shows that it has not silently died. */
const CHECK_MS = 60_000;
/** A page nobody looks at asks no more often than this. */
const HIDDEN_MS = 15_000;
/** How long the reason for a fall is shown. */
const REASON_MS = 30_000;

const prefix = (account) => `line.${account}.`;
const key = (account, gameId) => prefix(account) + gameId;

/** What is remembered of an account's place in a game's line, or null. */
export const remembered = (gameId, account) => (account ? store.getJson(key(account, gameId)) : null);
export const forget = (gameId, account) => store.remove(key(account, gameId));

/** All places of an account: [{ gameId, token, … }]. */
export function allRemembered(account) {
  if (!account) return [];
  return store.keys(prefix(account))
    .map((name) => name.slice(prefix(account).length))
    .filter((gameId) => /^\d+$/.test(gameId))
    .map((gameId) => ({ ...remembered(gameId, account), gameId }))
    .filter((line) => typeof line.token === 'string' && line.token);
}

export class PlaceInLine {
  /** `onChange(line)` is called after every answer and every failure. `stream`: follow by events where possible. */
  constructor({ gameId, account, token, onChange, stream = false }) {
    Object.assign(this, { onChange, session: token, stream, timer: null, source: null, heard: false, failures: 0, stopped: false, streamAt: 0, streamDelay: STREAM_AGAIN_MS });
    this.line = {
      gameId, account, token: '', state: WAITING, phase: 'line', best: null, first: null, players: 1,
      orderNo: '', message: '', notice: '', wait: null, waitKnown: false, fall: null, left: false, problem: null,
    };
    this.wake = () => this.awake();
    document.addEventListener('visibilitychange', this.wake);
    window.addEventListener('online', this.wake);
  }

  /** Takes a place. Throws what the server refused; a retry with the same players gets the same token. */
  async enter(players) {
    const answer = await command('RegGetQueueToken', { game_id: this.line.gameId, players }, { token: this.session });
    this.line.players = players.length;
    this.line.token = answer.token ?? '';
    this.take(answer);
    this.follow();
  }

  resume(saved) {
    Object.assign(this.line, { token: saved.token, phase: saved.phase ?? 'line', best: saved.best ?? null, first: saved.first ?? null, players: saved.players ?? 1 });
    this.onChange(this.line);
    this.follow();
    this.schedule(0);
  }

  /** Gives the place back; what the line then is comes by `onChange`. */
  async leave() {
    this.take(await queue('POST', this.line.token, 'leave'));
  }

  take(answer) {
    if (this.stopped) return;
    const line = this.line;
    this.failures = 0;
    line.problem = null;
    line.state = Number(answer.queue_state);
    line.orderNo = answer.order_no || '';
    line.message = answer.msg || '';
    // Left in another window, perhaps: the state is the one of a failure, only the text says it.
    line.left ||= line.state === FAILED && line.message === LEFT_TEXT;
    line.notice = answer.notice || '';
    line.wait = answer.wait_seconds ?? null;
    line.waitKnown = answer.wait_known === true && line.wait !== null;
    this.interval = Math.max(1, Number(answer.query_interval) || 1) * 1000;
    this.takePlace(answer.phase ?? 'line', Number(answer.count ?? 0), answer.reason);
    if (line.state === WAITING || line.state === ADMITTED) this.save(); else forget(line.gameId, line.account);
    if (line.state === WAITING) this.schedule(this.heard ? CHECK_MS : this.interval);
    else this.close();
    this.onChange(line);
  }

  /** A place counts from anew in another phase; within one it never rises. */
  takePlace(phase, place, reason) {
    const line = this.line;
    if (phase !== line.phase && phase !== 'decided') Object.assign(line, { phase, best: null, first: null, fall: null });
    if (reason === 'opened' || reason === 'full') line.fall = { reason, at: performance.now() };
    if (place <= 0) return;
    const before = line.best;
    line.best = Math.min(place, before ?? place);
    line.first = Math.max(line.best, line.first ?? place);
    if (before !== null && line.best < before && reason) line.fall = { reason, by: before - line.best, at: performance.now() };
    else if (line.fall && performance.now() - line.fall.at > REASON_MS) line.fall = null;
  }

  save() {
    const { account, gameId, token, phase, best, first, players } = this.line;
    if (token) store.setJson(key(account, gameId), { token, phase, best, first, players });
  }

  /** Opens the stream unless one is open, it was refused a moment ago, or nobody looks. */
  follow() {
    if (!this.stream || this.source || this.stopped || document.hidden || this.line.state !== WAITING || !this.line.token) return;
    if (typeof EventSource === 'undefined' || performance.now() < this.streamAt) return;
    const source = new EventSource(`/api/queue/${encodeURIComponent(this.line.token)}/events`);
    this.source = source;
    source.addEventListener('queue', (event) => {
      let answer = null;
      try { answer = JSON.parse(event.data); } catch { /* a broken frame says nothing */ }
      this.heard = true;
      this.streamDelay = STREAM_AGAIN_MS;
      if (answer) this.take(answer);
    });
    // Whether it was refused (429, 503) or broke off: ask for a while, then try a stream again.
    source.addEventListener('error', () => this.unfollow(true));
  }

  unfollow(failed = false) {
    if (!this.source) return;
    this.source.close();
    this.source = null;
    this.heard = false;
    if (!failed || this.stopped) return;
    this.streamAt = performance.now() + this.streamDelay * (1 + Math.random() / 2);
    this.streamDelay = Math.min(STREAM_AGAIN_MOST_MS, this.streamDelay * 2);
    this.schedule((this.interval ?? 1000) * Math.random());
  }

  /** Hidden: the stream goes, one question now and then stays. Back again: asks at once. */
  awake() {
    if (this.stopped || this.line.state !== WAITING) return;
    if (document.hidden) { this.unfollow(); this.schedule(HIDDEN_MS); return; }
    this.follow();
    this.schedule(0);
  }

  schedule(delay) {
    clearTimeout(this.timer);
    const least = document.hidden ? HIDDEN_MS : 0;
    if (!this.stopped && this.line.state === WAITING) this.timer = setTimeout(() => this.poll(), Math.max(least, delay));
  }

  async poll() {
    this.timer = null;
    try {
      const answer = await command('RegQueryQueueTokenState', { token: this.line.token }, { token: this.session });
      this.take(answer);
      this.follow();
    } catch (problem) {
      if (this.stopped) return;
      this.line.problem = problem;
      if (problem instanceof ApiError && problem.retryable) {
        this.failures += 1;
        const backoff = Math.min(30, 2 ** this.failures) * (0.5 + Math.random() / 2);
        this.schedule(Math.max(backoff, problem.retryAfter ?? 0) * 1000);
      } else {
        if (problem.code === -12) forget(this.line.gameId, this.line.account);
        this.close();
      }
      this.onChange(this.line);
    }
  }

  close() {
    clearTimeout(this.timer);
    this.timer = null;
    this.unfollow();
    document.removeEventListener('visibilitychange', this.wake);
    window.removeEventListener('online', this.wake);
  }

  stop() {
    this.stopped = true;
    this.close();
  }
}
