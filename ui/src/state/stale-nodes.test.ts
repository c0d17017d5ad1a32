import { produce } from 'immer';
import { describe, expect, it } from 'vitest';
import { chain } from '../testing/small-graph.ts';
import { connect, moveNodes, setParam, setTitle } from './edits.ts';
import { staleNodes } from './stale-nodes.ts';

// noise ─→ denoise ─→ decode ─→ write
describe('stale results', () => {
  it('are those of a changed node and of all after it', () => {
    const now = produce(chain(), (draft) => {
      setParam(draft, 'denoise', 'steps', 30);
    });
    expect([...staleNodes(now, chain())].sort()).toEqual(['decode', 'denoise', 'write']);
  });

  it('are those after a changed wire', () => {
    const now = produce(chain(), (draft) => {
      connect(draft, ['noise', 'latent'], ['decode', 'latent']);
    });
    expect([...staleNodes(now, chain())].sort()).toEqual(['decode', 'write']);
  });

  it('are none after moving, renaming, or changing back', () => {
    const now = produce(chain(), (draft) => {
      moveNodes(draft, new Map([['noise', [9, 9]]]));
      setTitle(draft, 'noise', 'Mine');
      setParam(draft, 'noise', 'seed', '2');
      setParam(draft, 'noise', 'seed', '1');
      draft.edges.reverse();
    });
    expect(staleNodes(now, chain()).size).toBe(0);
  });
});
