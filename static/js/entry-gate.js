// When a game's line may be joined: keeps the submit button shut until then, with the time that is left on it.
import { serverNow } from './api.js';
import { nearTime, parseTime } from './format.js';
import { onLanguage, t } from './i18n.js';
import { untilText } from './opening-view.js';

/** When a game of the lobby takes people: from its pre-queue, else from its opening; null when it has no times. */
export const joinableAt = (game) => parseTime(game.pre_queue_at ?? game.opening_at);

/** What a game's own times say now, as one sentence for the form, or ''. */
export function gateText(game) {
  const [joinable, opening, now] = [joinableAt(game), parseTime(game.opening_at), serverNow()];
  if (game.lottery === 1) return t('gate.lottery');
  if (opening && now < joinable) return t(game.pre_queue_at ? 'gate.before_pre_queue' : 'gate.before_opening', { join: nearTime(joinable), open: nearTime(opening) });
  if (opening && now < opening) return t('gate.pre_queue', { open: nearTime(opening) });
  if (!game.open) return t('register.closed');
  if (game.full) return t(game.wait_list ? 'gate.wait_list' : 'gate.full');
  return '';
}

export class EntryGate {
  /** `onOpen()` is called once, when the time has come. */
  constructor(button, game, onOpen) {
    Object.assign(this, { button, game, onOpen });
    this.at = joinableAt(game)?.getTime() ?? 0;
    this.shut = this.at > serverNow();
    if (!this.shut) return;
    this.unlisten = onLanguage(() => this.tick());
    this.timer = setInterval(() => this.tick(), 1000);
    this.tick();
  }

  tick() {
    const left = (this.at - serverNow()) / 1000;
    if (left > 0) {
      this.button.disabled = true;
      delete this.button.dataset.i18n;
      this.button.textContent = t('gate.button', { time: untilText(left) });
      return;
    }
    this.close();
    this.shut = false;
    this.button.disabled = false;
    this.button.dataset.i18n = 'form.submit';
    this.button.textContent = t('form.submit');
    this.onOpen();
  }

  close() {
    clearInterval(this.timer);
    this.unlisten?.();
  }
}
