// The rules for a player's fields, the same as the server's. Pure: no page, no clock of its own.

export const CERTIFICATE_TYPES = [0, 1, 2, 3, 4, 5];
export const T_SHIRT_SIZES = ['', 'XXS', 'XS', 'S', 'M', 'L', 'XL', 'XXL', 'XXXL'];

/** Greatest number of characters of each text field. */
export const MAX_LENGTH = {
  name: 32, certificate_no: 20, mobile: 18, email: 32, country: 32, province: 32, city: 32,
  address1: 32, address2: 32, zip: 6, emergency_contact_name: 32, emergency_contact_mobile: 18,
};
export const REQUIRED = ['name', 'certificate_type', 'certificate_no', 'gender', 'birth_date', 'mobile', 'email', 'country',
  'emergency_contact_name', 'emergency_contact_mobile'];
export const MAX_PLAYERS = 100;

const MOBILE = /^\+?[0-9-]{6,18}$/;
const CERTIFICATE = /^[\p{L}\p{N}\-()/]+$/u;
const EMAIL = /^[^@\s]+@[^@\s]+$/;
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK = '10X98765432';

function realDate(text) {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text;
}

/** Reads an 18-digit identity card: { birthDate, gender } (1 male, 2 female), or null when it cannot be one. */
export function readIdentityCard(number) {
  const text = String(number).trim().toUpperCase();
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
      return CERTIFICATE.test(value) ? null : 'fault.certificate_no';
    case 'birth_date':
      if (!realDate(value) || value >= today) return 'fault.birth_date';
      return card && card.birthDate !== value ? 'fault.birth_date_card' : null;
    case 'gender':
      return card && card.gender !== Number(value) ? 'fault.gender_card' : null;
    case 'mobile':
    case 'emergency_contact_mobile':
      return MOBILE.test(value) ? null : 'fault.mobile';
    case 'email':
      return EMAIL.test(value) ? null : 'fault.email';
    default:
      return null;
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
    const key = `${player.certificate_type}:${player.certificate_no.trim().toUpperCase()}`;
    if (seen.has(key)) repeated.push(index); else seen.add(key);
  });
  return repeated;
}
