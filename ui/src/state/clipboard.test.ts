import { documentLimits } from '@reelgraph/graph';
import { describe, expect, it } from 'vitest';
import { chain } from '../testing/small-graph.ts';
import { clipboardText, fragmentFromClipboard } from './clipboard.ts';

describe('the clipboard', () => {
  it('carries nodes with the wires among them', () => {
    const fragment = fragmentFromClipboard(clipboardText(chain(), ['noise', 'denoise']));
    expect(Object.keys(fragment?.nodes ?? {}).sort()).toEqual(['denoise', 'noise']);
    expect(fragment?.edges.map((edge) => [edge.from[0], edge.to[0]])).toEqual([['noise', 'denoise']]);
  });

  it('gives nothing for other texts, nor for more nodes than a workflow may hold', () => {
    const node = { type: 'noise', version: 1, params: {} };
    const nodes = Object.fromEntries(
      Array.from({ length: documentLimits.nodes + 1 }, (_, index) => [`n${index}`, node]),
    );
    const endless = JSON.stringify({ ...chain(), nodes, edges: [] });
    for (const text of ['', 'hello', '{', '{"a":1}', endless])
      expect(fragmentFromClipboard(text)).toBeUndefined();
  });
});
