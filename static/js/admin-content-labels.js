// What collections, their columns and their choices are called. A name without a text of ours shows as itself.
import { h } from './dom.js';
import { count, dateTime, yuan } from './format.js';
import { has, t } from './i18n.js';

const MOST_CHOICES = 10;

const keyOf = (keys) => keys.find(has);

/** For `h`: the text's key, so that it follows the language, else the name. */
const labelled = (key, name) => (key ? { i18n: key } : { text: name });

export const collectionLabel = (name) => labelled(keyOf([`content.${name}`]), name);

const columnKey = (collection, name) => keyOf([`content.${collection}.${name}`, `content.col.${name}`]);

export const columnLabel = (collection, name) => labelled(columnKey(collection, name), name);

export const textOf = ({ i18n, text }) => (i18n ? t(i18n) : text);

/** The key of a hint below the field, if there is one. */
export const hintKey = (collection, name) => keyOf([`content.hint.${collection}.${name}`, `content.hint.${name}`]);

const choiceKey = (collection, name, value) => keyOf([`content.choice.${collection}.${name}.${value}`, `content.choice.${name}.${value}`]);

/** The few values of a whole number as [value, label], or null when it is a number like any other. */
export function choicesOf(collection, { name, kind, least, most }) {
  if (kind !== 'int' || least === undefined || most - least >= MOST_CHOICES) return null;
  const values = Array.from({ length: most - least + 1 }, (_, index) => least + index);
  const named = values.some((value) => choiceKey(collection, name, value));
  if (!named && !(least === 0 && most === 1)) return null;
  return values.map((value) => [value, labelled(choiceKey(collection, name, value) ?? (named ? null : `content.choice.${value}`), String(value))]);
}

/** The member that names a row, as text. */
export const titleOf = (listing, row) => String((listing ? row[listing.title] : row.username ?? row.name ?? row.title) || '');

/** A value as text, for tables and for what is only read. */
export function valueText(collection, column, value) {
  if (value === null || value === undefined || value === '') return '–';
  const choice = choicesOf(collection, column)?.find(([known]) => known === value);
  if (choice) return textOf(choice[1]);
  switch (column.kind) {
    case 'time': return dateTime(value);
    case 'yuan': return yuan(value);
    case 'int': return column.of ? `#${value}` : count(value);
    case 'ref': return `#${value}`;
    default: {
      const key = choiceKey(collection, column.name, value);
      return key ? t(key) : typeof value === 'object' ? JSON.stringify(value) : String(value);
    }
  }
}

/** Whether an address may be shown as a picture. */
export const isPicture = (address) => /^(\/|https:\/\/|http:\/\/).*\.(svg|png|jpe?g|webp|gif|avif)(\?.*)?$/i.test(address ?? '');

export const rowNumber = (id) => h('span', { class: 'content-id', text: `#${id}` });
