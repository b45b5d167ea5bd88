// The HAWK-signed registration API as the reference's own client sees it: `hawk` signs, and verifies every answer.
import assert from 'node:assert/strict';
import { createHash, createCipheriv, randomInt, randomBytes } from 'node:crypto';
import test from 'node:test';
import Hawk from 'hawk';
import { deserialize, serialize } from 'bson';
import { XMLBuilder, XMLParser } from 'fast-xml-parser';

const URL_OF_SERVER = process.env.MATCHDAY_URL;
const PATH = `${URL_OF_SERVER}/api/WebInterface/Personal/Regist`;
const OFFICIAL = { id: 'official-demo', key: 'matchday-demo-official-session-key', algorithm: 'sha256' };
const OF_REQUEST = 'http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Parm.WebInterface';
const RUN = randomBytes(3).toString('hex');
let number = randomInt(80_000_000) + 10_000_000;

const freshName = () => `js-${RUN}-${number++}`;
const freshPhone = () => `138${number++}`;

function wrap(password) {
  const upper = createHash('md5').update(password).digest('hex').toUpperCase();
  const key = createHash('sha256').update(OFFICIAL.key + upper).digest().subarray(0, 24);
  const cipher = createCipheriv('des-ede3', key, null);
  return Buffer.concat([cipher.update(upper), cipher.final()]).toString('base64');
}

async function operation(path, members) {
  const answer = await fetch(URL_OF_SERVER + path, { method: 'POST', body: JSON.stringify(members) });
  return { status: answer.status, ...(await answer.json()) };
}

async function smsCode(phone) {
  assert.equal((await operation('/api/v1/token/code', { phone })).error_code, 0);
  return (await (await fetch(`${URL_OF_SERVER}/sandbox/sms/${phone}`)).json()).code;
}

const person = async (name, phone) =>
  ({ username: name, password: wrap('correct horse'), mobile: phone, verifycode: await smsCode(phone) });

const builder = new XMLBuilder({ ignoreAttributes: false });
const parser = new XMLParser({ ignoreAttributes: false, parseTagValue: false });
const WRITERS = {
  'application/json': (members) => JSON.stringify(members),
  'application/xml': (members) => builder.build({ PersonalMemberRegistParm: { '@_xmlns': OF_REQUEST, ...members } }),
  'application/bson': (members) => Buffer.from(serialize(members)),
};
const READERS = {
  'application/json': (body) => JSON.parse(body),
  'application/xml': (body) => {
    const { PersonalLoginResult: result } = parser.parse(body);
    const plain = Object.entries(result).filter(([name]) => !name.startsWith('@_'));
    return Object.fromEntries(plain.map(([name, value]) => [name, value?.['@_i:nil'] === 'true' ? null : value]));
  },
  'application/bson': (body) => deserialize(body),
};

/** Sends a body under a signature; `change` alters the signed request. Answers what `hawk` made of the answer. */
async function post(payload, contentType, { accept = 'application/json', credentials = OFFICIAL, timestamp, header, sent = payload } = {}) {
  const signed = header ?? Hawk.client.header(PATH, 'POST', { credentials, payload, contentType, timestamp });
  const answer = await fetch(PATH, {
    method: 'POST', body: sent, headers: { Authorization: signed.header, 'Content-Type': contentType, Accept: accept },
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const response = { headers: Object.fromEntries(answer.headers) };
  const verify = (required = true) =>
    Hawk.client.authenticate(response, credentials, signed.artifacts, { payload: body, required });
  return { status: answer.status, headers: answer.headers, kind: answer.headers.get('content-type').split(';')[0], body, verify, signed };
}

test('every format in and out, and each answer is the server\'s', async () => {
  for (const kind of Object.keys(WRITERS)) {
    for (const accept of Object.keys(READERS)) {
      const name = freshName();
      const answer = await post(WRITERS[kind](await person(name, freshPhone())), kind, { accept });
      await answer.verify();
      assert.deepEqual([answer.status, answer.kind], [200, accept], `${kind} ${accept}`);
      const told = READERS[accept](answer.body);
      assert.deepEqual([Number(told.errcode), told.memberusername, told.agentid], [0, name, null], `${kind} ${accept}`);
    }
  }
});

test('an answer that somebody changed is not believed', async () => {
  const answer = await post(JSON.stringify({}), 'application/json');
  await answer.verify();
  assert.equal(answer.status, 400);
  const response = { headers: Object.fromEntries(answer.headers) };
  const changed = Buffer.concat([answer.body, Buffer.from(' ')]);
  await assert.rejects(
    async () => Hawk.client.authenticate(response, OFFICIAL, answer.signed.artifacts, { payload: changed, required: true }),
    /Bad response payload mac/);
});

test('a replay, a wrong key and another body are refused', async () => {
  const payload = JSON.stringify(await person(freshName(), freshPhone()));
  const first = await post(payload, 'application/json');
  await first.verify();
  assert.equal(JSON.parse(first.body).errcode, 0);
  for (const [change, challenge] of [
    [{ header: first.signed }, 'Hawk error="Invalid nonce"'],
    [{ credentials: { ...OFFICIAL, key: 'another' } }, 'Hawk error="Bad mac"'],
    [{ credentials: { ...OFFICIAL, id: 'nobody' } }, 'Hawk error="Unknown credentials"'],
    [{ sent: `${payload} ` }, 'Hawk error="Bad payload hash"'],
  ]) {
    const refused = await post(payload, 'application/json', change);
    assert.deepEqual([refused.status, refused.headers.get('www-authenticate')], [401, challenge]);
  }
});

test('a wrong clock is set by the server\'s answer, which proves itself', async () => {
  const payload = JSON.stringify(await person(freshName(), freshPhone()));
  const now = Math.floor(Date.now() / 1000);
  const stale = await post(payload, 'application/json', { timestamp: now + 7200 });
  assert.equal(stale.status, 401);
  // `hawk` checks the time's own MAC here.
  const { headers } = await stale.verify(false);
  const told = headers['www-authenticate'];
  assert.equal(told.error, 'Stale timestamp');
  assert.ok(Math.abs(Number(told.ts) - now) < 30, told.ts);
  const corrected = await post(payload, 'application/json', { timestamp: Number(told.ts) });
  await corrected.verify();
  assert.equal(JSON.parse(corrected.body).errcode, 0);
});

test('who registered signs in to the H5 API by the phone', async () => {
  const [name, phone] = [freshName(), freshPhone()];
  const answer = await post(JSON.stringify(await person(name, phone)), 'application/json');
  assert.equal(JSON.parse(answer.body).errcode, 0);
  const { status, token } = await operation('/api/v1/token/phone', { phone, code: await smsCode(phone) });
  assert.equal(status, 200);
  const user = await (await fetch(`${URL_OF_SERVER}/api/v1/user/info`, { headers: { token } })).json();
  assert.deepEqual([user.username, user.mobile], [name, phone]);
});
