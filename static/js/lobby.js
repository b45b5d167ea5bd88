// The lobby: the next competition as the hero, its games as lanes of the track, the lives, and what
// comes later. Reads /api/lobby and refreshes the numbers while the page is visible.
import './header.js';
import { errorText, h5, serverNow } from './api.js';
import { $, fill, h, notice, safeUrl } from './dom.js';
import { count, longDate, parseTime, yuan } from './format.js';
import { localized, onLanguage, t } from './i18n.js';
import { segmentClock } from './segment-clock.js';

const REFRESH_MS = 10000;
let lobby = null;
let drawn = '';
let stopClock = () => {};

function placesText(game) {
  if (game.full) return t('lobby.full');
  return game.limitation === 0 ? t('lobby.unlimited') : t('lobby.left', { count: count(game.balance) });
}

function startClock(host, time) {
  const show = segmentClock(host);
  const tick = () => {
    const left = Math.max(0, Math.floor((parseTime(time).getTime() - serverNow()) / 1000));
    const two = (value) => String(value).padStart(2, '0');
    const [days, hours, minutes, seconds] = [Math.floor(left / 86400), Math.floor((left % 86400) / 3600), Math.floor((left % 3600) / 60), left % 60];
    show(`${two(days)}:${two(hours)}:${two(minutes)}:${two(seconds)}`, t('lobby.to_start_spoken', { days, hours, minutes }));
  };
  tick();
  const timer = setInterval(tick, 1000);
  return () => clearInterval(timer);
}

function drawHero(competition) {
  stopClock();
  const clock = h('div', { class: 'hero-clock' });
  const bookable = competition.games.some((game) => game.open && !game.full);
  const live = competition.lives.find((row) => row.live_status === 1);
  const starts = parseTime(competition.play_time);
  const ahead = starts && starts.getTime() > serverNow();
  fill($('#hero'),
    h('p', { class: 'hero-date', text: longDate(competition.play_time) }),
    h('h1', { class: 'hero-title', text: localized(competition, 'title') }),
    h('p', { class: 'hero-summary', text: localized(competition, 'summary') }),
    ahead && h('div', { class: 'hero-countdown' },
      h('p', { class: 'eyebrow', text: t('lobby.to_start') }), clock,
      h('p', { class: 'clock-units', 'aria-hidden': 'true' }, ['days', 'hours', 'minutes', 'seconds'].map((unit) => h('span', { text: t(`lobby.unit_${unit}`) })))),
    h('div', { class: 'hero-actions' },
      bookable && h('a', { class: 'button button-signal', href: '#lanes', text: t('lobby.enter') }),
      live && h('a', { class: 'button button-ghost', href: `/live.html?id=${live.id}` }, h('span', { class: 'live-dot', 'aria-hidden': 'true' }), t('lobby.watch'))));
  stopClock = ahead ? startClock(clock, competition.play_time) : () => {};
}

function lane(game, index, competition) {
  const bounded = game.limitation > 0;
  const taken = bounded ? Math.min(1, Math.max(0, (game.limitation - game.balance) / game.limitation)) : 0;
  const open = game.open && !game.full;
  const fillBar = h('span', { class: 'lane-fill' });
  fillBar.style.setProperty('--taken', String(taken));
  return h('li', { class: `lane${open ? '' : ' lane-closed'}`, 'data-game': game.game_id },
    h('span', { class: 'lane-number', 'aria-hidden': 'true', text: String(index + 1) }),
    h('div', { class: 'lane-name' },
      h('h3', { text: localized(game, 'name') }),
      h('p', { class: 'lane-price', text: yuan(game.price) })),
    h('div', { class: 'lane-places' },
      h('p', { class: 'lane-left' }, h('strong', { 'data-places': '', text: placesText(game) }),
        bounded && h('span', { text: t('lobby.of', { count: count(game.limitation) }) })),
      h('span', { class: 'lane-bar', 'aria-hidden': 'true' }, fillBar)),
    open
      ? h('a', { class: 'button button-signal lane-go', href: `/register.html?game=${encodeURIComponent(game.game_id)}`, 'aria-label': t('lobby.register_for', { name: localized(game, 'name') }), text: t('lobby.register') })
      : h('span', { class: 'lane-go lane-shut', text: t(game.open ? 'lobby.sold_out' : 'lobby.not_open') }));
}

function liveCard(live, competition) {
  const playing = live.live_status === 1;
  return h('li', { class: 'live-card' },
    h('a', { href: `/live.html?id=${encodeURIComponent(live.id)}` },
      h('span', { class: 'live-shot' },
        h('img', { src: safeUrl(live.main_img_url || '/static/img/live-1.jpg'), alt: '', width: 640, height: 360, loading: 'lazy' }),
        h('span', { class: playing ? 'live-tag live-tag-on' : 'live-tag', text: t(playing ? 'live.on' : 'live.off') })),
      h('span', { class: 'live-text' },
        h('strong', { text: localized(live, 'title') }),
        h('span', { text: localized(competition, 'title') }),
        playing && h('span', { class: 'live-online', text: t('live.watching', { count: count(live.online) }) }))));
}

function laterCard(competition) {
  return h('li', { class: 'later-card' },
    h('img', { src: safeUrl(competition.main_img_url || '/static/img/competition-2.svg'), alt: '', width: 480, height: 270, loading: 'lazy' }),
    h('div', {},
      h('p', { class: 'eyebrow', text: longDate(competition.play_time) }),
      h('h3', { text: localized(competition, 'title') }),
      h('p', { text: localized(competition, 'summary') }),
      competition.games.length > 0 && h('ul', { class: 'later-games' }, competition.games.map((game) => h('li', {},
        game.open && !game.full ? h('a', { href: `/register.html?game=${encodeURIComponent(game.game_id)}`, text: localized(game, 'name') }) : localized(game, 'name'),
        ` · ${yuan(game.price)} · ${placesText(game)}`)))));
}

function draw() {
  const [first, ...later] = lobby.competitions;
  if (!first) {
    fill($('#hero'), h('h1', { class: 'hero-title', text: 'matchday' }), h('p', { class: 'hero-summary', text: t('lobby.nothing') }));
    return;
  }
  drawHero(first);
  fill($('#lane-list'), first.games.map((game, index) => lane(game, index, first)));
  $('#lanes').hidden = first.games.length === 0;
  const lives = lobby.competitions.flatMap((competition) => competition.lives.map((live) => liveCard(live, competition)));
  fill($('#live-list'), lives);
  $('#lives').hidden = lives.length === 0;
  fill($('#later-list'), later.map(laterCard));
  $('#later').hidden = later.length === 0;
}

async function load() {
  try {
    const fresh = await h5('GET', '/api/lobby');
    const text = JSON.stringify(fresh);
    lobby = fresh;
    // Nothing is redrawn under the reader's hands when nothing changed.
    if (text !== drawn && !document.activeElement?.closest('main')) { drawn = text; draw(); }
  } catch (problem) {
    if (!lobby) fill($('#hero'), notice('error', errorText(problem), h('button', { type: 'button', class: 'button button-signal', text: t('error.again'), onclick: load })));
  }
}

onLanguage(() => lobby && draw());
load();
setInterval(() => { if (!document.hidden) load(); }, REFRESH_MS);
