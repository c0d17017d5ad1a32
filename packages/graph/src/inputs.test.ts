import { describe, expect, test } from 'vitest';
import { exampleCatalogue, exampleWorkflow } from './example-catalogue.ts';
import { applyInputs } from './inputs.ts';

const workflow = exampleWorkflow(
  { s: 'source', w: { type: 'write', params: { text: 'a' } }, a: 'step', odd: 'missing' },
  [],
  {
    inputs: {
      prompt: { node: 'w', param: 'text', label: 'Prompt' },
      size: { node: 's', param: 'size', label: 'Size' },
    },
  },
);

function messages(values: Record<string, string | number | boolean>): string[] {
  const result = applyInputs(workflow, values, exampleCatalogue);
  return result.ok ? [] : result.issues.map(({ message }) => message);
}

describe('setting inputs', () => {
  test('I1 reads texts by the kind of the param and leaves the document alone', () => {
    const result = applyInputs(
      workflow,
      {
        prompt: '12',
        size: '32',
        's.seed': ' 18446744073709551615',
        's.scale': '0.5',
        'a.on': 'no',
        'a.mode': 'good',
      },
      exampleCatalogue,
    );
    expect(
      result.ok
        ? Object.fromEntries(Object.entries(result.workflow.nodes).map(([id, node]) => [id, node.params]))
        : result,
    ).toEqual({
      s: { size: 32, seed: '18446744073709551615', scale: 0.5 },
      w: { text: '12' },
      a: { on: false, mode: 'good' },
      odd: {},
    });
    expect(workflow.nodes.s?.params).toEqual({});
  });

  test('I1 holds values to the rules of the param, all at once', () => {
    expect(messages({ size: '1000', prompt: '', 'a.on': 'maybe', 's.seed': '-1', 's.scale': '' })).toEqual([
      '"size" expects 16 to 256 px, found 1000.',
      '"prompt" is empty and must say something.',
      '"a.on" expects true or false, found "maybe".',
      '"s.seed" expects a whole number from 0 to 18446744073709551615 in quotes, found "-1".',
      '"s.scale" expects a number, found "".',
    ]);
  });

  test('I2 unknown names offer the nearest', () => {
    expect(
      messages({ promt: 'x', seed: '1', 'a.mod': 'good', 'x.y': '1', constructor: '1', 'odd.p': '1' }),
    ).toEqual([
      'This workflow has no input "promt". Did you mean "prompt"? It has: prompt, size; or use node.param.',
      'This workflow has no input "seed". Did you mean "s.seed"? It has: prompt, size; or use node.param.',
      'This workflow has no input "a.mod". Did you mean "a.mode"? It has: prompt, size; or use node.param.',
      expect.stringContaining('has no input "x.y".'),
      expect.stringContaining('has no input "constructor".'),
      'Cannot set "odd.p": node type "missing" is not installed.',
    ]);
  });

  test('I1 sets a param of a subgraph instance', () => {
    const nested = exampleWorkflow({ i: { type: 'subgraph:inner', version: 1 } }, [], {
      subgraphs: {
        inner: {
          title: '',
          description: '',
          nodes: { n: { type: 'step', version: 2, params: {} } },
          edges: [],
          inputs: {},
          outputs: {},
          params: { on: { node: 'n', param: 'on' } },
          layout: { nodes: {} },
        },
      },
    });
    const result = applyInputs(nested, { 'i.on': 'false' }, exampleCatalogue);
    expect(result.ok ? result.workflow.nodes.i?.params : result).toEqual({ on: false });
  });
});
