// Who is signed in: the /api/v1 token, kept in localStorage and shared by the pages of this origin.
import { h5 } from './api.js';
import { store, tabStore } from './store.js';
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

/** How long a sign-in that was begun here may take at WeChat. */
const WECHAT_MS = 10 * 60_000;
let stray = false;

/** This page's address without what a sign-in leaves in it. */
function cleanAddress() {
  const url = new URL(location.href);
  url.searchParams.delete('code');
  url.searchParams.delete('state');
  // A redirect keeps the fragment of the address that it came from.
  if (url.hash === '#wechat_redirect') url.hash = '';
  return url;
}

/** Begins a sign-in at WeChat and returns the address to go to. The random state proves on the way back that it began here. */
export function wechatSignIn(appId) {
  const state = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  tabStore.setJson('wechat', { state, at: Date.now() });
  const back = cleanAddress();
  back.hash = '';
  // WeChat wants the parameters in this order.
  const query = new URLSearchParams({ appid: appId, redirect_uri: back.href, response_type: 'code', scope: 'snsapi_userinfo', state });
  return `https://open.weixin.qq.com/connect/oauth2/authorize?${query}#wechat_redirect`;
}

/** A code came that no sign-in of this tab asked for. It was not used: it would have signed the reader in as somebody else. */
export const cameStray = () => stray;

/**
 * WeChat sends the reader back with `?code=&state=`: exchange the code once and clean the address. A code without the state
 * that this tab keeps comes from a link that somebody made, and is left alone.
 */
export async function signInFromAddress() {
  const { searchParams } = new URL(location.href);
  const [code, state] = [searchParams.get('code'), searchParams.get('state')];
  if (code === null) return;
  const kept = tabStore.getJson('wechat');
  tabStore.remove('wechat');
  history.replaceState(null, '', cleanAddress());
  if (signedIn()) return;
  stray = !code || !kept?.state || state !== kept.state || !(Date.now() - kept.at < WECHAT_MS);
  if (stray) return;
  const { token: fresh } = await h5('POST', '/api/v1/token/user', { code });
  const info = await h5('GET', '/api/v1/user/info', undefined, fresh).catch(() => null);
  change({ token: fresh, openid: `wechat-${info?.username ?? ''}`, username: info?.username ?? '' });
}

window.addEventListener('storage', (event) => {
  if (event.key !== 'matchday.session') return;
  session = store.getJson('session');
  for (const listener of listeners) listener(session);
});
