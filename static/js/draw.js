// The page of a draw: shows what the server published (?game=…), and checks a bundle and a receipt
// from the server or from files. The checking itself is draw-check.js.
import './header.js';
import { $, fill, h, notice } from './dom.js';
import { count } from './format.js';
import { onLanguage, t } from './i18n.js';
import { standing, verify, verifyReceipt } from './draw-check.js';

const game = /^\d{1,18}$/.exec(new URLSearchParams(location.search).get('game') ?? '')?.[0] ?? null;
const bundleUrl = `/api/draws/${game}/bundle`;

const loaded = { published: null, bundle: null, receipt: null };
/** What the last check found, drawn again when the language changes. */
let found = null;
let problem = null;

class Refused extends Error {}

async function getJson(path) {
  let response;
  try { response = await fetch(path, { cache: 'no-store' }); } catch { throw new Refused('error.network'); }
  const body = await response.json().catch(() => null);
  if (response.status === 404) throw new Refused('draw.not_found');
  if (response.status === 409) throw new Refused('draw.not_closed');
  if (response.status === 422) throw new Refused('draw.bad_token');
  if (!response.ok || body === null) throw new Refused('error.unknown');
  return body;
}

function fact(key, value, mono) {
  return value === null || value === undefined || value === ''
    ? [] : [h('dt', { text: t(key) }), h('dd', { class: mono ? 'mono' : null, text: String(value) })];
}

function drawPublished() {
  const draw = loaded.published;
  $('#published').hidden = !draw;
  if (!draw) return;
  const rule = (quota) => t(`draw.rule_${quota.rule.replace(':', '_')}`);
  const quotas = draw.quotas.map((quota) => t('draw.quota', { name: quota.name, count: count(quota.places), rule: rule(quota) }));
  fill($('#facts'), h('dl', { class: 'facts' },
    fact('draw.state', t(`draw.state_${draw.state}`)),
    fact('draw.places', count(draw.places)),
    fact('draw.quotas', quotas.join(t('draw.list_separator'))),
    fact('draw.entrants', draw.entrants === null ? '' : count(draw.entrants)),
    fact('draw.winners', draw.winners === null ? '' : count(draw.winners)),
    fact('draw.commitment', draw.commitment, true),
    fact('draw.root', draw.merkle_root, true),
    fact('draw.public_source', draw.public_source),
    fact('draw.public_value', draw.public_value),
    fact('draw.secret', draw.secret, true)));
  const link = $('#download');
  link.hidden = draw.state === 'entries';
  link.href = bundleUrl;
  link.setAttribute('download', `draw-${game}.json`);
}

function step({ step: name, ok }) {
  return h('li', { class: 'check-step', 'data-step': name, 'data-ok': String(ok) },
    h('span', {}, h('span', { class: `tag ${ok ? 'tag-ok' : 'tag-failed'}`, text: t(ok ? 'draw.ok' : 'draw.failed') })),
    h('span', { text: t(`draw.step_${name}`) }));
}

function drawResult() {
  fill($('#check-problem'), problem && notice('error', t(problem)));
  if (!found) { fill($('#result')); return; }
  const sound = found.checks.every((check) => check.ok);
  const place = sound && found.place;
  fill($('#result'),
    h('ol', { class: 'check-steps' }, found.checks.map(step)),
    h('p', { class: `verdict ${sound ? 'verdict-sound' : 'verdict-failed'}`, 'data-verdict': sound ? 'sound' : 'failed', text: t(sound ? 'draw.sound' : 'draw.not_sound') }),
    place && h('p', { 'data-place': '', text: t(place.wins ? 'draw.own_wins' : 'draw.own_waits', { position: count(place.position) }) }));
}

/** Keeps what a file holds: a bundle, a receipt, or nothing that belongs here. */
async function take(files) {
  problem = null;
  for (const file of files) {
    let content = null;
    try { content = JSON.parse(await file.text()); } catch { /* said below */ }
    if (content?.format === 'matchday-draw-1') loaded.bundle = content;
    else if (content?.format === 'matchday-receipt-1') loaded.receipt = content;
    else problem = 'draw.bad_file';
  }
  found = null;
  drawResult();
}

async function check() {
  const token = $('#token').value.trim();
  if (!globalThis.crypto?.subtle) throw new Refused('draw.insecure');
  // What the server says is asked for again: it may have been drawn meanwhile.
  const bundle = loaded.bundle ?? (game ? await getJson(bundleUrl) : null);
  if (!bundle) throw new Refused('draw.no_bundle');
  const receipt = loaded.receipt ?? (token ? await getJson(`/api/queue/${encodeURIComponent(token)}/receipt`) : null);
  const checks = await verify(bundle);
  if (receipt && checks[0].ok) checks.push(...await verifyReceipt(bundle, receipt, token));
  const place = receipt && Array.isArray(bundle.order) ? standing(bundle, receipt.leaf?.sequence) : null;
  return { checks, place };
}

$('#check-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = $('#check');
  button.disabled = true;
  problem = null;
  found = null;
  try {
    found = await check();
  } catch (error) {
    problem = error instanceof Refused ? error.message : 'error.unknown';
  }
  button.disabled = false;
  drawResult();
});

$('#files').addEventListener('change', (event) => take(event.target.files));
const drop = $('#drop');
for (const name of ['dragenter', 'dragover']) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add('drop-over'); });
}
for (const name of ['dragleave', 'drop']) drop.addEventListener(name, () => drop.classList.remove('drop-over'));
drop.addEventListener('drop', (event) => { event.preventDefault(); take(event.dataTransfer.files); });

// The registration page links here with the entrant's own token, behind the # where no server reads it.
$('#token').value = new URLSearchParams(location.hash.slice(1)).get('token') ?? $('#token').value;

onLanguage(() => { drawPublished(); drawResult(); });
if (game) {
  try {
    loaded.published = await getJson(`/api/draws/${game}`);
  } catch (error) {
    problem = error instanceof Refused ? error.message : 'error.unknown';
  }
  drawPublished();
  drawResult();
}
