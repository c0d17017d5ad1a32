import {
  type GraphIssue,
  type RunEvent,
  type RunEventBody,
  type RunState,
  reduceRunEvents,
} from '@reelgraph/graph';
import { describe, expect, it } from 'vitest';
import { createBarReporter, createJsonReporter, createLineReporter, type Output } from './reporters.ts';

const bodies: RunEventBody[] = [
  { type: 'run.started', nodeIds: ['model', 'denoise', 'save'] },
  { type: 'node.cached', nodeId: 'model', source: 'disk', outputs: {} },
  { type: 'node.started', nodeId: 'denoise' },
  ...Array.from(
    { length: 100 },
    (_, index): RunEventBody => ({
      type: 'node.progress',
      nodeId: 'denoise',
      step: index + 1,
      totalSteps: 100,
      etaSeconds: 9,
    }),
  ),
  {
    type: 'node.failed',
    nodeId: 'denoise',
    error: {
      code: 'model/run-failed',
      message: 'Out of memory.',
      cause: 'the device was lost',
      hint: 'Use a smaller size.',
    },
  },
  { type: 'node.skipped', nodeId: 'save', because: 'denoise failed' },
  { type: 'run.finished', status: 'failed', durationMs: 1500 },
];
const events: RunEvent[] = bodies.map((body, index) => ({
  ...body,
  runId: 'r',
  seq: index + 1,
  atMs: index * 15,
}));

function finalState(): RunState {
  const state = reduceRunEvents(undefined, events);
  if (state === undefined) throw new Error('no events');
  return state;
}

function record(columns?: number): { output: Output; text: () => string } {
  let text = '';
  return {
    output: {
      write: (more) => {
        text += more;
      },
      columns,
    },
    text: () => text,
  };
}
const saved = [{ nodeId: 'save', path: '/x/clip.mp4', digest: 'd', mediaType: 'video/mp4', byteLength: 1 }];

describe('in a pipe', () => {
  it('a long step is about ten lines, and a failure says what to do', () => {
    const { output, text } = record();
    const reporter = createLineReporter(output, record().output);
    for (const event of events) reporter.onEvent(event);
    reporter.finish(finalState(), saved);
    expect(text().match(/^denoise: step/gm)).toHaveLength(10);
    expect(text()).toContain('model: taken from cache (disk)\n');
    expect(text()).toContain(
      'denoise: failed: Out of memory. [model/run-failed]\n  cause: the device was lost\n  Use a smaller size.\n',
    );
    expect(text()).toContain('save: skipped (denoise failed)\n');
    expect(text()).toMatch(/Saved \/x\/clip\.mp4\nFailed in 1\.6 s\.\n$/);
  });
});

describe('a run in part', () => {
  const partial = (failed: readonly string[]): RunEvent[] => {
    const told: RunEventBody[] = [
      { type: 'run.started', nodeIds: ['seed', 'a', 'b'] },
      {
        type: 'node.started',
        nodeId: 'seed',
        because: { code: 'param-changed', name: 'seed', from: '7', to: '8' },
      },
      { type: 'node.finished', nodeId: 'seed', durationMs: 20, outputs: {} },
      ...failed.map(
        (nodeId): RunEventBody => ({
          type: 'node.failed',
          nodeId,
          error: { code: `x/${nodeId}`, message: `${nodeId} broke.`, hint: `Mend ${nodeId}.` },
        }),
      ),
      { type: 'run.finished', status: 'partial', durationMs: 9 },
    ];
    return told.map((body, index) => ({ ...body, runId: 'r', seq: index + 1, atMs: index }));
  };

  it('says why each node ran, and at the end every failure with its node, code and hint', () => {
    const { output, text } = record();
    const reporter = createLineReporter(output, record().output);
    const happened = partial(['a', 'b']);
    for (const event of happened) reporter.onEvent(event);
    const state = reduceRunEvents(undefined, happened);
    if (state === undefined) throw new Error('no events');
    reporter.finish(state, []);
    expect(text()).toContain('seed: done in 20 ms, ran because seed changed from 7 to 8\n');
    expect(text()).toContain(
      '2 nodes failed:\n  a: failed: a broke. [x/a]\n    Mend a.\n  b: failed: b broke. [x/b]\n    Mend b.\nDone in part',
    );
  });
});

describe('what the check of a workflow warns of', () => {
  const warning = (nodeId: string): GraphIssue => ({
    code: 'shape/short',
    severity: 'warning',
    message: 'The clip is short.',
    nodeId,
  });

  it.each([
    ['in a pipe', createLineReporter],
    ['on a terminal', createBarReporter],
  ])('is told apart from what the run answers, %s', (_where, create) => {
    const [answer, warned] = [record(80), record()];
    const fix = {
      kind: 'set-param',
      label: 'make it longer',
      nodeId: 'a',
      param: 'frames',
      value: 9,
    } as const;
    create(answer.output, warned.output).onCheck([{ ...warning('a'), fix }]);
    expect(warned.text()).toBe(
      '  warning  a: The clip is short. [shape/short]\n         fix: make it longer\n',
    );
    expect(answer.text()).toBe('');
  });

  it('is told briefly', () => {
    const warned = record();
    const many = Array.from({ length: 9 }, (_, index) => warning(`n${index}`));
    createLineReporter(record().output, warned.output).onCheck(many);
    expect(warned.text()).toMatch(/n5: .*\n {2}and 3 more; "reelgraph check" lists them\n$/);
    expect(warned.text()).not.toContain('n6');
  });

  it('is data for a program, each a line', () => {
    const { output, text } = record();
    createJsonReporter(output).onCheck([warning('a')]);
    expect(JSON.parse(text())).toEqual({ type: 'issue', ...warning('a') });
  });
});

describe('on a terminal', () => {
  it('the bar grows to the end of its line and never past it', () => {
    const { output, text } = record(60);
    const reporter = createBarReporter(output, record().output);
    for (const event of events) reporter.onEvent(event);
    const drawn = text()
      .split('\r\u001b[2K')
      .filter((line) => line.includes('█') || line.includes('░'));
    const width = (line: string) => [...line].length;
    expect(Math.max(...drawn.map(width))).toBeLessThanOrEqual(59);
    const filled = drawn.map((line) => line.split('█').length - 1);
    expect(filled).toEqual(filled.toSorted((a, b) => a - b));
    expect(drawn.at(-1)).toMatch(/^1\/3 denoise 100\/100 █+ 9\.0 s left$/);
  });
});

describe('for a program', () => {
  it('what a run went on in spite of is a line, too', () => {
    const { output, text } = record();
    const reporter = createJsonReporter(output);
    reporter.warn({ nodeId: 'save', code: 'store/disk-full', message: 'The disk is full.' });
    reporter.note('Cancelling…');
    expect(
      text()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { type: 'warning', nodeId: 'save', code: 'store/disk-full', message: 'The disk is full.' },
      { type: 'note', message: 'Cancelling…' },
    ]);
  });

  it('every line is an event, and the last one the result', () => {
    const { output, text } = record();
    const reporter = createJsonReporter(output);
    for (const event of events) reporter.onEvent(event);
    reporter.finish(finalState(), saved);
    const lines: unknown[] = text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.slice(0, -1)).toEqual(events);
    expect(lines.at(-1)).toEqual({
      type: 'result',
      runId: 'r',
      status: 'failed',
      files: saved,
      failures: [
        {
          nodeId: 'denoise',
          code: 'model/run-failed',
          message: 'Out of memory.',
          cause: 'the device was lost',
          hint: 'Use a smaller size.',
        },
      ],
    });
  });
});

describe('a step that went on where an interrupted run was', () => {
  const bodies: RunEventBody[] = [
    { type: 'run.started', nodeIds: ['denoise', 'save'] },
    { type: 'node.started', nodeId: 'denoise' },
    ...[7, 8, 20].map(
      (step): RunEventBody => ({
        type: 'node.progress',
        nodeId: 'denoise',
        step,
        totalSteps: 20,
        continuedFrom: 7,
      }),
    ),
  ];
  const continued = bodies.map(
    (body, index): RunEvent => ({ ...body, runId: 'r', seq: index + 1, atMs: index }),
  );

  it('says so once, in a pipe', () => {
    const { output, text } = record();
    const reporter = createLineReporter(output, record().output);
    for (const event of continued) reporter.onEvent(event);
    expect(text()).toBe(
      'denoise: continued from step 7 of 20\ndenoise: step 8 of 20\ndenoise: step 20 of 20\n',
    );
  });

  it('says so once above the bar, which still counts it as at work', () => {
    const { output, text } = record(60);
    const reporter = createBarReporter(output, record().output);
    for (const event of continued) reporter.onEvent(event);
    expect(text().split('denoise: continued from step 7 of 20\n')).toHaveLength(2);
    expect(text()).toContain('0/2 denoise 20/20');
  });
});
