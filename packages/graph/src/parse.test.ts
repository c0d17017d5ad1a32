import { describe, expect, test } from 'vitest';
import { exampleWorkflow } from './example-catalogue.ts';
import { migrateDocument } from './migrations.ts';
import { type ParseResult, parseWorkflow, parseWorkflowValue } from './parse.ts';
import { stringifyWorkflow } from './stringify.ts';

const valid = stringifyWorkflow(exampleWorkflow({ a: 'source' }));

function codes(result: ParseResult): string[] {
  return result.ok ? [] : result.issues.map((issue) => issue.code);
}
function message(result: ParseResult): string {
  return result.ok ? 'accepted' : (result.issues[0]?.message ?? '');
}

describe('reading a workflow', () => {
  test('D1 refuses ten megabytes of nesting by size, and five by depth, at once', () => {
    expect(codes(parseWorkflow('['.repeat(10_000_000)))).toEqual(['document/too-large']);
    expect(message(parseWorkflow('['.repeat(5_000_000)))).toBe(
      'This is nested more than 32 levels deep; a workflow never is (line 1, column 33).',
    );
    expect(codes(parseWorkflow('{"a":'.repeat(1_000_000)))).toEqual(['document/too-deep']);
  });

  test('D1 counts bytes, not characters', () => {
    expect(codes(parseWorkflow(JSON.stringify('ü'.repeat(4_200_000))))).toEqual(['document/too-large']);
    expect(codes(parseWorkflow(JSON.stringify('u'.repeat(4_200_000))))).toEqual(['document/not-a-workflow']);
  });

  test.each([
    ['', 'expected a value, found the end of the text (line 1, column 1)'],
    ['{\n  "a": 1,\n}', 'expected a key in double quotes, found "}" (line 3, column 1)'],
    ["{'a': 1}", 'expected a key in double quotes or "}", found "\'" (line 1, column 2)'],
    ['[1 2]', 'expected "," or a closing bracket, found "2" (line 1, column 4)'],
    ['[1}', 'expected "," or a closing bracket, found "}"'],
    ['{"a" 1}', 'expected ":", found "1"'],
    ['{"a": NaN}', 'expected a value, found "N"'],
    ['[01]', 'expected "," or a closing bracket, found "1"'],
    ['[1.]', 'expected "," or a closing bracket, found "."'],
    ['"abc', 'a text is not closed by a double quote'],
    ['["\t"]', 'must be escaped'],
    ['["\\x"]', '"\\x" is no escape of JSON'],
    ['["\\u12g4"]', 'four hexadecimal digits'],
    ['{} {}', 'expected nothing more, found "{"'],
    ['truefalse', 'expected nothing more'],
    ['💥', 'found "💥"'],
  ])('D2 says what is wrong with %j', (text, expected) => {
    const result = parseWorkflow(text);
    expect(codes(result)).toEqual(['document/not-json']);
    expect(message(result)).toContain(expected);
  });

  test('D2 agrees with JSON.parse on what is JSON', () => {
    // Pieces of JSON put together at random, from a fixed sequence so that a failure repeats.
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b\\n"',
      '1',
      '-0.5e+3',
      '-',
      'true',
      'null',
      ' ',
      '"',
      '01',
      '\\',
      '"\\u00e9"',
    ];
    let state = 12345;
    const next = (limit: number): number => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return Math.floor((state / 2147483648) * limit);
    };
    let accepted = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const text = Array.from({ length: 1 + next(7) }, () => pieces[next(pieces.length)]).join('');
      let isJson = true;
      try {
        JSON.parse(text);
        accepted += 1;
      } catch {
        isJson = false;
      }
      const refused = codes(parseWorkflow(text)).filter(
        (code) => code !== 'document/not-a-workflow' && code !== 'document/duplicate-key',
      );
      expect({ text, isJson }).toEqual({ text, isJson: refused.length === 0 });
    }
    expect(accepted).toBeGreaterThan(500);
  });

  test('D2 refuses two equal keys, also when one is escaped, and names the place', () => {
    expect(message(parseWorkflow('{"a":1,\n "a":2}'))).toBe(
      'The key "a" appears twice in one object; keep one of them (line 2, column 2).',
    );
    expect(codes(parseWorkflow('{"a":1,"\\u0061":2}'))).toEqual(['document/duplicate-key']);
    expect(codes(parseWorkflow('{"x":{"a":1},"y":{"a":1}}'))).toEqual(['document/not-a-workflow']);
  });

  test.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])('D3 refuses the key %s', (key) => {
    expect(codes(parseWorkflow(`{"reelgraph":1,"nodes":{"${key}":{"polluted":true}}}`))).toEqual([
      'document/reserved-name',
    ]);
  });

  test('D3 refuses names that every object inherits as ids', () => {
    const text = valid.replace('"a":', '"toString":');
    const result = parseWorkflow(text);
    expect(result).toMatchObject({
      ok: false,
      issues: [{ code: 'document/invalid', path: ['nodes', 'toString'] }],
    });
  });

  test('D4 refuses a newer format and says which', () => {
    expect(message(parseWorkflow('{"reelgraph":2,"anything":{}}'))).toContain(
      'made by a newer Reelgraph (format 2; this one reads 1)',
    );
    for (const text of ['[]', '3', 'null', '{}', '{"reelgraph":"1"}', '{"last_node_id":9,"nodes":[]}']) {
      expect(codes(parseWorkflow(text))).toEqual(['document/not-a-workflow']);
    }
    expect(codes(parseWorkflow('{"reelgraph":0}'))).toEqual(['document/unknown-format']);
  });

  test('D5 reports everything that does not fit, with its path', () => {
    const text = JSON.stringify({
      reelgraph: 1,
      name: 7,
      nodes: {
        a: { type: 'x', version: 1.5, params: { p: [1] } },
        'b c': { type: 'x', version: 1, params: {} },
      },
      edges: [{ from: ['a'], to: ['b', 'c'] }],
      surprise: 1,
    });
    const result = parseWorkflow(text);
    expect(
      result.ok ? [] : result.issues.map(({ path, message }) => `${path?.join('.')} | ${message}`),
    ).toEqual([
      'name | name: expected a text, found a number.',
      'nodes.a.version | nodes.a.version: expected a whole number, found a number.',
      'nodes.a.params.p | nodes.a.params.p: expected a text, a number or true/false, found a list.',
      'nodes.b c | nodes.b c: a name starts with a letter and has letters, digits, "-" or "_", at most 64.',
      'edges.0.from | edges[0].from: expected at least 2 items, found 1.',
      ' | The workflow: unknown key "surprise".',
    ]);
  });

  test('D5 refuses numbers that JSON can write but a float cannot hold', () => {
    expect(codes(parseWorkflow(valid.replace('"params": {}', '"params": { "x": 1e999 }')))).toEqual([
      'document/invalid',
    ]);
  });

  test('D5 keeps the list short for a document with a hundred thousand faults', () => {
    const edges = Array.from({ length: 90_000 }, () => ({ from: 1, to: 2 }));
    const result = parseWorkflow(JSON.stringify({ reelgraph: 1, name: '', nodes: {}, edges }));
    expect(result.ok ? 0 : result.issues.length).toBe(50);
  });

  test('D1 refuses more nodes than a workflow may have', () => {
    const nodes = Object.fromEntries(Array.from({ length: 20_001 }, (_, index) => [`n${index}`, 1]));
    expect(codes(parseWorkflow(JSON.stringify({ reelgraph: 1, name: '', nodes, edges: [] })))).toEqual([
      'document/too-large',
    ]);
  });

  test('D6 keeps nodes of types nobody knows', () => {
    const workflow = exampleWorkflow({
      odd: { type: 'vendor/strange node', version: 9, params: { deep: 'x', n: -1.5e-7, on: false } },
    });
    const result = parseWorkflow(stringifyWorkflow(workflow));
    expect(result).toEqual({ ok: true, workflow, warnings: [] });
  });

  test('D7 applies migrations in order and refuses a gap', () => {
    const migrations = new Map([
      [1, (document: Readonly<Record<string, unknown>>) => ({ ...document, steps: ['1 to 2'] })],
      [
        2,
        (document: Readonly<Record<string, unknown>>) => ({
          ...document,
          steps: [document.steps, '2 to 3'],
        }),
      ],
    ]);
    const old = { reelgraph: 1, name: 'x' };
    expect(migrateDocument(old, { from: 1, to: 3, migrations })).toEqual({
      ok: true,
      document: { reelgraph: 3, name: 'x', steps: [['1 to 2'], '2 to 3'] },
    });
    expect(old).toEqual({ reelgraph: 1, name: 'x' });
    expect(migrateDocument(old, { from: 1, to: 4, migrations })).toEqual({ ok: false, stuckAt: 3 });
  });

  test('D7 the parser upgrades older documents and says so', () => {
    const older = valid.replace('"reelgraph": 1', '"reelgraph": 0').replace('"name"', '"title"');
    const migrations = new Map([
      [
        0,
        (document: Readonly<Record<string, unknown>>) => {
          const { title, ...rest } = document;
          return { ...rest, name: title };
        },
      ],
    ]);
    const result = parseWorkflow(older, { migrations });
    expect(result).toMatchObject({
      ok: true,
      workflow: { name: 'Example', reelgraph: 1 },
      warnings: [{ code: 'document/migrated' }],
    });
  });

  test('D8 checks values that were parsed elsewhere', () => {
    expect(parseWorkflowValue(JSON.parse(valid))).toMatchObject({ ok: true });
    expect(codes(parseWorkflowValue(JSON.parse('{"reelgraph":1,"nodes":{"__proto__":{}}}')))).toEqual([
      'document/reserved-name',
    ]);
    const deep: unknown = JSON.parse('['.repeat(500_000) + ']'.repeat(500_000));
    expect(codes(parseWorkflowValue({ reelgraph: 1, nodes: deep }))).toEqual(['document/too-deep']);
    expect(codes(parseWorkflowValue(undefined))).toEqual(['document/not-a-workflow']);
  });

  test('D2 reads a file that begins with a byte order mark', () => {
    expect(parseWorkflow(`\uFEFF${valid}`)).toMatchObject({ ok: true });
  });
});
