import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Workflow } from './document.ts';
import { exampleWorkflow } from './example-catalogue.ts';
import { parseWorkflow } from './parse.ts';
import { stringifyWorkflow } from './stringify.ts';

function read(text: string): Workflow {
  const result = parseWorkflow(text);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.workflow;
}

const whole = exampleWorkflow(
  {
    zed: { type: 'step', title: 'Zed', mode: 'bypassed', params: { on: true, mode: 'good' } },
    abc: { type: 'source', params: { seed: '18446744073709551615' } },
  },
  ['abc.latent -> zed.latent'],
  {
    inputs: {
      size: { node: 'abc', param: 'size', label: 'Größe "px"' },
      first: { node: 'abc', param: 'seed', label: 'Seed' },
    },
    subgraphs: {
      inner: {
        title: 'Inner',
        description: '',
        nodes: { only: { type: 'step', version: 2, params: {} } },
        edges: [],
        inputs: { z: { type: 'latent', label: 'Z', to: [['only', 'latent']] } },
        outputs: { a: { type: 'latent', label: 'A', from: ['only', 'latent'] } },
        params: {},
        layout: { nodes: { only: [0, 0] } },
      },
    },
    groups: { g: { title: 'Group', bounds: [0, 0, 10, 10] } },
    comments: { c: { text: 'line one\nline two', at: [1, 2] } },
    layout: { nodes: { zed: [1.5, -2], abc: [0, 0] }, viewport: { x: 0, y: 0, zoom: 0.5 } },
  },
);

describe('writing a workflow', () => {
  test('W1 what was written reads back the same and writes the same bytes', () => {
    const text = stringifyWorkflow(whole);
    expect(read(text)).toEqual(whole);
    expect(stringifyWorkflow(read(text))).toBe(text);
    expect(text.endsWith('}\n')).toBe(true);
  });

  test('W1 differently ordered documents of the same content are the same bytes', () => {
    const reversed = {
      ...whole,
      nodes: Object.fromEntries(Object.entries(whole.nodes).reverse()),
      layout: { ...whole.layout, nodes: Object.fromEntries(Object.entries(whole.layout.nodes).reverse()) },
    };
    expect(stringifyWorkflow(reversed)).toBe(stringifyWorkflow(whole));
  });

  test('W2 W3 one thing per line, sorted where order means nothing', () => {
    expect(stringifyWorkflow(whole)).toBe(`{
  "reelgraph": 1,
  "name": "Example",
  "description": "",
  "inputs": {
    "size": { "node": "abc", "param": "size", "label": "Größe \\"px\\"" },
    "first": { "node": "abc", "param": "seed", "label": "Seed" }
  },
  "outputs": {},
  "nodes": {
    "abc": { "type": "source", "version": 2, "params": { "seed": "18446744073709551615" } },
    "zed": { "type": "step", "version": 2, "title": "Zed", "mode": "bypassed", "params": { "mode": "good", "on": true } }
  },
  "edges": [
    { "from": ["abc", "latent"], "to": ["zed", "latent"] }
  ],
  "subgraphs": {
    "inner": {
      "title": "Inner",
      "description": "",
      "inputs": {
        "z": { "type": "latent", "label": "Z", "to": [["only", "latent"]] }
      },
      "outputs": {
        "a": { "type": "latent", "label": "A", "from": ["only", "latent"] }
      },
      "params": {},
      "nodes": {
        "only": { "type": "step", "version": 2, "params": {} }
      },
      "edges": [],
      "layout": {
        "nodes": {
          "only": [0, 0]
        }
      }
    }
  },
  "groups": {
    "g": { "title": "Group", "bounds": [0, 0, 10, 10] }
  },
  "comments": {
    "c": { "text": "line one\\nline two", "at": [1, 2] }
  },
  "layout": {
    "nodes": {
      "abc": [0, 0],
      "zed": [1.5, -2]
    },
    "viewport": { "x": 0, "y": 0, "zoom": 0.5 }
  }
}
`);
  });

  test('W3 moving a node changes one line', () => {
    const moved = {
      ...whole,
      layout: { ...whole.layout, nodes: { ...whole.layout.nodes, abc: [7, 7] as [number, number] } },
    };
    const [before, after] = [stringifyWorkflow(whole).split('\n'), stringifyWorkflow(moved).split('\n')];
    expect(after.filter((line, index) => line !== before[index])).toEqual(['      "abc": [7, 7],']);
  });

  test('W1 keeps texts that hold what JSON must escape', () => {
    const odd = { ...whole, name: 'quote " slash \\ line \u2028 lone \ud800 nul \u0000' };
    expect(read(stringifyWorkflow(odd)).name).toBe(odd.name);
  });

  const folder = new URL('../../../workflows/', import.meta.url);
  test.each(readdirSync(folder).filter((name) => name.endsWith('.json')))(
    'W4 workflows/%s is canonical',
    (name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      expect(stringifyWorkflow(read(text))).toBe(text);
    },
  );
});
