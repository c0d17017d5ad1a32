/**
 * What Wan's pipeline does to a prompt before the tokenizer: marks that came with a copied text become plain ones,
 * entities of HTML become letters, white space becomes single spaces.
 *
 * @see diffusers WanPipeline, `prompt_clean`: ftfy.fix_text, html.unescape twice, strip. Of ftfy the repair of text
 *   that was decoded in a wrong encoding is left out.
 */

const ligatures: Readonly<Record<string, string>> = {
  ĳ: 'ij',
  Ĳ: 'IJ',
  ŉ: 'ʼn',
  ﬀ: 'ff',
  ﬁ: 'fi',
  ﬂ: 'fl',
  ﬃ: 'ffi',
  ﬄ: 'ffl',
  ﬅ: 'ſt',
  ﬆ: 'st',
};

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  reg: '®',
  deg: '°',
  times: '×',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  euro: '€',
};

/** Entities that are numbers, and those with names that people's texts have. Others stay as they are. */
export function unescapeHtml(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}));/g,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return Object.hasOwn(named, name) ? (named[name] ?? whole) : whole;
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      const isLetter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
      return isLetter ? String.fromCodePoint(code) : '\ufffd';
    },
  );
}

function plainMarks(text: string): string {
  return (
    text
      .replace(/[\u2018\u2019\u201a\u201b\u02bc]/g, "'")
      .replace(/[\u201c\u201d\u201e\u201f]/g, '"')
      .replace(/[ĳĲŉﬀ-ﬆ]/g, (letter) => ligatures[letter] ?? letter)
      // Letters as wide as Chinese ones, and half as wide as Japanese ones.
      .replace(/[\uff01-\uffef\u3000]/g, (letter) => letter.normalize('NFKC'))
      .replace(/\r\n?|\u2028|\u2029|\u0085/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f\ufeff\u206a-\u206f\ufff9-\ufffb]/g, '')
      .normalize('NFC')
  );
}

/** The prompt as the tokenizer is given it. */
export function cleanPrompt(text: string): string {
  const marks = plainMarks(text.includes('<') ? text : unescapeHtml(text));
  return unescapeHtml(unescapeHtml(marks)).trim().replace(/\s+/g, ' ').trim();
}
