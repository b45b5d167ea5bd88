// "Why did I not get in?": what the log tells about one token, and whether the log and the stored line agree.
import { errorText } from './api.js';
import { fill, h, notice } from './dom.js';
import { count, parseTime } from './format.js';
import { language, t } from './i18n.js';
import { chapterText } from './story-texts.js';
import { readToken } from './token-number.js';

/** To the second and in Beijing's time, as all times of this page. */
const exact = (value) => parseTime(value)?.toLocaleString(language() === 'zh' ? 'zh-CN' : 'en-GB', { timeZone: 'Asia/Shanghai', dateStyle: 'medium', timeStyle: 'medium' }) ?? '';

/** Looks a token up by its number, or by the token itself as a registrant may paste it. */
export class StoryPanel {
  constructor(host, { game, session, mayReplay }) {
    Object.assign(this, { game, session });
    this.input = h('input', { id: 'story-number', class: 'input', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': 'story-hint' });
    this.found = h('div', { class: 'story', 'data-story': '', 'aria-live': 'polite' });
    const form = h('form', { class: 'line-tool', novalidate: true },
      h('h3', { i18n: 'admin.story_title' }),
      h('div', { class: 'field' }, h('label', { for: 'story-number', i18n: 'admin.story_number' }),
        h('div', { class: 'input-row' }, this.input, h('button', { class: 'button button-primary button-small', i18n: 'admin.story_look', 'data-look': '' })),
        h('p', { class: 'field-hint', id: 'story-hint', i18n: 'admin.story_hint' })),
      this.found);
    form.addEventListener('submit', (event) => { event.preventDefault(); this.look(); });
    this.replayed = h('div', { 'data-replay-result': '', 'aria-live': 'polite' });
    this.replayButton = h('button', { type: 'button', class: 'button button-quiet button-small', i18n: 'admin.replay', 'data-replay': '', onclick: () => this.replay() });
    fill(host, form, mayReplay && h('div', { class: 'line-tool' }, h('h3', { i18n: 'admin.replay_title' }), h('p', { class: 'field-hint', i18n: 'admin.replay_hint' }), h('div', { class: 'actions' }, this.replayButton), this.replayed));
  }

  async look() {
    const text = this.input.value.trim();
    const token = readToken(text);
    if (token && token.gameId !== String(this.game.id)) { fill(this.found, notice('error', t('admin.story_other_game', { game: token.gameId }))); return; }
    const sequence = token?.sequence ?? text;
    if (!/^\d{1,15}$/.test(sequence)) { fill(this.found, notice('error', t('admin.story_no_number'))); return; }
    try {
      const story = await this.session.call('GET', `games/${encodeURIComponent(this.game.id)}/tokens/${sequence}`);
      fill(this.found, this.tell(story));
    } catch (problem) {
      fill(this.found, notice('error', problem.status === 404 ? t('admin.story_none', { number: sequence }) : errorText(problem)));
    }
  }

  tell(story) {
    const fact = (key, value) => value && h('div', {}, h('dt', { text: t(key) }), h('dd', { text: value }));
    return [
      h('dl', { class: 'facts-row' },
        fact('admin.story_sequence', count(story.sequence)), fact('admin.story_state', t(`admin.token_${story.state.replaceAll(' ', '_')}`)),
        fact('admin.story_places', count(story.places)), fact('admin.col_account_id', `#${story.account_id}`), fact('admin.col_order_no', story.order_no)),
      h('ol', { class: 'story-lines' }, story.story.map((chapter) => h('li', {},
        h('span', { class: 'story-time', text: `${exact(chapter.at)} · ${t('admin.story_event', { number: chapter.event })}` }),
        h('span', { class: 'story-text', text: chapterText(chapter.text) })))),
    ];
  }

  async replay() {
    this.replayButton.disabled = true;
    fill(this.replayed, h('p', { text: t('admin.replaying') }));
    try {
      const report = await this.session.call('GET', `games/${encodeURIComponent(this.game.id)}/replay`);
      const counts = { events: count(report.events), tokens: count(report.tokens), orders: count(report.orders) };
      fill(this.replayed, report.differences.length
        ? notice('error', t('admin.replay_differs', { count: report.differences.length }), h('ul', { class: 'plain-list' }, report.differences.map((text) => h('li', { lang: 'en', text }))))
        : h('p', { class: 'field-ok', text: t('admin.replay_agrees', counts) }));
    } catch (problem) {
      fill(this.replayed, notice('error', errorText(problem)));
    } finally {
      this.replayButton.disabled = false;
    }
  }
}
