// The draw of a game: setting it up, watching its entries, closing, trying and drawing, and what came of it.
import { LONG_WORK_MS, errorText, reasonOf } from './api.js';
import { ListForm } from './admin-draw-list.js';
import { TermsForm } from './admin-draw-terms.js';
import { ask } from './ask.js';
import { fill, h } from './dom.js';
import { count, dateTime } from './format.js';
import { t } from './i18n.js';
import { Answer } from './tabs.js';

const STEPS = ['announce', 'entries', 'close', 'try', 'draw'];
const LONGEST_VALUE = 200;
const COUNTS = ['entries', 'players', 'winners', 'winning_players'];

export class DrawPanel {
  constructor(host, { game, session, onChange }) {
    Object.assign(this, { game, session, onChange, queue: null, shown: undefined, turn: 0, closed: false, busy: false });
    this.path = `games/${encodeURIComponent(game.id)}/draw`;
    this.said = h('p', { class: 'field-ok', role: 'status', 'data-draw-said': '' });
    this.lost = h('p', { class: 'field-error', role: 'alert' });
    this.body = h('div', { class: 'draw-desk' });
    fill(host, this.said, this.lost, this.body);
    this.load();
  }

  close() { this.closed = true; }

  async load() {
    const turn = ++this.turn;
    try {
      const draw = await this.session.call('GET', this.path).catch((problem) => { if (problem.status === 404) return null; throw problem; });
      const queue = await this.session.call('GET', `games/${encodeURIComponent(this.game.id)}/queue`);
      // An act may have told more meanwhile.
      if (this.closed || turn !== this.turn) return;
      this.queue = queue;
      this.lost.textContent = '';
      this.show(draw);
    } catch (problem) {
      if (!this.closed) this.lost.textContent = errorText(problem);
    }
  }

  /** The line's numbers, every second. Another administrator may have closed or drawn. */
  onQueue(queue) {
    const before = this.queue;
    this.queue = queue;
    this.form?.setPlaces(queue.balance);
    if (!this.shown) return;
    if (this.entries) this.entries.textContent = count(queue.tail);
    this.showWarnings();
    const moved = before && (before.state !== queue.state || (this.shown.state === 'closed' && before.events !== queue.events));
    if (moved && !this.busy) this.load();
  }

  /** In the language of now; what is typed stays. */
  draw() {
    if (this.shown === undefined) return;
    this.form?.draw?.();
    if (!this.shown) return;
    this.showFacts();
    this.showTried();
  }

  /** `draw` as the server tells it, null when there is none. `focus`: what had the focus may be gone. */
  show(draw, { focus = false } = {}) {
    const same = this.shown !== undefined && this.shown?.state === draw?.state && Boolean(this.shown) === Boolean(draw);
    this.shown = draw;
    if (!same) this.build();
    if (draw) {
      this.showFacts();
      this.allowRun();
    }
    if (focus) this.head.focus();
  }

  build() {
    const draw = this.shown;
    this.form = null;
    this.tried = null;
    this.triedHost = null;
    this.runButton = null;
    this.head = h('h3', { tabindex: '-1', i18n: draw ? 'admin.draw_title' : 'admin.draw_set_up' });
    if (!draw) { this.buildSetUp(); return; }
    this.steps = h('ol', { class: 'draw-steps', i18nAttr: 'aria-label:admin.draw_steps' });
    this.facts = h('dl', { class: 'draw-facts', 'data-draw-facts': '' });
    this.links = h('div', { class: 'actions' });
    this.warnings = h('div', { 'aria-live': 'polite' });
    fill(this.body,
      h('section', { class: 'line-tool', 'data-draw-state': draw.state }, this.head, this.steps, this.warnings, this.facts, this.links),
      draw.state === 'entries' && [this.lists(), this.closeTool()],
      draw.state === 'closed' && [this.tryTool(), this.runTool()]);
  }

  buildSetUp() {
    const { tail, limitation, balance, opening_at: opening } = this.queue;
    const hinders = tail > 0 ? 'tokens' : opening ? 'opening' : Number(limitation) === 0 || balance < 1 ? 'places' : null;
    if (hinders) {
      fill(this.body, h('section', { class: 'line-tool' }, this.head, h('p', { class: 'field-hint', i18n: 'admin.draw_lead' }), h('p', { class: 'draw-hindered', 'data-hindered': hinders, i18n: `admin.draw_hindered_${hinders}` })));
      return;
    }
    this.form = new TermsForm({
      head: this.head, places: balance,
      send: (terms, button, answer, refused) => this.act(button, answer, async () => {
        const draw = await this.session.call('POST', this.path, terms);
        this.done(draw, 'admin.draw_announced');
      }, refused),
    });
    fill(this.body, this.form.element);
  }

  /** Runs an act, and looks at the draw again when it was refused: somebody else may have been faster. */
  async act(button, answer, work, refused = reasonOf) {
    this.busy = true;
    // What was asked for before is not news afterwards.
    this.turn += 1;
    this.said.textContent = '';
    this.lost.textContent = '';
    const fine = await answer.of(button, async () => (await work()) ?? '', (problem) => { this.problem = refused(problem); return this.problem; });
    this.busy = false;
    if (this.closed) return;
    if (!fine) {
      const text = this.problem;
      await this.load();
      if (!answer.element.isConnected) this.lost.textContent = text;
    }
    // A button that was disabled meanwhile has lost the focus.
    if (document.activeElement === document.body && button?.isConnected) button.focus();
    this.onChange();
  }

  done(draw, key) {
    if (this.closed) return;
    this.show(draw, { focus: true });
    this.said.textContent = t(key);
  }

  showFacts() {
    const draw = this.shown;
    const rule = (quota) => t(`draw.rule_${quota.rule.replace(':', '_')}`);
    const quotas = draw.quotas.map((quota) => t('draw.quota', { name: quota.name, count: count(quota.places), rule: rule(quota) })).join(t('draw.list_separator'));
    const fact = (key, value, props = {}) => value !== null && value !== undefined && value !== ''
      && h('div', {}, h('dt', { text: t(key) }), h('dd', { ...props, 'data-fact': key.split('.')[1], text: String(value) }));
    this.entries = draw.state === 'entries' ? h('dd', { 'data-fact': 'entries', text: count(this.queue.tail) }) : null;
    fill(this.facts,
      fact('draw.state', t(`draw.state_${draw.state}`)),
      fact('draw.places', count(draw.places)),
      this.entries && h('div', {}, h('dt', { text: t('admin.draw_entries_so_far') }), this.entries),
      fact('draw.entrants', draw.entrants === null ? '' : count(draw.entrants)),
      fact('draw.winners', draw.winners === null ? '' : count(draw.winners)),
      fact('admin.draw_dry_runs', draw.state === 'entries' ? '' : count(draw.dry_runs)),
      fact('draw.quotas', quotas),
      fact('admin.draw_announced_at', dateTime(draw.created_at)),
      fact('admin.draw_closed_at', dateTime(draw.closed_at)),
      fact('admin.draw_drawn_at', dateTime(draw.drawn_at)),
      fact('draw.commitment', draw.commitment, { class: 'mono' }),
      fact('draw.root', draw.merkle_root, { class: 'mono' }),
      fact('draw.public_source', draw.public_source),
      fact('draw.public_value', draw.public_value),
      fact('draw.secret', draw.secret, { class: 'mono' }));
    const now = { entries: 1, closed: draw.dry_runs > 0 ? 4 : 3, drawn: STEPS.length }[draw.state];
    fill(this.steps, STEPS.map((step, index) => h('li', { class: index < now ? 'draw-step-done' : null, 'aria-current': index === now ? 'step' : null, text: t(`admin.draw_step_${step}`) })));
    const id = encodeURIComponent(this.game.id);
    fill(this.links,
      h('a', { class: 'button button-quiet button-small', href: `/draw.html?game=${id}`, 'data-draw-page': '', text: t('admin.draw_page') }),
      draw.state !== 'entries' && h('a', { class: 'button button-quiet button-small', href: `/api/draws/${id}/bundle`, download: `draw-${this.game.id}.json`, 'data-draw-bundle': '', text: t('draw.download') }));
    this.showWarnings(true);
  }

  /** Only when they change, so that they are read out once. */
  showWarnings(anew = false) {
    const [draw, queue] = [this.shown, this.queue];
    const texts = [];
    if (draw.state === 'entries' && queue.state !== 'open') texts.push(t('admin.draw_not_open'));
    if (draw.state === 'closed' && queue.state === 'open') texts.push(t('admin.draw_open_again'));
    if (draw.state !== 'drawn' && queue.balance !== draw.places) texts.push(t('admin.draw_places_differ', { free: count(queue.balance), announced: count(draw.places) }));
    const text = texts.join('\n');
    if (!anew && text === this.warned) return;
    this.warned = text;
    fill(this.warnings, texts.map((line) => h('p', { class: 'draw-warning', text: line })));
  }

  lists() {
    const listed = this.shown.quotas.filter((quota) => quota.rule === 'list');
    return listed.map((quota, index) => new ListForm({
      group: quota.name, places: quota.places, id: `draw-list-${index}`, open: listed.length === 1,
      send: (certificates, button, answer, refused, told) => this.act(button, answer, async () => {
        const path = `${this.path}/groups/${encodeURIComponent(quota.name)}`;
        return told(await this.session.call('PUT', path, { certificates }));
      }, refused),
    }).element);
  }

  closeTool() {
    const answer = new Answer();
    const button = h('button', { type: 'button', class: 'button button-primary button-small', i18n: 'admin.draw_close', 'data-draw-close': '' });
    button.addEventListener('click', async () => {
      const sure = await ask({ title: t('admin.draw_close_title'), text: t('admin.draw_close_ask', { count: count(this.queue.tail) }), yes: t('admin.draw_close') });
      if (!sure) return;
      this.act(button, answer, async () => this.done(await this.session.call('POST', `${this.path}/close`, undefined, LONG_WORK_MS), 'admin.draw_closed'));
    });
    return h('section', { class: 'line-tool' }, h('h3', { i18n: 'admin.draw_close_head' }), h('p', { class: 'field-hint', i18n: 'admin.draw_close_hint' }), answer.element, h('div', { class: 'actions' }, button));
  }

  tryTool() {
    const answer = new Answer();
    this.triedHost = h('div', { 'data-draw-tried': '', 'aria-live': 'polite' });
    const button = h('button', { type: 'button', class: 'button button-quiet button-small', i18n: 'admin.draw_try', 'data-draw-try': '' });
    button.addEventListener('click', () => this.act(button, answer, async () => {
      const tried = await this.session.call('POST', `${this.path}/dry-run`, undefined, LONG_WORK_MS);
      if (this.closed || this.shown?.state !== 'closed') return;
      this.tried = tried;
      this.show({ ...this.shown, dry_runs: this.shown.dry_runs + 1 });
      this.showTried();
    }));
    return h('section', { class: 'line-tool' }, h('h3', { i18n: 'admin.draw_try_head' }), h('p', { class: 'field-hint', i18n: 'admin.draw_try_hint' }), h('div', { class: 'actions' }, button), answer.element, this.triedHost);
  }

  showTried() {
    if (!this.tried || !this.triedHost) return;
    const { all, groups, without_group: others, without_part: left, places } = this.tried;
    const columns = ['group', 'reserved', ...COUNTS].map((name) => t(`admin.draw_col_${name}`));
    const row = (name, reserved, counts) => h('tr', {}, [name, reserved, ...COUNTS.map((member) => count(counts[member]))]
      .map((text, index) => h('td', { 'data-label': columns[index], class: index ? 'number' : null }, index ? text : h('strong', { text }))));
    fill(this.triedHost,
      h('div', { class: 'table-wrap' }, h('table', {},
        h('thead', {}, h('tr', {}, columns.map((text, index) => h('th', { scope: 'col', class: index ? 'number' : null, text })))),
        h('tbody', {},
          row(t('admin.draw_all'), count(places), all),
          groups.map((group) => row(group.name, count(group.places), group)),
          groups.length > 0 && row(t('admin.draw_without_group'), '–', others)))),
      left > 0 && h('p', { class: 'field-hint', text: t('admin.draw_without_part', { count: count(left) }) }));
  }

  runTool() {
    const answer = new Answer();
    const error = h('p', { class: 'field-error', role: 'alert', id: 'draw-value-error' });
    const input = h('input', { id: 'draw-value', class: 'input', autocomplete: 'off', maxlength: LONGEST_VALUE, 'aria-describedby': 'draw-value-hint draw-value-error' });
    this.runButton = h('button', { class: 'button button-primary button-small', i18n: 'admin.draw_run', 'data-draw-run': '', 'aria-describedby': 'draw-run-hint' });
    this.runHint = h('p', { class: 'field-hint', id: 'draw-run-hint', i18n: 'admin.draw_run_first' });
    const mark = (text) => {
      error.textContent = text;
      if (!text) { input.removeAttribute('aria-invalid'); return; }
      input.setAttribute('aria-invalid', 'true');
      input.focus();
    };
    const form = h('form', { class: 'line-tool', novalidate: true },
      h('h3', { i18n: 'admin.draw_run_head' }),
      h('p', { class: 'field-hint', i18n: 'admin.draw_run_lead' }),
      h('div', { class: 'field' }, h('label', { for: 'draw-value', i18n: 'draw.public_value' }), input,
        h('p', { class: 'field-hint', id: 'draw-value-hint', i18n: 'admin.draw_value_hint' }), error),
      answer.element, h('div', { class: 'actions' }, this.runButton), this.runHint);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const value = input.value.trim();
      mark(value ? '' : t('admin.draw_value_missing'));
      if (!value || this.runButton.disabled) return;
      if (!(await ask({ title: t('admin.draw_run_title'), text: t('admin.draw_run_ask', { value }), yes: t('admin.draw_run') }))) return;
      this.act(this.runButton, answer, async () => this.done(await this.session.call('POST', `${this.path}/run`, { public_value: value }, LONG_WORK_MS), 'admin.draw_drawn'), (problem) => {
        if (problem.field !== 'public_value') return reasonOf(problem);
        mark(reasonOf(problem));
        return '';
      });
    });
    return form;
  }

  /** The server wants a dry run first. */
  allowRun() {
    if (!this.runButton) return;
    this.runButton.disabled = !(this.shown.dry_runs > 0);
    this.runHint.hidden = this.shown.dry_runs > 0;
  }
}
