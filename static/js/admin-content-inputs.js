// One control for each kind of column. A control has `element`, `input` (which takes the focus), `set(value)`, `get()`
// (the value as the server takes it) and may have `fault()`: the text of what is wrong with what was typed.
import { reasonOf } from './api.js';
import { choicesOf, isPicture } from './admin-content-labels.js';
import { Picker } from './admin-content-pick.js';
import { fill, h, safeUrl } from './dom.js';
import { count } from './format.js';
import { t } from './i18n.js';

/** Characters up to which a text has a line and not an area. */
const LINE = 200;
const PREVIEW_DELAY_MS = 500;

function line({ id, column }, type = 'text', props = {}) {
  const input = h('input', { id, class: 'input', type, autocomplete: 'off', ...props });
  return {
    element: input, input,
    set: (value) => { input.value = value ?? ''; },
    get: () => { const text = input.value.trim(); return text === '' && column.nullable ? null : text; },
  };
}

const tooLong = ({ most }, text) => most && [...text].length > most && t('content.too_long', { most: count(most) });

function text(about) {
  const { id, column } = about;
  if (column.kind !== 'text' || column.most <= LINE) {
    const control = line(about);
    return { ...control, fault: () => tooLong(column, control.input.value.trim()) };
  }
  const input = h('textarea', { id, class: 'input', rows: 3 });
  return { element: input, input, set: (value) => { input.value = value ?? ''; }, get: () => input.value.trim(), fault: () => tooLong(column, input.value.trim()) };
}

/** HTML with a look at what the server leaves of it. */
function rich({ id, column, session }) {
  const input = h('textarea', { id, class: 'input mono', rows: 4, spellcheck: 'false' });
  const shown = h('div', { class: 'rich-preview', 'data-preview': column.name, 'aria-live': 'polite' });
  const details = h('details', { class: 'rich-look' }, h('summary', { i18n: 'content.preview' }), shown);
  let asked = 0;
  let delay;
  const look = async () => {
    if (!details.open) return;
    const number = ++asked;
    try {
      const { html } = await session.call('POST', 'rich-text', { html: input.value });
      if (number === asked) showRich(shown, html);
    } catch (problem) {
      if (number === asked) fill(shown, h('p', { class: 'field-error', text: reasonOf(problem) }));
    }
  };
  input.addEventListener('input', () => { clearTimeout(delay); delay = setTimeout(look, PREVIEW_DELAY_MS); });
  details.addEventListener('toggle', look);
  return { element: h('div', { class: 'rich' }, input, details), input, set: (value) => { input.value = value ?? ''; look(); }, get: () => input.value.trim(), fault: () => tooLong(column, input.value) };
}

/** HTML that the server has cleaned. */
export function showRich(host, html) {
  fill(host, [...new DOMParser().parseFromString(html, 'text/html').body.childNodes].map((node) => document.adoptNode(node)));
  if (!host.childNodes.length) fill(host, h('p', { class: 'field-hint', text: t('content.preview_empty') }));
  return host;
}

/** A file that goes to the server at once; `done({ id, path })`. */
function upload({ id, session, done }) {
  const input = h('input', { id: `${id}-file`, type: 'file', class: 'input', accept: 'image/*', 'aria-describedby': `${id}-upload` });
  const said = h('p', { class: 'field-hint', id: `${id}-upload`, role: 'status' });
  input.addEventListener('change', async () => {
    const [file] = input.files;
    if (!file) return;
    input.disabled = true;
    said.classList.remove('field-error');
    said.textContent = t('content.uploading');
    try {
      const answer = await session.sendFile(`uploads?name=${encodeURIComponent([...file.name].slice(-LINE).join(''))}`, file);
      said.textContent = t('content.uploaded', { width: answer.width, height: answer.height });
      done(answer);
    } catch (problem) {
      said.classList.add('field-error');
      said.textContent = reasonOf(problem);
    } finally {
      input.value = '';
      input.disabled = false;
    }
  });
  return h('div', { class: 'upload' }, h('label', { for: input.id, i18n: 'content.upload' }), input, said);
}

const isAddress = (value) => value === '' || /^\/(?!\/)/.test(value) || /^(https?|rtmp):\/\//.test(value);

function address(about) {
  const control = { ...line(about, 'text', { inputmode: 'url', spellcheck: 'false' }) };
  control.fault = () => (!isAddress(control.input.value.trim()) ? t('content.wrong_address') : tooLong(about.column, control.input.value.trim()));
  return control;
}

function picture(about) {
  const { id, session, onUpload } = about;
  const control = address(about);
  const image = h('img', { class: 'shot', alt: '', hidden: true });
  const show = () => {
    const value = control.input.value.trim();
    image.hidden = !isPicture(value);
    if (!image.hidden) image.src = safeUrl(value);
  };
  control.input.addEventListener('change', show);
  image.addEventListener('error', () => { image.hidden = true; });
  const file = upload({ id, session, done: (answer) => { control.input.value = answer.path; show(); onUpload(answer); } });
  return { ...control, element: h('div', { class: 'picture' }, image, h('div', { class: 'picture-fields' }, control.input, file)), set: (value) => { control.set(value); show(); } };
}

function whole(about) {
  const { column } = about;
  const { least, most } = column;
  const control = line(about, 'number', { min: least, max: most, step: 1, inputmode: 'numeric' });
  const number = () => Number(control.input.value);
  return {
    ...control,
    get: () => (control.input.value === '' ? '' : number()),
    fault: () => {
      if (control.input.validity.badInput) return t('content.whole');
      if (control.input.value === '') return '';
      return (!Number.isSafeInteger(number()) || number() < least || number() > most) && t('content.between', { least: count(least), most: count(most) });
    },
  };
}

function choice({ id, column, collection }) {
  const input = h('select', { id, class: 'input' }, choicesOf(collection, column).map(([value, label]) => h('option', { value: String(value), ...label })));
  // A required one is chosen, not left at what happens to be first.
  if (column.required) input.prepend(h('option', { value: '', i18n: 'content.choose' }));
  return { element: input, input, set: (value) => { input.value = String(value ?? (column.required ? '' : column.unset)); }, get: () => (input.value === '' ? '' : Number(input.value)) };
}

function money(about) {
  const control = line(about, 'text', { inputmode: 'decimal' });
  return {
    ...control,
    get: () => { const typed = control.input.value.trim(); return /^\d+(\.\d{1,2})?$/.test(typed) ? Number(typed) : typed; },
    fault: () => control.input.value.trim() !== '' && !/^\d+(\.\d{1,2})?$/.test(control.input.value.trim()) && t('content.wrong_yuan'),
  };
}

function time({ id, column }) {
  const input = h('input', { id, class: 'input', type: 'datetime-local', step: 1 });
  return {
    element: input, input,
    set: (value) => { input.value = (value ?? '').replace(' ', 'T'); },
    get: () => (input.value ? `${input.value.replace('T', ' ')}${input.value.length === 16 ? ':00' : ''}` : column.nullable ? null : ''),
    fault: () => input.validity.badInput && t('content.wrong_time'),
  };
}

function rows(about, of, most, one) {
  const { id, titles, session, onChange } = about;
  const picker = new Picker({ id, of, most, titles, session, onChange });
  // Pictures may be sent where they are chosen.
  const file = of === 'files' && upload({ id, session, done: (answer) => { picker.set([answer.id]); onChange(); } });
  return {
    element: file ? h('div', { class: 'pick-upload' }, picker.element, file) : picker.element, input: picker.input,
    set: (value) => picker.set(one ? [value].filter(Boolean) : value ?? []),
    get: () => (one ? picker.ids[0] ?? null : [...picker.ids].sort((a, b) => a - b)),
    fault: () => picker.input.value.trim() !== '' && !picker.input.hidden && t('content.pick_one'),
  };
}

/** about: { id, collection, column, session, titles, onChange, onUpload }; a link has `of` and `most`. */
export function controlOf(about) {
  const { column, collection } = about;
  if (column.link) return rows(about, column.of, column.most, false);
  switch (column.kind) {
    case 'rich': return rich(about);
    case 'address': return column.picture ? picture(about) : address(about);
    case 'int': return choicesOf(collection, column) ? choice(about) : whole(about);
    case 'yuan': return money(about);
    case 'time': return time(about);
    case 'day': return line(about, 'date');
    case 'phone': return line(about, 'tel');
    case 'ref': return rows(about, column.of, 1, true);
    default: return text(about);
  }
}

/** Needs the whole width. */
export const isWide = (column) => column.link || ['rich', 'ref'].includes(column.kind) || column.picture || (column.kind === 'text' && column.most > LINE);
