// The bar that the public pages share: language switch and who is signed in.
import { $, fill, h } from './dom.js';
import { language, onLanguage, setLanguage, t } from './i18n.js';
import { onSession, signedIn, signOut, username } from './session.js';

export function languageSwitch(host) {
  const draw = () => fill(host, ['zh', 'en'].map((code) => h('button', {
    type: 'button', class: 'lang-button', lang: code === 'zh' ? 'zh-CN' : 'en',
    'aria-pressed': String(language() === code), 'aria-label': code === 'zh' ? '中文' : 'EN, English',
    text: code === 'zh' ? '中' : 'EN', onclick: () => { setLanguage(code); host.querySelector('[aria-pressed="true"]')?.focus(); },
  })));
  draw();
  onLanguage(draw);
}

function sessionChip(host) {
  const draw = () => fill(host, signedIn() && [
    h('span', { class: 'who', title: username(), text: username() }),
    h('button', { type: 'button', class: 'bar-button', text: t('nav.sign_out'), onclick: signOut }),
  ]);
  draw();
  onLanguage(draw);
  onSession(draw);
}

const languageHost = $('[data-language-switch]');
if (languageHost) languageSwitch(languageHost);
const sessionHost = $('[data-session]');
if (sessionHost) sessionChip(sessionHost);
