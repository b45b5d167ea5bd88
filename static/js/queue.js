// A registrant's place in a game's line: asks for the state of a queue token at the interval the
// server advises, remembers the token over reloads, and never lets the shown place rise.
import { ApiError, command, h5 } from './api.js';
import { store } from './store.js';

export const WAITING = 0;
export const ADMITTED = 1;
export const FULL = 2;
export const FAILED = 3;
export const ALREADY = 4;

const key = (gameId) => `line.${gameId}`;

/** What is remembered of a game's line, if it belongs to this account. */
export function remembered(gameId, account) {
  const line = store.getJson(key(gameId));
  return line && line.account === account ? line : null;
}
export const forget = (gameId) => store.remove(key(gameId));

export class PlaceInLine {
  /** `onChange(line)` is called after every answer and every failure. */
  constructor({ gameId, account, token, onChange }) {
    this.onChange = onChange;
    this.session = token;
    this.timer = null;
    this.failures = 0;
    this.stopped = false;
    this.line = { gameId, account, token: '', state: WAITING, best: null, first: null, orderNo: '', message: '', players: 1, wait: null, waitKnown: true, problem: null };
    this.wake = () => { if (!document.hidden && this.timer) this.schedule(0); };
    document.addEventListener('visibilitychange', this.wake);
    window.addEventListener('online', this.wake);
  }

  /** Takes a place. Throws what the server refused; a retry with the same players gets the same token. */
  async enter(players) {
    const answer = await command('RegGetQueueToken', { game_id: this.line.gameId, players }, { token: this.session });
    this.line.players = players.length;
    this.line.token = answer.token ?? '';
    this.take(answer);
  }

  resume(saved) {
    Object.assign(this.line, { token: saved.token, best: saved.best, first: saved.first, players: saved.players });
    this.onChange(this.line);
    this.schedule(0);
  }

  take(answer) {
    const line = this.line;
    this.failures = 0;
    line.problem = null;
    line.state = answer.queue_state;
    line.orderNo = answer.order_no || '';
    line.message = answer.msg || '';
    line.wait = answer.wait_seconds ?? null;
    line.waitKnown = answer.wait_known !== false;
    const count = Number(answer.count ?? 0);
    if (count > 0) {
      line.best = Math.min(count, line.best ?? count);
      line.first = Math.max(line.best, line.first ?? count);
    }
    if (line.token) store.setJson(key(line.gameId), { account: line.account, token: line.token, best: line.best, first: line.first, players: line.players });
    if (line.state === WAITING) this.schedule(Math.max(1, Number(answer.query_interval) || 1) * 1000);
    else if (line.state !== ADMITTED) forget(line.gameId);
    this.onChange(line);
  }

  schedule(delay) {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => this.poll(), delay);
  }

  async poll() {
    this.timer = null;
    try {
      const answer = await command('RegQueryQueueTokenState', { token: this.line.token }, { token: this.session });
      if (!this.stopped) this.take(answer);
    } catch (problem) {
      if (this.stopped) return;
      this.line.problem = problem;
      if (problem instanceof ApiError && problem.retryable) {
        this.failures += 1;
        const backoff = Math.min(30, 2 ** this.failures) * (0.5 + Math.random() / 2);
        this.schedule(Math.max(backoff, problem.retryAfter ?? 0) * 1000);
      } else if (problem.code === -12) {
        forget(this.line.gameId);
      }
      this.onChange(this.line);
    }
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener('visibilitychange', this.wake);
    window.removeEventListener('online', this.wake);
  }
}
