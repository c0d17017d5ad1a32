/**
 * Looks through JSON text before `JSON.parse` sees it. The parser of the platform keeps the last of two equal
 * keys, reads any depth, and names places differently in each browser; a document that two readers understand
 * differently, or that overflows the stack of whoever clones it later, must not get in.
 */

/** Why a text is refused, and where (both counted from 1). */
export interface JsonProblem {
  readonly code:
    | 'document/not-json'
    | 'document/too-deep'
    | 'document/duplicate-key'
    | 'document/reserved-name';
  readonly message: string;
  readonly line: number;
  readonly column: number;
  /** Keys and indices that lead to the place. */
  readonly path: (string | number)[];
}

/** Keys that reach the prototype of an object when a program copies them carelessly. */
export const prototypeKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

type Expecting = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing';

/** An open object or array. */
interface Frame {
  readonly keys: Set<string> | undefined;
  place: string | number;
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const literals = ['true', 'false', 'null'];

/**
 * Checks that `text` is JSON, nested at most `maxDepth` deep, without equal or prototype-reaching keys.
 * One pass, no recursion; stops at the first problem.
 */
export function scanJson(text: string, maxDepth: number): JsonProblem | undefined {
  const frames: Frame[] = [];
  let expecting: Expecting = 'value';
  let at = 0;

  const problem = (code: JsonProblem['code'], message: string, offset: number): JsonProblem => {
    const before = text.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    return {
      code,
      message: `${message} (line ${line}, column ${column}).`,
      line,
      column,
      path: frames.slice(0, maxDepth).map((frame) => frame.place),
    };
  };
  const unexpected = (offset: number): JsonProblem => {
    const found =
      offset < text.length
        ? JSON.stringify(String.fromCodePoint(text.codePointAt(offset) ?? 0))
        : 'the end of the text';
    return problem(
      'document/not-json',
      `This is not JSON: expected ${expectation[expecting]}, found ${found}`,
      offset,
    );
  };
  const afterValue = (): Expecting => (frames.length === 0 ? 'nothing' : 'comma-or-end');

  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === ' ' || char === '\n' || char === '\r' || char === '\t') {
      at += 1;
      continue;
    }
    const top = frames.at(-1);
    if (char === '"') {
      const isKey = expecting === 'key' || expecting === 'key-or-end';
      if (!isKey && expecting !== 'value' && expecting !== 'value-or-end') return unexpected(at);
      const end = endOfString(text, at);
      if (end.fault !== undefined)
        return problem('document/not-json', `This is not JSON: ${end.fault}`, end.at);
      if (isKey && top?.keys !== undefined) {
        const raw = text.slice(at, end.at);
        const key: string = raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1);
        if (prototypeKeys.has(key)) {
          return problem(
            'document/reserved-name',
            `The name "${key}" is reserved and cannot be used as a key`,
            at,
          );
        }
        if (top.keys.has(key)) {
          return problem(
            'document/duplicate-key',
            `The key ${JSON.stringify(key)} appears twice in one object; keep one of them`,
            at,
          );
        }
        top.keys.add(key);
        top.place = key;
        expecting = 'colon';
      } else expecting = afterValue();
      at = end.at;
      continue;
    }
    if (char === '{' || char === '[') {
      if (expecting !== 'value' && expecting !== 'value-or-end') return unexpected(at);
      if (frames.length >= maxDepth) {
        return problem(
          'document/too-deep',
          `This is nested more than ${maxDepth} levels deep; a workflow never is`,
          at,
        );
      }
      frames.push(char === '{' ? { keys: new Set(), place: '' } : { keys: undefined, place: 0 });
      expecting = char === '{' ? 'key-or-end' : 'value-or-end';
      at += 1;
      continue;
    }
    if (char === '}' || char === ']') {
      const fits = top !== undefined && (top.keys !== undefined) === (char === '}');
      const allowed =
        expecting === 'comma-or-end' || expecting === (char === '}' ? 'key-or-end' : 'value-or-end');
      if (!fits || !allowed) return unexpected(at);
      frames.pop();
      expecting = afterValue();
      at += 1;
      continue;
    }
    if (char === ':') {
      if (expecting !== 'colon') return unexpected(at);
      expecting = 'value';
      at += 1;
      continue;
    }
    if (char === ',') {
      if (expecting !== 'comma-or-end' || top === undefined) return unexpected(at);
      if (typeof top.place === 'number') top.place += 1;
      expecting = top.keys === undefined ? 'value' : 'key';
      at += 1;
      continue;
    }
    if (expecting !== 'value' && expecting !== 'value-or-end') return unexpected(at);
    numberPattern.lastIndex = at;
    const length = numberPattern.test(text)
      ? numberPattern.lastIndex - at
      : (literals.find((literal) => text.startsWith(literal, at))?.length ?? 0);
    if (length === 0) return unexpected(at);
    expecting = afterValue();
    at += length;
  }
  return expecting === 'nothing' ? undefined : unexpected(text.length);
}

const expectation: Record<Expecting, string> = {
  value: 'a value',
  'value-or-end': 'a value or "]"',
  key: 'a key in double quotes',
  'key-or-end': 'a key in double quotes or "}"',
  colon: '":"',
  'comma-or-end': '"," or a closing bracket',
  nothing: 'nothing more',
};

/** Offset after the closing quote of the string that opens at `start`, or what is wrong with it. */
function endOfString(text: string, start: number): { readonly at: number; readonly fault?: string } {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return { at: at + 1 };
    if (code < 0x20) return { at, fault: 'a line break or control character inside a text must be escaped' };
    if (code === 0x5c) {
      const escaped = text[at + 1] ?? '';
      if (escaped === 'u') {
        if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6)))
          return { at, fault: 'expected four hexadecimal digits after "\\u"' };
        at += 6;
      } else if (escaped !== '' && '"\\/bfnrt'.includes(escaped)) at += 2;
      else return { at, fault: `"\\${escaped}" is no escape of JSON` };
    } else at += 1;
  }
  return { at: start, fault: 'a text is not closed by a double quote' };
}
