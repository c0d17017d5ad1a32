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

  it('is read within the bounds of every workflow', () => {
    // The schema alone would take this name; the parser of workflows refuses it.
    const text = JSON.stringify({ workflow: chain() }).replace('"params":{', '"params":{"constructor":1,');
    expect(parseDraft(text)).toBeUndefined();
  });
});
