// A row of tabs over one panel: roles, arrow keys, one stop for the Tab key.
import { h } from './dom.js';
import { t } from './i18n.js';

export class Tabs {
  /** `names` with the text key of each; `open(name, host)` fills the panel and may return something with `close()`. */
  constructor({ id, label, names, open }) {
    Object.assign(this, { id, names: Object.keys(names), fillPanel: open, now: null, view: null });
    this.buttons = Object.entries(names).map(([name, key]) => h('button', {
      type: 'button', role: 'tab', id: `${id}-tab-${name}`, 'aria-controls': `${id}-panel`, i18n: key, 'data-tab': name, onclick: () => this.open(name),
    }));
    this.list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': t(label) }, this.buttons);
    this.list.addEventListener('keydown', (event) => this.step(event));
    this.panel = h('div', { role: 'tabpanel', id: `${id}-panel`, class: 'tab-panel', tabindex: '-1' });
  }

  step(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = this.buttons.indexOf(document.activeElement);
    const next = (at + by + this.names.length) % this.names.length;
    this.open(this.names[next]);
    this.buttons[next].focus();
  }

  open(name) {
    this.close();
    this.now = name;
    this.buttons.forEach((button, index) => {
      const now = this.names[index] === name;
      button.setAttribute('aria-selected', String(now));
      button.tabIndex = now ? 0 : -1;
    });
    this.panel.setAttribute('aria-labelledby', `${this.id}-tab-${name}`);
    this.panel.replaceChildren();
    this.view = this.fillPanel(name, this.panel) ?? null;
  }

  close() {
    this.view?.close?.();
    this.view = null;
  }
}

/** A form's answer: an error that is read out, or that it worked. */
export class Answer {
  constructor() {
    this.error = h('p', { class: 'field-error', role: 'alert' });
    this.done = h('p', { class: 'field-ok', role: 'status' });
    this.element = h('div', { class: 'answer' }, this.error, this.done);
  }

  /** Runs `work`, the button disabled meanwhile; what it returns is said (a text) or `Saved`. */
  async of(button, work, textOf) {
    this.error.textContent = '';
    this.done.textContent = '';
    if (button) button.disabled = true;
    try {
      const text = await work();
      this.done.textContent = typeof text === 'string' ? text : t('admin.saved');
      return true;
    } catch (problem) {
      this.error.textContent = textOf(problem);
      return false;
    } finally {
      if (button) button.disabled = false;
    }
  }
}

