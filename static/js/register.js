// The registration page: sign in → players → place in line → payment → done. Owns which step is
// shown; each step is drawn by its own module.
import './header.js';
import { errorText, h5, memberOf, placesLimitOf } from './api.js';
import { $, fill, h, notice } from './dom.js';
import { EntryGate, gateText } from './entry-gate.js';
import { count, dateTime, yuan } from './format.js';
import { localized, onLanguage, t } from './i18n.js';
import { LineFacts } from './line-facts.js';
import { LineList, shortPlace } from './line-list.js';
import { LineView } from './line-view.js';
import { OrderList } from './orders.js';
import { PaymentView, raceOrders } from './payment.js';
import { PlayerForm } from './player-form.js';
import { ADMITTED, PlaceInLine, WAITING, forget, remembered } from './queue.js';
import { account, onSession, signInFromAddress, signOut, signedIn, token } from './session.js';
import { signInForm } from './sign-in-form.js';
import { tabStore } from './store.js';

const STEPS = ['signin', 'form', 'line', 'pay', 'done'];
const stage = $('#stage');
const gameId = new URLSearchParams(location.search).get('game');
const page = { lobby: null, competition: null, game: null, step: null, view: null, place: null, facts: null, form: null, gate: null, players: 1 };

const orders = new OrderList($('#orders'), { token, onPay: (order) => showPayment(order), onBack: givenBack, onChange: (rows) => lines.settle(rows) });

const lines = new LineList($('#lines'), { gameName });

function gameName(id) {
  const games = page.lobby?.competitions.flatMap((competition) => competition.games) ?? [];
  const game = games.find((row) => String(row.game_id) === String(id));
  return game ? localized(game, 'name') : `#${id}`;
}

function closeView() {
  page.view?.close?.();
  page.gate?.close();
  page.facts?.close();
  Object.assign(page, { view: null, gate: null, facts: null });
}

function go(step) {
  closeView();
  page.step = step;
  $('#steps').hidden = step === 'pick';
  STEPS.forEach((name, index) => {
    const item = $(`[data-step="${name}"]`);
    const at = STEPS.indexOf(step);
    item.classList.toggle('step-done', index < at || step === 'done');
    item.classList.toggle('step-now', index === at && step !== 'done');
    if (index === at) item.setAttribute('aria-current', 'step'); else item.removeAttribute('aria-current');
  });
  document.body.dataset.at = step;
}

/** The game's strip on top of the page. */
function showGame() {
  const host = $('#game');
  if (!page.game) { fill(host); return; }
  const { game, competition } = page;
  const places = game.limitation === 0 ? t('lobby.unlimited') : game.full ? t(game.wait_list ? 'lobby.full_list' : 'lobby.full') : t('lobby.left', { count: count(game.balance) });
  fill(host,
    h('p', { class: 'eyebrow', text: `${localized(competition, 'title')} · ${dateTime(competition.play_time)}` }),
    h('h1', { text: localized(game, 'name') }),
    h('p', { class: 'game-facts' },
      h('span', { text: t('register.price_each', { price: yuan(game.price) }) }),
      h('span', { text: places }),
      page.step === 'form' && page.players > 1 && h('strong', { text: t('register.total', { count: page.players, price: yuan(game.price * page.players) }) })));
  showTitle();
}

/** The place is in the tab's title, so that it can be seen from another tab. */
function showTitle() {
  const line = page.step === 'line' ? page.place?.line : null;
  const turn = page.step === 'pay' && t('title.turn');
  const at = turn || (line?.state === WAITING && shortPlace(line));
  document.title = [at, localized(page.game, 'name'), 'matchday'].filter(Boolean).join(' · ');
}

function pickText(game) {
  if (!game.open) return game.opening_at ? t('lobby.opens_at', { time: dateTime(game.pre_queue_at ?? game.opening_at) }) : t('lobby.not_open');
  return game.full ? t(game.wait_list ? 'lobby.full_list' : 'lobby.full') : yuan(game.price);
}

function showPicker() {
  go('pick');
  fill($('#game'), h('h1', { i18n: 'register.pick' }));
  const open = page.lobby.competitions.filter((competition) => competition.games.length);
  fill(stage, open.map((competition) => h('section', { class: 'pick' },
    h('h2', { text: localized(competition, 'title') }),
    h('ul', { class: 'pick-list' }, competition.games.map((game) => h('li', {},
      h('a', { href: `/register.html?game=${encodeURIComponent(game.game_id)}` },
        h('strong', { text: localized(game, 'name') }), h('span', { text: pickText(game) }))))))));
}

function showSignIn(text) {
  go('signin');
  fill(stage, text && notice('info', text), h('div', { class: 'panel panel-narrow' },
    h('h2', { i18n: 'signin.title' }), h('p', { class: 'panel-lead', i18n: 'signin.lead' }),
    signInForm({ sandbox: page.lobby.sandbox, wechatAppId: page.lobby.wechat_app_id })));
}

function showForm() {
  go('form');
  const faults = h('p', { class: 'field-error', role: 'alert' });
  const submit = h('button', { class: 'button button-primary button-wide', i18n: 'form.submit', 'data-submit': '' });
  const host = h('div');
  const gateNotice = h('div', { 'data-gate': '' });
  const showGate = () => { const text = gateText(page.game); fill(gateNotice, text && notice('info', text)); };
  const form = h('form', { class: 'panel', novalidate: true },
    h('h2', { i18n: 'form.title' }), h('p', { class: 'panel-lead', i18n: 'form.lead' }),
    gateNotice, host, faults, submit, h('p', { class: 'field-hint', i18n: 'form.privacy' }));
  page.form = new PlayerForm(host, {
    onCount: (players) => { page.players = players; showGame(); },
    onChange: () => { faults.textContent = ''; tabStore.setJson(`draft.${gameId}`, page.form.draft()); },
  });
  page.form.restore(tabStore.getJson(`draft.${gameId}`));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const players = page.form.collect();
    if (!players) { faults.textContent = t('form.faults'); return; }
    submit.disabled = true;
    try {
      await enterLine(players, (text) => { faults.textContent = text; });
      tabStore.remove(`draft.${gameId}`);
    } catch (problem) {
      if (problem.signedOut) { signOut(); return; }
      const member = memberOf(problem);
      const places = placesLimitOf(problem);
      if (places) faults.textContent = t(places.day ? 'form.places_day' : 'form.places_open', places);
      else faults.textContent = member && page.form.refuse(member) ? t('form.faults') : errorText(problem);
    } finally {
      submit.disabled = false;
    }
  });
  showGate();
  page.gate = new EntryGate(submit, page.game, showGate);
  const unlisten = onLanguage(showGate);
  page.view = { close: unlisten };
  fill(stage, form);
}

const placeInLine = () => new PlaceInLine({ gameId, account: account(), token: token(), onChange: showLine, stream: true });

/** Takes a place; while the server is too busy it says so and tries again. */
async function enterLine(players, say) {
  for (;;) {
    page.place?.stop();
    page.place = placeInLine();
    try {
      await page.place.enter(players);
      return;
    } catch (problem) {
      page.place.stop();
      if (!problem.retryable) throw problem;
      await busyCountdown(Math.ceil((problem.retryAfter ?? 2) * (1 + Math.random() / 4)), problem, say);
    }
  }
}

async function busyCountdown(seconds, problem, say) {
  for (let left = seconds; left > 0; left -= 1) {
    say(t(problem.kind === 'network' ? 'form.offline' : 'form.busy', { seconds: left }));
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
  say('');
}

function showLine(line) {
  if (line.problem?.signedOut) { page.place.stop(); signOut(); return; }
  lines.show(line);
  if (page.view instanceof PaymentView && page.view.order.order_no !== line.orderNo) {
    // Another order is being paid: that is not interrupted. The list shows the place, and the order when it is made.
    if (line.state !== WAITING) orders.refresh();
    return;
  }
  if (line.state === ADMITTED) {
    page.place.stop();
    openOrder(line.orderNo);
    return;
  }
  if (page.step !== 'line') {
    go('line');
    page.facts = new LineFacts(gameId, () => page.view?.show(page.place.line));
    page.view = new LineView(stage, {
      gameId,
      gameName: () => localized(page.game, 'name'),
      closesAt: () => page.competition.closes_at,
      facts: () => page.facts?.now,
      onLeave: () => page.place.leave(),
      onAgain: () => { page.place.stop(); forget(gameId, account()); reload(); },
      onOrders: () => $('#orders-title').focus(),
    });
    stage.scrollIntoView({ block: 'start' });
    orders.refresh();
  }
  page.facts.see(line.phase);
  page.view.show(line);
  showTitle();
}

/** From an order number to its payment, its receipt, or the reason why there is neither. */
async function openOrder(orderNo) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const list = await raceOrders(token());
      const order = list.find((row) => row.order_no === orderNo);
      if (order?.pay_status === 1) showDone(order);
      else if (order?.pay_status === 0) showPayment(order);
      else { forget(gameId, account()); showEnded(order); }
      return;
    } catch (problem) {
      if (problem.signedOut) { signOut(); return; }
      go('pay');
      fill(stage, notice('error', `${errorText(problem)} ${t('line.retrying')}`));
      await new Promise((resolve) => { setTimeout(resolve, Math.min(15000, 1000 * 2 ** attempt)); });
    }
  }
}

function showPayment(order) {
  go('pay');
  page.view = new PaymentView(stage, {
    order,
    token: token(),
    sandbox: page.lobby.sandbox,
    windowSeconds: page.lobby.payment_window_seconds,
    onPaid: showDone,
    onExpired: () => { forget(order.game_id ?? gameId, account()); showEnded(order); },
  });
  stage.scrollIntoView({ block: 'start' });
  orders.refresh();
  if (page.game) showTitle();
}

function showDone(order) {
  forget(order.game_id ?? gameId, account());
  go('done');
  fill(stage, h('div', { class: 'done', 'data-paid': '' },
    h('div', { class: 'bib bib-paid' },
      h('div', { class: 'bib-top' }, h('span', { i18n: 'done.paid' }), h('span', { class: 'bib-game', text: order.game_name || '' })),
      h('p', { class: 'bib-number bib-number-word', i18n: 'done.in' })),
    h('div', { class: 'done-text' },
      h('h2', { i18n: 'done.title', tabindex: '-1' }), h('p', { i18n: 'done.text' }),
      h('p', { class: 'mono', text: order.order_no }),
      h('div', { class: 'actions' },
        page.competition?.lives?.[0] && h('a', { class: 'button button-primary', href: `/live.html?id=${page.competition.lives[0].id}`, i18n: 'done.watch' }),
        h('a', { class: 'button button-quiet', href: '/', i18n: 'done.lobby' })))));
  $('h2', stage).focus();
  orders.refresh();
}

/** An order was cancelled from the list: its payment page is over too. */
function givenBack(order) {
  if (!(page.view instanceof PaymentView) || page.view.order.order_no !== order.order_no || order.pay_status !== 0) return;
  forget(order.game_id ?? gameId, account());
  showEnded({ ...order, pay_status: 2 });
}

function showEnded(order) {
  go('pay');
  const key = order?.pay_status === 3 ? 'ended.refunded' : order ? 'ended.cancelled' : 'ended.unknown';
  fill(stage, h('div', { class: 'outcome', role: 'alert' },
    h('h2', { i18n: key }), h('p', { i18n: 'ended.text' }),
    h('div', { class: 'actions' }, h('button', { type: 'button', class: 'button button-primary', i18n: 'outcome.again', onclick: reload }))));
  orders.refresh();
}

/** Decides the step from who is signed in and what is remembered of the line. */
function start() {
  closeView();
  page.place?.stop();
  orders.refresh();
  lines.follow({ account: account(), token: token(), shown: gameId });
  if (!signedIn()) { showSignIn(); showGame(); return; }
  if (!page.game) {
    if (gameId) fill(stage, notice('error', t('register.unknown_game'))); else showPicker();
    return;
  }
  const saved = remembered(gameId, account());
  if (saved) {
    page.place = placeInLine();
    page.place.resume(saved);
  } else showForm();
  showGame();
}

/** Starts anew with the numbers of now. */
async function reload() {
  await readLobby().catch(() => null);
  start();
}

async function readLobby() {
  page.lobby = await h5('GET', '/api/lobby');
  for (const competition of page.lobby.competitions) {
    const game = competition.games.find((row) => String(row.game_id) === gameId);
    if (game) Object.assign(page, { competition, game });
  }
}

async function load() {
  try {
    await signInFromAddress().catch(() => null);
    await readLobby();
  } catch (problem) {
    fill(stage, notice('error', errorText(problem), h('button', { type: 'button', class: 'button button-primary', i18n: 'error.again', onclick: load })));
    return;
  }
  start();
}

onSession(() => page.lobby && start());
onLanguage(showGame);
load();
