// The page behind the link in a confirmation mail: one button that confirms, one that asks for a new mail.
import './header.js';
import { $, fill, notice } from './dom.js';
import { onLanguage, t } from './i18n.js';

// Behind the #, so that it stands in no server's and no proxy's log.
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
// Another link in the same tab loads nothing by itself.
addEventListener('hashchange', () => location.reload());
const confirm = $('#confirm');
const again = $('#again');
/** What was said last, drawn again when the language changes. */
let said = null;

function say(kind, key) {
  said = [kind, key];
  fill($('#confirm-notice'), notice(kind, t(key)));
}

/** The code of a problem, `null` when it worked. */
async function send(path) {
  try {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ token }) });
    if (answer.ok) return null;
    return (await answer.json()).code ?? 'internal';
  } catch {
    return 'network';
  }
}

const FAULTS = ['link_expired', 'no_such_link', 'confirmed_already', 'rate_limited', 'busy', 'network'];
const faultKey = (code) => (FAULTS.includes(code) ? `confirm.${code}` : 'confirm.internal');

function confirmed() {
  confirm.hidden = true;
  again.hidden = true;
  $('#confirm-lead').hidden = true;
  say('info', 'confirm.done');
}

confirm.addEventListener('click', async () => {
  confirm.disabled = true;
  const fault = await send('/api/confirm-mail');
  confirm.disabled = false;
  if (fault === null) { confirmed(); return; }
  if (fault === 'link_expired') { confirm.hidden = true; again.hidden = false; }
  if (fault === 'no_such_link') confirm.hidden = true;
  say('error', faultKey(fault));
});

again.addEventListener('click', async () => {
  again.disabled = true;
  const fault = await send('/api/confirm-mail/again');
  if (fault === null) { again.hidden = true; say('info', 'confirm.sent'); return; }
  if (fault === 'confirmed_already') { confirmed(); return; }
  again.disabled = false;
  say('error', faultKey(fault));
});

if (!token) { confirm.hidden = true; say('error', 'confirm.no_such_link'); }
onLanguage(() => { if (said) say(...said); });
