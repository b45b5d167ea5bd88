// Certificates written one a line, as organisers keep them in files. Pure: no page.

const LINE = /^["'\s]*(-?\d{1,3})["'\s]*[\s,;，；]["'\s]*(.+)$/;

/**
 * Reads `type number` lines (a blank, comma, semicolon or tab between them; empty lines and a line of column names are
 * passed over): the certificates, where each stands as { line, start, end }, and where lines stand that are none.
 */
export function readCertificates(text) {
  const found = { certificates: [], places: [], wrong: [] };
  let start = 0;
  text.split('\n').forEach((raw, index) => {
    const place = { line: index + 1, start, end: start + raw.length };
    start = place.end + 1;
    const line = raw.replace(/^\ufeff/, '').trim();
    if (!line || (index === 0 && /^["']?certificate_type/i.test(line))) return;
    const parts = LINE.exec(line);
    const number = parts?.[2].replace(/["'\s,;，；]+$/, '');
    if (!number) { found.wrong.push(place); return; }
    found.certificates.push({ certificate_type: Number(parts[1]), certificate_no: number });
    found.places.push(place);
  });
  return found;
}
