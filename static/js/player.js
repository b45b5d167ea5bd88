// The video: HLS by the browser itself where it can, else by the vendored hls.js, which is loaded only then.
import { $, h } from './dom.js';
import { t } from './i18n.js';

const HLS_SCRIPT = '/static/vendor/hls.js/hls.light.min.js';
const HLS_TYPE = 'application/vnd.apple.mpegurl';

function loadHls() {
  if (window.Hls) return Promise.resolve(window.Hls);
  return new Promise((resolve, reject) => {
    document.head.append(h('script', { src: HLS_SCRIPT, onload: () => resolve(window.Hls), onerror: () => reject(new Error('hls.js')) }));
  });
}

export class Player {
  /** `onStart`: pictures move, for the first time. */
  constructor(host, { onStart }) {
    this.video = $('video', host);
    this.message = $('[data-player-message]', host);
    this.video.addEventListener('playing', () => { this.say(''); onStart(); }, { once: true });
  }

  say(key) {
    this.message.hidden = !key;
    if (key) { this.message.dataset.i18n = key; this.message.textContent = t(key); }
  }

  async play(address, { live }) {
    this.video.loop = !live || address.startsWith(`${location.origin}/static/`);
    if (this.video.canPlayType(HLS_TYPE)) {
      this.video.addEventListener('error', () => this.playWithScript(address), { once: true });
      this.video.src = address;
    } else await this.playWithScript(address);
    this.start();
  }

  async playWithScript(address) {
    try {
      const Hls = await loadHls();
      if (!Hls.isSupported()) { this.say('live.unsupported'); return; }
      const hls = new Hls({ backBufferLength: 30 });
      hls.on(Hls.Events.ERROR, (event, fault) => {
        if (!fault.fatal) return;
        if (fault.type === Hls.ErrorTypes.MEDIA_ERROR && !this.recovered) { this.recovered = true; hls.recoverMediaError(); return; }
        hls.destroy();
        this.say('live.broken');
      });
      hls.loadSource(address);
      hls.attachMedia(this.video);
      this.start();
    } catch { this.say('live.broken'); }
  }

  /** Browsers let a video start by itself only without sound; otherwise the controls are there. */
  start() { this.video.play().catch(() => { /* the reader presses play */ }); }
}
