// The viewer's page: the video of one live, its chat, and who is watching.
import './header.js';
import { errorText, h5 } from './api.js';
import { ChatSocket, historyLines } from './chat-socket.js';
import { EMOJI, toWire } from './chat-text.js';
import { ChatView } from './chat-view.js';
import { $, fill, h, safeUrl } from './dom.js';
import { count } from './format.js';
import { has, localized, onLanguage, t } from './i18n.js';
import { Player } from './player.js';
import { onSession, signInFromAddress, signOut, signedIn, token, username } from './session.js';
import { signInForm } from './sign-in-form.js';
import { hasVisible } from './validation.js';

const MAX_LENGTH = 500;
/** How often the page looks whether the live is still on. */
const REFRESH_MS = 30_000;
/** What `play_notify` calls a live. */
const WATCHED_LIVE = 2;
const id = new URLSearchParams(location.search).get('id') || '1';
const page = { live: null, competition: null, lobby: null, online: null, mode: {}, coolUntil: 0, started: false, counted: false };
const wires = new Map();

const view = new ChatView($('#chat'), { onOlder: (before) => socket.requestHistory(before), onRetry: (which) => socket.send(wires.get(which), which) });

const socket = new ChatSocket({
  room: id,
  token,
  events: {
    state: showState,
    welcome: welcomed,
    line: (line) => view.add([line]),
    history: (lines) => view.olderCame(lines),
    online: showOnline,
    joined: (user, came) => view.say(t(came ? 'chat.came' : 'chat.left', { name: user.username })),
    mode: showMode,
    notice: (text) => view.say(text, 'notice'),
    removed: (offset) => view.removed(offset),
    cleared: (frame) => view.cleared(frame),
    refused: (frame) => { if (frame.code === 10010) coolDown(Number(frame.retry_after) || 3); else if (!frame.client_id) showProblem(refusal(frame)); },
    pending: (which, wire) => { wires.set(which, wire); view.pending(which, wire, username()); },
    sent: (which, line) => { wires.delete(which); showProblem(''); view.sent(which, line); },
    failed: (which, frame) => view.failed(which, frame ? refusal(frame) : t('chat.no_answer')),
    stale: () => { if (signedIn()) signOut(); },
  },
});

/** Codes whose `msg` says more than the code: why somebody is muted, what is wrong with a line. */
const TELLING = new Set([10001, 99999]);

function refusal(frame) {
  const key = `chat.refused.${frame.code}`;
  if (!has(key)) return frame.msg || t('error.unknown');
  const wait = frame.retry_after ? ` ${t('chat.wait', { seconds: frame.retry_after })}` : '';
  return t(key) + (TELLING.has(frame.code) && frame.msg ? ` (${frame.msg})` : '') + wait;
}

function showProblem(text) { $('#chat-problem').textContent = text; }

function showState(state, seconds) {
  if (state === 'unknown') { noSuchLive(); return; }
  const host = $('#chat-state');
  host.dataset.state = state;
  host.textContent = state === 'open' ? '' : t(`chat.state_${state}`, { seconds });
  if (state === 'banned') $('#composer').hidden = true;
}

async function welcomed(frame, { first, lost, restarted }) {
  showMode(frame.mode ?? frame);
  page.welcomed = true;
  if (!signedIn() && !page.lobbyLive) player.say('live.sign_in_to_watch');
  if (restarted) view.reset();
  else if (lost) view.say(t('chat.gap'));
  if (!first && !restarted) return;
  // After WELCOME, so that nothing falls between the history and the live lines.
  if (!signedIn()) return socket.requestHistory(null);
  try {
    view.add(historyLines(await h5('GET', `/api/v1/guest/${encodeURIComponent(id)}`, undefined, token())));
  } catch { socket.requestHistory(null); }
}

function showOnline(numbers) {
  page.online = { ...page.online, ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isInteger(value))) };
  const { online, users, guests } = page.online;
  $('#online').hidden = false;
  $('#online-count').textContent = count(online);
  $('#online-people').textContent = Number.isInteger(users) ? t('live.people', { users: count(users), guests: count(guests ?? 0) }) : '';
}

function showMode(frame) {
  for (const name of ['slow_mode_seconds', 'members_only', 'emoji_only', 'new_account_wait_seconds', 'paused', 'pinned_notice']) {
    if (name in frame) page.mode[name] = frame[name];
  }
  const { slow_mode_seconds: slow, members_only: members, emoji_only: emoji, paused, pinned_notice: pinned } = page.mode;
  fill($('#chat-mode'), [
    paused && t('chat.mode_paused'), slow > 0 && t('chat.mode_slow', { seconds: slow }), members && t('chat.mode_members'), emoji && t('chat.mode_emoji'),
  ].filter(Boolean).map((text) => h('span', { class: 'tag', text })));
  $('#chat-pinned').hidden = !pinned;
  $('#chat-pinned-text').textContent = pinned || '';
}

// Writing.

const text = $('#chat-text');
const sendButton = $('#chat-send');

function coolDown(seconds) {
  page.coolUntil = Math.max(page.coolUntil, performance.now() + seconds * 1000);
  clearInterval(page.coolTimer);
  const tick = () => {
    const left = Math.ceil((page.coolUntil - performance.now()) / 1000);
    sendButton.disabled = left > 0;
    sendButton.textContent = left > 0 ? t('chat.cooldown', { seconds: left }) : t('chat.send');
    showProblem(left > 0 ? t('chat.too_fast', { seconds: left }) : '');
    if (left <= 0) clearInterval(page.coolTimer);
  };
  tick();
  page.coolTimer = setInterval(tick, 250);
}

function submit(event) {
  event.preventDefault();
  const wire = toWire(text.value);
  if (!hasVisible(wire) || performance.now() < page.coolUntil) return;
  if ([...wire].length > MAX_LENGTH) { showProblem(t('chat.too_long', { max: MAX_LENGTH })); return; }
  showProblem('');
  socket.send(wire);
  text.value = '';
  if (page.mode.slow_mode_seconds > 0) coolDown(page.mode.slow_mode_seconds);
  text.focus();
}

function insertEmoji(name) {
  const code = `:${name}:`;
  text.setRangeText(code, text.selectionStart, text.selectionEnd, 'end');
  text.focus();
}

function drawComposer() {
  $('#composer').hidden = !signedIn();
  const host = $('#chat-sign-in');
  host.hidden = signedIn();
  if (!signedIn() && page.lobby && !host.childElementCount) fill(host, signInForm({ sandbox: page.lobby.sandbox, wechatAppId: page.lobby.wechat_app_id, compact: true, id: 'chat-nickname' }));
  if (signedIn()) fill(host);
}

const picker = $('#emoji-list');
fill(picker, EMOJI.map((name) => h('button', { type: 'button', class: 'emoji-button', 'aria-label': `:${name}:`, onclick: () => insertEmoji(name) },
  h('img', { src: `/static/emoji/${name}.svg`, alt: '', width: 28, height: 28 }))));
const emojiToggle = $('#emoji-toggle');
emojiToggle.addEventListener('click', () => {
  picker.hidden = !picker.hidden;
  emojiToggle.setAttribute('aria-expanded', String(!picker.hidden));
});
$('#composer').addEventListener('submit', submit);
text.addEventListener('keydown', (event) => { if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event); });

// The video and what it is about.

const player = new Player($('#stage'), { onStart: () => { page.started = true; countOpening(); } });

/** Whoever is signed in and sees the video move is counted, once a page view. */
function countOpening() {
  if (page.counted || !page.started || !signedIn()) return;
  page.counted = true;
  // A lost count is nobody's trouble.
  h5('POST', '/api/v1/competition/play_notify', { id: Number(id), type: WATCHED_LIVE }, token()).catch(() => null);
}

/** Nothing to see and nobody to talk to: one sentence instead of a screen and a chat. */
function noSuchLive() {
  if (page.unknown) return;
  page.unknown = true;
  socket.stop();
  clearInterval(page.refresh);
  $('#main').classList.add('watch-nothing');
  fill($('#main'), h('div', { class: 'no-live', role: 'alert' },
    h('h1', { i18n: 'live.unknown' }), h('p', { i18n: 'live.unknown_text' }),
    h('p', {}, h('a', { class: 'button button-signal', href: '/', i18n: 'live.to_lobby' }))));
}

function drawAbout() {
  const live = page.live ?? page.lobbyLive;
  if (!live) return;
  const title = localized(live, 'title');
  document.title = `${title} · matchday`;
  const open = page.competition?.games.find((game) => game.open && !game.full);
  const playing = Number(live.live_status) === 1;
  $('#online .live-dot').hidden = !playing;
  fill($('#about'),
    h('div', { class: 'about-head' },
      h('span', { class: playing ? 'live-tag live-tag-on' : 'live-tag', text: t(playing ? 'live.on' : 'live.off') }),
      h('h1', { text: title })),
    live.summary && h('p', { text: localized(live, 'summary') }),
    h('p', { class: 'about-links' },
      page.competition && h('a', { href: '/', text: localized(page.competition, 'title') }),
      open && h('a', { href: `/register.html?game=${encodeURIComponent(open.game_id)}`, text: t('live.enter_race') })));
}

let playing = false;
async function loadLive() {
  // Only the lobby names a stream without a session, and only the room can say that there is no such live.
  if (!signedIn() && !page.lobbyLive) { if (page.welcomed) player.say('live.sign_in_to_watch'); return; }
  try {
    page.live = signedIn() || !page.lobbyLive ? await h5('GET', `/api/v1/competitionlive/${encodeURIComponent(id)}`, undefined, token()) : page.lobbyLive;
    drawAbout();
    const address = safeUrl(page.live.play_m3u8);
    if (!address) player.say('live.no_signal');
    else if (!playing) { playing = true; player.say(''); await player.play(address, { live: Number(page.live.live_status) === 1 }); }
  } catch (problem) {
    if (problem.signedOut) player.say('live.sign_in_to_watch');
    else if (problem.code === 30005) noSuchLive();
    else { player.say('live.broken'); showProblem(errorText(problem)); }
  }
}

/** Finds the live in the lobby: with its competition, or on its own. */
function findInLobby() {
  const places = [...page.lobby.competitions.map((competition) => [competition.lives, competition]), [page.lobby.lives ?? [], null]];
  for (const [lives, competition] of places) {
    const live = lives.find((row) => String(row.id) === id);
    if (live) return Object.assign(page, { competition, lobbyLive: live });
  }
  return null;
}

async function loadLobby() {
  page.lobby = await h5('GET', '/api/lobby').catch(() => page.lobby ?? { competitions: [], lives: [], sandbox: false });
  return findInLobby();
}

/** A live that ends must not be called live any longer. */
async function refresh() {
  if (document.hidden || !(await loadLobby()) || page.unknown) return;
  if (page.live) page.live = { ...page.live, live_status: page.lobbyLive.live_status };
  drawAbout();
}

async function load() {
  await signInFromAddress().catch(() => null);
  await loadLobby();
  drawAbout();
  drawComposer();
  socket.connect();
  await loadLive();
  if (!page.unknown) page.refresh = setInterval(refresh, REFRESH_MS);
}

let had = token();
onSession(() => {
  if (token() === had || page.unknown) return;
  had = token();
  countOpening();
  drawComposer();
  socket.restart();
  if (!playing && signedIn()) loadLive();
});
onLanguage(() => { if (page.unknown) return; drawAbout(); showMode({}); if (page.online) showOnline({}); });
load();
