// Small helpers to build and find elements. Text only ever goes in as text nodes.
import { t } from './i18n.js';

/**
 * h('button', { class: 'button', i18n: 'pay.sandbox', onclick }, child, 'text')
 * `i18n` sets the text and keeps it in step with the language; `text` sets it once;
 * `on…` functions become listeners; everything else is an attribute (null and false leave it out).
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'text') element.textContent = value;
    else if (name === 'i18n') { element.dataset.i18n = value; element.textContent = t(value); }
    else if (name === 'i18nAttr') {
      element.dataset.i18nAttr = value;
      for (const pair of value.split(';')) { const [a, k] = pair.split(':'); element.setAttribute(a, t(k)); }
    } else if (name === 'value') element.value = value;
    else if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Replaces what is inside `element`. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

export const $ = (selector, root = document) => root.querySelector(selector);

/** An error or a hint that is read out when it appears. */
export function notice(kind, text, ...more) {
  return h('div', { class: `notice notice-${kind}`, role: kind === 'error' ? 'alert' : 'status' }, h('p', { text }), more);
}

/** An address from content that may go into `href` or `src`: http(s) or a path of ours, else ''. */
export function safeUrl(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : '';
  } catch { return ''; }
}

/** Random text for client ids and idempotency keys; works without a secure context. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
