// Texts in two languages: choosing, remembering and switching the language, and filling elements
// that carry `data-i18n` (text) or `data-i18n-attr` ("aria-label:key;placeholder:key").
// Switching never reloads a page; views that build their own text listen with onLanguage().
import zh from './texts/zh.js';
import en from './texts/en.js';
import { store } from './store.js';

const tables = { zh: { ...zh }, en: { ...en } };
const listeners = new Set();
let current = document.documentElement.lang.startsWith('zh') ? 'zh' : 'en';

export const language = () => current;

/** The text of a key; `{name}` in it is replaced from `params`. Missing keys show as themselves. */
export function t(key, params) {
  const text = tables[current][key] ?? tables.zh[key] ?? key;
  if (!params) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}

/** Adds the texts of a page that not everybody loads. */
export function addTexts(more) {
  for (const [name, texts] of Object.entries(more)) Object.assign(tables[name], texts);
  applyTexts();
}

/** True when the current table knows the key. */
export const has = (key) => key in tables[current];

/** Content that the server may hold in two languages: `title` and `title_en`. */
export function localized(row, field) {
  return (current === 'en' && row[`${field}_en`]) || row[field] || '';
}

/** Fills every marked element under `root`, itself included. */
export function applyTexts(root = document) {
  const marked = root.querySelectorAll('[data-i18n], [data-i18n-attr]');
  const all = root.matches?.('[data-i18n], [data-i18n-attr]') ? [root, ...marked] : marked;
  for (const element of all) {
    if (element.dataset.i18n) element.textContent = t(element.dataset.i18n);
    for (const pair of (element.dataset.i18nAttr ?? '').split(';').filter(Boolean)) {
      const [attribute, key] = pair.split(':');
      element.setAttribute(attribute, t(key));
    }
  }
}

export function setLanguage(next) {
  if (!(next in tables)) return;
  current = next;
  store.set('lang', next);
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
  applyTexts();
  for (const listener of listeners) listener(next);
}

export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

applyTexts();
document.documentElement.removeAttribute('data-lang-pending');
