import { documentLimits } from '@reelgraph/graph';
import { describe, expect, it } from 'vitest';
import { chain } from '../testing/small-graph.ts';
import { draftText, type KeptDraft, parseDraft } from './draft.ts';

describe('the text of a draft', () => {
  it('comes back as it was', () => {
    const draft: KeptDraft = {
      workflow: chain(),
      savedAs: 'chain',
      rollingSeeds: ['noise.seed'],
      runId: 'r1',
      waitingRuns: ['r2'],
      keptAtMs: 5,
      isClosed: true,
    };
    expect(parseDraft(draftText(draft))).toEqual(draft);
  });

  it('that is none is not taken for one', () => {
    for (const text of ['', '{', '{}', 'null', '{"workflow":{"reelgraph":99}}'])
      expect(parseDraft(text)).toBeUndefined();
  });

  it('is read by the parser of all workflows, within its bounds', () => {
    // The schema alone takes any number of nodes (and knows no older formats); the parser counts them.
    const node = { type: 'noise', version: 1, params: {} };
    const nodes = Object.fromEntries(
      Array.from({ length: documentLimits.nodes + 1 }, (_, index) => [`n${index}`, node]),
    );
    const text = JSON.stringify({ workflow: { ...chain(), nodes, edges: [] } });
    expect(parseDraft(text)).toBeUndefined();
  });
});
