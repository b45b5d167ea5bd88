// The rules of the players' form, which must agree with the server's. They need no page.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import {
  checkField, foldCertificate, foldPhone, hasHidden, hasVisible, readIdentityCard, repeatedCertificates,
} from '../../static/js/validation.js';

const fault = (field, value, more = {}) => checkField({ certificate_type: 1, ...more, [field]: value }, field, '2026-11-30');

test('a phone is folded before it is judged', () => {
  for (const typed of ['13800138000', '+86 138 0013 8000', '86-13800138000', '0086\u00a013800138000', '１３８００１３８０００', '\u202d13800138000\u202c', '138–0013–8000']) {
    assert.equal(foldPhone(typed), '13800138000', typed);
    assert.equal(fault('mobile', typed), null, typed);
  }
  for (const good of ['+44 7911 123456', '010-65529988', '123456', '+123456789012345']) assert.equal(fault('mobile', good), null, good);
  for (const bad of ['------', '12345', '1234567890123456', '1380013800O', '123-456-789-012-345']) assert.equal(fault('mobile', bad), 'fault.mobile', bad);
});

test('a certificate is one person however it is written', () => {
  for (const typed of ['E7654321', 'e7654321-', '(E7654321)', 'Ｅ７６５４３２１', 'E 765–4321', 'E·7654321']) {
    assert.equal(foldCertificate(typed), 'E7654321', typed);
    assert.equal(fault('certificate_no', typed), null, typed);
  }
  for (const bad of ['---', '()', '\u0415765', 'E76***21', 'E\u200b1', '南字第1号']) assert.equal(fault('certificate_no', bad), 'fault.certificate_no', bad);
  assert.equal(fault('certificate_no', '南字第 01234567 号', { certificate_type: 2 }), null);
  assert.deepEqual(readIdentityCard('110105 19491231 002x'), { birthDate: '1949-12-31', gender: 2 });
  assert.deepEqual(repeatedCertificates([['E1', 1], ['e-1', 1], ['E1', 2]].map(([certificate_no, certificate_type]) => ({ certificate_no, certificate_type }))), [1]);
});

test('people are born since 1900 and before today', () => {
  for (const bad of ['0027-05-01', '1899-12-31', '2026-11-30', '2026-02-30']) assert.equal(fault('birth_date', bad), 'fault.birth_date', bad);
  for (const good of ['1900-01-01', '2026-11-29']) assert.equal(fault('birth_date', good), null, good);
});

test('names show something and hide nothing', () => {
  for (const good of ['张三', '\u{1f468}\u200d\u{1f469}', '\u2764\ufe0f\u200d\u{1f525}', '1\ufe0f\u20e3', 'می\u200cخواهم', 'ᠪ\u180bᠠ', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', 'a'.repeat(64)]) {
    assert.equal(hasHidden(good), false, good);
    assert.equal(fault('name', good), null, good);
  }
  for (const bad of ['张\u202e三', '\u3164', '\u2800', '\u200b', 'a\u200d', '1\ufe0f', 'a\ufe0f', '葛\u{e0100}', 'a\u2028b', 'a\u00adb']) {
    assert.equal(fault('name', bad), 'fault.hidden', JSON.stringify(bad));
  }
  assert.equal(fault('name', 'a'.repeat(65)), 'fault.too_long');
  assert.ok(hasVisible('a') && !hasVisible('\u3164\u200b \u2800'));
});
