// The rules for a player's fields, the same as the server's. Pure: no page, no clock of its own.

export const CERTIFICATE_TYPES = [0, 1, 2, 3, 4, 5];
export const T_SHIRT_SIZES = ['', 'XXS', 'XS', 'S', 'M', 'L', 'XL', 'XXL', 'XXXL'];

/** Greatest number of characters of each text field, as typed. */
export const MAX_LENGTH = {
  name: 64, certificate_no: 20, mobile: 40, email: 254, country: 64, province: 64, city: 64,
  address1: 128, address2: 128, zip: 12, emergency_contact_name: 64, emergency_contact_mobile: 40,
};
/** The first day of birth that is taken. */
export const EARLIEST_BIRTH = '1900-01-01';
export const REQUIRED = ['name', 'certificate_type', 'certificate_no', 'gender', 'birth_date', 'mobile', 'email', 'country',
  'emergency_contact_name', 'emergency_contact_mobile'];
export const MAX_PLAYERS = 100;

const PHONE = /^\+?[0-9-]{6,18}$/;
const MAINLAND_MOBILE = /^1[3-9]\d{9}$/;
const CERTIFICATE = /^[A-Z0-9]+$/;
const MILITARY = /^[A-Z0-9\u4e00-\u9fff]+$/;
/** Marks that people and offices write between the letters and digits of a certificate. */
const MARKS = /[ \-()/._·\u2010-\u2015\u2212]/g;
const DASHES = /[\u2010-\u2015\u2212\ufe58\ufe63]/g;
/** Characters that show nothing, or turn the direction of their surroundings. */
const HIDDEN = /[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800\ufff9-\ufffb]/u;
const ALL_HIDDEN = new RegExp(HIDDEN, 'gu');
/** The flags of England, Scotland and Wales. */
const FLAGS = /\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{1,6}\u{e007f}/gu;
const SELECTOR = /[\ufe0e\ufe0f\u180b-\u180f]/;
const EMAIL = /^[^@\s]+@[^@\s]+$/;
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK = '10X98765432';

const isSeen = (letter) => Boolean(letter) && !/\s/u.test(letter) && !HIDDEN.test(letter);

/** Whether a character that hides by itself shapes the visible ones around it: a joiner, a keycap, a Mongolian letter. */
function shapes(letter, before, after) {
  if (letter === '\u200c' || letter === '\u200d') return (isSeen(before) || SELECTOR.test(before)) && isSeen(after);
  if (letter === '\ufe0e' || letter === '\ufe0f') return /[0-9#*]/.test(before) ? after === '\u20e3' : /\p{Emoji}/u.test(before);
  return /[\u180b-\u180f]/.test(letter) && /[\u1820-\u18aa]/.test(before);
}

/** Whether a text holds a character that nobody sees, which the server refuses in a name. */
export function hasHidden(text) {
  const letters = [...text.replace(FLAGS, '.')];
  return letters.some((letter, index) => HIDDEN.test(letter) && !shapes(letter, letters[index - 1] ?? '', letters[index + 1]));
}

/** Whether there is something to see in a text. */
export const hasVisible = (text) => text.replace(ALL_HIDDEN, '').trim() !== '';

/** A phone number as the server keeps it: a mainland mobile number as its 11 digits, others without blanks. */
export function foldPhone(typed) {
  const narrow = typed.replace(/[\uff01-\uff5e]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0)).replace(DASHES, '-');
  const kept = narrow.replace(/\s/gu, '').replace(ALL_HIDDEN, '');
  const plain = kept.replaceAll('-', '');
  return [plain, plain.replace(/^(\+86|0086|86)/, '')].find((number) => MAINLAND_MOBILE.test(number)) ?? kept;
}

function isPhone(typed) {
  const number = foldPhone(typed);
  const digits = number.replace(/\D/g, '').length;
  return PHONE.test(number) && number.length <= 18 && digits >= 6 && digits <= 15;
}

/** The letters and digits of a certificate, which tell people apart. */
export const foldCertificate = (typed) => typed.normalize('NFKC').replace(MARKS, '').toUpperCase();

function realDate(text) {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text;
}

/** Reads an 18-digit identity card: { birthDate, gender } (1 male, 2 female), or null when it cannot be one. */
export function readIdentityCard(number) {
  const text = foldCertificate(String(number).trim());
  if (!/^\d{17}[\dX]$/.test(text)) return null;
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(text[index]), 0);
  if (CHECK[sum % 11] !== text[17]) return null;
  const birthDate = `${text.slice(6, 10)}-${text.slice(10, 12)}-${text.slice(12, 14)}`;
  if (!realDate(birthDate)) return null;
  return { birthDate, gender: Number(text[16]) % 2 === 1 ? 1 : 2 };
}

/** The fault of one field as a text key, or null. `today` is YYYY-MM-DD. */
export function checkField(player, field, today) {
  const value = String(player[field] ?? '').trim();
  if (!value) return REQUIRED.includes(field) ? 'fault.required' : null;
  if (MAX_LENGTH[field] && [...value].length > MAX_LENGTH[field]) return 'fault.too_long';
  const card = Number(player.certificate_type) === 0 ? readIdentityCard(player.certificate_no) : null;
  switch (field) {
    case 'certificate_no':
      if (Number(player.certificate_type) === 0) return card ? null : 'fault.identity_card';
      return (Number(player.certificate_type) === 2 ? MILITARY : CERTIFICATE).test(foldCertificate(value)) ? null : 'fault.certificate_no';
    case 'birth_date':
      if (!realDate(value) || value < EARLIEST_BIRTH || value >= today) return 'fault.birth_date';
      return card && card.birthDate !== value ? 'fault.birth_date_card' : null;
    case 'gender':
      return card && card.gender !== Number(value) ? 'fault.gender_card' : null;
    case 'mobile':
    case 'emergency_contact_mobile':
      return isPhone(value) ? null : 'fault.mobile';
    case 'email':
      return EMAIL.test(value) && !hasHidden(value) ? null : 'fault.email';
    default:
      return hasHidden(value) ? 'fault.hidden' : null;
  }
}

/** All faults of one player: { field: text key }. */
export function checkPlayer(player, today) {
  const faults = {};
  for (const field of new Set([...REQUIRED, ...Object.keys(MAX_LENGTH)])) {
    const fault = checkField(player, field, today);
    if (fault) faults[field] = fault;
  }
  return faults;
}

/** Indexes of players whose certificate was already given by an earlier one. */
export function repeatedCertificates(players) {
  const seen = new Set();
  const repeated = [];
  players.forEach((player, index) => {
    if (!player.certificate_no) return;
    const key = `${player.certificate_type}:${foldCertificate(player.certificate_no)}`;
    if (seen.has(key)) repeated.push(index); else seen.add(key);
  });
  return repeated;
}
