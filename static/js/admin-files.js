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

/** Choosing a file, trying it, and then doing it. */
function importForm({ id, title, hint, path, session, told, after }) {
  const input = h('input', { id, type: 'file', accept: '.csv,text/csv', class: 'input' });
  const result = h('div', { 'data-import-result': '', 'aria-live': 'polite' });
  const buttons = ['try', 'do'].map((name) => h('button', { type: 'button', class: `button button-small ${name === 'try' ? 'button-quiet' : 'button-primary'}`, 'data-import': name, disabled: true, i18n: `admin.import_${name}` }));
  const [tryButton, doButton] = buttons;
  const run = async (dry) => {
    for (const button of buttons) button.disabled = true;
    fill(result, h('p', { text: t('admin.importing') }));
    try {
      const answer = await session.sendFile(`${path}?dry_run=${dry ? 1 : 0}`, input.files[0]);
      fill(result, h('p', { class: 'field-ok', text: `${t(dry ? 'admin.import_would' : answer.done_before ? 'admin.import_known' : 'admin.import_done')} ${told(answer)}` }));
      doButton.disabled = !dry;
      if (!dry) after?.();
    } catch (problem) {
      fill(result, wrongRows(problem));
    }
    tryButton.disabled = false;
  };
  input.addEventListener('change', () => { fill(result); tryButton.disabled = !input.files.length; doButton.disabled = true; });
  tryButton.addEventListener('click', () => run(true));
  doButton.addEventListener('click', () => run(false));
  return h('div', { class: 'line-tool' },
    h('h3', { i18n: title }), h('p', { class: 'field-hint', i18n: hint }),
    h('div', { class: 'field' }, h('label', { for: id, i18n: 'admin.import_file' }), input), h('div', { class: 'actions' }, buttons), result);
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
