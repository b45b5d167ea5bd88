// Checks a draw from its bundle alone, with the browser's own SHA-256 and HMAC. The algorithm in words
// is in docs/draw.md. No page, no texts: steps answer keys, so that it runs in any script.

const FORMAT = 'matchday-draw-1';
const RECEIPT_FORMAT = 'matchday-receipt-1';
const RULES = ['gender:female', 'gender:male', 'list'];
const MOST_ENTRANTS = 500000;
const MOST_GROUPS = 16;
const LONGEST_TEXT = 200;
/** Hashes under way at once: enough to keep the browser busy, few enough to keep memory small. */
const BATCH = 2048;

const encoder = new TextEncoder();
const isHash = (text) => typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
const isCount = (value, most) => Number.isInteger(value) && value >= 0 && value <= most;
const unhex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
}

async function hmac(key) {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return async (message) => new Uint8Array(await crypto.subtle.sign('HMAC', imported, message));
}

async function mapInBatches(items, work) {
  const results = [];
  for (let at = 0; at < items.length; at += BATCH) results.push(...await Promise.all(items.slice(at, at + BATCH).map(work)));
  return results;
}

const leafHash = (text) => sha256([0], encoder.encode(text));
const nodeHash = (left, right) => sha256([1], left, right);

function termsLeaf(bundle) {
  const quotas = bundle.quotas.map((quota) => `${quota.places} ${quota.rule} ${quota.name}\n`).join('');
  return `matchday draw 1\n${bundle.game_id}\n${bundle.commitment}\n${bundle.places}\n${bundle.public_source ?? ''}\n${quotas}`;
}

function entrantLeaf(entrant) {
  const groups = (entrant.groups ?? []).map((name) => `${name}\n`).join('');
  return `matchday entrant 1\n${entrant.sequence}\n${entrant.size}\n${entrant.entrant}\n${groups}`;
}

/** The root over the terms and the entrants. */
export async function merkleRoot(bundle) {
  let level = await mapInBatches([termsLeaf(bundle), ...bundle.entrants.map(entrantLeaf)], leafHash);
  while (level.length > 1) {
    const pairs = [];
    for (let at = 0; at < level.length; at += 2) pairs.push([level[at], level[at + 1]]);
    level = await mapInBatches(pairs, ([left, right]) => (right ? nodeHash(left, right) : left));
  }
  return level[0];
}

export async function drawSeed(secret, root, publicValue) {
  const value = encoder.encode(publicValue);
  const message = new Uint8Array(root.length + value.length);
  message.set(root);
  message.set(value, root.length);
  return (await hmac(secret))(message);
}

/** Words of 32 bits from the stream of a seed; blocks are made some hundreds at a time. */
async function wordStream(seed) {
  const block = await hmac(seed);
  let [next, words, used] = [0, [], 0];
  return async () => {
    if (used === words.length) {
      const counters = Array.from({ length: 256 }, () => {
        const counter = new DataView(new ArrayBuffer(8));
        counter.setUint32(0, Math.floor(next / 2 ** 32));
        counter.setUint32(4, next % 2 ** 32);
        next += 1;
        return counter;
      });
      const blocks = await Promise.all(counters.map(block));
      words = blocks.flatMap((bytes) => {
        const view = new DataView(bytes.buffer);
        return Array.from({ length: 8 }, (_, index) => view.getUint32(index * 4));
      });
      used = 0;
    }
    used += 1;
    return words[used - 1];
  };
}

export async function shuffle(seed, count) {
  const order = Array.from({ length: count }, (_, index) => index + 1);
  const word = await wordStream(seed);
  for (let last = count - 1; last > 0; last -= 1) {
    const bound = last + 1;
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let chosen = await word();
    while (chosen >= limit) chosen = await word();
    const other = chosen % bound;
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** Winners, then the wait round, then those that take no part; each in drawn order. */
export function allocate(bundle, drawn) {
  const left = new Map(bundle.quotas.map((quota) => [quota.name, quota.places]));
  let general = bundle.places - bundle.quotas.reduce((sum, quota) => sum + quota.places, 0);
  const wins = new Set();
  const entrant = (sequence) => bundle.entrants[sequence - 1];
  for (const sequence of drawn) {
    const { size, groups = [] } = entrant(sequence);
    const own = bundle.quotas.map((quota) => quota.name).filter((name) => groups.includes(name));
    const available = own.reduce((sum, name) => sum + left.get(name), general);
    if (size === 0 || available < size) continue;
    let needed = size;
    for (const name of own) {
      const taken = Math.min(needed, left.get(name));
      left.set(name, left.get(name) - taken);
      needed -= taken;
    }
    general -= needed;
    wins.add(sequence);
  }
  let rest = [...left.values()].reduce((sum, places) => sum + places, general);
  for (const sequence of drawn) {
    const { size } = entrant(sequence);
    if (!wins.has(sequence) && size > 0 && size <= rest) { rest -= size; wins.add(sequence); }
  }
  const winners = drawn.filter((sequence) => wins.has(sequence));
  const waiting = drawn.filter((sequence) => !wins.has(sequence) && entrant(sequence).size > 0);
  return { order: [...winners, ...waiting, ...drawn.filter((sequence) => entrant(sequence).size === 0)], winners: winners.length };
}

function isText(text, least) {
  return typeof text === 'string' && [...text].length >= least && [...text].length <= LONGEST_TEXT
    && text.trim() === text && !/\p{Cc}/u.test(text);
}

function wellFormed(bundle) {
  if (!bundle || bundle.format !== FORMAT || !Number.isSafeInteger(bundle.game_id) || !isHash(bundle.commitment)
    || !isHash(bundle.merkle_root) || !isCount(bundle.places, 2 ** 32 - 1) || !isText(bundle.public_source ?? '', 0)
    || !Array.isArray(bundle.quotas) || bundle.quotas.length > MOST_GROUPS
    || !Array.isArray(bundle.entrants) || bundle.entrants.length > MOST_ENTRANTS) return false;
  const names = new Set(bundle.quotas.map((quota) => quota?.name));
  const quotas = bundle.quotas.every((quota) => isText(quota?.name, 1) && isCount(quota.places, 2 ** 32 - 1) && RULES.includes(quota.rule));
  if (!quotas || names.size !== bundle.quotas.length) return false;
  if (bundle.quotas.reduce((sum, quota) => sum + quota.places, 0) > bundle.places) return false;
  return bundle.entrants.every((entrant, index) => {
    const groups = entrant?.groups ?? [];
    return entrant?.sequence === index + 1 && isCount(entrant.size, 100) && isHash(entrant.entrant)
      && Array.isArray(groups) && groups.every((name) => names.has(name)) && new Set(groups).size === groups.length;
  });
}

const isDrawn = (bundle) => typeof bundle.secret === 'string' && typeof bundle.public_value === 'string'
  && Number.isInteger(bundle.winners) && Array.isArray(bundle.order);

/** All steps of a draw, as [{ step, ok }]. It is sound when all are ok; after a bad form the others are not tried. */
export async function verify(bundle) {
  const checks = [{ step: 'form', ok: wellFormed(bundle) }];
  if (!checks[0].ok) return checks;
  const root = await merkleRoot(bundle);
  checks.push({ step: 'root', ok: hex(root) === bundle.merkle_root });
  checks.push({ step: 'drawn', ok: isDrawn(bundle) });
  if (!isDrawn(bundle)) return checks;
  const secret = isHash(bundle.secret) ? unhex(bundle.secret) : null;
  checks.push({ step: 'commitment', ok: secret !== null && hex(await sha256(secret)) === bundle.commitment });
  if (secret === null) return checks;
  const drawn = await shuffle(await drawSeed(secret, root, bundle.public_value), bundle.entrants.length);
  const expected = allocate(bundle, drawn);
  const same = isText(bundle.public_value, 1) && expected.winners === bundle.winners && expected.order.length === bundle.order.length
    && expected.order.every((sequence, index) => sequence === bundle.order[index]);
  checks.push({ step: 'result', ok: same });
  return checks;
}

/** Whether the receipt's proof leads from its leaf to its root. */
async function proofHolds(receipt) {
  const { leaf, proof, leaf_count: count } = receipt;
  if (!Array.isArray(proof) || !proof.every(isHash) || !isHash(receipt.merkle_root)
    || !isCount(count, MOST_ENTRANTS + 1) || !isCount(leaf?.sequence, count - 1) || leaf.sequence === 0) return false;
  let [hash, index, width, used] = [await leafHash(entrantLeaf(leaf)), leaf.sequence, count, 0];
  while (width > 1) {
    const partner = index % 2 === 0 ? index + 1 : index - 1;
    if (partner < width) {
      if (used === proof.length) return false;
      const other = unhex(proof[used]);
      used += 1;
      hash = await (index % 2 === 0 ? nodeHash(hash, other) : nodeHash(other, hash));
    }
    index = Math.floor(index / 2);
    width = Math.ceil(width / 2);
  }
  return used === proof.length && hex(hash) === receipt.merkle_root;
}

/** A receipt against its draw, and the token it was made for if that is given. */
export async function verifyReceipt(bundle, receipt, token) {
  const known = bundle.entrants[receipt.leaf?.sequence - 1];
  const belongs = receipt.format === RECEIPT_FORMAT && receipt.game_id === bundle.game_id && receipt.merkle_root === bundle.merkle_root && receipt.leaf_count === bundle.entrants.length + 1
    && known !== undefined && entrantLeaf(known) === entrantLeaf(receipt.leaf);
  const checks = [{ step: 'proof', ok: await proofHolds(receipt) }, { step: 'receipt', ok: belongs }];
  if (token) checks.push({ step: 'token', ok: await entrantHash(token) === receipt.leaf?.entrant });
  return checks;
}

/** What stands for a queue token in a draw. */
export async function entrantHash(token) {
  return hex(await sha256(encoder.encode(`matchday token 1\n${token}`)));
}

/** Where a sequence stands in the result: { position, wins }, or null. */
export function standing(bundle, sequence) {
  const position = bundle.order.indexOf(sequence) + 1;
  return position > 0 ? { position, wins: position <= bundle.winners } : null;
}
