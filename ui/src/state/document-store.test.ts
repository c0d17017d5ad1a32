import { describe, expect, it, vi } from 'vitest';
import { chain } from '../testing/small-graph.ts';
import { DocumentStore } from './document-store.ts';
import { connect, moveNodes, removeNodes, setParam } from './edits.ts';

function type(store: DocumentStore, text: string): void {
  store.edit(
    'Change steps',
    (draft) => {
      setParam(draft, 'denoise', 'steps', text);
    },
    { mergeKey: 'param denoise steps' },
  );
}

describe('the document store', () => {
  it('gives state, patches and inverse patches for an edit', () => {
    const store = new DocumentStore(chain());
    const before = store.get();
    const change = store.edit('Move node', (draft) => {
      moveNodes(draft, new Map([['noise', [50, 60]]]));
    });
    expect(change).toMatchObject({ cause: 'edit', label: 'Move node', previous: before });
    expect(change?.patches).toEqual([{ op: 'replace', path: ['layout', 'nodes', 'noise'], value: [50, 60] }]);
    expect(change?.inversePatches).toEqual([
      { op: 'replace', path: ['layout', 'nodes', 'noise'], value: [0, 0] },
    ]);
    expect(before.layout.nodes.noise).toEqual([0, 0]);
  });

  it('comes back to the very same document by undo, and forth again by redo, over many edits', () => {
    const store = new DocumentStore(chain());
    const states = [store.get()];
    const edits = [
      () =>
        store.edit('Delete node', (draft) => {
          removeNodes(draft, ['denoise']);
        }),
      () =>
        store.edit('Connect', (draft) => {
          connect(draft, ['noise', 'latent'], ['decode', 'latent']);
        }),
      () =>
        store.edit('Move', (draft) => {
          moveNodes(draft, new Map([['write', [1, 2]]]));
        }),
      () => store.edit('Open', () => ({ ...chain(), name: 'Another' })),
    ];
    for (const edit of edits) {
      edit();
      states.push(store.get());
    }
    for (const state of states.slice(0, -1).toReversed()) {
      store.undo();
      expect(store.get()).toEqual(state);
    }
    expect(store.undo()).toBeUndefined();
    for (const state of states.slice(1)) {
      store.redo();
      expect(store.get()).toEqual(state);
    }
    expect(store.redo()).toBeUndefined();
  });

  it('makes what is typed in one go one step, until the field is left', () => {
    const store = new DocumentStore(chain());
    for (const text of ['3', '30', '300']) type(store, text);
    store.seal();
    for (const text of ['4', '40']) type(store, text);
    expect(store.get().nodes.denoise?.params.steps).toBe('40');
    store.undo();
    expect(store.get().nodes.denoise?.params.steps).toBe('300');
    store.undo();
    expect(store.get().nodes.denoise?.params.steps).toBe(20);
    store.redo();
    expect(store.get().nodes.denoise?.params.steps).toBe('300');
  });

  it('keeps one patch for a thousand keystrokes in one place', () => {
    const store = new DocumentStore(chain());
    for (let n = 0; n < 1000; n++) type(store, String(n));
    expect(store.undo()?.inversePatches).toHaveLength(1);
    expect(store.get()).toEqual(chain());
  });

  it('does not join equal keys across an undo', () => {
    const store = new DocumentStore(chain());
    type(store, '1');
    store.seal();
    type(store, '2');
    store.undo();
    type(store, '3');
    store.undo();
    expect(store.get().nodes.denoise?.params.steps).toBe('1');
  });

  it('makes no step of an edit that changes nothing', () => {
    const store = new DocumentStore(chain());
    const heard = vi.fn();
    store.subscribe(heard);
    expect(store.edit('Nothing', () => undefined)).toBeUndefined();
    expect(heard).not.toHaveBeenCalled();
    expect(store.history.get()).toEqual({ undoLabel: undefined, redoLabel: undefined });
  });

  it('forgets what could be redone when something else is done', () => {
    const store = new DocumentStore(chain());
    type(store, '1');
    store.undo();
    expect(store.history.get().redoLabel).toBe('Change steps');
    store.edit('Delete node', (draft) => {
      removeNodes(draft, ['write']);
    });
    expect(store.history.get()).toEqual({ undoLabel: 'Delete node', redoLabel: undefined });
  });
});
