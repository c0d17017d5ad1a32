import { type RunEvent, type RunEventBody, type RunState, reduceRunEvents } from '@reelgraph/graph';
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
    error: { code: 'model/run-failed', message: 'Out of memory.', hint: 'Use a smaller size.' },
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
    const reporter = createLineReporter(output);
    for (const event of events) reporter.onEvent(event);
    reporter.finish(finalState(), saved);
    expect(text().match(/^denoise: step/gm)).toHaveLength(10);
    expect(text()).toContain('model: taken from cache\n');
    expect(text()).toContain('denoise: failed: Out of memory. [model/run-failed]\n  Use a smaller size.\n');
    expect(text()).toContain('save: skipped (denoise failed)\n');
    expect(text()).toMatch(/Saved \/x\/clip\.mp4\nFailed in 1\.6 s\.\n$/);
  });
});

describe('on a terminal', () => {
  it('the bar grows to the end of its line and never past it', () => {
    const { output, text } = record(60);
    const reporter = createBarReporter(output);
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
    expect(lines.at(-1)).toEqual({ type: 'result', runId: 'r', status: 'failed', files: saved });
  });
});
