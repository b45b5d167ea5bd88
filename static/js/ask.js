// A question that has to be answered before something is given up: a modal dialog of the page's own.
import { h } from './dom.js';
import { t } from './i18n.js';

let nextId = 1;

/** True when the reader presses `yes`; false for `no`, Escape and a click beside the dialog. */
export function ask({ title, text, yes, no = t('ask.no') }) {
  const id = `ask-${nextId++}`;
  return new Promise((resolve) => {
    const cancel = h('button', { type: 'button', class: 'button button-quiet', text: no, 'data-no': '', onclick: () => dialog.close('no') });
    const dialog = h('dialog', { class: 'ask', 'aria-labelledby': id },
      h('h2', { id, text: title }), text && h('p', { text }),
      h('div', { class: 'actions' }, cancel,
        h('button', { type: 'button', class: 'button button-primary', text: yes, 'data-yes': '', onclick: () => dialog.close('yes') })));
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close('no'); });
    dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue === 'yes'); });
    document.body.append(dialog);
    dialog.showModal();
    cancel.focus();
  });
}
