import { describe, expect, expectTypeOf, it } from 'vitest';
import { defineNode, describeNode } from './define-node.ts';
import { createTestContext } from './test-context.ts';
import type { ImageValue } from './values.ts';

const join = defineNode({
  type: 'join-text',
  version: 2,
  title: 'Join',
  description: 'Puts two texts together.',
  category: 'Text',
  inputs: {
    first: { type: 'text', label: 'First', description: 'The beginning.' },
    second: { type: 'text', label: 'Second', description: 'The end.', optional: true },
    picture: { type: 'image', label: 'Picture', description: 'Not looked at.', optional: true },
  },
  outputs: { text: { type: 'text', label: 'Text', description: 'Both.' } },
  params: {
    count: { kind: 'integer', label: 'Count', description: 'How often.', default: 1, min: 1, max: 9 },
    seed: { kind: 'seed', label: 'Seed', description: 'Not used.', default: '0' },
  },
  cache: 'memory',
  lane: 'cpu',
  run({ inputs, params }) {
    expectTypeOf(inputs.first).toEqualTypeOf<string>();
    expectTypeOf(inputs.second).toEqualTypeOf<string | undefined>();
    expectTypeOf(inputs.picture).toEqualTypeOf<ImageValue | undefined>();
    expectTypeOf(params.count).toEqualTypeOf<number>();
    expectTypeOf(params.seed).toEqualTypeOf<string>();
    return { text: `${inputs.first}${inputs.second ?? ''}`.repeat(params.count) };
  },
});

describe('defineNode', () => {
  it('gives run typed inputs and params, optional ports as maybe absent', async () => {
    const ctx = createTestContext();
    expect(
      await join.run({ inputs: { first: 'a', second: 'b' }, params: { count: 2, seed: '0' }, ctx }),
    ).toEqual({
      text: 'abab',
    });
    expect(await join.run({ inputs: { first: 'a' }, params: { count: 1, seed: '0' }, ctx })).toEqual({
      text: 'a',
    });
  });

  it('describes a node as plain data with its defaults filled in', () => {
    const info = describeNode(join);
    expect(JSON.parse(JSON.stringify(info))).toEqual(info);
    expect(info).toMatchObject({
      type: 'join-text',
      version: 2,
      synonyms: [],
      preview: 'none',
      isOutput: false,
    });
    expect(Object.keys(info.inputs)).toEqual(['first', 'second', 'picture']);
  });
});
