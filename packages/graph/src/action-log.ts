/**
 * The log of a played node as text that people can read and change: one word for each frame, in order, and
 * `right*3` for three in a row.
 */

/** Frames that a log may hold: two and a half minutes at eight a second. */
export const maxLoggedActions = 1200;

/** Text of a log. */
export function formatActionLog(actions: readonly string[]): string {
  const parts: string[] = [];
  for (let i = 0; i < actions.length; ) {
    let end = i + 1;
    while (actions[end] === actions[i]) end += 1;
    parts.push(end - i === 1 ? actions[i]! : `${actions[i]}*${end - i}`);
    i = end;
  }
  return parts.join(' ');
}

export type ParsedActionLog =
  | { readonly ok: true; readonly actions: readonly string[] }
  /** What was expected and found, as a sentence. */
  | { readonly ok: false; readonly message: string };

/** Reads a log; `known` are the words that it may use. Case and the kind of white space do not matter. */
export function parseActionLog(text: string, known: readonly string[]): ParsedActionLog {
  const actions: string[] = [];
  for (const part of text
    .trim()
    .toLowerCase()
    .split(/[\s,]+/)) {
    if (part === '') continue;
    const [, word = '', times = '1'] = /^([a-z-]+)(?:\*([1-9][0-9]{0,3}))?$/.exec(part) ?? [];
    if (!known.includes(word)) {
      const shown = part.length > 30 ? `${part.slice(0, 30)}…` : part;
      return {
        ok: false,
        message: `"${shown}" is no action; each is one of ${known.join(', ')}, with *3 behind it for three in a row.`,
      };
    }
    if (actions.length + Number(times) > maxLoggedActions)
      return { ok: false, message: `A log holds at most ${maxLoggedActions} actions.` };
    for (let i = 0; i < Number(times); i++) actions.push(word);
  }
  return { ok: true, actions };
}
