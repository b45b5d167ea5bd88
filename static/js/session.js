// Who is signed in: the /api/v1 token, kept in localStorage and shared by the pages of this origin.
import { h5 } from './api.js';
import { store } from './store.js';
import { hasVisible } from './validation.js';

const listeners = new Set();
let session = store.getJson('session');

export const token = () => session?.token ?? null;
export const username = () => session?.username ?? '';
export const account = () => session?.openid ?? null;
export const signedIn = () => Boolean(session?.token);

export function onSession(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(next) {
  session = next;
  if (next) store.setJson('session', next); else store.remove('session');
  for (const listener of listeners) listener(session);
}

export const signOut = () => change(null);

/** Names the server takes: 4 to 25 characters. */
export const nicknameFits = (name) => { const length = [...name.trim()].length; return length >= 4 && length <= 25 && hasVisible(name); };

/** The same nickname is always the same sandbox account. */
function openidOf(nickname) {
  if (/^[A-Za-z0-9_-]+$/.test(nickname)) return nickname;
  // Other alphabets: a number made of the name, since the server's ids are plain letters.
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (const byte of new TextEncoder().encode(nickname)) {
    high = Math.imul(high ^ byte, 2654435761);
    low = Math.imul(low ^ byte, 1597334677);
  }
  const hex = (number) => (number >>> 0).toString(16).padStart(8, '0');
  return `name-${hex(high)}${hex(low)}-${[...nickname].length}`;
}

/** Development sandbox: a nickname is enough. */
export async function signInSandbox(nickname) {
  const name = nickname.trim();
  const openid = openidOf(name);
  const { token: fresh } = await h5('POST', '/api/v1/token/user', { code: `sandbox:${openid}:${name}` });
  change({ token: fresh, openid, username: name });
}

/** WeChat sends the reader back with `?code=`: exchange it once and clean the address. */
export async function signInFromAddress() {
  const url = new URL(location.href);
  const code = url.searchParams.get('code');
  if (!code || signedIn()) return;
  url.searchParams.delete('code');
  url.searchParams.delete('state');
  history.replaceState(null, '', url);
  const { token: fresh } = await h5('POST', '/api/v1/token/user', { code });
  const info = await h5('GET', '/api/v1/user/info', undefined, fresh).catch(() => null);
  change({ token: fresh, openid: `wechat-${info?.username ?? ''}`, username: info?.username ?? '' });
}

window.addEventListener('storage', (event) => {
  if (event.key !== 'matchday.session') return;
  session = store.getJson('session');
  for (const listener of listeners) listener(session);
});
