// A finish-line clock: seven-segment digits drawn as SVG, kept out of the accessibility tree;
// the host element carries the readable time.
const NS = 'http://www.w3.org/2000/svg';
// Segments a to g of one digit in a 26 × 46 box, and which of them each character lights.
const SHAPES = ['5,2 21,2 18,6 8,6', '22,3 24,5 24,21 22,23 19,20 19,7', '22,24 24,26 24,42 22,44 19,40 19,27',
  '8,41 18,41 21,45 5,45', '4,24 7,27 7,40 4,44 2,42 2,26', '4,3 7,7 7,20 4,23 2,21 2,5', '8,21.5 18,21.5 20,23.5 18,25.5 8,25.5 6,23.5'];
const LIT = { 0: 'abcdef', 1: 'bc', 2: 'abged', 3: 'abgcd', 4: 'fgbc', 5: 'afgcd', 6: 'afgedc', 7: 'abc', 8: 'abcdefg', 9: 'abcdfg', '-': 'g' };

function shape(tag, attributes) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function draw(text) {
  let x = 0;
  const parts = [];
  for (const character of text) {
    if (character === ':') {
      for (const y of [16, 32]) parts.push(shape('rect', { x: x + 2, y: y - 2.5, width: 5, height: 5, class: 'segment-on' }));
      x += 10;
      continue;
    }
    const lit = LIT[character] ?? '';
    const digit = shape('g', { transform: `translate(${x} 0) skewX(-4)` });
    SHAPES.forEach((points, index) => digit.append(shape('polygon', { points, class: lit.includes('abcdefg'[index]) ? 'segment-on' : 'segment-off' })));
    parts.push(digit);
    x += 29;
  }
  const svg = shape('svg', { viewBox: `-4 -1 ${x + 4} 49`, 'aria-hidden': 'true', focusable: 'false' });
  svg.append(...parts);
  return svg;
}

/** Returns a function that shows a time such as "29:41"; `label` is what a screen reader finds. */
export function segmentClock(host) {
  host.classList.add('segment-clock');
  host.setAttribute('role', 'timer');
  let shown = null;
  return (text, label = text) => {
    if (text === shown) return;
    shown = text;
    host.replaceChildren(draw(text));
    host.setAttribute('aria-label', label);
  };
}
