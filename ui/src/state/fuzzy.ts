/** Forgiving search for menus: the letters of the query in order, better the more of them start words. */

/** 0 when `query` does not occur in `text`; otherwise larger is better, at most 1. */
export function fuzzyScore(query: string, text: string): number {
  const needle = query.toLowerCase().replace(/\s+/g, '');
  if (needle === '') return 1;
  const hay = text.toLowerCase();
  const whole = hay.indexOf(query.toLowerCase().trim());
  if (whole === 0) return 1;
  if (whole > 0) return isWordStart(text, whole) ? 0.95 : 0.8;
  let at = 0;
  let starts = 0;
  let gaps = 0;
  for (const letter of needle) {
    let next = hay.indexOf(letter, at);
    // Prefer the letter where it begins a word: “vd” means VAE Decode.
    for (let seek = next; seek >= 0; seek = hay.indexOf(letter, seek + 1)) {
      if (isWordStart(text, seek)) {
        next = seek;
        break;
      }
    }
    if (next < 0) return 0;
    if (isWordStart(text, next)) starts++;
    else if (next !== at) gaps++;
    at = next + 1;
  }
  const score = 0.25 + (0.45 * starts) / needle.length - (0.3 * gaps) / needle.length;
  return Math.max(0, score);
}

function isWordStart(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text[at - 1] ?? '';
  const here = text[at] ?? '';
  return !/[A-Za-z0-9]/.test(before) || (/[a-z0-9]/.test(before) && /[A-Z]/.test(here));
}

export interface Searchable {
  /** What is shown. */
  readonly title: string;
  /** Other words for it; they count a little less. */
  readonly words: readonly string[];
}

/** The items that match, best first; items of equal score keep their order. */
export function fuzzyFilter<T extends Searchable>(items: readonly T[], query: string): T[] {
  if (query.trim() === '') return [...items];
  return items
    .map((item) => ({
      item,
      score: Math.max(
        fuzzyScore(query, item.title),
        ...item.words.map((word) => 0.85 * fuzzyScore(query, word)),
      ),
    }))
    .filter(({ score }) => score > 0.2)
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item);
}
