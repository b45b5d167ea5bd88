// HTTP to the server's dialects: /api/v1 (token header), /api/reg (cmd) and /admin/api/v1 (bearer).
// Every failure becomes one ApiError, so that pages show errors in one way.
import { has, language, t } from './i18n.js';

const TIMEOUT_MS = 15000;
let clockSkewMs = 0;

export class ApiError extends Error {
  /** kind: 'network' | 'http' | 'h5' | 'cmd' | 'admin'; code: the dialect's own number. */
  constructor(kind, code, message, { status = 0, retryAfter = null, data = null } = {}) {
    super(message);
    // A problem document may name the member it is about, or several faults and how many there are.
    Object.assign(this, { kind, code, status, retryAfter, field: data?.field ?? null, errors: data?.errors ?? [], errorCount: data?.error_count ?? null });
  }

  /** The session is missing or stale: sign in again. */
  get signedOut() {
    return this.status === 401 || (this.kind === 'cmd' && this.code === -1) || (this.kind === 'h5' && this.code === 10003);
  }

  /** Nothing was taken; the same call may be made again later. */
  get retryable() {
    return this.kind === 'network' || this.status === 429 || this.status === 502 || this.status === 503
      || (this.kind === 'cmd' && this.code === -1000);
  }
}

/** The server's clock in milliseconds, from the Date header of its answers. */
export const serverNow = () => Date.now() + clockSkewMs;

async function send(path, { method = 'GET', body, headers = {}, timeout = TIMEOUT_MS }) {
  try {
    return await fetch(path, { method, headers, body, cache: 'no-store', signal: AbortSignal.timeout(timeout) });
  } catch {
    throw new ApiError('network', 0, t('error.network'));
  }
}

async function call(path, { method = 'GET', body, file, headers = {}, timeout } = {}) {
  const kind = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await send(path, { method, headers: { ...kind, ...headers }, body: file ?? (body === undefined ? undefined : JSON.stringify(body)), timeout });
  const date = Date.parse(response.headers.get('Date') ?? '');
  // The header has whole seconds: correct only a difference that one can see.
  if (!Number.isNaN(date)) clockSkewMs = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
  const text = await response.text().catch(() => '');
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { data = null; }
  const header = Number(response.headers.get('Retry-After'));
  return { ok: response.ok, status: response.status, data, retryAfter: header > 0 ? header : null };
}

/** An answer outside the dialect, perhaps a problem document. */
function httpError(answer) {
  return new ApiError('http', answer.status, answer.data?.detail || answer.data?.title || t('error.http', { status: answer.status }), answer);
}

/** /api/v1, /api/lobby and the sandbox: bare data when it worked, {msg, error_code} when not. */
export async function h5(method, path, body, token) {
  const answer = await call(path, { method, body, headers: token ? { token } : {} });
  const code = answer.data?.error_code;
  if (typeof code === 'number' && code !== 0) throw new ApiError('h5', code, answer.data.msg, answer);
  if (!answer.ok) throw httpError(answer);
  return answer.data;
}

/** POST /api/reg: always 200, `result` 0 when it worked. */
export async function command(cmd, members = {}, { token, bearer } = {}) {
  const headers = bearer ? { Authorization: `Bearer ${bearer}` } : token ? { token } : {};
  const answer = await call('/api/reg', { method: 'POST', body: { cmd, ...members }, headers });
  if (!answer.ok || typeof answer.data?.result !== 'number') throw httpError(answer);
  if (answer.data.result !== 0) {
    const { result, msg, retry_after: retryAfter } = answer.data;
    throw new ApiError('cmd', result, msg, { status: answer.status, retryAfter: retryAfter ?? answer.retryAfter });
  }
  return answer.data;
}

/** /api/queue/{token}[/act]: a token's standing, leaving; the token is all the proof. Errors are problem documents. */
export async function queue(method, token, act = '') {
  const answer = await call(`/api/queue/${encodeURIComponent(token)}${act && `/${act}`}`, { method });
  if (!answer.ok) throw httpError(answer);
  return answer.data;
}

/** A game's line as everybody may see it. */
export const lineOf = (gameId) => h5('GET', `/api/games/${encodeURIComponent(gameId)}/line`);

function adminError(answer) {
  const { detail, title, field } = answer.data ?? {};
  const text = detail || title || t('error.http', { status: answer.status });
  return new ApiError('admin', answer.status, field ? `${field}: ${text}` : text, answer);
}

/** What files and draws of many entries may take. */
export const LONG_WORK_MS = 120_000;

/** /admin/api/v1: errors are problem documents. `file`: sent as it is instead of a JSON body. */
export async function admin(method, path, body, bearer, { file, timeout } = {}) {
  const headers = bearer ? { Authorization: `Bearer ${bearer}` } : {};
  if (method !== 'GET' && !file) headers['Idempotency-Key'] = crypto.getRandomValues(new Uint32Array(4)).join('-');
  const answer = await call(`/admin/api/v1/${path}`, { method, body, file, headers, timeout: file ? LONG_WORK_MS : timeout });
  if (!answer.ok) throw adminError(answer);
  return answer.data;
}

/** A file of /admin/api/v1. */
export async function adminFile(path, bearer) {
  const response = await send(`/admin/api/v1/${path}`, { headers: { Authorization: `Bearer ${bearer}` }, timeout: LONG_WORK_MS });
  if (response.ok) return response.blob();
  throw adminError({ status: response.status, data: await response.json().catch(() => null) });
}

/** The member a refused request names, as { index, field, reason }: `players[1].mobile: …` or `mobile: …`; else null. */
export function memberOf(error) {
  const detail = String(error?.message ?? '').split('\n').slice(1).join(' ');
  const found = /^(?:players\[(\d+)\]\.)?([a-z_0-9]+):? (.*)$/s.exec(detail);
  return error instanceof ApiError && error.code === -13 && found ? { index: Number(found[1] ?? 0), field: found[2], reason: found[3] } : null;
}

/** The bound on unpaid places that a refused request would pass, as { limit, has, day }; else null. */
export function placesLimitOf(error) {
  const found = /may (have|request) (\d+) places.* (?:has|requested) (\d+)$/s.exec(memberOf(error)?.field === 'players' ? error.message : '');
  return found && { limit: Number(found[2]), has: Number(found[3]), day: found[1] === 'request' };
}

/** A problem's text for where its member is shown: without the member's name. */
export function reasonOf(problem) {
  const text = errorText(problem);
  return problem.field && text.startsWith(`${problem.field}: `) ? text.slice(problem.field.length + 2) : text;
}

/** What to show for an error. The server speaks Chinese; known codes have an English text of ours. */
export function errorText(error) {
  if (!(error instanceof ApiError)) return t('error.unknown');
  const key = `code.${error.kind}.${error.code}`;
  const [first, ...detail] = String(error.message ?? '').split('\n');
  const main = (language() === 'zh' ? first : has(key) ? t(key) : first) || t('error.unknown');
  const shown = detail.length ? `${main} (${detail.join(' ')})` : main;
  return error.kind === 'cmd' || error.kind === 'h5' ? `${shown} [${error.code}]` : shown;
}
