// The games panel: choose a game, see its line move second by second, open, pause or close it; its places, rules, draw,
// tokens and files are tabs below.
import { errorText } from './api.js';
import { DrawPanel } from './admin-draw.js';
import { FilesPanel } from './admin-files.js';
import { RulesForm } from './admin-rules.js';
import { StoryPanel } from './admin-story.js';
import { Pager } from './admin-tables.js';
import { ask } from './ask.js';
import { $, fill, h } from './dom.js';
import { count, countdown, dateTime, yuan } from './format.js';
import { t } from './i18n.js';
import { Tabs } from './tabs.js';

const NUMBERS = ['waiting', 'wait_listed', 'rate', 'forecast', 'paid', 'holds', 'withheld', 'balance'];
const HISTORY_SECONDS = 60;
const NS = 'http://www.w3.org/2000/svg';

export class GamesPanel {
  constructor(host, session) {
    Object.assign(this, { host, session, games: [], chosen: null, trail: [], closed: false });
    this.list = h('ul', { class: 'game-list', 'aria-label': t('admin.tab_games') });
    this.detail = h('div', { class: 'game-detail' });
    this.pager = new Pager({ load: (query) => session.call('GET', `games?${query}`), show: (rows) => this.showList(rows), search: 'admin.search_games' });
    fill(host, h('div', { class: 'split' }, h('div', { class: 'split-list' }, this.pager.tools, this.list, this.pager.foot), this.detail));
    this.pager.load();
    this.timer = setInterval(() => { if (!document.hidden) this.poll(); }, 1000);
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    this.tabs?.close();
  }

  draw() {
    this.showList(this.games);
    this.pager.draw();
    if (!this.chosen) return;
    // These keep their language by themselves, and what was typed into them.
    if (!['rules', 'draw', 'files'].includes(this.tabs?.now)) this.buildTabs();
    this.tabs?.view?.draw?.();
    this.drawDetail();
  }

  showList(games) {
    this.games = games;
    fill(this.list, games.length ? games.map((game) => h('li', {},
      h('button', { type: 'button', class: 'game-item', 'aria-pressed': String(game.id === this.chosen?.id), 'data-game': game.id, onclick: () => this.choose(game, true) },
        h('strong', { text: game.name }),
        h('span', { text: `${yuan(game.price)} · ${game.limitation ? t('admin.sold_of', { sold: count(game.sold), limitation: count(game.limitation) }) : t('lobby.unlimited')}` })))) : h('li', { class: 'empty', text: t('admin.none') }));
    if (!this.chosen && games.length) this.choose(games[0]);
  }

  /** `seen`: the reader chose it, and is to see it where it stands below the list. */
  choose(game, seen = false) {
    this.chosen = game;
    this.trail = [];
    this.queue = null;
    for (const button of this.list.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset.game === String(game.id)));
    this.buildTabs();
    this.drawDetail();
    this.poll();
    if (seen && matchMedia('(max-width: 52rem)').matches) this.detail.scrollIntoView({ block: 'start' });
  }

  drawDetail() {
    const game = this.chosen;
    this.numbers = Object.fromEntries(NUMBERS.map((name) => [name, h('dd', { 'data-number': name, text: '–' })]));
    this.state = h('span', { class: 'tag', 'data-queue-state': '' });
    this.bar = h('div', { class: 'places-bar', 'aria-hidden': 'true' }, ['paid', 'holds', 'withheld'].map((name) => h('span', { class: `part part-${name}` })));
    this.limit = h('span', { 'data-limitation': '' });
    this.spark = document.createElementNS(NS, 'svg');
    this.spark.setAttribute('class', 'spark');
    this.spark.setAttribute('viewBox', `0 0 ${HISTORY_SECONDS} 20`);
    this.spark.setAttribute('preserveAspectRatio', 'none');
    this.spark.setAttribute('aria-hidden', 'true');
    this.problem = h('p', { class: 'field-error', role: 'alert' });
    this.done = h('p', { class: 'field-ok', role: 'status' });
    this.odds = h('p', { class: 'board-odds' });
    const may = this.session.may('edit');
    this.buttons = !may ? [] : ['open', 'pause', 'close'].map((act) => h('button', { type: 'button', class: `button button-small button-quiet`, 'data-act': act, text: t(`admin.${act}`), onclick: () => this.act(act) }));
    fill(this.detail,
      h('div', { class: 'detail-head' },
        h('div', {}, h('p', { class: 'eyebrow', text: `#${game.id} · ${dateTime(game.start_time)}` }), h('h2', { text: game.name })),
        h('div', { class: 'detail-state' }, this.state, h('div', { class: 'button-row', role: 'group', 'aria-label': t('admin.queue') }, this.buttons))),
      h('div', { class: 'board' },
        h('dl', { class: 'board-numbers' }, NUMBERS.map((name) => h('div', { class: `board-cell board-${name}` }, h('dt', { text: t(`admin.${name}`) }), this.numbers[name]))),
        this.spark, this.odds),
      h('div', { class: 'places' }, h('p', { class: 'places-legend' },
        ['paid', 'holds', 'withheld'].map((name) => h('span', { class: `key key-${name}`, text: t(`admin.${name}`) })), this.limit), this.bar),
      this.problem, this.done, this.tabs?.list, this.tabs?.panel);
    if (this.queue) this.showQueue();
  }

  /** What can be done with the chosen game; each tab is filled when it is opened. */
  buildTabs() {
    this.tabs?.close();
    const [game, session, edit] = [this.chosen, this.session, this.session.may('edit')];
    const names = edit
      ? { places: 'admin.tool_places', rules: 'admin.tool_rules', draw: 'admin.tool_draw', story: 'admin.tool_story', files: 'admin.tool_files' }
      : session.may('money') ? { story: 'admin.tool_story' } : {};
    const wanted = this.tabs?.now in names ? this.tabs.now : Object.keys(names)[0];
    // A role that may see neither registrations nor orders has the numbers only.
    this.tabs = !wanted ? null : new Tabs({
      id: 'game', label: 'admin.tools', names,
      open: (name, host) => {
        if (name === 'places') { fill(host, this.placesForm(game), this.editForm(game)); return null; }
        if (name === 'rules') return this.openRules(host);
        if (name === 'draw') return new DrawPanel(host, { game, session, onChange: () => this.poll() });
        if (name === 'story') return new StoryPanel(host, { game, session, mayReplay: edit });
        return new FilesPanel(host, { game, session, onChange: () => { this.poll(); this.pager.load(); } });
      },
    });
    this.tabs?.open(wanted);
  }

  async openRules(host) {
    const game = this.chosen;
    const path = `games/${encodeURIComponent(game.id)}/queue`;
    try {
      const queue = await this.session.call('GET', path);
      if (this.chosen !== game || this.tabs?.now !== 'rules') return;
      new RulesForm(host, { queue, save: (patch) => this.session.call('PATCH', path, patch) });
    } catch (problem) {
      fill(host, h('p', { class: 'field-error', role: 'alert', text: errorText(problem) }));
    }
  }

  numberField(id, label, value, attributes = {}) {
    return h('div', { class: 'field' }, h('label', { for: id, text: t(label) }), h('input', { id, class: 'input', type: 'number', min: 0, step: 1, inputmode: 'numeric', value, ...attributes }));
  }

  placesForm(game) {
    const form = h('form', { class: 'inline-form' },
      h('h3', { text: t('admin.set_places') }),
      this.numberField('limitation', 'admin.limitation', game.limitation, { required: true, max: 2147483647 }),
      this.numberField('balance', 'admin.balance_new', '', { max: 2147483647, placeholder: t('admin.balance_auto') }),
      h('button', { class: 'button button-primary button-small', text: t('admin.save_places'), 'data-save-places': '' }),
      h('p', { class: 'field-hint', text: t('admin.places_hint') }));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const balance = $('#balance', form).value;
      const members = { game_id: String(game.id), limitation: Number($('#limitation', form).value) };
      if (balance !== '') members.balance = Number(balance);
      this.write(() => this.session.command('RegSetGameLimitation', members), () => { $('#balance', form).value = ''; });
    });
    return form;
  }

  editForm(game) {
    const form = h('form', { class: 'inline-form' },
      h('div', { class: 'field' }, h('label', { for: 'game-name', text: t('admin.name') }), h('input', { id: 'game-name', class: 'input', value: game.name, required: true, maxlength: 64 })),
      this.numberField('game-price', 'admin.price', game.price, { step: 0.01, inputmode: 'decimal', required: true }),
      h('button', { class: 'button button-quiet button-small', text: t('admin.save') }));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.write(() => this.session.call('PATCH', `games/${encodeURIComponent(game.id)}`, { name: $('#game-name', form).value.trim(), price: Number($('#game-price', form).value) }));
    });
    return h('details', { class: 'edit' }, h('summary', { text: t('admin.edit') }), form);
  }

  async act(act) {
    if (act === 'close' && !(await ask({ title: t('admin.close_title'), text: t('admin.close_ask'), yes: t('admin.close') }))) return;
    this.write(() => this.session.call('POST', `games/${encodeURIComponent(this.chosen.id)}/queue/${act}`, {}));
  }

  async write(work, after = () => {}) {
    this.problem.textContent = '';
    this.done.textContent = '';
    try {
      await work();
      after();
      this.done.textContent = t('admin.saved');
      await Promise.all([this.poll(), this.pager.load()]);
    } catch (problem) {
      this.problem.textContent = errorText(problem);
    }
  }

  async poll() {
    const game = this.chosen;
    if (!game || this.closed || this.polling) return;
    this.polling = true;
    try {
      const queue = await this.session.call('GET', `games/${encodeURIComponent(game.id)}/queue`);
      if (this.closed || game !== this.chosen) return;
      this.queue = queue;
      this.trail.push(queue.waiting - queue.wait_listed);
      this.trail.splice(0, Math.max(0, this.trail.length - HISTORY_SECONDS));
      if (this.lost) { this.lost = false; this.problem.textContent = ''; }
      this.showQueue();
      this.tabs?.view?.onQueue?.(queue);
    } catch (problem) {
      if (this.closed) return;
      this.lost = true;
      this.problem.textContent = errorText(problem);
    } finally { this.polling = false; }
  }

  showQueue() {
    const queue = this.queue;
    const unlimited = Number(queue.limitation) === 0;
    // The server counts the wait-list among those who wait; here each has its own number.
    const texts = {
      waiting: count(queue.waiting - queue.wait_listed),
      balance: unlimited ? '∞' : null,
      rate: Number(queue.rate ?? 0).toFixed(queue.rate < 10 ? 1 : 0),
      forecast: queue.forecast === null ? '–' : queue.forecast === 0 ? '0' : countdown(queue.forecast),
    };
    for (const name of NUMBERS) this.numbers[name].textContent = texts[name] ?? count(queue[name]);
    this.odds.textContent = t('admin.odds', { tail: count(queue.tail), head: count(queue.head), events: count(queue.events) });
    const state = String(queue.state ?? '').toLowerCase();
    this.state.className = `tag tag-queue-${state}`;
    const named = t(`admin.state_${state}`);
    this.state.textContent = named.startsWith('admin.') ? state : named;
    for (const button of this.buttons) button.disabled = { open: 'open', paused: 'pause', closed: 'close' }[state] === button.dataset.act;
    const of = Math.max(1, Number(queue.limitation));
    for (const name of ['paid', 'holds', 'withheld']) $(`.part-${name}`, this.bar).style.setProperty('--part', String(unlimited ? 0 : Math.min(1, Number(queue[name] ?? 0) / of)));
    this.limit.textContent = unlimited ? t('lobby.unlimited') : t('admin.of_places', { limitation: count(queue.limitation) });
    const top = Math.max(1, ...this.trail);
    const points = this.trail.map((value, index) => `${HISTORY_SECONDS - this.trail.length + index},${(19 - (value / top) * 17).toFixed(1)}`).join(' ');
    const line = document.createElementNS(NS, 'polyline');
    line.setAttribute('points', points);
    this.spark.replaceChildren(line);
  }
}
