import { expect, test } from 'vitest';
import type { RunEvent, RunEventBody } from './run-events.ts';
import { type RunTrace, runTraceSchema, traceRun, traceText } from './trace.ts';

/** Events at milliseconds since the run was queued. */
function story(...moments: (readonly [atMs: number, body: RunEventBody])[]): RunEvent[] {
  return moments.map(([atMs, body], index) => ({ ...body, runId: 'r', seq: index + 1, atMs: 5000 + atMs }));
}
const queued = { type: 'run.queued', workflowName: 'Text to video' } as const;
const started = (...nodeIds: string[]) => ({ type: 'run.started', nodeIds }) as const;
const begun = (nodeId: string, lane: string) => ({ type: 'node.started', nodeId, lane }) as const;
const done = (nodeId: string, durationMs: number) =>
  ({ type: 'node.finished', nodeId, durationMs, outputs: {} }) as const;

/** `thread: name from-to`, milliseconds. */
function slices({ traceEvents }: RunTrace): string[] {
  const names = new Map(traceEvents.flatMap(({ ph, tid, args }) => (ph === 'M' ? [[tid, args?.name]] : [])));
  return traceEvents.flatMap(({ ph, tid, name, ts, dur = 0 }) =>
    ph === 'X' ? [`${names.get(tid)}: ${name} ${ts / 1000}-${(ts + dur) / 1000}`] : [],
  );
}

test('a run is a timeline: its own phases on one thread, its nodes on the threads of their lanes', () => {
  const trace = traceRun(
    story(
      [0, queued],
      [40, { type: 'run.assigned', attempt: 1 }],
      [45, started('text', 'denoise', 'decode', 'save')],
      [46, { type: 'node.cached', nodeId: 'text', source: 'disk', outputs: {} }],
      [
        50,
        {
          ...begun('denoise', 'inference:cpu'),
          nodeType: 'denoise',
          because: { code: 'param-changed', name: 'steps', from: '20', to: '30' },
        },
      ],
      [250, { ...done('denoise', 199.5), continuedFrom: 7, peakResidentBytes: 900 }],
      [260, { ...begun('decode', 'cpu'), waitedMs: 9 }],
      [300, { type: 'node.failed', nodeId: 'decode', error: { code: 'x/full', message: 'No room.' } }],
      [300, { type: 'node.skipped', nodeId: 'save', because: 'it needs "decode", which failed' }],
      [301, { type: 'run.finished', status: 'failed', durationMs: 256 }],
    ),
  );
  expect(runTraceSchema.parse(trace)).toEqual(trace);
  expect(slices(trace)).toEqual([
    'run: waits in the queue 0-40',
    'run: is given to a runner 40-45',
    'run: runs 45-301',
    'inference:cpu: denoise 50-249.5',
    'cpu: decode 260-300',
  ]);
  const argsOf = (name: string, ph: string) =>
    trace.traceEvents.find((event) => event.name === name && event.ph === ph)?.args;
  expect(argsOf('denoise', 'X')).toEqual({
    outcome: 'finished',
    reason: 'param-changed',
    ran: 'because steps changed from 20 to 30',
    durationMs: 199.5,
    continuedFrom: 7,
    peakResidentBytes: 900,
  });
  expect(argsOf('decode', 'X')).toMatchObject({ outcome: 'failed', error: 'x/full', waitedMs: 9 });
  expect(argsOf('text', 'i')).toEqual({ source: 'disk' });
  expect(argsOf('save', 'i')).toEqual({ because: 'it needs "decode", which failed' });
  expect(trace.otherData).toEqual({
    runId: 'r',
    workflowName: 'Text to video',
    beganAt: '1970-01-01T00:00:05.000Z',
  });
});

test('the time a node waited is a slice of its own, from when its inputs were there', () => {
  const trace = traceRun(story([0, started('a')], [30, { ...begun('a', 'cpu'), waitedMs: 20 }]));
  expect(trace.traceEvents.filter(({ cat }) => cat === 'waiting')).toEqual([
    expect.objectContaining({
      ph: 'b',
      name: 'waits (cpu)',
      ts: 10_000,
      id: '1/a',
      args: { nodeId: 'a', waitedMs: 20 },
    }),
    expect.objectContaining({ ph: 'e', ts: 30_000, id: '1/a' }),
  ]);
});

test('nodes side by side in a lane are on threads of their own, and a place that is free is taken again', () => {
  const trace = traceRun(
    story(
      [0, started('a', 'b', 'c')],
      [1, begun('a', 'cpu')],
      [2, begun('b', 'cpu')],
      [5, done('a', 4)],
      [5, begun('c', 'cpu')],
      [8, done('c', 3)],
      [9, done('b', 7)],
    ),
  );
  expect(slices(trace)).toEqual(['run: runs 0-9', 'cpu: a 1-5', 'cpu (2): b 2-9', 'cpu: c 5-8']);
});

test('quick nodes follow each other within a millisecond and share a thread', () => {
  const trace = traceRun(
    story(
      [0, started('a', 'b')],
      [1, begun('a', 'cpu')],
      [1, done('a', 0.25)],
      [1, begun('b', 'cpu')],
      [1, done('b', 0.5)],
    ),
  );
  expect(slices(trace)).toEqual(['run: runs 0-1', 'cpu: a 1-1.25', 'cpu: b 1.25-1.75']);
});

test('what a dead runner was at ends with it, and is there once more in the next attempt', () => {
  const trace = traceRun(
    story(
      [0, queued],
      [1, { type: 'run.assigned', attempt: 1 }],
      [2, started('a')],
      [3, begun('a', 'cpu')],
      [10, { type: 'run.interrupted', by: 'runner', error: { code: 'runner/died', message: 'It died.' } }],
      [11, { type: 'run.assigned', attempt: 2 }],
      [12, started('a')],
      [13, begun('a', 'cpu')],
      [20, done('a', 7)],
      [21, { type: 'run.finished', status: 'succeeded', durationMs: 9 }],
    ),
  );
  expect(slices(trace)).toEqual([
    'run: waits in the queue 0-1',
    'run: is given to a runner 1-2',
    'run: runs 2-10',
    'cpu: a 3-10',
    'run: waits in the queue 10-11',
    'run: is given to a runner 11-12',
    'run: runs 12-21',
    'cpu: a 13-20',
  ]);
  expect(
    trace.traceEvents.flatMap(({ name, ph, args }) => (name === 'a' && ph === 'X' ? [args] : [])),
  ).toEqual([
    { outcome: 'interrupted', error: 'runner/died' },
    { outcome: 'finished', durationMs: 7 },
  ]);
});

test('a run that goes on is drawn up to its last event', () => {
  const trace = traceRun(story([0, started('a', 'b')], [1, begun('a', 'cpu')], [4, begun('b', 'cpu')]));
  expect(slices(trace)).toEqual(['run: runs 0-4', 'cpu: a 1-4', 'cpu (2): b 4-4.001']);
  expect(traceRun([]).traceEvents).toEqual([]);
});

test('waiting for what another run computes is a slice, from the waiting to where the result came from', () => {
  const waiting = (nodeId: string) => ({ type: 'node.waiting', nodeId, for: 'another-run' }) as const;
  const trace = traceRun(
    story(
      [0, started('a', 'b')],
      [5, waiting('a')],
      [6, waiting('b')],
      [20, { type: 'node.cached', nodeId: 'a', source: 'disk', outputs: {} }],
      [25, begun('b', 'cpu')],
    ),
  );
  const waits = trace.traceEvents.filter(({ name }) => name === 'waits (another run)');
  expect(waits.map(({ ph, ts, id }) => `${ph} ${id} ${ts / 1000}`)).toEqual([
    'b 1/a/other 5',
    'b 1/b/other 6',
    'e 1/a/other 20',
    'e 1/b/other 25',
  ]);
});

test('the text of a trace is its JSON, in however many pieces', () => {
  const ids = Array.from({ length: 700 }, (_, index) => `n${index}`);
  const nodes = ids.flatMap((id, index): [number, RunEventBody][] => [
    [index, begun(id, 'cpu')],
    [index, done(id, 0.5)],
  ]);
  for (const trace of [traceRun([]), traceRun(story([0, started(...ids)], ...nodes))]) {
    const pieces = [...traceText(trace)];
    expect(JSON.parse(pieces.join(''))).toEqual(trace);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(150_000);
  }
});
