// What everybody may know of a game's line, kept fresh while a page shows it: at the start, when a place changes its
// phase, and now and then.
import { lineOf } from './api.js';

const EVERY_MS = 60_000;

export class LineFacts {
  constructor(gameId, onChange) {
    Object.assign(this, { gameId, onChange, now: null, phase: null, timer: null, closed: false });
    this.load();
  }

  /** To be told each phase of the place that is shown. */
  see(phase) {
    if (this.phase === phase) return;
    const first = this.phase === null;
    this.phase = phase;
    if (!first) this.load();
  }

  async load() {
    clearTimeout(this.timer);
    if (!document.hidden) {
      const fresh = await lineOf(this.gameId).catch(() => null);
      if (this.closed) return;
      if (fresh) { this.now = fresh; this.onChange(fresh); }
    }
    clearTimeout(this.timer);
    // Spread, so that those who came together do not ask together.
    if (!this.closed) this.timer = setTimeout(() => this.load(), EVERY_MS * (0.75 + Math.random() / 2));
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
