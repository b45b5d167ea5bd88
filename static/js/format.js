// Money, counts, dates and spans of time as the reader's language writes them.
import { language, t } from './i18n.js';

const locale = () => (language() === 'zh' ? 'zh-CN' : 'en-GB');

/** Yuan with two decimals only when they are needed. */
export function yuan(amount) {
  const value = Number(amount);
  const digits = Number.isInteger(value) ? 0 : 2;
  return `¥${value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: 2 })}`;
}

export const count = (value) => Number(value ?? 0).toLocaleString(locale());

/** The zone of the event: its times are the same for a reader in any other, as on the posters. */
const timeZone = 'Asia/Shanghai';

/** Reads `YYYY-MM-DD HH:mm[:ss]` (the event's wall clock), RFC 3339, or unix seconds. */
export function parseTime(value) {
  if (!value) return null;
  if (typeof value === 'number') return new Date(value * 1000);
  const local = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d(?::\d\d)?)$/.exec(value);
  const date = new Date(local ? `${local[1]}T${local[2]}+08:00` : value);
  return Number.isNaN(date.getTime()) ? null : date;
}

export function dateTime(value) {
  const date = parseTime(value);
  return date ? date.toLocaleString(locale(), { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', timeZone }) : '';
}

/** A time near enough that its year goes without saying, unless it is another one. */
export function nearTime(value) {
  const date = parseTime(value);
  if (!date) return '';
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : 'numeric';
  return date.toLocaleString(locale(), { year, month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', timeZone });
}

export function longDate(value) {
  const date = parseTime(value);
  return date ? date.toLocaleString(locale(), { year: 'numeric', month: 'long', day: 'numeric', weekday: 'short', hour: '2-digit', minute: '2-digit', timeZone }) : '';
}

/** Of something that just happened: the reader's own clock. */
export function clockTime(value) {
  const date = parseTime(value);
  return date ? date.toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit' }) : '';
}

/** Seconds as 0:00, 00:00 or 0:00:00, never below zero. */
export function countdown(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  const pad = (value) => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(left / 3600), Math.floor((left % 3600) / 60), left % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${pad(minutes)}:${pad(rest)}`;
}

/** A forecast such as "about 2 to 5 minutes"; hours when it is long. Rounded outwards, so that the range stays honest. */
export function waitSpan({ low, high }) {
  if (high < 60) return t('line.wait_under_minute');
  const long = high >= 2 * 3600;
  const of = long ? 3600 : 60;
  const [from, to] = [Math.max(long ? 0.5 : 1, Math.floor((low / of) * 2) / 2), Math.ceil(high / of)];
  const least = long ? from : Math.max(1, Math.floor(from));
  const unit = t(`line.unit_${long ? 'hour' : 'minute'}${to === 1 ? '' : 's'}`);
  return t(least >= to ? 'line.wait_one' : 'line.wait_span', { low: least.toLocaleString(locale()), high: to.toLocaleString(locale()), unit });
}

/** A length of time in words: "30 min", "2 h", "1 day". */
export function duration(seconds) {
  const [unit, of] = seconds < 90 ? ['second', 1] : seconds < 5400 ? ['minute', 60] : seconds < 129_600 ? ['hour', 3600] : ['day', 86_400];
  const value = Math.round((seconds / of) * 10) / 10;
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 1 }).format(value);
}
