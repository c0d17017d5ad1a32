import type { Workflow } from '@reelgraph/graph';
import { type Draft, produce } from 'immer';
import { describe, expect, it } from 'vitest';
import { chain, smallCatalogue } from '../testing/small-graph.ts';
import { clipboardText, fragmentFromClipboard } from './clipboard.ts';
import * as edits from './edits.ts';

function after(recipe: (draft: Draft<Workflow>) => void, from = chain()): Workflow {
  return produce(from, recipe);
}

describe('edits of a workflow', () => {
  // noise ─→ denoise ─→ decode ─→ write, without denoise
  it('removes a node with its wires, its place and the names that expose it', () => {
    const exposed = {
      ...chain(),
      inputs: {
        steps: { node: 'denoise', param: 'steps', label: 'Steps' },
        seed: { node: 'noise', param: 'seed', label: 'Seed' },
      },
    };
    const result = after((draft) => edits.removeNodes(draft, ['denoise']), exposed);
    expect(Object.keys(result.nodes)).toEqual(['noise', 'decode', 'write']);
    expect(result.edges).toEqual([{ from: ['decode', 'frames'], to: ['write', 'frames'] }]);
    expect(result.layout.nodes.denoise).toBeUndefined();
    expect(Object.keys(result.inputs)).toEqual(['seed']);
  });

  it('replaces the wire an input has', () => {
    const result = after((draft) => edits.connect(draft, ['noise', 'latent'], ['decode', 'latent']));
    expect(result.edges).toHaveLength(3);
    expect(result.edges).toContainEqual({ from: ['noise', 'latent'], to: ['decode', 'latent'] });
    expect(result.edges).not.toContainEqual({ from: ['denoise', 'latent'], to: ['decode', 'latent'] });
  });

  it('changes nothing when a wire is drawn again', () => {
    const before = chain();
    expect(after((draft) => edits.connect(draft, ['noise', 'latent'], ['denoise', 'latent']), before)).toBe(
      before,
    );
  });

  it('takes a wire off', () => {
    const result = after((draft) =>
      edits.disconnect(draft, { from: ['noise', 'latent'], to: ['denoise', 'latent'] }),
    );
    expect(result.edges).toHaveLength(2);
  });

  it('rounds places and leaves nodes alone that did not move', () => {
    const before = chain();
    const result = after(
      (draft) =>
        edits.moveNodes(
          draft,
          new Map([
            ['noise', [1.4, 2.6]],
            ['decode', [600, 0]],
          ]),
        ),
      before,
    );
    expect(result.layout.nodes.noise).toEqual([1, 3]);
    expect(result.layout.nodes.decode).toBe(before.layout.nodes.decode);
  });

  it('mutes all, and unmutes when all are muted', () => {
    const once = after((draft) => edits.toggleMode(draft, ['noise', 'denoise'], 'muted'));
    expect([once.nodes.noise?.mode, once.nodes.denoise?.mode]).toEqual(['muted', 'muted']);
    const twice = after((draft) => edits.toggleMode(draft, ['noise', 'denoise'], 'muted'), once);
    expect(twice).toEqual(chain());
  });

  it('makes a node with the defaults of its type', () => {
    const info = smallCatalogue.get('denoise');
    expect(info && edits.nodeOfType(info)).toEqual({ type: 'denoise', version: 1, params: { steps: 20 } });
  });
});

describe('copy and paste', () => {
  // copied: noise ─→ denoise; the wire to decode leads out and stays behind
  it('takes the wires among the copied nodes along and puts the corner where it was asked to', () => {
    const fragment = fragmentFromClipboard(clipboardText(chain(), ['noise', 'denoise']));
    if (!fragment) throw new Error('the text on the clipboard was not understood');
    let ids: string[] = [];
    const result = after((draft) => {
      ids = edits.pasteFragment(draft, fragment, [1000, 500]);
    });
    expect(ids).toEqual(['noise-2', 'denoise-2']);
    expect(result.edges.slice(3)).toEqual([{ from: ['noise-2', 'latent'], to: ['denoise-2', 'latent'] }]);
    expect(result.layout.nodes['noise-2']).toEqual([1000, 500]);
    expect(result.layout.nodes['denoise-2']).toEqual([1300, 500]);
    expect(result.nodes['denoise-2']).toEqual(chain().nodes.denoise);
  });

  it('pastes any workflow and leaves other texts to others', () => {
    expect(Object.keys(fragmentFromClipboard(JSON.stringify(chain()))?.nodes ?? {})).toHaveLength(4);
    for (const text of ['', 'hello', '{', '{"a":1}', '[]'])
      expect(fragmentFromClipboard(text)).toBeUndefined();
  });
});
