// Files of a game and of many: registrations out and in, places in. Every import is tried first; the server names each
// wrong row and changes nothing.
import { errorText } from './api.js';
import { fill, h, notice } from './dom.js';
import { count, yuan } from './format.js';
import { language, t } from './i18n.js';

/** Saves what a request answered as a file. */
function saveAs(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function wrongRows(problem) {
  if (!problem.errors?.length) return notice('error', errorText(problem));
  return notice('error', t('admin.rows_wrong', { count: count(problem.errorCount ?? problem.errors.length) }),
    h('div', { class: 'table-wrap' }, h('table', {},
      h('thead', {}, h('tr', {}, ['line', 'member', 'reason'].map((name) => h('th', { scope: 'col', text: t(`admin.row_${name}`) })))),
      h('tbody', {}, problem.errors.map((fault) => h('tr', {}, ['line', 'member', 'reason'].map((name) => h('td', { 'data-label': t(`admin.row_${name}`), lang: name === 'line' ? null : 'en', text: String(fault[name] ?? '') }))))))));
}

/** A table that may be wider than the page: keys can scroll it. */
const table = (label, heads, rows) => h('div', { class: 'table-wrap', role: 'region', tabindex: '0', 'aria-label': label }, h('table', {},
  h('thead', {}, h('tr', {}, heads.map((text) => h('th', { scope: 'col', text })))),
  h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((text, index) => h('td', { 'data-label': heads[index], text: String(text ?? '') })))))));

/** The first rows as the server read them: whoever sees other letters chose another encoding. */
function firstRows({ columns, rows }) {
  return h('div', { 'data-first-rows': '' }, h('p', { class: 'field-hint', text: t('admin.import_first') }),
    table(t('admin.import_first'), [t('admin.row_line'), ...columns], rows.map(({ line, cells }) => [line, ...cells])));
}

/** What a spreadsheet may have changed; the box says that a person looked. */
function changedCells(answer, confirmed) {
  const fields = ['line', 'member', 'reason'];
  return notice('warn', t('admin.import_warnings', { count: count(answer.warning_count) }),
    h('div', { lang: 'en', 'data-warnings': '' }, table(t('admin.import_warnings', { count: count(answer.warning_count) }), fields.map((name) => t(`admin.row_${name}`)), answer.warnings.map((fault) => fields.map((name) => fault[name])))),
    h('label', { class: 'check' }, confirmed, h('span', { text: t('admin.import_confirm') })));
}

const ENCODINGS = ['utf-8', 'gb18030', 'big5'];

/** Choosing a file, trying it, and then doing it. */
function importForm({ id, title, hint, path, session, told, after }) {
  const input = h('input', { id, type: 'file', accept: '.csv,text/csv', class: 'input' });
  const encoding = h('select', { id: `${id}-encoding`, class: 'input' }, ENCODINGS.map((value) => h('option', { value, i18n: `admin.encoding_${value}` })));
  const confirmed = h('input', { type: 'checkbox', 'data-confirm': '' });
  const result = h('div', { 'data-import-result': '', 'aria-live': 'polite' });
  const buttons = ['try', 'do'].map((name) => h('button', { type: 'button', class: `button button-small ${name === 'try' ? 'button-quiet' : 'button-primary'}`, 'data-import': name, disabled: true, i18n: `admin.import_${name}` }));
  const [tryButton, doButton] = buttons;
  const run = async (dry) => {
    for (const button of buttons) button.disabled = true;
    fill(result, h('p', { text: t('admin.importing') }));
    try {
      const answer = await session.sendFile(`${path}?dry_run=${dry ? 1 : 0}&confirm=${confirmed.checked ? 1 : 0}&encoding=${encoding.value}`, input.files[0]);
      const warned = dry && answer.warning_count > 0;
      if (dry) confirmed.checked = false;
      fill(result, h('p', { class: 'field-ok', text: `${t(dry ? 'admin.import_would' : answer.done_before ? 'admin.import_known' : 'admin.import_done')} ${told(answer)}` }),
        dry && answer.first_rows && firstRows(answer.first_rows), warned && changedCells(answer, confirmed));
      doButton.disabled = !dry || warned;
      if (!dry) after?.();
    } catch (problem) {
      fill(result, wrongRows(problem));
    }
    tryButton.disabled = false;
  };
  const begin = () => { fill(result); confirmed.checked = false; tryButton.disabled = !input.files.length; doButton.disabled = true; };
  input.addEventListener('change', begin);
  encoding.addEventListener('change', begin);
  confirmed.addEventListener('change', () => { doButton.disabled = !confirmed.checked; });
  tryButton.addEventListener('click', () => run(true));
  doButton.addEventListener('click', () => run(false));
  return h('div', { class: 'line-tool' },
    h('h3', { i18n: title }), h('p', { class: 'field-hint', i18n: hint }),
    h('div', { class: 'field' }, h('label', { for: id, i18n: 'admin.import_file' }), input),
    h('div', { class: 'field' }, h('label', { for: encoding.id, i18n: 'admin.import_encoding' }), encoding),
    h('div', { class: 'actions' }, buttons), result);
}

export class FilesPanel {
  constructor(host, { game, session, onChange }) {
    const base = `games/${encodeURIComponent(game.id)}/registrations`;
    const problem = h('div', { 'aria-live': 'polite' });
    const download = (path, name) => async (event) => {
      event.target.disabled = true;
      fill(problem);
      try { saveAs(await session.file(`${path}?lang=${language()}`), name); } catch (fault) { fill(problem, notice('error', errorText(fault))); } finally { event.target.disabled = false; }
    };
    fill(host,
      h('div', { class: 'line-tool' }, h('h3', { i18n: 'admin.export_title' }), h('p', { class: 'field-hint', i18n: 'admin.export_hint' }),
        h('div', { class: 'actions' },
          h('button', { type: 'button', class: 'button button-primary button-small', i18n: 'admin.export', 'data-export': '', onclick: download(`${base}.csv`, `registrations-${game.id}.csv`) }),
          h('button', { type: 'button', class: 'button button-quiet button-small', i18n: 'admin.template', 'data-template': '', onclick: download(`${base}/template.csv`, 'registrations-template.csv') })), problem),
      importForm({
        id: 'import-registrations', title: 'admin.import_title', hint: 'admin.import_hint', path: `${base}/import`, session, after: onChange,
        told: (answer) => t('admin.import_told', { orders: count(answer.orders), places: count(answer.places), price: yuan(answer.total_price ?? 0) }),
      }),
      importForm({
        id: 'import-places', title: 'admin.import_places_title', hint: 'admin.import_places_hint', path: 'places/import', session, after: onChange,
        told: (answer) => t('admin.import_places_told', { games: count(Array.isArray(answer.games) ? answer.games.length : answer.games) }),
      }));
  }
}
