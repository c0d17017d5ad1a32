import { describe, expect, test } from 'vitest';
import { createRunFold, failuresOf, reduceRun, reduceRunEvents } from './fold-run.ts';
import type { RunEvent, RunEventBody, RunState } from './run-events.ts';

function events(...bodies: RunEventBody[]): RunEvent[] {
  return bodies.map((body, index) => ({ ...body, runId: 'r', seq: index + 1, atMs: 1000 + index }));
}

const story = events(
  { type: 'run.queued', workflowName: 'Text to video' },
  { type: 'run.started', nodeIds: ['a', 'b', 'c', 'd', 'e'] },
  { type: 'node.cached', nodeId: 'a', source: 'disk', outputs: {} },
  { type: 'node.started', nodeId: 'b', because: { code: 'param-changed', name: 'steps' }, lane: 'cpu' },
  { type: 'node.progress', nodeId: 'b', step: 3, totalSteps: 10, secondsPerStep: 0.5, etaSeconds: 3.5 },
  {
    type: 'node.finished',
    nodeId: 'b',
    durationMs: 5000,
    outputs: { n: { type: 'number', facts: {}, text: '1' } },
  },
  { type: 'node.started', nodeId: 'c' },
  { type: 'node.failed', nodeId: 'c', error: { code: 'model/damaged', message: 'The model is damaged.' } },
  { type: 'node.skipped', nodeId: 'd', because: 'it needs "c", which failed' },
  {
    type: 'run.finished',
    status: 'failed',
    durationMs: 9,
    error: { code: 'model/damaged', message: 'The model is damaged.' },
  },
);

describe('the picture of a run', () => {
  test('R1 R3 is the fold of its events', () => {
    expect(reduceRunEvents(undefined, story)).toEqual({
      runId: 'r',
      workflowName: 'Text to video',
      status: 'failed',
      lastSeq: 10,
      queuedAtMs: 1000,
      startedAtMs: 1001,
      finishedAtMs: 1009,
      error: { code: 'model/damaged', message: 'The model is damaged.' },
      nodes: {
        a: { status: 'cached', source: 'disk', outputs: {} },
        b: {
          status: 'finished',
          because: { code: 'param-changed', name: 'steps' },
          lane: 'cpu',
          durationMs: 5000,
          outputs: { n: { type: 'number', facts: {}, text: '1' } },
        },
        c: { status: 'failed', error: { code: 'model/damaged', message: 'The model is damaged.' } },
        d: { status: 'skipped', message: 'it needs "c", which failed' },
        e: { status: 'skipped' },
      },
    });
  });

  test('R1 shows a node at work', () => {
    const state = reduceRunEvents(undefined, story.slice(0, 5));
    expect(state?.nodes.b).toEqual({
      status: 'running',
      because: { code: 'param-changed', name: 'steps' },
      lane: 'cpu',
      step: 3,
      totalSteps: 10,
      secondsPerStep: 0.5,
      etaSeconds: 3.5,
    });
  });

  test('R1 one by one gives the same as all at once, and changes nothing it was given', () => {
    let state: RunState | undefined;
    for (const event of story) {
      const before = structuredClone(state);
      const after = reduceRun(state, event);
      expect(state).toEqual(before);
      state = after;
    }
    expect(state).toEqual(reduceRunEvents(undefined, story));
  });

  test('R2 sent twice, out of order, from elsewhere: nothing changes; gaps are allowed', () => {
    const whole = reduceRunEvents(undefined, story);
    const [first, second, , , progress] = story;
    if (whole === undefined || first === undefined || second === undefined || progress === undefined)
      throw new Error('the story is shorter');
    expect(reduceRunEvents(whole, story)).toBe(whole);
    expect(
      reduceRunEvents(
        undefined,
        story.flatMap((event) => [event, first, event]),
      ),
    ).toEqual(whole);
    expect(reduceRun(whole, { ...second, runId: 'other', seq: 99 })).toBe(whole);
    expect(
      reduceRunEvents(
        undefined,
        story.filter((event) => event !== progress),
      ),
    ).toEqual(whole);
  });

  test('R4 a fold changes in place what its owner sees, and no picture it was given or gave', () => {
    const [first, ...rest] = story;
    const whole = reduceRunEvents(undefined, story);
    if (first === undefined || whole === undefined) throw new Error('the story is shorter');
    const fold = createRunFold(first);
    const { state } = fold;
    const snapshots = rest.map((event) => {
      expect([fold.apply(event), fold.apply(event)]).toEqual([true, false]);
      expect(fold.state).toBe(state);
      return fold.snapshot();
    });
    expect(fold.state).toEqual(whole);
    snapshots.forEach((snapshot, index) => {
      expect(snapshot).toEqual(reduceRunEvents(undefined, story.slice(0, index + 2)));
    });

    const [begun] = snapshots;
    if (begun === undefined) throw new Error('the story is shorter');
    const before = structuredClone(begun);
    const again = createRunFold(begun);
    for (const event of story) again.apply(event);
    expect([again.state, begun]).toEqual([whole, before]);
    expect(again.apply({ ...first, runId: 'other', seq: 99 })).toBe(false);
  });

  test('R4 a report about one node of many touches that node only', () => {
    const ids = Array.from({ length: 5000 }, (_, index) => `n${index}`);
    const [begun, ...reports] = events(
      { type: 'run.started', nodeIds: ids },
      ...ids.map((nodeId): RunEventBody => ({ type: 'node.cached', nodeId, source: 'memory', outputs: {} })),
    );
    if (begun === undefined) throw new Error('the run has begun');
    const fold = createRunFold(begun);
    // A picture copied per event would be another object: for n nodes n copies of n entries.
    const { nodes } = fold.state;
    for (const event of reports) fold.apply(event);
    expect(fold.state.nodes).toBe(nodes);
    expect(fold.state).toEqual(reduceRunEvents(undefined, [begun, ...reports]));
  });
});

test('R1 every failure is listed with its node, and a failed node still says why it ran', () => {
  const failed = events(
    { type: 'run.started', nodeIds: ['a', 'b', 'c'] },
    { type: 'node.started', nodeId: 'a', because: { code: 'never-computed' } },
    { type: 'node.failed', nodeId: 'a', error: { code: 'x/a', message: 'A.', cause: 'out of memory' } },
    { type: 'node.failed', nodeId: 'b', error: { code: 'x/b', message: 'B.', hint: 'Try C.' } },
    { type: 'node.cached', nodeId: 'c', source: 'memory', outputs: {} },
    { type: 'run.finished', status: 'partial', durationMs: 1 },
  );
  const state = reduceRunEvents(undefined, failed);
  expect(state?.nodes.a?.because).toEqual({ code: 'never-computed' });
  expect(failuresOf(state ?? { nodes: {} })).toEqual([
    { nodeId: 'a', code: 'x/a', message: 'A.', cause: 'out of memory' },
    { nodeId: 'b', code: 'x/b', message: 'B.', hint: 'Try C.' },
  ]);
});
test('R1 what a node took in memory is known when it has ended', () => {
  const [started, finished] = events(
    { type: 'node.started', nodeId: 'a' },
    { type: 'node.finished', nodeId: 'a', durationMs: 90, outputs: {}, peakResidentBytes: 512 },
  );
  if (!started || !finished) throw new Error('the story is shorter');
  expect(reduceRunEvents(undefined, [started, finished])?.nodes.a?.peakResidentBytes).toBe(512);
});
test('R1 how long a node waited stays known however it ends', () => {
  const waited = (...bodies: RunEventBody[]) =>
    reduceRunEvents(undefined, events({ type: 'node.started', nodeId: 'a', waitedMs: 12 }, ...bodies))?.nodes
      .a?.waitedMs;
  expect(waited()).toBe(12);
  expect(waited({ type: 'node.progress', nodeId: 'a', step: 1, totalSteps: 2 })).toBe(12);
  expect(waited({ type: 'node.finished', nodeId: 'a', durationMs: 1, outputs: {} })).toBe(12);
  expect(waited({ type: 'node.failed', nodeId: 'a', error: { code: 'x/a', message: 'A.' } })).toBe(12);
});
test('R1 a node that went on from where an earlier run was interrupted says so, also when it is done', () => {
  const [started, progress, finished] = events(
    { type: 'node.started', nodeId: 'denoise' },
    { type: 'node.progress', nodeId: 'denoise', step: 8, totalSteps: 20, continuedFrom: 7 },
    { type: 'node.finished', nodeId: 'denoise', durationMs: 9, outputs: {}, continuedFrom: 7 },
  );
  if (!started || !progress || !finished) throw new Error('the story is shorter');
  const running = reduceRunEvents(undefined, [started, progress]);
  expect(running?.nodes.denoise).toMatchObject({ status: 'running', step: 8, continuedFrom: 7 });
  expect(reduceRunEvents(running, [finished])?.nodes.denoise).toMatchObject({ continuedFrom: 7 });
});

const died = { code: 'runner/gave-up', message: 'The server ended while it computed this run.' };
const interrupted = events(
  { type: 'run.queued', workflowName: 'Text to video' },
  { type: 'run.assigned', attempt: 1 },
  { type: 'run.started', nodeIds: ['a', 'b'] },
  { type: 'node.started', nodeId: 'a' },
  { type: 'run.interrupted', by: 'server', error: died },
);

test('R3 a run that was cancelled while it waited to be begun again counts no time and shows no failure', () => {
  const end = {
    type: 'run.finished',
    status: 'cancelled',
    durationMs: 0,
    runId: 'r',
    seq: 6,
    atMs: 500_000,
  } as const;
  const state = reduceRunEvents(undefined, [...interrupted, end]);
  expect(state).toMatchObject({
    status: 'cancelled',
    finishedAtMs: 500_000,
    interruptions: [{ error: died }],
  });
  expect(state?.startedAtMs).toBeUndefined();
  expect(state?.nodes).toEqual({ a: { status: 'skipped' }, b: { status: 'skipped' } });
});

test('R3 a run that is given up after an interruption shows its failure and the time of its last attempt', () => {
  const end = {
    type: 'run.finished',
    status: 'failed',
    durationMs: 400,
    runId: 'r',
    seq: 6,
    atMs: 1900,
  } as const;
  const state = reduceRunEvents(undefined, [...interrupted, { ...end, error: died }]);
  expect(state).toMatchObject({ status: 'failed', startedAtMs: 1500, finishedAtMs: 1900 });
  expect(failuresOf(state ?? { nodes: {} })).toEqual([{ nodeId: 'a', ...died }]);
});

test('R1 a run that is put back or interrupted has no beginning until it is begun again', () => {
  expect(reduceRunEvents(undefined, interrupted)?.startedAtMs).toBeUndefined();
  const again: RunEvent = { type: 'run.started', nodeIds: ['a', 'b'], runId: 'r', seq: 6, atMs: 9000 };
  expect(reduceRunEvents(undefined, [...interrupted, again])?.startedAtMs).toBe(9000);
  const released = { type: 'run.released', runId: 'r', seq: 5, atMs: 2000 } as const;
  expect(reduceRunEvents(undefined, [...interrupted.slice(0, 4), released])?.startedAtMs).toBeUndefined();
});
