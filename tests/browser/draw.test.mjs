// The checks of the draw's page against the vector that an independent program computed. Needs no browser.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { drawSeed, hex, merkleRoot, shuffle, standing, verify, verifyReceipt } from '../../static/js/draw-check.js';

const vector = JSON.parse(await readFile(new URL('../vectors/draw.json', import.meta.url), 'utf8'));
const copy = () => structuredClone(vector);
const bytes = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
const failed = (checks) => checks.filter((check) => !check.ok).map((check) => check.step);

test('the vector of an independent program is sound to the last byte', async () => {
  const { bundle, receipt, token } = vector;
  const root = await merkleRoot(bundle);
  assert.equal(hex(root), bundle.merkle_root);
  const seed = await drawSeed(bytes(bundle.secret), root, bundle.public_value);
  assert.equal(hex(seed), vector.seed);
  assert.deepEqual(await shuffle(seed, bundle.entrants.length), vector.shuffled);
  const thousand = new DataView(new ArrayBuffer(4000));
  (await shuffle(seed, 1000)).forEach((sequence, index) => thousand.setUint32(index * 4, sequence));
  assert.equal(hex(new Uint8Array(await crypto.subtle.digest('SHA-256', thousand))), vector.shuffle_of_1000);
  const checks = await verify(bundle);
  assert.deepEqual([checks.length, failed(checks)], [5, []]);
  assert.deepEqual(failed(await verifyReceipt(bundle, receipt, token)), []);
  assert.deepEqual(standing(bundle, 4), { position: 7, wins: true });
  assert.equal(standing(bundle, 99), null);
});

test('every change is seen', async () => {
  const changes = [
    [(bundle) => { bundle.places = 10; }, ['root', 'result']],
    [(bundle) => { bundle.entrants[2].groups = ['women']; }, ['root', 'result']],
    [(bundle) => { bundle.merkle_root = '00'.repeat(32); }, ['root']],
    [(bundle) => { bundle.entrants.reverse(); }, ['form']],
    [(bundle) => { bundle.quotas[1].places = 8; }, ['form']],
    [(bundle) => { delete bundle.order; }, ['drawn']],
    [(bundle) => { bundle.secret = '01'.repeat(32); }, ['commitment', 'result']],
    [(bundle) => { bundle.secret = 'x'; }, ['commitment']],
    [(bundle) => { bundle.public_value += '1'; }, ['result']],
    [(bundle) => { bundle.winners += 1; }, ['result']],
    [(bundle) => { bundle.order.reverse(); }, ['result']],
  ];
  for (const [change, expected] of changes) {
    const { bundle } = copy();
    change(bundle);
    assert.deepEqual(failed(await verify(bundle)), expected, String(change));
  }
  assert.deepEqual(failed(await verify(null)), ['form']);
});

test('another receipt or token is seen', async () => {
  const seen = async (change, token) => {
    const { bundle, receipt } = copy();
    change(receipt);
    return failed(await verifyReceipt(bundle, receipt, token));
  };
  assert.deepEqual(await seen((receipt) => { receipt.leaf.size = 2; }), ['proof', 'receipt']);
  assert.deepEqual(await seen((receipt) => { receipt.leaf.sequence = 0; }), ['proof', 'receipt']);
  assert.deepEqual(await seen((receipt) => { receipt.proof.pop(); }), ['proof']);
  assert.deepEqual(await seen((receipt) => { receipt.game_id = 8; }), ['receipt']);
  assert.deepEqual(await seen((receipt) => { receipt.leaf = null; }), ['proof', 'receipt']);
  assert.deepEqual(await seen(() => {}, 'token-5'), ['token']);
});
