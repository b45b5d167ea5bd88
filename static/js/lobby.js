// The lobby: the next competition as the hero, its games as lanes of the track, the lives, and what
// comes later. Reads /api/lobby and refreshes the numbers while the page is visible.
import './header.js';
import { errorText, h5, serverNow } from './api.js';
import { $, fill, h, notice, safeUrl } from './dom.js';
import { count, nearTime, longDate, parseTime, yuan } from './format.js';
import { localized, onLanguage, t } from './i18n.js';
import { joinableAt } from './entry-gate.js';
import { RememberedPlaces, shortPlace } from './line-list.js';
import { raceOrders } from './payment.js';
import { ADMITTED, WAITING } from './queue.js';
import { segmentClock } from './segment-clock.js';
import { account, onSession, token } from './session.js';

const REFRESH_MS = 10000;
let lobby = null;
let drawn = '';
let stopClock = () => {};

let mine = null;
let settled = false;

/** Takes people: onto its wait-list if it is full. */
const bookable = (game) => game.open && (!game.full || game.wait_list);

function placesText(game) {
  if (game.full) return game.wait_listed > 0 ? t('lobby.full_listed', { count: count(game.wait_listed) }) : t(game.wait_list ? 'lobby.full_list' : 'lobby.full');
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
  const open = competition.games.some(bookable);
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
      open && h('a', { class: 'button button-signal', href: '#lanes', text: t('lobby.enter') }),
      live && h('a', { class: 'button button-ghost', href: `/live.html?id=${live.id}` }, h('span', { class: 'live-dot', 'aria-hidden': 'true' }), t('lobby.watch'))));
  stopClock = ahead ? startClock(clock, competition.play_time) : () => {};
}

/** When the game opens or how its places are given, in a line under its name. */
function laneTimes(game) {
  const [opening, now] = [parseTime(game.opening_at), serverNow()];
  if (game.lottery === 1) return t('lobby.lottery');
  if (!opening || now >= opening) return '';
  return now < joinableAt(game)
    ? t(game.pre_queue_at ? 'lobby.pre_queue_from' : 'lobby.opens_at', { time: nearTime(game.pre_queue_at ?? game.opening_at), open: nearTime(opening) })
    : t('lobby.pre_queue_now', { open: nearTime(opening) });
}

/** The account's own place in this game's line. */
function laneBadge(game) {
  const line = mine?.line(game.game_id);
  if (!line || (line.state !== WAITING && line.state !== ADMITTED)) return null;
  return h('a', { class: 'lane-badge', href: `/register.html?game=${encodeURIComponent(game.game_id)}`, 'data-badge': '', text: shortPlace(line) });
}

/** The button of a lane; its game may also be prepared for before it can be joined. */
function laneButton(game) {
  const href = `/register.html?game=${encodeURIComponent(game.game_id)}`;
  const name = localized(game, 'name');
  const early = !game.open && joinableAt(game) > serverNow();
  if (early) return h('a', { class: 'button button-ghost lane-go', href, 'aria-label': t('lobby.prepare_for', { name }), text: t('lobby.prepare') });
  if (!bookable(game)) return h('span', { class: 'lane-go lane-shut', text: t(game.open ? 'lobby.sold_out' : 'lobby.not_open') });
  if (mine?.line(game.game_id)?.state === WAITING) return h('a', { class: 'button button-ghost lane-go', href, 'aria-label': t('lobby.mine_for', { name }), text: t('lobby.mine') });
  const key = game.full ? 'lobby.wait_list' : 'lobby.register';
  return h('a', { class: 'button button-signal lane-go', href, 'aria-label': t(`${key}_for`, { name }), text: t(key) });
}

function lane(game, index) {
  const bounded = game.limitation > 0;
  const taken = bounded ? Math.min(1, Math.max(0, (game.limitation - game.balance) / game.limitation)) : 0;
  const open = bookable(game);
  const times = laneTimes(game);
  const fillBar = h('span', { class: 'lane-fill' });
  fillBar.style.setProperty('--taken', String(taken));
  return h('li', { class: `lane${open ? '' : ' lane-closed'}`, 'data-game': game.game_id },
    h('span', { class: 'lane-number', 'aria-hidden': 'true', text: String(index + 1) }),
    h('div', { class: 'lane-name' },
      h('h3', { text: localized(game, 'name') }),
      h('p', { class: 'lane-price', text: yuan(game.price) }),
      times && h('p', { class: 'lane-times', 'data-times': '', text: times }), laneBadge(game)),
    h('div', { class: 'lane-places' },
      h('p', { class: 'lane-left' }, h('strong', { 'data-places': '', text: placesText(game) }),
        bounded && h('span', { text: t('lobby.of', { count: count(game.limitation) }) })),
      bounded && h('span', { class: 'lane-bar', 'aria-hidden': 'true' }, fillBar)),
    laneButton(game));
}

/** `competition` is null for a live of its own. */
function liveCard(live, competition) {
  const playing = live.live_status === 1;
  return h('li', { class: 'live-card' },
    h('a', { href: `/live.html?id=${encodeURIComponent(live.id)}` },
      h('span', { class: 'live-shot' },
        h('img', { src: safeUrl(live.main_img_url || '/static/img/live-1.jpg'), alt: '', width: 640, height: 360, loading: 'lazy' }),
        h('span', { class: playing ? 'live-tag live-tag-on' : 'live-tag', text: t(playing ? 'live.on' : 'live.off') })),
      h('span', { class: 'live-text' },
        h('strong', { text: localized(live, 'title') }),
        competition && h('span', { text: localized(competition, 'title') }),
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
        bookable(game) ? h('a', { href: `/register.html?game=${encodeURIComponent(game.game_id)}`, text: localized(game, 'name') }) : localized(game, 'name'),
        ` · ${yuan(game.price)} · ${laneTimes(game) || placesText(game)}`)))));
}

function draw() {
  const [first, ...later] = lobby.competitions;
  if (first) drawHero(first);
  else {
    stopClock();
    fill($('#hero'), h('h1', { class: 'hero-title', text: 'matchday' }), h('p', { class: 'hero-summary', text: t('lobby.nothing') }));
  }
  fill($('#lane-list'), (first?.games ?? []).map(lane));
  $('#lanes').hidden = !first?.games.length;
  const lives = [...lobby.competitions.flatMap((competition) => competition.lives.map((live) => [live, competition])), ...lobby.lives.map((live) => [live, null])];
  // What is on now comes first.
  lives.sort(([one], [other]) => Number(other.live_status === 1) - Number(one.live_status === 1));
  fill($('#live-list'), lives.map(([live, competition]) => liveCard(live, competition)));
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

/** Follows the places that this browser remembers, for the badges. */
function followMine() {
  mine?.close();
  settled = false;
  mine = account() && new RememberedPlaces({ account: account(), token: token(), onChange: mineChanged });
}

async function mineChanged() {
  if (!lobby) return;
  if (!settled && mine.lines().some((line) => line.state === ADMITTED)) {
    settled = true;
    mine.settle(await raceOrders(token()).catch(() => []));
  }
  for (const element of document.querySelectorAll('.lane[data-game]')) {
    const [badge, host] = [laneBadge({ game_id: element.dataset.game }), $('.lane-name', element)];
    const game = lobby.competitions[0]?.games.find((row) => String(row.game_id) === element.dataset.game);
    const button = game && laneButton(game);
    if (button && button.textContent !== $('.lane-go', element).textContent) $('.lane-go', element).replaceWith(button);
    const shown = $('[data-badge]', host);
    if (badge?.textContent === shown?.textContent) continue;
    if (shown && badge) shown.textContent = badge.textContent;
    else if (badge) host.append(badge);
    else shown?.remove();
  }
}

onLanguage(() => lobby && draw());
onSession(() => { followMine(); if (lobby) draw(); });
followMine();
load();
setInterval(() => { if (!document.hidden) load(); }, REFRESH_MS);
