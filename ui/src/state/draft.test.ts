import { describe, expect, it } from 'vitest';
import { chain } from '../testing/small-graph.ts';
import { readDraft, writeDraft } from './draft.ts';

function storage(content: Record<string, string> = {}) {
  const map = new Map(Object.entries(content));
  return {
    map,
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
    removeItem: (key: string) => void map.delete(key),
  };
}

describe('the draft', () => {
  it('comes back as it was', () => {
    const kept = storage();
    const draft = { workflow: chain(), savedAs: 'chain', rollingSeeds: ['noise.seed'], runId: 'r1' };
    expect(writeDraft(kept, draft)).toBe(true);
    expect(readDraft(kept)).toEqual(draft);
  });

  it('is nothing on a first visit', () => {
    expect(readDraft(storage())).toBeUndefined();
  });

  it('that cannot be read is put aside and not thrown away', () => {
    for (const text of ['{', '{}', '{"workflow":{"reelgraph":99}}', 'null']) {
      const kept = storage({ 'reelgraph.draft': text });
      expect(readDraft(kept)).toBeUndefined();
      expect(Object.fromEntries(kept.map)).toEqual({ 'reelgraph.draft.damaged': text });
    }
  });

  it('says when there is no room', () => {
    const full = {
      ...storage(),
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    };
    expect(writeDraft(full, { workflow: chain(), rollingSeeds: [] })).toBe(false);
  });
});
