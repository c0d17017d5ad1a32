import { describeNode } from '@reelgraph/node-api';
import { describe, expect, it } from 'vitest';
import { builtinNodes } from './index.ts';

describe.each([...builtinNodes.values()].map((node) => [node.type, node] as const))('%s', (type, node) => {
  const info = describeNode(node);

  it('is registered under its own kebab-case name', () => {
    expect(builtinNodes.get(type)).toBe(node);
    expect(type).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it('explains itself, every port and every param in whole sentences', () => {
    const texts = [
      info,
      ...Object.values(info.inputs),
      ...Object.values(info.outputs),
      ...Object.values(info.params),
    ];
    for (const text of texts) {
      expect(text.description, JSON.stringify(text)).toMatch(/^[A-Z].{10,}[.?]$/s);
    }
    for (const { label } of [...Object.values(info.inputs), ...Object.values(info.params)]) {
      expect(label).toMatch(/^[A-Z]/);
    }
  });

  it('has defaults that its own params allow', () => {
    for (const param of Object.values(info.params)) {
      if (param.kind === 'integer' || param.kind === 'number') {
        expect(param.default).toBeGreaterThanOrEqual(param.min);
        expect(param.default).toBeLessThanOrEqual(param.max);
      }
      if (param.kind === 'choice')
        expect(param.options.map((option) => option.value)).toContain(param.default);
    }
  });

  it('takes nothing but clips while they are still being made', () => {
    for (const port of node.growing ?? []) expect(info.inputs[port]?.type).toBe('frames');
  });

  it('survives being asked what it makes when nothing is connected or known', () => {
    const params = Object.fromEntries(
      Object.entries(info.params).map(([name, param]) => [name, param.default]),
    );
    const result = node.infer?.({ inputs: {}, params, context: { models: new Map() } });
    expect(Object.keys(result?.outputs ?? {}).every((port) => port in info.outputs)).toBe(true);
  });
});
