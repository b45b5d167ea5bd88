// The sign-in form of the viewer and registrant pages. In the sandbox a nickname signs in; with a real provider the page
// has to be opened inside WeChat, where a button goes to its sign-in and comes back.
import { errorText } from './api.js';
import { h } from './dom.js';
import { language, t } from './i18n.js';
import { cameStray, nicknameFits, signInSandbox, wechatSignIn } from './session.js';

function suggestion() {
  const number = String(crypto.getRandomValues(new Uint16Array(1))[0] % 9000 + 1000);
  return language() === 'zh' ? `跑者${number}` : `Runner${number}`;
}

/** Why the reader is asked to sign in although a link said to do it. */
const strayNotice = () => cameStray() && h('p', { class: 'notice notice-error', role: 'alert', 'data-stray': '', i18n: 'signin.stray' });

function wechatForm(appId) {
  if (!appId || !/MicroMessenger/i.test(navigator.userAgent)) return h('p', { class: 'notice notice-info', i18n: 'signin.wechat' });
  return h('button', { type: 'button', class: 'button button-primary', 'data-wechat': '', i18n: 'signin.wechat_button', onclick: () => location.assign(wechatSignIn(appId)) });
}

/** `sandbox` and `wechatAppId` come from the lobby's answer; `compact` is the one-line form under the chat. */
export function signInForm({ sandbox, wechatAppId = null, compact = false, id = 'nickname' }) {
  if (!sandbox) return h('div', { class: 'signin' }, strayNotice(), wechatForm(wechatAppId));
  const error = h('p', { class: 'field-error', id: `${id}-error`, role: 'alert' });
  const input = h('input', {
    id, name: 'nickname', class: 'input', autocomplete: 'nickname', maxlength: 25, required: true,
    'aria-describedby': `${id}-hint ${id}-error`, value: suggestion(),
  });
  const button = h('button', { class: 'button button-primary', i18n: compact ? 'signin.join' : 'signin.submit' });
  const form = h('form', { class: compact ? 'signin signin-compact' : 'signin', novalidate: true },
    strayNotice(),
    h('div', { class: 'field' },
      h('label', { for: id, i18n: compact ? 'signin.nickname_chat' : 'signin.nickname' }),
      h('div', { class: 'input-row' }, input, button),
      h('p', { class: 'field-hint', id: `${id}-hint`, i18n: 'signin.hint' }),
      error));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    error.textContent = '';
    input.removeAttribute('aria-invalid');
    if (!nicknameFits(input.value)) {
      error.textContent = t('signin.length');
      input.setAttribute('aria-invalid', 'true');
      input.focus();
      return;
    }
    button.disabled = true;
    try {
      await signInSandbox(input.value);
    } catch (problem) {
      error.textContent = errorText(problem);
    } finally {
      button.disabled = false;
    }
  });
  return form;
}
