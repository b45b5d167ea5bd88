// From a chat line's `content` to DOM nodes, and from typed text to what is sent. The server escapes
// content as HTML except for the emoji image; nothing here ever reaches an HTML parser.
import { h } from './dom.js';

export const EMOJI = ['laugh', 'wow', 'cool', 'cry', 'heart', 'fire', 'thumb', 'flag', 'medal', 'bolt', 'runner'];

const IMAGE = /<img class="emoji" src="(\/static\/emoji\/[A-Za-z0-9_-]+\.(?:svg|png|gif|webp))"(?: alt="[^"<>]*")?\s*\/?>/g;
const ENTITY = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos|nbsp));/g;
const NAMED = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** One pass only: what was escaped twice stays readable as it was typed. */
export function decodeEntities(text) {
  return text.replace(ENTITY, (whole, decimal, hex, name) => {
    if (name) return NAMED[name];
    const point = decimal ? Number(decimal) : parseInt(hex, 16);
    return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : whole;
  });
}

/** Splits content into { text } and { emoji: path } parts. */
export function parseContent(content) {
  const parts = [];
  let from = 0;
  for (const match of String(content ?? '').matchAll(IMAGE)) {
    if (match.index > from) parts.push({ text: decodeEntities(content.slice(from, match.index)) });
    parts.push({ emoji: match[1] });
    from = match.index + match[0].length;
  }
  const rest = String(content ?? '').slice(from);
  if (rest) parts.push({ text: decodeEntities(rest) });
  return parts;
}

export function contentNodes(content) {
  return parseContent(content).map((part) => (part.emoji
    ? h('img', { class: 'emoji', src: part.emoji, alt: `:${part.emoji.split('/').pop().split('.')[0]}:`, width: 24, height: 24 })
    : document.createTextNode(part.text)));
}

/** Typed `:fire:` becomes the image form, if the emoji exists. */
export function toWire(typed) {
  return typed.trim().replace(/:([a-z]+):/g, (whole, name) => (EMOJI.includes(name) ? `<img class="emoji" src="/static/emoji/${name}.svg">` : whole));
}

/** Our own pending line, before the server has answered: typed text shown as content would be. */
export function typedNodes(wire) {
  const escaped = wire.split(IMAGE).map((piece, index) => (index % 2 ? `<img class="emoji" src="${piece}">` : piece.replace(/&/g, '&amp;')));
  return contentNodes(escaped.join(''));
}
