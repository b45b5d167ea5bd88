// The number that a queue token stands for, so that people can name it and organisers can look it up. A token is
// base64url of game, sequence (8 bytes each) and a MAC; the server alone can make one.

/** { gameId, sequence }, or null for a text that is no token. */
export function readToken(token) {
  if (!/^[A-Za-z0-9_-]{43}$/.test(token ?? '')) return null;
  try {
    const bytes = Uint8Array.from(atob(token.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return { gameId: String(view.getBigInt64(0)), sequence: String(view.getBigInt64(8)) };
  } catch { return null; }
}
