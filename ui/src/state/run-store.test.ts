import type { RunState } from '@reelgraph/graph';
import type { Preview } from '@reelgraph/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunStore, resultsOf, runsNewestFirst } from './run-store.ts';

const run = (runId: string, part: Partial<RunState> = {}): RunState => ({
  runId,
  workflowName: 'Chain',
  status: 'running',
  lastSeq: 3,
  nodes: {},
  ...part,
});
const preview = (runId: string, step: number): Preview => ({
  runId,
  nodeId: 'denoise',
  step,
  mediaType: 'image/png',
  frameCount: 1,
  widthPx: 8,
  heightPx: 8,
  fps: 8,
  data: '',
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the runs', () => {
  it('fold the events of the server', () => {
    const store = new RunStore();
    const base = { runId: 'a', atMs: 1 };
    store.event({ ...base, seq: 1, type: 'run.queued', workflowName: 'Chain' });
    store.event({ ...base, seq: 2, type: 'run.started', nodeIds: ['noise', 'denoise'] });
    store.event({ ...base, seq: 3, type: 'node.started', nodeId: 'noise' });
    store.event({ ...base, seq: 4, type: 'node.progress', nodeId: 'noise', step: 1, totalSteps: 4 });
    store.show('a');
    vi.runAllTimers();
    expect(store.shown.get()).toMatchObject({
      status: 'running',
      nodes: { noise: { status: 'running', step: 1, totalSteps: 4 }, denoise: { status: 'waiting' } },
    });
  });

  it('tell of much that happens at once once, and of an end at once', () => {
    const store = new RunStore();
    const base = { runId: 'a', atMs: 1 };
    const nodeIds = Array.from({ length: 1000 }, (_, index) => `n${index}`);
    store.event({ ...base, seq: 1, type: 'run.started', nodeIds });
    const heard = vi.fn();
    store.runs.subscribe(heard);
    nodeIds.forEach((nodeId, index) => {
      store.event({ ...base, seq: 2 + index, type: 'node.started', nodeId });
    });
    expect(heard).not.toHaveBeenCalled();
    vi.runAllTimers();
    expect(heard).toHaveBeenCalledTimes(1);
    expect(store.runs.get().get('a')?.nodes.n999?.status).toBe('running');
    store.event({ ...base, seq: 2000, type: 'node.started', nodeId: 'n0' });
    store.event({ ...base, seq: 2001, type: 'run.finished', status: 'succeeded', durationMs: 1 });
    expect(heard).toHaveBeenCalledTimes(2);
    expect(store.runs.get().get('a')?.status).toBe('succeeded');
  });

  it('that waited are shown one after the other also after the page was loaded again', () => {
    const store = new RunStore();
    store.resume('a', ['b', 'c']);
    // "a" came to its end while nobody looked.
    store.welcome([run('a', { status: 'succeeded' }), run('b'), run('c', { status: 'queued' })], []);
    expect(store.shownId.get()).toBe('b');
    expect(store.waiting).toEqual(['c']);
    store.event({ runId: 'b', seq: 9, atMs: 1, type: 'run.finished', status: 'cancelled', durationMs: 1 });
    expect(store.shownId.get()).toBe('c');
    // Whoever looks at a past run is not taken away from it.
    store.show('a');
    store.welcome([run('a', { status: 'succeeded' }), run('c')], []);
    expect(store.shownId.get()).toBe('a');
  });

  it('are complete again after a reconnection that brings the picture', () => {
    const store = new RunStore();
    store.show('a');
    store.welcome(
      [run('a', { nodes: { denoise: { status: 'running', step: 7, totalSteps: 20 } } })],
      [preview('a', 7)],
    );
    expect(store.shown.get()?.nodes.denoise?.step).toBe(7);
    expect(store.previews.get().get('denoise')?.step).toBe(7);
  });

  it('are kept by a reconnection whose missed events follow', () => {
    const store = new RunStore();
    store.welcome([run('a')], []);
    store.welcome(undefined, []);
    expect([...store.runs.get().keys()]).toEqual(['a']);
  });

  it('show the previews of the shown run only, also one that came before its id was known', () => {
    const store = new RunStore();
    store.preview(preview('b', 1));
    expect(store.previews.get().size).toBe(0);
    store.show('b');
    expect(store.previews.get().get('denoise')?.step).toBe(1);
    store.preview(preview('other', 9));
    expect(store.previews.get().get('denoise')?.step).toBe(1);
  });

  it('started one after the other are shown one after the other', () => {
    const store = new RunStore();
    const begin = (runId: string, seq: number) =>
      store.event({ runId, seq, atMs: seq, type: 'run.queued', workflowName: 'Chain' });
    begin('a', 1);
    store.follow('a');
    begin('b', 1);
    store.follow('b');
    expect(store.shownId.get()).toBe('a');
    store.event({ runId: 'a', seq: 2, atMs: 2, type: 'run.finished', status: 'succeeded', durationMs: 1 });
    expect(store.shownId.get()).toBe('b');
    store.event({ runId: 'b', seq: 2, atMs: 3, type: 'run.finished', status: 'cancelled', durationMs: 1 });
    expect(store.shownId.get()).toBe('b');
  });

  it('list newest first, and each result once', () => {
    const file = (digest: string) => ({
      digest: digest.repeat(64),
      mediaType: 'video/mp4',
      byteLength: 1,
      name: 'clip.mp4',
    });
    const made = (digest: string) => ({
      save: {
        status: 'finished' as const,
        outputs: { video: { type: 'video' as const, facts: {}, file: file(digest) } },
      },
    });
    const runs = runsNewestFirst(
      new Map([
        ['old', run('old', { queuedAtMs: 1, nodes: made('a') })],
        ['new', run('new', { queuedAtMs: 3, nodes: made('b') })],
        ['same', run('same', { queuedAtMs: 2, nodes: made('a') })],
      ]),
    );
    expect(runs.map((one) => one.runId)).toEqual(['new', 'same', 'old']);
    expect(resultsOf(runs).map((item) => item.run.runId)).toEqual(['new', 'same']);
  });
});
